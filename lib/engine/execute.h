/* execute.h - one pass as it is measured: again and again, from the same beginning. */
#ifndef FL_ENGINE_EXECUTE_H
#define FL_ENGINE_EXECUTE_H

#include "engine/session.h"

struct fl_execution {
    const int *tokens; /* [n_seqs, n_tokens] */
    int n_tokens, n_past;
    enum fl_logits logits;
    /* Encoder-decoders; else NULL. */
    const int *source; /* [n_seqs, n_source], all inputs of one length */
    int n_source, n_seqs;
    bool encoded; /* the encoder's work lies before the pass and is no part of it */
};

/* Brings the session to where the pass begins: inputs encoded, n_past tokens assumed. Once. */
int fl_execution_prepare(struct fl_session *session, const struct fl_execution *execution,
                         struct fl_error *error);

/* The pass, with its encoder unless `encoded`. What it begins from stays as it is. */
int fl_execution_run(struct fl_session *session, const struct fl_execution *execution,
                     struct fl_error *error);

#endif
