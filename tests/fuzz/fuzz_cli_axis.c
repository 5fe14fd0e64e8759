/* The lists of the command line: fl_cli_axis() and fl_cli_names(). */
#include "base/cli.h"
#include "tests/fuzz/mutate.h"

#include <stdlib.h>
#include <string.h>

static void read_lists(const unsigned char *data, size_t size)
{
    static const char *const CHOICES[] = {"naive", "causal", "flash", NULL};
    struct fl_error error;
    char *text = malloc(size + 1);
    int64_t *values;
    int *choices, n;
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (fl_cli_axis(text, "--context", 1, INT64_MAX, &values, &n, &error) == FL_OK) {
        if (n < 1 || values[0] < 1)
            abort();
        free(values);
    }
    if (fl_cli_names(text, "--attention", CHOICES, &choices, &n, &error) == FL_OK) {
        if (n < 1 || n > 3)
            abort();
        free(choices);
    }
    free(text);
}

int main(int argc, char **argv)
{
    static const char *const TEXTS[] = {"16,32,64",     "16-4096*2",
                                        "16-64+16,1,4", "1-9223372036854775807*3",
                                        "naive,causal", "flash"};
    struct fuzz_seed seeds[sizeof TEXTS / sizeof *TEXTS + 1] = {0};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        seeds[i] = (struct fuzz_seed){TEXTS[i], strlen(TEXTS[i])};
    return fuzz_main(argc, argv, read_lists, seeds);
}
