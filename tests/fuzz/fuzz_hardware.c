/* Machine files that users write: whatever comes in, what is accepted has figures that can be
 * calculated with. */
#include "analyzers/hardware.h"
#include "tests/fuzz/mutate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const TEXTS[] = {
    "{\"name\": \"a\", \"tflops\": {\"f32\": 20, \"tf32\": 40, \"f16\": 80.5, \"bf16\": 80, "
    "\"fp8\": "
    "160, \"int8\": 160}, \"bandwidth_gb_s\": 600, \"capacity_gb\": 24, \"cache_mb\": 6}",
    "{\"name\":\"b\",\"title\":\"B\",\"note\":\"n\",\"source\":\"https://"
    "x\",\"tflops\":{\"f32\":1e-"
    "3},\"bandwidth_gb_s\":1e2,\"capacity_gb\":0.5}",
};

static bool good(double value, bool needed)
{
    return isfinite(value) && (needed ? value > 0 : value >= 0);
}

static void read_hardware(const unsigned char *data, size_t size)
{
    struct fl_hardware hardware;
    struct fl_error error;
    if (fl_hardware_parse(&hardware, (const char *)data, size, "fuzz", &error) != FL_OK)
        return;
    bool fine = good(hardware.bytes_per_s, true) && good(hardware.capacity_bytes, true) &&
                good(hardware.flops_per_s[FL_ARITH_F32], true) && hardware.name[0] != '\0';
    for (int i = 0; i < FL_N_ARITHS; i++)
        fine = fine && good(hardware.flops_per_s[i], false);
    for (int i = 0; i < hardware.n_caches; i++)
        fine = fine && good(hardware.caches[i].capacity_bytes, true);
    if (!fine)
        abort();
}

int main(int argc, char **argv)
{
    struct fuzz_seed seeds[sizeof TEXTS / sizeof *TEXTS + 1] = {0};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        seeds[i] = (struct fuzz_seed){TEXTS[i], strlen(TEXTS[i])};
    return fuzz_main(argc, argv, read_hardware, seeds);
}
