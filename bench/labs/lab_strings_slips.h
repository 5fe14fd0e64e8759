/* The slips of common course notes. */
/* clang-format off */
FL_LAB_STRING(SLIPS_TITLE, "Common slips in course notes", "讲义中的常见错误")
FL_LAB_STRING(SLIPS_AIM,
    "Five statements that many notes get wrong, each with figures that decide it: what LayerNorm normalises, what a "
    "repetition penalty does to a negative logit, what a cached decode step costs, what scores are divided by, and what "
    "a FLOP is.",
    "讲义里常写错的五件事，逐一用数字说话：LayerNorm 沿哪个方向归一化，重复惩罚怎样处理负的 logit，"
    "有缓存时一步解码的代价，注意力分数除以什么，以及什么是一次浮点运算。")
FL_LAB_STRING(SLIPS_Q1, "LayerNorm over 4 tokens; the last one's input changes. How many of the 3 earlier outputs change?",
    "对 4 个词元做 LayerNorm，只改变最后一个词元的输入。前 3 个词元的输出有几个会变？")
FL_LAB_STRING(SLIPS_R1, "each token is normalised over its own features", "每个词元只在自己的特征上归一化")
FL_LAB_STRING(SLIPS_Q2, "A token said before has the logit -2, the repetition penalty is 1.25. What is its logit afterwards?",
    "某词元已经出现过，logit 为 -2，重复惩罚系数为 1.25。惩罚后的 logit 是多少？")
FL_LAB_STRING(SLIPS_R2, "positive logits are divided, negative ones multiplied: both become less likely",
    "正的除以系数，负的乘以系数：两种情况都变得更不可能")
FL_LAB_STRING(SLIPS_Q3, "With the KV cache, how many times as many FLOPs do Q·Kᵀ and P·V of a step take at t = 1024 as at t = 128?",
    "有键值缓存时，t = 1024 的一步中 Q·Kᵀ 与 P·V 的运算次数是 t = 128 时的多少倍？")
FL_LAB_STRING(SLIPS_R3, "one query against t keys: step t costs O(t·d + d²), all L steps O(L²·d + L·d²)",
    "一个查询对 t 个键：第 t 步为 O(t·d + d²)，L 步合计 O(L²·d + L·d²)")
FL_LAB_STRING(SLIPS_Q4, "Queries and keys have independent features of variance 1, d_h = 64 of them a head, h = 512. What is the standard "
    "deviation of q·k?", "查询与键的各特征相互独立、方差为 1，每个头 d_h = 64，h = 512。q·k 的标准差是多少？")
FL_LAB_STRING(SLIPS_R4, "d_h products of variance 1 add up to variance d_h: √d_h, which is what scores are divided by",
    "d_h 个方差为 1 的乘积相加，方差为 d_h，标准差 √d_h，分数除的正是它")
FL_LAB_STRING(SLIPS_Q5, "A 512 × 512 matrix times a vector: how many FLOPs?", "512 × 512 的矩阵乘以向量，需要多少次浮点运算？")
FL_LAB_STRING(SLIPS_R5, "512 · 512 multiply-accumulates of two FLOPs each", "512 · 512 次乘加，每次两个浮点运算")
FL_LAB_STRING(SLIPS_WHY,
    "LayerNorm takes mean and variance over the features of each token. Taken over the tokens of each feature, as batch "
    "normalisation would, the last token changes all earlier outputs: the model could read the future in training, and "
    "could not generate token by token.\n"
    "Dividing a negative logit by a penalty above 1 moves it up: the token that was to be avoided becomes likelier.\n"
    "A cached step attends to all t keys so far. For a fixed prompt length n one reads O(L·n·d) for L steps; but the "
    "context grows while generating, and the sum over the steps is quadratic in L.\n"
    "Scores are sums of d_h products, whatever h is. Divided by √h they are too small by √n_h, and the softmax "
    "hardly tells keys apart.\n"
    "A multiply-accumulate is a multiplication and an addition. Tools that print MACs under the name of FLOPs, or the "
    "other way round, are off by a factor of two, and so is every utilisation computed from them.",
    "LayerNorm 对每个词元的各特征求均值与方差。若像批归一化那样，对每个特征沿词元方向求，最后一个词元就会改变前面所有的输出："
    "训练时模型能偷看未来，推理时又无法逐词元生成。\n"
    "惩罚系数大于 1 时，负的 logit 除以它反而变大：本想避免的词元更容易被选中。\n"
    "有缓存的一步要关注此前全部 t 个键。若把上下文长度固定为 n，会写成 L 步共 O(L·n·d)；可上下文边生成边增长，"
    "各步相加是 L 的平方级。\n"
    "分数是 d_h 个乘积之和，与 h 无关。若除以 √h，就小了 √n_h 倍，softmax 几乎分不出各个键的轻重。\n"
    "一次乘加包含一次乘法和一次加法。有的工具把乘加次数当作浮点运算次数报出来，或者反过来，都差一倍，由此算出的利用率也跟着差一倍。")
FL_LAB_STRING(SLIPS_LAYERNORM, "LayerNorm: largest change when the last of 4 tokens changes", "LayerNorm：4 个词元中最后一个改变时的最大变化")
FL_LAB_STRING(TOKEN, "token", "词元")
FL_LAB_STRING(INPUT_CHANGE, "input", "输入")
FL_LAB_STRING(OVER_FEATURES, "over its features (right)", "沿特征归一化（正确）")
FL_LAB_STRING(OVER_TOKENS, "over the tokens (wrong)", "沿词元归一化（错误）")
FL_LAB_STRING(SLIPS_PENALTY, "Repetition penalty of 1.25: logits before and after", "重复惩罚 1.25：惩罚前后的 logit")
FL_LAB_STRING(SAID_BEFORE, "said before", "出现过")
FL_LAB_STRING(NOT_SAID, "not said", "未出现")
FL_LAB_STRING(PENALTY_BEFORE, "before", "惩罚前")
FL_LAB_STRING(PENALTY_RULE, "penalty (right)", "惩罚后（正确）")
FL_LAB_STRING(PENALTY_DIVIDED, "always divided (wrong)", "一律相除（错误）")
FL_LAB_STRING(SLIPS_DECODE, "FLOPs of one cached decode step, by context", "有缓存时一步解码的运算次数随上下文的变化")
FL_LAB_STRING(STEP_PRODUCTS, "Q·Kᵀ and P·V", "Q·Kᵀ 与 P·V")
FL_LAB_STRING(STEP_REST, "all the rest", "其余")
FL_LAB_STRING(STEP_ALL, "the step", "一步合计")
FL_LAB_STRING(SLIPS_SCALE, "64 keys, d_h = 64, h = 512: what the softmax makes of the scores", "64 个键，d_h = 64，h = 512：不同缩放下的 softmax")
FL_LAB_STRING(DIVIDED_BY, "scores divided by", "分数除以")
FL_LAB_STRING(SCALED_DEVIATION, "their standard deviation", "标准差")
FL_LAB_STRING(STRONGEST_KEY, "weight of the strongest key", "最大权重")
FL_LAB_STRING(KEYS_THAT_MATTER, "keys that matter (exp of entropy)", "有效键数（熵的指数）")
FL_LAB_STRING(SLIPS_MACS, "What a product counts", "矩阵乘法的计数")
FL_LAB_STRING(PRODUCT, "product", "乘法")
FL_LAB_STRING(MULTIPLY_ACCUMULATES, "MACs", "乘加次数")
FL_LAB_STRING(SLIP_OVER_TOKENS, "They would, if each feature were normalised over the tokens: the future would leak.", "若对每个特征沿词元归一化才会如此，那就泄露了未来。")
FL_LAB_STRING(SLIP_PENALTY_DIVIDED, "That is larger than -2: the token would become likelier, not less likely.", "它比 -2 大：这个词元反而更容易被选中。")
FL_LAB_STRING(SLIP_DECODE_CONSTANT, "The context is not of fixed length: every step has one more key.", "上下文长度并不固定：每一步都多一个键。")
FL_LAB_STRING(SLIP_DECODE_SQUARE, "That is the ratio without the cache, where all queries are run again.", "这是没有缓存时的倍数，那时所有查询都要重算。")
FL_LAB_STRING(SLIP_SCALE_MODEL, "That is √h. A head's dot product has d_h terms, not h.", "这是 √h。一个头的点积只有 d_h 项，不是 h 项。")
FL_LAB_STRING(SLIP_SCALE_VARIANCE, "That is the variance; its root is the standard deviation.", "这是方差，标准差要再开方。")
FL_LAB_STRING(WRONG, "wrong", "错误")
