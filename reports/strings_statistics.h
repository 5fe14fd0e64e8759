/* strings_statistics.h - rows of fits, comparisons and noise: X(ID, "English", "Chinese"); see
 * strings.h. */
/* clang-format off */

/* ---- noise ---- */
X(NOISE_QUIET,
  "Nothing suggests that the machine was disturbed: no drift over the run, no cold first samples, and "
  "samples of a visit to a point resemble one another no more than those of different visits.",
  "没有迹象表明机器受到干扰：运行过程中没有漂移，没有冷启动的首个样本，同一次访问中的样本之间也不比不同访问"
  "之间的样本更相似。")
X(NOISE_DEPENDENT,
  "Samples that followed one another resemble one another (correlation %.2f within a visit to a point, "
  "%.2f between neighbours), so they tell less than as many independent ones: intervals of times are "
  "widened, kind of step by kind of step, by a factor of up to %.2f.",
  "相继的样本彼此相似（同一次访问内相关系数 %.2f，相邻样本之间 %.2f），它们提供的信息少于同样数量的独立样本："
  "时间区间按步骤种类放宽，最多放宽到 %.2f 倍。")
X(NOISE_RUNS,
  "Runs differ (correlation %.2f between samples of one): intervals of times are widened, "
  "kind of step by kind of step, by a factor of up to %.2f.",
  "各次运行之间存在差异（同一次运行的样本相关系数 %.2f）：时间区间按步骤种类放宽，最多放宽到 %.2f 倍。")
X(NOISE_ONE_START,
  "all samples are of one start of the program; what differs from start to start is in no interval. Take "
  "several passes (sweep --passes), and several runs in turns (docs/statistics.md).",
  "所有样本都来自程序的同一次启动；启动之间的差异不在任何区间之内。请多遍测量（sweep --passes），并交替进行多次运行（见 docs/statistics.md）。")
X(NOISE_DRIFT,
  "The machine drifted: from the beginning to the end of a run times changed by %+.1f %% (%d pairs of "
  "visits, p = %.2g). Points were visited in shuffled order, so that no axis lines up with it.",
  "机器有漂移：从运行开始到结束，时间变化了 %+.1f %%（%d 对访问，p = %.2g）。测量点以打乱的顺序访问，"
  "因此漂移不会与任何坐标轴重合。")
X(NOISE_COLD,
  "The first sample of a visit was the slower one in %d of %d visits, by %.1f %% in the middle: more "
  "warm-up (--warmup) is needed.",
  "%d 次（共 %d 次）访问中首个样本更慢，中位数慢 %.1f %%：需要更多预热（--warmup）。")
X(NOISE_CLOCK,
  "The clock changed: %.0f s into a run a loop of fixed work began to take %+.1f %% of its time (p = %.2g): "
  "throttling, or another frequency.",
  "时钟频率发生变化：运行开始 %.0f 秒后，固定工作量循环的耗时变化了 %+.1f %%（p = %.2g）：降频或改变了频率。")
X(NOISE_BUSY,
  "The machine was busy with other things: other processes kept %.2f cores busy while samples were taken, "
  "%.0f %% of the samples were interrupted, the hypervisor took %.1f %% of the time, the load average "
  "rose to %.1f.",
  "机器同时在忙别的事：采样期间其他进程平均占用 %.2f 个核，%.0f %% 的样本被中断，虚拟机管理程序占用了 "
  "%.1f %% 的时间，平均负载最高达 %.1f。")

/* ---- comparison ---- */
X(COMPARE_PLOT_TITLE, "Time of B over time of A", "B 的时间与 A 的时间之比")
X(COMPARE_PLOT_BELOW, "medians with %.0f %% intervals; grey band: no difference that matters (%.3g %%)",
  "中位数之比及 %.0f %% 区间；灰色带：无实际意义的差异（%.3g %%）")
X(COMPARE_AXIS, "median B / median A", "中位数 B / 中位数 A")
X(COMPARE_SLOWER, "slower", "变慢")
X(COMPARE_FASTER, "faster", "变快")
X(COMPARE_SAME, "no difference", "无差异")
X(COMPARE_INCONCLUSIVE, "inconclusive", "无法判断")
X(COMPARE_MEAN, "all points, geometric mean", "所有测量点的几何平均")
/* ---- how it grows ---- */
X(T_GROWTH, "O(s) or O(s²)?", "O(s) 还是 O(s²)？")
X(T_NOISE, "Was the machine quiet?", "机器是否安静？")
X(NEEDS_GROWTH, "Points at three contexts or more", "三个或更多上下文长度的测量点")
X(PLAIN, "%s", "%s")
X(GROWTH_PREFILL, "Prefill", "预填充")
X(GROWTH_CACHED, "Cached decode", "有缓存解码")
X(GROWTH_UNCACHED, "Uncached decode", "无缓存解码")
X(GROWTH_UNDECIDED, "neither clearly O(s) nor O(s²)", "既不能判定为 O(s)，也不能判定为 O(s²)")
X(GROWTH_CONSTANT, "consistent with O(1): no growth seen", "与 O(1) 一致：未见增长")
X(GROWTH_FIXED, "consistent with O(s), beside a fixed cost that is still the larger part",
  "与 O(s) 一致，但固定开销仍占大部分")
X(GROWTH_LINEAR, "consistent with O(s)", "与 O(s) 一致")
X(GROWTH_BETWEEN, "between O(s) and O(s²): the quadratic term is there, the linear one still leads",
  "介于 O(s) 与 O(s²) 之间：二次项已出现，一次项仍占主导")
X(GROWTH_QUADRATIC, "consistent with O(s²): the quadratic term leads", "与 O(s²) 一致：二次项占主导")
X(FIND_GROWTH,
  "%s: the time is %s. Over s = %.0f to %.0f it grows like s^%.2f [%.2f, %.2f]; at s = %.0f like s^%.2f "
  "by the fit, the FLOPs there like s^%.2f by formula.",
  "%s：时间%s。s 从 %.0f 到 %.0f，时间按 s^%.2f [%.2f, %.2f] 增长；在 s = %.0f 处，拟合的局部指数为 s^%.2f，"
  "按公式 FLOP 的局部指数为 s^%.2f。")
X(FIND_CROSSOVER_FLOPS,
  "%s: in FLOPs the quadratic term c·s² overtakes the linear one, b·s, at s = %s, exactly.",
  "%s：按 FLOP 计，二次项 c·s² 在 s = %s 处超过一次项 b·s（精确值）。")
X(FIND_CROSSOVER_BOTH,
  "%s: the quadratic term c·s² overtakes the linear one, b·s, at s = %s in FLOPs, exactly, and in time at %s "
  "[%s, %s] by the fit.",
  "%s：按 FLOP 计，二次项 c·s² 在 s = %s 处超过一次项 b·s（精确值）；按拟合的时间计，在 %s [%s, %s] 处。")
X(FIND_CROSSOVER_OPEN,
  "%s: the quadratic term c·s² overtakes the linear one, b·s, at s = %s in FLOPs, exactly. In time it cannot be "
  "told from none: if there is one, it overtakes beyond s = %s.",
  "%s：按 FLOP 计，二次项 c·s² 在 s = %s 处超过一次项 b·s（精确值）。按时间计，无法断定存在二次项：即使存在，也要到 "
  "s = %s 以后才会超过。")
X(C_WHAT_GROWS, "what", "项目")
X(C_TERM_A, "a", "a")
X(C_TERM_B, "b", "b")
X(C_TERM_C, "c", "c")
X(C_POWER, "s^p over all", "整体 s^p")
X(C_LOCAL, "s^p at the end", "末端 s^p")
X(C_CROSSOVER, "c·s² = b·s at", "c·s² = b·s 处")
X(C_MISFIT, "misses by", "拟合偏差")
X(C_VERDICT, "verdict", "结论")
X(GROWTH_FLOPS_ROW, "%s, FLOPs", "%s，FLOP")
X(GROWTH_TIME_ROW, "%s, time", "%s，时间")
X(GROWTH_EXACT, "exact", "精确")
X(GROWTH_NO_POLYNOMIAL, "no polynomial", "非多项式")
X(GROWTH_NEVER, "never", "从不")
X(CAPTION_GROWTH,
  "a + b·s + c·s². FLOPs: exact, by formula. Time: weighted least squares without negative terms, with 95 % intervals; "
  "of constant, linear and quadratic the simplest that AICc allows. In FLOP and µs. The verdict is a rule: "
  "docs/statistics.md.",
  "a + b·s + c·s²。FLOP：按公式得到的精确值。时间：无负项的加权最小二乘，附 95 % 区间；在常数、一次与二次模型中取 AICc 允许的"
  "最简者。各项单位为 FLOP 与 µs。结论按规则得出，见 docs/statistics.md。")
X(PLOT_GROWTH, "How FLOPs and time grow with the context", "FLOP 与时间随上下文长度的增长")
X(AXIS_GROWTH_FLOPS, "FLOPs, exact", "FLOP，精确")
X(AXIS_GROWTH_TIME, "time, ms", "时间，ms")
X(AXIS_GROWTH_S, "s: prompt tokens, or tokens before the step", "s：提示词元数，或该步之前的词元数")
X(KEY_LINEAR_PART, "linear part", "一次项")
X(KEY_QUADRATIC_PART, "quadratic part", "二次项")
X(CAPTION_GROWTH_PLOT,
  "Left: exact FLOPs, the curves by formula. Right: median times with 95 % intervals, the curves fitted. "
  "Dashed and dotted: the linear and the quadratic part of the prefill, which meet where the one overtakes "
  "the other; a diamond marks it. Both axes are logarithmic: a straight line is a power law.",
  "左：精确 FLOP，曲线由公式给出。右：时间中位数及 95 % 区间，曲线为拟合结果。虚线与点线：预填充的一次项与"
  "二次项，二者相交处即一方超过另一方，以菱形标出。两轴均为对数：直线表示幂律。")
/* clang-format on */
