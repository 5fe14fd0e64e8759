/* memory.h - how much memory this process may still take, asked before a large reservation, so
 * that it is refused with a sentence instead of ending in the kernel's out-of-memory killer. */
#ifndef FL_BASE_MEMORY_H
#define FL_BASE_MEMORY_H

#include "base/error.h"

#include <stdint.h>

/* Fails with "WHAT needs 12.3 GiB of memory, 4.5 GiB are available" when it would not do: beyond
 * MemAvailable of /proc/meminfo, or what the control group leaves. Where neither can be read the
 * reservation itself decides. */
int fl_memory_require(uint64_t bytes, const char *what, struct fl_error *error);

#endif
