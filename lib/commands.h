/* commands.h - the subcommands; lib/main.c has their table. Each is defined in a cmd_*.c. */
#ifndef FL_COMMANDS_H
#define FL_COMMANDS_H

#include "base/cli.h"

extern const struct fl_command fl_command_count;       /* analyzers/cmd_count.c */
extern const struct fl_command fl_command_why;         /* analyzers/cmd_why.c */
extern const struct fl_command fl_command_predict;     /* analyzers/cmd_predict.c */
extern const struct fl_command fl_command_audit;       /* analyzers/cmd_audit.c */
extern const struct fl_command fl_command_generate;    /* lib/engine/cmd_generate.c */
extern const struct fl_command fl_command_logits;      /* lib/engine/cmd_logits.c */
extern const struct fl_command fl_command_convert;     /* lib/model/cmd_convert.c */
extern const struct fl_command fl_command_tokenize;    /* lib/text/cmd_tokenize.c */
extern const struct fl_command fl_command_detokenize;  /* lib/text/cmd_tokenize.c */
extern const struct fl_command fl_command_peaks;       /* bench/cmd_peaks.c */
extern const struct fl_command fl_command_sweep;       /* bench/cmd_sweep.c */
extern const struct fl_command fl_command_serve_trace; /* bench/cmd_serve_trace.c */
extern const struct fl_command fl_command_lab;         /* bench/labs/cmd_lab.c */
extern const struct fl_command fl_command_export;      /* reports/cmd_export.c */
extern const struct fl_command fl_command_report;      /* reports/cmd_report.c */
extern const struct fl_command fl_command_compare;     /* analyzers/cmd_compare.c */
extern const struct fl_command fl_command_scaling;     /* analyzers/cmd_scaling.c */
extern const struct fl_command fl_command_doctor;      /* lib/counters/cmd_doctor.c */

#endif
