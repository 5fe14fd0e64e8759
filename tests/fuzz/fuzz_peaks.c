/* The file that a machine's ceilings are kept in: whatever stands in it, reading ends in a status
 * with one sentence; what is read can be written again and reads back as the same. */
#include "bench/peaks_cache.h"
#include "tests/fuzz/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char KEY[] = "a machine";

static const char SEED[] =
    "{\"key\":\"a machine\",\"ceilings\":[{\"measured_at\":\"2026-01-02T03:04:05Z\",\"unit\":"
    "\"flops\",\"kernel\":\"gemm\",\"level\":\"\",\"dtype\":\"f32\",\"isa\":\"SkylakeX\","
    "\"n_threads\":1,\"quick\":false,\"working_set_bytes\":50331648,\"capacity_bytes\":0,\"note\":"
    "\"\",\"work\":17179869184,\"time_ns\":[120000000,121000000,119000000]},{\"measured_at\":"
    "\"2026-01-02T03:04:05Z\",\"unit\":\"bytes\",\"kernel\":\"read\",\"level\":\"L2\",\"dtype\":"
    "\"f32\",\"isa\":\"avx512\",\"n_threads\":2,\"quick\":true,\"working_set_bytes\":641024,"
    "\"capacity_bytes\":4194304,\"note\":\"n\",\"work\":3000000000,\"time_ns\":[9000000]}]}";

static void die(const char *sentence)
{
    fprintf(stderr, "fuzz_peaks: %s\n", sentence);
    abort();
}

static void read_again(const struct fl_peaks *peaks, const char *path)
{
    struct fl_peaks again;
    struct fl_error error = {""};
    bool found;
    if (fl_peaks_cache_write(peaks, path, &error) != FL_OK ||
        fl_peaks_cache_read(&again, &found, path, KEY, &error) != FL_OK)
        die(error.text);
    if (!found || again.n != peaks->n)
        die("written again it is another");
    for (int i = 0; i < again.n; i++)
        if (again.rows[i].work != peaks->rows[i].work ||
            again.rows[i].n_samples != peaks->rows[i].n_samples ||
            strcmp(again.rows[i].note, peaks->rows[i].note) != 0)
            die("a ceiling reads back as another");
    fl_peaks_free(&again);
}

static void read_file(const unsigned char *data, size_t size)
{
    const char *path = fuzz_file(data, size, ".json");
    struct fl_peaks peaks;
    struct fl_error error = {""};
    bool found;
    if (fl_peaks_cache_read(&peaks, &found, path, KEY, &error) == FL_OK) {
        if (found)
            read_again(&peaks, path);
    } else if (!error.text[0] || found || peaks.n != 0) {
        die("refused without a sentence, or not at all");
    }
    fl_peaks_free(&peaks);
}

int main(int argc, char **argv)
{
    const struct fuzz_seed seeds[] = {{(const unsigned char *)SEED, sizeof SEED - 1}, {NULL, 0}};
    return fuzz_main(argc, argv, read_file, seeds);
}
