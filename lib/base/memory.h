/* memory.h - how much memory this process may still take, asked before a large reservation, so
 * that it is refused with a sentence instead of ending in the kernel's out-of-memory killer. */
#ifndef FL_BASE_MEMORY_H
#define FL_BASE_MEMORY_H

#include "base/error.h"

#include <stdint.h>

/* Bytes: MemAvailable of /proc/meminfo, or what the control group leaves when that is less.
 * UINT64_MAX where neither can be read: then the reservation itself decides. */
uint64_t fl_memory_available(void);

/* Fails with "WHAT needs 12.3 GiB of memory, 4.5 GiB are available" when it would not do. */
int fl_memory_require(uint64_t bytes, const char *what, struct fl_error *error);

#endif
