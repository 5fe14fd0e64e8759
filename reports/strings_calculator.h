/* strings_calculator.h - rows of the interactive calculator: X(ID, "English", "Chinese"); see
 * strings.h. The page's script gets all of them by their names. */
/* clang-format off */

X(CALC_TITLE, "Calculator of the ledger", "账本计算器")
X(CALC_ON_PAGE, "The calculator is on the page, index.html.", "计算器见网页 index.zh.html。")
X(CALC_NEEDS_SCRIPT, "The calculator needs scripts, which are switched off here.",
  "计算器需要脚本，而此处脚本已关闭。")
X(CALC_INTRODUCTION,
  "The program's own formulas, evaluated on this page in whole numbers: change a model or a shape and "
  "every figure follows. Decoder-only models; one forward pass, all layers together.",
  "程序自身的公式，在本页以整数求值：改变模型或形状，所有数字随之变化。适用于仅解码器模型；一次前向，所有层合计。")
X(CALC_MODEL, "Model", "模型")
X(CALC_SHAPE, "Shape and convention", "形状与约定")
X(CALC_MACHINE, "Machine", "机器")
X(CALC_START_FROM, "start from", "起始模型")
X(CALC_IN_RESULTS, "In these results", "本次结果中的模型")
X(CALC_PRESETS, "Published models", "已发表的模型")
X(CALC_WEIGHTS, "weights in", "权重格式")
X(CALC_CACHE_FORMAT, "KV cache in", "键值缓存格式")
X(CALC_CACHE, "KV cache", "键值缓存")
X(CALC_CACHE_ON, "on: s new tokens behind p", "开：p 个词元之后的 s 个新词元")
X(CALC_CACHE_OFF, "off: all p + s tokens again", "关：重算全部 p + s 个词元")
X(CALC_KERNEL, "attention kernel", "注意力内核")
X(CALC_LOGITS, "logits of", "计算 logits 的位置")
X(CALC_LOGITS_LAST, "the last position", "最后一个位置")
X(CALC_LOGITS_ALL, "every position", "所有位置")
X(CALC_LOGITS_NONE, "none", "不计算")
X(CALC_PEAK, "peak, GFLOP/s", "峰值，GFLOP/s")
X(CALC_BANDWIDTH, "bandwidth, GB/s", "带宽，GB/s")
X(CALC_TEXTBOOK, "FLOPs by the textbook", "教科书 FLOP")
X(CALC_EXACT, "FLOPs, exact", "精确 FLOP")
X(CALC_BYTES, "bytes moved", "访存字节数")
X(CALC_INTENSITY, "FLOP per byte", "算术强度（FLOP/字节）")
X(CALC_KV_CACHE, "KV cache, filled so far", "键值缓存，已填充部分")
X(CALC_ACTIVATIONS, "activations", "激活值")
X(CALC_BOUND, "bound by", "受限于")
X(CALC_MEASURED_HERE, "Measured on this machine with %s: the fastest f32 kernel, and reading from DRAM.",
  "在本机（%s）实测：最快的 f32 内核，以及从内存读取。")
X(CALC_COMPUTE, "compute", "计算")
X(CALC_MEMORY, "memory", "访存")
X(CALC_FLOOR, "no faster than", "不快于")
X(CALC_NO_CEILINGS, "unknown: fill in the machine's ceilings", "未知：请填写机器的上限")
X(CALC_COL_OPERATOR, "operator", "算子")
X(CALC_COL_TIMES, "times", "次数")
X(CALC_COL_FORMULA, "formula, and with the figures put in", "公式及代入数字")
X(CALC_COL_FLOPS, "FLOPs", "FLOP")
X(CALC_COL_BYTES, "bytes", "字节数")
X(CALC_COL_INTENSITY, "FLOP/byte", "FLOP/字节")
X(CALC_COL_BOUND, "bound", "受限于")
X(CALC_CAPTION, "Operators of this pass, in the order in which they run", "该次前向的各算子，按执行顺序")
X(CALC_WRONG_HEADS, "Key/value heads must divide the attention heads.", "键值头数必须整除注意力头数。")
X(CALC_WRONG_NUMBER, "Expected a whole number from the range.", "应为范围内的整数。")

/* clang-format on */
