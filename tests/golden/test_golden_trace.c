/* Every array of trace_layer0: what happens inside the first layer, operator by operator. A counter
 * that counts nothing is entered and left around each of them and looks at the workspace. The
 * tolerances are the fixtures' own (expected.json). */
#include "engine/session_state.h"
#include "tiny.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_ROUTES_MAX = TINY_CTX * 8 };

/* Where a layer leaves its arrays. */
enum place {
    IN_X,
    IN_BRANCH,
    IN_NORMED, /* x where the norm stands behind the residual, else branch */
    IN_Q,
    IN_K,
    IN_V,
    IN_SCORES,
    IN_CONTEXT,
    IN_GATE,
    IN_UP,
    IN_CROSS_K,
    IN_CROSS_V,
    IN_ROUTER_LOGITS,
    IN_ROUTER_IDS,
    IN_ROUTER_WEIGHTS
};

/* An array is there after the call number `call` of an operator within a stack. */
static const struct trace {
    const char *op;
    int call;
    const char *name;   /* in decoder-only models */
    const char *encdec; /* in encoder-decoders */
    enum place place;
    bool by_head; /* stored [heads, t, head_dim] and computed [t, heads * head_dim] */
} TRACES[] = {
    {"norm_attn", 0, "norm_attn", "norm_attn", IN_NORMED, false},
    {"qkv", 0, "q", "self_q", IN_Q, true},
    {"qkv", 0, "k", "self_k", IN_K, true},
    {"qkv", 0, "v", "self_v", IN_V, true},
    {"rope", 0, "q_rope", "", IN_Q, true},
    {"rope", 0, "k_rope", "", IN_K, true},
    {"softmax", 0, "probs", "self_probs", IN_SCORES, false},
    {"context", 0, "context", "self_context", IN_CONTEXT, false},
    {"attn_out", 0, "attn_out", "self_out", IN_BRANCH, false},
    {"residual", 0, "residual_attn", "residual_attn", IN_X, false},
    {"norm_cross", 0, "", "norm_cross", IN_NORMED, false},
    {"cross_q", 0, "", "cross_q", IN_Q, true},
    {"cross_kv", 0, "", "cross_k", IN_CROSS_K, true},
    {"cross_kv", 0, "", "cross_v", IN_CROSS_V, true},
    {"cross_softmax", 0, "", "cross_probs", IN_SCORES, false},
    {"cross_context", 0, "", "cross_context", IN_CONTEXT, false},
    {"cross_out", 0, "", "cross_out", IN_BRANCH, false},
    {"residual", 1, "", "residual_cross", IN_X, false},
    {"norm_ffn", 0, "norm_ffn", "norm_ffn", IN_NORMED, false},
    {"router", 0, "router_logits", "", IN_ROUTER_LOGITS, false},
    {"router", 0, "router_ids", "", IN_ROUTER_IDS, false},
    {"router", 0, "router_weights", "", IN_ROUTER_WEIGHTS, false},
    {"ffn_gate", 0, "ffn_gate", "ffn_gate", IN_GATE, false},
    {"ffn_up", 0, "ffn_up", "ffn_up", IN_UP, false},
    {"ffn_act", 0, "ffn_act", "ffn_act", IN_UP, false},
    {"ffn_down", 0, "ffn_down", "ffn_down", IN_BRANCH, false},
    {"expert_combine", 0, "ffn_down", "", IN_BRANCH, false},
    {"residual", 1, "residual_ffn", "", IN_X, false},
};
enum { N_TRACES = sizeof TRACES / sizeof *TRACES };

/* Looks on while a session runs. */
struct spy {
    struct fl_counter counter;
    const char *model;
    const struct fl_session *session;
    struct fixture fixture;
    const cJSON *arrays;
    const char *stack; /* "encoder.", "decoder."; "": there is one only */
    const char *op;    /* that is running */
    int n_calls[N_TRACES];
    float router_ids[N_ROUTES_MAX]; /* the fixture has them as floats */
    double tolerance;
    int n_compared;
};

static const float *data_at(struct spy *spy, enum place place)
{
    const struct fl_workspace *work = &spy->session->work;
    const bool post = spy->session->model->config.norm_position == FL_NORM_POST;
    const float *const data[] = {
        [IN_X] = work->x,
        [IN_BRANCH] = work->branch,
        [IN_NORMED] = post ? work->x : work->branch,
        [IN_Q] = work->q,
        [IN_K] = work->k,
        [IN_V] = work->v,
        [IN_SCORES] = work->scores,
        [IN_CONTEXT] = work->context,
        [IN_GATE] = work->gate,
        [IN_UP] = work->up,
        [IN_CROSS_K] = spy->session->encoder.cross_k,
        [IN_CROSS_V] = spy->session->encoder.cross_v,
        [IN_ROUTER_LOGITS] = work->moe.routes.logits,
        [IN_ROUTER_IDS] = spy->router_ids,
        [IN_ROUTER_WEIGHTS] = work->moe.routes.weights,
    };
    return data[place];
}

static void compare(struct spy *spy, const struct trace *trace, const cJSON *array)
{
    struct fixture_array expected = fixture_array(&spy->fixture, array);
    const size_t n = (size_t)expected.n_rows * (size_t)expected.n_columns;
    const size_t dim = (size_t)expected.n_columns;
    const int n_heads = cJSON_GetArrayItem(fixture_member(array, "shape"), 0)->valueint;
    const size_t heads = trace->by_head ? (size_t)n_heads : 1, n_rows = n / dim / heads;
    if (trace->place == IN_ROUTER_IDS) {
        cr_assert_leq(n, N_ROUTES_MAX);
        for (size_t i = 0; i < n; i++)
            spy->router_ids[i] = (float)spy->session->work.moe.routes.ids[i];
    }
    const float *data = data_at(spy, trace->place);
    float *got = calloc(n, sizeof *got);
    cr_assert_not_null(got);
    for (size_t head = 0; head < heads; head++)
        for (size_t i = 0; i < n_rows; i++)
            memcpy(got + (head * n_rows + i) * dim, data + (i * heads + head) * dim,
                   dim * sizeof *got);
    const double distance = harness_distance(got, expected.data, n);
    cr_expect(distance <= spy->tolerance, "%s: %s: off by %g, at most %g allowed", spy->model,
              array->string, distance, spy->tolerance);
    spy->n_compared++;
    free(got);
    free(expected.data);
}

static void enter(struct fl_counter *counter, const char *name)
{
    struct spy *spy = counter->state;
    spy->op = name;
}

static void leave(struct fl_counter *counter, struct fl_reading *sum)
{
    struct spy *spy = counter->state;
    const bool experts = spy->session->model->config.n_experts > 0;
    (void)sum;
    for (int i = 0; i < N_TRACES; i++) {
        const struct trace *trace = &TRACES[i];
        if (strcmp(trace->op, spy->op) != 0 || spy->n_calls[i]++ != trace->call)
            continue;
        if (experts && strcmp(trace->op, "ffn_down") == 0)
            continue; /* of one expert; the fixture has their sum */
        const char *name = *spy->stack ? trace->encdec : trace->name;
        const char *stack = strncmp(trace->op, "cross_", 6) == 0 ? "decoder." : spy->stack;
        char key[96];
        snprintf(key, sizeof key, "%slayer0.%s", stack, name);
        const cJSON *array = cJSON_GetObjectItemCaseSensitive(spy->arrays, key);
        if (*name && array)
            compare(spy, trace, array);
    }
}

/* A pass over the ids, or, of the encoder, over the input. */
static void look_at(struct spy *spy, struct fl_session *session, const char *stack,
                    const cJSON *list)
{
    struct fixture_ids ids = fixture_ids(list);
    struct fl_error error = {""};
    memset(spy->n_calls, 0, sizeof spy->n_calls);
    spy->stack = stack;
    const int status = strcmp(stack, "encoder.") == 0
                           ? fl_session_encode(session, ids.ids, &ids.n, 1, &error)
                           : fl_session_forward(session, ids.ids, ids.n, FL_LOGITS_NONE, &error);
    cr_assert(status == FL_OK, "%s", error.text);
    free(ids.ids);
}

ParameterizedTestParameters(golden_trace, inside_the_first_layer)
{
    return tiny_all();
}

ParameterizedTest(struct tiny *row, golden_trace, inside_the_first_layer)
{
    struct spy spy = {.counter = {.name = "spy", .n_passes = 1, .enter = enter, .leave = leave},
                      .model = row->name};
    struct fl_model model;
    struct fl_error error;
    fixture_open(&spy.fixture, row->name);
    harness_model(&model, spy.fixture.directory);
    const cJSON *trace = fixture_member(spy.fixture.expected, "trace_layer0");
    spy.arrays = fixture_member(trace, "arrays");
    spy.tolerance = tiny_tolerance(&spy.fixture, "hidden_abs");
    struct fl_session *session = tiny_session(&model, FL_ATTENTION_NAIVE, FL_LOGITS_NONE, 1);
    spy.session = session;
    spy.counter.state = &spy;
    cr_assert(fl_ledger_attach(&session->ledger, &spy.counter, &error) == FL_OK, "%s", error.text);
    if (model.config.n_encoder_layers > 0) {
        look_at(&spy, session, "encoder.", fixture_member(trace, "input_ids"));
        look_at(&spy, session, "decoder.", fixture_member(trace, "decoder_input_ids"));
    } else
        look_at(&spy, session, "", fixture_member(trace, "input_ids"));
    cr_expect_eq(spy.n_compared, cJSON_GetArraySize(spy.arrays), "%s: %d of %d arrays compared",
                 row->name, spy.n_compared, cJSON_GetArraySize(spy.arrays));
    fl_session_close(session);
    fl_model_close(&model);
    fixture_close(&spy.fixture);
}
