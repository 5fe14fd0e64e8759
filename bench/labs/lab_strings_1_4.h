/* Labs 1 to 4: the formula, the two phases, the KV cache, the roofline. */
/* clang-format off */

/* ---- lab 1 ---- */
FL_LAB_STRING(FORMULA_TITLE, "Deriving 24bsh² + 4bs²h", "推导 24bsh² + 4bs²h")
FL_LAB_STRING(FORMULA_AIM,
    "One classic decoder layer: Q, K, V and output projections of h × h each, a feed-forward network of "
    "width 4h, attention over all s × s pairs. A matrix product of an m × k by a k × n matrix is mkn "
    "multiply-accumulates, 2mkn FLOPs. Here b = 1, s = 128, h = 512.",
    "一个经典的解码器层：Q、K、V 与输出四个投影各为 h × h，前馈网络宽 4h，注意力覆盖全部 s × s 个词元对。"
    "m × k 与 k × n 两个矩阵相乘需要 mkn 次乘加，即 2mkn 次浮点运算。本实验取 b = 1，s = 128，h = 512。")
FL_LAB_STRING(FORMULA_Q1, "How many FLOPs do the matrix products of one layer take?",
    "一层之中，全部矩阵乘法共需多少次浮点运算？")
FL_LAB_STRING(FORMULA_R1, "24bsh² + 4bs²h: 6 (Q, K, V) + 2 (output) + 16 (FFN) of bsh², and 2 + 2 of bs²h",
    "24bsh² + 4bs²h：bsh² 的系数为 6（Q、K、V）+ 2（输出投影）+ 16（前馈网络），bs²h 的系数为 2 + 2")
FL_LAB_STRING(FORMULA_Q2, "What share of them is quadratic in s, the products Q·Kᵀ and P·V?",
    "其中随 s 平方增长的部分（Q·Kᵀ 与 P·V 两个乘积）占多大比例？")
FL_LAB_STRING(FORMULA_R2, "4bs²h / (24bsh² + 4bs²h) = s / (6h + s)", "4bs²h / (24bsh² + 4bs²h) = s / (6h + s)")
FL_LAB_STRING(FORMULA_Q3, "From which s on does the quadratic part cost as much as all the rest?",
    "s 至少要多大，平方项才赶上其余各项之和？")
FL_LAB_STRING(FORMULA_R3, "4bs²h = 24bsh², so s = 6h", "由 4bs²h = 24bsh² 得 s = 6h")
FL_LAB_STRING(FORMULA_WHY,
    "Every weight of a layer is used once per token, in one multiply-accumulate: 12h² weights, 24h² FLOPs a "
    "token. Only Q·Kᵀ and P·V have no weights; each of the s queries meets s keys, 2h FLOPs a pair each. "
    "Below s = 6h the model is, in FLOPs, a stack of matrix products with weights, and attention is small.\n"
    "What the formula leaves out (softmax, norms, activation, biases, residuals) is under one per cent of the "
    "FLOPs here, and more of the time: the table's last column shows operators that do little arithmetic and "
    "still have to move their data. FLOPs are not time; the next labs are about that.",
    "一层的每个权重对每个词元恰好用一次，做一次乘加：12h² 个权重，每个词元 24h² 次浮点运算。只有 Q·Kᵀ 与 P·V "
    "不涉及权重：s 个查询各与 s 个键配对，每对在两个乘积中各需 2h 次运算。当 s 远小于 6h 时，从运算量看，整个模型"
    "就是一串带权重的矩阵乘法，注意力只占零头。\n"
    "公式略去的部分（softmax、归一化、激活函数、偏置、残差相加）在这里不到运算量的百分之一，占用的时间却不止于此："
    "看表的最后一列，这些算子几乎不做算术，数据却一样要搬。运算次数不等于时间，后面的实验正要讲这一点。")
FL_LAB_STRING(ONE_LAYER, "One layer of eight, FLOPs", "一层（共八层）的浮点运算次数")
FL_LAB_STRING(BEYOND_TEXTBOOK, "From the textbook's figure to what the layer executed, FLOPs",
    "从教科书数值到该层实际执行的运算次数")
FL_LAB_STRING(FIGURE_LAYER, "One layer: FLOPs counted, and time", "一层：计数所得的浮点运算次数与用时")
FL_LAB_STRING(SLIP_MACS, "That is the number of multiply-accumulates (MACs). One MAC is two FLOPs.",
    "这是乘加次数（MAC）。一次乘加等于两次浮点运算。")
FL_LAB_STRING(SLIP_ALL_LAYERS, "That is all eight layers; the question is about one.",
    "这是八层的总和，问的是一层。")
FL_LAB_STRING(SLIP_NO_PRODUCTS, "That leaves out attention's own products, 4bs²h.",
    "漏掉了注意力自身的两个乘积 4bs²h。")
FL_LAB_STRING(SLIP_HALF_PRODUCTS,
    "That counts only the pairs a causal query may see. The textbook, and the kernel of this lab, compute all.",
    "这只数了因果掩码之内的词元对。教科书公式与本实验所用的内核都计算全部词元对。")
FL_LAB_STRING(SLIP_ONE_PRODUCT, "That counts one of the two products, Q·Kᵀ and P·V.",
    "Q·Kᵀ 与 P·V 是两个乘积，这里只数了一个。")
FL_LAB_STRING(SLIP_S_OVER_H, "That compares s with h; the weights cost 24bsh², six times 4bsh².",
    "这是拿 s 和 h 相比；带权重的部分是 24bsh²，是 4bsh² 的六倍。")
FL_LAB_STRING(SLIP_CROSS_AT_H, "At s = h the quadratic part is a seventh of the whole: 4 against 24 + 4.",
    "s = h 时平方项只占七分之一：4 比 24 + 4。")

/* ---- lab 2 ---- */
FL_LAB_STRING(PHASES_TITLE, "Prefill against decode", "预填充与解码")
FL_LAB_STRING(PHASES_AIM,
    "The prompt goes through the model in one pass, all its tokens together (prefill). Then tokens come one at "
    "a time (decode), each behind a KV cache of what came before. Here: a prefill of 256 tokens, and the step "
    "that runs token number 256 alone behind 255 cached ones. All weights are read in either.",
    "提示词的全部词元一次通过模型，这是预填充；此后词元逐个产生，每一步都靠键值缓存记住前文，这是解码。"
    "本实验比较：256 个词元的预填充，以及前 255 个词元已在缓存中、只算第 256 个词元的一步解码。两者都要把全部权重读一遍。")
FL_LAB_STRING(PHASES_Q1, "How many times as many FLOPs does the prefill execute as the decode step?",
    "预填充的浮点运算次数是解码一步的多少倍？")
FL_LAB_STRING(PHASES_R1, "256 tokens against one: the weights' share is 256 times; attention's less, since early "
    "tokens see fewer keys", "256 个词元比 1 个：权重部分恰为 256 倍；注意力部分少一些，靠前的词元能看到的键更少")
FL_LAB_STRING(PHASES_Q2, "How many times as long does it take on this machine?", "在这台机器上，用时是多少倍？")
FL_LAB_STRING(PHASES_R2, "between the ratio of bytes and the ratio of FLOPs: the step waits for memory, the prefill "
    "for arithmetic", "介于访存量之比与运算次数之比之间：解码等内存，预填充等运算")
FL_LAB_STRING(PHASES_Q3, "How many FLOPs does the decode step do for every byte it moves?",
    "解码一步每搬动一个字节，做多少次浮点运算？")
FL_LAB_STRING(PHASES_R3, "2 FLOPs a weight of 4 bytes", "每个权重 4 字节，做 2 次运算")
FL_LAB_STRING(PHASES_WHY,
    "Both passes read every weight once; what else the prefill moves are its tokens' own activations. It uses each "
    "weight for 256 tokens, the step for one. The step's arithmetic intensity is 2 FLOPs per 4-byte weight, half a FLOP per "
    "byte, far below what a processor can do in the time it takes to fetch a byte: the step takes as long as "
    "reading the weights takes, and the arithmetic is done on the side.\n"
    "So a token of the prompt is many times cheaper in time than a generated one, though it costs the same "
    "FLOPs. Everything that makes decoding faster reads fewer bytes per token: batching (lab 6), quantisation "
    "(lab 7), speculation (lab 8).",
    "两者都把每个权重读一遍，预填充多搬的只是各词元自己的激活值。预填充让读来的每个权重服务 256 个词元，解码一步只服务一个。"
    "解码的算术强度是每 4 字节权重做 2 次运算，即每字节半次，远低于处理器在取一个字节的时间里能做的运算："
    "这一步的用时就是读权重的用时，运算只是顺带完成。\n"
    "所以，运算次数相同，提示词中的一个词元在时间上却比生成的一个词元便宜许多倍。一切加快解码的办法，说到底都是"
    "让每个词元少读字节：批处理（实验 6）、量化（实验 7）、投机解码（实验 8）。")
FL_LAB_STRING(PREFILL_AND_STEP, "Prefill of 256 tokens, and one token behind 255", "256 个词元的预填充与其后一步解码")
FL_LAB_STRING(FIGURE_PHASES, "Time a token, and FLOP rate", "每词元用时与运算速率")
FL_LAB_STRING(STEPS_TO_PREFILL, "From 256 such steps to the prefill, FLOPs", "从 256 步解码到预填充的浮点运算次数")
FL_LAB_STRING(STEPS_256, "256 × decode step", "256 × 解码一步")
FL_LAB_STRING(FLOPS_TO_TIME, "From the ratio of FLOPs to the ratio of times", "从浮点运算次数之比到时间之比")
FL_LAB_STRING(SLIP_ALL_QUADRATIC, "Only attention's products grow with s²; the weights' share grows with s.",
    "只有注意力的两个乘积随 s² 增长，权重部分只随 s 增长。")
FL_LAB_STRING(SLIP_ALL_HALVED, "The causal mask halves attention's pairs, not the work with the weights.",
    "因果掩码只让注意力的词元对减半，权重部分的运算并不减少。")
FL_LAB_STRING(SLIP_SAME_WEIGHTS, "The same weights are read, but each is used for every token.",
    "读的是同一套权重，但每个权重要为每个词元各用一次。")
FL_LAB_STRING(SLIP_TIME_IS_FLOPS, "Time would follow FLOPs if both ran at the same FLOP rate; look at the table.",
    "只有两者运算速率相同，时间才与运算次数成正比；请看表中的速率。")
FL_LAB_STRING(SLIP_TIME_IS_BYTES, "Time would follow bytes if the prefill, too, waited for memory only.",
    "只有预填充也只受内存限制，时间才与访存量成正比。")
FL_LAB_STRING(SLIP_INTENSITY_MACS, "That counts multiply-accumulates per byte; each is two FLOPs.",
    "这是每字节的乘加次数，一次乘加等于两次浮点运算。")
FL_LAB_STRING(SLIP_INTENSITY_ELEMENTS, "That is FLOPs per weight; a weight in f32 has four bytes.",
    "这是每个权重的运算次数；f32 的一个权重占四个字节。")

/* ---- lab 3 ---- */
FL_LAB_STRING(KV_TITLE, "The KV cache, and why only K and V are kept", "键值缓存：为什么只存 K 和 V")
FL_LAB_STRING(KV_AIM,
    "A new token needs the keys and values of all tokens before it. Without a cache every step runs the whole "
    "prefix again to have them; with one a step runs the new token alone. Here: 16 tokens generated behind a "
    "prompt of 32, both ways. The prompt's pass yields the first token, 15 steps the others.",
    "新词元需要前面所有词元的键和值。没有缓存，每一步都得把整个前缀重算一遍；有了缓存，每一步只算新词元。"
    "本实验：提示词 32 个词元，生成 16 个词元，两种做法各做一遍。预填充给出第一个词元，其余由 15 步解码给出。")
FL_LAB_STRING(KV_Q1, "How many times as many FLOPs does the whole generation take without the cache?",
    "不用缓存，整个生成过程的浮点运算次数是用缓存的多少倍？")
FL_LAB_STRING(KV_R1, "tokens run through the model: 32 + (33 + 34 + ... + 47) = 632, against 32 + 15 = 47",
    "通过模型的词元数：32 + (33 + 34 + … + 47) = 632，对 32 + 15 = 47")
FL_LAB_STRING(KV_Q2, "How many bytes does one token take in the cache, in f32?",
    "以 f32 存放，一个词元在缓存中占多少字节？")
FL_LAB_STRING(KV_R2, "2 (K and V) × L × n_kv × d_h × 4 bytes", "2（K 与 V）× L × n_kv × d_h × 4 字节")
FL_LAB_STRING(KV_Q3, "How many times as long does the generation take without the cache, on this machine?",
    "在这台机器上，不用缓存的用时是多少倍？")
FL_LAB_STRING(KV_R3, "less than the ratio of FLOPs: many tokens at once run at a better FLOP rate (lab 2)",
    "小于运算次数之比：一次算许多词元，运算速率更高（见实验 2）")
FL_LAB_STRING(KV_WHY,
    "Token t attends with its own query to the keys of all tokens so far and mixes their values. An earlier "
    "token's query was needed once, when that token was new; no later step reads it. So K and V are kept and Q is "
    "not: keeping it would cost half as many bytes again, and nobody would ask for it. The last table tries it: "
    "with K and V the step's logits are those of a pass over everything, up to rounding; with one of them wiped "
    "out they are others.\n"
    "It works because attention is causal: what was computed for a token does not change when more follow. An "
    "encoder, which sees both ways, has no such cache.\n"
    "With the cache step t costs O(t·d + d²), without it O(t²·d + t·d²). What is saved in FLOPs is paid in memory: "
    "the cache grows with every token, and every step reads all of it (labs 4 and 6).",
    "第 t 个词元用自己的查询去匹配此前所有词元的键，再按权重混合它们的值。前面词元的查询只在它自己是新词元的那一步"
    "用过一次，以后的步骤再也不读。所以只存 K 和 V，不存 Q：存了就要多占一半空间，却无人问津。最后一张表做了验证：保留 K 和 V，"
    "这一步的 logits 与整段重算的结果只差舍入误差；抹掉其中之一，结果就全变了。\n"
    "这样做之所以成立，是因为注意力是因果的：后来的词元不会改变前面词元的计算结果。编码器能看到前后两个方向，"
    "也就没有这样的缓存。\n"
    "有缓存时第 t 步的代价为 O(t·d + d²)，没有缓存则为 O(t²·d + t·d²)。省下的运算是用内存换来的：每个词元都让缓存变大，"
    "而每一步都要把它读一遍（见实验 4 与实验 6）。")
FL_LAB_STRING(GENERATION_BOTH_WAYS, "16 tokens behind a prompt of 32", "提示词 32 个词元，生成 16 个词元")
FL_LAB_STRING(WAY, "how", "做法")
FL_LAB_STRING(WITH_CACHE, "with the KV cache", "使用键值缓存")
FL_LAB_STRING(WITHOUT_CACHE, "without", "不用缓存")
FL_LAB_STRING(SAME_TOKENS, "the same in both", "两者相同的词元")
FL_LAB_STRING(CACHE_TO_NONE, "From the generation with the cache to the one without, FLOPs",
    "从使用缓存到不用缓存的浮点运算次数")
FL_LAB_STRING(PREFIX_AGAIN, "the prefix run again, step after step", "每一步重算前缀")
FL_LAB_STRING(STEP_AS_CONTEXT_GROWS, "FLOPs of one step as the context grows", "单步运算次数随上下文长度的变化")
FL_LAB_STRING(CONTEXT, "token number", "第几个词元")
FL_LAB_STRING(STEP_CACHED, "step with the cache", "有缓存的一步")
FL_LAB_STRING(STEP_UNCACHED, "step without", "无缓存的一步")
FL_LAB_STRING(WHAT_IS_KEPT, "What a step needs of the past: token 48 behind 47", "一步解码需要前文的什么：47 个词元之后的第 48 个")
FL_LAB_STRING(KEPT, "kept of the past", "保留的内容")
FL_LAB_STRING(KEEP_BOTH, "K and V", "K 和 V")
FL_LAB_STRING(KEEP_K, "K alone", "只有 K")
FL_LAB_STRING(KEEP_V, "V alone", "只有 V")
FL_LAB_STRING(KEEP_NONE, "neither", "都不保留")
FL_LAB_STRING(BYTES_PER_TOKEN, "bytes a token", "每词元字节数")
FL_LAB_STRING(LOGITS_CHANGE, "largest change of a logit", "logit 的最大变化")
FL_LAB_STRING(SLIP_CACHE_N, "That is the number of generated tokens; the last steps run the longest prefixes.",
    "这是生成的词元数；越靠后的步骤，要重算的前缀越长。")
FL_LAB_STRING(SLIP_CACHE_CONTEXT, "That is the last step's ratio; earlier steps have shorter prefixes.",
    "这是最后一步的倍数；前面各步的前缀更短。")
FL_LAB_STRING(SLIP_CACHE_ONE, "K and V are two matrices of that size.", "K 与 V 各有这么大，共两份。")
FL_LAB_STRING(SLIP_CACHE_Q, "That keeps Q, too, which no later step reads.", "这把 Q 也存了，可后面的步骤从不读它。")
FL_LAB_STRING(SLIP_CACHE_LAYER, "That is one layer; each of the eight has its own keys and values.",
    "这只是一层；八层各有自己的键和值。")
FL_LAB_STRING(SLIP_CACHE_ELEMENTS, "Those are elements; in f32 each takes four bytes.", "这是元素个数；f32 每个元素占四字节。")
FL_LAB_STRING(SLIP_CACHE_TIME, "That is the ratio of FLOPs; one token at a time runs at a far lower FLOP rate.",
    "这是运算次数之比；一次只算一个词元时，运算速率要低得多。")

/* ---- lab 4 ---- */
FL_LAB_STRING(ROOFLINE_TITLE, "Memory traffic and the roofline", "访存量与屋顶线模型")
FL_LAB_STRING(ROOFLINE_AIM,
    "A pass can be no faster than its FLOPs at the processor's FLOP rate, and no faster than its bytes at the "
    "memory's byte rate. The two roofs meet at the ridge point, FLOP rate over byte rate. Here: passes of 1 to 256 "
    "tokens, with every weight (4 bytes) read once a pass. The roofs below are this "
    "machine's own, measured: those that 'flopledger peaks' has kept, or bare BLAS just now.",
    "一次前向计算，快不过“运算次数 ÷ 处理器的运算速率”，也快不过“访存量 ÷ 内存的访存速率”。两条屋顶线在脊点相交，"
    "脊点就是运算速率与访存速率之比。本实验：一次算 1 到 256 个词元，每次都把全部权重（每个 4 字节）读一遍。"
    "下面两条屋顶都是这台机器的实测值：有 flopledger peaks 保存的就用它，没有则当场用裸 BLAS 测量。")
FL_LAB_STRING(PEAK_FLOPS, "peak FLOP rate", "运算速率上限")
FL_LAB_STRING(PEAK_BYTES, "byte rate of reading as many bytes as the weights", "读取与权重等量数据的访存速率")
FL_LAB_STRING(RIDGE, "ridge point", "脊点")
FL_LAB_STRING(WEIGHT_BYTES, "weights", "权重")
FL_LAB_STRING(ROOFLINE_Q1, "What is the arithmetic intensity of a pass of one token?", "一次只算一个词元时，算术强度是多少？")
FL_LAB_STRING(ROOFLINE_R1, "2 FLOPs per weight of 4 bytes", "每个 4 字节的权重做 2 次运算")
FL_LAB_STRING(ROOFLINE_Q2, "How long does that pass take?", "这样算一次要多长时间？")
FL_LAB_STRING(ROOFLINE_R2, "left of the ridge point the memory decides: bytes / byte rate", "在脊点左侧由内存决定：访存量 ÷ 访存速率")
FL_LAB_STRING(ROOFLINE_Q3, "From how many tokens a pass on does arithmetic decide, not memory?",
    "一次算多少个词元以上，瓶颈就从内存变为运算？")
FL_LAB_STRING(ROOFLINE_R3, "s tokens have s times the FLOPs for the same weights, intensity s / 2: s = 2 × ridge point",
    "s 个词元共用同一套权重，运算次数为 s 倍，算术强度约为 s / 2，故 s = 2 × 脊点")
FL_LAB_STRING(ROOFLINE_WHY,
    "The pass of one token stands far left, under the sloping roof: its time is its bytes over the byte rate, and "
    "a faster multiplier would change nothing. Every further token in the same pass comes almost for free, until "
    "the intensity reaches the ridge point; from there on time grows with the FLOPs.\n"
    "The real points lie below the roof. BLAS is at its best with large square products; with a few rows it "
    "repacks the weights for little work, so passes of 2 to 16 tokens are farthest from it. Bytes here are the "
    "compulsory ones: every operand read once, every result written once. The intensity of long passes grows more "
    "slowly than s, because activations are traffic, too.\n"
    "The decode step of lab 2 is the leftmost point, the prefill the rightmost; a batch of b sequences (lab 6) moves "
    "the step right by a factor of b, quantised weights (lab 7) by the ratio of bytes.",
    "只算一个词元的点在最左边，压在斜的屋顶下：用时等于访存量除以访存速率，运算单元再快也无济于事。同一次计算里每多一个词元"
    "几乎不花时间，直到算术强度到达脊点；过了脊点，用时才随运算次数增长。\n"
    "实测点都在屋顶之下。BLAS 做大的方阵乘法效率最高；只有寥寥几行时，重排权重的开销不小而运算不多，"
    "所以 2 到 16 个词元的点离屋顶最远。这里的访存量是必需访存量：每个操作数读一遍，每个结果写一遍。"
    "词元很多时算术强度的增长慢于 s，因为激活值也要读写。\n"
    "实验 2 的解码一步就是最左边的点，预填充是最右边的点；b 个序列的批处理（实验 6）把解码的点右移 b 倍，"
    "权重量化（实验 7）则按字节数之比右移。")
FL_LAB_STRING(PASSES_UNDER_ROOF, "Passes of s tokens under the roofline", "屋顶线下的各次计算（每次 s 个词元）")
FL_LAB_STRING(PASS, "pass", "一次计算")
FL_LAB_STRING(LIGHT_TIME, "at the roof", "屋顶用时")
FL_LAB_STRING(OF_ROOF, "of the roof", "达到屋顶的比例")
FL_LAB_STRING(FIGURE_ROOFLINE, "The roofline: FLOP rate over arithmetic intensity, both logarithmic",
    "屋顶线图：运算速率对算术强度（双对数坐标）")
FL_LAB_STRING(LIGHT_TO_TIME, "From bytes over byte rate to the time of the pass of one token", "从访存量 ÷ 访存速率到单词元的实测用时")
FL_LAB_STRING(BYTES_AT_RATE, "bytes at the measured byte rate", "按实测访存速率搬完全部字节")
FL_LAB_STRING(PRODUCTS_BEYOND, "matrix products, beyond their bytes", "矩阵乘法超出其访存用时的部分")
FL_LAB_STRING(OTHERS_BEYOND, "all other operators, beyond theirs", "其他算子超出其访存用时的部分")
FL_LAB_STRING(BETWEEN_OPERATORS, "between the operators", "算子之间")
FL_LAB_STRING(SLIP_LIGHT_FLOPS, "That is FLOPs over FLOP rate; the memory needs longer.", "这是运算次数 ÷ 运算速率；内存需要的时间更长。")
FL_LAB_STRING(SLIP_RIDGE_ITSELF, "That is the ridge point itself, in FLOP per byte; a token brings 2 FLOPs per 4-byte weight, half that.",
    "这是脊点本身（每字节运算次数）；每个词元给 4 字节的权重带来 2 次运算，即每字节半次。")
