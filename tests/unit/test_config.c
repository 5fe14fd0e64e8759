#include "model/config.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct fl_config preset(const char *name)
{
    return fl_preset_find(name)->config;
}

static void expect_refused(const struct fl_config *config, const char *field)
{
    struct fl_error error = {""};
    cr_expect_eq(fl_config_check(config, "file.json", &error), FL_FAILED, "%s was let through",
                 field);
    cr_expect_eq(strncmp(error.text, "file.json: ", 11), 0, "%s", error.text);
    cr_expect_not_null(strstr(error.text, field), "%s does not name %s", error.text, field);
    cr_expect_not_null(strstr(error.text, "expected"), "%s", error.text);
}

#define REFUSED(base, field, value)                                                                \
    do {                                                                                           \
        struct fl_config config = preset(base);                                                    \
        config.field = value;                                                                      \
        expect_refused(&config, #field);                                                           \
    } while (0)

Test(config, nonsense_is_refused_by_field)
{
    REFUSED("gpt2", d_model, 0);
    REFUSED("gpt2", d_model, -768);
    REFUSED("gpt2", d_ff, (1 << 24) + 1);
    REFUSED("gpt2", n_layers, 0);
    REFUSED("gpt2", n_layers, 4097);
    REFUSED("gpt2", n_heads, 1 << 20);
    REFUSED("gpt2", n_kv_heads, 5);
    REFUSED("gpt2", n_kv_heads, 24);
    REFUSED("gpt2", vocab_size, 0);
    REFUSED("gpt2", n_ctx_max, 0);
    REFUSED("gpt2", norm_eps, 0);
    REFUSED("gpt2", norm_eps, NAN);
    REFUSED("gpt2", bos_id, 50257);
    REFUSED("gpt2", eos_id, -2);
    REFUSED("gpt2", n_encoder_layers, 12);
    REFUSED("gpt2", sliding_window, -1);
    REFUSED("t5-small", n_encoder_layers, 0);
    REFUSED("mixtral-8x7b", n_experts_used, 9);
    REFUSED("mixtral-8x7b", n_experts_used, 0);
    REFUSED("llama-2-7b", head_dim, 127);
    REFUSED("llama-2-7b", rope.theta, 0);
    REFUSED("llama-2-7b", rope.theta, INFINITY);
    REFUSED("llama-3.1-8b", rope.factor, -8);
    REFUSED("llama-3.1-8b", rope.low_freq_factor, 4);
    REFUSED("llama-3.1-8b", rope.original_ctx, 0);
}

Test(config, more_parameters_than_can_be_counted_are_refused)
{
    struct fl_config config = preset("mixtral-8x7b");
    config.n_experts = config.d_ff = 1 << 24; /* each field is within its own limits */
    expect_refused(&config, "n_experts");
}

Test(config, the_largest_dense_shape_is_counted_without_overflow)
{
    struct fl_config config = preset("llama-2-7b");
    struct fl_error error = {""};
    config.d_model = config.vocab_size = config.d_ff = config.n_ctx_max = 1 << 24;
    config.n_heads = config.n_kv_heads = 1 << 17;
    config.head_dim = 128;
    config.n_layers = 512;
    /* d = 2^24: embeddings 2d^2, each layer 4d^2 + 3d^2 + 2d, final norm d */
    uint64_t d = 1 << 24;
    cr_assert_eq(fl_config_check(&config, "x", &error), FL_OK, "%s", error.text);
    cr_expect_eq(fl_config_n_params(&config), 2 * d * d + 512 * (7 * d * d + 2 * d) + d);
}

Test(config, tying_and_positions_change_the_parameter_count)
{
    struct fl_config config = preset("gpt2");
    config.tied = false;
    cr_expect_eq(fl_config_n_params(&config), 124439808 + 50257 * 768);
    config = preset("gpt2");
    config.positions = FL_POS_SINUSOIDAL;
    cr_expect_eq(fl_config_n_params(&config), 124439808 - 1024 * 768);
    config = preset("gpt2");
    config.norm_position = FL_NORM_POST; /* no final norm */
    cr_expect_eq(fl_config_n_params(&config), 124439808 - 2 * 768);
}

Test(config, names_are_printable_and_fit)
{
    struct fl_config config;
    char longest[sizeof config.name + 10];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    fl_config_set_name(&config, longest);
    cr_expect_eq(strlen(config.name), sizeof config.name - 1);
    fl_config_set_name(&config, "a\nb\x1b[31mc");
    cr_expect_str_eq(config.name, "a?b?[31mc");
}
