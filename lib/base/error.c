#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int fl_fail(struct fl_error *error, const char *format, ...)
{
    if (!error)
        return FL_FAILED;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    for (char *c = error->text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    return FL_FAILED;
}
