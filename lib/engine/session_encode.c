/* session_encode.c - the encoder's part of session.h. */
#include "engine/session_state.h"

#include <assert.h>

static int check_inputs(const struct fl_session *session, const int *n_tokens, int n_inputs,
                        struct fl_error *error)
{
    const char *name = session->model->config.name;
    const struct fl_session_options *options = &session->options;
    if (session->model->config.n_encoder_layers == 0)
        return fl_fail(error, "%s: the model has no encoder", name);
    if (n_inputs < 1 || n_inputs > options->n_inputs)
        return fl_fail(error, "%s: n_inputs: expected 1 .. %d, got %d", name, options->n_inputs,
                       n_inputs);
    for (int i = 0; i < n_inputs; i++)
        if (n_tokens[i] < 1 || n_tokens[i] > options->n_encoder_ctx)
            return fl_fail(error, "%s: input %d: expected 1 .. %d tokens, got %d", name, i,
                           options->n_encoder_ctx, n_tokens[i]);
    return FL_OK;
}

static int check_tokens(const struct fl_config *config, const int *tokens, int n,
                        struct fl_error *error)
{
    const int vocab_size = fl_config_prompt_vocab_size(config);
    for (int i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= vocab_size)
            return fl_fail(error, "%s: encoder token %d: expected an id of 0 .. %d, got %d",
                           config->name, i, vocab_size - 1, tokens[i]);
    return FL_OK;
}

int fl_session_encode(struct fl_session *session, const int *tokens, const int *n_tokens,
                      int n_inputs, struct fl_error *error)
{
    struct fl_encoder *encoder = &session->encoder;
    if (check_inputs(session, n_tokens, n_inputs, error) != FL_OK)
        return FL_FAILED;
    int n = 0;
    for (int i = 0; i < n_inputs; i++)
        n += n_tokens[i];
    if (check_tokens(&session->model->config, tokens, n, error) != FL_OK)
        return FL_FAILED;

    fl_session_truncate(session, 0);
    fl_session_use_threads(session);
    const struct fl_pass decoder = {
        .model = session->model, .work = &session->work, .ledger = &session->ledger};
    fl_session_log_begin(session, n_inputs, n);
    fl_encoder_run(encoder, &decoder, tokens, n_tokens, n_inputs);
    fl_session_log_end(session);
    for (int seq = 0; seq < session->options.n_seqs; seq++)
        encoder->input_of[seq] = n_inputs == 1 ? 0 : seq < n_inputs ? seq : -1;
    return FL_OK;
}

int fl_session_attend(struct fl_session *session, int seq, int input, struct fl_error *error)
{
    const char *name = session->model->config.name;
    if (fl_session_check_seq(session, seq, error) != FL_OK)
        return FL_FAILED;
    if (input < 0 || input >= session->encoder.n_inputs)
        return fl_fail(error, "%s: input: expected one of the %d that are encoded, got %d", name,
                       session->encoder.n_inputs, input);
    fl_session_truncate_seq(session, seq, 0);
    session->encoder.input_of[seq] = input;
    return FL_OK;
}

const float *fl_session_encoded(const struct fl_session *session)
{
    return session->encoder.output;
}

int fl_session_input_length(const struct fl_session *session, int input)
{
    assert(input >= 0 && input < session->encoder.n_inputs);
    return session->encoder.lengths[input];
}

int fl_session_n_inputs(const struct fl_session *session)
{
    return session->encoder.n_inputs;
}
