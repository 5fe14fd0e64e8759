/* */
/* clang-format off */
