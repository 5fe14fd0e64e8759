/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "counters/flopgrind/fg_decode.h"

/* ---- vector instructions ---- */

enum prefix { PREFIX_NONE, PREFIX_66, PREFIX_F3, PREFIX_F2, N_PREFIXES };
enum map { MAP_0F = 1, MAP_0F38, MAP_0F3A };

/* How many lanes, of which precision. */
enum shape {
    SHAPE_NO,
    SHAPE_PS, /* all lanes of the vector */
    SHAPE_PD,
    SHAPE_SS, /* one */
    SHAPE_SD,
    SHAPE_HALF_PS, /* as many lanes as the vector has doubles, single precision */
    SHAPE_2_PS,    /* two lanes in a 64-bit register */
    SHAPE_2_PD,
    SHAPE_PH,  /* half precision, one for each single of the result */
    SHAPE_W_P, /* packed, single or double by VEX.W */
    SHAPE_W_S  /* scalar, likewise */
};

struct row {
    unsigned char map, first, last; /* opcodes */
    unsigned char op;
    unsigned char shapes[N_PREFIXES]; /* by mandatory prefix */
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
#define NOTHING  FLOPGRIND_N_OPS

/* clang-format off */
#define ALL_FORMS {SHAPE_PS, SHAPE_PD, SHAPE_SS, SHAPE_SD}
static const struct row ROWS[] = {
    {MAP_0F, 0x51, 0x51, SQRT,     ALL_FORMS},
    {MAP_0F, 0x52, 0x53, ESTIMATE, {SHAPE_PS, SHAPE_NO, SHAPE_SS, SHAPE_NO}},  /* rsqrt, rcp */
    {MAP_0F, 0x58, 0x58, ADD,      ALL_FORMS},
    {MAP_0F, 0x59, 0x59, MUL,      ALL_FORMS},
    {MAP_0F, 0x5c, 0x5c, ADD,      ALL_FORMS},                                 /* sub */
    {MAP_0F, 0x5d, 0x5d, MINMAX,   ALL_FORMS},
    {MAP_0F, 0x5e, 0x5e, DIV,      ALL_FORMS},
    {MAP_0F, 0x5f, 0x5f, MINMAX,   ALL_FORMS},
    {MAP_0F, 0xc2, 0xc2, COMPARE,  ALL_FORMS},
    {MAP_0F, 0x2e, 0x2f, COMPARE,  {SHAPE_SS, SHAPE_SD, SHAPE_NO, SHAPE_NO}},  /* ucomi, comi */
    {MAP_0F, 0x7c, 0x7d, ADD,      {SHAPE_NO, SHAPE_PD, SHAPE_NO, SHAPE_PS}},  /* hadd, hsub */
    {MAP_0F, 0xd0, 0xd0, ADD,      {SHAPE_NO, SHAPE_PD, SHAPE_NO, SHAPE_PS}},  /* addsub */
    {MAP_0F, 0x2a, 0x2a, CONVERT,  {SHAPE_2_PS, SHAPE_2_PD, SHAPE_SS, SHAPE_SD}}, /* from integer */
    {MAP_0F, 0x2c, 0x2d, CONVERT,  {SHAPE_2_PS, SHAPE_2_PD, SHAPE_SS, SHAPE_SD}}, /* to integer */
    {MAP_0F, 0x5a, 0x5a, CONVERT,  {SHAPE_HALF_PS, SHAPE_PD, SHAPE_SS, SHAPE_SD}}, /* ps <-> pd */
    {MAP_0F, 0x5b, 0x5b, CONVERT,  {SHAPE_PS, SHAPE_PS, SHAPE_PS, SHAPE_NO}},  /* dq <-> ps */
    {MAP_0F, 0xe6, 0xe6, CONVERT,  {SHAPE_NO, SHAPE_PD, SHAPE_PD, SHAPE_PD}},  /* dq <-> pd */
    {MAP_0F38, 0x13, 0x13, CONVERT, {SHAPE_NO, SHAPE_PH, SHAPE_NO, SHAPE_NO}}, /* vcvtph2ps */
    {MAP_0F3A, 0x1d, 0x1d, CONVERT, {SHAPE_NO, SHAPE_PS, SHAPE_NO, SHAPE_NO}}, /* vcvtps2ph */
    {MAP_0F3A, 0x08, 0x08, CONVERT, {SHAPE_NO, SHAPE_PS, SHAPE_NO, SHAPE_NO}}, /* round */
    {MAP_0F3A, 0x09, 0x09, CONVERT, {SHAPE_NO, SHAPE_PD, SHAPE_NO, SHAPE_NO}},
    {MAP_0F3A, 0x0a, 0x0a, CONVERT, {SHAPE_NO, SHAPE_SS, SHAPE_NO, SHAPE_NO}},
    {MAP_0F3A, 0x0b, 0x0b, CONVERT, {SHAPE_NO, SHAPE_SD, SHAPE_NO, SHAPE_NO}},
};
/* clang-format on */
enum { N_ROWS = sizeof ROWS / sizeof *ROWS };

struct instruction {
    enum prefix prefix;
    unsigned char map, opcode;
    int vex, wide; /* VEX-encoded; VEX.L: 256 bits */
    int w;         /* VEX.W */
};

static struct fg_work lanes_of(enum flopgrind_op op, enum shape shape,
                               const struct instruction *instruction)
{
    const unsigned bytes = instruction->vex && instruction->wide ? 32 : 16;
    const enum flopgrind_width packed = bytes == 32 ? FLOPGRIND_256 : FLOPGRIND_128;
    const struct fg_work works[] = {
        [SHAPE_PS] = {op, FLOPGRIND_SINGLE, packed, bytes / 4},
        [SHAPE_PD] = {op, FLOPGRIND_DOUBLE, packed, bytes / 8},
        [SHAPE_SS] = {op, FLOPGRIND_SINGLE, FLOPGRIND_SCALAR, 1},
        [SHAPE_SD] = {op, FLOPGRIND_DOUBLE, FLOPGRIND_SCALAR, 1},
        [SHAPE_HALF_PS] = {op, FLOPGRIND_SINGLE, packed, bytes / 8},
        [SHAPE_2_PS] = {op, FLOPGRIND_SINGLE, FLOPGRIND_128, 2},
        [SHAPE_2_PD] = {op, FLOPGRIND_DOUBLE, FLOPGRIND_128, 2},
        [SHAPE_PH] = {op, FLOPGRIND_HALF, packed, bytes / 4},
    };
    if (shape == SHAPE_W_P)
        shape = instruction->w ? SHAPE_PD : SHAPE_PS;
    if (shape == SHAPE_W_S)
        shape = instruction->w ? SHAPE_SD : SHAPE_SS;
    return works[shape];
}

/* vfmadd132ps and its kin: 96-9f, a6-af, b6-bf; from 9 on, odd ones are scalar. */
static int is_fma(const struct instruction *instruction)
{
    const unsigned char high = instruction->opcode >> 4;
    return instruction->vex && instruction->map == MAP_0F38 && instruction->prefix == PREFIX_66 &&
           high >= 0x9 && high <= 0xb && (instruction->opcode & 0xf) >= 6;
}

static int is_fma_scalar(const struct instruction *instruction)
{
    return (instruction->opcode & 0xf) >= 9 && (instruction->opcode & 1);
}

/* dpps, dppd: 66 0f3a 40, 41 */
static int decode_dot(const struct instruction *instruction, struct fg_work work[FG_WORK_MAX])
{
    const enum shape shape = instruction->opcode == 0x40 ? SHAPE_PS : SHAPE_PD;
    const unsigned in_128_bits = shape == SHAPE_PS ? 4 : 2;
    work[0] = lanes_of(MUL, shape, instruction);
    work[1] = lanes_of(ADD, shape, instruction);
    work[1].lanes = work[0].lanes / in_128_bits * (in_128_bits - 1);
    return 2;
}

static int decode_vector(const struct instruction *instruction, struct fg_work work[FG_WORK_MAX])
{
    if (is_fma(instruction)) {
        work[0] = lanes_of(FMA, is_fma_scalar(instruction) ? SHAPE_W_S : SHAPE_W_P, instruction);
        return 1;
    }
    if (instruction->map == MAP_0F3A && instruction->prefix == PREFIX_66 &&
        (instruction->opcode == 0x40 || instruction->opcode == 0x41))
        return decode_dot(instruction, work);
    for (int i = 0; i < N_ROWS; i++) {
        const struct row *row = &ROWS[i];
        if (row->map != instruction->map || instruction->opcode < row->first ||
            instruction->opcode > row->last || row->shapes[instruction->prefix] == SHAPE_NO)
            continue;
        work[0] = lanes_of(row->op, row->shapes[instruction->prefix], instruction);
        return 1;
    }
    return 0;
}

/* ---- x87 ---- */

/* By the reg field of the ModRM byte. */
typedef unsigned char by_reg[8];

static const by_reg ARITHMETIC = {ADD, MUL, COMPARE, COMPARE, ADD, ADD, DIV, DIV};

static const by_reg X87_MEMORY[8] = {
    /* d8 */ {ADD, MUL, COMPARE, COMPARE, ADD, ADD, DIV, DIV},
    /* d9 */ {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING},
    /* da */ {ADD, MUL, COMPARE, COMPARE, ADD, ADD, DIV, DIV},
    /* db */ {CONVERT, CONVERT, CONVERT, CONVERT, NOTHING, NOTHING, NOTHING, NOTHING},
    /* dc */ {ADD, MUL, COMPARE, COMPARE, ADD, ADD, DIV, DIV},
    /* dd */ {NOTHING, CONVERT, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING},
    /* de */ {ADD, MUL, COMPARE, COMPARE, ADD, ADD, DIV, DIV},
    /* df */ {CONVERT, CONVERT, CONVERT, CONVERT, CONVERT, CONVERT, CONVERT, CONVERT},
};

/* d9 e0 ... d9 ff */
static const unsigned char X87_D9[32] = {
    /* e0 fchs, fabs, -, -, ftst, fxam, -, - */
    NOTHING, NOTHING, NOTHING, NOTHING, COMPARE, NOTHING, NOTHING, NOTHING,
    /* e8 constants */
    NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING,
    /* f0 f2xm1, fyl2x, fptan, fpatan, fxtract, fprem1, fdecstp, fincstp */
    OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, NOTHING, NOTHING,
    /* f8 fprem, fyl2xp1, fsqrt, fsincos, frndint, fscale, fsin, fcos */
    OTHER, OTHER, SQRT, OTHER, CONVERT, OTHER, OTHER, OTHER};

static unsigned char x87_register_op(unsigned char opcode, unsigned char modrm)
{
    const unsigned reg = modrm >> 3 & 7;
    switch (opcode) {
    case 0xd8:
    case 0xdc:
    case 0xde:
        return ARITHMETIC[reg];
    case 0xd9:
        return modrm >= 0xe0 ? X87_D9[modrm - 0xe0] : NOTHING;
    case 0xda:
        return modrm == 0xe9 ? COMPARE : NOTHING; /* fucompp; the rest are conditional moves */
    case 0xdb:                                    /* fucomi, fcomi */
    case 0xdf:                                    /* fucomip, fcomip */
        return reg == 5 || reg == 6 ? COMPARE : NOTHING;
    default: /* dd: fucom, fucomp */
        return reg == 4 || reg == 5 ? COMPARE : NOTHING;
    }
}

static int decode_x87(unsigned char opcode, unsigned char modrm, struct fg_work work[FG_WORK_MAX])
{
    const unsigned char op =
        modrm < 0xc0 ? X87_MEMORY[opcode - 0xd8][modrm >> 3 & 7] : x87_register_op(opcode, modrm);
    if (op == NOTHING)
        return 0;
    work[0] = (struct fg_work){op, FLOPGRIND_EXTENDED, FLOPGRIND_SCALAR, 1};
    return 1;
}

/* ---- the bytes ---- */

static int is_legacy_prefix(unsigned char byte)
{
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
        return 1;
    default:
        return 0;
    }
}

/* Behind c5 or c4. */
static int decode_vex(const unsigned char *code, unsigned size, struct fg_work work[FG_WORK_MAX])
{
    struct instruction instruction = {.vex = 1, .map = MAP_0F};
    const unsigned char *last = code + 1; /* the byte with L and pp */
    if (code[0] == 0xc4) {
        last = code + 2;
        instruction.map = code[1] & 0x1f;
        instruction.w = code[2] >> 7;
    }
    if (size < (unsigned)(last - code) + 2)
        return 0;
    instruction.wide = *last >> 2 & 1;
    instruction.prefix = (enum prefix)(*last & 3);
    instruction.opcode = last[1];
    return decode_vector(&instruction, work);
}

int fg_decode(const unsigned char *code, unsigned size, struct fg_work work[FG_WORK_MAX])
{
    struct instruction instruction = {.prefix = PREFIX_NONE};
    unsigned i = 0;
    for (; i < size && is_legacy_prefix(code[i]); i++) {
        if (code[i] == 0xf2)
            instruction.prefix = PREFIX_F2;
        else if (code[i] == 0xf3)
            instruction.prefix = PREFIX_F3;
        else if (code[i] == 0x66 && instruction.prefix == PREFIX_NONE)
            instruction.prefix = PREFIX_66;
    }
    if (i < size && (code[i] == 0xc4 || code[i] == 0xc5) && size - i >= 4)
        return decode_vex(code + i, size - i, work);
    if (i < size && (code[i] & 0xf0) == 0x40) /* REX */
        i++;
    if (size - i < 2)
        return 0;
    if (code[i] >= 0xd8 && code[i] <= 0xdf)
        return decode_x87(code[i], code[i + 1], work);
    if (code[i] != 0x0f)
        return 0;
    i++;
    instruction.map = code[i] == 0x38 ? MAP_0F38 : code[i] == 0x3a ? MAP_0F3A : MAP_0F;
    if (instruction.map != MAP_0F)
        i++;
    if (i >= size)
        return 0;
    instruction.opcode = code[i];
    return decode_vector(&instruction, work);
}

int fg_is_repeated(const unsigned char *code, unsigned size)
{
    unsigned i = 0;
    int repeat = 0;
    for (; i < size && is_legacy_prefix(code[i]); i++)
        repeat |= code[i] == 0xf2 || code[i] == 0xf3;
    if (i < size && (code[i] & 0xf0) == 0x40) /* REX */
        i++;
    return repeat && i < size &&
           ((code[i] >= 0xa4 && code[i] <= 0xa7) || /* movs, cmps */
            (code[i] >= 0xaa && code[i] <= 0xaf));  /* stos, lods, scas */
}

/* vpgatherdd and its kin: VEX, 66 0f38 90 to 93; no such instruction has a prefix but for
 * segments and short addresses */
int fg_is_gather(const unsigned char *code, unsigned size)
{
    while (size > 0 && is_legacy_prefix(*code))
        code++, size--;
    return size >= 6 && code[0] == 0xc4 && (code[1] & 0x1f) == MAP_0F38 &&
           (code[2] & 3) == PREFIX_66 && code[3] >= 0x90 && code[3] <= 0x93;
}
