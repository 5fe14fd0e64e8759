/* papi_software.h - lets PAPI be tested on a machine without hardware counters. */
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

/* Before PAPI starts. Pretends that this is a processor (a unit of libpfm4's, "skx") of so many
 * registers: each of its events counts page faults, and a group of more events than registers is
 * refused, as Linux refuses it. */
void papi_pretend_processor(const char *pmu, int n_registers);

#endif
