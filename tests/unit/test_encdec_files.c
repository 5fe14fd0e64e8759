/* Checkpoints of encoder-decoders: written here, read back; every tensor that may be missing, files
 * that end early, configs that make no sense. */
#include "encdec_harness.h"
#include "model/encdec_names.h"
#include "model/hf_config.h"
#include "model/hf_model.h"
#include "model_files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char directory[64];

static void set_up(void)
{
    scratch_open(directory);
}
static void tear_down(void)
{
    scratch_close(directory);
}
TestSuite(encdec_files, .init = set_up, .fini = tear_down);

/* ---- writing ---- */

enum { N_TENSORS_MAX = 256 };

struct tensor {
    char name[128];
    int n_rows, n_cols; /* n_cols 0: a vector */
    struct bytes data;
};

struct tensors {
    struct tensor items[N_TENSORS_MAX];
    int n;
};

/* A tensor by its name; what is fused grows by the rows of each of its parts, q before k before v,
 * which is the order of the roles. */
static void collect(struct tensors *tensors, struct fl_model *model)
{
    const struct fl_weight_name *names = fl_encdec_names(&model->config);
    struct fl_weight_slot slots[FL_N_WEIGHT_ROLES];
    tensors->n = 0;
    for (int layer = FL_GLOBAL_SLOTS; layer < fl_n_slot_layers(&model->config); layer++) {
        const int n = fl_weight_slots(model, layer, slots);
        for (int role = 0; role < FL_N_WEIGHT_ROLES; role++)
            for (int i = 0; i < n; i++) {
                if ((int)slots[i].role != role)
                    continue;
                char name[128];
                const struct fl_weight_name *row = &names[role];
                snprintf(name, sizeof name, slots[i].encoder ? row->encoder : row->pattern,
                         slots[i].layer);
                struct tensor *tensor = NULL;
                for (int k = 0; row->fused && k < tensors->n; k++)
                    if (strcmp(tensors->items[k].name, name) == 0)
                        tensor = &tensors->items[k];
                if (!tensor) {
                    cr_assert_lt(tensors->n, N_TENSORS_MAX);
                    tensor = &tensors->items[tensors->n++];
                    *tensor = (struct tensor){.n_cols = slots[i].n_cols};
                    snprintf(tensor->name, sizeof tensor->name, "%s", name);
                }
                tensor->n_rows += slots[i].n_rows;
                bytes_add(&tensor->data, fl_weight_slot_data(&slots[i]),
                          fl_weight_slot_size(&slots[i]) * sizeof(float));
            }
    }
}

static void release(struct tensors *tensors)
{
    for (int i = 0; i < tensors->n; i++)
        bytes_free(&tensors->items[i].data);
    tensors->n = 0;
}

/* All of them but number `left_out`. */
static struct bytes safetensors_of(const struct tensors *tensors, int left_out)
{
    struct bytes out = {0}, header = {0};
    uint64_t at = 0;
    bytes_add(&header, "{", 1);
    for (int i = 0; i < tensors->n; i++) {
        const struct tensor *tensor = &tensors->items[i];
        char text[320], shape[64];
        if (i == left_out)
            continue;
        snprintf(shape, sizeof shape, tensor->n_cols ? "%d,%d" : "%d", tensor->n_rows,
                 tensor->n_cols);
        const int n =
            snprintf(text, sizeof text,
                     "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}",
                     at ? "," : "", tensor->name, shape, (unsigned long long)at,
                     (unsigned long long)(at + tensor->data.size));
        bytes_add(&header, text, (size_t)n);
        at += tensor->data.size;
    }
    bytes_add(&header, "}", 1);
    while (header.size % 8)
        bytes_add(&header, " ", 1);
    const uint64_t size = header.size;
    bytes_add(&out, &size, sizeof size);
    bytes_add(&out, header.data, header.size);
    for (int i = 0; i < tensors->n; i++)
        if (i != left_out)
            bytes_add(&out, tensors->items[i].data.data, tensors->items[i].data.size);
    bytes_free(&header);
    return out;
}

static void write_text(const char *name, const char *text)
{
    struct bytes bytes = {0};
    bytes_add(&bytes, text, strlen(text));
    bytes_write(&bytes, scratch_path(directory, name));
    bytes_free(&bytes);
}

#define T5                                                                                         \
    "{\"model_type\":\"t5\",\"d_model\":12,\"d_kv\":5,\"num_heads\":3,\"d_ff\":20,"                \
    "\"num_layers\":2,\"num_decoder_layers\":1,\"vocab_size\":17,\"eos_token_id\":1"
#define START ",\"decoder_start_token_id\":0"
#define ENCDEC                                                                                     \
    "{\"architectures\":[\"ClassicEncoderDecoder\"],\"d_model\":12,\"n_encoder_layers\":1,"        \
    "\"n_decoder_layers\":2,\"n_heads\":3,\"d_ff\":20,\"target_vocab_size\":17,"                   \
    "\"positions\":\"sinusoidal\",\"bos_token_id\":1,\"eos_token_id\":2"

static const char *const CONFIGS[] = {
    T5 START ",\"feed_forward_proj\":\"relu\"}",
    T5 START ",\"feed_forward_proj\":\"gated-gelu\",\"tie_word_embeddings\":false}",
    ENCDEC ",\"source_vocab_size\":13,\"norm\":\"pre\",\"scale_embeddings\":true}",
    ENCDEC ",\"source_vocab_size\":13,\"norm\":\"post\"}",
};
enum { N_CONFIGS = sizeof CONFIGS / sizeof *CONFIGS };

/* config.json, and a random model of it. */
static struct fl_model model_of(const char *text)
{
    struct fl_config config;
    struct fl_model model;
    struct fl_error error = {""};
    write_text("config.json", text);
    cr_assert_eq(fl_hf_config(&config, scratch_path(directory, "config.json"), "tiny", &error),
                 FL_OK, "%s", error.text);
    cr_assert_eq(fl_model_random(&model, &config, 5, &error), FL_OK, "%s", error.text);
    return model;
}

static int open_from(const struct bytes *weights, struct fl_model *model, struct fl_error *error)
{
    bytes_write(weights, scratch_path(directory, "model.safetensors"));
    return fl_hf_model(model, directory, NULL, "tiny", error);
}

/* ---- tests ---- */

static float *logits_of(const struct fl_model *model)
{
    static const int SOURCE[] = {3, 1, 12, 7}, TARGET[] = {0, 16, 2};
    const int n = 4;
    struct fl_error error;
    struct fl_session *session = harness_session(
        model, &(struct fl_session_options){
                   .n_seqs = 1, .n_ctx = 8, .logits = FL_LOGITS_ALL, .n_threads = 1});
    cr_assert(fl_session_encode(session, SOURCE, &n, 1, &error) == FL_OK, "%s", error.text);
    float *logits = harness_logits(session, model, TARGET, 3, 3);
    fl_session_close(session);
    return logits;
}

Test(encdec_files, what_was_written_computes_the_same)
{
    for (int i = 0; i < N_CONFIGS; i++) {
        struct tensors tensors;
        struct fl_model model = model_of(CONFIGS[i]), read;
        struct fl_error error = {""};
        collect(&tensors, &model);
        struct bytes bytes = safetensors_of(&tensors, -1);
        cr_assert_eq(open_from(&bytes, &read, &error), FL_OK, "%s", error.text);
        float *written = logits_of(&model), *back = logits_of(&read);
        cr_expect_arr_eq(written, back, 3 * 17 * sizeof *back, "%s", CONFIGS[i]);
        cr_expect_eq(read.weight_bytes, 4 * fl_config_n_params(&read.config));
        free(written);
        free(back);
        fl_model_close(&read);
        fl_model_close(&model);
        bytes_free(&bytes);
        release(&tensors);
    }
}

Test(encdec_files, every_missing_tensor_is_named)
{
    for (int i = 0; i < N_CONFIGS; i++) {
        struct tensors tensors;
        struct fl_model model = model_of(CONFIGS[i]), read;
        collect(&tensors, &model);
        cr_assert_gt(tensors.n, 20);
        for (int k = 0; k < tensors.n; k++) {
            struct fl_error error = {""};
            struct bytes bytes = safetensors_of(&tensors, k);
            cr_expect_eq(open_from(&bytes, &read, &error), FL_FAILED, "%s", tensors.items[k].name);
            cr_expect(strstr(error.text, tensors.items[k].name) && strstr(error.text, "missing"),
                      "%s: %s", tensors.items[k].name, error.text);
            bytes_free(&bytes);
        }
        fl_model_close(&model);
        release(&tensors);
    }
}

Test(encdec_files, wrong_shapes_and_strangers_are_named)
{
    struct tensors tensors;
    struct fl_model model = model_of(CONFIGS[0]), read;
    struct fl_error error = {""};
    collect(&tensors, &model);
    for (int k = 0; k < tensors.n; k++) {
        tensors.items[k].n_rows++;
        bytes_add(&tensors.items[k].data,
                  "0123456789012345678901234567890123456789012345678901234567"
                  "8901234567890123456789",
                  4 * (size_t)(tensors.items[k].n_cols ? tensors.items[k].n_cols : 1));
        struct bytes bytes = safetensors_of(&tensors, -1);
        cr_expect_eq(open_from(&bytes, &read, &error), FL_FAILED);
        cr_expect(strstr(error.text, tensors.items[k].name) && strstr(error.text, "shape"), "%s",
                  error.text);
        bytes_free(&bytes);
        tensors.items[k].n_rows--;
        tensors.items[k].data.size -=
            4 * (size_t)(tensors.items[k].n_cols ? tensors.items[k].n_cols : 1);
    }
    /* a gate in a model that has none */
    struct tensor *more = &tensors.items[tensors.n++];
    *more = (struct tensor){.n_rows = 20, .n_cols = 0};
    snprintf(more->name, sizeof more->name, "decoder.block.0.layer.2.DenseReluDense.wi_0.weight");
    bytes_add(&more->data, tensors.items[0].data.data, 80);
    struct bytes bytes = safetensors_of(&tensors, -1);
    cr_expect_eq(open_from(&bytes, &read, &error), FL_FAILED);
    cr_expect(strstr(error.text, "wi_0.weight: expected no such tensor"), "%s", error.text);
    bytes_free(&bytes);
    fl_model_close(&model);
    release(&tensors);
}

Test(encdec_files, files_that_end_early_are_one_sentence)
{
    struct tensors tensors;
    struct fl_model model = model_of(CONFIGS[1]), read;
    collect(&tensors, &model);
    struct bytes whole = safetensors_of(&tensors, -1);
    for (size_t size = 0; size < whole.size; size += 1 + size / 16) {
        struct fl_error error = {""};
        const struct bytes cut = {whole.data, size, size};
        cr_expect_eq(open_from(&cut, &read, &error), FL_FAILED, "%zu bytes", size);
        cr_expect(strstr(error.text, "model.safetensors"), "%s", error.text);
        cr_expect_null(strchr(error.text, '\n'), "%s", error.text);
    }
    bytes_free(&whole);
    fl_model_close(&model);
    release(&tensors);
}

/* The published T5 checkpoints hold the embedding under three names, and a table nothing reads. */
Test(encdec_files, copies_of_the_embedding_are_let_pass)
{
    static const char *const NAMES[] = {
        "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight",
        "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"};
    struct tensors tensors;
    struct fl_model model = model_of(CONFIGS[0]), read;
    struct fl_error error = {""};
    collect(&tensors, &model);
    for (int i = 0; i < 4; i++) {
        struct tensor *copy = &tensors.items[tensors.n++];
        *copy = (struct tensor){.n_rows = 17, .n_cols = 12};
        snprintf(copy->name, sizeof copy->name, "%s", NAMES[i]);
        bytes_add(&copy->data, tensors.items[0].data.data, 17 * 12 * sizeof(float));
    }
    struct bytes bytes = safetensors_of(&tensors, -1);
    cr_expect_eq(open_from(&bytes, &read, &error), FL_OK, "%s", error.text);
    fl_model_close(&read);
    fl_model_close(&model);
    bytes_free(&bytes);
    release(&tensors);
}

Test(encdec_files, configs_that_make_no_sense_are_refused_by_name)
{
    static const struct {
        const char *text, *fragment;
    } CASES[] = {
        {"{\"model_type\":\"t5\",\"d_model\":12,\"d_kv\":5,\"num_heads\":3,\"d_ff\":20,"
         "\"num_layers\":0,\"num_decoder_layers\":1,\"vocab_size\":17}",
         "num_layers: expected at least 1, not 0"},
        {"{\"model_type\":\"t5\",\"d_model\":12,\"d_kv\":5,\"num_heads\":3,\"d_ff\":20,"
         "\"num_layers\":-1,\"num_decoder_layers\":1,\"vocab_size\":17}",
         "num_layers: expected a whole number from"},
        {"{\"model_type\":\"t5\",\"d_model\":12}", "d_ff: expected a whole number, it is missing"},
        {T5 ",\"relative_attention_num_buckets\":0}",
         "relative_attention_num_buckets: expected 32"},
        {T5 ",\"relative_attention_num_buckets\":64}",
         "relative_attention_num_buckets: expected 32"},
        {T5 ",\"relative_attention_max_distance\":0}", "relative_attention_max_distance: expected"},
        {T5 ",\"relative_attention_max_distance\":16}",
         "relative_attention_max_distance: expected"},
        {T5 ",\"relative_attention_max_distance\":-128}",
         "relative_attention_max_distance: expected"},
        {T5 ",\"relative_attention_max_distance\":1e9}",
         "relative_attention_max_distance: expected"},
        {T5 ",\"decoder_start_token_id\":17}",
         "decoder_start_token_id: expected an id below vocab_size (17)"},
        {T5 ",\"decoder_start_token_id\":-7}", "decoder_start_token_id: expected"},
        {T5 ",\"feed_forward_proj\":\"gated-swish\"}", "feed_forward_proj"},
        {ENCDEC ",\"norm\":\"pre\"}", "source_vocab_size: expected a whole number, it is missing"},
        {ENCDEC ",\"norm\":\"pre\",\"source_vocab_size\":0}",
         "source_vocab_size: expected at least"},
        {ENCDEC ",\"norm\":\"mid\",\"source_vocab_size\":13}", "norm: expected pre or post"},
        {ENCDEC ",\"source_vocab_size\":13}", "norm: expected"},
        {ENCDEC ",\"norm\":\"pre\",\"source_vocab_size\":13,\"scale_embeddings\":2}",
         "scale_embeddings: expected true or false"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fl_config config;
        struct fl_error error = {""};
        write_text("config.json", CASES[i].text);
        cr_expect_eq(fl_hf_config(&config, scratch_path(directory, "config.json"), "tiny", &error),
                     FL_FAILED, "%s", CASES[i].text);
        cr_expect(strstr(error.text, CASES[i].fragment), "%s: '%s' does not say '%s'",
                  CASES[i].text, error.text, CASES[i].fragment);
    }
}

/* Counted and audited without it; only decoding needs to know where to begin. */
Test(encdec_files, a_missing_start_id_is_no_obstacle_to_reading)
{
    struct fl_config config;
    struct fl_error error = {""};
    write_text("config.json", T5 "}");
    cr_expect_eq(fl_hf_config(&config, scratch_path(directory, "config.json"), "tiny", &error),
                 FL_OK, "%s", error.text);
    cr_expect_eq(config.bos_id, -1);
    cr_expect_eq(config.relative_max_distance, 128);
}
