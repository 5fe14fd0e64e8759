/* error.h - one sentence about what went wrong, carried back to the caller.
 *
 * A call that can fail returns FL_OK or FL_FAILED and fills the caller's struct fl_error. The
 * sentence names the file, the field and what was expected. The library never prints or exits. */
#ifndef FL_BASE_ERROR_H
#define FL_BASE_ERROR_H

#define FL_OK     0
#define FL_FAILED (-1)

struct fl_error {
    char text[512];
};

/* Writes the sentence, truncated to fit, and returns FL_FAILED, so that `return fl_fail(error,
 * ...)` reads well. It is valid UTF-8 without control characters, whatever was quoted: other bytes
 * become '?'. error may be NULL. */
int fl_fail(struct fl_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
