/* why_harness.h - reads a walk from another tool's figure to ours. */
#ifndef FL_TESTS_WHY_HARNESS_H
#define FL_TESTS_WHY_HARNESS_H

#include "analyzers/why.h"

/* FLOPs of the first term of this name; 0: there is none. */
double why_term(const struct fl_why *why, const char *name);

#endif
