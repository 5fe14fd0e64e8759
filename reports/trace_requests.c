/* trace_requests.c - a served queue: a track a request, and what the queue did. */
#include "reports/json_text.h"
#include "reports/trace_internal.h"

#include <inttypes.h>
#include <math.h>

static int64_t ns_of(double seconds)
{
    return llround(seconds * 1e9);
}

static void print_wide(FILE *out, const char *key, fl_wide value)
{
    char text[FL_WIDE_DIGITS];
    fprintf(out, ",\"%s\":%s", key, fl_wide_text(value, text));
}

/* A part of a request's life; nothing where it did not come to that or took no time: a reader that
 * sorts by time cannot tell the end of such a slice from its beginning. */
static void print_part(struct fl_trace_writer *writer, int thread, const char *name,
                       double begins_s, double ends_s)
{
    if (!isfinite(begins_s) || !isfinite(ends_s) || ns_of(begins_s) == ns_of(ends_s))
        return;
    fl_trace_event(writer, 'B', FL_TRACE_REQUESTS, thread, "request", name, ns_of(begins_s));
    fputc('}', writer->out);
    fl_trace_end(writer, FL_TRACE_REQUESTS, thread, "request", name, ns_of(ends_s));
}

static void print_refused(struct fl_trace_writer *writer, int thread,
                          const struct fl_serving_request *request)
{
    fl_trace_event(writer, 'i', FL_TRACE_REQUESTS, thread, "request", "refused",
                   ns_of(request->arrival_s));
    fputs(",\"s\":\"t\",\"args\":{\"reason\":", writer->out);
    fl_json_text(writer->out, request->refusal);
    fputs("}}", writer->out);
}

static void print_request(struct fl_trace_writer *writer, int thread, const char *name,
                          const struct fl_serving_request *request)
{
    FILE *out = writer->out;
    if (request->refusal) {
        print_refused(writer, thread, request);
        return;
    }
    const bool done = !isnan(request->finished_s);
    fl_trace_event(writer, done ? 'B' : 'i', FL_TRACE_REQUESTS, thread, "request",
                   done ? name : "unfinished", ns_of(request->arrival_s));
    if (!done)
        fputs(",\"s\":\"t\"", out);
    fprintf(out,
            ",\"args\":{\"line\":%d,\"n_prompt\":%d,\"n_output\":%d,\"n_preempted\":%d,"
            "\"n_reused\":%" PRId64 ",\"n_repeated\":%" PRId64,
            request->line, request->n_prompt, request->n_output, request->n_preempted,
            request->n_reused, request->n_repeated);
    print_wide(out, "flops", request->flops);
    print_wide(out, "bytes", request->bytes);
    fputs("}}", out);
    print_part(writer, thread, "queued", request->arrival_s, request->started_s);
    print_part(writer, thread, "prefill", request->started_s, request->first_token_s);
    print_part(writer, thread, "decode", request->first_token_s, request->finished_s);
    if (done)
        fl_trace_end(writer, FL_TRACE_REQUESTS, thread, "request", name,
                     ns_of(request->finished_s));
}

static void print_queue(struct fl_trace_writer *writer, const struct fl_serving_pass *pass)
{
    const struct {
        const char *name, *unit;
        int value;
    } counters[] = {{"running", "requests", pass->n_running},
                    {"queued", "requests", pass->n_queued},
                    {"tokens in the pass", "tokens", pass->n_rows}};
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        fl_trace_counter(writer, FL_TRACE_REQUESTS, counters[i].name, counters[i].unit,
                         ns_of(pass->begins_s), counters[i].value);
    fl_trace_counter(writer, FL_TRACE_REQUESTS, "KV-cache blocks in use", "blocks",
                     ns_of(pass->ends_s), pass->n_blocks);
}

void fl_trace_requests(struct fl_trace_writer *writer, const struct fl_trace *trace)
{
    char name[32];
    fl_trace_name(writer, FL_TRACE_REQUESTS, -1, "requests");
    for (int i = 0; i < trace->n_requests; i++) {
        snprintf(name, sizeof name, "request %d", i + 1);
        fl_trace_name(writer, FL_TRACE_REQUESTS, i + 1, name);
        print_request(writer, i + 1, name, &trace->requests[i]);
    }
    for (int i = 0; i < trace->n_passes; i++)
        print_queue(writer, &trace->passes[i]);
}
