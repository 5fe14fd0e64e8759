/* generate_flags.h - the options of `flopledger generate`, as they were given. */
#ifndef FL_ENGINE_GENERATE_FLAGS_H
#define FL_ENGINE_GENERATE_FLAGS_H

#include "base/cli.h"
#include "engine/generate_prompts.h"
#include "engine/generation.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum fl_generate_format { FL_GENERATE_TEXT, FL_GENERATE_JSON };

/* Numbers that were not given are NAN, or -1 where they are whole. */
struct fl_generate_flags {
    const char *model, *tokenizer, *draft_model, *trace;
    struct fl_prompt_source prompts;
    struct fl_cli_texts stops;
    int64_t n_predict, n_new_min, top_k, repeat_last_n, no_repeat_ngram, n_beams;
    int64_t n_draft, prefill_chunk, n_threads, seed;
    double temperature, top_p, min_p;
    double repetition_penalty, presence_penalty, frequency_penalty, length_penalty;
    bool do_sample, early_stopping, ignore_eos;
    bool ids, quiet;
    int cache, attention, kv_dtype, format;
    int dtype; /* of random weights; -1: not given */
};

/* Text of one prompt's output, NUL-terminated; NULL where there is none. */
struct fl_generate_text {
    char *bytes;
    size_t length, capacity;
};

/* One JSON object: settings, outputs, phases with every operator. cmd_generate_json.c */
int fl_generate_json(FILE *out, const struct fl_generate_flags *flags,
                     const struct fl_generator *generator, const struct fl_model *model,
                     const struct fl_generator_options *options,
                     const struct fl_generate_text *texts, int n_prompts, struct fl_error *error);

/* ---- --trace: cmd_generate_trace.c ---- */

struct fl_generate_trace {
    struct fl_event_log log, draft_log;
};

/* Room for the passes that these prompts and flags can lead to, as far as a log goes. */
int fl_generate_trace_open(struct fl_generate_trace *trace, const struct fl_generate_flags *flags,
                           const struct fl_prompts *prompts, const struct fl_model *model,
                           const struct fl_model *draft, struct fl_error *error);
int fl_generate_trace_write(const struct fl_generate_trace *trace,
                            const struct fl_generate_flags *flags, const struct fl_model *model,
                            const struct fl_model *draft, int n_threads, struct fl_error *error);
void fl_generate_trace_close(struct fl_generate_trace *trace);

#endif
