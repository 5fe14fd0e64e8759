#include "ledger/observation.h"

#include <stdlib.h>
#include <string.h>

static size_t n_entries(const struct fl_observation *observation)
{
    return (size_t)observation->n_rows * FL_N_OPERATORS;
}

static int reserve(struct fl_observation *observation, struct fl_error *error)
{
    observation->entries = calloc(n_entries(observation), sizeof *observation->entries);
    if (!observation->entries)
        return fl_fail(error, "observation: cannot reserve memory for %d layers",
                       observation->n_layers);
    return FL_OK;
}

int fl_observation_take(struct fl_observation *observation, const struct fl_ledger *ledger,
                        const struct fl_counter *counter, const struct fl_reading *whole,
                        struct fl_error *error)
{
    *observation = (struct fl_observation){.available = counter->available, .whole = *whole};
    memcpy(observation->counter, counter->name, sizeof observation->counter);
    memcpy(observation->version, counter->version, sizeof observation->version);
    memcpy(observation->note, counter->note, sizeof observation->note);
    observation->n_layers = ledger->n_layers;
    observation->n_encoder_layers = ledger->n_encoder_layers;
    observation->n_rows = ledger->n_rows;
    if (reserve(observation, error) != FL_OK)
        return FL_FAILED;
    memcpy(observation->entries, ledger->measured,
           n_entries(observation) * sizeof *observation->entries);
    return FL_OK;
}

void fl_observation_close(struct fl_observation *observation)
{
    free(observation->entries);
    *observation = (struct fl_observation){0};
}

struct fl_measured fl_observation_sum(const struct fl_observation *observation, enum fl_operator op)
{
    struct fl_measured sum = {0};
    for (int row = 0; row < observation->n_rows; row++) {
        const struct fl_measured *entry = fl_observation_entry(observation, row, op);
        fl_reading_add(&sum.reading, &entry->reading);
        fl_excess_add(&sum.excess, &entry->excess);
    }
    return sum;
}

static const char MAGIC[8] = "flobs-2";
enum { MAX_LAYERS = 4096 }; /* of a stack, as in every config */

int fl_observation_write(const struct fl_observation *observation, FILE *out,
                         struct fl_error *error)
{
    size_t n = n_entries(observation);
    if (fwrite(MAGIC, sizeof MAGIC, 1, out) != 1 ||
        fwrite(observation, sizeof *observation, 1, out) != 1 ||
        fwrite(observation->entries, sizeof *observation->entries, n, out) != n || fflush(out) != 0)
        return fl_fail(error, "observation: cannot pass the counts on");
    return FL_OK;
}

int fl_observation_read(struct fl_observation *observation, int n_layers, FILE *in,
                        const char *source, struct fl_error *error)
{
    char magic[sizeof MAGIC];
    struct fl_observation header;
    *observation = (struct fl_observation){0};
    if (fread(magic, sizeof magic, 1, in) != 1 || memcmp(magic, MAGIC, sizeof MAGIC) != 0 ||
        fread(&header, sizeof header, 1, in) != 1 || header.n_layers != n_layers ||
        header.n_encoder_layers < 0 || header.n_encoder_layers > MAX_LAYERS ||
        header.n_rows !=
            n_layers + 1 + (header.n_encoder_layers > 0 ? header.n_encoder_layers + 1 : 0))
        return fl_fail(error, "%s: expected the counts of a model of %d layers", source, n_layers);
    *observation = header;
    if (reserve(observation, error) != FL_OK)
        return FL_FAILED;
    size_t n = n_entries(observation);
    if (fread(observation->entries, sizeof *observation->entries, n, in) != n) {
        fl_observation_close(observation);
        return fl_fail(error, "%s: the counts end early", source);
    }
    return FL_OK;
}
