/* serving_render.h - a served trace as tables, Markdown, CSV (a row a request) or JSON (all of it).
 */
#ifndef FL_REPORTS_SERVING_RENDER_H
#define FL_REPORTS_SERVING_RENDER_H

#include "analyzers/serving.h"
#include "reports/table.h"

#include <stdio.h>

struct fl_serving_view {
    const char *model, *trace, *policy, *clock, *attention, *kv_dtype;
    int max_seqs, max_batch_tokens, block_tokens, n_blocks, n_ctx, n_threads;
    bool prefix_cache;
    double flops_per_s; /* of the clock `flops`; 0: another clock */
    uint64_t block_bytes, seed;
    struct fl_serving_limits limits;
    const struct fl_serving_request *requests;
    int n_requests;
    const struct fl_serving_pass *passes;
    int n_passes;
    const struct fl_serving_summary *summary;
};

/* FL_TABLE_TEXT or FL_TABLE_MARKDOWN: the summary, latencies, batch sizes, a timeline, and every
 * request where they are few. FL_TABLE_CSV: every request. False when memory ran out. */
bool fl_serving_table(const struct fl_serving_view *view, enum fl_table_style style, FILE *out);
bool fl_serving_json(const struct fl_serving_view *view, FILE *out);

#endif
