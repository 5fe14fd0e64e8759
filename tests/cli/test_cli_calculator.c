/* The calculator of the page against the program: calculator.js, over random models and shapes,
 * must give what fl_analytic() gives, to the last FLOP and byte. It computes in BigInt, so no
 * figure is too large for it. */
#include "base/error.h"
#include "ledger/analytic.h"
#include "ledger/operators.h"
#include "model/presets.h"
#include "reports/assets.h"
#include "reports/calculator.h"
#include "tests/cli/browser.h"
#include "tests/unit/engine_harness.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct run_scratch scratch;

static void setup(void)
{
    run_scratch_make(&scratch);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_calculator, .init = setup, .fini = teardown);

enum { N_CASES = 600, N_FIGURES = 4 };

static const char *const KERNELS[] = {"naive", "causal", "flash"};
static const char *const LOGITS[] = {"last", "all", "none"};

struct input {
    int b, s, p, kernel, logits;
    bool cache;
    enum fl_dtype dtype, kv_dtype;
};

static FILE *create(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch.path, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    return file;
}

/* A published model, or a drawn one at widths up to thousands, with a sliding window now and then.
 */
static struct fl_config draw_config(struct harness_random *random, int i)
{
    static const int SCALES[] = {1, 2, 32, 96};
    struct fl_error error;
    struct fl_config config;
    if (i % 2 == 0) {
        int n;
        const struct fl_preset *presets = fl_presets(&n);
        do
            config = presets[harness_pick(random, 0, n - 1)].config;
        while (config.n_encoder_layers > 0);
        return config;
    }
    config = harness_config((uint64_t)i);
    int scale = SCALES[harness_pick(random, 0, 3)];
    bool classic = !config.gated;
    config.d_model *= scale;
    config.d_ff = classic ? 4 * config.d_model : config.d_ff * scale;
    config.d_ff_shared *= scale;
    if (harness_pick(random, 0, 3) == 0)
        config.sliding_window = harness_pick(random, 1, 200);
    cr_assert_eq(fl_config_check(&config, "drawn", &error), FL_OK, "%s", error.text);
    return config;
}

static struct input draw_input(struct harness_random *random)
{
    static const int MOST[] = {4, 300, 70000};
    int most = MOST[harness_pick(random, 0, 2)];
    return (struct input){.b = harness_pick(random, 1, 9),
                          .s = harness_pick(random, 1, harness_pick(random, 0, 1) ? most : 2),
                          .p = harness_pick(random, 0, 1) * harness_pick(random, 0, most),
                          .kernel = harness_pick(random, 0, 2),
                          .logits = harness_pick(random, 0, 2),
                          .cache = harness_pick(random, 0, 3) != 0,
                          .dtype = (enum fl_dtype)harness_pick(random, 0, FL_N_DTYPES - 1),
                          .kv_dtype = (enum fl_dtype)harness_pick(random, FL_F32, FL_BF16)};
}

static void analyse(struct fl_analytic *analytic, const struct fl_config *config,
                    const struct input *input)
{
    static const enum fl_lm_head LM_HEADS[] = {FL_LM_HEAD_LAST, FL_LM_HEAD_ALL, FL_LM_HEAD_NONE};
    struct fl_error error;
    struct fl_stored stored;
    cr_assert_eq(fl_stored_of_config(&stored, config, input->dtype, &error), FL_OK, "%s",
                 error.text);
    struct fl_shape shape = {.batch = input->b,
                             .n_tokens = input->cache ? input->s : input->s + input->p,
                             .n_past = input->cache ? input->p : 0,
                             .stored = &stored,
                             .kv_dtype = input->kv_dtype};
    struct fl_convention convention = {.unit = FL_UNIT_FLOP,
                                       .causal =
                                           input->kernel == 0 ? FL_CAUSAL_FULL : FL_CAUSAL_EXACT,
                                       .lm_head = LM_HEADS[input->logits],
                                       .elementwise = true,
                                       .fused = input->kernel == 2};
    cr_assert_eq(fl_analytic(analytic, config, &shape, &convention, &error), FL_OK, "%s",
                 error.text);
}

static void put_figures(FILE *out, const struct fl_op_analytic *figures)
{
    const fl_wide values[N_FIGURES] = {figures->textbook, figures->exact, figures->bytes_read,
                                       figures->bytes_written};
    char digits[FL_WIDE_DIGITS];
    for (int k = 0; k < N_FIGURES; k++)
        fprintf(out, "%s\"%s\"", k ? ", " : "", fl_wide_text(values[k], digits));
}

/* {"model", "input", "total": [textbook, exact, read, written, KV cache, activations], "ops":
 * [[operator, the same four of one layer]...]} */
static void put_case(FILE *out, const struct fl_config *config, const struct input *input)
{
    struct fl_analytic analytic;
    struct fl_error error;
    char digits[FL_WIDE_DIGITS];
    analyse(&analytic, config, input);
    fputs("{\"model\": ", out);
    cr_assert_eq(fl_calculator_model(out, config, &error), FL_OK, "%s", error.text);
    fprintf(out,
            ", \"input\": {\"b\": %d, \"s\": %d, \"p\": %d, \"cache\": %s, \"kernel\": \"%s\", "
            "\"logits\": \"%s\", \"format\": %d, \"cache_format\": %d}, \"total\": [",
            input->b, input->s, input->p, input->cache ? "true" : "false", KERNELS[input->kernel],
            LOGITS[input->logits], input->dtype, input->kv_dtype);
    put_figures(out, &analytic.total);
    fprintf(out, ", \"%s\"", fl_wide_text(analytic.kv_cache_bytes, digits));
    fprintf(out, ", \"%s\"], \"ops\": [", fl_wide_text(analytic.activation_bytes, digits));
    int n = 0;
    for (int op = 0; op < FL_N_OPERATORS; op++)
        if (analytic.ops[FL_STACK_DECODER][op].present) {
            fprintf(out, "%s[%d, ", n++ ? ", " : "", op);
            put_figures(out, &analytic.ops[FL_STACK_DECODER][op]);
            fputs("]", out);
        }
    fputs("]}", out);
}

static void put_cases(FILE *out)
{
    struct harness_random random = {2026};
    fputs("[", out);
    for (int i = 0; i < N_CASES; i++) {
        const struct fl_config config = draw_config(&random, i);
        const struct input input = draw_input(&random);
        fputs(i ? ",\n" : "", out);
        put_case(out, &config, &input);
    }
    fputs("]", out);
}

/* check(ledger, data, cases): "EQUAL in N figures", or the first that is not. */
static const char CHECK[] =
    "function check(ledger, data, cases) {\n"
    "  var n = 0;\n"
    "  for (var i = 0; i < cases.length; i++) {\n"
    "    var c = cases[i], r = ledger(data, c.model, c.input);\n"
    "    var said = 'case ' + i + ', ' + c.model.name + ' ' + JSON.stringify(c.input) + ': ';\n"
    "    if (r.operators.length !== c.ops.length) return said + 'operators ' +\n"
    "      r.operators.length + ' instead of ' + c.ops.length;\n"
    "    for (var k = 0; k < c.ops.length; k++) {\n"
    "      var o = r.operators[k], mine = [o.textbook, o.exact, o.read, o.written];\n"
    "      if (o.op !== c.ops[k][0]) return said + 'operator ' + o.op;\n"
    "      for (var f = 0; f < 4; f++, n++)\n"
    "        if (String(mine[f]) !== c.ops[k][f + 1]) return said + data.operators[o.op].name +\n"
    "          ' figure ' + f + ': ' + mine[f] + ' instead of ' + c.ops[k][f + 1];\n"
    "    }\n"
    "    var sums = [r.textbook, r.exact, r.read, r.written, r.kv_cache, r.activations];\n"
    "    for (var t = 0; t < 6; t++, n++)\n"
    "      if (String(sums[t]) !== c.total[t]) return said + 'total ' + t + ': ' + sums[t] +\n"
    "        ' instead of ' + c.total[t];\n"
    "  }\n"
    "  return 'EQUAL in ' + n + ' figures';\n"
    "}\n";

static void write_files(bool wrong)
{
    struct fl_error error;
    char *json;
    cr_assert_eq(fl_calculator_json(&json, FL_EN, NULL, &error), FL_OK, "%s", error.text);
    if (wrong) { /* one row with one digit changed: the check must see it */
        char *row = strstr(json, "\"2*b*s*h*(n_h + 2*n_kv)*d_h\"");
        cr_assert_not_null(row);
        row[1] = '3';
    }
    FILE *file = create("check.js");
    fprintf(file, "%svar data = %s, cases = ", CHECK, json);
    put_cases(file);
    fputs(";\n", file);
    fclose(file);
    free(json);
    file = create("calculator.js");
    fputs(fl_asset_calculator_js, file);
    fclose(file);
    file = create("node.js");
    fputs("const fs = require('fs'), vm = require('vm'), path = require('path');\n"
          "const { ledger } = require('./calculator.js');\n"
          "vm.runInThisContext(fs.readFileSync(path.join(__dirname, 'check.js'), 'utf8') +\n"
          "  ';globalThis.run = function (l) { return check(l, data, cases); }');\n"
          "console.log(globalThis.run(ledger));\n",
          file);
    fclose(file);
    file = create("page.html");
    fputs("<!doctype html><meta charset=\"utf-8\"><p id=\"result\">nothing ran</p>"
          "<script src=\"calculator.js\"></script><script src=\"check.js\"></script><script>\n"
          "document.getElementById('result').textContent = check(flopledger.ledger, data, cases);\n"
          "</script>\n",
          file);
    fclose(file);
}

static void expect_equal(const char *where, const struct run_result *r)
{
    const char *said = strstr(r->out, "EQUAL in ");
    cr_assert(said, "%s: %.1500s%.500s", where, r->out, r->err);
    int n = atoi(said + strlen("EQUAL in "));
    cr_expect_gt(n, N_CASES * 30, "%s: compared %d figures only", where, n);
}

Test(cli_calculator, equals_the_program)
{
    if (!browser_chromium() && !browser_node())
        browser_skip("the calculator against the program");
    write_files(false);
    if (browser_chromium()) {
        struct run_result r = browser_load(&scratch, "page.html", 800, "");
        expect_equal("Chromium", &r);
        run_release(&r);
    }
    if (browser_node()) {
        struct run_result r = run_shell("'%s' '%s/node.js'", browser_node(), scratch.path);
        expect_equal("node", &r);
        run_release(&r);
    }
}

Test(cli_calculator, a_wrong_row_is_seen)
{
    if (!browser_chromium() && !browser_node())
        browser_skip("a wrong row of the calculator");
    write_files(true);
    struct run_result r = browser_node()
                              ? run_shell("'%s' '%s/node.js'", browser_node(), scratch.path)
                              : browser_load(&scratch, "page.html", 800, "");
    cr_expect_not(strstr(r.out, "EQUAL in "));
    cr_expect(strstr(r.out, "qkv figure 1"), "%.500s%.500s", r.out, r.err);
    run_release(&r);
}

/* What is written for a page cannot end the element that it stands in. */
Test(cli_calculator, names_stay_names)
{
    struct fl_results results = {.n_models = 1};
    struct fl_model_record record = {.config = harness_config(1)};
    struct fl_error error;
    char *json;
    strcpy(record.config.name, "</script><script>alert(1)</script>\"'\\");
    results.models = &record;
    cr_assert_eq(fl_calculator_json(&json, FL_ZH, &results, &error), FL_OK, "%s", error.text);
    cr_expect_null(strchr(json, '<'));
    cr_expect(strstr(json, "\\u003c/script>\\u003cscript>alert(1)"));
    free(json);
}
