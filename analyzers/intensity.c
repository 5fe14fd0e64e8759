#include "analyzers/intensity.h"

double fl_point_new_tokens(const struct fl_point *point)
{
    return (double)point->batch * (point->phase == FL_PHASE_PREFILL ? point->n_tokens : 1);
}

struct fl_rates fl_point_rates(const struct fl_point *point, const struct fl_timing *timing)
{
    struct fl_rates rates = {0};
    double flops = (double)point->counted_flops;
    double bytes = (double)point->bytes_read + (double)point->bytes_written;
    double seconds = timing->total.median / 1e9;
    if (bytes > 0)
        rates.flops_per_byte = flops / bytes;
    if (seconds > 0) {
        rates.flops_per_s = flops / seconds;
        rates.bytes_per_s = bytes / seconds;
        rates.tokens_per_s = fl_point_new_tokens(point) / seconds;
    }
    return rates;
}
