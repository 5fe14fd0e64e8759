#include "ops/batch.h"

struct fl_batch fl_batch_lay_out(struct fl_batch_span *spans, int n_spans, int *positions,
                                 int window)
{
    size_t n_rows = 0, n_pairs = 0;
    for (int i = 0; i < n_spans; i++) {
        struct fl_batch_span *span = &spans[i];
        span->first_key = window > 0 && span->n_past >= window ? span->n_past - window + 1 : 0;
        span->first_row = n_rows;
        span->first_pair = n_pairs;
        for (int j = 0; j < span->n_tokens; j++)
            positions[n_rows++] = span->n_past + j;
        n_pairs += (size_t)span->n_tokens * fl_batch_n_keys(span);
    }
    return (struct fl_batch){spans, n_spans, (int)n_rows, positions};
}

int fl_batch_n_positions(const struct fl_batch *batch)
{
    for (int i = 1; i < batch->n_spans; i++)
        if (batch->spans[i].n_tokens != batch->spans[0].n_tokens ||
            batch->spans[i].n_past != batch->spans[0].n_past)
            return batch->n_rows;
    return batch->n_spans > 0 ? batch->spans[0].n_tokens : 0;
}
