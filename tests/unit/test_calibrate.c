#include "counters/calibrate_kernels.h"
#include "counters/calibrate_run.h"
#include "counters/counter_flopgrind.h"

#include <cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* A counter that knows the answers by name, and gives them times factor, and 5 of everything else
 * for the passage itself. */
struct crib {
    double factor;
    const char *name;
    int n_started, n_entered;
};

static void start_pass(struct fl_counter *counter, int pass)
{
    struct crib *crib = counter->state;
    crib->n_started++;
    cr_expect(pass == 0 || pass == 1);
}

static void enter(struct fl_counter *counter, const char *name)
{
    struct crib *crib = counter->state;
    crib->name = name;
    crib->n_entered++;
}

static void leave(struct fl_counter *counter, struct fl_reading *sum)
{
    const struct crib *crib = counter->state;
    for (int i = 0; i < fl_calibrate_n_kernels; i++) {
        const struct fl_calibrate_kernel *kernel = &fl_calibrate_kernels[i];
        if (strcmp(kernel->name, crib->name) != 0)
            continue;
        for (int k = 0; k < FL_CALIBRATE_KNOWN && kernel->known[k].each > 0; k++)
            sum->values[kernel->known[k].count] +=
                (uint64_t)(crib->factor * kernel->known[k].each * (double)kernel->n_rounds);
    }
    for (int count = 0; count < FL_N_COUNTS; count++)
        sum->values[count] += 5;
}

static struct fl_calibration calibrate(struct crib *crib, uint64_t available, int n_passes)
{
    struct fl_counter counter = {.name = "crib",
                                 .version = "1",
                                 .available = available,
                                 .n_passes = n_passes,
                                 .start_pass = start_pass,
                                 .enter = enter,
                                 .leave = leave,
                                 .state = crib};
    struct fl_calibration calibration;
    fl_calibrate(&calibration, &counter);
    return calibration;
}

static const uint64_t ALL = (UINT64_C(1) << FL_N_COUNTS) - 1;

Test(calibrate, a_right_counter_is_exact_and_its_own_passage_is_taken_off)
{
    struct crib crib = {.factor = 1};
    struct fl_calibration calibration = calibrate(&crib, ALL, 1);
    cr_expect_gt(calibration.n_rows, 20);
    cr_expect(fl_calibration_exact(&calibration));
    for (int i = 0; i < calibration.n_rows; i++)
        cr_expect_eq(calibration.rows[i].measured, calibration.rows[i].known, "%s %s",
                     calibration.rows[i].kernel, fl_count_key(calibration.rows[i].count));
}

Test(calibrate, a_wrong_counter_shows_by_how_much)
{
    struct crib crib = {.factor = 1.5};
    struct fl_calibration calibration = calibrate(&crib, FL_COUNT_BIT(FLOPS), 1);
    cr_expect_not(fl_calibration_exact(&calibration));
    cr_expect_eq(fl_calibration_ratio(fl_calibration_worst(&calibration)), 1.5);
    int n_none = 0;
    for (int i = 0; i < calibration.n_rows; i++) {
        const struct fl_calibration_row *row = &calibration.rows[i];
        cr_expect_eq(row->count, FL_COUNT_FLOPS, "only what the counter has");
        n_none += row->known == 0;
        cr_expect_eq(fl_calibration_ratio(row), row->known == 0 ? 1 : 1.5, "%s", row->kernel);
    }
    cr_expect_geq(n_none, 3, "the controls");
}

Test(calibrate, a_count_of_nothing_is_infinitely_wrong)
{
    struct fl_calibration_row row = {.known = 0, .measured = 1};
    cr_expect(isinf(fl_calibration_ratio(&row)));
}

Test(calibrate, passes_are_run_one_after_the_other)
{
    struct crib crib = {.factor = 0.5};
    struct fl_calibration calibration = calibrate(&crib, FL_COUNT_BIT(FLOPS), 2);
    cr_expect_eq(crib.n_started, crib.n_entered);
    /* each pass saw half */
    cr_expect(fl_calibration_exact(&calibration));
}

Test(calibrate, the_text_is_json_and_fits)
{
    struct crib crib = {.factor = 2};
    struct fl_calibration calibration = calibrate(&crib, ALL, 1);
    char text[8192];
    struct fl_error error;
    cr_assert_eq(fl_calibration_text(&calibration, text, sizeof text, &error), FL_OK);
    cJSON *json = cJSON_Parse(text);
    cr_assert_not_null(json, "%s", text);
    cr_expect(cJSON_IsFalse(cJSON_GetObjectItem(json, "exact")));
    cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "rows")), calibration.n_rows);
    cJSON_Delete(json);
    cr_expect_eq(fl_calibration_text(&calibration, text, 300, &error), FL_FAILED);
    cr_expect_str_eq(text, "");

    crib.factor = 1;
    calibration = calibrate(&crib, ALL, 1);
    cr_expect_eq(fl_calibration_text(&calibration, text, 300, &error), FL_OK,
                 "exact rows are left out where they do not fit");
    json = cJSON_Parse(text);
    cr_expect(cJSON_IsTrue(cJSON_GetObjectItem(json, "exact")));
    cJSON_Delete(json);
}
