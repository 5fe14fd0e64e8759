#include "tests/accuracy/oracle_decode.h"

#include "counters/flopgrind.h"

#include <Zydis/Zydis.h>
#include <ctype.h>
#include <string.h>

/* How the lanes of an instruction become operations. */
enum shape {
    EACH,     /* one operation a lane */
    PAIRS,    /* two operations a lane */
    PRODUCTS, /* dot products: a multiplication a lane, and their sums within 128 bits */
};

/* SSE, AVX and AVX-512: a mnemonic is [v] STEM [132|213|231|14|28] ss|sd|sh|ps|pd|ph. */
static const struct {
    const char *stem;
    enum flopgrind_op op;
    enum shape shape;
} VECTOR[] = {
    {"add", FLOPGRIND_OP_ADD, EACH},
    {"sub", FLOPGRIND_OP_ADD, EACH},
    {"addsub", FLOPGRIND_OP_ADD, EACH},
    {"hadd", FLOPGRIND_OP_ADD, EACH}, /* as many sums as lanes */
    {"hsub", FLOPGRIND_OP_ADD, EACH},
    {"mul", FLOPGRIND_OP_MUL, EACH},
    {"dp", FLOPGRIND_OP_MUL, PRODUCTS},
    {"dpbf", FLOPGRIND_OP_FMA, PAIRS}, /* dpbf16ps */
    {"div", FLOPGRIND_OP_DIV, EACH},
    {"sqrt", FLOPGRIND_OP_SQRT, EACH},
    {"fmadd", FLOPGRIND_OP_FMA, EACH},
    {"fmsub", FLOPGRIND_OP_FMA, EACH},
    {"fnmadd", FLOPGRIND_OP_FMA, EACH},
    {"fnmsub", FLOPGRIND_OP_FMA, EACH},
    {"fmaddsub", FLOPGRIND_OP_FMA, EACH},
    {"fmsubadd", FLOPGRIND_OP_FMA, EACH},
    {"min", FLOPGRIND_OP_MINMAX, EACH},
    {"max", FLOPGRIND_OP_MINMAX, EACH},
    {"range", FLOPGRIND_OP_MINMAX, EACH},
    {"cmp", FLOPGRIND_OP_COMPARE, EACH},
    {"comi", FLOPGRIND_OP_COMPARE, EACH},
    {"ucomi", FLOPGRIND_OP_COMPARE, EACH},
    {"round", FLOPGRIND_OP_CONVERT, EACH},
    {"rndscale", FLOPGRIND_OP_CONVERT, EACH},
    {"rcp", FLOPGRIND_OP_ESTIMATE, EACH},
    {"rsqrt", FLOPGRIND_OP_ESTIMATE, EACH},
    {"exp2", FLOPGRIND_OP_ESTIMATE, EACH},
    {"scalef", FLOPGRIND_OP_OTHER, EACH},
    {"reduce", FLOPGRIND_OP_OTHER, EACH},
    {"getexp", FLOPGRIND_OP_OTHER, EACH},
    {"getmant", FLOPGRIND_OP_OTHER, EACH},
    {"fixupimm", FLOPGRIND_OP_OTHER, EACH},
};

/* x87, by whole mnemonics. */
static const struct {
    const char *mnemonics;
    enum flopgrind_op op;
} X87[] = {
    {" fadd faddp fiadd fsub fsubp fsubr fsubrp fisub fisubr ", FLOPGRIND_OP_ADD},
    {" fmul fmulp fimul ", FLOPGRIND_OP_MUL},
    {" fdiv fdivp fdivr fdivrp fidiv fidivr ", FLOPGRIND_OP_DIV},
    {" fsqrt ", FLOPGRIND_OP_SQRT},
    {" fcom fcomp fcompp fcomi fcomip fucom fucomp fucompp fucomi fucomip ficom ficomp ftst ",
     FLOPGRIND_OP_COMPARE},
    {" fild fist fistp fisttp frndint fbld fbstp ", FLOPGRIND_OP_CONVERT},
    {" fsin fcos fsincos fptan fpatan f2xm1 fyl2x fyl2xp1 fprem fprem1 fscale fxtract ",
     FLOPGRIND_OP_OTHER},
};

struct instruction {
    ZydisDecodedInstruction head;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    char mnemonic[32];
};

static void add_part(struct oracle_work *work, enum flopgrind_op op,
                     enum flopgrind_precision precision, enum flopgrind_width width, int lanes)
{
    work->parts[work->n_parts].op = (uint8_t)op;
    work->parts[work->n_parts].precision = (uint8_t)precision;
    work->parts[work->n_parts].width = (uint8_t)width;
    work->parts[work->n_parts].lanes = (uint8_t)lanes;
    work->n_parts++;
}

static bool is_mask(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           ZydisRegisterGetClass(operand->reg.value) == ZYDIS_REGCLASS_MASK;
}

static int register_bits(const ZydisDecodedOperand *operand)
{
    if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER)
        return 0;
    switch (ZydisRegisterGetClass(operand->reg.value)) {
    case ZYDIS_REGCLASS_XMM:
        return 128;
    case ZYDIS_REGCLASS_YMM:
        return 256;
    case ZYDIS_REGCLASS_ZMM:
        return 512;
    default:
        return 0;
    }
}

/* The widest vector register the instruction names. */
static enum flopgrind_width width_of(const struct instruction *in)
{
    int bits = 0;
    for (int i = 0; i < in->head.operand_count_visible; i++)
        if (register_bits(&in->operands[i]) > bits)
            bits = register_bits(&in->operands[i]);
    return bits == 512 ? FLOPGRIND_512 : bits == 256 ? FLOPGRIND_256 : FLOPGRIND_128;
}

/* Of the operand with the most elements; masks and flags aside. */
static int lanes_of(const struct instruction *in)
{
    int lanes = 0;
    for (int i = 0; i < in->head.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &in->operands[i];
        if (!is_mask(operand) && operand->type != ZYDIS_OPERAND_TYPE_IMMEDIATE &&
            operand->element_count > lanes)
            lanes = operand->element_count;
    }
    return lanes;
}

static bool precision_of_suffix(const char *suffix, enum flopgrind_precision *precision,
                                bool *scalar)
{
    if ((suffix[0] != 's' && suffix[0] != 'p') || suffix[1] == '\0' || suffix[2] != '\0')
        return false;
    *scalar = suffix[0] == 's';
    *precision = suffix[1] == 's'   ? FLOPGRIND_SINGLE
                 : suffix[1] == 'd' ? FLOPGRIND_DOUBLE
                                    : FLOPGRIND_HALF;
    return strchr("sdh", suffix[1]) != NULL;
}

static bool decode_vector(struct oracle_work *work, const struct instruction *in)
{
    const char *name = in->mnemonic + (in->mnemonic[0] == 'v');
    for (size_t i = 0; i < sizeof VECTOR / sizeof *VECTOR; i++) {
        size_t n = strlen(VECTOR[i].stem);
        if (strncmp(name, VECTOR[i].stem, n) != 0)
            continue;
        const char *suffix = name + n;
        while (isdigit((unsigned char)*suffix))
            suffix++;
        enum flopgrind_precision precision;
        bool scalar;
        if (!precision_of_suffix(suffix, &precision, &scalar))
            continue;
        int lanes = scalar ? 1 : lanes_of(in);
        lanes *= VECTOR[i].shape == PAIRS ? 2 : 1;
        enum flopgrind_width width = scalar ? FLOPGRIND_SCALAR : width_of(in);
        add_part(work, VECTOR[i].op, precision, width, lanes);
        if (VECTOR[i].shape == PRODUCTS) {
            int lanes_a_sum = precision == FLOPGRIND_SINGLE ? 4 : 2; /* within 128 bits */
            add_part(work, FLOPGRIND_OP_ADD, precision, width, lanes - lanes / lanes_a_sum);
        }
        return true;
    }
    return false;
}

static bool decode_x87(struct oracle_work *work, const struct instruction *in)
{
    char word[40] = " ";
    strncat(strncat(word, in->mnemonic, sizeof word - 3), " ", 2);
    for (size_t i = 0; i < sizeof X87 / sizeof *X87; i++)
        if (strstr(X87[i].mnemonics, word)) {
            add_part(work, X87[i].op, FLOPGRIND_EXTENDED, FLOPGRIND_SCALAR, 1);
            return true;
        }
    return false;
}

/* [v]cvt[t|ne|ne2]FROM2TO, FROM and TO of ss sd ps pd ph si usi dq udq qq pi ...: at least one of
 * them is a floating-point format. Lanes are the elements converted: the fewer of source and
 * destination, since the other may have unused ones. */
static bool decode_convert(struct oracle_work *work, const struct instruction *in)
{
    const char *name = in->mnemonic + (in->mnemonic[0] == 'v');
    if (strncmp(name, "cvt", 3) != 0)
        return false;
    const char *from = name + 3 + (name[3] == 't');
    if (strncmp(from, "ne", 2) == 0)
        from += from[2] == '2' ? 3 : 2;
    const char *to = strchr(from, '2');
    if (!to)
        return false;
    to++;
    static const struct {
        const char *format;
        enum flopgrind_precision precision;
        bool scalar;
    } FORMATS[] = {
        {"bf", FLOPGRIND_HALF, false},   {"ph", FLOPGRIND_HALF, false},
        {"ps", FLOPGRIND_SINGLE, false}, {"pd", FLOPGRIND_DOUBLE, false},
        {"sh", FLOPGRIND_HALF, true},    {"ss", FLOPGRIND_SINGLE, true},
        {"sd", FLOPGRIND_DOUBLE, true},
    };
    enum { N_FORMATS = sizeof FORMATS / sizeof *FORMATS };
    /* First what it converts from; an integer there leaves what it converts to. */
    for (size_t i = 0; i < 2 * (size_t)N_FORMATS; i++) {
        const char *side = i < N_FORMATS ? from : to;
        if (strncmp(side, FORMATS[i % N_FORMATS].format, 2) != 0)
            continue;
        enum flopgrind_precision precision = FORMATS[i % N_FORMATS].precision;
        if (FORMATS[i % N_FORMATS].scalar) {
            add_part(work, FLOPGRIND_OP_CONVERT, precision, FLOPGRIND_SCALAR, 1);
            return true;
        }
        int lanes = 64;
        for (int k = 0; k < in->head.operand_count_visible; k++) {
            const ZydisDecodedOperand *operand = &in->operands[k];
            bool broadcast = operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
                             in->head.avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID;
            if (!is_mask(operand) && operand->type != ZYDIS_OPERAND_TYPE_IMMEDIATE && !broadcast &&
                operand->element_count < lanes)
                lanes = operand->element_count;
        }
        add_part(work, FLOPGRIND_OP_CONVERT, precision, width_of(in), lanes);
        return true;
    }
    return false;
}

/* AVX2 and AVX masked moves and gathers: the operand whose elements' signs select. */
static int sign_mask_operand(const struct instruction *in)
{
    if (in->head.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX)
        return -1;
    if (strncmp(in->mnemonic, "vmaskmovp", 9) == 0 || strncmp(in->mnemonic, "vpmaskmov", 9) == 0)
        return 1;
    if (strncmp(in->mnemonic, "vgather", 7) == 0 || strncmp(in->mnemonic, "vpgather", 8) == 0)
        return 2;
    return -1;
}

/* Of a masked instruction that only moves: those of its operand in memory, if it has one. */
static int elements_moved(const struct instruction *in)
{
    for (int i = 0; i < in->head.operand_count_visible; i++)
        if (in->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            in->head.avx.broadcast.mode == ZYDIS_BROADCAST_MODE_INVALID)
            return in->operands[i].element_count;
    return lanes_of(in);
}

static void decode_mask(struct oracle_work *work, const struct instruction *in)
{
    int signs = sign_mask_operand(in);
    if (signs >= 0) {
        const ZydisDecodedOperand *mask = &in->operands[signs];
        work->mask = ORACLE_SIGN_MASK;
        work->mask_register = (uint8_t)ZydisRegisterGetId(mask->reg.value);
        work->mask_element = (uint8_t)(mask->element_size / 8);
        work->mask_lanes = (uint8_t)mask->element_count;
        /* A gather moves as many elements as its results and its addresses both have. */
        for (int i = 0; i < in->head.operand_count_visible; i++)
            if (in->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
                in->operands[i].mem.type == ZYDIS_MEMOP_TYPE_VSIB) {
                int index_bits =
                    ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, in->operands[i].mem.index);
                bool quad_index = strstr(in->mnemonic, "gatherq") != NULL;
                int n_indices = index_bits / (quad_index ? 64 : 32);
                if (n_indices < work->mask_lanes)
                    work->mask_lanes = (uint8_t)n_indices;
            }
        return;
    }
    ZydisRegister k = in->head.avx.mask.reg;
    if (in->head.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX && k != ZYDIS_REGISTER_NONE &&
        k != ZYDIS_REGISTER_K0) {
        work->mask = ORACLE_OPMASK;
        work->mask_register = (uint8_t)ZydisRegisterGetId(k);
        work->mask_lanes = work->n_parts ? work->parts[0].lanes : (uint8_t)elements_moved(in);
    }
}

static void decode_memory(struct oracle_work *work, const struct instruction *in)
{
    switch (in->head.meta.category) {
    case ZYDIS_CATEGORY_PREFETCH:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_NOP:
        return;
    default:
        break;
    }
    for (int i = 0; i < in->head.operand_count; i++) {
        const ZydisDecodedOperand *operand = &in->operands[i];
        if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY ||
            operand->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
            continue;
        if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
            work->bytes_loaded = (uint16_t)(work->bytes_loaded + operand->size / 8);
        if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
            work->bytes_stored = (uint16_t)(work->bytes_stored + operand->size / 8);
        if (work->mask != ORACLE_NO_MASK)
            work->memory_element = (uint8_t)(operand->element_size / 8);
        work->once = in->head.avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID;
    }
    work->repeats = in->head.meta.category == ZYDIS_CATEGORY_STRINGOP &&
                    (in->head.attributes &
                     (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE));
}

bool oracle_decode(struct oracle_work *work, const uint8_t *code, size_t size)
{
    static ZydisDecoder decoder; /* constant once initialised */
    if (decoder.stack_width != ZYDIS_STACK_WIDTH_64)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);

    struct instruction in;
    *work = (struct oracle_work){0};
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, &in.head, in.operands)))
        return false;
    strncpy(in.mnemonic, ZydisMnemonicGetString(in.head.mnemonic), sizeof in.mnemonic - 1);
    in.mnemonic[sizeof in.mnemonic - 1] = '\0';
    work->length = in.head.length;
    work->breakpoint = in.head.mnemonic == ZYDIS_MNEMONIC_INT3;
    if (in.head.meta.category == ZYDIS_CATEGORY_X87_ALU)
        decode_x87(work, &in);
    else if (in.head.meta.category != ZYDIS_CATEGORY_STRINGOP && !decode_convert(work, &in))
        decode_vector(work, &in); /* cmpsd is a string instruction, too */
    decode_mask(work, &in);
    decode_memory(work, &in);
    return true;
}
