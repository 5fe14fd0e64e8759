#include "counters/counter_papi.h"

#include <stdio.h>

#ifdef FL_HAS_PAPI

#include "counters/papi_choice.h"
#include "counters/papi_library.h"

#include <string.h>

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%.*s", (int)size - 1, text);
}

static void probe_components(struct fl_papi_probe *probe)
{
    for (int i = 0; i < PAPI_num_components() && i < FL_PAPI_COMPONENTS; i++) {
        const PAPI_component_info_t *info = PAPI_get_component_info(i);
        struct fl_papi_component *component = &probe->components[probe->n_components++];
        copy_text(component->name, sizeof component->name, info->name);
        if (info->disabled)
            copy_text(component->disabled, sizeof component->disabled, info->disabled_reason);
        component->n_events = info->num_native_events > 0 ? info->num_native_events : 0;
    }
}

/* Which events give which counts, and why the others are not given. */
static void probe_counts(struct fl_papi_probe *probe)
{
    for (int count = 0; count < FL_N_COUNTS; count++) {
        const char *reason = probe->unavailable;
        const struct fl_papi_set *set = NULL;
        if (!*probe->unavailable)
            set = fl_papi_find_set((enum fl_count)count, &reason);
        if (!set)
            copy_text(probe->reasons[count], FL_PAPI_TEXT, reason);
        for (int i = 0; set && i < FL_PAPI_SET_EVENTS && set->events[i].name; i++) {
            char *text = probe->events[count];
            size_t used = strlen(text);
            if (set->events[i].counts & UINT64_C(1) << count)
                snprintf(text + used, FL_PAPI_TEXT - used, "%s%s", used ? " + " : "",
                         set->events[i].name);
        }
    }
}

/* Opens the counter once, which is the one sure way to know that it opens. */
static void probe_counter(struct fl_papi_probe *probe)
{
    static const char PREFIX[] = "unavailable: ";
    struct fl_error error;
    struct fl_counter counter;
    if (fl_counter_papi_open(&counter, NULL, &error)) {
        bool prefixed = strncmp(error.text, PREFIX, strlen(PREFIX)) == 0;
        copy_text(probe->unavailable, sizeof probe->unavailable,
                  error.text + (prefixed ? strlen(PREFIX) : 0));
        return;
    }
    probe->n_passes = counter.n_passes;
    copy_text(probe->note, sizeof probe->note, counter.note);
    counter.close(&counter);
}

void fl_papi_probe(struct fl_papi_probe *probe)
{
    struct fl_error error;
    bool started;
    int index;
    memset(probe, 0, sizeof *probe);
    if (fl_papi_start(&started, &error)) {
        copy_text(probe->unavailable, sizeof probe->unavailable, error.text);
        return;
    }
    fl_papi_version(probe->version, sizeof probe->version);
    const PAPI_hw_info_t *machine = PAPI_get_hardware_info();
    if (machine)
        copy_text(probe->processor, sizeof probe->processor, machine->model_string);
    const PAPI_component_info_t *info = fl_papi_threads_component(&index);
    copy_text(probe->pmu, sizeof probe->pmu, fl_papi_pmu_name());
    probe->n_registers = info && !info->disabled ? info->num_cntrs : 0;
    probe_components(probe);
    probe_counter(probe);
    if (*probe->unavailable)
        probe->n_registers = 0;
    probe_counts(probe);
    if (started)
        PAPI_shutdown();
}

#else

#include <string.h>

void fl_papi_probe(struct fl_papi_probe *probe)
{
    memset(probe, 0, sizeof *probe);
    snprintf(probe->unavailable, sizeof probe->unavailable, "%s", FL_PAPI_NOT_BUILT);
    for (int count = 0; count < FL_N_COUNTS; count++)
        snprintf(probe->reasons[count], FL_PAPI_TEXT, "%s", FL_PAPI_NOT_BUILT);
}

#endif
