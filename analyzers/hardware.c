#include "analyzers/hardware.h"
#include "analyzers/hardware_table.h"
#include "analyzers/roofline.h"
#include "base/file.h"
#include "model/json_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const fl_arith_names[] = {"f32", "tf32", "f16", "bf16", "fp8", "int8", NULL};

static const double TERA = 1e12, GIGA = 1e9, MEGA = 1e6;

/* ---- the table ---- */

struct row {
    const char *name, *title;
    double tflops[FL_N_ARITHS], bandwidth_gb_s, capacity_gb, cache_mb;
    const char *source, *note;
};

static const struct row ROWS[] = {
#define ROW(name, title, f32, tf32, f16, bf16, fp8, int8, bandwidth, capacity, cache, source,      \
            note)                                                                                  \
    {name, title, {f32, tf32, f16, bf16, fp8, int8}, bandwidth, capacity, cache, source, note},
    FL_HARDWARE(ROW)
#undef ROW
};

enum { N_ROWS = sizeof ROWS / sizeof *ROWS };

int fl_hardware_count(void)
{
    return N_ROWS;
}

static void set_texts(struct fl_hardware *hardware, const struct row *row)
{
    snprintf(hardware->name, sizeof hardware->name, "%s", row->name);
    snprintf(hardware->title, sizeof hardware->title, "%s", row->title);
    snprintf(hardware->source, sizeof hardware->source, "%s", row->source);
    snprintf(hardware->note, sizeof hardware->note, "%s", row->note);
}

static void set_row(struct fl_hardware *hardware, const struct row *row)
{
    *hardware = (struct fl_hardware){
        .bytes_per_s = row->bandwidth_gb_s * GIGA,
        .capacity_bytes = row->capacity_gb * GIGA,
    };
    set_texts(hardware, row);
    for (int i = 0; i < FL_N_ARITHS; i++)
        hardware->flops_per_s[i] = row->tflops[i] * TERA;
    if (row->cache_mb > 0)
        hardware->caches[hardware->n_caches++].capacity_bytes = row->cache_mb * MEGA;
}

void fl_hardware_row(struct fl_hardware *hardware, int i)
{
    set_row(hardware, &ROWS[i]);
}

/* ---- files ---- */

/* A positive finite number, up to 1e9 of its unit; 0 where the key may be missing and is. */
static int read_figure(const struct fl_json *json, const char *key, enum fl_json_need need,
                       double *value)
{
    *value = 0;
    const cJSON *item;
    if (fl_json_real(json, key, need, value) != FL_OK || fl_json_find(json, key, &item) != FL_OK)
        return FL_FAILED;
    if (item && !(*value > 0 && *value <= 1e9)) /* false for NaN */
        return fl_fail(json->error, "%s: %s: expected a number above 0, at most 1e9, not %g",
                       json->path, key, *value);
    return FL_OK;
}

/* Refuses keys that nothing reads: a misspelt one would be a figure that is silently missing. */
static int check_keys(const struct fl_json *json, const char *where, const char *const *known)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, json->object)
    {
        int i = 0;
        while (known[i] && strcmp(known[i], child->string) != 0)
            i++;
        if (!known[i])
            return fl_fail(json->error, "%s: %s%s: no such field", json->path, where,
                           child->string);
    }
    return FL_OK;
}

static int read_tflops(const struct fl_json *json, struct row *row)
{
    const cJSON *object;
    if (fl_json_find(json, "tflops", &object) != FL_OK)
        return FL_FAILED;
    if (!cJSON_IsObject(object))
        return fl_fail(json->error, "%s: tflops: expected an object of rates, e.g. {\"f32\": 10}",
                       json->path);
    const struct fl_json rates = {object, json->path, json->error};
    if (check_keys(&rates, "tflops.", fl_arith_names) != FL_OK)
        return FL_FAILED;
    for (int i = 0; i < FL_N_ARITHS; i++)
        if (read_figure(&rates, fl_arith_names[i],
                        i == FL_ARITH_F32 ? FL_JSON_REQUIRED : FL_JSON_OPTIONAL,
                        &row->tflops[i]) != FL_OK)
            return FL_FAILED;
    return FL_OK;
}

static int read_row(struct row *row, const struct fl_json *json)
{
    static const char *const KEYS[] = {"name",           "title",       "tflops",
                                       "bandwidth_gb_s", "source",      "note",
                                       "cache_mb",       "capacity_gb", NULL};
    if (check_keys(json, "", KEYS) != FL_OK ||
        fl_json_string(json, "name", FL_JSON_REQUIRED, &row->name) != FL_OK ||
        fl_json_string(json, "title", FL_JSON_OPTIONAL, &row->title) != FL_OK ||
        fl_json_string(json, "source", FL_JSON_OPTIONAL, &row->source) != FL_OK ||
        fl_json_string(json, "note", FL_JSON_OPTIONAL, &row->note) != FL_OK ||
        read_tflops(json, row) != FL_OK ||
        read_figure(json, "bandwidth_gb_s", FL_JSON_REQUIRED, &row->bandwidth_gb_s) != FL_OK ||
        read_figure(json, "capacity_gb", FL_JSON_REQUIRED, &row->capacity_gb) != FL_OK ||
        read_figure(json, "cache_mb", FL_JSON_OPTIONAL, &row->cache_mb) != FL_OK)
        return FL_FAILED;
    if (row->name[0] == '\0')
        return fl_fail(json->error, "%s: name: expected a name, it is empty", json->path);
    return FL_OK;
}

/* Texts go to terminals and pages: what is no printable character does not. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

int fl_hardware_parse(struct fl_hardware *hardware, const char *text, size_t size, const char *path,
                      struct fl_error *error)
{
    cJSON *root;
    struct row row = {.title = "", .source = "", .note = ""};
    if (fl_json_parse(&root, text, size, path, error) != FL_OK)
        return FL_FAILED;
    const struct fl_json json = {root, path, error};
    int status = read_row(&row, &json);
    if (status == FL_OK) {
        set_row(hardware, &row);
        clean(hardware->name);
        clean(hardware->title);
        clean(hardware->source);
        clean(hardware->note);
    }
    cJSON_Delete(root);
    return status;
}

static bool is_file(const char *spec)
{
    const char *dot = strrchr(spec, '.');
    return strchr(spec, '/') || (dot && strcmp(dot, ".json") == 0);
}

int fl_hardware_open(struct fl_hardware *hardware, const char *spec, struct fl_error *error)
{
    for (int i = 0; i < N_ROWS; i++)
        if (strcmp(spec, ROWS[i].name) == 0) {
            set_row(hardware, &ROWS[i]);
            return FL_OK;
        }
    if (!is_file(spec))
        return fl_fail(error,
                       "hardware: expected a name that 'predict --list' shows or a JSON file, not "
                       "'%s'",
                       spec);
    char *text;
    size_t size;
    if (fl_file_read(&text, &size, spec, FL_HARDWARE_MAX_BYTES, error) != FL_OK)
        return FL_FAILED;
    int status = fl_hardware_parse(hardware, text, size, spec, error);
    free(text);
    return status;
}

/* ---- ceilings ---- */

static void raise(double *best, double rate)
{
    if (rate > *best)
        *best = rate;
}

static void add_flops(struct fl_hardware *hardware, const struct fl_ceiling *ceiling, double rate)
{
    int dtype = 0;
    while (dtype < FL_N_DTYPES && strcmp(fl_dtype_names[dtype], ceiling->dtype) != 0)
        dtype++;
    if (strcmp(ceiling->kernel, "fma") == 0)
        raise(&hardware->flops_per_s[FL_ARITH_F32], rate);
    else if (strcmp(ceiling->kernel, "gemm") == 0)
        raise(&hardware->rows_flops_per_s[FL_F32], rate);
    else if (dtype < FL_N_DTYPES && strcmp(ceiling->kernel, "linear") == 0)
        raise(&hardware->rows_flops_per_s[dtype], rate);
    else if (dtype < FL_N_DTYPES && strcmp(ceiling->kernel, "dot") == 0)
        raise(&hardware->one_row_flops_per_s[dtype], rate);
}

/* Bytes are read: weights and cache are, and they are most of the traffic. */
static void add_bytes(struct fl_hardware *hardware, const struct fl_ceiling *ceiling, double rate)
{
    const enum fl_level level = fl_ceiling_level(ceiling);
    _Static_assert((int)FL_HARDWARE_CACHES == (int)FL_LEVEL_DRAM, "a cache for every level");
    if (strcmp(ceiling->kernel, "read") != 0 || level == FL_N_LEVELS)
        return;
    if (level == FL_LEVEL_DRAM) {
        raise(&hardware->bytes_per_s, rate);
        return;
    }
    raise(&hardware->caches[level].bytes_per_s, rate);
    raise(&hardware->caches[level].capacity_bytes, (double)ceiling->capacity_bytes);
}

/* Levels without a figure go. What is closer is no slower than what lies behind it: a measurement
 * that says so was disturbed. */
static void close_gaps(struct fl_hardware *hardware)
{
    double behind = hardware->bytes_per_s;
    for (int i = FL_HARDWARE_CACHES - 1; i >= 0; i--)
        if (hardware->caches[i].capacity_bytes > 0) {
            raise(&hardware->caches[i].bytes_per_s, behind);
            behind = hardware->caches[i].bytes_per_s;
        }
    for (int i = 0; i < FL_HARDWARE_CACHES; i++)
        if (hardware->caches[i].capacity_bytes > 0)
            hardware->caches[hardware->n_caches++] = hardware->caches[i];
    for (int i = hardware->n_caches; i < FL_HARDWARE_CACHES; i++)
        hardware->caches[i] = (struct fl_hardware_cache){0};
}

int fl_hardware_of_ceilings(struct fl_hardware *hardware, const struct fl_ceiling *ceilings, int n,
                            int n_threads, struct fl_error *error)
{
    *hardware = (struct fl_hardware){.is_measured = true, .n_threads = n_threads};
    snprintf(hardware->name, sizeof hardware->name, "measured");
    for (int i = 0; i < n; i++) {
        const struct fl_ceiling *ceiling = &ceilings[i];
        if (ceiling->n_threads != n_threads || ceiling->n_samples < 1)
            continue;
        snprintf(hardware->title, sizeof hardware->title, "%.127s", ceiling->machine);
        snprintf(hardware->source, sizeof hardware->source, "flopledger peaks, %s",
                 ceiling->measured_at);
        if (strcmp(ceiling->unit, "flops") == 0)
            add_flops(hardware, ceiling, fl_ceiling_roof(ceiling));
        else
            add_bytes(hardware, ceiling, fl_ceiling_roof(ceiling));
    }
    close_gaps(hardware);
    snprintf(hardware->note, sizeof hardware->note,
             "measured on %d thread%s with this engine's kernels; all arithmetic is in f32",
             n_threads, n_threads == 1 ? "" : "s");
    if (!(hardware->bytes_per_s > 0) || !(hardware->rows_flops_per_s[FL_F32] > 0))
        return fl_fail(error,
                       "ceilings: expected the bandwidth of memory and f32 products on %d "
                       "thread%s: measure them with 'flopledger peaks'",
                       n_threads, n_threads == 1 ? "" : "s");
    if (!(hardware->flops_per_s[FL_ARITH_F32] > 0))
        hardware->flops_per_s[FL_ARITH_F32] = hardware->rows_flops_per_s[FL_F32];
    return FL_OK;
}
