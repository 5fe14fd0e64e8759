/* Encoder-decoders against float64 results: T5 and T5 1.1 with random weights (PyTorch), and a
 * trained transliteration model of the classic kind (NumPy). Tolerances of T5 are the fixtures'
 * own; the other reads its logits off float sums of at most 128 products, 12 layers deep. */
#include "base/file.h"
#include "engine/session_state.h"
#include "ops/relative_bias.h"
#include "tiny.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum fl_attention KERNELS[] = {FL_ATTENTION_NAIVE, FL_ATTENTION_CAUSAL};
enum { N_KERNELS = sizeof KERNELS / sizeof *KERNELS };

/* ---- T5 ---- */

static void check_full(const struct tiny *row, const struct fixture *fixture,
                       const struct fl_model *model, const cJSON *entry)
{
    static const int CHUNKS[] = {TINY_CTX, 5, 1};
    struct fixture_ids source = fixture_ids(fixture_member(entry, "input_ids"));
    struct fixture_ids target = fixture_ids(fixture_member(entry, "decoder_input_ids"));
    struct fixture_array output = fixture_array(fixture, fixture_member(entry, "encoder_output"));
    struct fixture_array logits = fixture_array(fixture, fixture_member(entry, "logits"));
    cr_assert(output.n_rows == source.n && logits.n_rows == target.n);
    for (int kernel = 0; kernel < N_KERNELS; kernel++) {
        struct fl_session *session = tiny_session(model, KERNELS[kernel], FL_LOGITS_ALL, 1);
        tiny_encode(session, source.ids, source.n);
        tiny_expect_close(row->name, "encoder output", fl_session_encoded(session), &output,
                          tiny_tolerance(fixture, "hidden_abs"));
        for (size_t i = 0; i < sizeof CHUNKS / sizeof *CHUNKS; i++) {
            float *got = harness_logits(session, model, target.ids, target.n, CHUNKS[i]);
            tiny_expect_close(row->name, fixture_member(entry, "name")->valuestring, got, &logits,
                              tiny_tolerance(fixture, "logits_abs"));
            free(got);
        }
        fl_session_close(session);
    }
    free(source.ids);
    free(target.ids);
    free(output.data);
    free(logits.data);
}

ParameterizedTestParameters(golden_encdec, logits_of_every_position)
{
    return tiny_encoder_decoders();
}

ParameterizedTest(struct tiny *row, golden_encdec, logits_of_every_position)
{
    struct fixture fixture;
    struct fl_model model;
    fixture_open(&fixture, row->name);
    harness_model(&model, fixture.directory);
    const cJSON *entry;
    int n = 0;
    cJSON_ArrayForEach(entry, fixture_member(fixture.expected, "full"))
    {
        check_full(row, &fixture, &model, entry);
        n++;
    }
    cr_expect_eq(n, 3);
    fl_model_close(&model);
    fixture_close(&fixture);
}

/* Inputs of unequal lengths in one batch give what each gives alone: greedy, step by step. */
static void check_batch(const struct tiny *row, const struct fixture *fixture,
                        const struct fl_model *model, enum fl_attention attention)
{
    enum { N_SEQS = 3 };
    const cJSON *entry = fixture_member(fixture->expected, "batch");
    const cJSON *prompts = fixture_member(entry, "prompts");
    const cJSON *outputs = fixture_member(entry, "output_ids");
    struct fixture_array first = fixture_array(fixture, fixture_member(entry, "first_logits"));
    int source[N_SEQS * TINY_CTX], lengths[N_SEQS], next[N_SEQS], at = 0;
    struct fl_error error;
    cr_assert_eq(cJSON_GetArraySize(prompts), N_SEQS);
    for (int i = 0; i < N_SEQS; i++) {
        struct fixture_ids ids = fixture_ids(cJSON_GetArrayItem(prompts, i));
        memcpy(source + at, ids.ids, (size_t)ids.n * sizeof *source);
        at += lengths[i] = ids.n;
        next[i] = model->config.bos_id;
        free(ids.ids);
    }
    struct fl_session *session = tiny_session(model, attention, FL_LOGITS_ALL, N_SEQS);
    cr_assert(fl_session_encode(session, source, lengths, N_SEQS, &error) == FL_OK, "%s",
              error.text);
    const int n_new = (int)fixture_number(entry, "max_new_tokens");
    const int vocab_size = model->config.vocab_size;
    for (int step = 0; step < n_new; step++) {
        cr_assert(fl_session_forward(session, next, 1, FL_LOGITS_LAST, &error) == FL_OK, "%s",
                  error.text);
        const float *logits = fl_session_logits(session);
        if (step == 0)
            tiny_expect_close(row->name, "first logits", logits, &first,
                              tiny_tolerance(fixture, "logits_abs"));
        for (int i = 0; i < N_SEQS; i++) {
            next[i] = harness_largest(logits + (size_t)i * (size_t)vocab_size, vocab_size);
            const cJSON *expected = cJSON_GetArrayItem(cJSON_GetArrayItem(outputs, i), step);
            cr_assert_eq(next[i], expected->valueint, "%s: sequence %d, step %d", row->name, i,
                         step);
        }
    }
    fl_session_close(session);
    free(first.data);
}

ParameterizedTestParameters(golden_encdec, batch_of_unequal_inputs)
{
    return tiny_encoder_decoders();
}

ParameterizedTest(struct tiny *row, golden_encdec, batch_of_unequal_inputs)
{
    struct fixture fixture;
    struct fl_model model;
    fixture_open(&fixture, row->name);
    harness_model(&model, fixture.directory);
    for (int kernel = 0; kernel < N_KERNELS; kernel++)
        check_batch(row, &fixture, &model, KERNELS[kernel]);
    fl_model_close(&model);
    fixture_close(&fixture);
}

/* ---- inside ---- */

struct inside {
    const char *model;
    struct fixture fixture;
    struct fl_model weights;
    struct fixture_ids source, target;
    double tolerance;
};

static void inside_open(struct inside *in, const char *name)
{
    in->model = name;
    fixture_open(&in->fixture, name);
    harness_model(&in->weights, in->fixture.directory);
    const cJSON *entry = fixture_member(in->fixture.expected, "hidden");
    in->source = fixture_ids(fixture_member(entry, "input_ids"));
    in->target = fixture_ids(fixture_member(entry, "decoder_input_ids"));
    in->tolerance = tiny_tolerance(&in->fixture, "hidden_abs");
}

static void inside_close(struct inside *in)
{
    free(in->source.ids);
    free(in->target.ids);
    fl_model_close(&in->weights);
    fixture_close(&in->fixture);
}

static void decode(struct fl_session *session, const struct inside *in, enum fl_logits logits)
{
    struct fl_error error;
    cr_assert(fl_session_forward(session, in->target.ids, in->target.n, logits, &error) == FL_OK,
              "%s", error.text);
}

/* The tables hold the bias of every distance; the fixture that of every pair. */
static void check_bias(const struct inside *in, const float *table, const cJSON *array)
{
    struct fixture_array expected = fixture_array(&in->fixture, array);
    const int n = expected.n_columns, n_heads = in->weights.config.n_heads;
    cr_assert_eq(expected.n_rows, n * n_heads);
    for (int head = 0; head < n_heads; head++)
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                cr_assert_eq(table[head * (2 * TINY_CTX - 1) + TINY_CTX - 1 + j - i],
                             expected.data[(head * n + i) * n + j], "%s: %s: head %d, %d to %d",
                             in->model, array->string, head, i, j);
    free(expected.data);
}

/* A model of its first n layers, read through the workspace: x holds the residual stream, branch
 * the final norm. */
static void check_hidden(const struct inside *in, const cJSON *array)
{
    const bool encoder = strncmp(array->string, "encoder.", 8) == 0;
    const char *what = array->string + 8;
    const bool final_norm = strcmp(what, "final_norm") == 0;
    int n_layers = encoder ? in->weights.config.n_encoder_layers : in->weights.config.n_layers;
    if (strcmp(what, "embed") == 0)
        n_layers = 0;
    else if (sscanf(what, "layer%d.output", &n_layers) == 1)
        n_layers++;
    else
        cr_assert(final_norm || strcmp(what, "relative_bias") == 0, "%s", array->string);

    struct fl_model first = in->weights;
    if (!encoder)
        first.config.n_layers = n_layers;
    struct fl_session *session = tiny_session(&first, FL_ATTENTION_CAUSAL, FL_LOGITS_ALL, 1);
    if (encoder)
        session->encoder.view.config.n_layers = n_layers;
    tiny_encode(session, in->source.ids, in->source.n);
    if (strcmp(what, "relative_bias") == 0) {
        check_bias(in, encoder ? session->encoder.relative_bias : session->encoder.decoder_bias,
                   array);
        fl_session_close(session);
        return;
    }
    if (!encoder)
        decode(session, in, final_norm ? FL_LOGITS_ALL : FL_LOGITS_NONE);
    struct fixture_array expected = fixture_array(&in->fixture, array);
    float *got = final_norm ? session->work.branch : session->work.x;
    /* the scaling before tied logits works in place */
    if (final_norm && !encoder && fl_config_scales_logits(&first.config))
        for (int i = 0; i < expected.n_rows * expected.n_columns; i++)
            got[i] *= sqrtf((float)first.config.d_model);
    tiny_expect_close(in->model, array->string, got, &expected, in->tolerance);
    free(expected.data);
    fl_session_close(session);
}

ParameterizedTestParameters(golden_encdec, hidden_states)
{
    return tiny_encoder_decoders();
}

ParameterizedTest(struct tiny *row, golden_encdec, hidden_states)
{
    struct inside in;
    inside_open(&in, row->name);
    const cJSON *array;
    int n = 0;
    cJSON_ArrayForEach(array,
                       fixture_member(fixture_member(in.fixture.expected, "hidden"), "arrays"))
    {
        check_hidden(&in, array);
        n++;
    }
    cr_expect_eq(n, 6 + in.weights.config.n_layers + in.weights.config.n_encoder_layers);
    inside_close(&in);
}

Test(golden_encdec, buckets_of_relative_positions)
{
    struct fixture fixture;
    fixture_open(&fixture, "tiny/t5-tiny");
    const cJSON *buckets = fixture_member(fixture.expected, "relative_position_buckets");
    const cJSON *distances = fixture_member(buckets, "distance");
    const int n = cJSON_GetArraySize(distances);
    for (int i = 0; i < n; i++) {
        const int distance = cJSON_GetArrayItem(distances, i)->valueint;
        const cJSON *encoder = cJSON_GetArrayItem(fixture_member(buckets, "encoder"), i);
        const cJSON *decoder = cJSON_GetArrayItem(fixture_member(buckets, "decoder"), i);
        cr_expect_eq(fl_relative_bucket(distance, true, 32, 128), encoder->valueint, "%d",
                     distance);
        cr_expect_eq(fl_relative_bucket(distance, false, 32, 128), decoder->valueint, "%d",
                     distance);
    }
    cr_expect_gt(n, 256);
    fixture_close(&fixture);
}

/* ---- the trained model ---- */

static const double ALLOWED = 1e-4; /* correct f32 programs are off by 2.5e-5 to 2.3e-4 */

static void expect_close_to_gold(const char *name, int number, const float *got, size_t n_expected)
{
    char path[FIXTURE_PATH];
    size_t n;
    double worst = 0;
    snprintf(path, sizeof path, "models/aren/expected/case%d.%s.f64", number, name);
    double *gold = fixture_doubles(path, &n);
    cr_assert_eq(n, n_expected, "%s", path);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs(gold[i] - (double)got[i]));
    cr_expect_leq(worst, ALLOWED, "%s: off by %g", path, worst);
    free(gold);
}

/* Encoder, teacher-forced decoder, and greedy up to the end of the word. */
static void check_word(const struct fl_model *model, int number, const cJSON *word)
{
    struct fixture_ids source = fixture_ids(fixture_member(word, "src_ids"));
    struct fixture_ids target = fixture_ids(fixture_member(word, "out_ids"));
    const size_t d_model = (size_t)model->config.d_model;
    const int vocab_size = model->config.vocab_size, n = target.n - 1;
    int ids[TINY_CTX];
    double log_sum = 0;
    for (int kernel = 0; kernel < N_KERNELS; kernel++) {
        struct fl_session *session = tiny_session(model, KERNELS[kernel], FL_LOGITS_ALL, 1);
        tiny_encode(session, source.ids, source.n);
        expect_close_to_gold("enc", number, fl_session_encoded(session),
                             (size_t)source.n * d_model);
        float *logits = harness_logits(session, model, target.ids, n, TINY_CTX);
        expect_close_to_gold("dec.logits", number, logits, (size_t)n * (size_t)vocab_size);
        for (int i = 0; kernel == 0 && i < n; i++)
            log_sum +=
                harness_log_probability(logits + i * vocab_size, vocab_size, target.ids[i + 1]);
        free(logits);

        cr_assert_eq(target.ids[0], model->config.bos_id);
        const int n_new = harness_greedy(session, model, target.ids, 1, TINY_CTX - 1,
                                         model->config.eos_id, kernel == 0, ids, NULL);
        cr_expect(n_new == n && memcmp(ids, target.ids + 1, (size_t)n * sizeof *ids) == 0,
                  "word %d: other ids", number);
        fl_session_close(session);
    }
    cr_expect_float_eq(log_sum, fixture_number(word, "logp"), n * ALLOWED, "word %d", number);
    free(source.ids);
    free(target.ids);
}

Test(golden_encdec, transliterated_words)
{
    char directory[FIXTURE_PATH], path[FIXTURE_PATH];
    struct fl_model model;
    struct fl_error error;
    char *text = NULL;
    size_t size;
    fixture_path(directory, "models/aren");
    harness_model(&model, directory);
    fixture_path(path, "models/aren/expected/greedy.json");
    cr_assert(fl_file_read(&text, &size, path, 1 << 20, &error) == FL_OK, "%s", error.text);
    cJSON *words = cJSON_ParseWithLength(text, size);
    const cJSON *word;
    int n = 0;
    cJSON_ArrayForEach(word, words)
    {
        check_word(&model, n++, word);
    }
    cr_expect_eq(n, 6);
    cJSON_Delete(words);
    free(text);
    fl_model_close(&model);
}
