/* --trace of audit, generate and serve-trace: the file is what viewers of the Trace Event Format
 * read, and it adds up to what the command printed. */
#include "ledger/operators.h"
#include "tests/cli/run.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run_scratch scratch;
static char path[96];

static void setup(void)
{
    run_scratch_make(&scratch);
    snprintf(path, sizeof path, "%s/trace.json", scratch.path);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_trace, .init = setup, .fini = teardown);

/* ---- reading a trace ---- */

static cJSON *parse_file(void)
{
    char *text = run_read("%s", path);
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithOpts(text, &end, true);
    cr_assert_not_null(root, "no JSON from here on: %.80s", end);
    free(text);
    return root;
}

static const char *string_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    cr_assert(cJSON_IsString(item), "%s: expected text", key);
    return item->valuestring;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    cr_assert(cJSON_IsNumber(item), "%s: expected a number", key);
    return item->valuedouble;
}

/* Microseconds with three decimals are whole nanoseconds; below 2^53 none is lost. */
static int64_t ns_of(const cJSON *event, const char *key)
{
    return llround(number(event, key) * 1000);
}

/* One track: what is open, from the outside in. */
enum { DEPTH_MOST = 3, TRACKS_MOST = 200 };
struct track {
    int pid, tid, depth;
    const cJSON *open[DEPTH_MOST]; /* where each begins */
    int64_t last_ns;
};

struct seen {
    struct track tracks[TRACKS_MOST];
    int n_tracks, n_passes, n_layers, n_requests, n_counters, n_shapes;
    int64_t op_time_ns[FL_N_OPERATORS];
    double op_flops[FL_N_OPERATORS], op_bytes[FL_N_OPERATORS];
    int64_t pass_flops, layer_and_global_flops;
    double most_kv_bytes, tokens;
};

static struct track *track_of(struct seen *seen, const cJSON *event)
{
    const int pid = (int)number(event, "pid"), tid = (int)number(event, "tid");
    for (int i = 0; i < seen->n_tracks; i++)
        if (seen->tracks[i].pid == pid && seen->tracks[i].tid == tid)
            return &seen->tracks[i];
    cr_assert_lt(seen->n_tracks, TRACKS_MOST);
    seen->tracks[seen->n_tracks] = (struct track){.pid = pid, .tid = tid};
    return &seen->tracks[seen->n_tracks++];
}

/* The track of an event, on which time goes on: so what ends lies within what is open around it. */
static struct track *take_time(struct seen *seen, const cJSON *event)
{
    struct track *track = track_of(seen, event);
    const int64_t ns = ns_of(event, "ts");
    cr_expect_geq(ns, track->last_ns, "%s is before its predecessor", string_of(event, "name"));
    track->last_ns = ns;
    return track;
}

static void take_begin(struct seen *seen, const cJSON *event)
{
    struct track *track = take_time(seen, event);
    cr_assert_lt(track->depth, DEPTH_MOST);
    track->open[track->depth++] = event;
}

/* What ends is the innermost that is open; a request's parts take time. */
static int64_t take_end(struct track *track, const cJSON *event)
{
    cr_assert_gt(track->depth, 0, "%s ends, but nothing is open", string_of(event, "name"));
    const cJSON *begin = track->open[--track->depth];
    cr_expect_str_eq(string_of(event, "name"), string_of(begin, "name"));
    cr_expect_str_eq(string_of(event, "cat"), string_of(begin, "cat"));
    const int64_t time_ns = ns_of(event, "ts") - ns_of(begin, "ts");
    cr_expect(time_ns > 0 || strcmp(string_of(event, "cat"), "request") != 0);
    return time_ns;
}

static void take_operator(struct seen *seen, const cJSON *event, int depth, int64_t time_ns)
{
    const enum fl_operator op = fl_operator_find(string_of(event, "name"));
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(event, "args");
    cr_assert_lt((int)op, FL_N_OPERATORS, "no operator %s", string_of(event, "name"));
    cr_expect_eq(depth, cJSON_HasObjectItem(args, "layer") ? 3 : 2);
    cr_expect_eq(number(args, "flops"), 2 * number(args, "macs") + number(args, "elementwise"));
    seen->op_time_ns[op] += time_ns;
    seen->op_flops[op] += number(args, "flops");
    seen->op_bytes[op] += number(args, "bytes_read") + number(args, "bytes_written");
    seen->n_shapes += cJSON_HasObjectItem(args, "shape");
    if (!cJSON_HasObjectItem(args, "layer"))
        seen->layer_and_global_flops += (int64_t)number(args, "flops");
}

static void take_counter(struct seen *seen, const cJSON *event)
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(event, "args");
    const char *name = string_of(event, "name");
    cr_assert_eq(cJSON_GetArraySize(args), 1);
    const double value = args->child->valuedouble;
    cr_expect(isfinite(value) && value >= 0, "%s: %g", name, value);
    seen->n_counters++;
    if (strcmp(name, "KV cache") == 0)
        seen->most_kv_bytes = fmax(seen->most_kv_bytes, value);
    if (strcmp(name, "tokens run") == 0) {
        cr_expect_geq(value, seen->tokens, "tokens are added up");
        seen->tokens = value;
    }
}

/* A slice that has ended. */
static void take_slice(struct seen *seen, const cJSON *end)
{
    struct track *track = take_time(seen, end);
    const int depth = track->depth;
    const int64_t time_ns = take_end(track, end);
    const cJSON *begin = track->open[depth - 1];
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(begin, "args");
    const char *category = string_of(begin, "cat");
    if (strcmp(category, "pass") == 0) {
        cr_expect_eq(depth, 1);
        seen->n_passes++;
        seen->pass_flops += (int64_t)number(args, "flops");
    } else if (strcmp(category, "layer") == 0) {
        cr_expect_eq(depth, 2);
        seen->n_layers++;
        seen->layer_and_global_flops += (int64_t)number(args, "flops");
    } else if (strcmp(category, "operator") == 0) {
        take_operator(seen, begin, depth, time_ns);
    } else {
        cr_assert_str_eq(category, "request");
        seen->n_requests += depth == 1;
    }
}

static void take_event(struct seen *seen, const cJSON *event)
{
    const char *phase = string_of(event, "ph");
    if (strcmp(phase, "M") == 0) {
        cr_expect(cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(event, "args")));
    } else if (strcmp(phase, "C") == 0) {
        take_counter(seen, event);
    } else if (strcmp(phase, "B") == 0) {
        take_begin(seen, event);
    } else {
        cr_assert_str_eq(phase, "E");
        take_slice(seen, event);
    }
}

/* Checks the whole file; the caller frees *seen. */
static struct seen *read_trace(void)
{
    struct seen *seen = calloc(1, sizeof *seen);
    cJSON *root = parse_file();
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(root, "traceEvents"), *event;
    cr_assert(cJSON_IsArray(events));
    cr_expect_str_eq(string_of(root, "displayTimeUnit"), "ns");
    cJSON_ArrayForEach(event, events) take_event(seen, event);
    cr_expect_eq(seen->pass_flops, seen->layer_and_global_flops);
    for (int i = 0; i < seen->n_tracks; i++)
        cr_expect_eq(seen->tracks[i].depth, 0, "%d slices never end", seen->tracks[i].depth);
    cJSON_Delete(root);
    return seen;
}

/* ---- what the command printed ---- */

struct printed {
    int64_t time_ns[FL_N_OPERATORS];
    double flops[FL_N_OPERATORS], bytes[FL_N_OPERATORS];
};

static void expect_same(const struct seen *seen, const struct printed *printed)
{
    double flops = 0;
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        const char *name = fl_operator_name((enum fl_operator)op);
        cr_expect_eq(seen->op_time_ns[op], printed->time_ns[op], "%s: %lld ns, not %lld", name,
                     (long long)seen->op_time_ns[op], (long long)printed->time_ns[op]);
        cr_expect_eq(seen->op_flops[op], printed->flops[op], "%s", name);
        cr_expect_eq(seen->op_bytes[op], printed->bytes[op], "%s", name);
        flops += printed->flops[op];
    }
    cr_expect_gt(flops, 0);
    cr_expect_eq((double)seen->pass_flops, flops);
}

static struct printed of_audit(const char *out)
{
    struct printed printed = {{0}, {0}, {0}};
    cJSON *root = cJSON_Parse(out);
    cr_assert_not_null(root, "%s", out);
    const cJSON *row, *rows = cJSON_GetObjectItemCaseSensitive(root, "ops");
    cJSON_ArrayForEach(row, rows)
    {
        const enum fl_operator op = fl_operator_find(string_of(row, "op"));
        const cJSON *counted = cJSON_GetObjectItemCaseSensitive(row, "counted");
        printed.time_ns[op] += (int64_t)number(row, "time_ns");
        printed.flops[op] += number(counted, "flops");
        printed.bytes[op] += number(counted, "bytes_read") + number(counted, "bytes_written");
    }
    cJSON_Delete(root);
    return printed;
}

static struct printed of_generation(const char *out)
{
    struct printed printed = {{0}, {0}, {0}};
    cJSON *root = cJSON_Parse(out);
    cr_assert_not_null(root, "%s", out);
    const cJSON *phase, *row, *phases = cJSON_GetObjectItemCaseSensitive(root, "phases");
    cJSON_ArrayForEach(phase, phases)
    {
        const cJSON *rows = cJSON_GetObjectItemCaseSensitive(phase, "operators");
        cJSON_ArrayForEach(row, rows)
        {
            const enum fl_operator op = fl_operator_find(string_of(row, "operator"));
            printed.time_ns[op] += (int64_t)number(row, "time_ns");
            printed.flops[op] += number(row, "flops");
            printed.bytes[op] += number(row, "bytes_read") + number(row, "bytes_written");
        }
    }
    cJSON_Delete(root);
    return printed;
}

static struct seen *traced_audit(const char *options)
{
    struct run_result r =
        run_flopledger("audit %s --reps 3 -t 1 --format json --trace %s", options, path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    const struct printed printed = of_audit(r.out);
    struct seen *seen = read_trace();
    expect_same(seen, &printed);
    run_release(&r);
    return seen;
}

/* ---- tests ---- */

Test(cli_trace, audit_adds_up_to_its_account)
{
    struct seen *seen = traced_audit("-m gpt2-nano -s 24 -b 2");
    cr_expect_eq(seen->n_passes, 1);
    cr_expect_eq(seen->n_layers, 3);
    cr_expect_eq(seen->tokens, 48);
    cr_expect_gt(seen->n_shapes, 20);
    cr_expect_gt(seen->n_counters, 2 * seen->n_shapes);
    cr_expect_gt(seen->most_kv_bytes, 0);
    free(seen);
}

Test(cli_trace, a_decode_step_with_the_flash_kernel)
{
    struct seen *seen = traced_audit("-m llama-nano -s 40 --phase decode --attention flash");
    cr_expect_eq(seen->n_passes, 1);
    cr_expect_eq(seen->tokens, 1);
    free(seen);
}

/* A model of this shape with random weights; returns what --model is given. */
static const char *config_file(const char *json)
{
    static char name[128];
    snprintf(name, sizeof name, "%s/config.json", scratch.path);
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    fputs(json, file);
    fclose(file);
    return name;
}

Test(cli_trace, an_encoder_is_a_pass_of_its_own)
{
    char options[256];
    snprintf(options, sizeof options, "-m %s -s 12",
             config_file("{\"model_type\": \"t5\", \"d_model\": 32, \"d_kv\": 8, \"d_ff\": 64,"
                         "\"num_layers\": 2, \"num_heads\": 4, \"vocab_size\": 100,"
                         "\"feed_forward_proj\": \"relu\", \"n_positions\": 512}"));
    struct seen *seen = traced_audit(options);
    cr_expect_eq(seen->n_passes, 2);
    free(seen);
}

Test(cli_trace, experts_are_operators_of_a_layer)
{
    char options[256];
    snprintf(options, sizeof options, "-m %s -s 12",
             config_file("{\"model_type\": \"mixtral\", \"hidden_size\": 32,"
                         "\"intermediate_size\": 48, \"num_hidden_layers\": 2,"
                         "\"num_attention_heads\": 4, \"num_key_value_heads\": 2,"
                         "\"num_local_experts\": 4, \"num_experts_per_tok\": 2,"
                         "\"vocab_size\": 100, \"max_position_embeddings\": 128,"
                         "\"rms_norm_eps\": 1e-5, \"hidden_act\": \"silu\"}"));
    struct seen *seen = traced_audit(options);
    cr_expect_eq(seen->n_layers, 2);
    free(seen);
}

Test(cli_trace, a_generation_adds_up_to_its_phases)
{
    struct run_result r = run_flopledger(
        "generate -m llama-nano --tokenizer bytes -p hello -p 'good day' -n 6 --ignore-eos -t 1 "
        "--format json --trace %s",
        path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    const struct printed printed = of_generation(r.out);
    struct seen *seen = read_trace();
    expect_same(seen, &printed);
    cr_expect_eq(seen->n_passes, 6);
    free(seen);
    run_release(&r);
}

/* The draft's passes are on a track of their own, and no part of the phases. */
Test(cli_trace, a_draft_has_a_track_beside_its_target)
{
    struct run_result r =
        run_flopledger("generate -m llama-nano --draft-model llama-nano --tokenizer bytes -p hello "
                       "-n 8 --ignore-eos -t 1 -q --trace %s",
                       path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    struct seen *seen = read_trace();
    cr_expect_eq(seen->n_tracks, 2);
    free(seen);
    run_release(&r);
}

Test(cli_trace, requests_are_tracks)
{
    struct run_result r = run_flopledger("serve-trace bench/traces/chat.csv -m llama-nano -t 1 -q "
                                         "--format json --trace %s",
                                         path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    cJSON *root = cJSON_Parse(r.out);
    const cJSON *passes = cJSON_GetObjectItemCaseSensitive(root, "passes"), *pass;
    double flops = 0;
    cJSON_ArrayForEach(pass, passes) flops += number(pass, "flops");
    struct seen *seen = read_trace();
    cr_expect_eq(seen->n_requests, 32);
    cr_expect_eq(seen->n_passes, cJSON_GetArraySize(passes));
    cr_expect_eq((double)seen->pass_flops, flops);
    cJSON_Delete(root);
    free(seen);
    run_release(&r);
}

/* On a clock that is not the operators' there are requests alone. */
Test(cli_trace, a_made_up_clock_shows_no_operators)
{
    struct run_result r = run_flopledger("serve-trace bench/traces/chat.csv -m llama-nano -t 1 -q "
                                         "--clock flops --trace %s",
                                         path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    struct seen *seen = read_trace();
    cr_expect_eq(seen->n_requests, 32);
    cr_expect_eq(seen->n_passes, 0);
    free(seen);
    run_release(&r);
}

/* A model is called what its file is called; the trace's own name is in it, too. */
Test(cli_trace, hostile_names_stay_text)
{
    struct run_result r = run_shell(
        "cd %s && \"$FLOPLEDGER\" convert -m llama-nano -o 'a\"b\\<script>,{}.gguf' -q "
        "2>/dev/null; "
        "\"$FLOPLEDGER\" audit -m 'a\"b\\<script>,{}.gguf' -s 4 -t 1 --reps 1 --trace trace.json",
        scratch.path);
    cr_assert_eq(r.status, 0, "%s", r.err);
    free(read_trace());
    cJSON *root = parse_file();
    const cJSON *facts = cJSON_GetObjectItemCaseSensitive(root, "otherData");
    cr_expect(strchr(string_of(facts, "model"), '"'), "%s", string_of(facts, "model"));
    cJSON_Delete(root);
    run_release(&r);
}

Test(cli_trace, a_file_that_cannot_be_written_is_one_sentence)
{
    struct run_result r = run_flopledger(
        "audit -m llama-nano -s 4 -t 1 --reps 1 --trace %s/none/t.json", scratch.path);
    cr_expect_eq(r.status, 1);
    cr_expect_eq(strncmp(r.err, "flopledger audit: ", 18), 0, "%s", r.err);
    cr_expect_str_empty(r.out);
    run_release(&r);
}
