#include "base/error.h"

#include <criterion/criterion.h>
#include <string.h>

Test(error, carries_a_sentence)
{
    struct fl_error error;
    cr_expect_eq(fl_fail(&error, "%s: %s: expected %d", "a.json", "d_model", 3), FL_FAILED);
    cr_expect_str_eq(error.text, "a.json: d_model: expected 3");
}

Test(error, quotes_no_control_characters)
{
    struct fl_error error;
    fl_fail(&error, "%s", "a\x1b[2Jb\nc\x7f");
    cr_expect_str_eq(error.text, "a?[2Jb?c?");
}

/* A character cut by a precision, a byte that is none, and the terminal's C1 controls. */
Test(error, is_valid_utf8_whatever_is_quoted)
{
    struct fl_error error;
    fl_fail(&error, "'%.4s' '%s' '%s'", "caf\xc3\xa9", "\xff\xe2\x82",
            "\xc2\x9b"
            "2J");
    cr_expect_str_eq(error.text, "'caf?' '\?\?\?' '\?\?2J'");
    fl_fail(&error, "%s", "\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x99\x82");
    cr_expect_str_eq(error.text, "\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x99\x82");
}

Test(error, cuts_what_does_not_fit)
{
    char text[2 * sizeof(struct fl_error)];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    struct fl_error error;
    fl_fail(&error, "%s", text);
    cr_expect_eq(strlen(error.text), sizeof error.text - 1);
}

Test(error, may_be_ignored)
{
    cr_expect_eq(fl_fail(NULL, "nobody reads this"), FL_FAILED);
}
