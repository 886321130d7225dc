#define _GNU_SOURCE
#include "csignals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static atomic_int stop_signal;
static atomic_int save_requested;

static void note(int signal) {
    if (signal == SIGUSR2) atomic_store(&save_requested, 1);
    else atomic_store(&stop_signal, signal);
}

int gfn_signals_install(void) {
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;  // reads and writes under way go on
    sigemptyset(&action.sa_mask);
    sigset_t wanted;
    sigemptyset(&wanted);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaddset(&wanted, signals[i]);
        if (sigaction(signals[i], &action, NULL) != 0) return errno;
    }
    // A program inherits blocked signals from the thread that started it, and would never hear of them.
    return pthread_sigmask(SIG_UNBLOCK, &wanted, NULL);
}

int gfn_signals_take_stop(void) { return atomic_exchange(&stop_signal, 0); }
int gfn_signals_peek_stop(void) { return atomic_load(&stop_signal); }
int gfn_signals_take_save(void) { return atomic_exchange(&save_requested, 0); }
