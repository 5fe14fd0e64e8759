/* The table of strings: every row has every language, and the same directives in each. */
#include "reports/strings.h"

#include "analyzers/reconcile.h"
#include "base/excess.h"
#include "ledger/expression.h"
#include "ledger/operators.h"
#include "model/presets.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Behind the directive that begins at `at`, a '%'; NULL when there is none. Directives here have no
 * space flag: "95 % of" is text. */
static const char *directive_end(const char *at)
{
    at++;
    at += strspn(at, "+-#0");
    at += strspn(at, "0123456789*");
    if (*at == '.')
        at += 1 + strspn(at + 1, "0123456789*");
    at += strspn(at, "hlzjtL");
    return *at && strchr("diouxXeEfFgGaAcs%", *at) ? at + 1 : NULL;
}

/* All directives in a row, without "%%", each with a '|' behind it. False when a per cent sign is
 * neither: in a row with directives it must be doubled, in one without it must not. */
static bool directives(const char *text, char *out, size_t size)
{
    size_t used = 0;
    int n_formats = 0, n_plain = 0;
    out[0] = '\0';
    for (const char *at = strchr(text, '%'); at; at = strchr(at, '%')) {
        const char *end = directive_end(at);
        n_formats += end != NULL;
        n_plain += end == NULL;
        if (end && end[-1] != '%')
            used += (size_t)snprintf(out + used, size - used, "%.*s|", (int)(end - at), at);
        cr_assert_lt(used, size);
        at = end ? end : at + 1;
    }
    return n_formats == 0 || n_plain == 0;
}

/* "%d" and "%d" agree, "%d" and "%lld" do not; width and precision may differ. */
static void drop_width(char *directives_text)
{
    char *to = directives_text;
    for (const char *at = directives_text; *at; at++)
        if (!strchr("0123456789.+-#", *at))
            *to++ = *at;
    *to = '\0';
}

Test(strings, every_row_has_both_languages)
{
    for (int id = 0; id < FL_N_STRINGS; id++)
        for (int language = 0; language < FL_N_LANGUAGES; language++) {
            const char *text = fl_text((enum fl_language)language, (enum fl_string_id)id);
            cr_expect(text && *text, "%s: %s", fl_text_name((enum fl_string_id)id),
                      fl_language_names[language]);
        }
    cr_expect_str_eq(fl_language_names[FL_ZH], "zh");
    cr_expect_null(fl_language_names[FL_N_LANGUAGES]);
}

Test(strings, directives_agree_in_number_order_and_type)
{
    for (int i = 0; i < FL_N_STRINGS; i++) {
        const enum fl_string_id id = (enum fl_string_id)i;
        char english[256], chinese[256];
        cr_expect(directives(fl_text(FL_EN, id), english, sizeof english), "%s: English: %%",
                  fl_text_name(id));
        cr_expect(directives(fl_text(FL_ZH, id), chinese, sizeof chinese), "%s: Chinese: %%",
                  fl_text_name(id));
        drop_width(english);
        drop_width(chinese);
        cr_expect_str_eq(english, chinese, "%s", fl_text_name(id));
        cr_expect_eq(strstr(fl_text(FL_EN, id), "%%") != NULL,
                     strstr(fl_text(FL_ZH, id), "%%") != NULL, "%s: %%%%", fl_text_name(id));
    }
}

/* The check must see what it is there for. */
Test(strings, directives_are_found)
{
    static const struct {
        const char *text, *found;
        bool good;
    } CASES[] = {
        {"no directive, 95 % sure", "", true},
        {"%d of %+.1f %% and %lld%s", "%d|%+.1f|%lld|%s|", true},
        {"%d and 5 % of it", "%d|", false},
        {"%5.2f%%", "%5.2f|", true},
        {"(%)", "", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char out[64];
        cr_expect_eq(directives(CASES[i].text, out, sizeof out), CASES[i].good, "%s",
                     CASES[i].text);
        cr_expect_str_eq(out, CASES[i].found);
    }
}

static bool has_chinese(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0xe4 && (unsigned char)*text <= 0xe9)
            return true;
    return false;
}

/* A sentence that was forgotten would stand in English: words of more than one kind need Chinese
 * characters, and no English row may have any. */
Test(strings, chinese_is_chinese)
{
    for (int i = 0; i < FL_N_STRINGS; i++) {
        const enum fl_string_id id = (enum fl_string_id)i;
        const char *english = fl_text(FL_EN, id), *chinese = fl_text(FL_ZH, id);
        cr_expect_not(has_chinese(english), "%s", fl_text_name(id));
        int n_words = 0;
        for (const char *at = english; *at; at++)
            n_words += isalpha((unsigned char)*at) && (at == english || at[-1] == ' ');
        if (n_words > 2)
            cr_expect(has_chinese(chinese), "%s: %s", fl_text_name(id), chinese);
    }
}

Test(strings, words_of_analyzers)
{
    char scratch[FL_WORDS];
    cr_expect_str_eq(fl_text_of(FL_EN, "causal mask", scratch), "causal mask");
    cr_expect_str_eq(fl_text_of(FL_ZH, "causal mask", scratch), "因果掩码");
    cr_expect_str_eq(fl_text_of(FL_ZH, "elementwise: rope", scratch), "逐元素运算：rope");
    cr_expect_str_eq(fl_text_of(FL_ZH, "elementwise: residual", scratch), "逐元素运算：residual");
    cr_expect_str_eq(fl_text_of(FL_EN, "elementwise: softmax", scratch), "elementwise: softmax");
    cr_expect_str_eq(fl_text_of(FL_ZH, "gemm_alpha", scratch), "gemm_alpha");
}

/* What the analyzers name must be a row, or the report shows English among Chinese. */
Test(strings, analyzers_words_are_rows)
{
    char scratch[FL_WORDS];
    for (int i = 0; i < FL_N_EXCESS_TERMS; i++)
        cr_expect(has_chinese(fl_text_of(FL_ZH, fl_excess_name((enum fl_excess_term)i), scratch)),
                  "%s", fl_excess_name((enum fl_excess_term)i));
    for (int i = 0; i < FL_N_SYMBOLS; i++)
        cr_expect(has_chinese(fl_text_of(FL_ZH, fl_symbol_meaning((enum fl_symbol)i), scratch)),
                  "%s", fl_symbol_name((enum fl_symbol)i));
    for (int i = 0; i < FL_N_OPERATORS; i++) {
        const char *group = fl_operator_group((enum fl_operator)i);
        bool same = strcmp(group, "softmax") == 0 || strcmp(group, "logits") == 0;
        cr_expect(same || has_chinese(fl_text_of(FL_ZH, group, scratch)), "%s", group);
    }
}

/* And every term of the gap, over all published models. */
Test(strings, gap_terms_are_rows)
{
    int n;
    char scratch[FL_WORDS];
    const struct fl_preset *presets = fl_presets(&n);
    const struct fl_convention convention = {
        .causal = FL_CAUSAL_EXACT, .lm_head = FL_LM_HEAD_LAST, .elementwise = true};
    for (int i = 0; i < n; i++)
        for (int past = 0; past < 9000; past += 8999) {
            struct fl_shape shape = {
                .batch = 1, .n_tokens = 5, .n_past = past, .n_encoder_tokens = 5};
            struct fl_gap gap;
            struct fl_error error;
            cr_assert_eq(fl_reconcile(&gap, &presets[i].config, &shape, &convention, &error), FL_OK,
                         "%s", error.text);
            for (int k = 0; k < gap.n_terms; k++)
                cr_expect(has_chinese(fl_text_of(FL_ZH, gap.terms[k].term, scratch)), "%s",
                          gap.terms[k].term);
        }
}

Test(strings, formats_are_filled_in)
{
    char out[64];
    cr_expect_str_eq(fl_text_format(out, sizeof out, FL_EN, N_THREADS, 2), "2 threads");
    cr_expect_str_eq(fl_text_format(out, sizeof out, FL_ZH, N_THREADS, 2), "2 线程");
    cr_expect_str_eq(fl_text_format(out, 4, FL_EN, N_THREADS, 2), "2 t");
}
