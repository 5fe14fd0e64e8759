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
