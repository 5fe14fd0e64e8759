/* generation_state.h - the inside of a generator, for generation*.c only. */
#ifndef FL_ENGINE_GENERATION_STATE_H
#define FL_ENGINE_GENERATION_STATE_H

#include "engine/generation.h"

struct fl_generator_sequence {
    struct fl_prompt given; /* the prompt, or what an encoder reads */
    int *ids; /* the decoder's: prompt, then what was chosen; room for n_prompt + n_new_max */
    int n_prompt, n_ids, n_new_max;
    bool over;
    uint64_t random; /* the state of its generator */
    struct fl_stop stop;
    struct fl_stream stream;
    struct fl_hypothesis *beams; /* [n_beams] */
    int n_beams;
};

struct fl_generator {
    const struct fl_model *model;
    struct fl_generator_options options;
    struct fl_generator_sequence *sequences; /* one a prompt */
    int n_sequences;
    struct fl_session *session;
    struct fl_sampler sampler;
    struct fl_stop_rules rules;
    struct fl_beam *beam;
    struct fl_speculative *speculative; /* in place of the session */
    int *round;                         /* [n_draft + 1] tokens of a round */
    struct fl_span *spans;              /* [sequences of the session] */
    int *tokens;                        /* of a pass, or of the encoder */
    int *input_lengths;                 /* [n_sequences] */
    int *beam_ids;                      /* [n_prompts, n_beams, n_new_max] */
    struct fl_generation_phase phases[FL_GENERATOR_N_PHASES];
};

static inline bool fl_generator_encodes(const struct fl_generator *g)
{
    return g->model->config.n_encoder_layers > 0;
}

/* Both models' distributions as the options have it: struct fl_distribution, its context being the
 * generator. */
void fl_generator_distribution(void *context, double *p, const float *logits, int vocab_size,
                               const int *ids, int n_ids);

#endif
