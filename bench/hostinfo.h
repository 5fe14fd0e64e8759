/* hostinfo.h - the machine and the program a result was made with. What cannot be read says
 * "unavailable"; nothing is guessed. */
#ifndef FL_BENCH_HOSTINFO_H
#define FL_BENCH_HOSTINFO_H

#include "store/store.h"

/* Fills everything in *run but id, command_line and seed: the time (now), host, CPU model, cores
 * this process may use, governor, kernel, BLAS, instruction set of our kernels, counter, version.
 * run->machine is named from it. */
void fl_hostinfo_fill(struct fl_run *run);

/* "flopledger sweep --model M ..." as a shell would take it back; cut to the size of the field. */
void fl_hostinfo_command_line(struct fl_run *run, int argc, char **argv);

/* A sentence about what makes this machine's or build's timings doubtful, NULL when nothing does.
 * i counts them from 0. */
const char *fl_hostinfo_warning(int i);

#endif
