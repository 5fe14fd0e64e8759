#include "tests/golden/published.h"

#include "base/file.h"
#include "tests/cli/run.h"
#include "tests/golden/fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cJSON *published;
static struct run_scratch scratch;

void published_open(void)
{
    char path[FIXTURE_PATH], *text = NULL;
    size_t size;
    struct fl_error error;
    fixture_path(path, "published.json");
    cr_assert(fl_file_read(&text, &size, path, 1 << 20, &error) == FL_OK, "%s", error.text);
    published = cJSON_ParseWithLength(text, size);
    free(text);
    cr_assert_not_null(published, "%s is no JSON", path);
    run_scratch_make(&scratch);
}

void published_close(void)
{
    cJSON_Delete(published);
    run_scratch_remove(&scratch);
}

double published_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

const char *published_string(const cJSON *object, const char *name, const char *fallback)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsString(item) ? item->valuestring : fallback;
}

/* Opens the file that the path is of. */
static FILE *create_config(const char **path)
{
    static char text[256];
    snprintf(text, sizeof text, "%s/config.json", scratch.path);
    *path = text;
    FILE *file = fopen(text, "w");
    cr_assert_not_null(file);
    return file;
}

const char *published_config_text(const char *text)
{
    const char *path;
    FILE *file = create_config(&path);
    fputs(text, file);
    fclose(file);
    return path;
}

const char *published_config(const cJSON *model)
{
    const char *path;
    FILE *file = create_config(&path);
    const char *arch = published_string(model, "arch", "");
    if (strcmp(arch, "gpt2") == 0)
        fprintf(file,
                "{\"architectures\":[\"GPT2LMHeadModel\"],\"model_type\":\"gpt2\","
                "\"n_layer\":%.0f,\"n_embd\":%.0f,\"n_head\":%.0f,\"n_inner\":%.0f,"
                "\"vocab_size\":%.0f,\"n_positions\":16384,\"layer_norm_epsilon\":1e-5,"
                "\"activation_function\":\"gelu_new\"}",
                published_number(model, "n_layers"), published_number(model, "d_model"),
                published_number(model, "n_heads"), published_number(model, "d_ff"),
                published_number(model, "vocab_size"));
    else if (strcmp(arch, "llama") == 0)
        fprintf(file,
                "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\","
                "\"num_hidden_layers\":%.0f,\"hidden_size\":%.0f,\"num_attention_heads\":%.0f,"
                "\"num_key_value_heads\":%.0f,\"intermediate_size\":%.0f,\"vocab_size\":%.0f,"
                "\"max_position_embeddings\":16384,\"rms_norm_eps\":1e-5,\"hidden_act\":\"silu\","
                "\"tie_word_embeddings\":false}",
                published_number(model, "n_layers"), published_number(model, "d_model"),
                published_number(model, "n_heads"), published_number(model, "n_kv_heads"),
                published_number(model, "d_ff"), published_number(model, "vocab_size"));
    else
        fprintf(file,
                "{\"architectures\":[\"ClassicDecoderForCausalLM\"],"
                "\"model_type\":\"classic_decoder\",\"num_hidden_layers\":%.0f,"
                "\"hidden_size\":%.0f,\"num_attention_heads\":%.0f,\"intermediate_size\":%.0f,"
                "\"vocab_size\":%.0f,\"max_position_embeddings\":16384,\"hidden_act\":\"gelu\","
                "\"layer_norm_eps\":1e-5,\"norm_position\":\"pre\","
                "\"position_embedding_type\":\"learned\",\"scale_embedding\":false,"
                "\"tie_word_embeddings\":true}",
                published_number(model, "n_layers"), published_number(model, "d_model"),
                published_number(model, "n_heads"), published_number(model, "d_ff"),
                published_number(model, "vocab_size"));
    fclose(file);
    return path;
}

const cJSON *published_case(const char *id)
{
    const cJSON *item;
    cJSON_ArrayForEach(
        item, cJSON_GetObjectItem(published, "cases")) if (strcmp(published_string(item, "id", ""),
                                                                  id) == 0) return item;
    cr_assert_fail("no case %s", id);
    return NULL;
}

/* Equal when rounded to the digits that were printed. */
void published_expect(double value_g, double printed, const char *id)
{
    double unit = fabs(printed * 10 - round(printed * 10)) < 1e-6 ? 0.1 : 0.01;
    cr_expect_float_eq(round(value_g / unit) * unit, printed, unit / 4, "%s: %.3f, printed %.2f",
                       id, value_g, printed);
}
