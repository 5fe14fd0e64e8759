#include "base/file.h"
#include "model/presets.h"
#include "model/weights.h"
#include "tests/unit/model_files.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define REFERENCE "../shared/reference/"

static char directory[64];

static void set_up(void)
{
    scratch_open(directory);
}
static void tear_down(void)
{
    scratch_close(directory);
}
TestSuite(model_open, .init = set_up, .fini = tear_down);

static void skip_without_reference(void)
{
    if (fl_file_exists(REFERENCE "tiny"))
        return;
    fprintf(stderr, "skipped: " REFERENCE " is not there\n");
    cr_skip_test("no reference data");
}

static struct fl_model open_good(const char *spec)
{
    struct fl_model model;
    struct fl_config config;
    struct fl_error error = {""};
    cr_assert_eq(fl_model_open(&model, spec, 1, &error), FL_OK, "%s", error.text);
    cr_assert_eq(fl_config_open(&config, spec, &error), FL_OK, "%s", error.text);
    cr_expect(configs_equal(&config, &model.config), "%s", spec);
    cr_expect_eq(model.weight_bytes, 4 * fl_config_n_params(&config), "%s", spec);
    return model;
}

static void expect_refused(const char *spec, const char *fragment)
{
    struct fl_model model;
    struct fl_config config;
    struct fl_error error = {""};
    cr_expect_eq(fl_model_open(&model, spec, 1, &error), FL_FAILED, "%s", spec);
    cr_expect_not_null(strstr(error.text, fragment), "%s: '%s' does not say '%s'", spec, error.text,
                       fragment);
    cr_expect_eq(fl_config_open(&config, spec, &error), FL_FAILED, "%s", spec);
}

Test(model_open, presets_have_random_weights)
{
    struct fl_model model = open_good("llama-nano");
    cr_expect_str_eq(model.format, "random");
    cr_expect_str_eq(model.config.name, "llama-nano");
    fl_model_close(&model);
}

Test(model_open, what_is_not_there_is_refused_with_a_hint)
{
    expect_refused("gpt3", "gpt2-small");
    expect_refused("gtp2", "gpt2-small");
    expect_refused("lama-2-7b", "llama-2-7b");
    expect_refused("qwen2.5-8b", "qwen2.5-7b");
    expect_refused("nothing-like-it", "'flopledger count --list'");
    expect_refused("", "expected a preset");
    expect_refused("/nonexistent/model", "there is no such file");
    expect_refused("model.gguf", "there is no such file");
    expect_refused("/dev/null", "expected a GGUF file");
    expect_refused(directory, "expected config.json, or exactly one .gguf or .bin file");
}

/* The same model under every kind of spec. */
Test(model_open, formats_are_told_apart)
{
    struct fl_config config = tiny_config(FL_ARCH_LLAMA, true);
    struct fl_model written, read;
    cr_assert_eq(fl_model_random(&written, &config, 2, NULL), FL_OK);
    struct bytes gguf = write_gguf(&written, 3), bin = write_llama2c(&written, 0);
    struct bytes safetensors = write_safetensors(&written, ""), json = write_hf_config(&config);
    char spec[256];

    bytes_write(&gguf, scratch_path(directory, "weights"));
    read = open_good(scratch_path(directory, "weights")); /* by its first bytes */
    cr_expect_str_eq(read.format, "gguf");
    fl_model_close(&read);

    bytes_write(&bin, scratch_path(directory, "stories.v0.bin"));
    read = open_good(scratch_path(directory, "stories.v0.bin"));
    cr_expect_str_eq(read.format, "llama2.c");
    cr_expect_str_eq(read.config.name, "stories.v0");
    fl_model_close(&read);

    read = open_good(directory); /* the only .bin */
    cr_expect_str_eq(read.format, "llama2.c");
    fl_model_close(&read);

    bytes_write(&json, scratch_path(directory, "config.json"));
    bytes_write(&safetensors, scratch_path(directory, "model.safetensors"));
    snprintf(spec, sizeof spec, "%s/", directory);
    const char *const SPECS[] = {directory, spec};
    for (size_t i = 0; i < 2; i++) {
        read = open_good(SPECS[i]);
        cr_expect_str_eq(read.format, "safetensors");
        cr_expect_str_eq(read.config.name, strrchr(directory, '/') + 1);
        cr_expect(models_equal(&read, &written));
        fl_model_close(&read);
    }
    read = open_good(scratch_path(directory, "model.safetensors"));
    cr_expect_str_eq(read.format, "safetensors");
    cr_expect_str_eq(read.config.name, strrchr(directory, '/') + 1);
    fl_model_close(&read);

    read = open_good(scratch_path(directory, "config.json"));
    cr_expect_str_eq(read.format, "random");
    fl_model_close(&read);

    bytes_free(&gguf);
    bytes_free(&bin);
    bytes_free(&safetensors);
    bytes_free(&json);
    fl_model_close(&written);
}

Test(model_open, models_that_only_count_are_counted)
{
    struct fl_config config;
    struct fl_error error = {""};
    cr_assert_eq(fl_config_open(&config, "llama-3.1-405b", &error), FL_OK);
    cr_expect_eq(fl_config_n_params(&config), 405853388800);
    cr_assert_eq(fl_config_open(&config, "t5-11b", &error), FL_OK);
    cr_expect_eq(fl_config_runnable(&config, &error), FL_OK);
    cr_assert_eq(fl_config_open(&config, "mixtral-8x7b", &error), FL_OK);
    cr_expect_eq(fl_config_runnable(&config, &error), FL_OK);
    config.positions = FL_POS_RELATIVE;
    cr_expect_eq(fl_config_runnable(&config, &error), FL_FAILED);
    cr_expect_not_null(strstr(error.text, "can be counted but not run"));
}

/* ---- reference models ---- */

/* Element [row, column] of a linear layer, as the engine reads it. */
static float at(const struct fl_linear *linear, int row, int column)
{
    size_t r = (size_t)row, c = (size_t)column, ld = (size_t)linear->ld;
    const float *weight = linear->weight;
    return linear->in_out ? weight[c * ld + r] : weight[r * ld + c];
}

static void expect_float(float got, double expected)
{
    cr_expect_eq(got, (float)expected, "got %.9g, expected %.9g", (double)got, expected);
}

/* Values read off the files with a few lines of Python; half past the first third of a fused
 * matrix is where a wrong stride shows. */
Test(model_open, reference_values_are_where_they_belong)
{
    skip_without_reference();
    struct fl_model model = open_good(REFERENCE "tiny/gpt2-tiny");
    const struct fl_layer_weights *layer = &model.layers[2];
    expect_float(at(&layer->q, 0, 0), 0.12108457833528519);
    expect_float(at(&layer->k, 0, 1), 0.11650486290454865);
    expect_float(at(&layer->v, 63, 63), -0.10429955273866653);
    expect_float(layer->q.bias[0], 0.01823258213698864);
    expect_float(layer->k.bias[0], -0.14602462947368622);
    expect_float(layer->v.bias[5], -0.0884096771478653);
    fl_model_close(&model);

    model = open_good(REFERENCE "tiny/llama-tiny-gqa");
    expect_float(at(&model.layers[1].k, 0, 0), -0.01978459395468235);
    expect_float(at(&model.layers[1].k, 31, 63), 0.08682319521903992);
    cr_expect_eq(model.layers[1].k.n_out, 32);
    fl_model_close(&model);

    model = open_good(REFERENCE "tiny/qwen2-tiny");
    expect_float(model.layers[2].v.bias[0], 0.6863783001899719);
    expect_float(model.layers[2].v.bias[31], 0.08133555203676224);
    fl_model_close(&model);

    model = open_good(REFERENCE "tiny/vanilla-preln-learned-gelu");
    expect_float(model.position_embedding[0], 0.08505765348672867);
    expect_float(model.position_embedding[127 * 64 + 63], -0.07112251967191696);
    fl_model_close(&model);
}

Test(model_open, reference_models_load)
{
    skip_without_reference();
    static const char *const SPECS[] = {
        "tiny/gpt2-tiny",
        "tiny/gpt2-tiny-hubnames",
        "tiny/llama-tiny-mha",
        "tiny/llama-tiny-gqa",
        "tiny/qwen2-tiny",
        "tiny/llama-tiny-llama3rope",
        "tiny/vanilla-postln",
        "tiny/vanilla-preln",
        "models/slm4096",
        "models/slm4096/slm4096-F32.gguf",
        "models/stories260K/stories260K.bin",
        "models/stories260K/stories260K_v1.bin",
        "models/stories260K/stories260K-F32.gguf",
        "models/babyllama105/model5000.bin",
        "models/babyllama105/babyllama105-F32.gguf",
    };
    for (size_t i = 0; i < sizeof SPECS / sizeof *SPECS; i++) {
        char spec[256];
        snprintf(spec, sizeof spec, REFERENCE "%s", SPECS[i]);
        struct fl_model model = open_good(spec);
        fl_model_close(&model);
    }
}

/* Three files of one model: what they hold must be one model. */
Test(model_open, stories260k_is_the_same_in_every_format)
{
    skip_without_reference();
    static const char *const OTHERS[] = {"stories260K_v1.bin", "stories260K-F32.gguf"};
    struct fl_model first = open_good(REFERENCE "models/stories260K/stories260K.bin");
    for (size_t i = 0; i < 2; i++) {
        char spec[256];
        snprintf(spec, sizeof spec, REFERENCE "models/stories260K/%s", OTHERS[i]);
        struct fl_model other = open_good(spec);
        cr_expect(models_equal(&first, &other), "%s", OTHERS[i]);
        cr_expect_eq(other.config.n_ctx_max, first.config.n_ctx_max);
        cr_expect_lt(fabs(other.config.norm_eps - first.config.norm_eps), 1e-11);
        fl_model_close(&other);
    }
    fl_model_close(&first);
}

Test(model_open, what_holds_no_model_is_refused_by_name)
{
    skip_without_reference();
    static const struct {
        const char *spec, *fragment;
    } CASES[] = {
        {"models/babyllama105/tok105.bin", "n_heads"},
        {"tokenizers/ggml-vocab-phi-3.gguf", "expected one of llama, qwen2, qwen3"},
        {"tokenizers/ggml-vocab-gpt-2.gguf", "token_embd.weight: expected this tensor"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char spec[256];
        struct fl_model model;
        struct fl_error error = {""};
        snprintf(spec, sizeof spec, REFERENCE "%s", CASES[i].spec);
        cr_expect_eq(fl_model_open(&model, spec, 1, &error), FL_FAILED, "%s", spec);
        cr_expect_not_null(strstr(error.text, CASES[i].fragment), "%s", error.text);
    }
}
