/*
 * Stands between a program and the C library, and so beneath SQLite: writes down
 * each operation on the files of one folder, and fails those it is told to.
 *
 * Loaded with LD_PRELOAD. The environment says what to do:
 *
 * FAULT_FOLDER  the folder, without a slash at its end
 * FAULT_LOG     where to write down what happens; not in the folder
 * FAULT_KINDS   the operations that count, by the letters below
 * FAULT_AT      which of them fails, from 1; none with 0
 * FAULT_LASTS   "1" if each that follows fails too
 * FAULT_ERRNO   with which error
 *
 * An entry of the log is a letter, the length of the name, an offset and a length
 * (64 bits each, as the machine has them), the name in the folder, and what was
 * written. The letters: c create, w write, t truncate, s sync (of the folder, if
 * there is no name), u unlink, r read; F before one that was made to fail, which
 * did a part of its work if it was a write.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* One operation at a time, so that the log has them in the order they took. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -2;
static long count;

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

/* The name in the folder, or NULL if it is elsewhere. */
static const char *within(const char *path) {
    const char *folder = setting("FAULT_FOLDER");
    size_t length = strlen(folder);
    if (length == 0 || strncmp(path, folder, length) != 0)
        return NULL;
    if (path[length] == '/')
        return path + length + 1;
    return path[length] == 0 ? path + length : NULL;
}

static const char *name_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return NULL;
    path[length] = 0;
    return within(path);
}

static void enter(char kind, const char *name, int64_t offset, int64_t length, const void *data) {
    if (log_file == -2)
        log_file = (int)syscall(SYS_openat, AT_FDCWD, setting("FAULT_LOG"),
                                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    unsigned char head[18] = {(unsigned char)kind, (unsigned char)strlen(name)};
    memcpy(head + 2, &offset, 8);
    memcpy(head + 10, &length, 8);
    struct iovec parts[] = {{head, sizeof head},
                            {(void *)name, strlen(name)},
                            {(void *)data, data ? (size_t)length : 0}};
    if (syscall(SYS_writev, log_file, parts, 3) < 0)
        abort();
}

/* Whether this operation is to fail. */
static int is_hit(char kind, const char *name) {
    if (!strchr(setting("FAULT_KINDS"), kind))
        return 0;
    long at = atol(setting("FAULT_AT"));
    count++;
    if (at == 0 || count < at || (count > at && *setting("FAULT_LASTS") != '1'))
        return 0;
    enter('F', name, 0, 0, NULL);
    return 1;
}

static int failed(void) {
    errno = atoi(setting("FAULT_ERRNO"));
    return -1;
}

static ssize_t writes(int fd, const void *data, size_t length, int64_t offset, int is_placed) {
    char path[PATH_MAX];
    const char *name = name_of(fd, path);
    if (!name)
        return is_placed ? syscall(SYS_pwrite64, fd, data, length, offset)
                         : syscall(SYS_write, fd, data, length);
    pthread_mutex_lock(&turn);
    if (!is_placed)
        offset = lseek(fd, 0, SEEK_CUR);
    int hit = is_hit('w', name);
    ssize_t done = syscall(SYS_pwrite64, fd, data, hit ? length / 2 : length, offset);
    if (done > 0) {
        enter('w', name, offset, done, data);
        if (!is_placed)
            lseek(fd, done, SEEK_CUR);
    }
    pthread_mutex_unlock(&turn);
    return hit ? failed() : done;
}

ssize_t write(int fd, const void *data, size_t length) {
    return writes(fd, data, length, 0, 0);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return writes(fd, data, length, offset, 1);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    return writes(fd, data, length, offset, 1);
}

static ssize_t reads(int fd, void *data, size_t length, int64_t offset, int is_placed) {
    char path[PATH_MAX];
    const char *name = name_of(fd, path);
    if (name) {
        pthread_mutex_lock(&turn);
        int hit = is_hit('r', name);
        enter('r', name, offset, 0, NULL);
        pthread_mutex_unlock(&turn);
        if (hit)
            return failed();
    }
    return is_placed ? syscall(SYS_pread64, fd, data, length, offset)
                     : syscall(SYS_read, fd, data, length);
}

ssize_t read(int fd, void *data, size_t length) {
    return reads(fd, data, length, 0, 0);
}

ssize_t pread(int fd, void *data, size_t length, off_t offset) {
    return reads(fd, data, length, offset, 1);
}

ssize_t pread64(int fd, void *data, size_t length, off64_t offset) {
    return reads(fd, data, length, offset, 1);
}

static int syncs(int fd, long call) {
    char path[PATH_MAX];
    const char *name = name_of(fd, path);
    if (!name)
        return (int)syscall(call, fd);
    pthread_mutex_lock(&turn);
    int hit = is_hit('s', name);
    int result = hit ? 0 : (int)syscall(call, fd);
    if (!hit && result == 0)
        enter('s', name, 0, 0, NULL);
    pthread_mutex_unlock(&turn);
    return hit ? failed() : result;
}

int fsync(int fd) {
    return syncs(fd, SYS_fsync);
}

int fdatasync(int fd) {
    return syncs(fd, SYS_fdatasync);
}

static int truncates(int fd, int64_t size) {
    char path[PATH_MAX];
    const char *name = name_of(fd, path);
    if (!name)
        return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&turn);
    int hit = is_hit('t', name);
    int result = hit ? 0 : (int)syscall(SYS_ftruncate, fd, size);
    if (!hit && result == 0)
        enter('t', name, size, 0, NULL);
    pthread_mutex_unlock(&turn);
    return hit ? failed() : result;
}

int ftruncate(int fd, off_t size) {
    return truncates(fd, size);
}

int ftruncate64(int fd, off64_t size) {
    return truncates(fd, size);
}

int unlink(const char *path) {
    const char *name = within(path);
    if (!name)
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&turn);
    int hit = is_hit('u', name);
    int result = hit ? 0 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (!hit && result == 0)
        enter('u', name, 0, 0, NULL);
    pthread_mutex_unlock(&turn);
    return hit ? failed() : result;
}

static int opens(const char *path, int flags, mode_t mode) {
    const char *name = within(path);
    if (!name || !(flags & O_CREAT))
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&turn);
    struct stat found;
    int is_new = stat(path, &found) != 0;
    int hit = is_new && is_hit('c', name);
    int fd = hit ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (is_new && fd >= 0)
        enter('c', name, 0, 0, NULL);
    pthread_mutex_unlock(&turn);
    return hit ? failed() : fd;
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opens(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opens(path, flags, mode);
}
