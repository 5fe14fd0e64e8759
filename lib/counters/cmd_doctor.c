/* cmd_doctor.c - `flopledger doctor`: what can be measured on this machine, by which counter, and
 * why the rest cannot; with --calibrate, how right the counters are. */
#include "base/units.h"
#include "bench/hostinfo.h"
#include "commands.h"
#include "counters/calibrate_run.h"
#include "counters/counter_flopgrind.h"
#include "counters/counter_papi.h"
#include "ledger/ledger.h"
#include "ops/blas_excess.h"
#include "reports/table.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const FORMATS[] = {"table", "json", NULL};
enum { FORMAT_TABLE, FORMAT_JSON };
enum { N_COUNTERS = 2, FLOPGRIND = 0, PAPI = 1, WIDTH = 80 };

struct findings {
    struct fl_run host;
    char hypervisor[64], caches[96];
    double clock_resolution_ns, region_ns;
    char flopgrind_missing[160], flopgrind_core[64];
    struct fl_papi_probe papi;

    bool calibrated;
    struct fl_calibration calibrations[N_COUNTERS];
    bool has_calibration[N_COUNTERS];
    struct fl_pace native, counted, footprint;
};

/* ---- looking ---- */

/* By the signature of CPUID leaf 0x40000000; one that is not in the table stands for itself. */
static const struct {
    const char *signature, *name;
} HYPERVISORS[] = {{"KVMKVMKVM", "KVM"},          {"Microsoft Hv", "Hyper-V"},
                   {"VMwareVMware", "VMware"},    {"XenVMMXenVMM", "Xen"},
                   {"TCGTCGTCGTCG", "QEMU"},      {"bhyve bhyve ", "bhyve"},
                   {"VBoxVBoxVBox", "VirtualBox"}};

static void find_hypervisor(char *out, size_t size)
{
    out[0] = '\0';
#if defined(__x86_64__)
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 31))
        return;
    char name[13] = "";
    __cpuid(0x40000000, a, b, c, d);
    memcpy(name, &b, 4);
    memcpy(name + 4, &c, 4);
    memcpy(name + 8, &d, 4);
    for (char *at = name; *at; at++)
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    snprintf(out, size, "%s", *name ? name : "unnamed");
    for (size_t i = 0; i < sizeof HYPERVISORS / sizeof *HYPERVISORS; i++)
        if (strcmp(name, HYPERVISORS[i].signature) == 0)
            snprintf(out, size, "%s", HYPERVISORS[i].name);
#else
    (void)size;
#endif
}

/* The first word of a file of the kernel's; "" when it is not there. */
static void read_word(char out[32], const char *format, int i)
{
    char path[128];
    out[0] = '\0';
    snprintf(path, sizeof path, format, i);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fscanf(file, "%31s", out) != 1)
        out[0] = '\0';
    fclose(file);
}

/* Data caches as the kernel knows them: "L1 48K, L2 1024K, L3 32768K". */
static void find_caches(char *out, size_t size)
{
    size_t used = 0;
    snprintf(out, size, "caches unknown");
    for (int i = 0; i < 8; i++) {
        char level[32], type[32], bytes[32];
        read_word(level, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        read_word(type, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        read_word(bytes, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        if (*bytes && strcmp(type, "Instruction") != 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%sL%.2s %.12s", used ? ", " : "",
                                     level, bytes);
    }
}

/* Time that a region takes when there is nothing in it and no counter attached. */
static double time_region(void)
{
    enum { ROUNDS = 20000 };
    struct fl_ledger ledger;
    struct fl_error error;
    if (fl_ledger_open(&ledger, 0, &error) != FL_OK)
        return NAN;
    uint64_t start = fl_clock_ns();
    for (int i = 0; i < ROUNDS; i++) {
        fl_region_enter(&ledger, FL_OP_EMBED);
        fl_region_leave(&ledger, 0, FL_OP_EMBED, (struct fl_cost){0});
    }
    double each = (double)(fl_clock_ns() - start) / ROUNDS;
    fl_ledger_close(&ledger);
    return each;
}

static void look(struct findings *found)
{
    struct timespec resolution = {0};
    fl_hostinfo_fill(&found->host);
    find_hypervisor(found->hypervisor, sizeof found->hypervisor);
    find_caches(found->caches, sizeof found->caches);
    clock_getres(CLOCK_MONOTONIC_RAW, &resolution);
    found->clock_resolution_ns = (double)resolution.tv_sec * 1e9 + (double)resolution.tv_nsec;
    found->region_ns = time_region();
    const char *missing = fl_flopgrind_missing();
    snprintf(found->flopgrind_missing, sizeof found->flopgrind_missing, "%s",
             missing ? missing : "");
    const char *core = getenv("OPENBLAS_CORETYPE");
    snprintf(found->flopgrind_core, sizeof found->flopgrind_core, "%s",
             core ? core : FL_FLOPGRIND_BLAS_CORE);
    fl_papi_probe(&found->papi);
}

/* ---- calibrating ---- */

static int calibrate(struct findings *found, struct fl_error *error)
{
    struct fl_calibration *with_lines = &found->calibrations[FLOPGRIND], without;
    found->calibrated = true;
    fl_pace_take(&found->native);
    if (!*found->flopgrind_missing) {
        if (fl_calibrate_flopgrind(&without, &found->counted, false, error) != FL_OK ||
            fl_calibrate_flopgrind(with_lines, &found->footprint, true, error) != FL_OK)
            return FL_FAILED;
        found->has_calibration[FLOPGRIND] = true;
    }
    if (!*found->papi.unavailable) {
        if (fl_calibrate_papi(&found->calibrations[PAPI], error) != FL_OK)
            return FL_FAILED;
        found->has_calibration[PAPI] = true;
    }
    return FL_OK;
}

/* ---- for people ---- */

/* A paragraph behind a label of ten columns, broken at blanks to fit the screen. */
static void print_paragraph(const char *label, const char *text)
{
    enum { INDENT = 10 };
    int column = printf("%-*s", INDENT, label);
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (column > INDENT && column + 1 + n > WIDTH) {
            printf("\n%*s", INDENT, "");
            column = INDENT;
        }
        column += printf("%s%.*s", column > INDENT ? " " : "", n, text);
        text += n + (text[n] == ' ');
    }
    putchar('\n');
}

static void print_machine(const struct findings *found)
{
    char text[512];
    snprintf(text, sizeof text, "%s, %d core%s%s%s%s; %s; %s", found->host.cpu_model,
             found->host.n_cores, found->host.n_cores == 1 ? "" : "s",
             *found->hypervisor ? ", a virtual machine (" : "", found->hypervisor,
             *found->hypervisor ? ")" : "", found->caches, found->host.kernel);
    print_paragraph("machine", text);
    const char *native = found->host.blas_core, *counted = found->flopgrind_core;
    snprintf(text, sizeof text,
             "natively OpenBLAS core %s and element-wise %s; under flopgrind core %s and at most "
             "avx2: what is counted there need not be the code that is timed",
             native, found->host.isa, counted);
    print_paragraph("kernels", text);
    const char *const cores[] = {native, counted};
    for (int i = 0; i < (strcmp(native, counted) == 0 ? 1 : 2); i++)
        if (!fl_blas_core_known(cores[i])) {
            snprintf(text, sizeof text,
                     "the terms exact -> measured of core %s's matrix products are not known",
                     cores[i]);
            print_paragraph("", text);
        }
}

static void print_clock(const struct findings *found)
{
    char text[256];
    snprintf(text, sizeof text,
             "yes: CLOCK_MONOTONIC_RAW, resolution %.0f ns; a region of the ledger costs %.0f ns",
             found->clock_resolution_ns, found->region_ns);
    print_paragraph("clock", text);
}

static void print_flopgrind(const struct findings *found)
{
    char text[512];
    if (*found->flopgrind_missing) {
        snprintf(text, sizeof text, "unavailable: %s", found->flopgrind_missing);
    } else if (found->calibrated) {
        snprintf(text, sizeof text,
                 "yes: %s; FLOPs by kind, precision and width, bytes, distinct lines; slowdown "
                 "measured now: GEMM %.1f times, GEMV %.1f, with lines %.1f and %.1f",
                 fl_flopgrind_version(), found->counted.gemm_ns / found->native.gemm_ns,
                 found->counted.gemv_ns / found->native.gemv_ns,
                 found->footprint.gemm_ns / found->native.gemm_ns,
                 found->footprint.gemv_ns / found->native.gemv_ns);
    } else {
        snprintf(text, sizeof text,
                 "yes: %s; FLOPs by kind, precision and width, bytes, distinct lines; typically 5 "
                 "to 40 times slower (--calibrate measures it)",
                 fl_flopgrind_version());
    }
    print_paragraph("flopgrind", text);
}

static void print_papi(const struct findings *found)
{
    const struct fl_papi_probe *papi = &found->papi;
    static const char WORD[] = "unavailable: ";
    char text[1024];
    const char *why = papi->unavailable;
    if (strncmp(why, WORD, strlen(WORD)) == 0)
        why += strlen(WORD);
    if (*why) {
        snprintf(text, sizeof text, "unavailable: %s%s%s", why, *papi->version ? "; " : "",
                 papi->version);
    } else {
        snprintf(text, sizeof text, "yes: %s on %s, %d counters at once, %d pass%s; %s",
                 papi->version, papi->pmu, papi->n_registers, papi->n_passes,
                 papi->n_passes == 1 ? "" : "es", papi->note);
    }
    print_paragraph("papi", text);
}

/* The counts people ask for first; --format json has all. */
static const struct {
    enum fl_count count;
    const char *flopgrind;
} HEADLINES[] = {
    {FL_COUNT_FLOPS, "exact"},      {FL_COUNT_BYTES_LOADED, "exact"},
    {FL_COUNT_LINES_READ, "exact"}, {FL_COUNT_LL_MISSES, "modelled"},
    {FL_COUNT_MEMORY_BYTES, "no"},  {FL_COUNT_INSTRUCTIONS, "exact"},
    {FL_COUNT_CYCLES, "no"},        {FL_COUNT_ENERGY, "no"},
};

static bool print_counts(const struct findings *found)
{
    static const char *const HEADINGS[] = {"count", "flopgrind", "papi"};
    struct fl_table table;
    fl_table_open(&table, "lll", HEADINGS);
    for (size_t i = 0; i < sizeof HEADLINES / sizeof *HEADLINES; i++) {
        enum fl_count count = HEADLINES[i].count;
        const char *event = found->papi.events[count];
        fl_table_cell(&table, fl_count_name(count));
        fl_table_cell(&table, *found->flopgrind_missing ? "unavailable" : HEADLINES[i].flopgrind);
        fl_table_format(&table, "%.28s%s", *event ? event : "unavailable",
                        strlen(event) > 28 ? "..." : "");
    }
    putchar('\n');
    bool good = fl_table_print(&table, FL_TABLE_TEXT, stdout);
    fl_table_close(&table);
    return good;
}

/* What a user could do to measure more, or more quietly. */
static void print_advice(const struct findings *found)
{
    putchar('\n');
    if (*found->flopgrind_missing)
        print_paragraph("to do",
                        "install valgrind and run make again: flopgrind needs no privileges");
    if (*found->papi.unavailable && *found->hypervisor)
        print_paragraph("to do",
                        "for cycles, energy and native kernels run on bare metal, or have the "
                        "host pass its performance monitoring unit through");
    else if (strstr(found->papi.unavailable, "paranoid"))
        print_paragraph("to do", "sudo sysctl kernel.perf_event_paranoid=1");
    for (int i = 0; fl_hostinfo_warning(i); i++)
        print_paragraph("noise", fl_hostinfo_warning(i));
}

static bool print_calibration(const struct fl_calibration *calibration)
{
    static const char *const HEADINGS[] = {"kernel", "count", "known", "measured", "ratio", ""};
    struct fl_table table;
    fl_table_open(&table, "llrrrl", HEADINGS);
    for (int i = 0; i < calibration->n_rows; i++) {
        const struct fl_calibration_row *row = &calibration->rows[i];
        char text[FL_WIDE_GROUPED];
        fl_table_cell(&table, row->kernel);
        fl_table_cell(&table, fl_count_key(row->count));
        fl_table_cell(&table, fl_grouped_text((fl_wide)row->known, text));
        fl_table_cell(&table, fl_grouped_text((fl_wide)row->measured, text));
        if (row->known > 0)
            fl_table_format(&table, "%.6f", fl_calibration_ratio(row));
        else
            fl_table_cell(&table, "-");
        fl_table_cell(&table, row->measured == row->known ? "OK" : "differs");
    }
    printf("\ncalibration of %s (%s): %s\n\n", calibration->counter, calibration->version,
           fl_calibration_exact(calibration) ? "measures what is known, to the last one"
                                             : "differs from what is known");
    bool good = fl_table_print(&table, FL_TABLE_TEXT, stdout);
    fl_table_close(&table);
    return good;
}

static int print_screen(const struct findings *found, struct fl_error *error)
{
    print_machine(found);
    print_clock(found);
    print_flopgrind(found);
    print_papi(found);
    bool good = true;
    if (found->calibrated) {
        for (int i = 0; i < N_COUNTERS && good; i++)
            if (found->has_calibration[i])
                good = print_calibration(&found->calibrations[i]);
    } else {
        good = print_counts(found);
        print_advice(found);
    }
    return good ? FL_OK : fl_fail(error, "doctor: not enough memory for the table");
}

/* ---- for programs ---- */

static void add_counter(cJSON *counters, const char *name, const char *version, const char *reason)
{
    cJSON *object = cJSON_AddObjectToObject(counters, name);
    cJSON_AddBoolToObject(object, "available", !*reason);
    cJSON_AddStringToObject(object, "version", version);
    if (*reason)
        cJSON_AddStringToObject(object, "reason", reason);
}

static void add_slowdown(cJSON *object, const char *name, const struct fl_pace *pace,
                         const struct fl_pace *native)
{
    cJSON *slowdown = cJSON_AddObjectToObject(object, name);
    cJSON_AddNumberToObject(slowdown, "gemm", pace->gemm_ns / native->gemm_ns);
    cJSON_AddNumberToObject(slowdown, "gemv", pace->gemv_ns / native->gemv_ns);
}

static void add_calibration(cJSON *object, const struct fl_calibration *calibration)
{
    cJSON *kernels = cJSON_AddArrayToObject(object, "calibration");
    for (int i = 0; i < calibration->n_rows; i++) {
        const struct fl_calibration_row *row = &calibration->rows[i];
        cJSON *kernel = cJSON_CreateObject();
        cJSON_AddItemToArray(kernels, kernel);
        cJSON_AddStringToObject(kernel, "kernel", row->kernel);
        cJSON_AddStringToObject(kernel, "count", fl_count_key(row->count));
        cJSON_AddNumberToObject(kernel, "known", (double)row->known);
        cJSON_AddNumberToObject(kernel, "measured", (double)row->measured);
    }
}

static void add_papi_details(cJSON *papi, const struct fl_papi_probe *probe)
{
    cJSON_AddStringToObject(papi, "processor", probe->processor);
    cJSON_AddStringToObject(papi, "pmu", probe->pmu);
    cJSON_AddNumberToObject(papi, "n_registers", probe->n_registers);
    cJSON_AddNumberToObject(papi, "n_passes", probe->n_passes);
    cJSON_AddStringToObject(papi, "note", probe->note);
    cJSON *components = cJSON_AddArrayToObject(papi, "components");
    for (int i = 0; i < probe->n_components; i++) {
        cJSON *component = cJSON_CreateObject();
        cJSON_AddItemToArray(components, component);
        cJSON_AddStringToObject(component, "name", probe->components[i].name);
        cJSON_AddNumberToObject(component, "n_events", probe->components[i].n_events);
        cJSON_AddStringToObject(component, "disabled", probe->components[i].disabled);
    }
    cJSON *events = cJSON_AddObjectToObject(papi, "events");
    cJSON *reasons = cJSON_AddObjectToObject(papi, "reasons");
    for (int count = 0; count < FL_N_COUNTS; count++) {
        const char *key = fl_count_key((enum fl_count)count);
        if (*probe->events[count])
            cJSON_AddStringToObject(events, key, probe->events[count]);
        else if (*probe->reasons[count])
            cJSON_AddStringToObject(reasons, key, probe->reasons[count]);
    }
}

static int print_json(const struct findings *found, struct fl_error *error)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "schema", 1);
    cJSON *machine = cJSON_AddObjectToObject(root, "machine");
    cJSON_AddStringToObject(machine, "cpu_model", found->host.cpu_model);
    cJSON_AddNumberToObject(machine, "n_cores", found->host.n_cores);
    cJSON_AddStringToObject(machine, "hypervisor", found->hypervisor);
    cJSON_AddStringToObject(machine, "caches", found->caches);
    cJSON_AddStringToObject(machine, "kernel", found->host.kernel);
    cJSON_AddStringToObject(machine, "governor", found->host.governor);
    cJSON *kernels = cJSON_AddObjectToObject(root, "kernels");
    cJSON_AddStringToObject(kernels, "blas_core", found->host.blas_core);
    cJSON_AddStringToObject(kernels, "isa", found->host.isa);
    cJSON_AddStringToObject(kernels, "flopgrind_blas_core", found->flopgrind_core);
    cJSON *counters = cJSON_AddObjectToObject(root, "counters");
    cJSON *clock = cJSON_AddObjectToObject(counters, "clock");
    cJSON_AddNumberToObject(clock, "resolution_ns", found->clock_resolution_ns);
    cJSON_AddNumberToObject(clock, "region_ns", found->region_ns);
    add_counter(counters, "flopgrind", fl_flopgrind_version(), found->flopgrind_missing);
    add_counter(counters, "papi", found->papi.version, found->papi.unavailable);
    cJSON *flopgrind = cJSON_GetObjectItem(counters, "flopgrind");
    cJSON *papi = cJSON_GetObjectItem(counters, "papi");
    add_papi_details(papi, &found->papi);
    if (found->has_calibration[FLOPGRIND]) {
        add_slowdown(flopgrind, "slowdown", &found->counted, &found->native);
        add_slowdown(flopgrind, "slowdown_with_lines", &found->footprint, &found->native);
        add_calibration(flopgrind, &found->calibrations[FLOPGRIND]);
    }
    if (found->has_calibration[PAPI])
        add_calibration(papi, &found->calibrations[PAPI]);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return fl_fail(error, "doctor: not enough memory for the JSON text");
    printf("%s\n", text);
    free(text);
    return FL_OK;
}

/* ---- the command ---- */

static int run(int argc, char **argv)
{
    int format = FORMAT_TABLE, first;
    bool calibrated = false;
    const struct fl_option options[] = {
        {NULL, "calibrate", 0, FL_OPTION_FLAG, &calibrated, NULL,
         "run kernels of known work through every counter (seconds)", NULL, 0, 0, NULL},
        {NULL, "format", 'f', FL_OPTION_CHOICE, &format, "F", "table or json", "table", 0, 0,
         FORMATS},
        {0}};
    enum fl_cli_outcome outcome = fl_cli_parse(&fl_command_doctor, options, argc, argv, &first);
    if (outcome != FL_CLI_RUN)
        return outcome == FL_CLI_HELP ? FL_EXIT_DONE : FL_EXIT_MISUSE;
    if (first < argc)
        return fl_cli_misuse(&fl_command_doctor, "unexpected argument '%s'", argv[first]);

    struct fl_error error;
    FILE *parent = fl_flopgrind_parent();
    if (parent)
        return fl_calibrate_for_parent(parent, &error) == FL_OK
                   ? FL_EXIT_DONE
                   : fl_cli_failed(&fl_command_doctor, &error);
    struct findings *found = calloc(1, sizeof *found);
    int status = FL_OK;
    if (!found) {
        status = fl_fail(&error, "doctor: no memory for what it finds");
    } else {
        look(found);
        if (calibrated)
            status = calibrate(found, &error);
        if (status == FL_OK)
            status =
                format == FORMAT_JSON ? print_json(found, &error) : print_screen(found, &error);
    }
    free(found);
    return status == FL_OK ? FL_EXIT_DONE : fl_cli_failed(&fl_command_doctor, &error);
}

const struct fl_command fl_command_doctor = {
    .name = "doctor",
    .summary = "what can be measured here, by which counter, and why the rest cannot",
    .usage = "[--calibrate] [--format table|json]",
    .examples = "  flopledger doctor\n"
                "  flopledger doctor --calibrate\n"
                "  flopledger doctor --format json\n",
    .run = run,
};
