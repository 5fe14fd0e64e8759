/* browser.h - runs pages in headless Chromium, or scripts in node, where they are installed. */
#ifndef FL_TESTS_BROWSER_H
#define FL_TESTS_BROWSER_H

#include "tests/cli/run.h"

#include <stdbool.h>

/* The program's name, or NULL. $FLOPLEDGER_CHROMIUM names one that is elsewhere; empty: none. */
const char *browser_chromium(void);
const char *browser_node(void);

/* Says on stderr that a test is skipped because there is no browser, and skips it. */
void browser_skip(const char *what);

/* The page in a window of this width, as it stands when its scripts have run: out is the DOM, err
 * what the browser logged. options: more of Chromium's, or "". The browser keeps its profile in the
 * scratch directory. */
struct run_result browser_load(const struct run_scratch *scratch, const char *file, int width,
                               const char *options);

#endif
