/* request_trace.h - requests as a file: when each arrives, how long its prompt and its output are.
 *
 * CSV with a header, or JSON Lines (one object a line; recognised by its first character, '{').
 * Columns, or keys, in any order:
 *
 *   arrival_s      seconds since the beginning, at least 0; rows need not be sorted
 *   output_tokens  tokens to generate, at least 1
 *   prompt_tokens  length of a prompt of random ids
 *   prompt         the prompt as text
 *   prompt_ids     the prompt as ids, separated by spaces
 *   prefix_group   a name: random prompts of a group begin alike ...
 *   prefix_tokens  ... for so many tokens; without it as far as the shorter one goes
 *
 * The first two are required, and one of the three that give the prompt. Empty cells count as
 * missing. Random ids depend on the seed and on the number of the request in the file, those of a
 * shared beginning on the seed and the group's name. */
#ifndef FL_BENCH_REQUEST_TRACE_H
#define FL_BENCH_REQUEST_TRACE_H

#include "base/error.h"
#include "engine/scheduler.h"
#include "text/tokenizer.h"

#include <stddef.h>

struct fl_request_trace {
    struct fl_request *requests; /* [n] in order of arrival */
    int *lines;                  /* [n] where each stands in the file */
    int n;
    int *ids; /* of all prompts */
};

struct fl_request_trace_options {
    int vocab_size;
    int n_ctx; /* a request whose prompt and output do not fit is refused */
    uint64_t seed;
    struct fl_tokenizer *tokenizer; /* for prompts as text; NULL: they are refused */
};

/* "-" reads standard input. A refusal names the file, the line and the field. */
int fl_request_trace_read(struct fl_request_trace *trace, const char *path,
                          const struct fl_request_trace_options *options, struct fl_error *error);

/* The same from a text in memory; source names it. */
int fl_request_trace_parse(struct fl_request_trace *trace, const char *text, size_t size,
                           const char *source, const struct fl_request_trace_options *options,
                           struct fl_error *error);
void fl_request_trace_close(struct fl_request_trace *trace);

#endif
