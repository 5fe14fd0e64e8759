#include "bench/hostinfo.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(hostinfo, everything_is_known_or_says_that_it_is_not)
{
    struct fl_run run;
    fl_hostinfo_fill(&run);
    const char *const texts[] = {run.started_at, run.host,        run.cpu_model, run.governor,
                                 run.kernel,     run.blas_config, run.blas_core, run.isa,
                                 run.counter,    run.version,     run.commit,    run.machine};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cr_expect(texts[i][0], "text %zu is empty", i);
        for (const char *c = texts[i]; *c; c++)
            cr_expect((unsigned char)*c >= ' ', "text %zu: %s", i, texts[i]);
    }
    int year;
    cr_expect_eq(sscanf(run.started_at, "%d-%*d-%*dT%*d:%*d:%*dZ", &year), 1);
    cr_expect_geq(year, 2024);
    cr_expect_gt(run.n_cores, 0);
    cr_expect(strstr(run.blas_config, "OpenBLAS"), "%s", run.blas_config);
    cr_expect(strstr(run.machine, run.isa), "%s", run.machine);
}

/* A shell must read back the words that were put in. */
Test(hostinfo, a_command_line_can_be_pasted)
{
    char *words[] = {"sweep", "-m", "a b", "it's", "$HOME", "*", "", "16-64*2", "back\\slash"};
    enum { N = sizeof words / sizeof *words };
    struct fl_run run;
    fl_hostinfo_command_line(&run, N, words);
    char command[4096], got[256];
    snprintf(command, sizeof command, "flopledger() { printf '%%s\\n' \"$@\"; }; %s",
             run.command_line);
    FILE *shell = popen(command, "r");
    cr_assert_not_null(shell);
    for (int i = 0; i < N; i++) {
        cr_assert_not_null(fgets(got, sizeof got, shell), "%s", run.command_line);
        got[strcspn(got, "\n")] = '\0';
        cr_expect_str_eq(got, words[i], "%s", run.command_line);
    }
    cr_expect_null(fgets(got, sizeof got, shell));
    cr_expect_eq(pclose(shell), 0);
}

Test(hostinfo, a_long_command_line_is_cut)
{
    static char word[3000];
    memset(word, 'x', sizeof word - 1);
    char *words[] = {"sweep", word, word};
    struct fl_run run;
    fl_hostinfo_command_line(&run, 3, words);
    cr_expect_eq(strlen(run.command_line), sizeof run.command_line - 1);
}
