/* strings_roofline.h - rows of ceilings and rooflines: X(ID, "English", "Chinese"); see strings.h.
 */
/* clang-format off */

/* clang-format on */
