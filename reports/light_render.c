#include "reports/light_render.h"

#include "base/units.h"

#include <stdio.h>

static void push(struct fl_table *table, const char *name, double time_ns,
                 const struct fl_bound *bound)
{
    char text[FL_UNIT_TEXT], words[FL_BOUND_TEXT];
    fl_table_cell(table, name);
    fl_table_cell(table, fl_time_text(time_ns, text));
    fl_table_cell(table, fl_time_text(bound->light_ns, text));
    fl_table_format(table, "%.1f %%", 100 * bound->of_light);
    fl_table_cell(table, fl_bound_text(bound, words));
    fl_table_format(table, "%.2f", bound->intensity);
}

static int print_operators(const struct fl_light *light, enum fl_table_style style, FILE *out,
                           struct fl_error *error)
{
    static const char *const HEADINGS[] = {"operator", "time",     "speed of light",
                                           "of it",    "bound by", "FLOP/byte"};
    const struct fl_step *step = &light->step;
    struct fl_table table;
    fl_table_open(&table, "lrrrlr", HEADINGS);
    for (int op = 0; op < FL_N_OPERATORS; op++) {
        const struct fl_bound bound = fl_roofline(&light->roofs, &step->ops[op]);
        if (step->present[op])
            push(&table, fl_operator_name((enum fl_operator)op), step->ops[op].time_ns, &bound);
    }
    const struct fl_bound whole = fl_roofline(&light->roofs, &step->whole);
    fl_table_rule(&table);
    push(&table, "whole pass", step->whole.time_ns, &whole);
    return fl_table_finish(&table, style, out, error);
}

int fl_light_print(const struct fl_light *light, enum fl_table_style style, FILE *out,
                   struct fl_error *error)
{
    const struct fl_roofs *roofs = &light->roofs;
    if (!light->known) {
        fprintf(out, "speed of light: unavailable: %s\n", light->reason);
        return FL_OK;
    }
    fprintf(out, "\nspeed of light with %d thread%s: %s %s %.1f GFLOP/s; reading", roofs->n_threads,
            roofs->n_threads == 1 ? "" : "s", roofs->peak->kernel, roofs->peak->isa,
            roofs->flops_per_s * 1e-9);
    for (int level = 0; level < FL_N_LEVELS; level++)
        if (roofs->read[level])
            fprintf(out, " %s %.1f", fl_memory_level_names[level],
                    roofs->bytes_per_s[level] * 1e-9);
    fputs(" GB/s (flopledger peaks)\n\n", out);
    if (print_operators(light, style, out, error) != FL_OK)
        return FL_FAILED;
    const struct fl_bound whole = fl_roofline(roofs, &light->step.whole);
    fprintf(out, "\nMFU %.1f %% (%s), HFU %.1f %%, MBU %.1f %% of DRAM\n", 100 * whole.mfu,
            fl_model_flops_convention, 100 * whole.hfu, 100 * whole.mbu);
    return FL_OK;
}
