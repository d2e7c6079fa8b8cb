// Faults for a process that it is preloaded into, switched on and off by files in the folder that FAULTS names:
//   write   holds ENOSPC, EROFS or EIO: what writes to its SQLite files gets that error
//   clock   holds seconds: the wall clock is that far from the truth
// Built by the tests: cc -shared -fPIC -O2 faults.c -ldl

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// What a file of the folder holds; nothing where it is not there.
static int look(const char *name, char *text, size_t room) {
    const char *folder = getenv("FAULTS");
    char path[4096];
    if (!folder || snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return 0;
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t got = syscall(SYS_read, fd, text, room - 1);
    syscall(SYS_close, fd);
    text[got > 0 ? got : 0] = 0;
    return got > 0;
}

// The error that a write to this file gets; 0 for none.
static int fault(int fd) {
    char word[16], link[64], path[4096];
    if (!look("write", word, sizeof word)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!strstr(path, ".db")) return 0;
    if (strcmp(word, "EROFS") == 0) return EROFS;
    return strcmp(word, "EIO") == 0 ? EIO : ENOSPC;
}

#define FAIL_OR(call)                      \
    int error = fault(fd);                 \
    if (error) {                           \
        errno = error;                     \
        return -1;                         \
    }                                      \
    return (call)

ssize_t write(int fd, const void *from, size_t count) { FAIL_OR(syscall(SYS_write, fd, from, count)); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) { FAIL_OR(syscall(SYS_pwrite64, fd, from, count, at)); }
ssize_t pwrite64(int fd, const void *from, size_t count, off_t at) { return pwrite(fd, from, count, at); }
int ftruncate(int fd, off_t size) { FAIL_OR(syscall(SYS_ftruncate, fd, size)); }
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }
int fallocate(int fd, int mode, off_t at, off_t size) { FAIL_OR(syscall(SYS_fallocate, fd, mode, at, size)); }
int fallocate64(int fd, int mode, off_t at, off_t size) { return fallocate(fd, mode, at, size); }

static long shift(void) {
    char text[32];
    return look("clock", text, sizeof text) ? atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    (void)zone;
    struct timespec exact;
    int result = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return result;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
