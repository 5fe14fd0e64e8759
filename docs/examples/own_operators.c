/* own_operators.c - a ledger for kernels of one's own: a feed-forward network whose three operators
 * stand inside regions, each with the work it executes. At the end the ledger must equal the
 * formula, and trace.json shows when everything ran (https://ui.perfetto.dev).
 *
 *     own_operators [trace.json] */
#include <flopledger.h>
#include <stdio.h>
#include <stdlib.h>

enum { S = 32, H = 64, F = 256, N_LAYERS = 2 }; /* tokens, model width, inner width */

static float x[S][H], inner[S][F], up[N_LAYERS][H][F], down[N_LAYERS][F][H];

/* y [rows, to] = x [rows, from] w [from, to] */
static void matmul(float *y, const float *in, const float *w, int rows, int from, int to)
{
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < to; k++) {
            float sum = 0;
            for (int j = 0; j < from; j++)
                sum += in[i * from + j] * w[j * to + k];
            y[i * to + k] = sum;
        }
}

/* Every operand is read once, every result written once. */
static struct fl_cost matmul_cost(uint64_t rows, uint64_t from, uint64_t to)
{
    return (struct fl_cost){.macs = rows * from * to,
                            .bytes_read = sizeof(float) * (rows * from + from * to),
                            .bytes_written = sizeof(float) * rows * to};
}

static void square(float *v, int n)
{
    for (int i = 0; i < n; i++)
        v[i] *= v[i];
}

static void layer(struct fl_ledger *ledger, int i)
{
    fl_region_enter(ledger, FL_OP_FFN_UP);
    matmul(*inner, *x, *up[i], S, H, F);
    fl_region_leave(ledger, i, FL_OP_FFN_UP, matmul_cost(S, H, F));

    fl_region_enter(ledger, FL_OP_FFN_ACT);
    square(*inner, S * F);
    fl_region_leave(ledger, i, FL_OP_FFN_ACT,
                    (struct fl_cost){.elementwise = S * F,
                                     .bytes_read = sizeof inner,
                                     .bytes_written = sizeof inner});

    fl_region_enter(ledger, FL_OP_FFN_DOWN);
    matmul(*x, *inner, *down[i], S, F, H);
    fl_region_leave(ledger, i, FL_OP_FFN_DOWN, matmul_cost(S, F, H));
}

int main(int argc, char **argv)
{
    struct fl_error error;
    struct fl_ledger ledger;
    struct fl_event_log log;
    if (fl_ledger_open(&ledger, N_LAYERS, &error) != FL_OK ||
        fl_event_log_open(&log, 100, &error) != FL_OK)
        return fprintf(stderr, "%s\n", error.text), 1;
    ledger.log = &log;

    fl_event_log_begin(&log, &(struct fl_event_shape){.n_seqs = 1, .n_rows = S}, fl_clock_ns());
    for (int i = 0; i < N_LAYERS; i++)
        layer(&ledger, i);
    fl_event_log_end(&log, fl_clock_ns());

    const struct fl_ledger_entry total = fl_ledger_total(&ledger);
    const uint64_t formula = (uint64_t)N_LAYERS * (4 * S * H * F + S * F);
    const double time_ns = (double)total.time_ns;
    printf("formula %llu FLOPs, counted %llu; %.2f GFLOP/s\n", (unsigned long long)formula,
           (unsigned long long)fl_cost_flops(total.counted),
           (double)fl_cost_flops(total.counted) / time_ns);

    const struct fl_config config = {.n_layers = N_LAYERS, .d_model = H, .d_ff = F};
    const struct fl_trace_track track = {.name = "my kernels", .log = &log, .config = &config};
    const struct fl_trace trace = {.title = "own_operators", .tracks = &track, .n_tracks = 1};
    if (fl_trace_write(argc > 1 ? argv[1] : "trace.json", &trace, &error) != FL_OK)
        return fprintf(stderr, "%s\n", error.text), 1;
    fl_event_log_close(&log);
    fl_ledger_close(&ledger);
    return fl_cost_flops(total.counted) == formula ? 0 : 1;
}
