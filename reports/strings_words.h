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
X(UNCACHED_STEP, "decode step without cache", "无缓存的解码步")

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

/* terms from exact to measured (base/excess.h) */
X(EXCESS_GEMM_ALPHA, "GEMM: alpha scaling of each K panel", "GEMM：每个 K 面板的 alpha 缩放")
X(EXCESS_GEMM_PANELS, "GEMM: adding each K panel to the result", "GEMM：每个 K 面板累加到结果")
X(EXCESS_GEMM_PARTIAL, "GEMM: joining partial accumulators", "GEMM：合并部分累加器")
X(EXCESS_GEMM_EDGES, "GEMM: idle lanes of edge tiles", "GEMM：边缘分块的空闲通道")
X(EXCESS_GEMM_CALLS, "GEMM: scalars of each call", "GEMM：每次调用的标量")
X(EXCESS_BIAS_START, "bias as the start of the sums", "以偏置作为求和起点")
X(EXCESS_PARTIAL_SUMS, "joining partial sums of dot products", "合并点积的部分和")
X(EXCESS_THREAD_SUMS, "joining the threads' sums", "合并各线程的和")
X(EXCESS_TRANSCENDENTAL, "exp, tanh, erf as polynomials", "用多项式计算 exp、tanh、erf")
X(EXCESS_VECTOR_TAIL, "idle lanes behind the end of a row", "行尾之后的空闲通道")
X(EXCESS_REDUCTIONS, "joining the lanes of row sums", "合并行和的各通道")
X(EXCESS_DEQUANTISE, "dequantising weights", "权重反量化")
X(EXCESS_CALL_SCALARS, "scalars of each call", "每次调用的标量")

/* what counters say of their figures (counters/counter_flopgrind.c) */
X(NOTE_FLOPGRIND,
  "exact counts of the instructions that ran under Valgrind, which shows programs a processor without "
  "AVX-512",
  "对 Valgrind 下所执行指令的精确计数；Valgrind 向程序呈现的处理器没有 AVX-512")

/* meanings of the symbols (ledger/expression.h) */
X(SYMBOL_b, "sequences in the batch", "批中的序列数")
X(SYMBOL_s, "new tokens per sequence", "每个序列的新词元数")
X(SYMBOL_p, "tokens already in the KV cache", "键值缓存中已有的词元数")
X(SYMBOL_t, "keys a query can see at most", "一个查询最多可见的键数")
X(SYMBOL_keys, "keys per sequence that any query of the step sees", "该步任一查询可见的键数（每个序列）")
X(SYMBOL_h, "d_model, the hidden size", "d_model，隐藏层宽度")
X(SYMBOL_n_h, "attention heads", "注意力头数")
X(SYMBOL_n_kv, "key/value heads", "键值头数")
X(SYMBOL_d_h, "features per head", "每个头的维数")
X(SYMBOL_d_r, "rotated features per head", "每个头中旋转的维数")
X(SYMBOL_f, "d_ff, the FFN width", "d_ff，前馈网络宽度")
X(SYMBOL_V, "vocabulary size", "词表大小")
X(SYMBOL_L, "layers", "层数")
X(SYMBOL_r, "positions per sequence whose logits are computed", "每个序列计算 logits 的位置数")
X(SYMBOL_pairs, "query-key pairs per head in the matrix products", "矩阵乘法中每个头的查询-键对数")
X(SYMBOL_visible, "query-key pairs per head in the softmax", "softmax 中每个头的查询-键对数")
X(SYMBOL_rescales, "times a query's result is scaled down on the way, per head", "查询结果途中重新缩放的次数（每个头）")
X(SYMBOL_W, "sliding window", "滑动窗口")
X(SYMBOL_x, "tokens copied because their cache block is shared", "因缓存块共享而复制的词元数")
X(SYMBOL_E, "experts", "专家数")
X(SYMBOL_k, "experts per token", "每个词元的专家数")
X(SYMBOL_k_r, "experts in the router's softmax: the chosen ones, or all", "路由 softmax 中的专家数：所选的或全部")
X(SYMBOL_e, "experts whose weights are read", "读取权重的专家数")
X(SYMBOL_f_s, "width of the shared expert", "共享专家的宽度")
X(SYMBOL_s_e, "encoder tokens per sequence", "每个序列的编码器词元数")
X(SYMBOL_w, "bytes per weight", "每个权重的字节数")
X(SYMBOL_c, "bytes per KV-cache element", "每个键值缓存元素的字节数")

/* clang-format on */
