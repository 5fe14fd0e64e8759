/* lab_list.h - the labs, a file each; lab_table.c puts them in order. */
#ifndef FL_BENCH_LAB_LIST_H
#define FL_BENCH_LAB_LIST_H

#include "bench/labs/lab.h"

extern const struct fl_lab fl_lab_formula;      /* lab_formula.c */
extern const struct fl_lab fl_lab_phases;       /* lab_phases.c */
extern const struct fl_lab fl_lab_kv_cache;     /* lab_kv_cache.c */
extern const struct fl_lab fl_lab_roofline;     /* lab_roofline.c */
extern const struct fl_lab fl_lab_attention;    /* lab_attention.c */
extern const struct fl_lab fl_lab_batching;     /* lab_batching.c */
extern const struct fl_lab fl_lab_quantisation; /* lab_quantisation.c */
extern const struct fl_lab fl_lab_speculation;  /* lab_speculation.c */
extern const struct fl_lab fl_lab_slips;        /* lab_slips.c */

#endif
