/* strings_plots.h - rows of titles, axes, keys and captions of plots: X(ID, "English", "Chinese");
 * see strings.h. What a plot needs is said behind "Missing: ". */
/* clang-format off */

/* ---- shared ---- */
X(MISS_PLOT, "%s, for the plot \"%s\".", "%s，用于图“%s”。")
X(PLOT_SETTING, "batch %d, %s attention, %s, %s", "批大小 %d，%s 注意力，%s，%s")
X(PLOT_PROMPT_AXIS, "prompt tokens s", "提示词元数 s")
X(PLOT_CACHE_AXIS, "tokens in the cache", "缓存中的词元数")
X(PLOT_OTHERS, "all others", "其余全部")
X(PLOT_PREFILL_OF, "prefill of %d tokens", "%d 个词元的预填充")
X(PLOT_STEP_BEHIND, "cached decode step behind %d tokens", "%d 个词元之后的有缓存解码步")
X(PLOT_BATCH, "batch %d", "批大小 %d")
X(PLOT_MEASURED_TIME, "measured time", "实测时间")
X(NEEDS_BOTH, "a prefill and a cached decode step", "一次预填充和一个有缓存的解码步")
X(NEEDS_PREFILL, "prefill points", "预填充测量点")
X(NEEDS_ANY, "a model", "一个模型")

/* ---- FLOPs per operator ---- */
X(PLOT_OPERATORS, "FLOPs per operator, by who counts", "各算子的 FLOP，按计数者")
X(PLOT_OPERATORS_CAPTION,
  "All layers together; operators below 0.5 % of the total are drawn as one. The textbook knows matrix "
  "products only, full attention and logits of every position; exact is the formula of what this "
  "engine runs; counted is what its operators reported.",
  "所有层合计；占比低于 0.5 % 的算子合并画出。教科书只计矩阵乘法、完整注意力和所有位置的 logits；精确是"
  "本引擎所执行内容的公式；计数是各算子自己的报告。")
X(PLOT_OPERATORS_MEASURED_CAPTION,
  "All layers together; operators below 0.5 % of the total are drawn as one. The textbook knows matrix "
  "products only, full attention and logits of every position; exact is the formula of what this "
  "engine runs; counted is what its operators reported; measured is what the processor executed, where "
  "it was counted.",
  "所有层合计；占比低于 0.5 % 的算子合并画出。教科书只计矩阵乘法、完整注意力和所有位置的 logits；精确是"
  "本引擎所执行内容的公式；计数是各算子自己的报告；实测是处理器实际执行的运算（如有计数）。")

/* ---- beyond the formulas ---- */
X(PLOT_MEASURED, "What the processor executed beyond the formulas", "处理器在公式之外执行的运算")
X(NEEDS_COUNTED, "points that a counter counted (sweep --counter flopgrind)",
  "由计数器计数的测量点（sweep --counter flopgrind）")
X(PLOT_MEASURED_AXIS, "beyond exact (% of the pass)", "超出精确值（占整个前向的 %）")
X(PLOT_OTHER_TERMS, "other terms", "其他项")
X(PLOT_MEASURED_CAPTION,
  "All layers together; above each bar the same in percent of the operator's own exact FLOPs. The terms "
  "are computed from the shapes and the kernels that ran, before anything is compared; what ran between "
  "the operators counts as unexplained here. Counted by %s with the kernels of %s and %s.",
  "所有层合计；柱上方是占该算子自身精确 FLOP 的百分比。各项由形状和所用内核事先算出，不依赖比较；算子之间"
  "的运算在此算作未解释。由 %s 计数，使用 %s 与 %s 的内核。")

/* ---- prefill ---- */
X(PLOT_PREFILL, "What a prompt token costs, and attention's part in it", "每个提示词元的代价与注意力所占部分")
X(PLOT_PREFILL_EXACT_AXIS, "exact, %s per token", "精确，%s/词元")
X(PLOT_PREFILL_TIME_AXIS, "measured, %s per token", "实测，%s/词元")
X(PLOT_LINEAR, "linear in s", "随 s 线性增长")
X(PLOT_QUADRATIC, "attention: scores, softmax, context", "注意力：分数、softmax、加权和")
X(PLOT_PREFILL_CAPTION,
  "Above: exact FLOPs per prompt token; the figure on a bar is the share of the part that is quadratic "
  "in s. Below: measured time per prompt token, operator medians stacked; the dot is the median of the "
  "whole prefill with its 95 % interval.",
  "上图：每个提示词元的精确 FLOP；柱上的数字是随 s 平方增长部分的占比。下图：每个提示词元的实测时间，由各算子"
  "中位数堆叠；圆点是整个预填充的中位数及其 95 % 区间。")

/* ---- cache ---- */
X(PLOT_CONTRAST, "Decoding with and without the KV cache", "有与无键值缓存的解码")
X(NEEDS_CONTRAST, "decode steps with the cache and without it at the same contexts",
  "相同上下文长度下有缓存与无缓存的解码步")
X(PLOT_CACHED, "cached", "有缓存")
X(PLOT_UNCACHED, "uncached", "无缓存")
X(PLOT_BEFORE_AXIS, "tokens before the step", "该步之前的词元数")
X(PLOT_GENERATED_AXIS, "tokens generated", "生成的词元数")
X(PLOT_STEP_FLOPS, "one step: FLOPs", "单步：FLOP")
X(PLOT_STEP_TIME, "one step: measured time", "单步：实测时间")
X(PLOT_SUM_FLOPS, "the whole generation: FLOPs", "整个生成：FLOP")
X(PLOT_SUM_TIME, "the whole generation: time", "整个生成：时间")
X(PLOT_CROSSING, "cheaper with the cache from token %d on", "从第 %d 个词元起缓存更省")
X(PLOT_CONTRAST_CAPTION,
  "Above, single steps at the measured contexts, times with 95 %% intervals. Below, the sums over a "
  "generation behind a prompt of %d tokens%s; FLOPs step by step from the formulas, times linear "
  "between the measured contexts.",
  "上图：测量过的上下文长度下的单个步骤，时间附 95 %% 区间。下图：在 %d 个词元的提示之后整个生成的总和%s；FLOP "
  "由公式逐步求和，时间在测量过的上下文之间线性插值。")
X(PLOT_CONTRAST_PREFILL, ", its prefill included", "，含其预填充")
X(PLOT_CONTRAST_NO_PREFILL, " (its prefill was not measured and is left out of the time)",
  "（其预填充未测量，时间中不含）")

/* ---- memory ---- */
X(PLOT_MEMORY, "Memory of the KV cache beside the weights", "键值缓存与权重的内存")
X(PLOT_MEMORY_AXIS, "tokens in the cache, per sequence", "每个序列在缓存中的词元数")
X(PLOT_WEIGHTS, "weights", "权重")
X(PLOT_MEMORY_CAPTION,
  "By formula, up to the %d positions the model was made for: 2 L b t n_kv d_h elements of 4 bytes. The "
  "cache grows with batch and context, the weights with neither.",
  "按公式，直到模型设计的 %d 个位置：2 L b t n_kv d_h 个元素，每个 4 字节。缓存随批大小和上下文增长，权重与"
  "两者无关。")

/* ---- shares of the time ---- */
X(PLOT_TIME, "Where the time goes", "时间花在哪里")
X(PLOT_TIME_AXIS, "share of the time (%)", "时间占比 (%)")
X(PLOT_TIME_CAPTION,
  "Medians of each operator over the repetitions, as shares of their sum; above the bars the median "
  "time of the whole pass. Outside operators: what passes between the regions, the clock's own cost "
  "included.",
  "各算子在多次重复中的中位数，占其总和的份额；柱上方是整个前向的中位时间。算子之外：区域之间的耗时，含时钟"
  "自身的开销。")

/* ---- intensity ---- */
X(PLOT_INTENSITY, "Arithmetic intensity by phase", "各阶段的算术强度")
X(PLOT_INTENSITY_X, "prefill: prompt tokens s; decode: tokens in the cache",
  "预填充：提示词元数 s；解码：缓存中的词元数")
X(PLOT_INTENSITY_Y, "FLOP per byte", "每字节 FLOP")
X(PLOT_PHASE_BATCH, "%s, batch %d", "%s，批大小 %d")
X(PLOT_INTENSITY_CAPTION,
  "Counted FLOPs per byte of compulsory traffic (every operand read once, every result written once). A "
  "prefill reuses each weight for every token of the prompt; a cached decode step reads all weights and "
  "the whole cache for one token per sequence, so only a larger batch raises it.",
  "每字节必要访存量（每个操作数读一次，每个结果写一次）的计数 FLOP。预填充让每个权重服务于提示中的所有词元；"
  "有缓存的解码步为每个序列的一个词元读取全部权重和整个缓存，因此只有更大的批才能提高它。")

/* ---- threads ---- */
X(PLOT_THREADS, "What more threads bring", "更多线程带来什么")
X(NEEDS_THREADS, "points with several numbers of threads", "多种线程数的测量点")
X(PLOT_THREADS_CAPTION,
  "Counted FLOPs over the median time, with its 95 %% interval. Like the first table (%s) but for the "
  "threads.",
  "计数 FLOP 除以中位时间，附 95 %% 区间。设置同第一张表（%s），仅线程数不同。")

/* ---- attention kernels ---- */
X(PLOT_KERNELS, "Attention kernels against the causal one", "各注意力内核与 causal 内核之比")
X(NEEDS_KERNELS, "prefill points with the attention kernel causal and another",
  "causal 与另一种注意力内核的预填充测量点")
X(PLOT_KERNELS_AXIS, "kernel / causal", "该内核 / causal")
X(PLOT_EXACT_FLOPS, "exact FLOPs", "精确 FLOP")
X(PLOT_EQUAL, "equal", "相等")
X(PLOT_KERNELS_CAPTION,
  "Whole prefill, over what the causal kernel takes, which computes the s(s+1)/2 visible scores. naive "
  "computes all s x s; flash computes the visible ones in tiles without storing them, and rescales on "
  "the way. Where FLOPs are above one and time is below, larger products ran more efficiently than what "
  "they wasted.",
  "整个预填充，与 causal 内核（只计算 s(s+1)/2 个可见分数）之比。naive 计算全部 s × s 个；flash 分块计算可见的"
  "分数而不存储，途中重新缩放。若 FLOP 高于一而时间低于一，说明较大的乘积运行效率更高，抵过了浪费。")

/* ---- formats ---- */
X(PLOT_FORMATS, "What formats of weights and cache bring", "权重与缓存的格式带来什么")
X(NEEDS_FORMATS, "the same points with several formats (sweep --dtype, --kv-dtype)",
  "多种格式的相同测量点（sweep --dtype、--kv-dtype）")
X(PLOT_RATE_AXIS, "tokens per second", "词元/秒")
X(PLOT_FORMATS_CAPTION,
  "New tokens over the median time, with its 95 %% interval, at the largest measured context; batch %d, "
  "%s attention, %d threads. The FLOPs are the same in every format: what a smaller one saves are bytes, "
  "and decoding reads all weights for every step.",
  "新词元数除以中位时间，附 95 %% 区间，取最大的测量上下文；批大小 %d，%s 注意力，%d 线程。各格式的 FLOP 相同："
  "更小的格式节省的是字节，而解码每一步都要读取全部权重。")
X(PLOT_FORMATS_CAPTION_ONE,
  "New tokens over the median time, with its 95 %% interval, at the largest measured context; batch %d, "
  "%s attention, 1 thread. The FLOPs are the same in every format: what a smaller one saves are bytes, "
  "and decoding reads all weights for every step.",
  "新词元数除以中位时间，附 95 %% 区间，取最大的测量上下文；批大小 %d，%s 注意力，1 线程。各格式的 FLOP 相同："
  "更小的格式节省的是字节，而解码每一步都要读取全部权重。")

/* clang-format on */
