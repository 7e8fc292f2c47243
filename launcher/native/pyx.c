/* pyx: confirm what the launcher decided, and become the interpreter.
 *
 * This program decides nothing. It finds the target on the command line, makes a key of what
 * the decision depended on, reads the launch record under that key, checks that everything in
 * it is still so, and executes the interpreter. Any doubt at all starts the slow path,
 * `pyx-launcher`, beside it. RECORD.md describes the record and the command line it makes.
 *
 * As <environment>/bin/python it takes <environment>/launch for its record, and has no slow path.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

#define FORMAT 1
#define MAX_RECORD (1 << 20)
#define MAX_VARIABLES 128

enum check_kind { FILE_SAME = 1, FILE_ABSENT = 2, DIRECTORY = 3, SCRIPT = 4 };
enum role { LAUNCHER, INTERPRETER };

struct header {
    char magic[7];
    uint8_t format;
    uint32_t total, material, checks, strings;
};

struct check {
    uint32_t kind, length, count, block;
    int64_t mtime_ns, ctime_ns, size;
    uint64_t inode;
};

/* What the command line says. `first` is the first argument that belongs to python. */
struct call {
    int first, target;
    size_t offset;
    char mode; /* s script, m module, c command, i standard input, p python's own business */
    int skip_line, isolated, no_site, safe_path;
    int counts[128];
    char **options; /* what python is to be given before its program */
    int option_count;
};

/* A record in memory. `strings` are: interpreter, argv[0], option letters, bootstrap, code, rows. */
struct record {
    char *bytes;
    size_t size;
    const char *strings[64];
    uint32_t string_count;
};

extern char **environ;

static const char *LONG_WITH_VALUE[] = {"--project", "--python", "--group", "--extra", NULL};
static const char *LONG_FLAGS[] = {"--offline",      "--locked",           "--all-groups",
                                   "--all-extras",   "--no-default-groups", NULL};
static const char *KEY_VARIABLES[] = {"HOME",          "PATH",       "PYX_CACHE_DIR", "PYX_HOME",
                                      "PYX_OFFLINE",   "PYX_PROJECT", "PYX_PYTHON",   "PYX_STORES",
                                      "XDG_CACHE_HOME", "XDG_DATA_HOME", NULL};

static void debug(const char *format, ...) {
    const char *wanted = getenv("PYX_DEBUG");
    va_list arguments;
    if (!wanted || !*wanted) return;
    fputs("pyx: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static int one_of(const char *word, size_t length, const char *const *words) {
    for (; *words; words++)
        if (strlen(*words) == length && memcmp(*words, word, length) == 0) return 1;
    return 0;
}

static void *allocate(size_t size) {
    void *memory = malloc(size ? size : 1);
    if (memory) return memory;
    fputs("pyx: out of memory\n", stderr);
    exit(71);
}

static void add_option(struct call *call, const char *option) {
    call->options[call->option_count++] = (char *)option;
}

static void add_flag(struct call *call, char letter) {
    char *flag = allocate(3);
    flag[0] = '-', flag[1] = letter, flag[2] = 0;
    add_option(call, flag);
}

/* Read pyx's own arguments, which come first: 0 where only the slow path knows what they mean. */
static int read_own_arguments(struct call *call, int argc, char **argv) {
    int at = 1;
    if (at < argc && argv[at][0] == '@') at++;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0 && argv[at][2]; at++) {
        size_t length = strcspn(argv[at], "=");
        int valued = one_of(argv[at], length, LONG_WITH_VALUE);
        if (strcmp(argv[at], "--check-hash-based-pycs") == 0) break;
        if (!valued && !one_of(argv[at], strlen(argv[at]), LONG_FLAGS)) return 0;
        if (valued && !argv[at][length] && ++at >= argc) return 0;
    }
    call->first = at;
    return 1;
}

/* Take one letter of a bundle. Returns 0 where the bundle ends here: its rest is a value. */
static int read_letter(struct call *call, char letter) {
    if ((unsigned char)letter < 128) call->counts[(unsigned char)letter]++;
    switch (letter) {
    case 'x': call->skip_line = 1; return 1;
    case 'I': call->isolated = call->safe_path = 1; return 1;
    case 'S': call->no_site = 1; return 1;
    case 'P': call->safe_path = 1; return 1;
    case 'E': case 's': return 1;
    case 'c': case 'm': call->mode = letter; return 0;
    case 'W': case 'X': return 0;
    default: add_flag(call, letter); return 1;
    }
}

/* Read python's options up to its program, by the grammar of CPython's Python/getopt.c.
 * `letters` is that interpreter's option string; what is not in it is python's to explain. */
static void read_python_arguments(struct call *call, int argc, char **argv, const char *letters) {
    int at = call->first, flags_of_ours = 0;
    call->mode = 'i';
    call->target = argc;
    for (; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
        const char *letter = argv[at] + 1;
        if (strcmp(argv[at], "--") == 0) { at++; break; }
        if (strcmp(argv[at], "--check-hash-based-pycs") == 0 && at + 1 < argc) {
            add_option(call, argv[at]);
            add_option(call, argv[++at]);
            continue;
        }
        /* A child is given our own -S and -I by subprocess._args_from_interpreter_flags. */
        if (strcmp(argv[at], "-S") == 0) flags_of_ours |= 1;
        if (strcmp(argv[at], "-I") == 0) flags_of_ours |= 2;
        for (; *letter; letter++) {
            const char *known = strchr(letters, *letter);
            if (!known || *letter == ':' || strchr("hV?", *letter)) { call->mode = 'p'; return; }
            if (read_letter(call, *letter)) continue;
            if (!letter[1] && ++at >= argc) { call->mode = 'p'; return; }
            call->target = at;
            call->offset = letter[1] ? (size_t)(letter + 1 - argv[at]) : 0;
            if (*letter == 'c' || *letter == 'm') return;
            add_flag(call, *letter);
            add_option(call, argv[at] + call->offset);
            break;
        }
    }
    if (flags_of_ours == 3) call->isolated = call->no_site = call->safe_path = 0;
    call->target = at;
    call->offset = 0;
    if (at < argc && strcmp(argv[at], "-") != 0) call->mode = 's';
}

/* Append `text` and its NUL to the key material. */
static void add_material(char **material, size_t *used, const char *text) {
    size_t length = strlen(text) + 1;
    char *grown = realloc(*material, *used + length);
    if (!grown) exit(71);
    memcpy(grown + *used, text, length);
    *material = grown;
    *used += length;
}

static int by_text(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Make the key material of this start; NULL where it cannot be told. See RECORD.md. */
static char *make_material(const struct call *call, int argc, char **argv, const char *start, size_t *used) {
    char *variables[MAX_VARIABLES], *material = NULL;
    size_t count = 0;
    int is_script = call->mode == 's';
    *used = 0;
    add_material(&material, used, !is_script ? "directory" : strchr(argv[call->target], '/') ? "path" : "name");
    add_material(&material, used, start);
    for (int at = 1; at < call->first && at < argc; at++) add_material(&material, used, argv[at]);
    add_material(&material, used, "");
    for (char **variable = environ; *variable; variable++) {
        size_t length = strcspn(*variable, "=");
        if (strncmp(*variable, "PYTHON", 6) != 0 && !one_of(*variable, length, KEY_VARIABLES)) continue;
        if (count == MAX_VARIABLES) return NULL;
        variables[count++] = *variable;
    }
    qsort(variables, count, sizeof *variables, by_text);
    for (size_t at = 0; at < count; at++) add_material(&material, used, variables[at]);
    return material;
}

/* FNV-1a, 64 bits: only a file name; the material itself is compared. */
static uint64_t hash(const char *bytes, size_t size) {
    uint64_t value = 14695981039346656037u;
    for (size_t at = 0; at < size; at++) value = (value ^ (unsigned char)bytes[at]) * 1099511628211u;
    return value;
}

/* Write the directory of the launch records into `path`: 0 where only the slow path can tell. */
static int find_records(char path[PATH_MAX]) {
    const char *cache = getenv("PYX_CACHE_DIR"), *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;
    if (cache && *cache == '/') length = snprintf(path, PATH_MAX, "%s/launch", cache);
    else if (cache && *cache) return 0;
#ifdef __APPLE__
    else if (home && *home == '/') length = snprintf(path, PATH_MAX, "%s/Library/Caches/pyx/launch", home);
#else
    else if (base && *base == '/') length = snprintf(path, PATH_MAX, "%s/pyx/launch", base);
    else if (base && *base) return 0;
    else if (home && *home == '/') length = snprintf(path, PATH_MAX, "%s/.cache/pyx/launch", home);
#endif
    else return 0;
    (void)base;
    return length > 0 && length < PATH_MAX - 32;
}

/* Is `info` something that no other user could have written? */
static int is_ours(const struct stat *info) {
    return info->st_uid == geteuid() && (info->st_mode & 022) == 0;
}

static int read_record(struct record *record, const char *path, enum role role) {
    struct stat info;
    struct header header;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const char *at;
    if (file < 0) return 0;
    if (fstat(file, &info) || !S_ISREG(info.st_mode) || info.st_size < (off_t)sizeof header || info.st_size > MAX_RECORD ||
        (role == LAUNCHER ? !is_ours(&info) : (info.st_mode & 022) != 0)) {
        close(file);
        return 0;
    }
    record->size = (size_t)info.st_size;
    record->bytes = allocate(record->size + 1);
    if (read(file, record->bytes, record->size + 1) != info.st_size) return close(file), 0;
    close(file);
    memcpy(&header, record->bytes, sizeof header);
    if (memcmp(header.magic, "pyxrec", 7) != 0 || header.format != FORMAT || header.total != record->size ||
        header.material > record->size - sizeof header || header.strings < 5 || header.strings > 64 ||
        record->bytes[record->size - 1] != 0)
        return 0;
    at = record->bytes + sizeof header + header.material;
    for (uint32_t count = 0; count < header.checks; count++) {
        struct check check;
        size_t left = record->size - (size_t)(at - record->bytes);
        if (left < sizeof check) return 0;
        memcpy(&check, at, sizeof check);
        if (check.length > left - sizeof check || check.block >= check.length || at[sizeof check + check.length - check.block - 1]) return 0;
        at += sizeof check + check.length;
    }
    for (record->string_count = 0; record->string_count < header.strings; at += strlen(at) + 1) {
        if (at >= record->bytes + record->size) return 0;
        record->strings[record->string_count++] = at;
    }
    return 1;
}

static int64_t nanoseconds(struct timespec time) { return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec; }

static int is_same(const struct check *check, const struct stat *info) {
    return nanoseconds(info->st_mtim) == check->mtime_ns && nanoseconds(info->st_ctim) == check->ctime_ns &&
           (check->kind == DIRECTORY || (int64_t)info->st_size == check->size) && (uint64_t)info->st_ino == check->inode;
}

/* Does the changed script still have exactly the inline block (PEP 723) it had, or still none? */
static int has_same_block(const char *path, const struct stat *info, const char *block, size_t length) {
    static const char MARK[] = "# /// script";
    size_t size = (size_t)info->st_size, mark = sizeof MARK - 1;
    char *text;
    int file, found = 0;
    if (!S_ISREG(info->st_mode) || info->st_size > (16 << 20) || (file = open(path, O_RDONLY | O_CLOEXEC)) < 0) return 0;
    text = allocate(size + 1);
    if (read(file, text, size + 1) != info->st_size) found = 2;
    close(file);
    text[size] = '\n';
    for (char *at = text; found < 2 && (at = memmem(at, size - (size_t)(at - text), MARK, mark)); at += mark) {
        size_t left = size - (size_t)(at - text);
        if (at != text && at[-1] != '\n' && at[-1] != '\r') continue;
        found++;
        if (left < length || memcmp(at, block, length) != 0 || at[length] == '#') found = 2;
    }
    free(text);
    return found == (length ? 1 : 0);
}

/* Check everything that was true when the record was written. Names what is not. */
static int holds(const struct record *record) {
    struct header header;
    const char *at;
    memcpy(&header, record->bytes, sizeof header);
    at = record->bytes + sizeof header + header.material;
    for (uint32_t count = header.checks; count > 0; count--) {
        struct check check;
        struct stat info;
        const char *path;
        int good, missing;
        memcpy(&check, at, sizeof check);
        path = at + sizeof check;
        at = path + check.length;
        missing = stat(path, &info) != 0;
        good = missing ? 0 : is_same(&check, &info);
        if (check.kind == FILE_ABSENT) good = missing && (errno == ENOENT || errno == ENOTDIR);
        if (check.kind == SCRIPT && !missing && !good) good = has_same_block(path, &info, at - check.block, check.block);
        if (check.kind == DIRECTORY) {
            /* An unchanged directory has gained no file: the absences below it need no look. */
            for (uint32_t below = check.count; good && below > 0 && count > 1; below--, count--) {
                memcpy(&check, at, sizeof check);
                at += sizeof check + check.length;
            }
            good = 1;
        }
        if (!good) return debug("%s is not what it was", path), 0;
    }
    return 1;
}

/* Apply one row: an environment variable that -I would drop, and the option that says the same. */
static void apply_row(struct call *call, const char *row, int early) {
    const char *equals = strchr(row, '='), *value;
    char name[64], *copy;
    size_t length;
    if (!equals || (length = (size_t)(equals - row) - 1) >= sizeof name) return;
    memcpy(name, row + 1, length);
    name[length] = 0;
    if (!(value = getenv(name)) || !*value || early != (row[0] == 'l')) return;
    if (row[0] == 'f') add_option(call, equals + 1);
    if (row[0] == 'n') {
        int level = atoi(value) > 0 ? atoi(value) : 1;
        for (level -= call->counts[equals[1] & 127]; level > 0 && level < 4; level--) add_flag(call, equals[1]);
    }
    if (row[0] == 'v') {
        copy = allocate(strlen(equals) + strlen(value) + 1);
        add_option(call, strcat(strcpy(copy, equals + 1), value));
    }
    if (row[0] == 'l')
        for (copy = strdup(value); copy && call->option_count < 60; ) {
            char *item = strsep(&copy, ",");
            if (!*item) continue;
            add_option(call, equals + 1);
            add_option(call, item);
        }
}

/* Become the interpreter: its own flags, the bootstrap, and the user's words untouched. */
static int become(const struct record *record, struct call *call, int argc, char **argv, const char *start) {
    const char *letters = record->strings[2];
    char **options = call->options, control[64], **arguments;
    int used = 0, other_isolation = 0, count;
    call->options = allocate(sizeof *options * ((size_t)argc * 2 + 256));
    arguments = allocate(sizeof *arguments * ((size_t)argc * 4 + 512));
    count = call->option_count;
    call->option_count = 0;
    arguments[used++] = (char *)record->strings[1];
    if (call->mode != 'p') {
        for (uint32_t row = 5; row < record->string_count; row++)
            if (record->strings[row][0] == 'a' && getenv(record->strings[row] + 1)) other_isolation = 1;
        add_option(call, other_isolation ? "-s" : "-I");
        if (other_isolation && strchr(letters, 'P')) add_option(call, "-P");
        add_option(call, "-S");
        for (uint32_t row = 5; row < record->string_count; row++) {
            if (other_isolation && record->strings[row][0] == 'u') unsetenv(record->strings[row] + 1);
            if (!other_isolation) apply_row(call, record->strings[row], 1);
        }
        for (int at = 0; at < count; at++) add_option(call, options[at]);
        for (uint32_t row = 5; row < record->string_count && !other_isolation; row++) apply_row(call, record->strings[row], 0);
        if (call->mode == 'i' && !call->counts['i'] && isatty(0)) add_option(call, "-i");
        for (int at = 0; at < call->option_count; at++) arguments[used++] = call->options[at];
        snprintf(control, sizeof control, "%c%s%s%s%s,%d,%zu", call->mode, call->skip_line ? "x" : "", call->no_site ? "S" : "",
                 call->safe_path || getenv("PYTHONSAFEPATH") ? "P" : "", other_isolation ? "a" : "", call->target - call->first, call->offset);
        arguments[used++] = (char *)record->strings[3];
        arguments[used++] = control;
        arguments[used++] = (char *)(call->mode == 's' ? start : "");
        arguments[used++] = (char *)(call->mode == 's' ? record->strings[4] : "");
    }
    for (int at = call->first; at < argc; at++) arguments[used++] = argv[at];
    arguments[used] = NULL;
    execve(record->strings[0], arguments, environ);
    fprintf(stderr, "pyx: cannot execute %s: %s\n", record->strings[0], strerror(errno));
    return errno == ENOENT ? 127 : 126;
}

/* Start the slow path, which lies beside this program. */
static int launch_slowly(const char *self, int argc, char **argv) {
    char path[PATH_MAX];
    const char *slash = strrchr(self, '/');
    int length = slash ? (int)(slash - self) : 0;
    (void)argc;
    if (snprintf(path, sizeof path, "%.*s/pyx-launcher", length, self) >= PATH_MAX) return 126;
    argv[0] = path;
    execve(path, argv, environ);
    fprintf(stderr, "pyx: cannot execute %s: %s; install pyx again\n", path, strerror(errno));
    return errno == ENOENT ? 127 : 126;
}

static int find_self(char self[PATH_MAX]) {
#ifdef __APPLE__
    char raw[PATH_MAX];
    uint32_t size = sizeof raw;
    return _NSGetExecutablePath(raw, &size) == 0 && realpath(raw, self) != NULL;
#else
    ssize_t length = readlink("/proc/self/exe", self, PATH_MAX - 1);
    if (length > 0) self[length] = 0;
    return length > 0;
#endif
}

/* In the role of <environment>/bin/python: the environment's own record, or one line of regret. */
static int run_interpreter(const char *self, int argc, char **argv) {
    struct record record;
    struct call call = {.first = 1};
    char path[PATH_MAX], start[PATH_MAX] = "";
    int length = (int)strlen(self);
    for (int slashes = 0; slashes < 2 && length > 0; slashes += self[--length] == '/') {}
    snprintf(path, sizeof path, "%.*s/launch", length, self);
    if (!read_record(&record, path, INTERPRETER) || !holds(&record)) {
        fprintf(stderr, "pyx: the environment %.*s is out of date; run `pyx sync` in its project\n", length, self);
        return 69;
    }
    call.options = allocate(sizeof *call.options * ((size_t)argc * 64 + 64));
    read_python_arguments(&call, argc, argv, record.strings[2]);
    if (call.mode == 's' && !realpath(argv[call.target], start)) start[0] = 0;
    return become(&record, &call, argc, argv, start);
}

/* In the role of pyx: 0 where the launch record could be used is never returned. */
static int run_launcher(const char *self, int argc, char **argv) {
    static const char EVERY_LETTER[] = "bBc:dEhiIJm:OPqRsStuvVW:xX:?";
    struct record record;
    struct call call = {.first = 1};
    struct stat info;
    char path[PATH_MAX], start[PATH_MAX], *material;
    size_t used, records;
    call.options = allocate(sizeof *call.options * ((size_t)argc * 64 + 64));
    if (getuid() != geteuid() || getgid() != getegid() || !read_own_arguments(&call, argc, argv) || !find_records(path))
        return launch_slowly(self, argc, argv);
    read_python_arguments(&call, argc, argv, EVERY_LETTER);
    if (!(call.mode == 's' ? realpath(argv[call.target], start) : getcwd(start, sizeof start))) return launch_slowly(self, argc, argv);
    if (stat(path, &info) || !is_ours(&info) || !(material = make_material(&call, argc, argv, start, &used)))
        return launch_slowly(self, argc, argv);
    records = strlen(path);
    snprintf(path + records, sizeof path - records, "/%016llx", (unsigned long long)hash(material, used));
    if (!read_record(&record, path, LAUNCHER)) return debug("no launch record %s", path), launch_slowly(self, argc, argv);
    if (((struct header *)(void *)record.bytes)->material != used || memcmp(record.bytes + sizeof(struct header), material, used) != 0)
        return debug("the launch record is for another start"), launch_slowly(self, argc, argv);
    if (!holds(&record)) return launch_slowly(self, argc, argv);
    debug("launch record %s holds", path);
    memset(&call.counts, 0, sizeof call.counts);
    call.option_count = call.skip_line = call.isolated = call.no_site = call.safe_path = 0;
    read_python_arguments(&call, argc, argv, record.strings[2]);
    return become(&record, &call, argc, argv, start);
}

int main(int argc, char **argv) {
    char self[PATH_MAX];
    const char *name;
    if (!find_self(self)) {
        fputs("pyx: cannot tell where this program lies\n", stderr);
        return 126;
    }
    name = strrchr(self, '/') + 1;
    if (strncmp(name, "python", 6) == 0) return run_interpreter(self, argc, argv);
    return run_launcher(self, argc, argv);
}
