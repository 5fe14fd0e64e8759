/* own_program.c - a forward pass in a program of one's own, and what every operator of it cost. */
#include <flopledger.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const struct fl_session_options options = {
        .n_seqs = 1, .n_ctx = 64, .logits = FL_LOGITS_LAST, .n_threads = 1};
    const int tokens[] = {3, 1, 4, 1, 5, 9, 2, 6};
    struct fl_error error;
    struct fl_model model;
    struct fl_session *session;
    if (fl_model_open(&model, argc > 1 ? argv[1] : "gpt2-nano", 0, &error) != FL_OK ||
        fl_session_open(&session, &model, &options, &error) != FL_OK ||
        fl_session_forward(session, tokens, 8, FL_LOGITS_LAST, &error) != FL_OK)
        return fprintf(stderr, "%s\n", error.text), 1;

    for (int op = 0; op < FL_N_OPERATORS; op++) {
        const struct fl_ledger_entry sum = fl_ledger_operator(fl_session_ledger(session), op);
        if (sum.n_calls > 0)
            printf("%-12s %3llu calls %12llu FLOPs %10llu bytes %8.1f us\n", fl_operator_name(op),
                   (unsigned long long)sum.n_calls, (unsigned long long)fl_cost_flops(sum.counted),
                   (unsigned long long)(sum.counted.bytes_read + sum.counted.bytes_written),
                   (double)sum.time_ns / 1000);
    }
    fl_session_close(session);
    fl_model_close(&model);
    return 0;
}
