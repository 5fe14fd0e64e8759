#include "reports/json_tree.h"

#include "base/utf8.h"

#include <string.h>

void fl_json_add_wide(cJSON *object, const char *name, fl_wide value)
{
    char digits[FL_WIDE_DIGITS];
    cJSON_AddRawToObject(object, name, fl_wide_text(value, digits));
}

cJSON *fl_json_append_object(cJSON *array)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    return object;
}

int fl_json_print(cJSON *root, FILE *out, struct fl_error *error)
{
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return fl_fail(error, "not enough memory for the JSON text");
    const char *at = text, *end = text + strlen(text);
    while (at < end) {
        const size_t n = fl_utf8_valid(at, (size_t)(end - at));
        fwrite(at, 1, n, out);
        at += n;
        if (at < end) { /* only strings hold what is not ASCII */
            fputs("\\ufffd", out);
            at++;
        }
    }
    fputc('\n', out);
    cJSON_free(text);
    return FL_OK;
}
