/* papi_sde.h - numbers of ours as software-defined events, which any PAPI tool in the process can
 * read beside the processor's: sde:::LIBRARY::NAME.
 *
 * libsde, the small library that PAPI's sde component reads, is loaded when the first number is
 * offered and not before; without it the call fails and nothing else changes. PAPI looks for it
 * when it starts: a client links libsde itself, or offers the numbers before PAPI_library_init. */
#ifndef FL_COUNTERS_PAPI_SDE_H
#define FL_COUNTERS_PAPI_SDE_H

#include "base/error.h"

#include <stdint.h>

/* Called whenever a tool reads; what it returns should only grow while a tool counts. */
typedef long long (*fl_sde_read_fn)(void *argument);

struct fl_sde {
    void *library; /* libsde's handle of it */
};

/* library: the name before "::". Opening a name again adds to what it has. */
int fl_sde_open(struct fl_sde *sde, const char *library, struct fl_error *error);

/* Names and descriptions are copied. For the rest of the process: there is no way back, as libsde
 * 1.0 (PAPI 7.0) keeps using what it has freed when an event is unregistered. A name that is there
 * already keeps its function and argument. */
int fl_sde_add(struct fl_sde *sde, const char *name, const char *description, fl_sde_read_fn read,
               void *argument, struct fl_error *error);
#endif
