/* oracle - runs a program natively, without Valgrind, and counts what it executes between marks:
 * the program is traced, stepped one instruction at a time, and every instruction decoded with
 * Zydis. It is what flopgrind is held against; it also counts AVX-512, which Valgrind cannot run.
 *
 * usage: oracle [--json] PROGRAM [ARGUMENT...]
 *
 * Only the thread that sets the marks is counted, and the program is asked to use one thread
 * (OMP_NUM_THREADS=1). Lanes switched off by an AVX-512 mask are not counted; `full_width` in the
 * JSON is what would have been counted with all lanes on. Repeated string instructions stop at
 * every repetition, and each of these is an instruction. Outside the marks the program runs at
 * full speed. Exit status: that of the program; 1 when it could not be traced, 2 for misuse. */
#include "tests/accuracy/op_counts.h"
#include "tests/accuracy/oracle_decode.h"
#include "tests/accuracy/oracle_marks.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEEPEST = 16, NAME_SIZE = 128, LONGEST_INSTRUCTION = 15 };

/* Decoded instructions by address, open addressing; grows when half full. Programs that write
 * their own instructions are not for this oracle. */
struct decoded {
    uint64_t address; /* 0: empty */
    struct oracle_work work;
};

struct stretch {
    char name[NAME_SIZE];
    struct flopgrind_counts at_begin, full_at_begin;
};

struct oracle {
    pid_t child;
    struct decoded *decoded;
    size_t n_decoded, n_slots; /* n_slots: a power of two */

    struct flopgrind_counts counts, full;
    struct stretch open[DEEPEST];
    int depth;
    int n_threads; /* most that were seen at the end of a stretch */
    cJSON *kernels;

    size_t xstate_size, opmask_offset, avx_offset;
    uint8_t *xstate;
};

static int complain(const char *what)
{
    fprintf(stderr, "oracle: %s: %s\n", what, strerror(errno));
    return -1;
}

/* ---- the traced program's registers and memory ---- */

static uint64_t user_register(const struct oracle *o, size_t offset)
{
    return (uint64_t)ptrace(PTRACE_PEEKUSER, o->child, (void *)offset, NULL);
}
#define REGISTER(o, name) user_register((o), offsetof(struct user, regs.name))

static size_t read_memory(const struct oracle *o, void *to, uint64_t address, size_t size)
{
    struct iovec local = {to, size}, remote = {(void *)(uintptr_t)address, size};
    ssize_t n = process_vm_readv(o->child, &local, 1, &remote, 1, 0);
    return n < 0 ? 0 : (size_t)n;
}

/* A read that ends in an unmapped page fails as a whole, so the rest is tried page by page. */
static size_t read_code(const struct oracle *o, uint8_t code[LONGEST_INSTRUCTION], uint64_t address)
{
    const uint64_t PAGE = 4096;
    size_t in_page = (size_t)(PAGE - address % PAGE);
    size_t first = in_page < LONGEST_INSTRUCTION ? in_page : LONGEST_INSTRUCTION;
    size_t n = read_memory(o, code, address, first);
    if (n == first && first < LONGEST_INSTRUCTION)
        n += read_memory(o, code + n, address + n, LONGEST_INSTRUCTION - n);
    return n;
}

/* Offsets of the parts of the extended state, where the processor has them: CPUID leaf 13. */
static int find_xstate(struct oracle *o)
{
    unsigned a, b, c, d;
    o->xstate_size = 4096;
    if (__get_cpuid_count(13, 0, &a, &b, &c, &d) && c > o->xstate_size)
        o->xstate_size = c;
    if (__get_cpuid_count(13, 2, &a, &b, &c, &d))
        o->avx_offset = b;
    if (__get_cpuid_count(13, 5, &a, &b, &c, &d))
        o->opmask_offset = b;
    o->xstate = calloc(1, o->xstate_size);
    return o->xstate ? 0 : complain("extended state");
}

static int read_xstate(const struct oracle *o)
{
    struct iovec state = {o->xstate, o->xstate_size};
    if (ptrace(PTRACE_GETREGSET, o->child, (void *)(uintptr_t)NT_X86_XSTATE, &state) != 0)
        return complain("cannot read the vector registers");
    return 0;
}

static bool sign_of_element(const struct oracle *o, int reg, int element_size, int element)
{
    enum { XMM_OFFSET = 160, HALF = 16 }; /* of the FXSAVE area; bytes of half a ymm register */
    int byte = element * element_size + element_size - 1;
    size_t at = byte < HALF ? XMM_OFFSET + (size_t)reg * HALF + (size_t)byte
                            : o->avx_offset + (size_t)reg * HALF + (size_t)(byte - HALF);
    return o->xstate[at] >> 7;
}

static int active_lanes(const struct oracle *o, const struct oracle_work *work)
{
    int n = 0;
    uint64_t k = 0;
    if (read_xstate(o) != 0)
        return -1;
    if (work->mask == ORACLE_OPMASK)
        memcpy(&k, o->xstate + o->opmask_offset + sizeof k * work->mask_register, sizeof k);
    for (int i = 0; i < work->mask_lanes; i++)
        n += work->mask == ORACLE_OPMASK
                 ? (int)(k >> i & 1)
                 : sign_of_element(o, work->mask_register, work->mask_element, i);
    return n;
}

/* ---- decoding ---- */

static struct decoded *slot_of(struct decoded *table, size_t n_slots, uint64_t address)
{
    size_t i = (size_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (n_slots - 1);
    while (table[i].address != 0 && table[i].address != address)
        i = (i + 1) & (n_slots - 1);
    return &table[i];
}

static int grow(struct oracle *o)
{
    size_t n_slots = o->n_slots ? 2 * o->n_slots : 1 << 14;
    struct decoded *table = calloc(n_slots, sizeof *table);
    if (!table)
        return complain("decoded instructions");
    for (size_t i = 0; i < o->n_slots; i++)
        if (o->decoded[i].address)
            *slot_of(table, n_slots, o->decoded[i].address) = o->decoded[i];
    free(o->decoded);
    o->decoded = table;
    o->n_slots = n_slots;
    return 0;
}

/* NULL, with a message, when the bytes there are no instruction. */
static const struct oracle_work *decode_at(struct oracle *o, uint64_t address)
{
    if (2 * o->n_decoded >= o->n_slots && grow(o) != 0)
        return NULL;
    struct decoded *slot = slot_of(o->decoded, o->n_slots, address);
    if (slot->address == 0) {
        uint8_t code[LONGEST_INSTRUCTION];
        size_t n = read_code(o, code, address);
        if (!oracle_decode(&slot->work, code, n)) {
            fprintf(stderr, "oracle: Zydis cannot decode the instruction at 0x%" PRIx64 "\n",
                    address);
            return NULL;
        }
        slot->address = address;
        o->n_decoded++;
    }
    return &slot->work;
}

/* ---- counting ---- */

static void count_lanes(struct flopgrind_counts *counts, const struct oracle_work *work, int active,
                        int of)
{
    for (int i = 0; i < work->n_parts; i++)
        counts->ops[work->parts[i].op][work->parts[i].precision][work->parts[i].width] +=
            (uint64_t)(work->parts[i].lanes * active / of);
    counts->instructions++;
}

static void count_bytes(struct flopgrind_counts *counts, const struct oracle_work *work, int active)
{
    unsigned bytes = (unsigned)(work->once ? active > 0 : active) * work->memory_element;
    counts->bytes_loaded += work->memory_element && work->bytes_loaded ? bytes : work->bytes_loaded;
    counts->bytes_stored += work->memory_element && work->bytes_stored ? bytes : work->bytes_stored;
}

/* Counts the instruction that is about to run; masks and the repeat count are as it sees them. */
struct pending {
    const struct oracle_work *work;
    int active;
    bool moves;
};

static int look_ahead(struct oracle *o, struct pending *pending, const struct oracle_work *work)
{
    *pending = (struct pending){.work = work, .active = work->mask_lanes, .moves = true};
    if (work->mask != ORACLE_NO_MASK && (pending->active = active_lanes(o, work)) < 0)
        return -1;
    if (work->repeats)
        pending->moves = REGISTER(o, rcx) != 0;
    return 0;
}

static void count(struct oracle *o, const struct pending *pending)
{
    const struct oracle_work *work = pending->work;
    bool masked = work->mask != ORACLE_NO_MASK && work->mask_lanes;
    count_lanes(&o->counts, work, masked ? pending->active : 1, masked ? work->mask_lanes : 1);
    count_lanes(&o->full, work, 1, 1);
    if (pending->moves) {
        count_bytes(&o->counts, work, pending->active);
        count_bytes(&o->full, work, work->mask_lanes);
    }
}

/* ---- marks ---- */

static int threads_of(pid_t process)
{
    char path[64], line[128];
    int n = 1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "Threads: %d", &n) == 1)
            break;
    if (status)
        fclose(status);
    return n;
}

static int begin(struct oracle *o)
{
    if (o->depth == DEEPEST) {
        fprintf(stderr, "oracle: stretches are nested deeper than %d\n", DEEPEST);
        return -1;
    }
    struct stretch *stretch = &o->open[o->depth++];
    uint64_t address = REGISTER(o, rdi);
    size_t n = 0;
    while (n < NAME_SIZE - 1 && read_memory(o, &stretch->name[n], address + n, 1) == 1 &&
           stretch->name[n])
        n++;
    stretch->name[n] = '\0';
    stretch->at_begin = o->counts;
    stretch->full_at_begin = o->full;
    return 0;
}

static int end(struct oracle *o)
{
    if (o->depth == 0) {
        fprintf(stderr, "oracle: a stretch ends that never began\n");
        return -1;
    }
    struct stretch *stretch = &o->open[--o->depth];
    struct flopgrind_counts counts = o->counts, full = o->full;
    op_counts_subtract(&counts, &stretch->at_begin);
    op_counts_subtract(&full, &stretch->full_at_begin);
    cJSON *kernel = cJSON_CreateObject();
    cJSON_AddStringToObject(kernel, "name", stretch->name);
    cJSON_AddItemToObject(kernel, "counts", op_counts_to_json(&counts));
    cJSON_AddItemToObject(kernel, "full_width", op_counts_to_json(&full));
    cJSON_AddItemToArray(o->kernels, kernel);
    int n_threads = threads_of(o->child);
    if (n_threads > o->n_threads)
        o->n_threads = n_threads;
    return 0;
}

/* 1 when a mark was there, 0 when not. */
static int mark(struct oracle *o)
{
    uint64_t rax = REGISTER(o, rax);
    if (rax != ORACLE_BEGIN && rax != ORACLE_END)
        return 0;
    return (rax == ORACLE_BEGIN ? begin(o) : end(o)) == 0 ? 1 : -1;
}

/* ---- running ---- */

/* What happened when the program stopped. */
enum event { FAILED = -1, STOPPED, SIGNALLED, ENDED };

static enum event wait_for(const struct oracle *o, int *status, int *sig)
{
    *sig = 0;
    if (waitpid(o->child, status, __WALL) != o->child) {
        complain("waitpid");
        return FAILED;
    }
    if (WIFEXITED(*status) || WIFSIGNALED(*status))
        return ENDED;
    if (WSTOPSIG(*status) == SIGTRAP)
        return STOPPED;
    *sig = WSTOPSIG(*status);
    return SIGNALLED;
}

/* After a signal was handed over: the trap before the handler's first instruction, at which none
 * of the program's own has run. */
static bool entered_handler(const struct oracle *o)
{
    siginfo_t info;
    return ptrace(PTRACE_GETSIGINFO, o->child, NULL, &info) == 0 && info.si_code == SIGTRAP;
}

static enum event run_to_mark(struct oracle *o, int *status)
{
    int sig = 0;
    for (;;) {
        if (ptrace(PTRACE_CONT, o->child, NULL, (void *)(intptr_t)sig) != 0) {
            complain("cannot continue the program");
            return FAILED;
        }
        enum event event = wait_for(o, status, &sig);
        if (event == FAILED || event == ENDED)
            return event;
        if (event == STOPPED && mark(o) < 0)
            return FAILED;
        if (o->depth > 0)
            return STOPPED;
    }
}

/* Steps until the outermost stretch ends. */
static enum event step_through(struct oracle *o, int *status)
{
    int sig = 0;
    struct pending pending = {0};
    while (o->depth > 0) {
        uint64_t rip = REGISTER(o, rip);
        const struct oracle_work *work = decode_at(o, rip);
        if (!work || look_ahead(o, &pending, work) != 0)
            return FAILED;
        if (work->breakpoint) {
            if (mark(o) <= 0)
                return FAILED;
            ptrace(PTRACE_POKEUSER, o->child, (void *)offsetof(struct user, regs.rip),
                   (void *)(uintptr_t)(rip + 1));
            continue;
        }
        bool handing_over = sig != 0;
        if (ptrace(PTRACE_SINGLESTEP, o->child, NULL, (void *)(intptr_t)sig) != 0) {
            complain("cannot step the program");
            return FAILED;
        }
        enum event event = wait_for(o, status, &sig);
        if (event == FAILED || event == ENDED)
            return event;
        if (event == STOPPED && !(handing_over && entered_handler(o)))
            count(o, &pending);
    }
    return STOPPED;
}

static enum event follow(struct oracle *o, int *status)
{
    for (;;) {
        enum event event = run_to_mark(o, status);
        if (event == STOPPED)
            event = step_through(o, status);
        if (event != STOPPED)
            return event;
    }
}

/* Both processes on one core: a step then costs a third of what it costs across two. */
static void stay_on_this_core(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)sched_getcpu(), &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void become_program(char **arguments)
{
    setenv(ORACLE_ENVIRONMENT, "1", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    /* The C library copies and fills as it does under Valgrind, which shows no AVX-512. */
    setenv("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW", 0);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        fprintf(stderr, "oracle: this system does not allow programs to be traced (ptrace: %s)\n",
                strerror(errno));
        _exit(1);
    }
    execvp(arguments[0], arguments);
    fprintf(stderr, "oracle: %s: %s\n", arguments[0], strerror(errno));
    _exit(1);
}

/* Stops at the first instruction of the program, traced. */
static enum event start(struct oracle *o, char **arguments, int *status)
{
    int sig;
    stay_on_this_core();
    o->child = fork();
    if (o->child < 0) {
        complain("cannot start a process");
        return FAILED;
    }
    if (o->child == 0)
        become_program(arguments);
    enum event event = wait_for(o, status, &sig);
    if (event == STOPPED &&
        ptrace(PTRACE_SETOPTIONS, o->child, NULL, (void *)(intptr_t)PTRACE_O_EXITKILL) != 0) {
        complain("cannot trace the program");
        return FAILED;
    }
    return event;
}

/* ---- output ---- */

static void print_table(const struct oracle *o)
{
    const cJSON *kernel, *op;
    cJSON_ArrayForEach(kernel, o->kernels)
    {
        const cJSON *object = cJSON_GetObjectItem(kernel, "counts");
        struct flopgrind_counts counts = op_counts_from_json(object);
        printf("%s: %" PRIu64 " FLOP, %" PRIu64 " instructions, %" PRIu64 " bytes loaded, %" PRIu64
               " stored\n",
               cJSON_GetObjectItem(kernel, "name")->valuestring, op_counts_flops(&counts),
               counts.instructions, counts.bytes_loaded, counts.bytes_stored);
        cJSON_ArrayForEach(op, cJSON_GetObjectItem(object, "ops"))
            printf("  %-24s %14.0f\n", op->string, op->valuedouble);
    }
}

static void print_json(const struct oracle *o)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "threads", o->n_threads);
    cJSON_AddItemReferenceToObject(root, "kernels", o->kernels);
    char *text = cJSON_Print(root);
    puts(text ? text : "");
    cJSON_free(text);
    cJSON_Delete(root);
}

static void report(const struct oracle *o, bool json)
{
    if (json)
        print_json(o);
    else
        print_table(o);
    if (o->n_threads > 1)
        fprintf(stderr, "oracle: the program had %d threads; only the marking one was counted\n",
                o->n_threads);
    if (cJSON_GetArraySize(o->kernels) == 0)
        fprintf(stderr, "oracle: the program ended without a mark\n");
}

static void release(struct oracle *o)
{
    cJSON_Delete(o->kernels);
    free(o->xstate);
    free(o->decoded);
}

int main(int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    char **arguments = argv + 1 + json;
    if (!arguments[0] || arguments[0][0] == '-') {
        fprintf(stderr, "usage: oracle [--json] PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    int status = 0;
    struct oracle oracle = {.kernels = cJSON_CreateArray(), .n_threads = 1};
    enum event event = find_xstate(&oracle) == 0 ? start(&oracle, arguments, &status) : FAILED;
    if (event == STOPPED)
        event = follow(&oracle, &status);
    if (event == ENDED && cJSON_GetArraySize(oracle.kernels) + (status == 0) > 0)
        report(&oracle, json);
    release(&oracle);
    if (event != ENDED)
        return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
