#define _GNU_SOURCE
#include "file_faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const struct { const char *name; int number; } kinds[] = {
    {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS},
};

static const char *under;
static size_t under_length;
static long first;
static bool kills, halves;
static int number;
static int log_descriptor = -1;
static atomic_long count;
static atomic_bool halved;

__attribute__((constructor)) static void begin(void) {
    under = getenv("GFN_FAULTS_UNDER");
    if (!under) return;
    under_length = strlen(under);
    const char *at = getenv("GFN_FAULTS_AT"), *kind = getenv("GFN_FAULTS_KIND"), *log = getenv("GFN_FAULTS_LOG");
    if (log) log_descriptor = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (!at || !kind) return;
    first = atol(at);
    kills = !strcmp(kind, "kill");
    halves = !strcmp(kind, "half");
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++) {
        if (!strcmp(kind, kinds[index].name)) number = kinds[index].number;
    }
    if (first < 1 || !(kills || halves || number)) {
        dprintf(2, "file_faults: GFN_FAULTS_AT=%s GFN_FAULTS_KIND=%s means nothing\n", at, kind);
        _exit(70);
    }
}

static bool is_under(const char *path) {
    return !strncmp(path, under, under_length) && (path[under_length] == '/' || !path[under_length]);
}

// Whether the path of a call, relative to `folder`, is below the one that counts.
static bool counts_path(int folder, const char *path) {
    if (!under || !path) return false;
    if (*path == '/') return is_under(path);
    char whole[8192];
    if (folder == AT_FDCWD) {
        if (!getcwd(whole, 4096)) return false;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, whole, 4095);
        if (length < 0) return false;
        whole[length] = 0;
    }
    strcat(whole, "/");
    strncat(whole, path, 4000);
    return is_under(whole);
}

static bool counts_file(int descriptor) {
    if (!under) return false;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return false;
    path[length] = 0;
    return is_under(path);
}

enum removing { REMOVES, GROWS };

// Counts a call; whether it fails instead of being made.
static bool fails(const char *name, const char *path, enum removing kind) {
    long mine = atomic_fetch_add(&count, 1) + 1;
    if (log_descriptor >= 0) {
        char line[4400];
        int length = snprintf(line, sizeof line, "%ld %s %s\n", mine, name, path ? path : "");
        syscall(SYS_write, log_descriptor, line, length);
    }
    if (!first || mine < first) return false;
    if (kills) raise(SIGKILL);
    if (!number || kind == REMOVES) return false;
    errno = number;
    return true;
}

static bool fails_file(const char *name, int descriptor) {
    if (!counts_file(descriptor)) return false;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return fails(name, path, GROWS);
}

static size_t written(size_t size) {
    if (!halves || size < 2 || atomic_load(&count) < first || atomic_exchange(&halved, true)) return size;
    return size / 2;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENS(name)                                                                                                                      \
    int name(const char *path, int flags, ...) {                                                                                         \
        mode_t mode = 0;                                                                                                                 \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                                                                           \
            va_list list;                                                                                                                \
            va_start(list, flags);                                                                                                       \
            mode = va_arg(list, mode_t);                                                                                                 \
            va_end(list);                                                                                                                \
        }                                                                                                                                \
        if ((flags & (O_CREAT | O_TRUNC)) && counts_path(AT_FDCWD, path) && fails("open", path, GROWS)) return -1;                       \
        return NEXT(name)(path, flags, mode);                                                                                            \
    }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                                                                                                   \
    int name(int folder, const char *path, int flags, ...) {                                                                             \
        mode_t mode = 0;                                                                                                                 \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                                                                           \
            va_list list;                                                                                                                \
            va_start(list, flags);                                                                                                       \
            mode = va_arg(list, mode_t);                                                                                                 \
            va_end(list);                                                                                                                \
        }                                                                                                                                \
        if ((flags & (O_CREAT | O_TRUNC)) && counts_path(folder, path) && fails("open", path, GROWS)) return -1;                         \
        return NEXT(name)(folder, path, flags, mode);                                                                                    \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

ssize_t write(int descriptor, const void *bytes, size_t size) {
    if (fails_file("write", descriptor)) return -1;
    return NEXT(write)(descriptor, bytes, counts_file(descriptor) ? written(size) : size);
}
ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    if (fails_file("write", descriptor)) return -1;
    return NEXT(pwrite)(descriptor, bytes, counts_file(descriptor) ? written(size) : size, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset) {
    if (fails_file("write", descriptor)) return -1;
    return NEXT(pwrite64)(descriptor, bytes, counts_file(descriptor) ? written(size) : size, offset);
}
ssize_t writev(int descriptor, const struct iovec *parts, int number_of_parts) {
    return fails_file("write", descriptor) ? -1 : NEXT(writev)(descriptor, parts, number_of_parts);
}
int fsync(int descriptor) { return fails_file("fsync", descriptor) ? -1 : NEXT(fsync)(descriptor); }
int fdatasync(int descriptor) { return fails_file("fsync", descriptor) ? -1 : NEXT(fdatasync)(descriptor); }
int ftruncate(int descriptor, off_t size) { return fails_file("truncate", descriptor) ? -1 : NEXT(ftruncate)(descriptor, size); }
int ftruncate64(int descriptor, off64_t size) { return fails_file("truncate", descriptor) ? -1 : NEXT(ftruncate64)(descriptor, size); }

int rename(const char *from, const char *to) {
    return counts_path(AT_FDCWD, to) && fails("rename", to, GROWS) ? -1 : NEXT(rename)(from, to);
}
int renameat(int folder, const char *from, int to_folder, const char *to) {
    return counts_path(to_folder, to) && fails("rename", to, GROWS) ? -1 : NEXT(renameat)(folder, from, to_folder, to);
}
int renameat2(int folder, const char *from, int to_folder, const char *to, unsigned flags) {
    return counts_path(to_folder, to) && fails("rename", to, GROWS) ? -1 : NEXT(renameat2)(folder, from, to_folder, to, flags);
}
int mkdir(const char *path, mode_t mode) {
    return counts_path(AT_FDCWD, path) && fails("mkdir", path, GROWS) ? -1 : NEXT(mkdir)(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    return counts_path(folder, path) && fails("mkdir", path, GROWS) ? -1 : NEXT(mkdirat)(folder, path, mode);
}
int unlink(const char *path) {
    if (counts_path(AT_FDCWD, path)) fails("remove", path, REMOVES);
    return NEXT(unlink)(path);
}
int unlinkat(int folder, const char *path, int flags) {
    if (counts_path(folder, path)) fails("remove", path, REMOVES);
    return NEXT(unlinkat)(folder, path, flags);
}
int rmdir(const char *path) {
    if (counts_path(AT_FDCWD, path)) fails("remove", path, REMOVES);
    return NEXT(rmdir)(path);
}
