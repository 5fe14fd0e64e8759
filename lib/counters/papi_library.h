/* papi_library.h - what the counter and the probe share of PAPI: starting it, what is there and
 * why not, event sets. Nothing here without FL_HAS_PAPI. */
#ifndef FL_COUNTERS_PAPI_LIBRARY_H
#define FL_COUNTERS_PAPI_LIBRARY_H

#include "base/error.h"

#ifdef FL_HAS_PAPI

#include <papi.h>
#include <stdbool.h>
#include <stddef.h>

/* *started: it was not running, and is the caller's to PAPI_shutdown(). */
int fl_papi_start(bool *started, struct fl_error *error);
void fl_papi_version(char *out, size_t size);

/* The component that counts by thread, and its index; NULL and -1 when PAPI has none. */
const PAPI_component_info_t *fl_papi_threads_component(int *index);

/* libpfm4's name of the processor's monitoring unit; "" when it is unknown. */
const char *fl_papi_pmu_name(void);

/* Why the processor's own events cannot be counted here, or an empty text. */
void fl_papi_why_not(char *out, size_t size);

/* An empty event set of a component; for the one that counts by thread, of thread tid and those
 * it will start. Returns PAPI's code. */
int fl_papi_make_set(int component, int tid, int *handle);
void fl_papi_drop_set(int *handle);

int fl_papi_own_tid(void);

/* The lowest descriptor of a kernel event that is open in this process and not in known; adds all
 * there are to known. -1 when there is none. */
enum { FL_PAPI_DESCRIPTORS = 65536 };
int fl_papi_new_descriptor(bool known[FL_PAPI_DESCRIPTORS]);

/* False when the kernel has taken the registers of an event and its group away. */
bool fl_papi_still_counts(int descriptor);

/* PAPI_OK when an event can be counted if it is alone, PAPI's code otherwise. */
int fl_papi_try(const char *name);

#endif
#endif
