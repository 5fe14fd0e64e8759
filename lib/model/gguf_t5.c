#include "model/gguf_t5.h"

#include <limits.h>

#define DECODER_LAYERS "t5.decoder_block_count"
#define BUCKETS        "t5.attention.relative_buckets_count"
#define DECODER_START  "t5.decoder_start_token_id"
/* flopledger's own: others take FL_T5_MAX_DISTANCE for granted */
#define MAX_DISTANCE "t5.attention.relative_max_distance"

/* Keeps *value when the key is absent. */
static int get_int(struct fl_gguf *gguf, const char *key, int *value, struct fl_error *error)
{
    int64_t wide = *value;
    if (fl_gguf_has(gguf, key) && fl_gguf_get_int(gguf, key, 0, INT_MAX, &wide, error) != FL_OK)
        return FL_FAILED;
    *value = (int)wide;
    return FL_OK;
}

int fl_gguf_t5_read(struct fl_config *config, struct fl_gguf *gguf, const char *path,
                    struct fl_error *error)
{
    int n_buckets = FL_T5_BUCKETS;
    config->n_encoder_layers = config->n_layers;
    config->relative_max_distance = FL_T5_MAX_DISTANCE;
    config->bos_id = -1;
    if (get_int(gguf, DECODER_LAYERS, &config->n_layers, error) != FL_OK ||
        get_int(gguf, BUCKETS, &n_buckets, error) != FL_OK ||
        get_int(gguf, MAX_DISTANCE, &config->relative_max_distance, error) != FL_OK ||
        get_int(gguf, DECODER_START, &config->bos_id, error) != FL_OK)
        return FL_FAILED;
    if (n_buckets != FL_T5_BUCKETS)
        return fl_fail(error, "%s: %s: expected %d, not %d", path, BUCKETS, FL_T5_BUCKETS,
                       n_buckets);
    config->gated = fl_gguf_find_tensor(gguf, "enc.blk.0.ffn_gate.weight") != NULL;
    config->activation = config->gated ? FL_ACT_GELU_TANH : FL_ACT_RELU;
    return FL_OK;
}

void fl_gguf_t5_put(struct fl_gguf_writer *writer, const struct fl_config *config)
{
    fl_gguf_put_uint(writer, DECODER_LAYERS, (uint32_t)config->n_layers);
    fl_gguf_put_uint(writer, BUCKETS, FL_T5_BUCKETS);
    if (config->relative_max_distance != FL_T5_MAX_DISTANCE)
        fl_gguf_put_uint(writer, MAX_DISTANCE, (uint32_t)config->relative_max_distance);
    if (config->bos_id >= 0)
        fl_gguf_put_uint(writer, DECODER_START, (uint32_t)config->bos_id);
}
