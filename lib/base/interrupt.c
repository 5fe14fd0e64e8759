#include "base/interrupt.h"

#include <stddef.h>
#include <unistd.h>

volatile sig_atomic_t fl_interrupt_signal;

static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};
enum { N_SIGNALS = sizeof SIGNALS / sizeof *SIGNALS, N_DOOMED = 8 };

static const char *volatile doomed[N_DOOMED];

static void end(int number)
{
    for (int i = 0; i < N_DOOMED; i++)
        if (doomed[i])
            unlink(doomed[i]);
    signal(number, SIG_DFL);
    raise(number);
}

/* Where whoever started us did not choose to ignore the signal. */
static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler}, before;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

static void note(int number)
{
    fl_interrupt_signal = number;
    handle(number, end);
}

void fl_interrupt_catch(void)
{
    fl_interrupt_signal = 0;
    handle(SIGINT, note);
    handle(SIGTERM, note);
}

void fl_interrupt_remove(const char *path)
{
    int free_place = 0;
    while (free_place < N_DOOMED && doomed[free_place])
        free_place++;
    if (free_place == N_DOOMED)
        return;
    doomed[free_place] = path;
    for (int i = 0; i < N_SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(SIGNALS[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            handle(SIGNALS[i], end);
    }
}

void fl_interrupt_keep(const char *path)
{
    for (int i = 0; i < N_DOOMED; i++)
        if (doomed[i] == path)
            doomed[i] = NULL;
}
