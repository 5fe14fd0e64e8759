/* From one pass of a sweep to the next: the program starts anew, and what it must know of the
 * passes before goes through one variable of the environment. */
#include "bench/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char VARIABLE[] = "FLOPLEDGER_SWEEP_STATE";

void fl_sweep_start_anew(const struct fl_sweep_state *state, int64_t run_id, int argc, char **argv,
                         struct fl_error *error)
{
    const struct fl_sweep_tally *tally = &state->tally;
    const struct fl_progress *progress = &state->progress;
    char text[512];
    snprintf(text, sizeof text,
             "%" PRId64 " %d %" PRIu64 " %d %d %d %" PRId64 " %" PRId64 " %" PRId64
             " %a %a %" PRIu64 " %" PRIu64,
             run_id, state->pass, state->started_ns, tally->n_measured, tally->n_stored,
             tally->n_refused, tally->n_samples, progress->done, progress->total,
             progress->work_done, progress->work_total, progress->started_ns, progress->shown_ns);
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (!words || setenv(VARIABLE, text, 1) != 0) {
        free(words);
        fl_fail(error, "no memory to start anew");
        return;
    }
    words[0] = "flopledger";
    memcpy(words + 1, argv, (size_t)argc * sizeof *words);
    fflush(NULL);
    /* between two visits the results file is complete, and its descriptors close by themselves */
    execv("/proc/self/exe", words);
    fl_fail(error, "the program cannot start anew: %s", strerror(errno));
    unsetenv(VARIABLE);
    free(words);
}

bool fl_sweep_take_over(struct fl_sweep_state *state, int64_t *run_id, bool quiet)
{
    const char *text = getenv(VARIABLE);
    struct fl_sweep_state taken = {0};
    struct fl_sweep_tally *tally = &taken.tally;
    struct fl_progress *progress = &taken.progress;
    if (!text)
        return false;
    const int n = sscanf(text,
                         "%" SCNd64 " %d %" SCNu64 " %d %d %d %" SCNd64 " %" SCNd64 " %" SCNd64
                         " %la %la %" SCNu64 " %" SCNu64,
                         run_id, &taken.pass, &taken.started_ns, &tally->n_measured,
                         &tally->n_stored, &tally->n_refused, &tally->n_samples, &progress->done,
                         &progress->total, &progress->work_done, &progress->work_total,
                         &progress->started_ns, &progress->shown_ns);
    unsetenv(VARIABLE); /* it is for nobody else that is started from here */
    if (n != 13)
        return false;
    progress->what = "sweep";
    progress->quiet = quiet;
    progress->terminal = isatty(STDERR_FILENO);
    *state = taken;
    return true;
}
