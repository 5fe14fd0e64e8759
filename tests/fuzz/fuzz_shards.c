/* model.safetensors.index.json beside two good shards of a model. */
#include "model/hf_model.h"
#include "tests/fuzz/fuzz_model.h"
#include "tests/fuzz/mutate.h"

#include <string.h>

FUZZ_LIMIT_ALLOCATIONS

static char directory[64];

static void read_index(const unsigned char *data, size_t size)
{
    struct bytes index = {0};
    struct fl_model model;
    struct fl_error error = {""};
    bytes_add(&index, data, size);
    bytes_write(&index, scratch_path(directory, "model.safetensors.index.json"));
    bytes_free(&index);
    int status = fl_hf_model(&model, directory, NULL, "fuzz", &error);
    fuzz_expect_sentence(status, &error);
    if (status == FL_OK) {
        fuzz_touch(&model);
        fl_model_close(&model);
    }
}

/* Names as they are in the first shard's header: "model.norm.weight":{ and so on. */
static struct bytes index_of(const struct bytes *shard, const char *name)
{
    struct bytes index = {0};
    const char *start = "{\"metadata\":{\"total_size\":1},\"weight_map\":{";
    bytes_add(&index, start, strlen(start));
    uint64_t size;
    memcpy(&size, shard->data, sizeof size);
    const char *at = (const char *)shard->data + sizeof size, *end = at + size;
    for (int n = 0; (at = memmem(at, (size_t)(end - at), ",\"model.", 8)); n++) {
        const char *quote = memchr(at + 2, '"', (size_t)(end - at - 2));
        bytes_add(&index, at + (n == 0), (size_t)(quote + 1 - at) - (n == 0));
        bytes_add(&index, ":\"", 2);
        bytes_add(&index, name, strlen(name));
        bytes_add(&index, "\"", 1);
        at = quote;
    }
    bytes_add(&index, "}}", 2);
    return index;
}

int main(int argc, char **argv)
{
    struct fl_model model = fuzz_tiny(FL_ARCH_LLAMA, true);
    struct bytes config = write_hf_config(&model.config);
    struct bytes shard = write_safetensors_as(&model, "", FL_F16);
    struct bytes index = index_of(&shard, "a.safetensors");
    fl_model_close(&model);
    scratch_open(directory);
    bytes_write(&config, scratch_path(directory, "config.json"));
    bytes_write(&shard, scratch_path(directory, "a.safetensors"));
    bytes_write(&shard, scratch_path(directory, "b.safetensors")); /* twice the same */
    const struct fuzz_seed seeds[] = {{index.data, index.size}, {NULL, 0}};
    int status = fuzz_main(argc, argv, read_index, seeds);
    scratch_close(directory);
    bytes_free(&config);
    bytes_free(&shard);
    bytes_free(&index);
    return fuzz_finish(status);
}
