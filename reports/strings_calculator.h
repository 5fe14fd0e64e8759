/* strings_calculator.h - rows of the interactive calculator: X(ID, "English", "Chinese"); see
 * strings.h. */
/* clang-format off */

X(CALC_TITLE, "Calculator of the ledger", "账本计算器")

/* clang-format on */
