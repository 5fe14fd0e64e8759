/* strings_report.h - rows of findings, tables and captions: X(ID, "English", "Chinese"); see
 * strings.h. */
/* clang-format off */

/* ---- headings, of topics first ---- */
X(T_AGREEMENT, "Do formulas and counts agree?", "公式与计数一致吗？")
X(T_GAP, "What the textbook leaves out", "教科书忽略了什么")
X(T_PROCESSOR, "What the processor did", "处理器实际做了什么")
X(T_PROMPT, "How the cost of a prompt grows", "提示的代价如何增长")
X(T_CACHE, "What the KV cache saves", "键值缓存节省了什么")
X(T_PHASES, "Prefill against decode", "预填充与解码")
X(T_MEMORY, "What the KV cache takes", "键值缓存占用多少")
X(T_TIME, "Where the time goes", "时间花在哪里")
X(T_THREADS, "What more threads bring", "更多线程带来什么")
X(T_KERNELS, "Attention kernels", "注意力内核")
X(T_FORMATS, "Formats of weights and cache", "权重与缓存的格式")
X(T_FIGURES, "The figures, point by point and operator by operator", "逐点、逐算子的数字")
X(MODEL_AND_FORMAT, "%s, %s", "%s，%s")
X(H_METHOD, "How it was measured", "测量方法")
X(H_RUNS, "Machine and runs", "机器与运行记录")
X(MISS_TOPIC, "%s, for \"%s\".", "%s，用于“%s”。")

/* ---- introduction ---- */
X(INTRO_ONE_MODEL,
  "%d points, %d samples, one model. For every operator: the textbook's figure, the exact one, what "
  "was counted while it ran, and what a counter measured.",
  "%d 个测量点，%d 个样本，一个模型。每个算子都有四个数字：教科书公式、精确公式、运行时的计数，以及"
  "计数器的实测值。")
X(INTRO_MODELS,
  "%d points, %d samples, %d models. For every operator: the textbook's figure, the exact one, what "
  "was counted while it ran, and what a counter measured.",
  "%d 个测量点，%d 个样本，%d 个模型。每个算子都有四个数字：教科书公式、精确公式、运行时的计数，以及"
  "计数器的实测值。")
X(MODEL_LINE,
  "%s, %d layers, h = %d, %d heads of %d (%d key/value), f = %d, V = %d; %s parameters; weights: %s. "
  "Machine: %s.",
  "%s，%d 层，h = %d，%d 个注意力头，每头 %d 维（%d 个键值头），f = %d，V = %d；参数 %s；权重：%s。机器：%s。")

/* ---- headings of columns ---- */
X(C_PHASE, "phase", "阶段")
X(C_S, "s", "s")
X(C_BATCH, "batch", "批大小")
X(C_ATTENTION, "attention", "注意力")
X(C_THREADS, "threads", "线程")
X(C_DTYPE, "format", "格式")
X(C_TIME_INTERVAL, "time [95 % interval]", "时间 [95 % 区间]")
X(C_TIME, "time", "时间")
X(C_GFLOPS, "GFLOP/s", "GFLOP/s")
X(C_GBS, "GB/s", "GB/s")
X(C_INTENSITY, "FLOP/byte", "FLOP/字节")
X(C_INTENSITY_MEASURED, "FLOP/byte measured", "实测 FLOP/字节")
X(C_OPERATOR, "operator", "算子")
X(C_FROM, "from", "从")
X(C_TO, "to", "到")
X(C_TERM, "term", "差异项")
X(C_FLOPS, "FLOPs", "FLOP")
X(C_OF_TEXTBOOK, "of textbook", "占教科书值")
X(C_EXACT_FLOPS, "exact FLOPs", "精确 FLOP")
X(C_MEASURED_FLOPS, "measured FLOPs", "实测 FLOP")
X(C_EXPLAINED, "explained", "已解释")
X(C_UNEXPLAINED, "unexplained", "未解释")
X(C_OF_MEASURED, "of measured", "占实测值")
X(C_EXACT_BYTES, "exact bytes", "精确字节数")
X(C_FOOTPRINT_BYTES, "footprint bytes", "足迹字节数")
X(C_DIFFERENCE, "difference", "差值")
X(C_EXACT_TO_MEASURED, "from exact to measured", "从精确到实测")
X(C_WHAT, "what", "项目")
X(C_VALUE, "value", "值")

/* ---- small words of tables ---- */
X(UNAVAILABLE, "unavailable", "不可用")
X(WHOLE_PASS, "whole pass", "整个前向")
X(ALL_OPERATORS, "all operators", "全部算子")
X(BETWEEN_OPERATORS, "between the operators", "算子之间")
X(MEASURED_MINUS_EXACT, "measured - exact", "实测 − 精确")
X(ONE_SAMPLE, "%s [one sample]", "%s [单个样本]")
X(ONE_THREAD, "1 thread", "1 线程")
X(N_THREADS, "%d threads", "%d 线程")

/* ---- captions of tables ---- */
X(CAPTION_HEADLINE,
  "One execution, batch %d, %s attention, %s, logits: %s. s: prompt tokens in prefill, tokens before "
  "the step in decode.",
  "单次执行，批大小 %d，%s 注意力，%s，logits：%s。s：预填充时为提示词元数，解码时为该步之前的词元数。")
X(CAPTION_ALL_POINTS, "All %d points of this model", "该模型的全部 %d 个测量点")
X(CAPTION_OPERATORS, "Operators of a %s at s = %d, in FLOPs, layers together",
  "%s（s = %d）的各算子，单位 FLOP，所有层合计")
X(CAPTION_GAP, "The gap of a %s at s = %d: from textbook to exact, nothing left over",
  "%s（s = %d）的差距：从教科书到精确，没有剩余")
X(CAPTION_FLOPS,
  "FLOPs of a %s at s = %d, layers together, counted by %s with the kernels of %s and %s on %s",
  "%s（s = %d）的 FLOP，所有层合计；由 %s 计数，使用 %s 与 %s 的内核，%s")
X(CAPTION_BYTES,
  "Bytes of the same %s: exact is every operand read once and every result written once per operator; "
  "footprint is the distinct lines of %d bytes that an operator touched. In the whole pass a line "
  "counts once, whoever touches it",
  "同一%s的字节数：精确值是每个算子的每个操作数读一次、每个结果写一次；足迹是算子触及的不同缓存行"
  "（每行 %d 字节）。整个前向中同一行只计一次，不论由谁触及")
X(CAPTION_MEASURED_GAP, "The gap of a %s at s = %d: from exact to measured",
  "%s（s = %d）的差距：从精确到实测")
X(CAPTION_RUN, "Run %d of %d", "第 %d 次运行，共 %d 次")

/* ---- findings ---- */
X(FIND_AGREEMENT,
  "What the operators counted while they ran is what the formulas say, to the last FLOP and byte: %d "
  "figures of operators and totals in %d measured points.",
  "各算子运行时的计数与公式完全一致，精确到最后一次浮点运算和最后一个字节：核对了 %d 个算子及总计数字，"
  "共 %d 个测量点。")
X(WARN_MISMATCH,
  "%d of %d figures were counted as something else than the formulas say, first %s of a %s at s = %d. "
  "The figures of this model cannot be trusted.",
  "有 %d 个数字（共 %d 个）的计数与公式不符，第一处是 %s（%s，s = %d）。该模型的数字不可信。")
X(THE_TOTAL, "the total", "总计")
X(NOTE_NOISE,
  "At %d of %d points the interval of the time is wider than a fifth of its median, at worst %s [%s, %s] (%s, "
  "s = %d, batch %d, %s). What is said below about time is no surer than that; FLOPs and bytes are exact.",
  "%d 个测量点（共 %d 个）的时间区间宽于中位数的五分之一，最差为 %s [%s, %s]（%s，s = %d，批大小 %d，%s）。"
  "下文关于时间的说法不会比这些区间更可靠；FLOP 和字节数是精确的。")
X(MISS_SAMPLES,
  "samples for a 95 %% interval at %d of %d points (fewest: %d). Even from smallest to largest n "
  "samples cover 1 - 2/2^n; %d are enough.",
  "%d 个测量点（共 %d 个）的样本不足以给出 95 %% 区间（最少只有 %d 个）。即使取最小到最大，n 个样本也只覆盖 "
  "1 − 2/2^n；%d 个才够。")
X(FIND_GAP,
  "A prefill of %d tokens costs %s by the textbook and %s exactly, %+.1f %%. The largest of %d named "
  "differences is %s with %s%s.",
  "%d 个词元的预填充，教科书公式为 %s，精确值为 %s，相差 %+.1f %%。%d 个有名目的差异项中最大的是%s，为 %s%s。")
X(FIND_SCALING,
  "At s = %d attention, the part that grows with the square of the prompt, is %.1f %% of the prefill's "
  "FLOPs and took %.1f %% of its time.",
  "s = %d 时，随提示长度平方增长的注意力部分占预填充 FLOP 的 %.1f %%，占其时间的 %.1f %%。")
X(FIND_SCALING_OVERTAKES,
  "At s = %d attention, the part that grows with the square of the prompt, is %.1f %% of the prefill's "
  "FLOPs and took %.1f %% of its time. By formula it overtakes the linear part at s = %lld.",
  "s = %d 时，随提示长度平方增长的注意力部分占预填充 FLOP 的 %.1f %%，占其时间的 %.1f %%。按公式，它在 "
  "s = %lld 处超过线性部分。")
X(FIND_STEP,
  "Behind %d tokens an uncached decode step costs %.1f times the FLOPs of a cached one and took %.1f "
  "times as long.",
  "在 %d 个词元之后，无缓存的解码步的 FLOP 是有缓存的 %.1f 倍，耗时是 %.1f 倍。")
X(FIND_SUM_SAVES,
  "Generating behind a prompt of %d tokens, the cache saves FLOPs from generated token %d on; after %d "
  "tokens the uncached generation has cost %.1f times the FLOPs%s.",
  "在 %d 个词元的提示之后生成，从第 %d 个生成的词元起缓存开始节省 FLOP；生成 %d 个词元后，无缓存生成的 "
  "FLOP 是 %.1f 倍%s。")
X(FIND_SUM_NEVER,
  "Generating behind a prompt of %d tokens, the cache never saves FLOPs; after %d tokens the uncached "
  "generation has cost %.1f times the FLOPs%s.",
  "在 %d 个词元的提示之后生成，缓存始终没有节省 FLOP；生成 %d 个词元后，无缓存生成的 FLOP 是 %.1f 倍%s。")
X(NOT_PAID_IN_TIME, " (in measured time it has not paid yet)", "（按实测时间尚未见效）")
X(FIND_SUM_TIME,
  "In measured time the cached generation is ahead from generated token %d on; after %d tokens the "
  "uncached one has taken %.1f times as long.",
  "按实测时间，有缓存的生成从第 %d 个生成的词元起领先；生成 %d 个词元后，无缓存的耗时是 %.1f 倍。")
X(FIND_INTENSITY,
  "Prefill reads its weights once for all its tokens and decode once for every token: %.1f FLOP per "
  "byte of compulsory traffic in a prefill of %d tokens, %.2f in a decode step. They ran at %.1f and "
  "%.2f GFLOP/s, %.1f and %.1f GB/s.",
  "预填充为所有词元只读一次权重，解码则每个词元读一次：每字节必要访存的运算，预填充为 %.1f FLOP（%d 个词元），"
  "解码步为 %.2f。两者的速度分别为 %.1f 与 %.2f GFLOP/s，%.1f 与 %.1f GB/s。")
X(FIND_MEMORY,
  "The KV cache takes %s a token and sequence; beside %s of weights it becomes the larger part at %lld "
  "tokens in all sequences together.",
  "键值缓存每个序列每个词元占 %s；权重占 %s，当所有序列合计达到 %lld 个词元时，缓存成为更大的一部分。")

X(FIND_TIME,
  "The largest part of the time is %s in a prefill of %d tokens (%.0f %%) and %s in a decode step behind "
  "%d (%.0f %%).",
  "耗时最多的部分：%s（%d 个词元的预填充，%.0f %%）与%s（%d 个词元之后的解码步，%.0f %%）。")
X(FIND_THREADS,
  "From %s to %s a prefill of %d tokens ran %.2f times as fast.",
  "从 %s到 %s，%d 个词元的预填充速度是 %.2f 倍。")
X(FIND_THREADS_DECODE, "From %s to %s a decode step behind %d tokens ran %.2f times as fast.",
  "从 %s到 %s，%d 个词元之后的解码步速度是 %.2f 倍。")
X(FIND_KERNEL,
  "At s = %d the kernel %s executes %.2f times the FLOPs of causal in the whole prefill and took %.2f "
  "times as long.",
  "s = %d 时，%s 内核在整个预填充中执行的 FLOP 是 causal 的 %.2f 倍，耗时是 %.2f 倍。")
X(FIND_FORMAT,
  "Weights and cache in %s: a decode step behind %d tokens read %s instead of %s in %s and ran %.2f times "
  "as fast.",
  "权重与缓存用 %s：%d 个词元之后的解码步读取 %s，而不是 %s（%s），速度是 %.2f 倍。")

/* ---- what counters saw ---- */
X(UNMEASURED_YET,
  "the sweep ended before any of these points was counted; the same command goes on from there",
  "扫描在计数这些测量点之前结束；同一命令会从中断处继续")
X(UNMEASURED_NO_COUNTER,
  "no counter was asked for; the same sweep with --counter flopgrind counts these points on any machine",
  "没有指定计数器；同一扫描加上 --counter flopgrind 就能在任何机器上计数")
X(MISS_MEASURED, "measured FLOPs and bytes: unavailable: %s.", "实测 FLOP 与字节数：不可用：%s。")
X(TEXT_FLOPS_UNAVAILABLE, "FLOPs of a %s at s = %d: unavailable: %s counts none here.",
  "%s（s = %d）的 FLOP：不可用：%s 在此无法计数。")
X(TEXT_BYTES_UNAVAILABLE, "Bytes the same %s touched: unavailable: %s counted no memory lines.",
  "同一%s触及的字节数：不可用：%s 没有统计缓存行。")
X(TEXT_KERNELS,
  "Counted: %s kernels of OpenBLAS and %s of our own, by %s. Timed: %s and %s, natively.",
  "计数：OpenBLAS 的 %s 内核与自有的 %s 内核，由 %s 统计。计时：%s 与 %s，原生运行。")
X(TEXT_OTHER_KERNELS,
  "Counted: %s kernels of OpenBLAS and %s of our own, by %s. Timed: %s and %s, natively. These are "
  "other kernels: their mathematics is the same, what they execute beyond it is not.",
  "计数：OpenBLAS 的 %s 内核与自有的 %s 内核，由 %s 统计。计时：%s 与 %s，原生运行。两者是不同的内核："
  "数学相同，额外执行的运算不同。")
X(TEXT_COUNTER_SAYS, "What %s says of its figures: %s.", "%s 对其数字的说明：%s。")
X(FIND_MEASURED_MORE,
  "In a %s at s = %d the processor executed %s, as %s counted: %.2f %% more than the exact figure.%s %s",
  "在%s（s = %d）中处理器执行了 %s，由 %s 计数：比精确值多 %.2f %%。%s%s")
X(FIND_MEASURED_LESS,
  "In a %s at s = %d the processor executed %s, as %s counted: %.2f %% less than the exact figure.%s %s",
  "在%s（s = %d）中处理器执行了 %s，由 %s 计数：比精确值少 %.2f %%。%s%s")
X(LARGEST_PART, " The largest named part of it is %s (%+.2f %%).", "其中最大的有名目部分是“%s”（%+.2f %%）。")
X(NOTHING_UNEXPLAINED, "Nothing is left unexplained.", "没有任何未解释的部分。")
X(SOME_UNEXPLAINED, "Unexplained: %+.3f %% of what was measured.", "未解释：实测值的 %+.3f %%。")
X(FIND_FOOTPRINT,
  "The %s at s = %d touched %s of distinct memory lines; by the formulas its operators read and write "
  "%s (%+.1f %%; a line that several operators touch is one line, and several times traffic).",
  "%s（s = %d）触及的不同缓存行共 %s；按公式，其算子读写 %s（相差 %+.1f %%；多个算子触及的同一行只算一行，"
  "但访存量算多次）。")

/* ---- the gap ---- */
X(WARN_GAP, "The terms of this gap do not add up to exact - textbook.", "该差距的各项之和不等于 精确 − 教科书。")

/* ---- how and where ---- */
X(METHOD_CONVENTIONS,
  "Textbook: %s. Exact: %s (of the first point; every row of the export carries its own). A fused "
  "multiply-add is two FLOPs; a transcendental function is one. Bytes are compulsory traffic: every "
  "operand read once, every result written once per operator.",
  "教科书：%s。精确：%s（第一个测量点的约定；导出的每一行带有各自的约定）。一次乘加融合运算计两次 FLOP；"
  "一个超越函数计一次。字节数是必要访存量：每个算子的每个操作数读一次，每个结果写一次。")
X(METHOD_TIMES,
  "Times are medians of the raw samples with 95 % intervals from order statistics; the points were "
  "visited in shuffled order, in several passes, behind a warm-up.",
  "时间是原始样本的中位数，附由次序统计量得到的 95 % 区间；测量点以打乱的顺序分多轮访问，事先预热。")
X(METHOD_COUNTERS,
  "Times are never taken while a counter looks. %d of %d points were counted as well, in an execution "
  "of their own; measured figures are operations retired and memory lines touched, seen by a counter "
  "that knows nothing of the model, with its kernels named beside them.",
  "计数器工作时从不计时。另有 %d 个测量点（共 %d 个）在单独的一次执行中被计数；实测值是处理器实际完成的运算和"
  "触及的缓存行，由对模型一无所知的计数器得到，旁边注明所用内核。")
X(CALIBRATION_NONE, "not made", "未进行")
X(CALIBRATION_UNREADABLE, "not readable", "无法读取")
X(CALIBRATION_EXACT, "%.0f counts of known work: all exact", "%.0f 项已知工作量的计数：全部精确")
X(CALIBRATION_INEXACT, "%.0f counts of known work: not all exact, see runs.calibration",
  "%.0f 项已知工作量的计数：不全精确，见 runs.calibration")
X(RUN_STARTED, "started", "开始时间")
X(RUN_HOST, "host", "主机")
X(RUN_PROCESSOR, "processor", "处理器")
X(RUN_CORES, "cores", "核数")
X(RUN_GOVERNOR, "governor", "调频策略")
X(RUN_KERNEL, "kernel", "内核")
X(RUN_BLAS, "BLAS", "BLAS")
X(RUN_BLAS_CORE, "BLAS core", "BLAS 内核")
X(RUN_ISA, "element-wise kernels", "逐元素内核")
X(RUN_COUNTER, "counter", "计数器")
X(RUN_CALIBRATION, "calibration", "校准")
X(RUN_VERSION, "flopledger", "flopledger")
X(RUN_VERSION_TEXT, "%s, commit %s", "%s，提交 %s")
X(RUN_SEED, "seed", "随机种子")
X(RUN_COMMAND, "command", "命令")

/* clang-format on */
