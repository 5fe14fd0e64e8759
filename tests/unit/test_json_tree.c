/* json_tree: what cJSON leaves to its users. */
#include "reports/json_tree.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static char *printed(cJSON *root)
{
    char *text = NULL;
    size_t size;
    struct fl_error error;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    cr_assert_eq(fl_json_print(root, out, &error), FL_OK, "%s", error.text);
    fclose(out);
    return text;
}

Test(json_tree, numbers_that_json_has_not_are_null_and_integers_keep_their_digits)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "a", NAN);
    cJSON_AddNumberToObject(root, "b", -INFINITY);
    cJSON_AddNumberToObject(root, "c", 0.5);
    fl_json_add_wide(root, "d", ((fl_wide)1 << 100) + 1);
    cJSON *list = cJSON_AddArrayToObject(root, "e");
    fl_json_add_wide(fl_json_append_object(list), "f", -1);
    char *text = printed(root);
    cr_expect_str_eq(text,
                     "{\n\t\"a\":\tnull,\n\t\"b\":\tnull,\n\t\"c\":\t0.5,\n\t\"d\":\t"
                     "1267650600228229401496703205377,\n\t\"e\":\t[{\n\t\t\t\"f\":\t-1\n"
                     "\t\t}]\n}\n",
                     "%s", text);
    free(text);
}

/* A lone byte, an overlong form, a surrogate, a character cut short; and two that are fine. */
Test(json_tree, output_is_utf8_whatever_the_strings_are)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "\xff", "\xc0\x80 \xed\xa0\x80 \xe4\xb8\xad \xc3\xa9 \xe4\xb8");
    char *text = printed(root);
    cr_expect_str_eq(text,
                     "{\n\t\"\\ufffd\":\t\"\\ufffd\\ufffd \\ufffd\\ufffd\\ufffd "
                     "\xe4\xb8\xad \xc3\xa9 \\ufffd\\ufffd\"\n}\n",
                     "%s", text);
    cJSON *again = cJSON_Parse(text);
    cr_expect_str_eq(again->child->string, "\xef\xbf\xbd");
    cJSON_Delete(again);
    free(text);
}
