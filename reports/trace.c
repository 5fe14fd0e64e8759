#include "reports/trace.h"

#include "base/file.h"
#include "base/version.h"
#include "ledger/ledger.h"
#include "reports/json_text.h"
#include "reports/trace_internal.h"
#include "reports/trace_shapes.h"

#include <inttypes.h>
#include <math.h>

/* ---- events ---- */

/* Whole nanoseconds as microseconds, the unit of the format. */
static void print_us(FILE *out, int64_t ns)
{
    const int64_t whole = ns / 1000, rest = ns % 1000;
    fprintf(out, "%s%" PRId64 ".%03" PRId64, ns < 0 ? "-" : "", whole < 0 ? -whole : whole,
            rest < 0 ? -rest : rest);
}

static void next_event(struct fl_trace_writer *writer)
{
    fputs(writer->any ? ",\n" : "\n", writer->out);
    writer->any = true;
}

void fl_trace_event(struct fl_trace_writer *writer, char phase, int process, int thread,
                    const char *category, const char *name, int64_t ts_ns)
{
    FILE *out = writer->out;
    next_event(writer);
    fprintf(out, "{\"ph\":\"%c\",\"pid\":%d,\"tid\":%d,\"cat\":\"%s\",\"name\":", phase, process,
            thread, category);
    fl_json_text(out, name);
    fputs(",\"ts\":", out);
    print_us(out, ts_ns);
}

void fl_trace_end(struct fl_trace_writer *writer, int process, int thread, const char *category,
                  const char *name, int64_t ts_ns)
{
    fl_trace_event(writer, 'E', process, thread, category, name, ts_ns);
    fputc('}', writer->out);
}

void fl_trace_name(struct fl_trace_writer *writer, int process, int thread, const char *name)
{
    FILE *out = writer->out;
    const bool is_thread = thread >= 0;
    next_event(writer);
    fprintf(out, "{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"%s\",\"args\":{\"name\":", process,
            is_thread ? thread : 0, is_thread ? "thread_name" : "process_name");
    fl_json_text(out, name);
    fputs("}}", out);
    /* in the order of their numbers, not of their names */
    next_event(writer);
    fprintf(out,
            "{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"%s\",\"args\":{\"sort_index\":%d}}",
            process, is_thread ? thread : 0, is_thread ? "thread_sort_index" : "process_sort_index",
            is_thread ? thread : process);
}

void fl_trace_counter(struct fl_trace_writer *writer, int process, const char *name,
                      const char *unit, int64_t ts_ns, double value)
{
    fl_trace_event(writer, 'C', process, 0, "counter", name, ts_ns);
    fprintf(writer->out, ",\"args\":{\"%s\":%.9g}}", unit, value);
}

/* ---- passes, layers, operators ---- */

static void print_cost(FILE *out, struct fl_cost cost)
{
    fprintf(out,
            "\"flops\":%" PRIu64 ",\"macs\":%" PRIu64 ",\"elementwise\":%" PRIu64
            ",\"bytes_read\":%" PRIu64 ",\"bytes_written\":%" PRIu64,
            fl_cost_flops(cost), cost.macs, cost.elementwise, cost.bytes_read, cost.bytes_written);
}

/* Where a track is in its log, and the time that its log's clock is ahead of the trace's. */
struct cursor {
    const struct fl_trace_track *track;
    size_t pass, past_the_last;
    int thread;
    int64_t ahead_ns;
};

static const struct fl_event_pass *pass_of(const struct cursor *cursor)
{
    return &cursor->track->log->passes[cursor->pass];
}

static void look_at_clock(struct cursor *cursor, uint64_t origin_ns)
{
    const struct fl_serving_pass *clock = cursor->track->clock;
    cursor->ahead_ns = (int64_t)origin_ns;
    if (clock) {
        const double begins_s = clock[cursor->pass - cursor->track->first_pass].begins_s;
        cursor->ahead_ns = (int64_t)pass_of(cursor)->begins_ns - llround(begins_s * 1e9);
    }
}

static int64_t at(const struct cursor *cursor, uint64_t ns)
{
    return (int64_t)ns - cursor->ahead_ns;
}

static struct fl_cost sum_of(const struct fl_event *events, size_t n)
{
    struct fl_cost sum = {0};
    for (size_t i = 0; i < n; i++)
        sum = fl_cost_add(sum, events[i].cost);
    return sum;
}

static const char *pass_name(const struct cursor *cursor, const struct fl_event *events)
{
    const struct fl_event_pass *pass = pass_of(cursor);
    const bool encodes = pass->n > 0 && events[0].row > cursor->track->config->n_layers;
    return encodes ? "encode" : pass->phase ? pass->phase : "forward";
}

static void begin_pass(struct fl_trace_writer *writer, const struct cursor *cursor,
                       const struct fl_event *events)
{
    const struct fl_event_pass *pass = pass_of(cursor);
    FILE *out = writer->out;
    fl_trace_event(writer, 'B', FL_TRACE_ENGINE, cursor->thread, "pass", pass_name(cursor, events),
                   at(cursor, pass->begins_ns));
    fprintf(out, ",\"args\":{\"pass\":%zu,\"n_seqs\":%d,\"n_tokens\":%d,\"n_held\":%" PRId64 ",",
            cursor->pass - cursor->track->first_pass, pass->shape.n_seqs, pass->shape.n_rows,
            pass->shape.n_held);
    print_cost(out, sum_of(events, pass->n));
    fputs("}}", out);
}

/* The layer that a row of the ledger is, or a negative number where it is none. */
static int layer_of(const struct fl_config *config, int row, bool *encoder)
{
    *encoder = row > config->n_layers;
    if (*encoder)
        row -= config->n_layers + 1;
    return row < (*encoder ? config->n_encoder_layers : config->n_layers) ? row : -1;
}

static void print_rates(struct fl_trace_writer *writer, int64_t ts_ns, double flops, double bytes,
                        double time_ns)
{
    fl_trace_counter(writer, FL_TRACE_ENGINE, "achieved FLOP/s", "GFLOP/s", ts_ns,
                     time_ns > 0 ? flops / time_ns : 0);
    fl_trace_counter(writer, FL_TRACE_ENGINE, "achieved bytes/s", "GB/s", ts_ns,
                     time_ns > 0 ? bytes / time_ns : 0);
}

static void print_operator(struct fl_trace_writer *writer, const struct cursor *cursor,
                           const struct fl_event *event)
{
    FILE *out = writer->out;
    const struct fl_config *config = cursor->track->config;
    const char *name = fl_operator_name(event->op);
    const int64_t begins_ns = at(cursor, event->begins_ns), ends_ns = at(cursor, event->ends_ns);
    bool encoder;
    char shape[FL_TRACE_SHAPE_TEXT];
    const int layer = layer_of(config, event->row, &encoder);
    fl_trace_event(writer, 'B', FL_TRACE_ENGINE, cursor->thread, "operator", name, begins_ns);
    fputs(",\"args\":{", out);
    if (layer >= 0)
        fprintf(out, "\"layer\":%d,", layer);
    if (fl_trace_shape(shape, event, config))
        fprintf(out, "\"shape\":\"%s\",", shape);
    print_cost(out, event->cost);
    fputs("}}", out);
    print_rates(writer, begins_ns, (double)fl_cost_flops(event->cost),
                (double)event->cost.bytes_read + (double)event->cost.bytes_written,
                (double)(ends_ns - begins_ns));
    fl_trace_end(writer, FL_TRACE_ENGINE, cursor->thread, "operator", name, ends_ns);
}

/* Operators of one row of the ledger that follow one another: a slice around them where the row is
 * a layer. */
static void print_row(struct fl_trace_writer *writer, const struct cursor *cursor,
                      const struct fl_event *events, size_t n)
{
    char name[64];
    bool encoder;
    const int layer = layer_of(cursor->track->config, events[0].row, &encoder);
    snprintf(name, sizeof name, "%slayer %d", encoder ? "encoder " : "", layer);
    if (layer >= 0) {
        fl_trace_event(writer, 'B', FL_TRACE_ENGINE, cursor->thread, "layer", name,
                       at(cursor, events[0].begins_ns));
        fprintf(writer->out, ",\"args\":{\"layer\":%d,", layer);
        print_cost(writer->out, sum_of(events, n));
        fputs("}}", writer->out);
    }
    for (size_t i = 0; i < n; i++)
        print_operator(writer, cursor, &events[i]);
    if (layer >= 0)
        fl_trace_end(writer, FL_TRACE_ENGINE, cursor->thread, "layer", name,
                     at(cursor, events[n - 1].ends_ns));
}

/* The cursor's pass with all that is in it. */
static void print_all(struct fl_trace_writer *writer, const struct cursor *cursor,
                      int64_t *n_tokens)
{
    const struct fl_event_pass *pass = pass_of(cursor);
    const struct fl_event *events = cursor->track->log->events + pass->first;
    const int64_t ends_ns = at(cursor, pass->ends_ns);
    begin_pass(writer, cursor, events);
    for (size_t i = 0, n; i < pass->n; i += n) {
        for (n = 1; i + n < pass->n && events[i + n].row == events[i].row;)
            n++;
        print_row(writer, cursor, events + i, n);
    }
    fl_trace_end(writer, FL_TRACE_ENGINE, cursor->thread, "pass", pass_name(cursor, events),
                 ends_ns);
    *n_tokens += pass->shape.n_rows;
    print_rates(writer, ends_ns, 0, 0, 0);
    fl_trace_counter(writer, FL_TRACE_ENGINE, "tokens run", "tokens", ends_ns, (double)*n_tokens);
    fl_trace_counter(writer, FL_TRACE_ENGINE, "KV cache", "bytes", ends_ns,
                     (double)pass->shape.held_bytes);
}

/* ---- the file ---- */

/* The track whose next pass begins first: sessions take turns. NULL when all are through. */
static struct cursor *earliest(struct cursor *cursors, int n)
{
    struct cursor *first = NULL;
    for (int i = 0; i < n; i++)
        if (cursors[i].pass < cursors[i].past_the_last &&
            (!first || pass_of(&cursors[i])->begins_ns < pass_of(first)->begins_ns))
            first = &cursors[i];
    return first;
}

enum { TRACKS_MOST = 8 };

static void print_tracks(struct fl_trace_writer *writer, const struct fl_trace *trace)
{
    struct cursor cursors[TRACKS_MOST] = {{0}};
    const int n = trace->n_tracks < TRACKS_MOST ? trace->n_tracks : TRACKS_MOST;
    int64_t n_tokens = 0;
    uint64_t origin_ns = 0;
    for (int i = 0; i < n; i++) {
        const struct fl_trace_track *track = &trace->tracks[i];
        const size_t first = track->first_pass;
        cursors[i] = (struct cursor){.track = track,
                                     .pass = first,
                                     .past_the_last = track->n_passes ? first + track->n_passes
                                                                      : track->log->n_passes,
                                     .thread = i + 1};
        fl_trace_name(writer, FL_TRACE_ENGINE, i + 1, track->name);
    }
    const struct cursor *begin = earliest(cursors, n);
    if (begin)
        origin_ns = pass_of(begin)->begins_ns;
    for (struct cursor *next; (next = earliest(cursors, n)) != NULL; next->pass++) {
        look_at_clock(next, origin_ns);
        print_all(writer, next, &n_tokens);
    }
}

static void print_facts(FILE *out, const struct fl_trace *trace)
{
    int64_t n_left_out = 0;
    for (int i = 0; i < trace->n_tracks; i++)
        n_left_out += trace->tracks[i].log->n_left_out;
    fprintf(out,
            "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"program\":\"flopledger " FL_VERSION "\","
            "\"commit\":");
    fl_json_text(out, fl_version_commit);
    fprintf(out,
            ",\"schema\":1,\"convention\":\"counted; unit=flop, a fused multiply-add is 2; bytes "
            "are compulsory traffic\",\"passes_left_out\":%" PRId64,
            n_left_out);
    for (int i = 0; trace->facts && trace->facts[i]; i += 2) {
        fputc(',', out);
        fl_json_text(out, trace->facts[i]);
        fputc(':', out);
        fl_json_text(out, trace->facts[i + 1]);
    }
    fputs("},\"traceEvents\":[", out);
}

static void print_trace(FILE *out, const struct fl_trace *trace)
{
    struct fl_trace_writer writer = {.out = out};
    print_facts(out, trace);
    if (trace->n_tracks > 0) {
        fl_trace_name(&writer, FL_TRACE_ENGINE, -1, trace->title);
        print_tracks(&writer, trace);
    }
    if (trace->requests)
        fl_trace_requests(&writer, trace);
    fputs("\n]}\n", out);
}

int fl_trace_write(const char *path, const struct fl_trace *trace, struct fl_error *error)
{
    struct fl_output output;
    if (fl_output_open(&output, path, error) != FL_OK)
        return FL_FAILED;
    print_trace(output.stream, trace);
    return fl_output_commit(&output, error);
}
