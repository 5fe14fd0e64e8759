#include "model/config.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

/* Totals as their publishers or the sum of their checkpoints' tensors give them. */
static const struct {
    const char *name;
    uint64_t n_params;
} PUBLISHED[] = {
    {"gpt2", 124439808},
    {"gpt2-medium", 354823168},
    {"gpt2-large", 774030080},
    {"gpt2-xl", 1557611200},
    {"stories15m", 15191712},
    {"llama-2-7b", 6738415616},
    {"llama-2-13b", 13015864320},
    {"llama-2-70b", 68976648192},
    {"llama-3-8b", 8030261248},
    {"llama-3-70b", 70553706496},
    {"llama-3.1-8b", 8030261248},
    {"llama-3.1-70b", 70553706496},
    {"llama-160m", 162417408},
    {"llama-3.1-405b", 405853388800},
    {"llama-3.2-1b", 1235814400},
    {"llama-3.2-3b", 3212749824},
    {"qwen2.5-0.5b", 494032768},
    {"qwen2.5-1.5b", 1543714304},
    {"qwen2.5-3b", 3085938688},
    {"qwen2.5-7b", 7615616512},
    {"qwen2.5-14b", 14770033664},
    {"qwen2.5-32b", 32763876352},
    {"qwen2.5-72b", 72706203648},
    {"mistral-7b", 7241732096},
    {"mistral-7b-v0.3", 7248023552},
    {"mixtral-8x7b", 46702792704},
    {"mixtral-8x22b", 140620634112},
    {"qwen1.5-moe-a2.7b", 14315784192},
    {"qwen3-0.6b", 596049920},
    {"qwen3-1.7b", 1720574976},
    {"qwen3-4b", 4022468096},
    {"qwen3-8b", 8190735360},
    {"qwen3-14b", 14768307200},
    {"qwen3-32b", 32762123264},
    {"qwen3-30b-a3b", 30532122624},
    {"pythia-70m", 70426624},
    {"pythia-160m", 162322944},
    {"pythia-410m", 405334016},
    {"pythia-1b", 1011781632},
    {"pythia-1.4b", 1414647808},
    {"pythia-2.8b", 2775208960},
    {"pythia-6.9b", 6857302016},
    {"pythia-12b", 11846072320},
    {"gpt-neox-20b", 20554567680},
    {"t5-small", 60506624},
    {"t5-base", 222903552},
    {"t5-large", 737668096},
    {"t5-3b", 2851598336},
    {"t5-11b", 11307321344},
    {"flan-t5-small", 76961152},
    {"flan-t5-base", 247577856},
    {"flan-t5-large", 783150080},
    {"flan-t5-xl", 2849757184},
    {"flan-t5-xxl", 11135332352},
};

Test(presets, parameter_counts_are_the_published_ones)
{
    for (size_t i = 0; i < sizeof PUBLISHED / sizeof *PUBLISHED; i++) {
        const struct fl_preset *preset = fl_preset_find(PUBLISHED[i].name);
        cr_assert_not_null(preset, "%s", PUBLISHED[i].name);
        uint64_t n_params = fl_config_n_params(&preset->config);
        cr_expect_eq(n_params, PUBLISHED[i].n_params, "%s: %" PRIu64 ", published %" PRIu64,
                     PUBLISHED[i].name, n_params, PUBLISHED[i].n_params);
    }
}

Test(presets, all_pass_the_check_and_have_a_source)
{
    int n;
    const struct fl_preset *presets = fl_presets(&n);
    cr_assert_gt(n, 0);
    for (int i = 0; i < n; i++) {
        struct fl_error error = {""};
        cr_expect_eq(fl_config_check(&presets[i].config, presets[i].config.name, &error), FL_OK,
                     "%s", error.text);
        cr_expect_not_null(presets[i].source);
        cr_expect_eq(fl_preset_find(presets[i].config.name), &presets[i], "%s is listed twice",
                     presets[i].config.name);
    }
}

Test(presets, names_ignore_case_and_know_aliases)
{
    cr_expect_str_eq(fl_preset_find("GPT2")->config.name, "gpt2-small");
    cr_expect_str_eq(fl_preset_find("Llama-3.1-405B")->config.name, "llama-3.1-405b");
    cr_expect_null(fl_preset_find("gpt3"));
    cr_expect_null(fl_preset_find(""));
}

/* Those for measuring: large enough to time, small enough for flopgrind, bytes as tokens. */
Test(presets, nano_models_have_a_few_hundred_thousand_parameters)
{
    static const char *const NAMES[] = {"classic-nano", "gpt2-nano", "llama-nano"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const struct fl_config *config = &fl_preset_find(NAMES[i])->config;
        uint64_t n_params = fl_config_n_params(config);
        cr_expect(n_params > 200000 && n_params < 600000, "%s: %" PRIu64, NAMES[i], n_params);
        cr_expect_eq(config->vocab_size, 256);
    }
}
