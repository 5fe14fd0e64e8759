/* calculator.h - the ledger's formula table as JSON, for the calculator on the page.
 *
 * The page evaluates the very rows of text that the program evaluates (ledger/formulas.h), with
 * calculator.js. What the rows cannot say is said here beside them: which features a model has, the
 * formats of numbers, and which matrix an operator reads. A test runs calculator.js over random
 * models and shapes and holds it equal to fl_analytic() to the last FLOP and byte.
 *
 * Decoder-only models; encoder-decoders have two stacks, which the calculator does not draw. */
#ifndef FL_REPORTS_CALCULATOR_H
#define FL_REPORTS_CALCULATOR_H

#include "model/config.h"
#include "reports/report.h"

/* One model as the calculator takes it: {"name", "features", "values": {"h", "n_h", ...}}. A
 * failure is one of the config's. */
int fl_calculator_model(FILE *out, const struct fl_config *config, struct fl_error *error);

/* Everything, malloc'd: words in the language, the rows, formats, the models of the results and the
 * presets. Holds no '<', so that it may stand in a <script>. results may be NULL. */
int fl_calculator_json(char **json, enum fl_language language, const struct fl_results *results,
                       struct fl_error *error);

/* The topic around it. */
fl_topic_renderer fl_report_calculator;

#endif
