/* Loaded before the C library (LD_PRELOAD): lets one call on files below FAULT_ROOT fail, or logs all.
 *
 * FAULT_CALLS  names between commas; empty is every call below
 * FAULT_COUNT  a file of 8 bytes that all processes count these calls in
 * FAULT_AT     which of them fails, from 1; 0 none
 * FAULT_STAYS  set: all later ones fail, too, as on a full disk
 * FAULT_ERRNO  with which error
 * FAULT_LOG    a file that gets a line for each call: its name and its path
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *root, *calls;
static unsigned long *count, at;
static int error, stays, log_file = -1;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("FAULT_COUNT");
    int file = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC) : -1;
    root = getenv("FAULT_ROOT"), calls = getenv("FAULT_CALLS");
    if (file >= 0) {
        count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (count == MAP_FAILED) count = NULL;
        close(file);
    }
    at = getenv("FAULT_AT") ? strtoul(getenv("FAULT_AT"), NULL, 10) : 0;
    error = getenv("FAULT_ERRNO") ? atoi(getenv("FAULT_ERRNO")) : EIO;
    stays = getenv("FAULT_STAYS") != NULL;
    if (getenv("FAULT_LOG"))
        log_file = (int)syscall(SYS_openat, AT_FDCWD, getenv("FAULT_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int is_named(const char *call) {
    const char *found = calls;
    size_t size = strlen(call);
    if (!calls || !*calls) return 1;
    while ((found = strstr(found, call))) {
        if ((found == calls || found[-1] == ',') && (found[size] == ',' || !found[size])) return 1;
        found += size;
    }
    return 0;
}

/* Tell whether this call is to fail; errno is set then. */
static int fails(const char *call, const char *path) {
    unsigned long number;
    char line[2 * PATH_MAX];
    if (!root || !path || strncmp(path, root, strlen(root)) != 0) return 0;
    if (log_file >= 0) {
        int size = snprintf(line, sizeof line, "%s %s\n", call, path);
        syscall(SYS_write, log_file, line, (size_t)size);
    }
    if (!count || !is_named(call)) return 0;
    number = __atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
    if (!at || number < at || (number > at && !stays)) return 0;
    errno = error;
    return 1;
}

static int fails_at(const char *call, int file) {
    char link[64], path[PATH_MAX];
    ssize_t size;
    int kept = errno;
    if (!root || file <= 2) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    size = syscall(SYS_readlink, link, path, sizeof path - 1);
    errno = kept;
    if (size <= 0) return 0;
    path[size] = 0;
    return fails(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define BY_PATH(type, name, parameters, path, bad, ...) \
    type name parameters { return fails(#name, path) ? bad : REAL(name)(__VA_ARGS__); }
#define BY_FILE(type, name, parameters, file, ...) \
    type name parameters { return fails_at(#name, file) ? -1 : REAL(name)(__VA_ARGS__); }

BY_PATH(int, mkdir, (const char *path, mode_t mode), path, -1, path, mode)
BY_PATH(int, rmdir, (const char *path), path, -1, path)
BY_PATH(int, unlink, (const char *path), path, -1, path)
BY_PATH(int, chmod, (const char *path, mode_t mode), path, -1, path, mode)
BY_PATH(int, symlink, (const char *to, const char *path), path, -1, to, path)
BY_PATH(int, link, (const char *from, const char *to), to, -1, from, to)
BY_PATH(int, linkat, (int a, const char *from, int b, const char *to, int flags), to, -1, a, from, b, to, flags)
BY_PATH(DIR *, opendir, (const char *path), path, NULL, path)
BY_FILE(int, fchmod, (int file, mode_t mode), file, file, mode)
BY_FILE(int, fsync, (int file), file, file)
BY_FILE(int, syncfs, (int file), file, file)
BY_FILE(ssize_t, read, (int file, void *to, size_t size), file, file, to, size)
BY_FILE(ssize_t, write, (int file, const void *from, size_t size), file, file, from, size)

/* To let go of a lock never fails. */
int flock(int file, int how) {
    return !(how & LOCK_UN) && fails_at("flock", file) ? -1 : REAL(flock)(file, how);
}

int rename(const char *from, const char *to) {
    char both[2 * PATH_MAX];
    snprintf(both, sizeof both, "%s\t%s", from, to);
    return fails("rename", both) ? -1 : REAL(rename)(from, to);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        mode_t mode = 0; \
        va_list rest; \
        va_start(rest, flags); \
        if (flags & (O_CREAT | __O_TMPFILE)) mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return fails(flags & O_ACCMODE ? "create" : "open", path) ? -1 : REAL(name)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
