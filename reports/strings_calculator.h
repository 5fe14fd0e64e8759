/* strings_calculator.h - rows of the interactive calculator: X(ID, "English", "Chinese"); see
 * strings.h. */
/* clang-format off */

X(CALC_TITLE, "Calculator of the ledger", "账本计算器")
X(CALC_ON_PAGE, "The calculator is on the page, index.html.", "计算器见网页 index.zh.html。")
X(CALC_NEEDS_SCRIPT, "The calculator needs scripts, which are switched off here.", "计算器需要脚本，而此处脚本已关闭。")

/* clang-format on */
