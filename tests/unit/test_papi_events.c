/* The table of events by processor: every name is one that libpfm4 knows for that processor, and
 * every weight is that of the mask it encodes to. libpfm4 knows all processors of an architecture
 * wherever it runs, so no hardware is needed. */
#include "counters/papi_events.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PFM_SUCCESS = 0, PFM_OS_NONE = 0, PFM_PLM3 = 8, CODES = 4 };

/* pfm_pmu_encode_arg_t of perfmon/pfmlib.h, ABI version 4. */
struct encoding {
    uint64_t *codes;
    char **name;
    size_t size;
    int n_codes;
    int index;
};

typedef int (*initialize_fn)(void);
typedef int (*encode_fn)(const char *name, int levels, int os, void *arguments);

static encode_fn encode;

/* Skips where there is no libpfm4. */
static void open_libpfm(void)
{
    initialize_fn initialize;
    setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
    void *library = dlopen("libpfm.so.4", RTLD_NOW);
    if (!library)
        cr_skip_test("no libpfm4: %s", dlerror());
    *(void **)&initialize = dlsym(library, "pfm_initialize");
    *(void **)&encode = dlsym(library, "pfm_get_os_event_encoding");
    cr_assert(initialize && encode);
    cr_assert_eq(initialize(), PFM_SUCCESS);
}

/* False when libpfm4 does not know the event of that unit. The first code is the one that the
 * processor's event select register takes: event in bits 0 to 7, unit mask in bits 8 to 15. */
static bool encode_event(const char *pmu, const char *event, uint64_t *code)
{
    char name[256];
    uint64_t codes[CODES] = {0};
    struct encoding encoding = {.codes = codes, .size = sizeof encoding, .n_codes = CODES};
    /* ":cpu=" is the kernel's, not the processor's */
    snprintf(name, sizeof name, "%s%s%s", strstr(event, "::") ? "" : pmu,
             strstr(event, "::") ? "" : "::", event);
    char *cpu = strstr(name, ":cpu=");
    if (cpu)
        *cpu = '\0';
    int status = encode(name, PFM_PLM3, PFM_OS_NONE, &encoding);
    *code = codes[0];
    return status == PFM_SUCCESS;
}

/* Whether this libpfm4 has the unit at all: Arm's are not in one for x86, new ones in an old. */
static bool has_pmu(const char *pmu)
{
    static const char *const ANY[] = {"INSTRUCTION_RETIRED", "RETIRED_INSTRUCTIONS",
                                      "INST_RETIRED"};
    uint64_t code;
    for (size_t i = 0; i < sizeof ANY / sizeof *ANY; i++)
        if (encode_event(pmu, ANY[i], &code))
            return true;
    return false;
}

/* The word number i of a list; false behind the last. */
static bool word(const char *list, int i, char out[64])
{
    for (; i > 0 && *list; i--) {
        list += strcspn(list, " ");
        list += *list == ' ';
    }
    snprintf(out, 64, "%.*s", (int)strcspn(list, " "), list);
    return *out != '\0';
}

Test(papi_events, names_are_libpfm4s)
{
    int n_checked = 0;
    open_libpfm();
    for (const struct fl_papi_set *set = fl_papi_sets; set->pmus; set++) {
        char pmu[64];
        cr_expect_not_null(set->source, "%s", set->pmus);
        if (strcmp(set->pmus, "*") == 0)
            continue; /* the kernel's events and PAPI's components */
        for (int i = 0; word(set->pmus, i, pmu); i++) {
            for (int k = 0; has_pmu(pmu) && k < FL_PAPI_SET_EVENTS && set->events[k].name; k++) {
                uint64_t code;
                cr_expect(encode_event(pmu, set->events[k].name, &code), "%s: %s", pmu,
                          set->events[k].name);
                n_checked++;
            }
        }
    }
    if (n_checked == 0)
        cr_skip_test("libpfm4 knows no processor of the table");
#if defined(__x86_64__)
    cr_expect_geq(n_checked, 90);
#endif
}

/* Unit masks of event C7H, Intel SDM vol. 3B: lanes and precision are what they say. */
Test(papi_events, intel_masks_have_the_lanes_they_are_weighed_with)
{
    static const struct {
        uint64_t mask, lanes;
        enum fl_count precision;
    } MASKS[] = {
        {0x01, 1, FL_COUNT_FLOPS_DOUBLE}, {0x02, 1, FL_COUNT_FLOPS_SINGLE},
        {0x04, 2, FL_COUNT_FLOPS_DOUBLE}, {0x08, 4, FL_COUNT_FLOPS_SINGLE},
        {0x10, 4, FL_COUNT_FLOPS_DOUBLE}, {0x20, 8, FL_COUNT_FLOPS_SINGLE},
        {0x40, 8, FL_COUNT_FLOPS_DOUBLE}, {0x80, 16, FL_COUNT_FLOPS_SINGLE},
    };
    static const char *const PMUS[] = {"bdw", "skl", "skx", "clx", "icl", "icx", "spr"};
    int n_checked = 0;
    open_libpfm();
    if (!has_pmu("skx"))
        cr_skip_test("this libpfm4 does not know x86");
    for (size_t p = 0; p < sizeof PMUS / sizeof *PMUS; p++)
        for (const struct fl_papi_set *set = fl_papi_sets; set->pmus; set++)
            for (int k = 0; fl_papi_pmu_listed(set->pmus, PMUS[p]) && k < FL_PAPI_SET_EVENTS &&
                            set->events[k].name;
                 k++) {
                const struct fl_papi_event *event = &set->events[k];
                uint64_t code = 0;
                if (!(event->counts & FL_COUNT_BIT(FLOPS)))
                    continue;
                cr_assert(encode_event(PMUS[p], event->name, &code), "%s", event->name);
                cr_expect_eq(code & 0xff, 0xc7, "%s: event %#llx", event->name,
                             (unsigned long long)code);
                for (size_t m = 0; m < sizeof MASKS / sizeof *MASKS; m++)
                    if ((code >> 8 & 0xff) == MASKS[m].mask) {
                        cr_expect_eq(event->times, MASKS[m].lanes, "%s", event->name);
                        cr_expect(event->counts & UINT64_C(1) << MASKS[m].precision, "%s",
                                  event->name);
                        n_checked++;
                    }
            }
    cr_expect_eq(n_checked, 2 * 6 + 5 * 8);
}

/* What a set says of precision and of width must each add up to its FLOPs, or be left unsaid. */
Test(papi_events, parts_add_up_to_flops)
{
    const uint64_t precisions = FL_COUNT_BIT(FLOPS_SINGLE) | FL_COUNT_BIT(FLOPS_DOUBLE);
    for (const struct fl_papi_set *set = fl_papi_sets; set->pmus; set++)
        for (int k = 0; k < FL_PAPI_SET_EVENTS && set->events[k].name; k++) {
            const struct fl_papi_event *event = &set->events[k];
            cr_expect_neq(event->counts, 0, "%s", event->name);
            cr_expect_gt(event->times, 0, "%s", event->name);
            cr_expect_gt(event->per, 0, "%s", event->name);
            cr_expect_neq(event->counts & precisions, precisions, "%s: both", event->name);
        }
}

static bool gives(const struct fl_papi_set *set, enum fl_count count)
{
    for (int k = 0; k < FL_PAPI_SET_EVENTS && set->events[k].name; k++)
        if (set->events[k].counts & UINT64_C(1) << count)
            return true;
    return false;
}

/* Characters of the longest note that a count can bring with it on a processor. */
static size_t longest_note(const char *pmu, enum fl_count count)
{
    size_t longest = 0;
    for (const struct fl_papi_set *set = fl_papi_sets; set->pmus; set++)
        if (set->note && fl_papi_pmu_listed(set->pmus, pmu) && gives(set, count) &&
            strlen(set->note) > longest)
            longest = strlen(set->note);
    return longest;
}

/* Counts of FLOPs share a note, which the counter says once. */
Test(papi_events, notes_fit_into_the_counters)
{
    for (const struct fl_papi_set *set = fl_papi_sets; set->pmus; set++) {
        char pmu[64];
        for (int i = 0; word(set->pmus, i, pmu); i++) {
            size_t used = longest_note(pmu, FL_COUNT_FLOPS) +
                          longest_note(pmu, FL_COUNT_MEMORY_BYTES) +
                          longest_note(pmu, FL_COUNT_ENERGY) + 2 * strlen("; ");
            cr_expect_lt(used, sizeof((struct fl_counter *)0)->note, "%s", pmu);
        }
    }
}

Test(papi_events, lists_are_of_whole_words)
{
    cr_expect(fl_papi_pmu_listed("skx clx", "skx"));
    cr_expect(fl_papi_pmu_listed("skx clx", "clx"));
    cr_expect(fl_papi_pmu_listed("*", ""));
    cr_expect(!fl_papi_pmu_listed("skx clx", "sk"));
    cr_expect(!fl_papi_pmu_listed("skx clx", "skx clx"));
    cr_expect(!fl_papi_pmu_listed("hsw_ep", "hsw"));
    cr_expect(!fl_papi_pmu_listed("skx clx", ""));
}

Test(papi_events, says_which_processors_count_no_flops)
{
    static const char *const NONE[] = {"hsw", "hsw_ep", "arm_n1"};
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++) {
        cr_expect_not_null(fl_papi_no_flops(NONE[i]));
        for (const struct fl_papi_set *set = fl_papi_sets; set->pmus; set++)
            for (int k = 0; fl_papi_pmu_listed(set->pmus, NONE[i]) && k < FL_PAPI_SET_EVENTS &&
                            set->events[k].name;
                 k++)
                cr_expect(!(set->events[k].counts & FL_COUNT_BIT(FLOPS)), "%s", NONE[i]);
    }
    cr_expect_not_null(strstr(fl_papi_no_flops("hsw"), "Haswell"));
    cr_expect_null(fl_papi_no_flops("skx"));
}
