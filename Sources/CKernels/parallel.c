/// A few helper threads that take parts of a parallel region, for regions as short as one matrix product of a decoded token.
///
/// Dispatch wakes its threads too late for those: of regions of 170 µs it ran 1 % on two threads. Here helpers watch for the next
/// region for a while before they sleep, and the caller never waits for a helper to wake: parts that nobody took, it does itself.
///
///     ticket   region number (32 bits) · helpers admitted (8) · parts not yet taken (24)
///
/// A part is taken by lowering the ticket's count. Whoever has taken one keeps the region alive until it reports the part as
/// finished, so `body` and `context` can be read after taking a part, and only then. One region at a time; a caller that finds
/// another one under way works alone.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "ckernels.h"

enum { most_helpers = 255, most_parts = 0xffffff, patience = 3000 };

static struct {
    pthread_mutex_t region, sleep;
    pthread_cond_t wake;
    int helpers;  // under `region`
    void (*body)(void *context, ptrdiff_t part);
    void *context;
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) _Atomic ptrdiff_t finished;
    _Alignas(64) _Atomic int sleepers;
} pool = {.region = PTHREAD_MUTEX_INITIALIZER, .sleep = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static inline void rest(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/// Whether the region has a part for this helper (the caller counts as number −1).
static int has_part(uint64_t ticket, int number) { return (ticket & most_parts) > 0 && number < (int)(ticket >> 24 & 0xff); }

/// Takes and does one part; 0 when there is none.
static int take_part(int number) {
    uint64_t ticket = atomic_load(&pool.ticket);
    while (has_part(ticket, number))
        if (atomic_compare_exchange_weak(&pool.ticket, &ticket, ticket - 1)) {
            pool.body(pool.context, (ptrdiff_t)(ticket & most_parts) - 1);
            atomic_fetch_add(&pool.finished, 1);
            return 1;
        }
    return 0;
}

static void *help(void *argument) {
    const int number = (int)(intptr_t)argument;
    for (;;) {
        for (int idle = 0; idle < patience; idle++) {
            if (take_part(number)) idle = 0;
            else rest();
        }
        pthread_mutex_lock(&pool.sleep);
        atomic_fetch_add(&pool.sleepers, 1);  // before the last look at the ticket: the caller writes it and then looks here
        while (!has_part(atomic_load(&pool.ticket), number)) pthread_cond_wait(&pool.wake, &pool.sleep);
        atomic_fetch_sub(&pool.sleepers, 1);
        pthread_mutex_unlock(&pool.sleep);
    }
    return NULL;
}

/// Starts helpers up to a number; signals stay with the threads that the program started.
static void start_helpers(int wanted) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.helpers < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, help, (void *)(intptr_t)pool.helpers) != 0) break;
        pthread_detach(thread);
        pool.helpers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void gfn_parallel(int threads, ptrdiff_t parts, void (*body)(void *context, ptrdiff_t part), void *context) {
    int helpers = threads - 1 < most_helpers ? threads - 1 : most_helpers;
    if (helpers < 1 || parts > most_parts || pthread_mutex_trylock(&pool.region) != 0) {
        for (ptrdiff_t part = 0; part < parts; part++) body(context, part);
        return;
    }
    if (pool.helpers < helpers) start_helpers(helpers);
    pool.body = body;
    pool.context = context;
    atomic_store(&pool.finished, 0);
    uint64_t region = (atomic_load(&pool.ticket) >> 32) + 1;
    atomic_store(&pool.ticket, region << 32 | (uint64_t)helpers << 24 | (uint64_t)parts);
    if (atomic_load(&pool.sleepers) > 0) {
        pthread_mutex_lock(&pool.sleep);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.sleep);
    }
    while (take_part(-1)) {}
    for (int spins = 0; atomic_load(&pool.finished) < parts; spins++)
        if (spins < patience) rest();
        else sched_yield();
    pthread_mutex_unlock(&pool.region);
}
