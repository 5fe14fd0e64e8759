/* The tables that a report is made from: topics and plots. */
#include "reports/plots.h"
#include "reports/report.h"

#include <criterion/criterion.h>
#include <string.h>

enum { NAMES_MAX = 128 };

static void add(const char *names[NAMES_MAX], int *n, const char *name)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    cr_assert_lt(*n, NAMES_MAX);
    cr_expect_eq(strspn(name, PLAIN), strlen(name), "%s: small letters, digits and '-'", name);
    cr_expect(strncmp(name, "model", 5) != 0, "%s: model1, model2-... are taken", name);
    for (int i = 0; i < *n; i++)
        cr_expect_str_neq(names[i], name, "topics and plots are ids of one page");
    names[(*n)++] = name;
}

Test(topics, names_are_unique_ids)
{
    const char *names[NAMES_MAX];
    int n = 0, n_rows;
    for (int place = FL_OF_MODEL; place <= FL_BEHIND_MODELS; place++) {
        const struct fl_topic *topics = fl_topics((enum fl_topic_place)place, &n_rows);
        for (int i = 0; i < n_rows; i++) {
            add(names, &n, topics[i].name);
            cr_expect(topics[i].possible && topics[i].render, "%s", topics[i].name);
        }
    }
    const struct fl_plot *plots = fl_plots(&n_rows);
    for (int i = 0; i < n_rows; i++) {
        add(names, &n, plots[i].name);
        cr_expect_eq(fl_plot_find(plots[i].name), &plots[i]);
    }
    cr_expect_gt(n, 20);
    cr_expect_null(fl_plot_find("nothing"));
    /* ids of the page's own */
    static const char *const OWN[] = {"content", "calculator", "ledger", "language", "theme",
                                      "print",   "method",     "runs",   "sort-hint"};
    for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++)
        add(names, &n, OWN[i]);
}
