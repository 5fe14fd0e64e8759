/* papi_software.h - lets PAPI count software events on a machine without hardware counters. */
#ifndef PAPI_SOFTWARE_H
#define PAPI_SOFTWARE_H

#include <stdbool.h>

/* True when the kernel gives this process hardware counters. */
bool papi_hardware(void);

/* Before PAPI starts. PAPI offers the kernel's software events (perf::PAGE-FAULTS) only where
 * libpfm4 knows the processor, and asks for a hardware counter before it attaches to a thread.
 * Where there is no such counter, those two questions are answered with yes from here on; what is
 * counted is the kernel's. Does nothing where there are hardware counters. */
void papi_offer_software_events(void);

#endif
