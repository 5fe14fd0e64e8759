/* interrupt.h - Ctrl-C as a wish: work that can be shown ends where it is whole, and what is half
 * written is removed. */
#ifndef FL_BASE_INTERRUPT_H
#define FL_BASE_INTERRUPT_H

#include <signal.h>

/* 0, or the number of the signal that came. */
extern volatile sig_atomic_t fl_interrupt_signal;

/* From here on the first SIGINT or SIGTERM is only noted; the second one ends the process. A signal
 * that whoever started us chose to ignore stays ignored. */
void fl_interrupt_catch(void);

/* A file that is removed when a signal ends the process, until fl_interrupt_keep() is called with
 * the same pointer, which must stay good. At most 8 at a time; more stay. For fl_output_open(). */
void fl_interrupt_remove(const char *path);
void fl_interrupt_keep(const char *path);

/* The exit status behind it: as shells report a signal, 128 + its number; `status` without one. */
static inline int fl_interrupt_status(int status)
{
    return fl_interrupt_signal ? 128 + (int)fl_interrupt_signal : status;
}

#endif
