/* font.h - whether this machine can show the letters of a language, as fontconfig sees it. */
#ifndef FL_REPORTS_FONT_H
#define FL_REPORTS_FONT_H

#include "reports/strings.h"

#include <stdbool.h>

enum { FL_FONT = 128 };

/* The family of an installed font for the language, as `fc-list` names it; false, and font empty,
 * when there is none or nobody to ask. */
bool fl_font_for(enum fl_language language, char font[FL_FONT]);

/* Families that show both scripts, for the font-family of drawings and pages: Latin ones first,
 * then those that systems bring for Chinese. */
extern const char fl_font_stack[];

#endif
