#include "tests/accuracy/op_counts.h"

#include <inttypes.h>
#include <stdio.h>

const char *const op_names[] = {"add",    "mul",     "fma",     "div",      "sqrt",
                                "minmax", "compare", "convert", "estimate", "other"};
const char *const precision_names[] = {"half", "single", "double", "extended"};
const char *const width_names[] = {"scalar", "128", "256", "512"};

/* Everything but the operations. */
static const struct {
    const char *name;
    size_t offset;
} MEMBERS[] = {
#define MEMBER(name)                                                                               \
    {                                                                                              \
#name, offsetof(struct flopgrind_counts, name)                                             \
    }
    MEMBER(instructions), MEMBER(bytes_loaded),  MEMBER(bytes_stored), MEMBER(has_footprint),
    MEMBER(lines_read),   MEMBER(lines_written), MEMBER(has_cache),    MEMBER(l1_misses),
    MEMBER(ll_misses),    MEMBER(ll_writebacks),
#undef MEMBER
};
enum { N_MEMBERS = sizeof MEMBERS / sizeof *MEMBERS };

/* The operations lie first, one after the other. */
enum { N_KINDS = FLOPGRIND_N_OPS * FLOPGRIND_N_PRECISIONS * FLOPGRIND_N_WIDTHS };

static uint64_t *member(struct flopgrind_counts *counts, int i)
{
    return (uint64_t *)((char *)counts + MEMBERS[i].offset);
}

static uint64_t member_value(const struct flopgrind_counts *counts, int i)
{
    return *(const uint64_t *)((const char *)counts + MEMBERS[i].offset);
}

static const uint64_t *kinds(const struct flopgrind_counts *counts)
{
    return &counts->ops[0][0][0];
}

static void kind_key(char key[OP_KEY_SIZE], int kind)
{
    op_key(key, kind / (FLOPGRIND_N_PRECISIONS * FLOPGRIND_N_WIDTHS),
           kind / FLOPGRIND_N_WIDTHS % FLOPGRIND_N_PRECISIONS, kind % FLOPGRIND_N_WIDTHS);
}

void op_key(char key[OP_KEY_SIZE], int op, int precision, int width)
{
    snprintf(key, OP_KEY_SIZE, "%s/%s/%s", op_names[op], precision_names[precision],
             width_names[width]);
}

cJSON *op_counts_to_json(const struct flopgrind_counts *counts)
{
    char key[OP_KEY_SIZE];
    cJSON *object = cJSON_CreateObject();
    cJSON *ops = cJSON_AddObjectToObject(object, "ops");
    for (int kind = 0; kind < N_KINDS; kind++)
        if (kinds(counts)[kind]) {
            kind_key(key, kind);
            cJSON_AddNumberToObject(ops, key, (double)kinds(counts)[kind]);
        }
    for (int i = 0; i < N_MEMBERS; i++)
        cJSON_AddNumberToObject(object, MEMBERS[i].name, (double)member_value(counts, i));
    return object;
}

static uint64_t number(const cJSON *object, const char *name)
{
    return (uint64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(object, name));
}

struct flopgrind_counts op_counts_from_json(const cJSON *object)
{
    char key[OP_KEY_SIZE];
    struct flopgrind_counts counts = {0};
    const cJSON *ops = cJSON_GetObjectItem(object, "ops");
    for (int kind = 0; kind < N_KINDS; kind++) {
        kind_key(key, kind);
        if (cJSON_HasObjectItem(ops, key))
            (&counts.ops[0][0][0])[kind] = number(ops, key);
    }
    for (int i = 0; i < N_MEMBERS; i++)
        if (cJSON_HasObjectItem(object, MEMBERS[i].name))
            *member(&counts, i) = number(object, MEMBERS[i].name);
    return counts;
}

static int is_flag(int i)
{
    return MEMBERS[i].offset == offsetof(struct flopgrind_counts, has_footprint) ||
           MEMBERS[i].offset == offsetof(struct flopgrind_counts, has_cache);
}

static void combine(struct flopgrind_counts *sum, const struct flopgrind_counts *more,
                    uint64_t sign)
{
    for (int kind = 0; kind < N_KINDS; kind++)
        (&sum->ops[0][0][0])[kind] += sign * kinds(more)[kind];
    for (int i = 0; i < N_MEMBERS; i++)
        if (!is_flag(i))
            *member(sum, i) += sign * member_value(more, i);
}

void op_counts_add(struct flopgrind_counts *sum, const struct flopgrind_counts *more)
{
    combine(sum, more, 1);
}

void op_counts_subtract(struct flopgrind_counts *sum, const struct flopgrind_counts *less)
{
    combine(sum, less, UINT64_MAX); /* minus one */
}

uint64_t op_counts_flops(const struct flopgrind_counts *counts)
{
    static const int FLOPS[FLOPGRIND_N_OPS] = {[FLOPGRIND_OP_ADD] = 1,
                                               [FLOPGRIND_OP_MUL] = 1,
                                               [FLOPGRIND_OP_FMA] = 2,
                                               [FLOPGRIND_OP_DIV] = 1,
                                               [FLOPGRIND_OP_SQRT] = 1};
    uint64_t flops = 0;
    for (int kind = 0; kind < N_KINDS; kind++)
        flops += (uint64_t)FLOPS[kind / (FLOPGRIND_N_PRECISIONS * FLOPGRIND_N_WIDTHS)] *
                 kinds(counts)[kind];
    return flops;
}

int op_counts_differ(char *text, size_t size, const struct flopgrind_counts *a,
                     const struct flopgrind_counts *b)
{
    char key[OP_KEY_SIZE];
    int n_different = 0;
    size_t used = 0;
    text[0] = '\0';
    for (int kind = 0; kind < N_KINDS; kind++) {
        if (kinds(a)[kind] == kinds(b)[kind])
            continue;
        n_different++;
        kind_key(key, kind);
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, "%s: %" PRIu64 ", not %" PRIu64 "; ",
                                     key, kinds(a)[kind], kinds(b)[kind]);
    }
    return n_different;
}
