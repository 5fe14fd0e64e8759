#include "engine/execute.h"

#include <stdlib.h>

static int encode(struct fl_session *session, const struct fl_execution *execution,
                  struct fl_error *error)
{
    int *lengths = calloc((size_t)execution->n_seqs, sizeof *lengths);
    if (!lengths)
        return fl_fail(error, "no memory for the lengths of %d inputs", execution->n_seqs);
    for (int i = 0; i < execution->n_seqs; i++)
        lengths[i] = execution->n_source;
    const int status =
        fl_session_encode(session, execution->source, lengths, execution->n_seqs, error);
    free(lengths);
    return status;
}

int fl_execution_prepare(struct fl_session *session, const struct fl_execution *execution,
                         struct fl_error *error)
{
    if (execution->source && execution->encoded && encode(session, execution, error) != FL_OK)
        return FL_FAILED;
    return fl_session_assume_past(session, execution->n_past, error);
}

int fl_execution_run(struct fl_session *session, const struct fl_execution *execution,
                     struct fl_error *error)
{
    fl_session_truncate(session, execution->n_past);
    if (execution->source && !execution->encoded && encode(session, execution, error) != FL_OK)
        return FL_FAILED;
    return fl_session_forward(session, execution->tokens, execution->n_tokens, execution->logits,
                              error);
}
