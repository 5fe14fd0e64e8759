/* speculative.h - speculative decoding: a small draft model proposes, the target verifies.
 *
 * A round: the draft proposes up to n tokens one by one, each drawn from its own distribution q;
 * the target runs the pending token and all proposals in one pass and so knows its distribution p
 * at each of them. Proposal x is accepted with probability min(1, p(x) / q(x)); the first one that
 * is not is replaced by a token of the residual distribution max(0, p - q), normalised, and the
 * rest is thrown away. When all are accepted the pass has one distribution left, of which one
 * more token is drawn. The tokens are then distributed as the target's own, whatever the draft is
 * like; under greedy decoding they are the target's own, up to how a pass of several tokens rounds
 * where two logits are equal within rounding.
 * Sources: Leviathan, Kalman and Matias, 2023 (arXiv:2211.17192); Chen et al., 2023
 * (arXiv:2302.01318).
 *
 * The gain: the target reads its weights once a round, not once a token. The price: the draft's
 * passes, and the rows of the verification behind the first rejection. Both are in the account. */
#ifndef FL_ENGINE_SPECULATIVE_H
#define FL_ENGINE_SPECULATIVE_H

#include "base/error.h"
#include "engine/session.h"
#include "ledger/analytic.h"
#include "ledger/ledger.h"

#include <stdbool.h>
#include <stdint.h>

/* Turns a row of logits [vocab_size] behind ids [n_ids] into probabilities p [vocab_size] that add
 * up to 1, or are all 0 when nothing is left to choose. The same for both models: what it does
 * (temperature, top-k, penalties) is then part of both p and q. `of` NULL: greedy. */
struct fl_distribution {
    void (*of)(void *context, double *p, const float *logits, int vocab_size, const int *ids,
               int n_ids);
    void *context;
};

struct fl_speculative_options {
    int n_draft;       /* proposals a round, at least 1 */
    int n_ctx;         /* tokens of prompt and output; 0: the target's own context */
    int prefill_chunk; /* tokens of the prompt in one pass at most; 0: 64 */
    enum fl_attention attention;
    enum fl_dtype kv_dtype; /* of both caches */
    int n_threads;          /* 0: fl_default_threads() */
    struct fl_distribution distribution;
    uint64_t seed;
    struct fl_event_log *log, *draft_log; /* of the target's passes and the draft's; or NULL */
};

/* What ran, for the ledgers. The draft's prefill is the draft's, the others as they say. */
enum fl_speculative_phase {
    FL_SPECULATIVE_PREFILL,       /* target */
    FL_SPECULATIVE_DRAFT_PREFILL, /* draft */
    FL_SPECULATIVE_DRAFT,         /* draft */
    FL_SPECULATIVE_VERIFY,        /* target */
    FL_SPECULATIVE_N_PHASES
};
extern const char *const fl_speculative_phase_names[]; /* NULL-terminated */

/* By formula, from the shapes of the passes; equal to what the ledgers counted. */
struct fl_speculative_account {
    int64_t n_rounds, n_drafted, n_accepted;
    int64_t n_emitted; /* n_accepted + n_rounds: every round adds one token of the target's own */
    struct fl_op_analytic phases[FL_SPECULATIVE_N_PHASES];
    /* FLOPs of the draft's passes whose proposal was thrown away */
    fl_wide draft_wasted;
    /* FLOPs of the verifying passes beyond passes over only what was kept */
    fl_wide verify_wasted;
};

struct fl_speculative;

/* Both models must outlive it. Fails when their vocabularies differ in size. A draft whose context
 * is shorter than n_ctx proposes nothing behind its end. */
int fl_speculative_open(struct fl_speculative **speculative, const struct fl_model *target,
                        const struct fl_model *draft, const struct fl_speculative_options *options,
                        struct fl_error *error);
void fl_speculative_close(struct fl_speculative *speculative);

/* Starts anew with this prompt: runs all but its last token, which is left to the first round. */
int fl_speculative_prefill(struct fl_speculative *speculative, const int *ids, int n_ids,
                           struct fl_error *error);

/* One round behind ids [n_ids]: the prompt and everything emitted since. Writes 1 to
 * min(n_draft + 1, n_new_max) tokens to out, which has room for that many. The last one is -1 when
 * the target's distribution left nothing to choose: the text ends there. */
int fl_speculative_round(struct fl_speculative *speculative, const int *ids, int n_ids,
                         int n_new_max, int *out, int *n_out, struct fl_error *error);

/* The cache of the target, or of the draft. */
struct fl_kv_size fl_speculative_kv_size(const struct fl_speculative *speculative, bool draft);

/* Counted and timed since the prefill. */
const struct fl_ledger *fl_speculative_ledger(const struct fl_speculative *speculative,
                                              enum fl_speculative_phase phase);
int fl_speculative_account(const struct fl_speculative *speculative,
                           struct fl_speculative_account *account, struct fl_error *error);
int fl_speculative_prefill_chunk(const struct fl_speculative *speculative);
int64_t fl_speculative_n_drafted(const struct fl_speculative *speculative); /* since the prefill */
int fl_speculative_n_threads(const struct fl_speculative *speculative);     /* as used, never 0 */

/* The rule itself: x was drawn from q [n]; returns x when accepted, else a token drawn from
 * max(0, p - q); -1 when p is all 0. state is a generator's (base/random.h). */
int fl_speculative_choose(const double *p, const double *q, int n, int x, uint64_t *state,
                          bool *accepted);

#endif
