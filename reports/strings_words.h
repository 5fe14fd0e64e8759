/* strings_words.h - words the analyzers put into their findings, found by their English text
 * (fl_text_of): X(ID, "English", "Chinese"); see strings.h. */
/* clang-format off */

/* small words */
X(COLON, ": ", "：")
X(NONE, "none", "无")
X(ELEMENTWISE_WORD, "elementwise", "逐元素运算")

/* phases */
X(PREFILL, "prefill", "预填充")
X(DECODE, "decode", "解码")
X(DECODE_CACHED, "decode, cached", "解码（有缓存）")
X(DECODE_UNCACHED, "decode, uncached", "解码（无缓存）")
X(CACHED_STEP, "cached decode step", "有缓存的解码步")
X(UNCACHED_STEP, "uncached decode step", "无缓存的解码步")

/* the four figures */
X(TEXTBOOK, "textbook", "教科书")
X(TEXTBOOK_UNCACHED, "textbook_uncached", "教科书（无缓存）")
X(EXACT, "exact", "精确")
X(COUNTED, "counted", "计数")
X(MEASURED, "measured", "实测")

/* terms of the gap from textbook to exact (analyzers/reconcile.c) */
X(TERM_ATTENTION_WIDTH, "attention width (n_h·d_h ≠ h)", "注意力宽度（n_h·d_h ≠ h）")
X(TERM_GQA, "grouped-query attention", "分组查询注意力")
X(TERM_FFN_WIDTH, "FFN width (f ≠ 4h)", "前馈网络宽度（f ≠ 4h）")
X(TERM_GATED, "gated FFN", "门控前馈网络")
X(TERM_EXPERTS, "mixture of experts", "混合专家")
X(TERM_SHARED_EXPERT, "shared expert", "共享专家")
X(TERM_CROSS, "cross-attention", "交叉注意力")
X(TERM_WINDOW, "sliding window", "滑动窗口")
X(TERM_MASK, "causal mask", "因果掩码")
X(TERM_LOGITS, "logits of fewer positions", "只算部分位置的 logits")
X(TERM_BIAS, "bias", "偏置")
X(TERM_CACHE, "cache reuse", "缓存复用")

/* groups of operators (ledger/operators.h) */
X(GROUP_EMBEDDING, "embedding", "词嵌入")
X(GROUP_NORM, "norm", "归一化")
X(GROUP_NORMS, "norms", "归一化")
X(GROUP_PROJECTIONS, "attention projections", "注意力投影")
X(GROUP_POSITIONS, "positions", "位置编码")
X(GROUP_CACHE, "kv cache", "键值缓存")
X(GROUP_PRODUCTS, "attention products", "注意力乘积")
X(GROUP_SOFTMAX, "softmax", "softmax")
X(GROUP_FFN, "ffn", "前馈网络")
X(GROUP_ACTIVATION, "activation", "激活函数")
X(GROUP_RESIDUAL, "residual", "残差")
X(GROUP_LOGITS, "logits", "logits")
X(GROUP_OTHER, "other operators", "其他算子")
X(GROUP_OUTSIDE, "outside operators", "算子之外")

/* clang-format on */
