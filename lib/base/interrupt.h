/* interrupt.h - Ctrl-C as a wish: work that can be shown ends where it is whole. */
#ifndef FL_BASE_INTERRUPT_H
#define FL_BASE_INTERRUPT_H

#include <signal.h>

/* 0, or the number of the signal that came. */
extern volatile sig_atomic_t fl_interrupt_signal;

/* From here on the first SIGINT or SIGTERM is only noted; the second one ends the process. A signal
 * that whoever started us chose to ignore stays ignored. */
void fl_interrupt_catch(void);

#endif
