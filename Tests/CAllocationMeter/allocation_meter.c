#define _GNU_SOURCE
#include "allocation_meter.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

// glibc's own, by the names under which a replacement finds them.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Atomic long live, peak, start;
// Of the calling thread. An access must not allocate.
static _Thread_local __attribute__((tls_model("initial-exec"))) long thread_live, thread_peak, thread_start;

static void *counted(void *block) {
    if (block) {
        long size = (long)malloc_usable_size(block), now = atomic_fetch_add(&live, size) + size;
        long most = atomic_load(&peak);
        while (now > most && !atomic_compare_exchange_weak(&peak, &most, now)) {}
        thread_live += size;
        if (thread_live > thread_peak) thread_peak = thread_live;
    }
    return block;
}

static void uncounted(long size) {
    atomic_fetch_sub(&live, size);
    thread_live -= size;
}

void gfn_allocation_meter_begin(void) {
    atomic_store(&start, atomic_load(&live));
    atomic_store(&peak, atomic_load(&live));
}

long gfn_allocation_meter_peak(void) { return atomic_load(&peak) - atomic_load(&start); }

void gfn_allocation_meter_begin_thread(void) { thread_start = thread_peak = thread_live; }

long gfn_allocation_meter_thread_peak(void) { return thread_peak - thread_start; }

void *malloc(size_t size) { return counted(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return counted(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) || alignment & (alignment - 1) || !alignment) return EINVAL;
    void *found = counted(__libc_memalign(alignment, size));
    if (!found) return ENOMEM;
    *block = found;
    return 0;
}

void *realloc(void *block, size_t size) {
    long before = block ? (long)malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, size);
    // A failure leaves the block as it was.
    if (!moved && size) return NULL;
    uncounted(before);
    return counted(moved);
}

void free(void *block) {
    if (block) uncounted((long)malloc_usable_size(block));
    __libc_free(block);
}
