/* strings_roofline.h - rows of ceilings and rooflines: X(ID, "English", "Chinese"); see strings.h.
 */
/* clang-format off */

/* ---- topic ---- */
X(T_ROOFLINE, "How far from the speed of light", "离光速下限有多远")
X(NEEDS_CEILINGS, "the machine's ceilings with as many threads (flopledger peaks, then sweep)",
  "该机器在相同线程数下的性能上限（先 flopledger peaks，再 sweep）")
X(FIND_LIGHT_COMPUTE,
  "The %s at s = %d is bound by arithmetic: its %s take at least %s at the measured peak, and took %s.",
  "%s（s = %d）受算力限制：其 %s 按实测峰值至少需要 %s，实际用了 %s。")
X(FIND_LIGHT_MEMORY,
  "The %s at s = %d is bound by memory: moving its %s takes at least %s at the bandwidth of %s, and took %s.",
  "%s（s = %d）受访存限制：搬运其 %s 至少需要 %s（按 %s 的带宽），实际用了 %s。")
X(FIND_BEYOND_LIGHT,
  "The %s at s = %d was faster than the ceilings allow: they were measured on a busier machine, or its data came from closer by than assumed. Measure them anew (flopledger peaks --refresh).",
  "%s（s = %d）快于上限所允许的速度：上限是在更忙的机器上测得的，或其数据来自比假定更近的缓存。请重新测量（flopledger peaks --refresh）。")
X(NOTE_CEILINGS_NOISY,
  "The machine was not quiet when its ceilings were measured: the quartiles of %d of %d lie more than a tenth apart, so that they may be too low.",
  "测量上限时机器并不安静：%d 项（共 %d 项）的四分位数相差超过十分之一，上限可能偏低。")
X(TEXT_CEILINGS_QUICK, "The ceilings were measured quickly, with few and short samples.",
  "上限是快速测量的，样本少而短。")
X(TEXT_ROOFLINE_TERMS,
  "Speed of light: the larger of bytes over bandwidth and FLOPs over peak; bytes are compulsory traffic, each operand of an operator once. The peak is the fastest f32 kernel that was measured (%s); bandwidths are those of reading from the level where the bytes are: weights, and the KV cache of a decode step, in the closest one that holds all that a step goes over; activations in the closest one that holds what one operator of one layer touches. MFU: matrix products of the model (%s) per second over the peak. HFU: executed FLOPs per second over the peak. MBU: compulsory bytes per second over the bandwidth of DRAM, above 100 %% where caches served.",
  "光速下限：访存量除以带宽与浮点运算次数除以峰值，二者取大；访存量为必需流量，每个算子的每个操作数各计一次。峰值取实测最快的 f32 内核（%s）；带宽取数据所在一级的读带宽：权重以及解码步的键值缓存，位于能容纳一步全部数据的最近一级；激活值位于能容纳单层单个算子所触及数据的最近一级。MFU：模型的矩阵乘法（%s）每秒运算次数除以峰值。HFU：实际执行的每秒浮点运算次数除以峰值。MBU：每秒必需访存量除以 DRAM 带宽，由缓存供数时可超过 100 %%。")

/* ---- tables ---- */
X(C_LIGHT, "speed of light", "光速下限")
X(C_OF_LIGHT, "of it", "达到")
X(C_BOUND, "bound by", "受限于")
X(C_MFU, "MFU", "MFU")
X(C_HFU, "HFU", "HFU")
X(C_MBU, "MBU", "MBU")
X(C_CEILING, "ceiling", "上限")
X(C_RATE_QUARTILES, "median [quartiles]", "中位数 [四分位数]")
X(C_SAMPLES, "samples", "样本数")
X(C_MEASURED_AT, "measured", "测量时间")
X(BOUND_COMPUTE, "compute", "算力")
X(BOUND_MEMORY, "memory (%s)", "访存（%s）")
X(LIGHT_SUM, "operators, one after the other", "各算子依次执行")
X(LIGHT_WHOLE, "the whole pass", "整个前向")
X(CAPTION_LIGHT, "Time of one execution beside what the ceilings allow", "一次执行的时间与上限所允许的时间")
X(CAPTION_LIGHT_OPERATORS, "The same for the operators of a %s at s = %d, all layers together",
  "%s（s = %d）各算子的同样对比，所有层合计")
X(CAPTION_CEILINGS, "Measured ceilings of this machine with %s", "该机器在 %s下的实测上限")

/* ---- plots ---- */
X(PLOT_ROOFLINE, "Roofline: operators under the measured ceilings", "屋顶线模型：实测上限之下的各算子")
X(PLOT_ROOFLINE_X, "arithmetic intensity (FLOP per byte)", "算术强度（FLOP/字节）")
X(PLOT_ROOFLINE_READ, "%s read, %.0f GB/s", "%s 读，%.0f GB/s")
X(PLOT_ROOFLINE_KERNEL, "%s %s, %.0f GFLOP/s", "%s %s，%.0f GFLOP/s")
X(PLOT_ROOFLINE_WHOLE, "%s, whole", "%s，整体")
X(PLOT_ROOFLINE_CAPTION,
  "Discs: operators of a prefill of %d tokens; triangles: of a cached decode step behind as many as %d; hollow ones the whole pass. Sloping lines are bandwidths of reading from each level, flat ones the rates of kernels, all measured with as many threads. Operators that execute no FLOPs have no place here. What was just written by the operator before comes from a cache, so that elementwise work may lie above the roof of DRAM.",
  "圆点：%d 个词元预填充的各算子；三角：%d 个词元之后的有缓存解码步的各算子；空心者为整个前向。斜线为各级存储的读带宽，平线为各内核的速率，均以相同线程数实测。不执行浮点运算的算子不在图中。前一算子刚写下的数据来自缓存，故逐元素运算可高于 DRAM 的屋顶线。")
X(PLOT_PATHS, "Where steps move under the roof", "各步在屋顶线下如何移动")
X(PLOT_PATHS_S, "over the context s", "随序列长度 s")
X(PLOT_PATHS_BATCH, "over the batch b, s = %d", "随批大小 b，s = %d")
X(PLOT_PATHS_ROOF, "peak and %s", "峰值与 %s")
X(PLOT_PATHS_CAPTION,
  "Each path begins at the small number beside it and ends at the large one. A longer prompt reuses the weights for more tokens and moves right, towards the peak; a cached decode step reads all weights for one token a sequence, whatever the context, and stays on the left. A larger batch moves both to the right.",
  "每条轨迹从旁边较小的数字开始，到较大的数字结束。提示越长，权重被更多词元复用，点向右移向峰值；有缓存的解码步无论上下文多长，都要为每个序列的一个词元读取全部权重，停在左侧。批大小增大使两者都向右移。")

/* clang-format on */
