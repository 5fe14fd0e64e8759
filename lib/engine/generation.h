/* generation.h - prompts in, tokens out: the decoding loop, without options and printing.
 *
 * Several prompts of unequal length run as one batch: one pass over all prompts, then a pass per
 * token over the sequences that have not ended. Each sequence draws from a generator of its own,
 * started with the same seed, so a prompt gives in a batch what it gives alone, up to rounding.
 * An encoder-decoder's prompts are what its encoder reads; its decoder begins with bos_id.
 * With n_beams above 1 each prompt is searched (beam.h), one after the other, its beams being the
 * sequences of the batch. With a draft model tokens come in rounds of several. All memory is
 * reserved by fl_generator_open(). */
#ifndef FL_ENGINE_GENERATION_H
#define FL_ENGINE_GENERATION_H

#include "base/error.h"
#include "engine/beam.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "engine/speculative.h"
#include "engine/stop.h"
#include "ledger/ledger.h"
#include "text/tokenizer.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct fl_prompt {
    const int *ids; /* at least one */
    int n_ids;
};

/* Where output goes while it comes into being; either may be NULL. What a beam search found comes
 * when the search is over. */
struct fl_generator_sink {
    void *context;
    void (*token)(void *context, int prompt, int id); /* every token but an end of sequence */
    /* Whole characters, stop texts left out; bytes that were none are there as they are, and what
     * is left of a character at the end is one U+FFFD. Only with a tokenizer. */
    void (*text)(void *context, int prompt, const char *text, size_t length);
};

struct fl_generator_options {
    struct fl_sampling sampling; /* of beams only the penalties and no_repeat_ngram */
    int n_new_max;               /* tokens a prompt, at least 1; fewer where the context ends */
    int n_new_min;               /* no end of sequence before so many */
    const int *eos_ids;          /* [n_eos]; must outlive the generator */
    int n_eos;
    const char *const *stop_texts; /* [n_stop_texts]; need a tokenizer, and no beams */
    int n_stop_texts;
    int n_beams; /* 0 and 1: no search */
    double length_penalty;
    bool early_stopping;
    bool no_cache; /* every pass runs the whole sequences again; not with beams */
    /* The prompt in passes of so many tokens a sequence at most: less memory, and the weights are
     * read once a pass. 0: in one pass. Not with beams, without a cache, or for an encoder. */
    int prefill_chunk;
    /* Proposes tokens that the model verifies (speculative.h); NULL: none. One prompt,
     * decoder-only, with the cache, without beams. Must outlive the generator. */
    const struct fl_model *draft;
    int n_draft; /* proposals a round */
    enum fl_attention attention;
    enum fl_dtype kv_dtype;               /* f32, f16 or bf16 */
    int n_threads;                        /* 0: fl_default_threads() */
    struct fl_event_log *log, *draft_log; /* of the model's passes and the draft's; or NULL */
    const struct fl_tokenizer *tokenizer; /* NULL: ids only */
    struct fl_generator_sink sink;
    /* Looked at between passes: once it is not 0 every text ends where it is, a search with its
     * live beams (base/interrupt.h). NULL: never. */
    const volatile sig_atomic_t *interrupted;
};

/* One phase's part of the ledger. */
enum fl_generator_phase { FL_GENERATOR_PREFILL, FL_GENERATOR_DECODE, FL_GENERATOR_N_PHASES };
struct fl_generation_phase {
    const char *name; /* "prefill", "decode"; "verify" with a draft: of whole rounds the time, of
                         the model the work */
    int64_t n_passes;
    int64_t n_tokens; /* run through the model: without a cache also those of earlier passes */
    int64_t n_new;    /* the rate's numerator: the prompts' tokens, or those decoded */
    uint64_t time_ns;
    struct fl_ledger ledger;
};

/* Of one prompt; ids are generated ones, an end of sequence left out. */
struct fl_generated {
    int n_prompt;
    const int *ids;
    int n_ids;
    enum fl_stop_reason reason;
    const char *stop_text;             /* the one that ended it, or NULL */
    const struct fl_hypothesis *beams; /* best first, ends included; NULL without a search */
    int n_beams;
};

struct fl_generator;

/* The model, the prompts and what the options point to must outlive it. Refuses what cannot run
 * with a sentence that names the prompt and the figures. */
int fl_generator_open(struct fl_generator **generator, const struct fl_model *model,
                      const struct fl_prompt *prompts, int n_prompts,
                      const struct fl_generator_options *options, struct fl_error *error);
void fl_generator_close(struct fl_generator *generator);

/* Tokens that fit into the model's context behind a prompt; the last of them need not be run, so
 * that n_ctx - n_prompt + 1 do, or n_ctx in a decoder. Less than 1: the prompt does not. */
int fl_generator_room(const struct fl_config *config, int n_prompt);

/* Once. */
int fl_generator_run(struct fl_generator *generator, struct fl_error *error);

struct fl_generated fl_generator_result(const struct fl_generator *generator, int prompt);
const struct fl_generation_phase *fl_generator_phase(const struct fl_generator *generator,
                                                     enum fl_generator_phase phase);
int fl_generator_n_threads(const struct fl_generator *generator);             /* as used, never 0 */
struct fl_kv_size fl_generator_kv_size(const struct fl_generator *generator); /* the model's */
/* The draft's part, for its account; NULL without one. */
const struct fl_speculative *fl_generator_speculative(const struct fl_generator *generator);

#endif
