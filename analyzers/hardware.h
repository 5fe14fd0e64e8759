/* hardware.h - what a machine can do at most: from the table of published figures, from a user's
 * file, or from ceilings that were measured.
 *
 * A file is one JSON object; docs/predict.md has the schema:
 *
 *     {"name": "my-card", "tflops": {"f32": 20, "f16": 80}, "bandwidth_gb_s": 600,
 *      "capacity_gb": 24, "cache_mb": 6, "source": "https://..."}
 */
#ifndef FL_ANALYZERS_HARDWARE_H
#define FL_ANALYZERS_HARDWARE_H

#include "base/dtype.h"
#include "base/error.h"
#include "store/ceiling.h"

#include <stdbool.h>
#include <stddef.h>

/* Arithmetic of matrix products, dense. */
enum fl_arith {
    FL_ARITH_F32,
    FL_ARITH_TF32,
    FL_ARITH_F16,
    FL_ARITH_BF16,
    FL_ARITH_FP8,
    FL_ARITH_INT8,
    FL_N_ARITHS
};
extern const char *const fl_arith_names[]; /* NULL-terminated, in the order of the enum */

enum { FL_HARDWARE_CACHES = 3, FL_HARDWARE_MAX_BYTES = 1 << 20 };

struct fl_hardware_cache {
    double capacity_bytes;
    double bytes_per_s; /* 0: not known; what stays in there is then taken to cost nothing */
};

struct fl_hardware {
    char name[64], title[128], source[256], note[256];
    double flops_per_s[FL_N_ARITHS]; /* 0: not published, or no such arithmetic */
    double bytes_per_s;              /* of memory */
    double capacity_bytes;           /* of memory; 0: not known */
    struct fl_hardware_cache caches[FL_HARDWARE_CACHES]; /* the smallest first */
    int n_caches;

    /* Measured on a machine, with this engine's kernels: FLOPs per second of products with weights
     * of a stored format, by a single row and by many. 0: not measured. */
    bool is_measured;
    double one_row_flops_per_s[FL_N_DTYPES], rows_flops_per_s[FL_N_DTYPES];
    int n_threads;
};

/* The rows of the table. */
int fl_hardware_count(void);
void fl_hardware_row(struct fl_hardware *hardware, int i);

/* A name of the table, or a file: what has a '/' or ends in ".json". */
int fl_hardware_open(struct fl_hardware *hardware, const char *spec, struct fl_error *error);

/* From the text of such a file. Refuses what is missing, unknown, not a positive finite number, or
 * occurs twice, by field. */
int fl_hardware_parse(struct fl_hardware *hardware, const char *text, size_t size, const char *path,
                      struct fl_error *error);

/* From the ceilings of one machine on n_threads; refuses a set without memory bandwidth or f32
 * products. */
int fl_hardware_of_ceilings(struct fl_hardware *hardware, const struct fl_ceiling *ceilings, int n,
                            int n_threads, struct fl_error *error);

#endif
