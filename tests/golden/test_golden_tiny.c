/* Tiny random models of every architecture the engine runs, against float64 results. The
 * tolerances are the fixtures' own (expected.json): about 20 times what float32 PyTorch shows. */
#include "engine/session_state.h"
#include "tiny.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum fl_attention KERNELS[] = {FL_ATTENTION_NAIVE, FL_ATTENTION_CAUSAL};
enum { N_KERNELS = sizeof KERNELS / sizeof *KERNELS };

/* Whole, in pieces and token by token: the logits of every position. */
ParameterizedTestParameters(golden_tiny, logits_of_every_position)
{
    return tiny_decoders();
}

ParameterizedTest(struct tiny *row, golden_tiny, logits_of_every_position)
{
    static const int CHUNKS[] = {TINY_CTX, 5, 1};
    struct fixture fixture;
    struct fl_model model;
    fixture_open(&fixture, row->name);
    harness_model(&model, fixture.directory);
    const double tolerance = tiny_tolerance(&fixture, "logits_abs");

    const cJSON *entry;
    cJSON_ArrayForEach(entry, fixture_member(fixture.expected, "full"))
    {
        struct fixture_ids ids = fixture_ids(fixture_member(entry, "input_ids"));
        struct fixture_array expected = fixture_array(&fixture, fixture_member(entry, "logits"));
        cr_assert(expected.n_rows == ids.n && expected.n_columns == model.config.vocab_size);
        for (int kernel = 0; kernel < N_KERNELS; kernel++) {
            struct fl_session *session = tiny_session(&model, KERNELS[kernel], FL_LOGITS_ALL, 1);
            for (size_t i = 0; i < sizeof CHUNKS / sizeof *CHUNKS; i++) {
                float *logits = harness_logits(session, &model, ids.ids, ids.n, CHUNKS[i]);
                char what[96];
                snprintf(what, sizeof what, "%d ids in pieces of %d, %s attention", ids.n,
                         CHUNKS[i], fl_attention_name(KERNELS[kernel]));
                tiny_expect_close(row->name, what, logits, &expected, tolerance);
                free(logits);
            }
            fl_session_close(session);
        }
        free(ids.ids);
        free(expected.data);
    }
    fl_model_close(&model);
    fixture_close(&fixture);
}

ParameterizedTestParameters(golden_tiny, greedy_continuation)
{
    return tiny_all();
}

static void check_greedy(const struct tiny *row, const struct fixture *fixture,
                         const struct fl_model *model, const char *key)
{
    const cJSON *entry = fixture_member(fixture->expected, key);
    const int eos_id = tiny_eos_id(entry);
    const int n_new = (int)fixture_number(entry, "max_new_tokens");
    struct fixture_ids input = fixture_ids(fixture_member(entry, "input_ids"));
    struct fixture_ids expected = fixture_ids(fixture_member(entry, "output_ids"));
    const bool encoder = model->config.n_encoder_layers > 0; /* the input is the encoder's */
    int *ids = calloc((size_t)n_new, sizeof *ids);
    float *logits = calloc((size_t)n_new * (size_t)model->config.vocab_size, sizeof *logits);
    cr_assert(ids && logits);

    for (int cached = 0; cached <= 1; cached++) {
        struct fl_session *session =
            tiny_session(model, KERNELS[cached % N_KERNELS], FL_LOGITS_ALL, 1);
        if (encoder)
            tiny_encode(session, input.ids, input.n);
        const int n = harness_greedy(session, model, encoder ? &model->config.bos_id : input.ids,
                                     encoder ? 1 : input.n, n_new, eos_id, cached, ids, logits);
        char what[64];
        snprintf(what, sizeof what, "%s, %s", key, cached ? "cached" : "recomputed");
        tiny_expect_ids(row->name, what, ids, n, &expected);
        if (cJSON_HasObjectItem(entry, "step_logits")) {
            struct fixture_array steps =
                fixture_array(fixture, fixture_member(entry, "step_logits"));
            cr_assert_eq(steps.n_rows, n_new);
            tiny_expect_close(row->name, "step logits", logits, &steps,
                              tiny_tolerance(fixture, "logits_abs"));
            free(steps.data);
        }
        fl_session_close(session);
    }
    free(logits);
    free(ids);
    free(expected.ids);
    free(input.ids);
}

ParameterizedTest(struct tiny *row, golden_tiny, greedy_continuation)
{
    struct fixture fixture;
    struct fl_model model;
    fixture_open(&fixture, row->name);
    harness_model(&model, fixture.directory);
    check_greedy(row, &fixture, &model, "greedy");
    check_greedy(row, &fixture, &model, "greedy_eos");
    fl_model_close(&model);
    fixture_close(&fixture);
}

/* A batch of three copies of each prompt: every sequence gives what the prompt gives alone. */
ParameterizedTestParameters(golden_tiny, batch_last_logits)
{
    return tiny_decoders();
}

ParameterizedTest(struct tiny *row, golden_tiny, batch_last_logits)
{
    enum { N_SEQS = 3 };
    struct fixture fixture;
    struct fl_model model;
    fixture_open(&fixture, row->name);
    harness_model(&model, fixture.directory);
    const double tolerance = tiny_tolerance(&fixture, "logits_abs");
    const cJSON *batch = fixture_member(fixture.expected, "batch"), *prompt;
    struct fixture_array expected = fixture_array(&fixture, fixture_member(batch, "last_logits"));
    const size_t vocab_size = (size_t)model.config.vocab_size;
    struct fl_session *session = tiny_session(&model, FL_ATTENTION_CAUSAL, FL_LOGITS_ALL, N_SEQS);

    int number = 0;
    cJSON_ArrayForEach(prompt, fixture_member(batch, "prompts"))
    {
        struct fixture_ids ids = fixture_ids(prompt);
        struct fixture_array one = {expected.data + (size_t)number++ * vocab_size, 1,
                                    expected.n_columns};
        int *tokens = calloc(N_SEQS * (size_t)ids.n, sizeof *tokens);
        cr_assert_not_null(tokens);
        for (int i = 0; i < N_SEQS; i++)
            memcpy(tokens + i * ids.n, ids.ids, (size_t)ids.n * sizeof *tokens);
        struct fl_error error;
        fl_session_truncate(session, 0);
        cr_assert(fl_session_forward(session, tokens, ids.n, FL_LOGITS_LAST, &error) == FL_OK, "%s",
                  error.text);
        for (size_t i = 0; i < N_SEQS; i++)
            tiny_expect_close(row->name, "a batch", fl_session_logits(session) + i * vocab_size,
                              &one, tolerance);
        free(tokens);
        free(ids.ids);
    }
    cr_expect_eq(number, expected.n_rows);
    fl_session_close(session);
    free(expected.data);
    fl_model_close(&model);
    fixture_close(&fixture);
}

/* The model with only its first n layers, read through the workspace: x holds the residual stream,
 * branch the final norm. */
static void check_hidden(const struct tiny *row, const struct fixture *fixture,
                         const struct fl_model *model, const struct fixture_ids *ids,
                         const cJSON *array, double tolerance)
{
    struct fl_model first = *model;
    int layer;
    bool final_norm = false;
    if (strcmp(array->string, "embed") == 0)
        first.config.n_layers = 0;
    else if (sscanf(array->string, "layer%d.output", &layer) == 1)
        first.config.n_layers = layer + 1;
    else
        final_norm = true;
    cr_assert(!final_norm || strcmp(array->string, "final_norm") == 0);

    struct fl_session *session = tiny_session(&first, FL_ATTENTION_CAUSAL, FL_LOGITS_ALL, 1);
    struct fixture_array expected = fixture_array(fixture, array);
    struct fl_error error;
    cr_assert(fl_session_forward(session, ids->ids, ids->n,
                                 final_norm ? FL_LOGITS_ALL : FL_LOGITS_NONE, &error) == FL_OK,
              "%s", error.text);
    tiny_expect_close(row->name, array->string, final_norm ? session->work.branch : session->work.x,
                      &expected, tolerance);
    free(expected.data);
    fl_session_close(session);
}

ParameterizedTestParameters(golden_tiny, hidden_states)
{
    return tiny_decoders();
}

ParameterizedTest(struct tiny *row, golden_tiny, hidden_states)
{
    struct fixture fixture;
    struct fl_model model;
    fixture_open(&fixture, row->name);
    harness_model(&model, fixture.directory);
    const double tolerance = tiny_tolerance(&fixture, "hidden_abs");
    const cJSON *hidden = fixture_member(fixture.expected, "hidden"), *array;
    struct fixture_ids ids = fixture_ids(fixture_member(hidden, "input_ids"));
    int n = 0;
    cJSON_ArrayForEach(array, fixture_member(hidden, "arrays"))
    {
        check_hidden(row, &fixture, &model, &ids, array, tolerance);
        n++;
    }
    cr_expect_gt(n, model.config.n_layers);
    free(ids.ids);
    fl_model_close(&model);
    fixture_close(&fixture);
}
