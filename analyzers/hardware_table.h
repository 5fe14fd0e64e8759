/* hardware_table.h - published figures of machines. Data only: one row a machine.
 *
 * X(name, title, f32, tf32, f16, bf16, fp8, int8 [TFLOP/s], bandwidth [GB/s], capacity [GB],
 *   last cache [MB], source, note)
 *
 * Rates are dense. Data sheets of NVIDIA's Ampere, Hopper and Ada cards print twice as much for
 * "with sparsity", two of four weights zero, often with the footnote far away: no transformer of
 * this program has such weights. f32 is plain f32 arithmetic; what tensor cores do with f32
 * operands is tf32 (19 bits) and stands in its own column. f16 and bf16 accumulate in f32, which
 * GeForce cards do at half the rate that is advertised. 0: the vendor publishes no such figure, or
 * the machine has no such arithmetic. G and M are powers of ten, as the vendors print them.
 *
 * Vendors of processors publish no FLOP/s: there the figure is cores * FLOPs a cycle * base clock,
 * and the note shows it. Turbo clocks are higher, clocks under AMX may be lower. Apple publishes
 * f32 of the graphics cores, for some chips. */
#ifndef FL_ANALYZERS_HARDWARE_TABLE_H
#define FL_ANALYZERS_HARDWARE_TABLE_H

/* clang-format off */
#define FL_HARDWARE(X) \
    X("h100-sxm", "NVIDIA H100 SXM5, 80 GB HBM3", 66.9, 494.7, 989.4, 989.4, 1978.9, 1978.9, 3350, 80, 50, \
      "https://www.nvidia.com/en-us/data-center/h100/", \
      "the data sheet's 1,979 TFLOP/s in 16 bits are with sparsity") \
    X("h100-pcie", "NVIDIA H100 PCIe, 80 GB HBM2e", 51.2, 378, 756, 756, 1513, 1513, 2000, 80, 50, \
      "https://resources.nvidia.com/en-us-tensor-core/gtc22-whitepaper-hopper", \
      "the data sheet's 1,513 TFLOP/s in 16 bits are with sparsity") \
    X("h200", "NVIDIA H200 SXM, 141 GB HBM3e", 66.9, 494.7, 989.4, 989.4, 1978.9, 1978.9, 4800, 141, 50, \
      "https://www.nvidia.com/en-us/data-center/h200/", \
      "an H100 with other memory; the data sheet's 1,979 TFLOP/s are with sparsity") \
    X("a100-40gb", "NVIDIA A100 SXM4, 40 GB HBM2", 19.5, 156, 312, 312, 0, 624, 1555, 40, 40, \
      "https://images.nvidia.com/aem-dam/en-zz/Solutions/data-center/nvidia-ampere-architecture-whitepaper.pdf", \
      "624 TFLOP/s in 16 bits are with sparsity; no fp8") \
    X("a100-80gb", "NVIDIA A100 SXM4, 80 GB HBM2e", 19.5, 156, 312, 312, 0, 624, 2039, 80, 40, \
      "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/a100/pdf/nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf", \
      "the PCIe card has 1,935 GB/s") \
    X("l4", "NVIDIA L4, 24 GB GDDR6", 30.3, 60, 121, 121, 242.5, 242.5, 300, 24, 48, \
      "https://www.nvidia.com/en-us/data-center/l4/", \
      "halves of the data sheet's figures, which are all with sparsity (242 TFLOP/s in 16 bits)") \
    X("rtx-4090", "NVIDIA GeForce RTX 4090, 24 GB GDDR6X", 82.6, 82.6, 165.2, 165.2, 330.3, 660.6, 1008, 24, 72, \
      "https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf", \
      "accumulating in f32; 330.3 TFLOP/s in f16 accumulating in f16, 661 with sparsity as well") \
    X("mi300x", "AMD Instinct MI300X, 192 GB HBM3", 163.4, 653.7, 1307.4, 1307.4, 2614.9, 2614.9, 5300, 192, 256, \
      "https://www.amd.com/content/dam/amd/en/documents/instinct-tech-docs/data-sheets/amd-instinct-mi300x-data-sheet.pdf", \
      "the last cache is the Infinity Cache; 2,614.9 TFLOP/s in 16 bits are with sparsity") \
    X("xeon-8480", "Intel Xeon Platinum 8480+, one socket, AMX, 8 x DDR5-4800", 7.168, 0, 14.336, 114.688, 0, 229.376, 307.2, 4096, 105, \
      "https://ark.intel.com/content/www/us/en/ark/products/231746/intel-xeon-platinum-8480-processor-105m-cache-2-00-ghz.html", \
      "56 cores x 2.0 GHz (base) x 64 FLOPs in f32, 128 in f16 (AVX-512), 1024 in bf16, 2048 in int8 (AMX) a cycle; up to 4 TB of memory") \
    X("epyc-9654", "AMD EPYC 9654, one socket, 12 x DDR5-4800", 7.3728, 0, 0, 14.7456, 0, 29.4912, 460.8, 6144, 384, \
      "https://www.amd.com/en/products/processors/server/epyc/4th-generation-9004-and-8004-series/amd-epyc-9654.html", \
      "96 cores x 2.4 GHz (base) x 32 FLOPs in f32, 64 in bf16, 128 in int8 a cycle (AVX-512 on 256-bit units); no f16 arithmetic; up to 6 TB of memory") \
    X("grace-superchip", "NVIDIA Grace CPU Superchip, 144 cores, LPDDR5X", 14.2, 0, 28.4, 0, 0, 0, 1000, 960, 234, \
      "https://developer.nvidia.com/blog/nvidia-grace-cpu-superchip-architecture-in-depth/", \
      "NVIDIA publishes 7.1 TFLOP/s in f64; f32 is twice, f16 four times that on the same SVE2 units") \
    X("apple-m1", "Apple M1, 8 graphics cores, 16 GB", 2.6, 0, 0, 0, 0, 0, 68.25, 16, 8, \
      "https://www.apple.com/newsroom/2020/11/apple-unleashes-m1/", \
      "graphics cores; bandwidth of 128 bits LPDDR4X-4266") \
    X("apple-m1-max", "Apple M1 Max, 32 graphics cores, 64 GB", 10.4, 0, 0, 0, 0, 0, 400, 64, 48, \
      "https://www.apple.com/newsroom/2021/10/introducing-m1-pro-and-m1-max-the-most-powerful-chips-apple-has-ever-built/", \
      "graphics cores") \
    X("apple-m2", "Apple M2, 10 graphics cores, 24 GB", 3.6, 0, 0, 0, 0, 0, 100, 24, 8, \
      "https://www.apple.com/newsroom/2022/06/apple-unveils-m2-with-breakthrough-performance-and-capabilities/", \
      "graphics cores") \
    X("apple-m2-ultra", "Apple M2 Ultra, 76 graphics cores, 192 GB", 27.2, 0, 0, 0, 0, 0, 800, 192, 96, \
      "https://www.apple.com/newsroom/2023/06/apple-introduces-m2-ultra/", \
      "graphics cores") \
    X("apple-m3-max", "Apple M3 Max, 40 graphics cores, 128 GB", 0, 0, 0, 0, 0, 0, 400, 128, 48, \
      "https://www.apple.com/newsroom/2023/10/apple-unveils-m3-m3-pro-and-m3-max-the-most-advanced-chips-for-a-personal-computer/", \
      "Apple publishes no FLOP/s: times by memory alone, at least") \
    X("apple-m4-max", "Apple M4 Max, 40 graphics cores, 128 GB", 0, 0, 0, 0, 0, 0, 546, 128, 48, \
      "https://www.apple.com/newsroom/2024/10/apple-introduces-m4-pro-and-m4-max/", \
      "Apple publishes no FLOP/s: times by memory alone, at least") \
    X("raspberry-pi-5", "Raspberry Pi 5, 8 GB", 0.1536, 0, 0.3072, 0, 0, 0.6144, 17.07, 8, 2, \
      "https://datasheets.raspberrypi.com/rpi5/raspberry-pi-5-product-brief.pdf", \
      "4 Cortex-A76 x 2.4 GHz x 16 FLOPs in f32, 32 in f16, 64 in int8 a cycle (two 128-bit units); 32 bits LPDDR4X-4267")
/* clang-format on */

#endif
