#include "counters/counter_papi.h"

#ifdef FL_HAS_PAPI

#include "counters/papi_choice.h"
#include "counters/papi_library.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EVENTS = FL_PAPI_MAX_EVENTS, MAX_PASSES = 16, MAX_DEPTH = 32 };

/* A running PAPI event set: of one thread for the component that counts by thread, of the
 * machine otherwise. */
struct running {
    int handle;
    int leader; /* the kernel's descriptor of the group, of a thread's set; -1: another's */
    int n_events;
    int events[MAX_EVENTS]; /* in PAPI's order */
};

struct state {
    bool started_papi;
    int by_thread; /* index of the component whose events belong to threads, or -1 */
    struct fl_papi_choice choice;
    int pass, n_passes;
    struct running *running;
    int n_running;
    bool known[FL_PAPI_DESCRIPTORS]; /* kernel events that are not of the next set */
    long long entered[MAX_DEPTH][MAX_EVENTS];
    int depth;
};

/* ---- passes ---- */

/* Every event goes into the first pass whose set of its component still takes it. PAPI asks the
 * kernel, which knows what the processor can count at once. */
static int plan_passes(struct state *state, int n_at_once, struct fl_error *error)
{
    struct trial {
        int component, pass, handle, n_events;
    } trials[MAX_EVENTS];
    int n_trials = 0, status = FL_OK;
    for (int i = 0; i < state->choice.n_events && !status; i++) {
        struct fl_papi_chosen *event = &state->choice.events[i];
        int used = 0, found = -1;
        for (int k = 0; k < n_trials && found < 0; k++) {
            if (trials[k].component != event->component)
                continue;
            used++;
            if (trials[k].n_events != n_at_once &&
                PAPI_add_named_event(trials[k].handle, event->name) == PAPI_OK) {
                trials[k].n_events++;
                found = trials[k].pass;
            }
        }
        if (found < 0) {
            struct trial *trial = &trials[n_trials];
            *trial = (struct trial){.component = event->component, .pass = used, .n_events = 1};
            int code = fl_papi_make_set(event->component, fl_papi_own_tid(), &trial->handle);
            if (code == PAPI_OK) {
                n_trials++;
                code = PAPI_add_named_event(trial->handle, event->name);
            }
            if (code != PAPI_OK)
                status = fl_fail(error, "PAPI: event %s cannot be counted: %s", event->name,
                                 PAPI_strerror(code));
            found = trial->pass;
        }
        event->pass = found;
        if (found >= state->n_passes)
            state->n_passes = found + 1;
    }
    for (int k = 0; k < n_trials; k++)
        fl_papi_drop_set(&trials[k].handle);
    if (!status && state->n_passes > MAX_PASSES)
        status = fl_fail(error, "PAPI: the events take %d passes, expected at most %d",
                         state->n_passes, MAX_PASSES);
    return status;
}

static void stop_running(struct state *state)
{
    long long values[MAX_EVENTS];
    for (int i = 0; i < state->n_running; i++) {
        PAPI_stop(state->running[i].handle, values);
        fl_papi_drop_set(&state->running[i].handle);
    }
    free(state->running);
    state->running = NULL;
    state->n_running = 0;
}

/* Starts the events of the current pass that belong to a component, of one thread. */
static int run_set(struct state *state, int component, int tid, struct fl_error *error)
{
    struct running set = {.handle = PAPI_NULL, .leader = -1};
    int code = PAPI_OK;
    const char *name = "";
    for (int i = 0; i < state->choice.n_events && code == PAPI_OK; i++) {
        const struct fl_papi_chosen *event = &state->choice.events[i];
        if (event->pass != state->pass || event->component != component)
            continue;
        name = event->name;
        if (set.handle == PAPI_NULL)
            code = fl_papi_make_set(component, tid, &set.handle);
        if (code == PAPI_OK)
            code = PAPI_add_named_event(set.handle, event->name);
        set.events[set.n_events++] = i;
    }
    if (set.handle != PAPI_NULL && code == PAPI_OK)
        code = PAPI_start(set.handle);
    struct running *more = NULL;
    if (set.handle != PAPI_NULL && code == PAPI_OK) {
        more = realloc(state->running, ((size_t)state->n_running + 1) * sizeof *more);
        if (!more)
            code = PAPI_ENOMEM;
    }
    if (more) {
        int leader = fl_papi_new_descriptor(state->known);
        set.leader = component == state->by_thread ? leader : -1;
        state->running = more;
        more[state->n_running++] = set;
        return FL_OK;
    }
    fl_papi_drop_set(&set.handle);
    if (code == PAPI_OK)
        return FL_OK; /* no event of this component in this pass */
    return fl_fail(error, "PAPI: event %s cannot be counted in thread %d: %s", name, tid,
                   PAPI_strerror(code));
}

/* Every thread there is; those that come later inherit. */
static int run_threads(struct state *state, struct fl_error *error)
{
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks)
        return fl_fail(error, "/proc/self/task: %s", strerror(errno));
    int status = FL_OK;
    for (struct dirent *task; !status && (task = readdir(tasks));)
        if (task->d_name[0] != '.')
            status = run_set(state, state->by_thread, atoi(task->d_name), error);
    closedir(tasks);
    return status;
}

static int run_pass(struct state *state, int pass, struct fl_error *error)
{
    stop_running(state);
    state->pass = pass;
    state->depth = 0;
    memset(state->known, 0, sizeof state->known);
    fl_papi_new_descriptor(state->known); /* those of others */
    int status = state->by_thread < 0 ? FL_OK : run_threads(state, error);
    for (int i = 0; i < PAPI_num_components() && !status; i++)
        if (i != state->by_thread)
            status = run_set(state, i, 0, error);
    if (status)
        stop_running(state);
    return status;
}

/* ---- the counter ---- */

/* What cannot be read any more is unavailable from here on. */
static void lose(struct fl_counter *counter, const char *why)
{
    struct state *state = counter->state;
    uint64_t lost = 0;
    for (int i = 0; i < state->choice.n_uses; i++)
        if (state->choice.events[state->choice.uses[i].event].pass == state->pass)
            lost |= UINT64_C(1) << state->choice.uses[i].count;
    counter->available &= ~lost;
    fl_papi_note(counter, why);
}

static void start_pass(struct fl_counter *counter, int pass)
{
    struct fl_error error;
    if (run_pass(counter->state, pass, &error))
        lose(counter, error.text);
}

/* PAPI 7.0 overlooks the error when it reads events that threads inherit, and gives the last value
 * again; so the kernel is asked too. */
static bool read_set(const struct running *set, long long values[MAX_EVENTS])
{
    return (set->leader < 0 || fl_papi_still_counts(set->leader)) &&
           PAPI_read(set->handle, values) == PAPI_OK;
}

/* The sums over all threads, by event. */
static void read_all(struct fl_counter *counter, long long sums[MAX_EVENTS])
{
    struct state *state = counter->state;
    memset(sums, 0, (size_t)state->choice.n_events * sizeof *sums);
    for (int i = 0; i < state->n_running; i++) {
        long long values[MAX_EVENTS];
        if (!read_set(&state->running[i], values)) {
            lose(counter, "a counter was lost to another user of the processor's");
            continue;
        }
        for (int k = 0; k < state->running[i].n_events; k++)
            sums[state->running[i].events[k]] += values[k];
    }
}

static void enter(struct fl_counter *counter, const char *name)
{
    struct state *state = counter->state;
    (void)name;
    assert(state->depth < MAX_DEPTH);
    read_all(counter, state->entered[state->depth++]);
}

static uint64_t weigh(const struct fl_papi_use *use, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    return use->per == 1 ? n * use->times : (uint64_t)((wide)n * use->times / use->per);
}

static void leave(struct fl_counter *counter, struct fl_reading *sum)
{
    struct state *state = counter->state;
    long long now[MAX_EVENTS];
    read_all(counter, now);
    assert(state->depth > 0);
    const long long *then = state->entered[--state->depth];
    for (int i = 0; i < state->choice.n_uses; i++) {
        const struct fl_papi_use *use = &state->choice.uses[i];
        const long long n = now[use->event] - then[use->event];
        if (state->choice.events[use->event].pass == state->pass && n > 0)
            sum->values[use->count] += weigh(use, (uint64_t)n);
    }
}

static void close_counter(struct fl_counter *counter)
{
    struct state *state = counter->state;
    if (!state)
        return;
    stop_running(state);
    if (state->started_papi)
        PAPI_shutdown();
    free(state);
    counter->state = NULL;
}

static int open_counter(struct fl_counter *counter, const struct fl_papi_options *options,
                        struct fl_error *error)
{
    struct state *state = counter->state;
    if (fl_papi_start(&state->started_papi, error))
        return FL_FAILED;
    fl_papi_version(counter->version, sizeof counter->version);
    const PAPI_component_info_t *info = fl_papi_threads_component(&state->by_thread);
    if (info && info->disabled)
        state->by_thread = -1;
    if (options->table ? fl_papi_choose_by_table(&state->choice, counter, options->table, error)
                       : fl_papi_choose_by_processor(&state->choice, counter, error))
        return FL_FAILED;
    if (plan_passes(state, options->n_at_once, error) || run_pass(state, 0, error))
        return FL_FAILED;
    counter->n_passes = state->n_passes;
    counter->start_pass = state->n_passes > 1 ? start_pass : NULL;
    return FL_OK;
}

int fl_counter_papi_open(struct fl_counter *counter, const struct fl_papi_options *options,
                         struct fl_error *error)
{
    static const struct fl_papi_options by_processor;
    *counter = (struct fl_counter){
        .name = "papi",
        .n_passes = 1,
        .enter = enter,
        .leave = leave,
        .close = close_counter,
        .state = calloc(1, sizeof(struct state)),
    };
    if (!counter->state)
        return fl_fail(error, "unavailable: no memory for PAPI's events");
    if (!open_counter(counter, options ? options : &by_processor, error))
        return FL_OK;
    close_counter(counter);
    *counter = (struct fl_counter){.n_passes = 0};
    return FL_FAILED;
}

#else

int fl_counter_papi_open(struct fl_counter *counter, const struct fl_papi_options *options,
                         struct fl_error *error)
{
    (void)options;
    *counter = (struct fl_counter){.n_passes = 0};
    return fl_fail(error, "unavailable: %s", FL_PAPI_NOT_BUILT);
}

#endif
