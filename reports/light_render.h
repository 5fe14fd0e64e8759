/* light_render.h - an account's times beside what the machine's ceilings allow, for a terminal. */
#ifndef FL_REPORTS_LIGHT_RENDER_H
#define FL_REPORTS_LIGHT_RENDER_H

#include "analyzers/account.h"
#include "analyzers/roofline.h"
#include "reports/table.h"

#include <stdio.h>

/* A row an operator, the step as a whole, and MFU, HFU and MBU. The account has counted. */
int fl_light_print(const struct fl_account *account, const struct fl_roofs *roofs,
                   enum fl_table_style style, FILE *out, struct fl_error *error);

#endif
