/* strings_statistics.h - rows of fits, comparisons and noise: X(ID, "English", "Chinese"); see
 * strings.h. */
/* clang-format off */

/* clang-format on */
