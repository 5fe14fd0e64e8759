/* The JSON in which a results file keeps a model's shape: what is read back must be a shape that
 * can be written again, and then be read as the same. */
#include "model/presets.h"
#include "store/config_json.h"
#include "tests/fuzz/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEEDS = 8 };

static void read_config(const unsigned char *data, size_t size)
{
    struct fl_config config, again;
    struct fl_error error;
    char *text = malloc(size + 1), *first = NULL, *second = NULL;
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (fl_config_json_read(&config, text, "fuzz", &error) == FL_OK) {
        if (fl_config_json_write(&first, &config, &error) != FL_OK ||
            fl_config_json_read(&again, first, "fuzz", &error) != FL_OK ||
            fl_config_json_write(&second, &again, &error) != FL_OK) {
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
        if (fl_config_json_write(&texts[i], config, NULL) != FL_OK)
            goto done;
        seeds[i] = (struct fuzz_seed){texts[i], strlen(texts[i])};
    }
    status = fuzz_main(argc, argv, read_config, seeds);

done:
    for (int i = 0; i < N_SEEDS; i++)
        free(texts[i]);
    return status;
}
