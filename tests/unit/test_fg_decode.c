/* The decoder of flopgrind, compiled for this program: encodings and the work they do. (The tool's
 * files are GPL-2.0-or-later and the rest of the project is under the MIT licence, which goes
 * together; the test program is built and run here and given to nobody.) */
#include "counters/flopgrind/fg_decode.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct encoding {
    const char *text;
    unsigned char code[12];
    int n; /* kinds of work */
    struct fg_work work[FG_WORK_MAX];
};

#define ADD      FLOPGRIND_OP_ADD
#define MUL      FLOPGRIND_OP_MUL
#define FMA      FLOPGRIND_OP_FMA
#define DIV      FLOPGRIND_OP_DIV
#define SQRT     FLOPGRIND_OP_SQRT
#define MINMAX   FLOPGRIND_OP_MINMAX
#define COMPARE  FLOPGRIND_OP_COMPARE
#define CONVERT  FLOPGRIND_OP_CONVERT
#define ESTIMATE FLOPGRIND_OP_ESTIMATE
#define OTHER    FLOPGRIND_OP_OTHER
#define H        FLOPGRIND_HALF
#define S        FLOPGRIND_SINGLE
#define D        FLOPGRIND_DOUBLE
#define X        FLOPGRIND_EXTENDED
#define W0       FLOPGRIND_SCALAR
#define W128     FLOPGRIND_128
#define W256     FLOPGRIND_256

/* clang-format off */
static const struct encoding ENCODINGS[] = {
    {"addss %xmm1,%xmm0",            {0xf3, 0x0f, 0x58, 0xc1},             1, {{ADD, S, W0, 1}}},
    {"addsd (%rdi),%xmm8",           {0xf2, 0x44, 0x0f, 0x58, 0x07},       1, {{ADD, D, W0, 1}}},
    {"subps %xmm1,%xmm0",            {0x0f, 0x5c, 0xc1},                   1, {{ADD, S, W128, 4}}},
    {"mulpd %xmm9,%xmm8",            {0x66, 0x45, 0x0f, 0x59, 0xc1},       1, {{MUL, D, W128, 2}}},
    {"divps %xmm1,%xmm0",            {0x0f, 0x5e, 0xc1},                   1, {{DIV, S, W128, 4}}},
    {"sqrtsd %xmm1,%xmm0",           {0xf2, 0x0f, 0x51, 0xc1},             1, {{SQRT, D, W0, 1}}},
    {"rsqrtps %xmm1,%xmm0",          {0x0f, 0x52, 0xc1},                   1, {{ESTIMATE, S, W128, 4}}},
    {"rcpss %xmm1,%xmm0",            {0xf3, 0x0f, 0x53, 0xc1},             1, {{ESTIMATE, S, W0, 1}}},
    {"minps %xmm1,%xmm0",            {0x0f, 0x5d, 0xc1},                   1, {{MINMAX, S, W128, 4}}},
    {"maxsd %xmm1,%xmm0",            {0xf2, 0x0f, 0x5f, 0xc1},             1, {{MINMAX, D, W0, 1}}},
    {"cmpltps %xmm1,%xmm0",          {0x0f, 0xc2, 0xc1, 0x01},             1, {{COMPARE, S, W128, 4}}},
    {"ucomiss %xmm1,%xmm0",          {0x0f, 0x2e, 0xc1},                   1, {{COMPARE, S, W0, 1}}},
    {"comisd %xmm1,%xmm0",           {0x66, 0x0f, 0x2f, 0xc1},             1, {{COMPARE, D, W0, 1}}},
    {"cvtsi2ss %eax,%xmm0",          {0xf3, 0x0f, 0x2a, 0xc0},             1, {{CONVERT, S, W0, 1}}},
    {"cvttsd2si %xmm0,%rax",         {0xf2, 0x48, 0x0f, 0x2c, 0xc0},       1, {{CONVERT, D, W0, 1}}},
    {"cvtps2pd %xmm0,%xmm1",         {0x0f, 0x5a, 0xc8},                   1, {{CONVERT, S, W128, 2}}},
    {"cvtdq2ps %xmm0,%xmm1",         {0x0f, 0x5b, 0xc8},                   1, {{CONVERT, S, W128, 4}}},
    {"cvttpd2dq %xmm0,%xmm1",        {0x66, 0x0f, 0xe6, 0xc8},             1, {{CONVERT, D, W128, 2}}},
    {"haddps %xmm1,%xmm0",           {0xf2, 0x0f, 0x7c, 0xc1},             1, {{ADD, S, W128, 4}}},
    {"addsubpd %xmm1,%xmm0",         {0x66, 0x0f, 0xd0, 0xc1},             1, {{ADD, D, W128, 2}}},
    {"dpps $0xff,%xmm1,%xmm0",       {0x66, 0x0f, 0x3a, 0x40, 0xc1, 0xff}, 2, {{MUL, S, W128, 4}, {ADD, S, W128, 3}}},
    {"dppd $0x33,%xmm1,%xmm0",       {0x66, 0x0f, 0x3a, 0x41, 0xc1, 0x33}, 2, {{MUL, D, W128, 2}, {ADD, D, W128, 1}}},
    {"roundss $1,%xmm1,%xmm0",       {0x66, 0x0f, 0x3a, 0x0a, 0xc1, 0x01}, 1, {{CONVERT, S, W0, 1}}},
    {"vaddps %ymm2,%ymm1,%ymm0",     {0xc5, 0xf4, 0x58, 0xc2},             1, {{ADD, S, W256, 8}}},
    {"vaddps %xmm2,%xmm1,%xmm0",     {0xc5, 0xf0, 0x58, 0xc2},             1, {{ADD, S, W128, 4}}},
    {"vmulsd %xmm2,%xmm1,%xmm0",     {0xc5, 0xf3, 0x59, 0xc2},             1, {{MUL, D, W0, 1}}},
    {"vsubpd (%r8),%ymm9,%ymm0",     {0xc4, 0xc1, 0x35, 0x5c, 0x00},       1, {{ADD, D, W256, 4}}},
    {"vdpps $255,%ymm2,%ymm1,%ymm0", {0xc4, 0xe3, 0x75, 0x40, 0xc2, 0xff}, 2, {{MUL, S, W256, 8}, {ADD, S, W256, 6}}},
    {"vfmadd231ps %ymm2,%ymm1,%ymm0",    {0xc4, 0xe2, 0x75, 0xb8, 0xc2},   1, {{FMA, S, W256, 8}}},
    {"vfmadd213sd %xmm2,%xmm1,%xmm0",    {0xc4, 0xe2, 0xf1, 0xa9, 0xc2},   1, {{FMA, D, W0, 1}}},
    {"vfnmsub132pd %xmm2,%xmm1,%xmm0",   {0xc4, 0xe2, 0xf1, 0x9e, 0xc2},   1, {{FMA, D, W128, 2}}},
    {"vfmaddsub213ps %ymm2,%ymm1,%ymm0", {0xc4, 0xe2, 0x75, 0xa6, 0xc2},   1, {{FMA, S, W256, 8}}},
    {"vfmsubadd132pd %ymm2,%ymm1,%ymm0", {0xc4, 0xe2, 0xf5, 0x97, 0xc2},   1, {{FMA, D, W256, 4}}},
    {"vcvtph2ps %xmm1,%ymm0",        {0xc4, 0xe2, 0x7d, 0x13, 0xc1},       1, {{CONVERT, H, W256, 8}}},
    {"vcvtps2ph $0,%ymm1,%xmm0",     {0xc4, 0xe3, 0x7d, 0x1d, 0xc8, 0x00}, 1, {{CONVERT, S, W256, 8}}},
    {"vcvtps2pd %xmm1,%ymm0",        {0xc5, 0xfc, 0x5a, 0xc1},             1, {{CONVERT, S, W256, 4}}},
    {"fadds (%rax)",                 {0xd8, 0x00},                         1, {{ADD, X, W0, 1}}},
    {"fidivr (%rax)",                {0xda, 0x38},                         1, {{DIV, X, W0, 1}}},
    {"fildll (%rax)",                {0xdf, 0x28},                         1, {{CONVERT, X, W0, 1}}},
    {"fmulp %st,%st(1)",             {0xde, 0xc9},                         1, {{MUL, X, W0, 1}}},
    {"fucomip %st(1),%st",           {0xdf, 0xe9},                         1, {{COMPARE, X, W0, 1}}},
    {"fsqrt",                        {0xd9, 0xfa},                         1, {{SQRT, X, W0, 1}}},
    {"fsin",                         {0xd9, 0xfe},                         1, {{OTHER, X, W0, 1}}},
    {"frndint",                      {0xd9, 0xfc},                         1, {{CONVERT, X, W0, 1}}},

    {"fchs",                         {0xd9, 0xe0},                         0, {{0}}},
    {"fxch %st(1)",                  {0xd9, 0xc9},                         0, {{0}}},
    {"fldt (%rax)",                  {0xdb, 0x28},                         0, {{0}}},
    {"fcmovb %st(1),%st",            {0xda, 0xc1},                         0, {{0}}},
    {"movaps %xmm1,%xmm0",           {0x0f, 0x28, 0xc1},                   0, {{0}}},
    {"xorps %xmm1,%xmm0",            {0x0f, 0x57, 0xc1},                   0, {{0}}},
    {"shufps $0,%xmm1,%xmm0",        {0x0f, 0xc6, 0xc1, 0x00},             0, {{0}}},
    {"paddd %xmm1,%xmm0",            {0x66, 0x0f, 0xfe, 0xc1},             0, {{0}}},
    {"vpmaddwd %ymm2,%ymm1,%ymm0",   {0xc5, 0xf5, 0xf5, 0xc2},             0, {{0}}},
    {"vptest %ymm1,%ymm0",           {0xc4, 0xe2, 0x7d, 0x17, 0xc1},       0, {{0}}},
    {"vmaskmovps (%rax),%ymm1,%ymm0", {0xc4, 0xe2, 0x75, 0x2c, 0x00},      0, {{0}}},
    {"vgatherdps",                   {0xc4, 0xe2, 0x6d, 0x92, 0x04, 0x88}, 0, {{0}}},
    {"pop %rax; the byte 0x58 alone", {0x58},                              0, {{0}}},
    {"mov $0x58,%eax",               {0xb8, 0x58, 0x00, 0x00, 0x00},       0, {{0}}},
    {"jmp over 0x58",                {0xeb, 0x58},                         0, {{0}}},
    {"repz ret",                     {0xf3, 0xc3},                         0, {{0}}},
};
/* clang-format on */
enum { N_ENCODINGS = sizeof ENCODINGS / sizeof *ENCODINGS };

Test(fg_decode, instructions_do_the_work_they_say)
{
    for (int i = 0; i < N_ENCODINGS; i++) {
        const struct encoding *e = &ENCODINGS[i];
        struct fg_work work[FG_WORK_MAX];
        int n = fg_decode(e->code, sizeof e->code, work);
        cr_expect_eq(n, e->n, "%s: %d kinds of work", e->text, n);
        for (int k = 0; k < n && k < e->n; k++) {
            cr_expect_eq(work[k].op, e->work[k].op, "%s", e->text);
            cr_expect_eq(work[k].precision, e->work[k].precision, "%s", e->text);
            cr_expect_eq(work[k].width, e->work[k].width, "%s", e->text);
            cr_expect_eq(work[k].lanes, e->work[k].lanes, "%s: %u", e->text, work[k].lanes);
        }
    }
}

/* Under the sanitizer a read behind the given size shows. */
Test(fg_decode, cut_instructions_are_not_read_beyond)
{
    for (int i = 0; i < N_ENCODINGS; i++)
        for (unsigned size = 0; size < FG_LONGEST_INSTRUCTION; size++) {
            struct fg_work work[FG_WORK_MAX];
            unsigned char *code = malloc(size ? size : 1);
            for (unsigned k = 0; k < size; k++)
                code[k] = k < sizeof ENCODINGS[i].code ? ENCODINGS[i].code[k] : 0x90;
            int n = fg_decode(code, size, work);
            cr_expect(n >= 0 && n <= FG_WORK_MAX);
            free(code);
        }
}

Test(fg_decode, any_bytes_are_safe)
{
    unsigned long long state = 1;
    for (int i = 0; i < 2000000; i++) {
        unsigned char code[FG_LONGEST_INSTRUCTION];
        struct fg_work work[FG_WORK_MAX];
        for (unsigned k = 0; k < sizeof code; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            code[k] = (unsigned char)(state >> 56);
        }
        int n = fg_decode(code, sizeof code, work);
        cr_assert(n >= 0 && n <= FG_WORK_MAX);
        for (int k = 0; k < n; k++)
            cr_assert(work[k].op < FLOPGRIND_N_OPS && work[k].width < FLOPGRIND_N_WIDTHS &&
                      work[k].precision < FLOPGRIND_N_PRECISIONS && work[k].lanes <= 16);
    }
}

Test(fg_decode, gathers_are_known)
{
    static const struct {
        int is;
        unsigned char code[8];
    } CASES[] = {
        {1, {0xc4, 0xe2, 0x6d, 0x92, 0x04, 0x88}},       /* vgatherdps %ymm2,(%rax,%ymm1,4),%ymm0 */
        {1, {0xc4, 0xe2, 0xe9, 0x91, 0x04, 0x08}},       /* vpgatherqq %xmm2,(%rax,%xmm1),%xmm0 */
        {1, {0x67, 0xc4, 0xe2, 0x6d, 0x90, 0x04, 0x88}}, /* vpgatherdd, addresses of 32 bits */
        {0, {0xc4, 0xe2, 0x75, 0x96, 0xc2, 0x00}},       /* vfmaddsub132ps */
        {0, {0xc4, 0xe3, 0x75, 0x92, 0xc2, 0xff}},       /* another map */
        {0, {0x0f, 0x92, 0xc0, 0x00, 0x00, 0x00}},       /* setb %al */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        cr_expect_eq(fg_is_gather(CASES[i].code, sizeof CASES[i].code), CASES[i].is, "case %zu", i);
    cr_expect_not(fg_is_gather(CASES[0].code, 0));
}
