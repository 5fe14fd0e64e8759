#include "base/arena.h"

#include <criterion/criterion.h>
#include <stdint.h>

Test(arena, measured_size_is_what_is_taken)
{
    static const size_t COUNTS[] = {1, 16, 17, 1000, 0, 3};
    struct fl_arena measure = {0}, arena;
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++)
        cr_expect_null(fl_arena_floats(&measure, COUNTS[i]));
    cr_expect_not(measure.overflow);
    cr_expect_eq(measure.used, 64 + 64 + 128 + 4032 + 0 + 64);

    struct fl_error error;
    cr_assert_eq(fl_arena_open(&arena, measure.used, "test", &error), FL_OK, "%s", error.text);
    float *before = NULL;
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) {
        float *piece = fl_arena_floats(&arena, COUNTS[i]);
        cr_assert_not_null(piece);
        cr_expect_eq((uintptr_t)piece % 64, 0);
        if (before && i > 0)
            cr_expect_geq(piece, before + COUNTS[i - 1]);
        for (size_t k = 0; k < COUNTS[i]; k++) {
            cr_expect_eq(piece[k], 0);
            piece[k] = 1;
        }
        before = piece;
    }
    cr_expect_eq(arena.used, measure.used);
    cr_expect_null(fl_arena_take(&arena, 1, 1));
    cr_expect(arena.overflow);
    fl_arena_close(&arena);
    cr_expect_null(arena.base);
}

Test(arena, sizes_that_overflow_are_refused)
{
    static const size_t PAIRS[][2] = {
        {SIZE_MAX, 2}, {SIZE_MAX / 2 + 1, 2}, {SIZE_MAX, 1}, {SIZE_MAX - 62, 1}};
    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
        struct fl_arena measure = {0};
        cr_expect_null(fl_arena_take(&measure, PAIRS[i][0], PAIRS[i][1]));
        cr_expect(measure.overflow, "%zu * %zu", PAIRS[i][0], PAIRS[i][1]);
        cr_expect_null(fl_arena_take(&measure, 1, 1));
        cr_expect_eq(measure.used, 0, "nothing is taken after an overflow");
    }
}

Test(arena, tensors_are_as_large_as_their_dimensions_say)
{
    struct fl_arena measure = {0};
    cr_expect_null(FL_ARENA_FLOATS(&measure, 3, 5, 7));
    cr_expect_eq(measure.used, 448, "105 floats in whole lines");
    cr_expect_null(FL_ARENA_TENSOR(&measure, 2, 8, 8));
    cr_expect_eq(measure.used, 448 + 128);
    cr_expect_not(measure.overflow);
    cr_expect_null(FL_ARENA_FLOATS(&measure, SIZE_MAX / 2, 1, 3));
    cr_expect(measure.overflow, "more elements than a size_t counts");
}

Test(arena, more_memory_than_there_is_names_its_owner)
{
    struct fl_arena arena;
    struct fl_error error;
    cr_assert_eq(fl_arena_open(&arena, SIZE_MAX / 2, "kv cache", &error), FL_FAILED);
    cr_expect_str_eq(error.text, "kv cache: cannot reserve 9223372036854775807 bytes of memory");
}
