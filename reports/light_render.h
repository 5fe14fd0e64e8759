/* light_render.h - an account's times beside what the machine's ceilings allow, for a terminal. */
#ifndef FL_REPORTS_LIGHT_RENDER_H
#define FL_REPORTS_LIGHT_RENDER_H

#include "analyzers/roofline.h"
#include "reports/table.h"

#include <stdio.h>

/* A row an operator, all layers together, the step as a whole, and MFU, HFU and MBU; or why they
 * are not known. */
int fl_light_print(const struct fl_light *light, enum fl_table_style style, FILE *out,
                   struct fl_error *error);

#endif
