#include "analyzers/measured.h"

static fl_wide footprint_bytes(const uint64_t *values)
{
    return FL_LINE_BYTES *
           ((fl_wide)values[FL_COUNT_LINES_READ] + (fl_wide)values[FL_COUNT_LINES_WRITTEN]);
}

static void fill_op(struct fl_measured_op *row, const struct fl_op_record *exact,
                    const struct fl_measured *measured)
{
    const uint64_t *values = measured->reading.values;
    *row = (struct fl_measured_op){
        .op = exact->op,
        .exact = exact->exact_flops,
        .measured = values[FL_COUNT_FLOPS],
        .exact_bytes = (fl_wide)exact->exact_bytes_read + exact->exact_bytes_written,
        .footprint_bytes = footprint_bytes(values),
    };
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++) {
        row->terms[term] = measured->excess.flops[term];
        row->explained += row->terms[term];
    }
    row->unexplained = row->measured - row->exact - row->explained;
}

static void add_op(struct fl_measured_op *sum, const struct fl_measured_op *row)
{
    sum->exact += row->exact;
    sum->measured += row->measured;
    for (int term = 0; term < FL_N_EXCESS_TERMS; term++)
        sum->terms[term] += row->terms[term];
    sum->explained += row->explained;
    sum->unexplained += row->unexplained;
    sum->exact_bytes += row->exact_bytes;
    sum->footprint_bytes += row->footprint_bytes;
}

void fl_measured_point_make(struct fl_measured_point *measured, const struct fl_result *result,
                            const struct fl_observed *observed)
{
    const uint64_t *whole = observed->whole.values;
    *measured = (struct fl_measured_point){
        .result = result,
        .observed = observed,
        .has_flops = fl_observed_has(observed, FL_COUNT_FLOPS),
        .has_footprint = fl_observed_has(observed, FL_COUNT_LINES_READ) &&
                         fl_observed_has(observed, FL_COUNT_LINES_WRITTEN),
        .total.op = FL_N_OPERATORS,
    };
    for (int i = 0; i < result->n_ops; i++) {
        struct fl_measured_op *row = &measured->ops[measured->n_ops++];
        fill_op(row, &result->ops[i], &observed->ops[result->ops[i].op]);
        add_op(&measured->total, row);
    }
    measured->between = (fl_wide)whole[FL_COUNT_FLOPS] - measured->total.measured;
    measured->total.measured = whole[FL_COUNT_FLOPS];
    measured->pass_footprint_bytes = footprint_bytes(whole);
}

double fl_percent(fl_wide part, fl_wide whole)
{
    return whole != 0 ? 100 * (double)part / (double)whole : 0.0;
}

const struct fl_result *fl_line_measured(const struct fl_line *line)
{
    for (int i = line->n - 1; i >= 0; i--)
        if (fl_result_observed(&line->points[i]))
            return &line->points[i];
    return NULL;
}

const struct fl_result *fl_section_measured(const struct fl_section *section,
                                            const struct fl_line *own)
{
    const struct fl_result *found = fl_line_measured(own);
    bool prefill = own == &section->prefill, cached = own != &section->uncached;
    for (struct fl_line line = {0}; !found && fl_section_next_line(section, &line);)
        if ((line.points->point.phase == FL_PHASE_PREFILL) == prefill &&
            line.points->point.cache == cached)
            found = fl_line_measured(&line);
    return found;
}
