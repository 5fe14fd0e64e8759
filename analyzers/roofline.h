/* roofline.h - what a machine's measured ceilings allow a piece of work, and how much of it was
 * reached.
 *
 * Attainable FLOP/s = min(peak, intensity x bandwidth) (Williams, Waterman and Patterson, 2009,
 * https://doi.org/10.1145/1498765.1498785), with a bandwidth for every level of the memory
 * (cache-aware: Ilic, Pratas and Sousa, 2014, https://doi.org/10.1109/L-CA.2013.6). The same as a
 * time is the speed of light: max(bytes / bandwidth, FLOPs / peak), which nothing that has to do
 * this work and move these bytes can beat.
 *
 *   peak       the fastest f32 kernel that was measured, on as many threads as the work: all
 *              arithmetic of the engine is in f32, whatever format the weights are stored in
 *   bandwidth  of reading, from the level of memory where the bytes are; see struct fl_step
 *   MFU        model FLOPs utilisation (Chowdhery et al., 2022, PaLM, arXiv:2204.02311, appendix
 *              B): model FLOPs per second over the peak. See fl_model_flops()
 *   HFU        hardware FLOPs utilisation (Korthikanti et al., 2022, arXiv:2205.05198, section 5):
 *              executed FLOPs per second over the peak
 *   MBU        model bandwidth utilisation (Databricks, LLM Inference Performance Engineering,
 *              https://www.databricks.com/blog/llm-inference-performance-engineering-best-practices):
 *              bytes that the work has to move, per second, over the bandwidth of DRAM. Above one
 *              when caches served what DRAM need not */
#ifndef FL_ANALYZERS_ROOFLINE_H
#define FL_ANALYZERS_ROOFLINE_H

#include "analyzers/sections.h"
#include "ledger/analytic.h"
#include "store/store.h"

/* Of a ceiling's samples, in FLOP/s or byte/s. */
struct fl_rate {
    double median, low, high; /* low and high: quartiles */
    double least, most;
};
struct fl_rate fl_ceiling_rate(const struct fl_ceiling *ceiling);

/* What the ceiling stands for as a roof: the upper quartile of its rates. Other work on the machine
 * only ever makes a sample slower, so that the median of a busy machine is no ceiling; the fastest
 * sample alone may be a moment of a clock that was turned up. */
double fl_ceiling_roof(const struct fl_ceiling *ceiling);

/* True when the quartiles lie more than a tenth of the median apart: other work got in between, and
 * the machine may be able to do more. */
bool fl_ceiling_is_noisy(const struct fl_ceiling *ceiling);

enum fl_level { FL_LEVEL_L1, FL_LEVEL_L2, FL_LEVEL_L3, FL_LEVEL_DRAM, FL_N_LEVELS };
extern const char *const fl_memory_level_names[]; /* "L1", ..., "DRAM", NULL */

/* Whose bandwidth it is; FL_N_LEVELS: it is one of FLOPs. */
enum fl_level fl_ceiling_level(const struct fl_ceiling *ceiling);

/* The ceilings for one number of threads. Pointers lead to where they were found. */
struct fl_roofs {
    int n_threads;
    const struct fl_ceiling *peak;              /* the fastest f32 kernel */
    const struct fl_ceiling *gemm;              /* NULL: not measured */
    const struct fl_ceiling *read[FL_N_LEVELS]; /* NULL: not measured, but for DRAM */
    double flops_per_s;                         /* the peak's roof */
    double bytes_per_s[FL_N_LEVELS];
};

/* False when a peak or DRAM was not measured with this number of threads. */
bool fl_roofs_find(struct fl_roofs *roofs, const struct fl_ceiling *ceilings, int n_ceilings,
                   int n_threads);

/* Whether a cache keeps so many bytes, with a quarter of it to spare: code, stacks, other programs
 * and other guests of a host live there too, and what is gone over again and again soon misses a
 * cache that it fills. */
static inline bool fl_cache_holds(double capacity_bytes, double bytes)
{
    return bytes <= 0.75 * capacity_bytes;
}

/* The closest measured level that holds so many bytes. */
enum fl_level fl_roofs_level(const struct fl_roofs *roofs, double bytes);

/* Some work: one execution of a step, or of one of its operators. */
struct fl_work {
    double flops;              /* executed */
    double bytes[FL_N_LEVELS]; /* compulsory, read and written, by where they are */
    double model_flops;        /* 0: not known */
    double time_ns;            /* 0: not timed */
};
double fl_work_bytes(const struct fl_work *work);

struct fl_bound {
    double intensity; /* FLOP / byte; 0 when there are no bytes */
    double ridge;     /* where the bandwidth's roof meets the peak's */
    double attainable_flops_per_s;
    double light_ns;     /* speed of light */
    bool memory_bound;   /* bytes take longer than FLOPs */
    enum fl_level level; /* whose bytes take longest */
    /* of timed work, otherwise 0 */
    double flops_per_s, bytes_per_s;
    double of_light; /* light / time */
    double mfu, hfu, mbu;
};
struct fl_bound fl_roofline(const struct fl_roofs *roofs, const struct fl_work *work);

/* "compute" or "memory (L2)": what the bound is, for people. */
enum { FL_BOUND_TEXT = 32 };
char *fl_bound_text(const struct fl_bound *bound, char out[FL_BOUND_TEXT]);

/* Matrix products of the model itself for these tokens: its own widths, heads and experts; every
 * query-key pair, masked or not, as PaLM's appendix counts; the logits that were asked for; no
 * elementwise work. An uncached decode step counts as what it yields, one token behind a cache:
 * running the prefix again is, like the recomputation of activations in training, the hardware's
 * work and not the model's. */
int fl_model_flops(double *flops, const struct fl_config *config, const struct fl_shape *shape,
                   enum fl_lm_head lm_head, bool is_decode, struct fl_error *error);
extern const char fl_model_flops_convention[];

/* A step and its operators, all layers together. Where bytes are: weights, and in a decode step the
 * KV cache, outlive the step and come from the closest level that holds everything a step goes
 * over; activations were just written by the operator before and come from the closest level that
 * holds what one layer's operator reads and writes of them. */
struct fl_step {
    struct fl_work whole;
    struct fl_work ops[FL_N_OPERATORS];
    bool present[FL_N_OPERATORS];
};

int fl_step_of_point(struct fl_step *step, const struct fl_result *result,
                     const struct fl_timing *timing, const struct fl_roofs *roofs,
                     struct fl_error *error);

/* An account that has counted one forward pass, beside the ceilings of the machine it ran on. */
struct fl_account;
struct fl_light {
    bool known;
    char reason[512]; /* why it is not known; what follows is then empty */
    struct fl_roofs roofs;
    struct fl_step step;
    struct fl_work *rows; /* of each row of the account: an operator in one layer */
};

/* Fails for want of memory only, and for shapes whose figures do not fit. */
int fl_light_of_account(struct fl_light *light, const struct fl_account *account,
                        const struct fl_ceiling *ceilings, int n_ceilings, struct fl_error *error);
void fl_light_free(struct fl_light *light);

#endif
