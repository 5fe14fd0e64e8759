/* account_render.h - an account as a table, Markdown, CSV or JSON, and its formulas explained. */
#ifndef FL_REPORTS_ACCOUNT_RENDER_H
#define FL_REPORTS_ACCOUNT_RENDER_H

#include "analyzers/account.h"
#include "analyzers/roofline.h"
#include "ledger/expression.h"
#include "reports/table.h"

#include <stdio.h>

/* Operators summed over layers, the gap, and memory. */
int fl_account_print(const struct fl_account *account, enum fl_table_style style, FILE *out,
                     struct fl_error *error);

/* One row a layer and operator, for spreadsheets. light: what the machine's ceilings allow; NULL:
 * the account was not run. */
int fl_account_print_csv(const struct fl_account *account, const struct fl_light *light, FILE *out,
                         struct fl_error *error);

/* Schema 1, documented in docs/json.md; light as above. */
int fl_account_print_json(const struct fl_account *account, const struct fl_light *light, FILE *out,
                          struct fl_error *error);

/* Each formula symbolic, with the figures put in, and valued. */
int fl_account_explain(const struct fl_account *account, enum fl_notation notation, FILE *out,
                       struct fl_error *error);

/* FLOPs in the account's unit: all digits (grouped by commas or not), ".5" where FLOPs / 2 is not
 * whole. */
char *fl_account_figure(const struct fl_account *account, fl_wide flops, bool grouped,
                        char out[FL_WIDE_GROUPED]);

#endif
