/* What pyx.c uses of a C library, for Linux on x86_64 and aarch64 without one.
 *
 * Compiled with -ffreestanding, pyx.c includes this file, and the program starts with its first
 * instruction of its own: no locale, no heap, no thread storage is set up that it would not use.
 * Names, results and errors are the C library's, for pyx.c is the same with it and without it.
 * tests/native/test_freestanding.py compares the two.
 */
#include <elf.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#if defined __x86_64__
#define STAT_SIZE 144
#define RELATIVE R_X86_64_RELATIVE
__asm__(".globl _start\n.type _start,@function\n_start:\n\txor %ebp,%ebp\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall begin\n");

static long system_call(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
#define STAT_SIZE 128
#define RELATIVE R_AARCH64_RELATIVE
__asm__(".globl _start\n.type _start,%function\n_start:\n\tmov x29,#0\n\tmov x30,#0\n\tmov x0,sp\n\tand sp,x0,#-16\n\tbl begin\n");

static long system_call(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
#error "only x86_64 and aarch64 start without a C library"
#endif

/* Some compilers leave this one to the C library. */
#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

/* The kernel fills this structure itself, so the header's must be the kernel's. */
_Static_assert(sizeof(struct stat) == STAT_SIZE, "struct stat is the kernel's");

enum { ARENA = 1 << 16, BLOCK = 1 << 20, ALIGNMENT = 16, MOST_LINKS = 40, MOST_AUXILIARY = 64 };

char **environ;
uintptr_t __stack_chk_guard;
static unsigned long auxiliary[MOST_AUXILIARY];

/* The C library's name for the place of `errno`. */
int *__errno_location(void) {
    static int number;
    return &number;
}

static long checked(long result) {
    if (result >= 0 || result < -4095) return result;
    errno = (int)-result;
    return -1;
}

#define CALL(number, a, b, c, d) checked(system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0))

_Noreturn void _exit(int status) {
    for (;;) system_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

_Noreturn void __stack_chk_fail(void) { __builtin_trap(); }

/* Memory. The barriers keep the compiler from making of these loops calls of the very same functions. */

#define HERE(pointer) __asm__ volatile("" : "+r"(pointer))

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
#ifdef __x86_64__
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(length) : : "memory");
#else
    const char *source = from;
    for (char *at = to; length; length--) {
        *at++ = *source++;
        HERE(source);
    }
#endif
    return to;
}

void *memset(void *to, int byte, size_t length) {
    for (char *at = to; length; length--) {
        *at++ = (char)byte;
        HERE(at);
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t length) {
    const unsigned char *a = left, *b = right;
    for (; length && *a == *b; length--) a++, b++;
    return length ? *a - *b : 0;
}

/* Memory is never given back, so the next of it is always free. */
void *malloc(size_t size) {
    static _Alignas(ALIGNMENT) char arena[ARENA];
    static char *next;
    static size_t left;
    if (!next) next = arena, left = ARENA;
    size_t wanted = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (wanted < size) return NULL;
    if (wanted > left) {
        size_t more = wanted > BLOCK ? wanted : BLOCK;
        long at = checked(system_call(SYS_mmap, 0, (long)more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (at == -1) return NULL;
        next = (char *)at;
        left = more;
    }
    next += wanted;
    left -= wanted;
    return next - wanted;
}

/* Strings. */

size_t strlen(const char *text) {
    const char *at = text;
    for (; *at; at++) HERE(at);
    return (size_t)(at - text);
}

int strncmp(const char *left, const char *right, size_t length) {
    for (; length && *left && *left == *right; length--) left++, right++;
    return length ? (unsigned char)*left - (unsigned char)*right : 0;
}

int strcmp(const char *left, const char *right) { return strncmp(left, right, (size_t)-1); }

char *strchr(const char *text, int wanted) {
    for (; *text != (char)wanted; text++)
        if (!*text) return NULL;
    return (char *)(uintptr_t)text;
}

char *strrchr(const char *text, int wanted) {
    const char *found = NULL;
    for (;; text++) {
        if (*text == (char)wanted) found = text;
        if (!*text) return (char *)(uintptr_t)found;
    }
}

size_t strcspn(const char *text, const char *unwanted) {
    const char *at = text;
    while (*at && !strchr(unwanted, *at)) at++;
    return (size_t)(at - text);
}

void *memmem(const void *text, size_t length, const void *wanted, size_t size) {
    const char *at = text;
    for (; length >= size; at++, length--)
        if (memcmp(at, wanted, size) == 0) return (char *)(uintptr_t)at;
    return NULL;
}

/* The errors of execve, in the C library's words. */
char *strerror(int number) {
    static const char TEXTS[] =
        "\001Operation not permitted\0\002No such file or directory\0\005Input/output error\0"
        "\007Argument list too long\0\010Exec format error\0\013Resource temporarily unavailable\0"
        "\014Cannot allocate memory\0\015Permission denied\0\016Bad address\0\020Device or resource busy\0"
        "\024Not a directory\0\025Is a directory\0\026Invalid argument\0\027Too many open files in system\0"
        "\030Too many open files\0\032Text file busy\0\044File name too long\0"
        "\050Too many levels of symbolic links\0\120Accessing a corrupted shared library\0"
        "\153Transport endpoint is not connected\0\156Connection timed out\0\164Stale file handle\0";
    for (const char *text = TEXTS; *text; text += strlen(text) + 1)
        if (*text == number) return (char *)(uintptr_t)(text + 1);
    return (char *)(uintptr_t) "Unknown error";
}

/* The system. */

unsigned long getauxval(unsigned long type) { return type < MOST_AUXILIARY ? auxiliary[type] : 0; }

uid_t geteuid(void) { return (uid_t)auxiliary[AT_EUID]; }

int open(const char *path, int flags, ...) { return (int)CALL(SYS_openat, AT_FDCWD, path, flags, 0); }

ssize_t read(int file, void *bytes, size_t length) { return CALL(SYS_read, file, bytes, length, 0); }

ssize_t write(int file, const void *bytes, size_t length) { return CALL(SYS_write, file, bytes, length, 0); }

int stat(const char *restrict path, struct stat *restrict info) {
    return (int)CALL(SYS_newfstatat, AT_FDCWD, path, info, 0);
}

int fstat(int file, struct stat *info) { return (int)CALL(SYS_fstat, file, info, 0, 0); }

int access(const char *path, int mode) { return (int)CALL(SYS_faccessat, AT_FDCWD, path, mode, 0); }

ssize_t readlink(const char *restrict path, char *restrict target, size_t size) {
    return CALL(SYS_readlinkat, AT_FDCWD, path, target, size);
}

int execve(const char *path, char *const *words, char *const *variables) {
    return (int)CALL(SYS_execve, path, words, variables, 0);
}

pid_t getppid(void) { return (pid_t)CALL(SYS_getppid, 0, 0, 0, 0); }

char *getcwd(char *path, size_t size) {
    if (CALL(SYS_getcwd, path, size, 0, 0) < 0) return NULL;
    if (*path == '/') return path;
    /* The kernel puts "(unreachable)" before a directory outside of the root. */
    errno = ENOENT;
    return NULL;
}

/* Must what was found before `rest` be a directory? So it must before "/", "/." and "/..", which would
 * not be looked at otherwise; before a name the kernel sees to it. */
static int must_be_directory(const char *rest) {
    while (*rest == '/') {
        while (*rest == '/') rest++;
        if (!*rest) return 1;
        if (*rest++ != '.') return 0;
        if (!*rest || (*rest == '.' && (!rest[1] || rest[1] == '/'))) return 1;
    }
    return 0;
}

/* Read the link at `path`, and make the rest of the way lead through it. Returns 0 at an error, 1 at
 * the end of a link, 2 where there is none. */
static int follow(char *path, char *end, const char **rest, int *links) {
    char target[PATH_MAX], *way;
    size_t left = strlen(*rest);
    ssize_t length = readlink(path, target, sizeof target);
    if (length < 0 && must_be_directory(*rest)) {
        if (end - path + 1 >= PATH_MAX) return errno = ENAMETOOLONG, 0;
        end[0] = '/', end[1] = 0;
        int found = access(path, F_OK) == 0;
        end[0] = 0;
        return found ? 2 : 0;
    }
    if (length < 0) return errno == EINVAL ? 2 : 0;
    if (++*links > MOST_LINKS) return errno = ELOOP, 0;
    if (!(way = malloc((size_t)length + left + 1))) return 0;
    memcpy(way, target, (size_t)length);
    memcpy(way + length, *rest, left + 1);
    *rest = way;
    return 1;
}

char *realpath(const char *restrict rest, char *restrict path) {
    int links = 0;
    char *end = path;
    if (!*rest) return errno = ENOENT, NULL;
    if (*rest != '/') {
        if (!getcwd(path, PATH_MAX)) return NULL;
        end += path[1] ? strlen(path) : 0;
    }
    for (size_t length; *rest; rest += length) {
        while (*rest == '/') rest++;
        length = strcspn(rest, "/");
        if (length == 0 || (length == 1 && *rest == '.')) continue;
        if (length == 2 && rest[0] == '.' && rest[1] == '.') {
            while (end > path && *--end != '/') {}
            continue;
        }
        if ((size_t)(end - path) + length + 2 > PATH_MAX) return errno = ENAMETOOLONG, NULL;
        char *start = end;
        *end++ = '/';
        memcpy(end, rest, length);
        *(end += length) = 0;
        const char *way = rest + length;
        int kind = follow(path, end, &way, &links);
        if (!kind) return NULL;
        if (kind == 1) rest = way, length = 0, end = *way == '/' ? path : start;
    }
    if (end == path) *end++ = '/';
    *end = 0;
    return path;
}

int main(int argc, char **argv);

/* The program may lie anywhere, so the few addresses in it are made true. The linker knows both names. */
static void relocate(void) {
#ifdef __PIC__
    extern const char __ehdr_start[] __attribute__((visibility("hidden")));
    extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));
    uint64_t entries = 0, size = 0, base = (uint64_t)__ehdr_start;
    for (const Elf64_Dyn *at = _DYNAMIC; at->d_tag; at++) {
        if (at->d_tag == DT_RELA) entries = base + at->d_un.d_ptr;
        if (at->d_tag == DT_RELASZ) size = at->d_un.d_val;
    }
    for (const Elf64_Rela *at = (Elf64_Rela *)entries; size; at++, size -= sizeof *at)
        if (ELF64_R_TYPE(at->r_info) == RELATIVE) *(uint64_t *)(base + at->r_offset) = base + (uint64_t)at->r_addend;
#endif
}

/* The kernel's stack: the number of words, the words, the variables, the auxiliary vector. */
__attribute__((used, noreturn)) void begin(long *stack) {
    relocate();
    environ = (char **)(stack + *stack + 2);
    char **at = environ;
    while (*at) at++;
    for (unsigned long *pair = (unsigned long *)(at + 1); *pair; pair += 2)
        if (*pair < MOST_AUXILIARY) auxiliary[*pair] = pair[1];
    /* The lowest byte stays 0, so that no string runs over it. */
    if (auxiliary[AT_RANDOM]) __stack_chk_guard = *(uintptr_t *)auxiliary[AT_RANDOM] & ~(uintptr_t)0xFF;
    _exit(main((int)*stack, (char **)(stack + 1)));
}
