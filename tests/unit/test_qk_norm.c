#include "ops/qk_norm.h"
#include "ops_check.h"

/* Each head against the definition in double. */
static void check_heads(const float *out, const float *in, const float *gain, size_t n_heads,
                        size_t d, double eps, const char *isa)
{
    for (size_t head = 0; head < n_heads; head++) {
        double squares = 0;
        for (size_t i = 0; i < d; i++)
            squares += (double)in[head * d + i] * (double)in[head * d + i];
        double inverse = 1 / sqrt(squares / (double)d + eps);
        for (size_t i = 0; i < d; i++) {
            double want = (double)in[head * d + i] * inverse * (double)gain[i];
            /* the mean of squares is off by at most d + 2 ULP, its root by half of that; three
             * more for the root, the division and the two products */
            CHECK_CLOSE(out[head * d + i],
                        ((struct bounded){want, ((double)d / 2 + 5) * ULP * fabs(want)}),
                        "%s head %zu feature %zu of %zu", isa, head, i, d);
        }
    }
}

static void check(const struct fl_qk_norm_shape *shape, const char *isa)
{
    const size_t d = (size_t)shape->head_dim, rows = (size_t)shape->n_rows;
    const size_t n_heads = rows * (size_t)shape->n_heads, n_kv = rows * (size_t)shape->n_kv_heads;
    float *q = random_floats(n_heads * d, 3.0f, 1), *k = random_floats(n_kv * d, 0.5f, 2);
    float *q_in = random_floats(n_heads * d, 3.0f, 1), *k_in = random_floats(n_kv * d, 0.5f, 2);
    float *q_gain = random_floats(d, 2.0f, 3), *k_gain = random_floats(d, 2.0f, 4);
    fl_qk_norm(q, k, q_gain, k_gain, shape, 1e-6f);
    check_heads(q, q_in, q_gain, n_heads, d, 1e-6, isa);
    check_heads(k, k_in, k_gain, n_kv, d, 1e-6, isa);
    float *all[] = {q, k, q_in, k_in, q_gain, k_gain};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

Test(qk_norm, equals_reference)
{
    FOR_EACH_SIMD(isa)
    {
        check(&(struct fl_qk_norm_shape){1, 1, 1, 2}, isa);
        check(&(struct fl_qk_norm_shape){3, 6, 2, 11}, isa);
        check(&(struct fl_qk_norm_shape){2, 16, 8, 128}, isa);
    }
}

Test(qk_norm, cost_by_hand)
{
    /* 5 tokens, 4 and 2 heads of 8: 30 heads, 4 FLOPs a feature and 4 a head */
    struct fl_cost cost = fl_qk_norm_cost(&(struct fl_qk_norm_shape){5, 4, 2, 8});
    cr_expect_eq(cost.macs, 0);
    cr_expect_eq(cost.elementwise, 30 * 36);
    cr_expect_eq(cost.bytes_read, 4 * (30 * 8 + 2 * 8));
    cr_expect_eq(cost.bytes_written, 4 * 30 * 8);
}
