#include "base/interrupt.h"

#include <stddef.h>

volatile sig_atomic_t fl_interrupt_signal;

static void note(int number)
{
    fl_interrupt_signal = number;
}

void fl_interrupt_catch(void)
{
    static const int SIGNALS[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    fl_interrupt_signal = 0;
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) {
        struct sigaction before;
        if (sigaction(SIGNALS[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(SIGNALS[i], &action, NULL);
    }
}
