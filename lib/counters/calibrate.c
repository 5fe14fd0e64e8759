#include "counters/calibrate.h"

#include "counters/calibrate_kernels.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* One reading of a kernel over all passes of the counter. */
static struct fl_reading read_kernel(const struct fl_calibrate_kernel *kernel,
                                     struct fl_counter *counter, char *buffer)
{
    struct fl_reading reading = {0};
    for (int pass = 0; pass < counter->n_passes; pass++) {
        if (counter->start_pass)
            counter->start_pass(counter, pass);
        counter->enter(counter, kernel->name);
        kernel->run(kernel->n_rounds, buffer);
        counter->leave(counter, &reading);
    }
    return reading;
}

static void add_row(struct fl_calibration *calibration, const struct fl_counter *counter,
                    const char *kernel, enum fl_count count, uint64_t known,
                    const struct fl_reading *reading, const struct fl_reading *empty)
{
    if (!(counter->available >> count & 1) || calibration->n_rows == FL_CALIBRATION_ROWS)
        return;
    struct fl_calibration_row *row = &calibration->rows[calibration->n_rows++];
    uint64_t seen = reading->values[count], base = empty->values[count];
    *row = (struct fl_calibration_row){
        .count = count, .known = known, .measured = seen > base ? seen - base : 0};
    snprintf(row->kernel, sizeof row->kernel, "%s", kernel);
}

void fl_calibrate(struct fl_calibration *calibration, struct fl_counter *counter)
{
    static _Alignas(64) char buffer[FL_CALIBRATE_BUFFER];
    *calibration = (struct fl_calibration){0};
    memcpy(calibration->counter, counter->name, sizeof calibration->counter);
    memcpy(calibration->version, counter->version, sizeof calibration->version);
    memset(buffer, 0, sizeof buffer);
    read_kernel(&fl_calibrate_kernels[0], counter, buffer); /* whatever is done only once */
    const struct fl_reading empty = read_kernel(&fl_calibrate_kernels[0], counter, buffer);
    for (int i = 1; i < fl_calibrate_n_kernels; i++) {
        const struct fl_calibrate_kernel *kernel = &fl_calibrate_kernels[i];
        if (kernel->supported && !kernel->supported())
            continue;
        const struct fl_reading reading = read_kernel(kernel, counter, buffer);
        if (kernel->no_flops)
            add_row(calibration, counter, kernel->name, FL_COUNT_FLOPS, 0, &reading, &empty);
        for (int k = 0; k < FL_CALIBRATE_KNOWN && kernel->known[k].each > 0; k++)
            add_row(calibration, counter, kernel->name, kernel->known[k].count,
                    kernel->known[k].each * kernel->n_rounds, &reading, &empty);
    }
}

double fl_calibration_ratio(const struct fl_calibration_row *row)
{
    if (row->known == 0)
        return row->measured == 0 ? 1 : INFINITY;
    return (double)row->measured / (double)row->known;
}

bool fl_calibration_exact(const struct fl_calibration *calibration)
{
    for (int i = 0; i < calibration->n_rows; i++)
        if (calibration->rows[i].measured != calibration->rows[i].known)
            return false;
    return calibration->n_rows > 0;
}

const struct fl_calibration_row *fl_calibration_worst(const struct fl_calibration *calibration)
{
    const struct fl_calibration_row *worst = NULL;
    for (int i = 0; i < calibration->n_rows; i++) {
        const struct fl_calibration_row *row = &calibration->rows[i];
        if (!worst || fabs(fl_calibration_ratio(row) - 1) > fabs(fl_calibration_ratio(worst) - 1))
            worst = row;
    }
    return worst;
}

/* Names in the text are this program's own and need no escapes. */
static size_t print_text(const struct fl_calibration *calibration, bool all, char *out, size_t size)
{
    size_t used =
        (size_t)snprintf(out, size,
                         "{\"counter\": \"%s\", \"version\": \"%s\", \"exact\": %s, "
                         "\"n_rows\": %d, \"rows\": [",
                         calibration->counter, calibration->version,
                         fl_calibration_exact(calibration) ? "true" : "false", calibration->n_rows);
    const char *separator = "";
    for (int i = 0; i < calibration->n_rows && used < size; i++) {
        const struct fl_calibration_row *row = &calibration->rows[i];
        if (!all && row->measured == row->known)
            continue;
        used += (size_t)snprintf(out + used, size - used,
                                 "%s[\"%s\", \"%s\", %" PRIu64 ", %" PRIu64 "]", separator,
                                 row->kernel, fl_count_key(row->count), row->known, row->measured);
        separator = ", ";
    }
    if (used < size)
        used += (size_t)snprintf(out + used, size - used, "]}");
    return used;
}

int fl_calibration_text(const struct fl_calibration *calibration, char *out, size_t size,
                        struct fl_error *error)
{
    if (print_text(calibration, true, out, size) < size ||
        print_text(calibration, false, out, size) < size)
        return FL_OK;
    out[0] = '\0';
    return fl_fail(error, "calibration of %s: its text takes more than %zu bytes",
                   calibration->counter, size);
}
