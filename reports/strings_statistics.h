/* strings_statistics.h - rows of fits, comparisons and noise: X(ID, "English", "Chinese"); see
 * strings.h. */
/* clang-format off */

/* ---- noise ---- */
X(NOISE_TITLE, "Was the machine quiet?", "机器是否安静？")
X(NOISE_NEEDS, "samples", "样本")
X(NOISE_QUIET,
  "Nothing suggests that the machine was disturbed: no drift over the run, no cold first samples, and "
  "samples of a visit to a point resemble one another no more than those of different visits.",
  "没有迹象表明机器受到干扰：运行过程中没有漂移，没有冷启动的首个样本，同一次访问中的样本之间也不比不同访问"
  "之间的样本更相似。")
X(NOISE_DEPENDENT,
  "Samples that followed one another resemble one another (correlation %.2f within a visit to a point, "
  "%.2f between neighbours), so they tell less than as many independent ones: all intervals of times are "
  "widened by a factor of %.2f.",
  "相继的样本彼此相似（同一次访问内相关系数 %.2f，相邻样本之间 %.2f），它们提供的信息少于同样数量的独立样本："
  "所有时间区间均放宽为 %.2f 倍。")
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
/* clang-format on */
