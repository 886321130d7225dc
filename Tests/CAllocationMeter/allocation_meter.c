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

static void *counted(void *block) {
    if (block) {
        long now = atomic_fetch_add(&live, (long)malloc_usable_size(block)) + (long)malloc_usable_size(block);
        long most = atomic_load(&peak);
        while (now > most && !atomic_compare_exchange_weak(&peak, &most, now)) {}
    }
    return block;
}

void gfn_allocation_meter_begin(void) {
    atomic_store(&start, atomic_load(&live));
    atomic_store(&peak, atomic_load(&live));
}

long gfn_allocation_meter_peak(void) { return atomic_load(&peak) - atomic_load(&start); }

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
    atomic_fetch_sub(&live, before);
    return counted(moved);
}

void free(void *block) {
    if (block) atomic_fetch_sub(&live, (long)malloc_usable_size(block));
    __libc_free(block);
}
