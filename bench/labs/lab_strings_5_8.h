/* Labs 5 to 8: attention kernels, batching, quantisation, speculation. */
/* clang-format off */

/* ---- lab 5 ---- */
FL_LAB_STRING(ATTENTION_TITLE, "Attention kernels: naive, causal, flash", "注意力内核：naive、causal 与 flash")
FL_LAB_STRING(ATTENTION_AIM,
    "Three kernels compute the same attention. naive computes all s × s scores, writes them down and masks the "
    "future. causal computes only the pairs a query may see, and still writes their scores down. flash takes 64 keys "
    "at a time, keeps a running softmax and never stores the scores. Here: a prefill of s = 512, 8 heads a layer.",
    "三种内核计算的是同一个注意力。naive 算出全部 s × s 个分数，写入内存，再把未来的词元掩掉；causal 只算查询能看到的词元对，"
    "但分数仍要写入内存；flash 每次处理 64 个键，用在线 softmax 边算边归一，从不保存分数。本实验：s = 512 的预填充，每层 8 个头。")
FL_LAB_STRING(ATTENTION_Q1, "What share of naive's products Q·Kᵀ and P·V does causal compute?",
    "causal 计算的 Q·Kᵀ 与 P·V 占 naive 的多大比例？")
FL_LAB_STRING(ATTENTION_R1, "s(s + 1)/2 pairs of s²: (s + 1) / (2s), the diagonal included", "s² 对中有 s(s + 1)/2 对（含对角线）：(s + 1) / (2s)")
FL_LAB_STRING(ATTENTION_Q2, "How many bytes of scores does naive write in one layer?", "naive 在一层中要写多少字节的分数？")
FL_LAB_STRING(ATTENTION_R2, "n_h × s × s × 4 bytes", "n_h × s × s × 4 字节")
FL_LAB_STRING(ATTENTION_Q3, "How many times as long as flash's does naive's attention take here?", "在这台机器上，naive 的注意力用时是 flash 的多少倍？")
FL_LAB_STRING(ATTENTION_R3, "two for the pairs, more or less for the traffic of the scores: it depends on the caches",
    "词元对数差两倍，再加上分数读写的影响，后者取决于缓存")
FL_LAB_STRING(ATTENTION_WHY,
    "The mask makes half of naive's work void: the textbook's 4bs²h counts it, causal and flash do not do it. That is "
    "the largest difference between a formula and a good program, and it has nothing to do with clever memory.\n"
    "flash is about memory. The scores are n_h·s² numbers a layer, written once and read several times; they grow with "
    "s² while everything else grows with s. flash needs room for 64 keys. It pays with a few more FLOPs (the running sum "
    "is scaled down when a new maximum comes), as the table shows, and where the scores would leave the caches it is "
    "paid back in time. On a GPU the saved traffic is the whole point; on a processor with large caches the gain is "
    "smaller, and the halved pairs weigh more.\n"
    "All three give the same logits, up to rounding.",
    "因果掩码使 naive 的一半运算白费：教科书的 4bs²h 把它算在内，causal 与 flash 则根本不做。公式与好程序之间，"
    "以这一项差别最大，而且与访存技巧无关。\n"
    "flash 省的是访存。每层的分数有 n_h·s² 个，写一遍，再读几遍；别的数据随 s 增长，它随 s² 增长。flash 只需容纳 64 个键。"
    "代价是运算略多（遇到更大的最大值时，累加和要重新缩放），表中可以看到；一旦分数大到缓存放不下，省下的时间便足以抵偿。"
    "在 GPU 上，省访存就是全部意义所在；在缓存很大的 CPU 上，好处小一些，减半的词元对反而更要紧。\n"
    "三种内核给出的 logits 相同，只差舍入误差。")
FL_LAB_STRING(THREE_KERNELS, "Prefill of 512 tokens, all eight layers", "512 个词元的预填充，八层合计")
FL_LAB_STRING(KERNEL, "kernel", "内核")
FL_LAB_STRING(ATTENTION_FLOPS, "attention, FLOPs", "注意力运算次数")
FL_LAB_STRING(SCORES_WRITTEN, "scores a layer, bytes", "每层分数字节数")
FL_LAB_STRING(ATTENTION_BYTES, "bytes moved", "访存量")
FL_LAB_STRING(ATTENTION_TIME, "its time", "注意力用时")
FL_LAB_STRING(PASS_TIME, "whole pass", "整次用时")
FL_LAB_STRING(FIGURE_KERNELS, "Attention: bytes moved, and time", "注意力：访存量与用时")
FL_LAB_STRING(NAIVE_TO_CAUSAL, "From naive's attention to causal's, FLOPs", "从 naive 到 causal 的注意力运算次数")
FL_LAB_STRING(MASKED_PAIRS, "pairs a query may not see:", "看不到的词元对")
FL_LAB_STRING(SLIP_SCORES_HEAD, "That is one head; each of the eight has its own scores.", "这是一个头的；八个头各有自己的分数。")
FL_LAB_STRING(SLIP_SCORES_ELEMENTS, "Those are scores; in f32 each takes four bytes.", "这是分数的个数；f32 每个占四字节。")
FL_LAB_STRING(SLIP_SCORES_HALF, "naive writes the masked half, too.", "naive 连被掩掉的一半也要写。")

/* ---- lab 6 ---- */
FL_LAB_STRING(BATCHING_TITLE, "Batching", "批处理")
FL_LAB_STRING(BATCHING_AIM,
    "One decode step can serve several sequences at once: the weights are read once for all of them, the keys and "
    "values of each are its own. Here: token number 128 of b = 1 to 32 sequences in one step.",
    "一步解码可以同时为几个序列服务：权重只读一遍，大家共用；键和值则各有各的。本实验：b = 1 到 32 个序列，一步同时算各自的第 128 个词元。")
FL_LAB_STRING(BATCHING_Q1, "How many times as many bytes does the step move with b = 16 as with b = 1?", "b = 16 时一步的访存量是 b = 1 时的多少倍？")
FL_LAB_STRING(BATCHING_R1, "(W + 16·KV) / (W + KV) with W = 12h²·L·4 bytes of weights and KV = 2h·t·L·4 of one cache",
    "(W + 16·KV) / (W + KV)，权重 W = 12h²·L·4 字节，一个序列的缓存 KV = 2h·t·L·4 字节")
FL_LAB_STRING(BATCHING_Q2, "How many times as long does it take here?", "在这台机器上，用时是多少倍？")
FL_LAB_STRING(BATCHING_R2, "between the ratio of bytes and 16, the ratio of FLOPs", "介于访存量之比与 16（运算次数之比）之间")
FL_LAB_STRING(BATCHING_Q3, "At which b do the caches hold as many bytes as the weights of the layers?",
    "b 为多大时，全部缓存的字节数与各层权重的字节数相等？")
FL_LAB_STRING(BATCHING_R3, "b · 2h·t = 12h², so b = 6h / t", "由 b · 2h·t = 12h² 得 b = 6h / t")
FL_LAB_STRING(BATCHING_WHY,
    "With b sequences the step does b times the FLOPs, but the weights, nearly all of its bytes, are read once. So the "
    "intensity grows almost b-fold, the step moves right under the sloping roof of lab 4, and tokens per second grow "
    "nearly b-fold while the step hardly takes longer. That is why servers batch.\n"
    "Two things end it. Arithmetic: past the ridge point the time grows with b. And the caches: they are read every step "
    "and are not shared. At b = 6h / t they are as many bytes as the weights (grouped-query attention divides them, a "
    "long context multiplies them), and from there on a larger batch gains ever less, even on a machine with all the "
    "FLOPs in the world.\n"
    "Everyone in a batch waits for the whole step: throughput is bought with latency.",
    "b 个序列的一步要做 b 倍的运算，但占访存量绝大部分的权重只读一遍。于是算术强度几乎提高 b 倍，"
    "在实验 4 的斜屋顶下向右移动：每秒词元数几乎翻 b 倍，而一步的用时增加无几。这就是推理服务要做批处理的原因。\n"
    "有两件事会让好处到头。一是运算：过了脊点，用时随 b 增长。二是缓存：每一步都要读，又不能共用。"
    "b = 6h / t 时，缓存与权重一样大（分组查询注意力使它变小，长上下文使它变大）；此后再加大批次，收益越来越小，"
    "运算能力再强也没有用。\n"
    "同一批里人人都要等整步算完：吞吐量是拿延迟换来的。")
FL_LAB_STRING(STEP_OF_A_BATCH, "One decode step of b sequences", "b 个序列的一步解码")
FL_LAB_STRING(BATCH, "batch", "批大小")
FL_LAB_STRING(FIGURE_BATCH, "Time of the step, and tokens per second", "一步的用时与每秒词元数")
FL_LAB_STRING(STEP_OF_SIXTEEN, "What the step of sixteen moves, bytes", "十六个序列的一步：访存量的构成")
FL_LAB_STRING(WEIGHTS_ONCE, "weights of the layers, read once", "各层权重，只读一遍")
FL_LAB_STRING(SIXTEEN_CACHES, "keys and values of sixteen sequences", "十六个序列的键和值")
FL_LAB_STRING(OTHER_BYTES, "activations, scores, biases, logits", "激活值、分数、偏置与 logits")
FL_LAB_STRING(STEP_OF, "step of", "解码一步")
FL_LAB_STRING(BYTES_TO_TIME, "From the ratio of bytes to the ratio of times", "从访存量之比到时间之比")
FL_LAB_STRING(SLIP_BATCH_ALL, "That is the ratio of FLOPs; the weights are read once for all sixteen.", "这是运算次数之比；十六个序列共用一遍权重。")
FL_LAB_STRING(SLIP_BATCH_NONE, "The weights are shared; every sequence's keys and values are its own.", "权重可以共用，各序列的键和值却是自己的。")
FL_LAB_STRING(SLIP_BATCH_TIME, "It would, if the step of one were limited by arithmetic; it is limited by memory.", "若单序列的一步受限于运算，确实如此；但它受限于内存。")
FL_LAB_STRING(SLIP_BATCH_ONE, "K and V are two: 2h·t a layer.", "K 与 V 是两份：每层 2h·t。")

/* ---- lab 7 ---- */
FL_LAB_STRING(QUANT_TITLE, "Quantisation", "量化")
FL_LAB_STRING(QUANT_AIM,
    "The same weights stored in four formats: f32 (4 bytes), bf16 (2), Q8_0 (blocks of 32 weights: 32 signed bytes and "
    "a 2-byte scale) and Q4_0 (16 bytes and a scale). The matrix products widen them again as they go; biases, norms, "
    "activations and the KV cache stay f32. Here: token number 128 behind a cache, and a prefill of 64.",
    "同一套权重用四种格式存放：f32（4 字节）、bf16（2 字节）、Q8_0（每 32 个权重一块：32 个有符号字节加 2 字节的缩放因子）"
    "和 Q4_0（16 字节加缩放因子）。做矩阵乘法时再边读边还原；偏置、归一化、激活值与键值缓存仍为 f32。"
    "本实验：缓存之后的第 128 个词元（解码一步），以及 64 个词元的预填充。")
FL_LAB_STRING(QUANT_Q1, "By which factor do the bytes of the decode step shrink from f32 to Q4_0?", "解码一步的访存量，f32 是 Q4_0 的多少倍？")
FL_LAB_STRING(QUANT_R1, "32 weights in 18 bytes instead of 128: 7.11, for what is a weight matrix", "32 个权重由 128 字节变为 18 字节：就权重矩阵而言为 7.11 倍")
FL_LAB_STRING(QUANT_Q2, "By which factor does its time shrink here?", "在这台机器上，用时是多少倍？")
FL_LAB_STRING(QUANT_R2, "as much as the bytes at most, while memory decides; less where widening takes longer than reading",
    "内存是瓶颈时，至多与访存量同比；若还原比读取更费时，则达不到")
FL_LAB_STRING(QUANT_Q3, "And by which factor do its FLOPs shrink?", "浮点运算次数又是多少倍？")
FL_LAB_STRING(QUANT_R3, "not at all: every weight still takes part in one multiply-accumulate", "不变：每个权重仍要做一次乘加")
FL_LAB_STRING(QUANT_WHY,
    "Quantisation here is compression of traffic, not of arithmetic: each weight is widened to f32 and multiplied, so the "
    "FLOPs are the same to the last one. The step is limited by memory, so it gets faster nearly as much as its bytes "
    "shrink, until the widening itself becomes the limit (the byte rate in the table falls).\n"
    "What is not a weight matrix does not shrink, and weighs more and more: the KV cache first of all. It has formats of "
    "its own (--kv-dtype).\n"
    "The prefill gains little or nothing: it reads the weights once for 64 tokens anyway, and is limited by arithmetic. "
    "Processors with instructions for 8-bit products gain there, too; then the operations are no floating-point ones "
    "any more.\n"
    "The price is in the last column. Random weights suffer more than trained ones, whose large values are few.",
    "这里的量化压缩的是访存，不是运算：每个权重都要还原为 f32 再相乘，浮点运算次数一次不少。解码一步受限于内存，"
    "所以用时几乎与访存量同比缩短，直到还原本身成为瓶颈（表中的访存速率随之下降）。\n"
    "不是权重矩阵的部分不会缩小，所占比重便越来越大，首当其冲的是键值缓存；缓存另有自己的格式（--kv-dtype）。\n"
    "预填充几乎没有好处：权重本来就是 64 个词元共用一遍，瓶颈在运算。若处理器有 8 位乘法指令，预填充也能受益，"
    "不过那时做的就不是浮点运算了。\n"
    "代价见最后一列。随机权重受的影响比训练好的权重大，后者只有少数权重取大值。")
FL_LAB_STRING(FOUR_FORMATS, "Decode step behind 127 tokens, and prefill of 64, by format", "各格式下的解码一步（前有 127 个词元）与 64 个词元的预填充")
FL_LAB_STRING(FORMAT, "format", "格式")
FL_LAB_STRING(WEIGHT_WIDTH, "bits a weight", "每权重位数")
FL_LAB_STRING(STEP_BYTES, "step, bytes", "一步访存量")
FL_LAB_STRING(STEP_FLOPS, "step, FLOPs", "一步运算次数")
FL_LAB_STRING(STEP_TIME, "step, time", "一步用时")
FL_LAB_STRING(PREFILL_TIME, "prefill", "预填充用时")
FL_LAB_STRING(LOGITS_ERROR, "error of logits", "logits 误差")
FL_LAB_STRING(FIGURE_FORMATS, "Decode step: bytes moved, and time", "解码一步：访存量与用时")
FL_LAB_STRING(SHRUNK_TO_Q4, "From a step shrunk as a whole to the step in Q4_0, bytes", "从整体除以 7.11 到 Q4_0 的实际访存量")
FL_LAB_STRING(ALL_SHRUNK, "if everything shrank 7.11 times", "假如全部除以 7.11")
FL_LAB_STRING(KV_STAYS, "keys and values stay f32", "键和值仍为 f32")
FL_LAB_STRING(REST_STAYS, "biases, norms and activations stay f32", "偏置、归一化与激活值仍为 f32")
FL_LAB_STRING(SLIP_QUANT_SCALES, "Four bits of 32 would be 8; every block of 32 weights has a 2-byte scale.", "32 位变 4 位是 8 倍；但每块 32 个权重还有 2 字节的缩放因子。")
FL_LAB_STRING(SLIP_QUANT_SAME_TIME, "It would take as long if arithmetic were the limit.", "只有瓶颈在运算时，用时才会不变。")
FL_LAB_STRING(SLIP_QUANT_FLOPS, "That is the factor of bytes. The weights are widened and multiplied as before.", "这是访存量的倍数。权重还原之后照样要相乘。")

/* ---- lab 8 ---- */
FL_LAB_STRING(SPEC_TITLE, "Speculative decoding", "投机解码")
FL_LAB_STRING(SPEC_AIM,
    "A draft model proposes 4 tokens, one after the other; the target runs them all in one pass and keeps them up to the "
    "first it would not have chosen, and adds one token of its own. The output is the target's own, to the token. Here "
    "the draft is the same model, once in Q8_0 and once in Q4_0 (lab 7), about a quarter and a seventh of the weights' bytes; greedy, "
    "48 tokens.",
    "草稿模型逐个提出 4 个词元，目标模型一次前向全部验证：从头保留到第一个自己不会选的为止，再补上自己的一个词元。"
    "输出与目标模型独自解码逐词元相同。本实验的草稿是同一模型的 Q8_0 版和 Q4_0 版（见实验 7），权重的访存量分别约为四分之一和七分之一；贪心解码，48 个词元。")
FL_LAB_STRING(SPEC_Q1, "If each proposal is accepted with probability 0.9, how many tokens does a round of 4 proposals give?",
    "若每个候选词元被接受的概率为 0.9，提 4 个候选的一轮平均得到几个词元？")
FL_LAB_STRING(SPEC_R1, "1 + 0.9 + 0.9² + 0.9³ + 0.9⁴ = (1 − 0.9⁵) / (1 − 0.9)", "1 + 0.9 + 0.9² + 0.9³ + 0.9⁴ = (1 − 0.9⁵) / (1 − 0.9)")
FL_LAB_STRING(SPEC_Q2, "How many times as many FLOPs a token does that take as plain decoding? (counted: draft in q8_0)", "这样做，每个词元的浮点运算次数是普通解码的多少倍？（计数用 q8_0 草稿）")
FL_LAB_STRING(SPEC_R2, "4 tokens through the draft and 5 through the target a round, over the tokens of a round",
    "一轮中草稿算 4 个词元、目标算 5 个，除以一轮得到的词元数")
FL_LAB_STRING(SPEC_Q3, "How many times as fast as plain decoding is it here, with the draft in q8_0?", "在这台机器上，用 q8_0 草稿，速度是普通解码的多少倍？")
FL_LAB_STRING(SPEC_R3, "tokens a round × time of a step / time of a round; a round is a verifying pass and 4 draft steps",
    "一轮词元数 × 单步用时 ÷ 一轮用时；一轮含一次验证和 4 步草稿")
FL_LAB_STRING(SPEC_WHY,
    "Speculation does more arithmetic to move fewer bytes. The verifying pass reads the target's weights once for 5 "
    "tokens, as a batch of 5 would (lab 6); what is proposed and thrown away costs FLOPs that nobody misses while memory "
    "is the limit. Past the ridge point, with a large batch or a long prompt in the same pass, it costs time.\n"
    "It pays when three things meet: the draft agrees often, the draft is cheap to run, and a pass of 5 tokens takes "
    "little longer than a pass of one. Where a round takes longer than its tokens would, it loses; the accounts "
    "say which of the factors it was: Q8_0 is nearly always right and not so cheap, Q4_0 is cheap and often wrong. Proposals of one round share a fate: behind the first rejection all are thrown "
    "away, so four proposals at 90 % are not 3.6 tokens.",
    "投机解码用更多的运算换更少的访存。验证时，目标模型的权重为 5 个词元只读一遍，如同批大小为 5（见实验 6）；"
    "被丢弃的候选多花的运算，在内存是瓶颈时无关痛痒。一旦过了脊点，例如批次很大或同一次计算里还有很长的提示词，多花的就是时间了。\n"
    "要划算，须三条同时成立：草稿常被接受，草稿跑得便宜，算 5 个词元比算 1 个多花不了多少时间。一轮的用时若超过其词元单独解码的用时，"
    "反而得不偿失；差异的来历说明问题出在哪个因子上：Q8_0 几乎总被接受，但不算便宜；Q4_0 便宜，却常被拒绝。一轮中的候选命运与共：第一个被拒绝之后，其余全部作废，"
    "所以四个候选、九成接受率，得到的并不是 3.6 个词元。")
FL_LAB_STRING(PLAIN_AND_SPECULATIVE, "48 tokens behind a prompt of 16, both ways", "提示词 16 个词元，生成 48 个词元，两种做法")
FL_LAB_STRING(PLAIN_DECODING, "plain decoding", "普通解码")
FL_LAB_STRING(DRAFT_IN, "draft in", "草稿格式")
FL_LAB_STRING(TARGET_PASSES, "target's passes", "目标模型计算次数")
FL_LAB_STRING(TOKENS_A_PASS, "tokens a pass", "每次词元数")
FL_LAB_STRING(FLOPS_A_TOKEN, "FLOPs a token", "每词元运算次数")
FL_LAB_STRING(BYTES_A_TOKEN, "bytes a token", "每词元访存量")
FL_LAB_STRING(SAME_AS_PLAIN, "same as plain", "与普通解码相同")
FL_LAB_STRING(FIGURE_SPECULATION, "FLOPs a token, and time a token", "每词元运算次数与用时")
FL_LAB_STRING(WHAT_BECAME, "What became of the proposals", "候选词元的去向")
FL_LAB_STRING(SHARE, "share accepted", "接受率")
FL_LAB_STRING(DRAFTED, "proposed", "提出")
FL_LAB_STRING(PROPOSALS_ACCEPTED, "accepted", "接受")
FL_LAB_STRING(THROWN_AWAY, "thrown away", "作废")
FL_LAB_STRING(PLAIN_TO_SPECULATIVE, "From plain decoding to speculation with the draft in q4_0, FLOPs", "从普通解码到 q4_0 草稿的浮点运算次数")
FL_LAB_STRING(DRAFT_PASSES, "the draft's passes", "草稿模型的计算")
FL_LAB_STRING(VERIFY_BEYOND, "rows verified beyond the tokens kept", "验证中超出所保留词元的部分")
FL_LAB_STRING(TOKENS_TO_TIME_Q8, "From tokens a round to the speed: draft in q8_0", "从一轮词元数到速度：q8_0 草稿")
FL_LAB_STRING(TOKENS_TO_TIME_Q4, "From tokens a round to the speed: draft in q4_0", "从一轮词元数到速度：q4_0 草稿")
FL_LAB_STRING(TOKENS_A_ROUND, "tokens a round", "一轮词元数")
FL_LAB_STRING(STEP_OVER_ROUND, "time of a plain step / time of a round", "普通一步用时 ÷ 一轮用时")
FL_LAB_STRING(SPEED_UP, "speed against plain decoding", "相对普通解码的速度")
FL_LAB_STRING(SLIP_SPEC_INDEPENDENT, "Behind the first rejection the rest is thrown away, accepted or not.", "第一个被拒绝之后，其余不论好坏一概作废。")
FL_LAB_STRING(SLIP_SPEC_NO_BONUS, "Every round adds one token of the target's own.", "每一轮还有目标模型自己的一个词元。")
FL_LAB_STRING(SLIP_SPEC_FREE, "The draft computes, too, and what is thrown away was computed.", "草稿也要运算，作废的词元也是算出来的。")
FL_LAB_STRING(SLIP_SPEC_LESS, "Fewer passes of the target, but each over 5 tokens.", "目标模型计算次数少了，但每次要算 5 个词元。")
FL_LAB_STRING(SLIP_SPEC_DRAFT_FREE, "That takes the draft's steps for free.", "这是把草稿的各步当成不花时间。")
