#include "tiny.h"

#include <criterion/criterion.h>
#include <string.h>

enum { N_ENCODER_DECODERS = 2 };

static struct tiny MODELS[] = {
    {"tiny/t5-tiny"}, /* encoder-decoders first */
    {"tiny/t5-v1_1-tiny"},
    {"tiny/gpt2-tiny"},
    {"tiny/gpt2-tiny-hubnames"},
    {"tiny/llama-tiny-mha"},
    {"tiny/llama-tiny-gqa"},
    {"tiny/llama-tiny-llama3rope"},
    {"tiny/qwen2-tiny"},
    {"tiny/vanilla-postln"},
    {"tiny/vanilla-preln"},
    {"tiny/vanilla-preln-learned-gelu"},
    {"tiny/llama-tiny-bf16"},
    {"tiny/llama-tiny-f16-sharded"},
    {"tiny/mixtral-tiny"},
};
enum { N_MODELS = sizeof MODELS / sizeof *MODELS };

struct criterion_test_params tiny_all(void)
{
    return cr_make_param_array(struct tiny, MODELS, N_MODELS);
}

struct criterion_test_params tiny_decoders(void)
{
    return cr_make_param_array(struct tiny, MODELS + N_ENCODER_DECODERS,
                               N_MODELS - N_ENCODER_DECODERS);
}

struct criterion_test_params tiny_encoder_decoders(void)
{
    return cr_make_param_array(struct tiny, MODELS, N_ENCODER_DECODERS);
}

struct fl_session *tiny_session(const struct fl_model *model, enum fl_attention attention,
                                enum fl_logits logits, int n_seqs)
{
    return harness_session(model, &(struct fl_session_options){.n_seqs = n_seqs,
                                                               .n_ctx = TINY_CTX,
                                                               .n_encoder_ctx = TINY_CTX,
                                                               .attention = attention,
                                                               .logits = logits,
                                                               .n_threads = 1});
}

const float *tiny_forward(struct fl_session *session, const int *ids, int n)
{
    struct fl_error error;
    cr_assert(fl_session_forward(session, ids, n, FL_LOGITS_LAST, &error) == FL_OK, "%s",
              error.text);
    return fl_session_logits(session);
}

void tiny_encode(struct fl_session *session, const int *ids, int n)
{
    struct fl_error error;
    cr_assert(fl_session_encode(session, ids, &n, 1, &error) == FL_OK, "%s", error.text);
}

double tiny_tolerance(const struct fixture *fixture, const char *name)
{
    return fixture_number(fixture_member(fixture->expected, "tolerance"), name);
}

int tiny_eos_id(const cJSON *entry)
{
    const cJSON *eos = fixture_member(entry, "eos_token_id");
    return cJSON_IsNumber(eos) ? eos->valueint : -1;
}

void tiny_expect_close(const char *model, const char *what, const float *got,
                       const struct fixture_array *expected, double tolerance)
{
    const double distance = harness_distance(
        got, expected->data, (size_t)expected->n_rows * (size_t)expected->n_columns);
    cr_expect(distance <= tolerance, "%s: %s: off by %g, at most %g allowed", model, what, distance,
              tolerance);
}

void tiny_expect_ids(const char *model, const char *what, const int *got, int n,
                     const struct fixture_ids *expected)
{
    cr_expect(n == expected->n && memcmp(got, expected->ids, (size_t)n * sizeof *got) == 0,
              "%s: %s: other ids", model, what);
}
