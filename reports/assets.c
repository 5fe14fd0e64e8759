/* assets.c - the assembler reads the files; the Makefile knows that this object depends on them. */
#include "reports/assets.h"

#define ASSET(name, path)                                                                          \
    __asm__(".section .rodata\n"                                                                   \
            ".global " #name "\n"                                                                  \
            ".type " #name ", %object\n" #name ":\n"                                               \
            ".incbin \"" path "\"\n"                                                               \
            ".byte 0\n"                                                                            \
            ".size " #name ", . - " #name "\n"                                                     \
            ".previous\n")

ASSET(fl_asset_page_css, "reports/page.css");
ASSET(fl_asset_page_js, "reports/page.js");
ASSET(fl_asset_calculator_js, "reports/calculator.js");
