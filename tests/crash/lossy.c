// A disk that forgets what was not synced. Preloaded into a process, it keeps writes to its SQLite files in memory until
// fsync; a kill forgets them, as a power cut would. The process itself reads what it wrote.
//
// Built by the test: cc -shared -fPIC -O2 lossy.c -ldl -lpthread

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FD 65536
#define PAGE 4096

// One file, whatever number of descriptors it has: its content as the process sees it, and what is not synced of it.
struct file {
    dev_t dev;
    ino_t ino;
    char *data;
    off_t size;
    off_t room;
    unsigned char *dirty; // a byte a page
    off_t synced_size;
    struct file *next;
};

static struct file *files;
static struct file *of_fd[MAX_FD];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_fstat)(int, struct stat *);
static int (*real_stat)(const char *, struct stat *);

static void resolve(void) {
    if (real_open) return;
    real_close = dlsym(RTLD_NEXT, "close");
    real_pread = dlsym(RTLD_NEXT, "pread");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_read = dlsym(RTLD_NEXT, "read");
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_fstat = dlsym(RTLD_NEXT, "fstat");
    real_stat = dlsym(RTLD_NEXT, "stat");
    real_open = dlsym(RTLD_NEXT, "open");
}

static int ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static int is_ours(const char *path) { return ends_with(path, ".db") || ends_with(path, ".db-wal") || ends_with(path, ".db-journal"); }

static void make_room(struct file *file, off_t size) {
    if (size <= file->room) return;
    off_t room = file->room ? file->room : 1 << 20;
    while (room < size) room *= 2;
    file->data = realloc(file->data, room);
    file->dirty = realloc(file->dirty, room / PAGE);
    memset(file->data + file->room, 0, room - file->room);
    memset(file->dirty + file->room / PAGE, 0, (room - file->room) / PAGE);
    file->room = room;
}

// Called with the lock held.
static void track(int fd) {
    struct stat seen;
    if (fd < 0 || fd >= MAX_FD || real_fstat(fd, &seen) != 0 || !S_ISREG(seen.st_mode)) return;
    struct file *file;
    for (file = files; file; file = file->next)
        if (file->dev == seen.st_dev && file->ino == seen.st_ino) break;
    if (!file) {
        file = calloc(1, sizeof *file);
        file->dev = seen.st_dev;
        file->ino = seen.st_ino;
        make_room(file, seen.st_size + 1);
        off_t at = 0;
        while (at < seen.st_size) {
            ssize_t got = real_pread(fd, file->data + at, seen.st_size - at, at);
            if (got <= 0) break;
            at += got;
        }
        file->size = file->synced_size = seen.st_size;
        file->next = files;
        files = file;
    }
    of_fd[fd] = file;
}

static struct file *file_of(int fd) { return fd >= 0 && fd < MAX_FD ? of_fd[fd] : NULL; }

int open(const char *path, int flags, ...) {
    resolve();
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    int fd = real_open(path, flags, mode);
    if (fd >= 0 && is_ours(path)) {
        pthread_mutex_lock(&lock);
        track(fd);
        pthread_mutex_unlock(&lock);
    }
    return fd;
}

int open64(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return open(path, flags, mode);
}

int close(int fd) {
    resolve();
    pthread_mutex_lock(&lock);
    if (file_of(fd)) of_fd[fd] = NULL;
    pthread_mutex_unlock(&lock);
    return real_close(fd);
}

static ssize_t take(struct file *file, void *to, size_t count, off_t at) {
    if (at >= file->size) return 0;
    if ((off_t)count > file->size - at) count = file->size - at;
    memcpy(to, file->data + at, count);
    return count;
}

static ssize_t put(struct file *file, const void *from, size_t count, off_t at) {
    make_room(file, at + count);
    memcpy(file->data + at, from, count);
    for (off_t page = at / PAGE; page <= (off_t)(at + count - 1) / PAGE && count; page++) file->dirty[page] = 1;
    if ((off_t)(at + count) > file->size) file->size = at + count;
    return count;
}

#define OURS(fd, ours, theirs)                  \
    resolve();                                  \
    pthread_mutex_lock(&lock);                  \
    struct file *file = file_of(fd);            \
    if (file) {                                 \
        ssize_t result = (ours);                \
        pthread_mutex_unlock(&lock);            \
        return result;                          \
    }                                           \
    pthread_mutex_unlock(&lock);                \
    return (theirs)

ssize_t pread(int fd, void *to, size_t count, off_t at) { OURS(fd, take(file, to, count, at), real_pread(fd, to, count, at)); }
ssize_t pread64(int fd, void *to, size_t count, off_t at) { return pread(fd, to, count, at); }
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) { OURS(fd, put(file, from, count, at), real_pwrite(fd, from, count, at)); }
ssize_t pwrite64(int fd, const void *from, size_t count, off_t at) { return pwrite(fd, from, count, at); }

static ssize_t move(int fd, ssize_t done) {
    if (done > 0) lseek(fd, done, SEEK_CUR);
    return done;
}

ssize_t read(int fd, void *to, size_t count) { OURS(fd, move(fd, take(file, to, count, lseek(fd, 0, SEEK_CUR))), real_read(fd, to, count)); }
ssize_t write(int fd, const void *from, size_t count) { OURS(fd, move(fd, put(file, from, count, lseek(fd, 0, SEEK_CUR))), real_write(fd, from, count)); }

static ssize_t cut(struct file *file, off_t size) {
    make_room(file, size);
    if (size < file->size) memset(file->data + size, 0, file->size - size);
    file->size = size;
    return 0;
}

int ftruncate(int fd, off_t size) { OURS(fd, cut(file, size), real_ftruncate(fd, size)); }
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

// What was written becomes true. The kernel's cache outlives a kill, so that is the disk here.
static ssize_t settle(int fd, struct file *file) {
    if (file->size < file->synced_size && real_ftruncate(fd, file->size) != 0) return -1;
    for (off_t page = 0; page * PAGE < file->size; page++) {
        if (!file->dirty[page]) continue;
        off_t at = page * PAGE, count = file->size - at < PAGE ? file->size - at : PAGE;
        if (real_pwrite(fd, file->data + at, count, at) != count) return -1;
    }
    memset(file->dirty, 0, file->room / PAGE);
    if (file->size > file->synced_size && real_ftruncate(fd, file->size) != 0) return -1;
    file->synced_size = file->size;
    return 0;
}

int fsync(int fd) { OURS(fd, settle(fd, file), real_fsync(fd)); }
int fdatasync(int fd) { OURS(fd, settle(fd, file), real_fdatasync(fd)); }

int fstat(int fd, struct stat *seen) {
    resolve();
    int result = real_fstat(fd, seen);
    pthread_mutex_lock(&lock);
    struct file *file = file_of(fd);
    if (result == 0 && file) seen->st_size = file->size;
    pthread_mutex_unlock(&lock);
    return result;
}
int fstat64(int fd, struct stat64 *seen) { return fstat(fd, (struct stat *)seen); }

int stat(const char *path, struct stat *seen) {
    resolve();
    int result = real_stat(path, seen);
    if (result != 0 || !is_ours(path)) return result;
    pthread_mutex_lock(&lock);
    for (struct file *file = files; file; file = file->next)
        if (file->dev == seen->st_dev && file->ino == seen->st_ino) seen->st_size = file->size;
    pthread_mutex_unlock(&lock);
    return result;
}
int stat64(const char *path, struct stat64 *seen) { return stat(path, (struct stat *)seen); }
