/* What `make install` puts into a directory of its own works from there: the program, its tool, and
 * the library through pkg-config. */
#include "tests/cli/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct run_scratch scratch;

/* $build: where the program was built; $root: where it is installed; $fl: the prefix in it. */
static char shell_setup[512];

static void setup(void)
{
    run_scratch_make(&scratch);
    snprintf(shell_setup, sizeof shell_setup,
             "set -e; build=$(cd \"$(dirname \"$FLOPLEDGER\")\" && pwd); root=%s; fl=$root/opt/fl; "
             "export PKG_CONFIG_PATH=$fl/lib/pkgconfig PATH=$fl/bin:$PATH; "
             "from_there() { cc -std=c11 -Wall -Wextra -Werror \"$1\" -o \"$2\" "
             "$(pkg-config --define-prefix --cflags --libs flopledger); }; ",
             scratch.path);
}

static void teardown(void)
{
    run_scratch_remove(&scratch);
}

TestSuite(cli_install, .init = setup, .fini = teardown);

static struct run_result in_place(const char *line)
{
    struct run_result r = run_shell("%s %s", shell_setup, line);
    cr_assert_eq(r.status, 0, "%s\n%s%s", line, r.out, r.err);
    return r;
}

static void install(void)
{
    struct run_result r = in_place("[ -e \"$build/flopledger.pc\" ] || { echo missing; exit 0; }; "
                                   "scripts/install-files install \"$build\" /opt/fl \"$root\"");
    if (strcmp(r.out, "missing\n") == 0)
        cr_skip_test("flopledger.pc is not built; make test builds it");
    run_release(&r);
}

static void expect_output(const char *line, const char *part)
{
    struct run_result r = in_place(line);
    cr_expect(strstr(r.out, part), "%s: no '%s' in\n%s%s", line, part, r.out, r.err);
    run_release(&r);
}

Test(cli_install, programs_build_against_it_through_pkg_config)
{
    install();
    expect_output(
        "from_there docs/examples/own_program.c $root/own_program; $root/own_program llama-nano",
        "ffn_down       4 calls");
    expect_output("from_there docs/examples/own_operators.c $root/own; $root/own $root/trace.json; "
                  "cat $root/trace.json",
                  "\"name\":\"my kernels\"");
}

Test(cli_install, every_header_stands_alone)
{
    install();
    expect_output("cd $fl/include/flopledger; for header in $(find . -name '*.h'); do "
                  "printf '#include \"%s\"\\n' \"$header\" > $root/alone.c; "
                  "cc -std=c11 -Wall -Wextra -Werror -fsyntax-only -D_DEFAULT_SOURCE -I. "
                  "$root/alone.c || exit 1; done; "
                  "find . -name '*.h' | wc -l",
                  "2");
}

Test(cli_install, the_program_works_from_there)
{
    install();
    expect_output("command -v flopledger", "/opt/fl/bin/flopledger");
    expect_output("cd /; flopledger count -m gpt2 -s 16", "no");
    expect_output("cd /; [ -e $fl/libexec/flopledger/flopgrind-amd64-linux ] || "
                  "{ echo unexplained; exit 0; }; "
                  "flopledger audit -m llama-nano -s 4 -t 1 --reps 1 --counter flopgrind",
                  "unexplained");
    expect_output("bash -c \". $fl/share/bash-completion/completions/flopledger; "
                  "complete -p flopledger\"",
                  "-F _flopledger flopledger");
    expect_output("head -2 $fl/share/man/man1/flopledger-count.1", ".TH FLOPLEDGER\\-COUNT 1");
    expect_output("ls $fl/share/zsh/site-functions $fl/share/fish/vendor_completions.d "
                  "$fl/share/doc/flopledger/docs",
                  "results.md");
}

/* Every file goes, and what somebody else put beside them stays. */
Test(cli_install, uninstall_leaves_nothing_of_ours)
{
    install();
    expect_output("mkdir -p $fl/share/man/man1; : > $fl/share/man/man1/other.1; "
                  "scripts/install-files uninstall \"$build\" /opt/fl \"$root\"; "
                  "find $root ! -type d; ls $fl",
                  "/opt/fl/share/man/man1/other.1\nbin\ninclude\nlib\nlibexec\nshare\n");
    expect_output("ls -A $fl/include $fl/share/doc", "include:\n");
}

Test(cli_install, a_relative_prefix_is_refused)
{
    struct run_result r = run_shell("scripts/install-files install build usr %s", scratch.path);
    cr_expect_eq(r.status, 2);
    cr_expect(strstr(r.err, "prefix: expected an absolute path"), "%s", r.err);
    run_release(&r);
}
