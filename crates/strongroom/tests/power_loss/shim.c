/*
 * Writes down what a process does to the files below one directory, so that a test can replay it as a disk that loses
 * power would have seen it. Preloaded into the process; the calls it stands before are those of glibc.
 *
 *   STRONGROOM_POWER_DIR  the directory, absolute and without links in it
 *   STRONGROOM_POWER_LOG  the log, outside of that directory
 *
 * Every call that changes something, or makes it durable, is appended to the log after it succeeded, as one record:
 *
 *   kind u8, inode u64, offset u64, length of path u32, length of data u32, path, data      (little endian)
 *
 * One lock is held over the call and its record, so the log has the order in which things happened. Opening a file named
 * `.marker-<word>` only puts the word into the log. SQLite's `-shm` files are left out: they are rebuilt after a crash.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
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
#include <sys/uio.h>
#include <unistd.h>

/* The function that would have been called without us. */
#define REAL(result, name, ...)                                                                    \
    static result (*real)(__VA_ARGS__);                                                            \
    if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *below;
static size_t below_len;
static int log_fd = -1;

/* Files made by O_TMPFILE that have no name yet. */
struct nameless {
    int fd;
    ino_t ino;
    char directory[PATH_MAX];
};
static struct nameless nameless[16];
static int nameless_count;

static void raw(const void *bytes, size_t len) {
    REAL(ssize_t, write, int, const void *, size_t);
    const char *from = bytes;
    while (len > 0) {
        ssize_t done = real(log_fd, from, len);
        /* A log with a hole in it would make the test check something else than what happened. */
        if (done <= 0) abort();
        from += done;
        len -= (size_t)done;
    }
}

static void head(char kind, uint64_t ino, uint64_t offset, const char *path, size_t data_len) {
    uint32_t lens[2] = {(uint32_t)strlen(path), (uint32_t)data_len};
    raw(&kind, 1);
    raw(&ino, 8);
    raw(&offset, 8);
    raw(lens, 8);
    raw(path, lens[0]);
}

__attribute__((constructor)) static void start(void) {
    REAL(int, open64, const char *, int, ...);
    const char *log = getenv("STRONGROOM_POWER_LOG");
    const char *directory = getenv("STRONGROOM_POWER_DIR");
    if (!log || !directory) return;
    log_fd = real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) abort();
    below_len = strlen(directory);
    below = directory;
}

static int is_shm(const char *path) {
    size_t len = strlen(path);
    return len >= 4 && !strcmp(path + len - 4, "-shm");
}

/* The path relative to the directory we watch ("" for itself), or NULL when it is none of our business. */
static const char *ours(const char *path) {
    if (!below || strncmp(path, below, below_len) || is_shm(path)) return NULL;
    if (path[below_len] == 0) return path + below_len;
    return path[below_len] == '/' ? path + below_len + 1 : NULL;
}

static int fd_path(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, PATH_MAX - 1);
    path[len < 0 ? 0 : len] = 0;
    return len > 0;
}

/* As `ours`, of a path that may be relative to an open directory. */
static const char *ours_at(int dirfd, const char *path, char *buffer) {
    if (!below || !path) return NULL;
    if (path[0] == '/') return ours(path);
    char directory[PATH_MAX];
    if (dirfd == AT_FDCWD ? !getcwd(directory, sizeof directory) : !fd_path(dirfd, directory)) return NULL;
    if ((size_t)snprintf(buffer, PATH_MAX, "%s/%s", directory, path) >= PATH_MAX) return NULL;
    return ours(buffer);
}

static ino_t inode_of(const char *relative) {
    char path[PATH_MAX * 2];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", below, relative);
    if (lstat(path, &found)) abort();
    return found.st_ino;
}

/*
 * Nameless files that have been given a name since. Looked for, and not only seen in `linkat`, because a program may make
 * the system call without glibc; this is called before anything else is written down.
 */
static int find_named(void) {
    int found = 0;
    for (int i = 0; i < nameless_count; i++) {
        struct stat now;
        if (fstat(nameless[i].fd, &now) || now.st_ino != nameless[i].ino || now.st_nlink == 0) continue;
        DIR *entries = opendir(nameless[i].directory);
        struct dirent *entry;
        while (entries && (entry = readdir(entries))) {
            char path[PATH_MAX * 2];
            struct stat at;
            snprintf(path, sizeof path, "%s/%s", nameless[i].directory, entry->d_name);
            if (lstat(path, &at) || at.st_ino != now.st_ino || !ours(path)) continue;
            head('L', now.st_ino, 0, ours(path), 0);
            found++;
        }
        if (entries) closedir(entries);
        nameless[i--] = nameless[--nameless_count];
    }
    return found;
}

static void enter(void) {
    pthread_mutex_lock(&lock);
    if (below) find_named();
}

static void leave(int error) {
    pthread_mutex_unlock(&lock);
    errno = error;
}

/* Whether the file behind `fd` is ours. If it has no name and was never seen before, its birth is written down. */
static int our_fd(int fd, ino_t *ino) {
    char path[PATH_MAX];
    struct stat found;
    if (!below || fd == log_fd || !fd_path(fd, path)) return 0;
    size_t len = strlen(path);
    if (len > 10 && !strcmp(path + len - 10, " (deleted)")) path[len - 10] = 0;
    if (!ours(path) || fstat(fd, &found)) return 0;
    *ino = found.st_ino;
    char *name = strrchr(path, '/');
    if (found.st_nlink == 0 && name[1] == '#') {
        for (int i = 0; i < nameless_count; i++)
            if (nameless[i].fd == fd && nameless[i].ino == found.st_ino) return 1;
        if (nameless_count == 16) abort();
        *name = 0;
        nameless[nameless_count].fd = fd;
        nameless[nameless_count].ino = found.st_ino;
        strcpy(nameless[nameless_count++].directory, path);
        head('N', found.st_ino, 0, "", 0);
    }
    return 1;
}

/* Opening. */

typedef int open_at(int, const char *, int, ...);

static int open_common(open_at *real, int dirfd, const char *path, int flags, mode_t mode) {
    char buffer[PATH_MAX];
    struct stat before;
    const char *relative = ours_at(dirfd, path, buffer);
    if (!relative || (flags & O_TMPFILE) == O_TMPFILE) return real(dirfd, path, flags, mode);
    enter();
    const char *name = strrchr(relative, '/') ? strrchr(relative, '/') + 1 : relative;
    if (!strncmp(name, ".marker-", 8)) {
        head('M', 0, 0, name + 8, 0);
        leave(ENOENT);
        return -1;
    }
    int existed = fstatat(dirfd, path, &before, 0) == 0;
    int fd = real(dirfd, path, flags, mode);
    int error = errno;
    if (fd >= 0 && !existed) head('C', inode_of(relative), 0, relative, 0);
    if (fd >= 0 && existed && (flags & O_TRUNC) && before.st_size > 0) head('T', before.st_ino, 0, "", 0);
    leave(error);
    return fd;
}

static mode_t mode_of(int flags, va_list *rest) {
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(*rest, mode_t) : 0;
}

#define OPEN(name, at_name)                                                                        \
    int name(const char *path, int flags, ...) {                                                   \
        REAL(int, at_name, int, const char *, int, ...);                                           \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = mode_of(flags, &rest);                                                       \
        va_end(rest);                                                                              \
        return open_common(real, AT_FDCWD, path, flags, mode);                                     \
    }                                                                                              \
    int at_name(int dirfd, const char *path, int flags, ...) {                                     \
        REAL(int, at_name, int, const char *, int, ...);                                           \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = mode_of(flags, &rest);                                                       \
        va_end(rest);                                                                              \
        return open_common(real, dirfd, path, flags, mode);                                        \
    }
OPEN(open, openat)
OPEN(open64, openat64)

int creat(const char *path, mode_t mode) { return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

int close(int fd) {
    REAL(int, close, int);
    enter();
    for (int i = 0; i < nameless_count; i++)
        if (nameless[i].fd == fd) nameless[i--] = nameless[--nameless_count];
    int result = real(fd);
    leave(errno);
    return result;
}

/* Writing. `at` is where the bytes went, or -1 for the file's own position, which is behind them now. */

static void wrote(int fd, off_t at, const struct iovec *parts, ssize_t done) {
    ino_t ino;
    if (done <= 0 || !our_fd(fd, &ino)) return;
    if (at < 0) at = lseek(fd, 0, SEEK_CUR) - done;
    head('W', ino, (uint64_t)at, "", (size_t)done);
    for (; done > 0; parts++) {
        size_t len = parts->iov_len < (size_t)done ? parts->iov_len : (size_t)done;
        raw(parts->iov_base, len);
        done -= (ssize_t)len;
    }
}

#define WRITE(call, at)                                                                            \
    struct iovec one = {(void *)bytes, len};                                                       \
    enter();                                                                                       \
    ssize_t done = call;                                                                           \
    int error = errno;                                                                             \
    wrote(fd, at, &one, done);                                                                     \
    leave(error);                                                                                  \
    return done
#define WRITE_PARTS(call, at)                                                                      \
    enter();                                                                                       \
    ssize_t done = call;                                                                           \
    int error = errno;                                                                             \
    wrote(fd, at, parts, done);                                                                    \
    leave(error);                                                                                  \
    return done

ssize_t write(int fd, const void *bytes, size_t len) {
    REAL(ssize_t, write, int, const void *, size_t);
    WRITE(real(fd, bytes, len), -1);
}
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    WRITE(real(fd, bytes, len, at), at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    WRITE(real(fd, bytes, len, at), at);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    WRITE_PARTS(real(fd, parts, count), -1);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    WRITE_PARTS(real(fd, parts, count, at), at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    REAL(ssize_t, pwritev64, int, const struct iovec *, int, off64_t);
    WRITE_PARTS(real(fd, parts, count, at), at);
}

/* Length and durability of an open file. */

#define ON_FD(name, kind, length, call, ...)                                                       \
    int name(__VA_ARGS__) {                                                                        \
        REAL(int, name, __VA_ARGS__);                                                              \
        ino_t ino;                                                                                 \
        enter();                                                                                   \
        int result = call;                                                                         \
        int error = errno;                                                                         \
        if (result == 0 && our_fd(fd, &ino)) head(kind, ino, (uint64_t)(length), "", 0);           \
        leave(error);                                                                              \
        return result;                                                                             \
    }
ON_FD(ftruncate, 'T', len, real(fd, len), int fd, off_t len)
ON_FD(ftruncate64, 'T', len, real(fd, len), int fd, off64_t len)
ON_FD(fsync, 'S', 0, real(fd), int fd)
ON_FD(fdatasync, 'S', 0, real(fd), int fd)

/* Names. */

#define ON_NAME(name, call, dirfd, path, record, ...)                                              \
    int name(__VA_ARGS__) {                                                                        \
        REAL(int, name, __VA_ARGS__);                                                              \
        char buffer[PATH_MAX];                                                                     \
        const char *relative = ours_at(dirfd, path, buffer);                                       \
        enter();                                                                                   \
        int result = call;                                                                         \
        int error = errno;                                                                         \
        if (result == 0 && relative) record;                                                       \
        leave(error);                                                                              \
        return result;                                                                             \
    }
#define MADE head('D', inode_of(relative), 0, relative, 0)
#define GONE head('U', 0, 0, relative, 0)
#define LINKED if (!find_named()) head('L', inode_of(relative), 0, relative, 0)
ON_NAME(mkdir, real(path, mode), AT_FDCWD, path, MADE, const char *path, mode_t mode)
ON_NAME(mkdirat, real(dirfd, path, mode), dirfd, path, MADE, int dirfd, const char *path, mode_t mode)
ON_NAME(rmdir, real(path), AT_FDCWD, path, GONE, const char *path)
ON_NAME(unlink, real(path), AT_FDCWD, path, GONE, const char *path)
ON_NAME(unlinkat, real(dirfd, path, flags), dirfd, path, GONE, int dirfd, const char *path, int flags)
ON_NAME(link, real(from, to), AT_FDCWD, to, LINKED, const char *from, const char *to)
ON_NAME(linkat, real(from_fd, from, to_fd, to, flags), to_fd, to, LINKED, int from_fd, const char *from, int to_fd,
        const char *to, int flags)

static void renamed(int from_fd, const char *from, int to_fd, const char *to) {
    char buffers[2][PATH_MAX];
    const char *old = ours_at(from_fd, from, buffers[0]), *new = ours_at(to_fd, to, buffers[1]);
    if (!old && !new) return;
    /* Into or out of the directory: the replay would not know the content. */
    if (!old || !new) abort();
    head('R', 0, 0, old, strlen(new));
    raw(new, strlen(new));
}

#define RENAME(name, call, from_fd, to_fd, ...)                                                    \
    int name(__VA_ARGS__) {                                                                        \
        REAL(int, name, __VA_ARGS__);                                                              \
        enter();                                                                                   \
        int result = call;                                                                         \
        int error = errno;                                                                         \
        if (result == 0) renamed(from_fd, from, to_fd, to);                                        \
        leave(error);                                                                              \
        return result;                                                                             \
    }
RENAME(rename, real(from, to), AT_FDCWD, AT_FDCWD, const char *from, const char *to)
RENAME(renameat, real(from_fd, from, to_fd, to), from_fd, to_fd, int from_fd, const char *from, int to_fd,
       const char *to)
RENAME(renameat2, real(from_fd, from, to_fd, to, flags), from_fd, to_fd, int from_fd, const char *from, int to_fd,
       const char *to, unsigned flags)
