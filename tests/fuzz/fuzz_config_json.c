/* The JSON in which a results file keeps a model's shape: what is read back must be a shape that
 * can be written again, and then be read as the same. */
#include "model/config_json.h"
#include "model/presets.h"
#include "tests/fuzz/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEEDS = 8 };

static int read_text(struct fl_config *config, const char *text, struct fl_error *error)
{
    cJSON *object = cJSON_Parse(text);
    int status = fl_config_from_json(config, object, "fuzz", error);
    cJSON_Delete(object);
    return status;
}

static char *write_text(const struct fl_config *config)
{
    cJSON *object = fl_config_to_json(config);
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

static void read_config(const unsigned char *data, size_t size)
{
    struct fl_config config, again;
    struct fl_error error;
    char *text = malloc(size + 1), *first = NULL, *second = NULL;
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (read_text(&config, text, &error) == FL_OK) {
        first = write_text(&config);
        if (!first || read_text(&again, first, &error) != FL_OK || !(second = write_text(&again))) {
            fprintf(stderr, "%s\n", error.text);
            abort();
        }
        if (strcmp(first, second) != 0)
            abort();
    }
    free(text);
    free(first);
    free(second);
}

int main(int argc, char **argv)
{
    struct fuzz_seed seeds[N_SEEDS + 1] = {0};
    char *texts[N_SEEDS] = {0};
    int n_presets, status = EXIT_FAILURE;
    const struct fl_preset *presets = fl_presets(&n_presets);
    for (int i = 0; i < N_SEEDS; i++) {
        const struct fl_config *config = &presets[i * n_presets / N_SEEDS].config;
        if (!(texts[i] = write_text(config)))
            goto done;
        seeds[i] = (struct fuzz_seed){texts[i], strlen(texts[i])};
    }
    status = fuzz_main(argc, argv, read_config, seeds);

done:
    for (int i = 0; i < N_SEEDS; i++)
        free(texts[i]);
    return status;
}
