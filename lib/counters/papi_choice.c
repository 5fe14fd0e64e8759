#include "counters/papi_choice.h"

#ifdef FL_HAS_PAPI

#include "counters/papi_library.h"

#include <stdio.h>
#include <string.h>
#ifdef __aarch64__
#include <sys/prctl.h>
#endif

/* Index of the event, added when it is new. */
static int event_index(struct fl_papi_choice *choice, const char *name, struct fl_error *error)
{
    for (int i = 0; i < choice->n_events; i++)
        if (strcmp(choice->events[i].name, name) == 0)
            return i;
    int id;
    if (choice->n_events == FL_PAPI_MAX_EVENTS || PAPI_event_name_to_code(name, &id) != PAPI_OK)
        return fl_fail(error, "PAPI: cannot take event %s", name);
    struct fl_papi_chosen *chosen = &choice->events[choice->n_events];
    *chosen = (struct fl_papi_chosen){.component = PAPI_get_event_component(id)};
    snprintf(chosen->name, sizeof chosen->name, "%s", name);
    return choice->n_events++;
}

/* The machine's SVE vectors in units of 128 bits; 0 where there are none. */
static uint64_t vector_units(void)
{
#if defined(__aarch64__) && defined(PR_SVE_GET_VL)
    int bytes = prctl(PR_SVE_GET_VL);
    return bytes < 0 ? 0 : (uint64_t)(bytes & PR_SVE_VL_LEN_MASK) / 16;
#else
    return 0;
#endif
}

/* name: of the event, in full. */
static int add_use(struct fl_papi_choice *choice, const char *name,
                   const struct fl_papi_event *event, enum fl_count count, struct fl_error *error)
{
    int index = event_index(choice, name, error);
    if (index < 0)
        return FL_FAILED;
    if (choice->n_uses == FL_PAPI_MAX_USES)
        return fl_fail(error, "PAPI: more than %d uses of events", FL_PAPI_MAX_USES);
    uint64_t times = event->per_128_bits ? event->times * vector_units() : event->times;
    choice->uses[choice->n_uses++] =
        (struct fl_papi_use){.event = index, .count = count, .times = times, .per = event->per};
    return FL_OK;
}

/* The processor's own events by their unit; those of others are named so in the table. */
static void full_name(char out[FL_PAPI_NAME + 1], const char *pmu, const char *event)
{
    bool full = strstr(event, "::") != NULL;
    snprintf(out, FL_PAPI_NAME + 1, "%s%s%s", full ? "" : pmu, full ? "" : "::", event);
}

static bool set_gives(const struct fl_papi_set *set, enum fl_count count)
{
    for (int i = 0; i < FL_PAPI_SET_EVENTS && set->events[i].name; i++)
        if (set->events[i].counts & UINT64_C(1) << count)
            return true;
    return false;
}

/* PAPI_OK, or PAPI's code for the first event that cannot be counted. */
static int try_set(const struct fl_papi_set *set, const char *pmu, enum fl_count count)
{
    char name[FL_PAPI_NAME + 1];
    int code = PAPI_OK;
    for (int i = 0; i < FL_PAPI_SET_EVENTS && set->events[i].name && code == PAPI_OK; i++)
        if (set->events[i].counts & UINT64_C(1) << count) {
            full_name(name, pmu, set->events[i].name);
            code = fl_papi_try(name);
        }
    return code;
}

/* Of counts no set gives: whose fault it is. */
static const char *general_reason(enum fl_count count, const char *pmu)
{
    const char *no_flops = fl_papi_no_flops(pmu);
    switch (count) {
    case FL_COUNT_BYTES_LOADED:
    case FL_COUNT_BYTES_STORED:
        return "processors count loads and stores, not their bytes";
    case FL_COUNT_LINES_READ:
    case FL_COUNT_LINES_WRITTEN:
    case FL_COUNT_L1_MISSES:
    case FL_COUNT_LL_MISSES:
    case FL_COUNT_LL_WRITEBACKS:
        return "flopgrind alone knows addresses";
    case FL_COUNT_ENERGY:
        return "PAPI sees no energy counter of the package";
    default:
        break;
    }
    if (no_flops && count <= FL_COUNT_FLOPS_512)
        return no_flops;
    return *pmu ? "this processor has no event for it that the table knows"
                : "PAPI does not know this processor";
}

const struct fl_papi_set *fl_papi_find_set(enum fl_count count, const char **reason)
{
    const char *pmu = fl_papi_pmu_name();
    const PAPI_hw_info_t *machine = PAPI_get_hardware_info();
    *reason = general_reason(count, pmu);
    for (const struct fl_papi_set *set = fl_papi_sets; set->pmus; set++) {
        if (!set_gives(set, count) || !fl_papi_pmu_listed(set->pmus, pmu))
            continue;
        if (set->whole_machine && machine && machine->sockets > 1) {
            *reason = "counted for one socket, and there are several";
            continue;
        }
        int code = try_set(set, pmu, count);
        if (code == PAPI_OK)
            return set;
        if (code != PAPI_ENOEVNT && code != PAPI_ENOCMP) /* those say that nothing is there */
            *reason = PAPI_strerror(code);
    }
    return NULL;
}

void fl_papi_note(struct fl_counter *counter, const char *note)
{
    size_t used = strlen(counter->note);
    if (!note || strstr(counter->note, note))
        return;
    snprintf(counter->note + used, sizeof counter->note - used, "%s%s", used ? "; " : "", note);
}

static int use_set(struct fl_papi_choice *choice, const struct fl_papi_set *set, const char *pmu,
                   enum fl_count count, struct fl_error *error)
{
    char name[FL_PAPI_NAME + 1];
    for (int i = 0; i < FL_PAPI_SET_EVENTS && set->events[i].name; i++)
        if (set->events[i].counts & UINT64_C(1) << count) {
            full_name(name, pmu, set->events[i].name);
            if (add_use(choice, name, &set->events[i], count, error))
                return FL_FAILED;
        }
    return FL_OK;
}

int fl_papi_choose_by_processor(struct fl_papi_choice *choice, struct fl_counter *counter,
                                struct fl_error *error)
{
    char why[160];
    fl_papi_why_not(why, sizeof why);
    if (*why)
        return fl_fail(error, "unavailable: %s", why);
    const char *pmu = fl_papi_pmu_name();
    for (int count = 0; count < FL_N_COUNTS; count++) {
        const char *reason;
        const struct fl_papi_set *set = fl_papi_find_set((enum fl_count)count, &reason);
        if (!set)
            continue;
        if (use_set(choice, set, pmu, (enum fl_count)count, error))
            return FL_FAILED;
        counter->available |= UINT64_C(1) << count;
        fl_papi_note(counter, set->note);
    }
    if (!(counter->available & FL_COUNT_BIT(FLOPS)))
        fl_papi_note(counter, fl_papi_no_flops(pmu));
    if (!counter->available)
        return fl_fail(error, "unavailable: PAPI can count no event that the table knows for %s",
                       *pmu ? pmu : "this processor");
    return FL_OK;
}

int fl_papi_choose_by_table(struct fl_papi_choice *choice, struct fl_counter *counter,
                            const struct fl_papi_table *table, struct fl_error *error)
{
    for (int i = 0; i < table->n_events; i++) {
        const struct fl_papi_event *event = &table->events[i];
        int code = fl_papi_try(event->name);
        if (code != PAPI_OK) {
            char why[160];
            fl_papi_why_not(why, sizeof why);
            return fl_fail(error, "unavailable: event %s cannot be counted: %s", event->name,
                           *why ? why : PAPI_strerror(code));
        }
        for (int count = 0; count < FL_N_COUNTS; count++)
            if ((event->counts & UINT64_C(1) << count) &&
                add_use(choice, event->name, event, (enum fl_count)count, error))
                return FL_FAILED;
        counter->available |= event->counts;
    }
    fl_papi_note(counter, "events and weights as the user gave them");
    return FL_OK;
}

#endif
