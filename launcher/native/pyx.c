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
#include <stddef.h>
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
#define USER_CACHE "/Library/Caches"
#else
#include <sys/auxv.h>
#define issetugid() (getauxval(AT_SECURE) != 0)
#define USER_CACHE "/.cache"
#endif

enum { FORMAT = 1, MAX_RECORD = 1 << 20, MAX_SCRIPT = 16 << 20, MAX_STRINGS = 128, MAX_LEVEL = 255 };
enum { WRITABLE_BY_OTHERS = S_IWGRP | S_IWOTH };
enum { OUT_OF_DATE = 69, OUT_OF_MEMORY = 71, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };
enum { FILE_SAME = 1, FILE_ABSENT = 2, DIRECTORY = 3, SCRIPT = 4 };
enum { INTERPRETER, ARGV0, LETTERS, BOOTSTRAP, CODE, ROWS };

struct header { char magic[7]; uint8_t format; uint32_t total, material, checks, strings; };
struct check { uint32_t kind, length, count, block; int64_t mtime_ns, ctime_ns, size; uint64_t inode; };
struct record { struct header header; char *bytes; const char *end, *strings[MAX_STRINGS]; };

/* Bytes that grow; a list of words is the bytes of their pointers. What is allocated is never freed:
 * soon this is another program. */
struct text { char *bytes; size_t length, room; };

/* What the command line says. `first` is the first word of python's part. */
struct call {
    int argc, first, target;
    char **argv, mode;    /* s script, m module, c command, i standard input, p python's own business */
    size_t offset;        /* where in its word the target begins */
    unsigned counts[128]; /* how often each letter stands among the options */
    struct text options;  /* what python is to be given of them */
};

static const char *const WITH_VALUE[] = {"--project", "--python", "--group", "--extra", NULL};
static const char *const VERBS[] = {
    "sync", "info", "add", "remove", "lock", "run", "env", "tool", "list", "tree", "which", "diff", "-h", NULL};
static const char *const KEY_VARIABLES[] = {
    "ASDF_DATA_DIR", "HOME", "PATH", "PYENV_ROOT", "PYENV_VERSION", "PYX_CACHE_DIR", "PYX_HOME", "PYX_OFFLINE",
    "PYX_PROJECT", "PYX_PYTHON", "PYX_STORES", "RYE_PY_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_CACHE_HOME",
    "XDG_DATA_HOME", NULL};
static const char EVERY_LETTER[] = "bBc:dEhiIm:OPqRsStuvVW:xX:?";
static const char HASH_BASED_PYCS[] = "--check-hash-based-pycs";

static void *allocate(void *old, size_t size) {
    void *memory = realloc(old, size);
    if (!memory) _exit(OUT_OF_MEMORY);
    return memory;
}

static void put_bytes(struct text *text, const char *bytes, size_t length) {
    if (length >= text->room - text->length) {
        text->room = (text->length + length) * 2 + 256;
        text->bytes = allocate(text->bytes, text->room);
    }
    if (length) memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = 0;
}

static void put(struct text *text, const char *more) { put_bytes(text, more, strlen(more)); }

static const char *join(const char *left, const char *right, size_t length) {
    struct text joined = {0};
    put(&joined, left);
    put_bytes(&joined, right, length);
    return joined.bytes;
}

static void put_word(struct text *text, const char *word) { put_bytes(text, word, strlen(word) + 1); }

static void add(struct text *list, const char *word) { put_bytes(list, (const char *)&word, sizeof word); }

static const char **words_of(const struct text *list) { return (const char **)(void *)list->bytes; }

static size_t count_of(const struct text *list) { return list->length / sizeof(char *); }

/* Say exactly one line on stderr, in one piece. */
static void say(const char *what, const char *which, const char *how) {
    struct text line = {0};
    put(&line, "pyx: "), put(&line, what), put(&line, which), put(&line, how);
    for (size_t at = 0; at < line.length; at++)
        if ((unsigned char)line.bytes[at] < ' ' || line.bytes[at] == 127) line.bytes[at] = '?';
    put(&line, "\n");
    if (write(STDERR_FILENO, line.bytes, line.length) < 0) return;
}

/* Return a variable's value; NULL where it is empty, which means the same to CPython. */
static const char *value_of(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static void debug(const char *what, const char *which, const char *how) {
    const char *wanted = value_of("PYX_DEBUG");
    if (wanted && strcmp(wanted, "0") != 0) say(what, which, how);
}

static int is_one_of(const char *word, size_t length, const char *const *words) {
    for (; *words; words++)
        if (strlen(*words) == length && memcmp(*words, word, length) == 0) return 1;
    return 0;
}

/* Skip pyx's own arguments. One that it does not have is in no record's key. */
static void read_own_arguments(struct call *call) {
    char **at = call->argv + 1;
    if (*at && **at == '@') at++;
    for (; *at && strncmp(*at, "--", 2) == 0 && (*at)[2] && strcmp(*at, HASH_BASED_PYCS) != 0; at++)
        if (is_one_of(*at, strlen(*at), WITH_VALUE) && at[1]) at++;
    call->first = (int)(at - call->argv);
}

/* Take the value of an option, attached to its letter or the next word. */
static void read_value(struct call *call, int *at, const char *letter) {
    call->offset = letter[1] ? (size_t)(letter + 1 - call->argv[*at]) : 0;
    call->target = letter[1] ? *at : ++*at;
    if (*at >= call->argc) call->mode = 'p';
    else if (*letter == 'c' || *letter == 'm') call->mode = *letter;
    else add(&call->options, join("-", letter, 1)), add(&call->options, call->argv[*at] + call->offset);
}

/* Read one word of options. Those that pyx says in its own way are only counted. */
static void read_options(struct call *call, int *at) {
    struct text kept = {0};
    put(&kept, "-");
    for (const char *letter = call->argv[*at] + 1; *letter; letter++) {
        const char *known = strchr(EVERY_LETTER, *letter);
        if (!known || strchr(":hV?", *letter)) { call->mode = 'p'; return; }
        if (known[1] == ':') { read_value(call, at, letter); break; }
        call->counts[*letter & 127]++;
        if (!strchr("xISPEs", *letter)) put_bytes(&kept, letter, 1);
    }
    if (kept.length > 1) add(&call->options, kept.bytes);
}

/* Read python's options up to its program, by the grammar of CPython's Python/getopt.c. */
static void read_python_arguments(struct call *call) {
    int at = call->first, no_site = 0, of_parent = 0;
    for (call->mode = 'i'; call->mode == 'i' && at < call->argc; at++) {
        const char *word = call->argv[at];
        if (word[0] != '-' || !word[1] || strcmp(word, "--") == 0) break;
        if (strcmp(word, "-S") == 0) no_site = 1;
        of_parent |= no_site && (strcmp(word, "-I") == 0 || strcmp(word, "-s") == 0);
        if (strcmp(word, HASH_BASED_PYCS) != 0 || at + 1 >= call->argc) read_options(call, &at);
        else add(&call->options, word), add(&call->options, call->argv[++at]);
    }
    /* A parent hands down what pyx gave it (subprocess._args_from_interpreter_flags): -S and then
     * -I, or -s and -P. They are not the user's. */
    if (of_parent) call->counts['I'] = call->counts['S'] = call->counts['P'] = 0;
    if (call->mode != 'i') return;
    call->target = at + (at < call->argc && strcmp(call->argv[at], "--") == 0);
    call->offset = 0;
    if (call->target < call->argc && strcmp(call->argv[call->target], "-") != 0) call->mode = 's';
}

static int by_text(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Gather the variables of the key, sorted. Returns whether one names a place by the working directory. */
static int find_variables(struct text *found) {
    int relative = 0;
    for (char **variable = environ; *variable; variable++) {
        if (!is_one_of(*variable, strcspn(*variable, "="), KEY_VARIABLES)) continue;
        add(found, *variable);
        for (const char *part = strchr(*variable, '='); part; part = strchr(part + 1, ':'))
            if (!strchr("/:", part[1])) relative = 1;
    }
    if (found->length) qsort(found->bytes, count_of(found), sizeof(char *), by_text);
    return relative;
}

/* Make the key material of this start: 0 where it cannot be told. */
static int make_material(struct text *material, const struct call *call, const char *start) {
    struct text variables = {0};
    char working[PATH_MAX] = "";
    int relative = find_variables(&variables) || call->first > 1;
    if (relative && !getcwd(working, sizeof working)) return 0;
    if (call->mode != 's') put_word(material, "directory");
    else put_word(material, strchr(call->argv[call->target], '/') ? "path" : "name");
    put_word(material, start), put_word(material, working);
    for (int at = 1; at < call->first; at++) put_word(material, call->argv[at]);
    put_word(material, "");
    for (size_t at = 0; at < count_of(&variables); at++) put_word(material, words_of(&variables)[at]);
    return 1;
}

/* FNV-1a, 64 bits: only a file name; the material itself is compared. */
static uint64_t hash(const struct text *material) {
    uint64_t value = 14695981039346656037u;
    for (size_t at = 0; at < material->length; at++)
        value = (value ^ (unsigned char)material->bytes[at]) * 1099511628211u;
    return value;
}

/* Write the directory of the launch records into `path`: 0 where only the slow path can tell. */
static int find_records(struct text *path) {
    const char *cache = value_of("PYX_CACHE_DIR"), *base = value_of("XDG_CACHE_HOME");
    const char *root = cache ? cache : base ? base : value_of("HOME");
    if (!root || *root != '/') return 0;
    put(path, root);
    put(path, cache ? "/launch" : base ? "/pyx/launch" : USER_CACHE "/pyx/launch");
    return 1;
}

/* Read a whole regular file; NULL where that cannot be done at once, or it is too large. */
static char *read_file(const char *path, off_t limit, struct stat *info) {
    char *bytes = NULL;
    ssize_t got = -1;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return NULL;
    if (fstat(file, info) == 0 && S_ISREG(info->st_mode) && info->st_size <= limit) {
        bytes = allocate(NULL, (size_t)info->st_size + 1);
        do got = read(file, bytes, (size_t)info->st_size + 1);
        while (got < 0 && errno == EINTR);
    }
    close(file);
    return bytes && got == info->st_size ? bytes : NULL;
}

/* Read the record at `path`, whose bytes may be anything. Without an owner, its place vouches for it. */
static int read_record(struct record *record, const char *path, const uid_t *owner) {
    struct header *header = &record->header;
    struct stat info;
    if (!(record->bytes = read_file(path, MAX_RECORD, &info))) return 0;
    if ((info.st_mode & WRITABLE_BY_OTHERS) || (owner && info.st_uid != *owner)) return 0;
    if (info.st_size < (off_t)sizeof *header) return 0;
    record->end = record->bytes + info.st_size;
    memcpy(header, record->bytes, sizeof *header);
    return memcmp(header->magic, "pyxrec", sizeof header->magic) == 0 && header->format == FORMAT &&
           header->total == (uint64_t)info.st_size && header->material <= header->total - sizeof *header &&
           record->end[-1] == 0;
}

/* It wraps after the year 2262, as in record.py. */
static int64_t nanoseconds(struct timespec time) {
    return (int64_t)((uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec);
}

/* Does a changed script still have exactly the inline block (PEP 723) it had, or still none? */
static int has_same_block(const char *path, const char *block, size_t length) {
    static const char MARK[] = "# /// script";
    struct stat info;
    char *text = read_file(path, MAX_SCRIPT, &info), *at = text, *end = text ? text + info.st_size : NULL;
    size_t found = 0;
    for (; at && (at = memmem(at, (size_t)(end - at), MARK, sizeof MARK - 1)); at++) {
        size_t left = (size_t)(end - at);
        char after = left > sizeof MARK - 1 ? at[sizeof MARK - 1] : '\n';
        if ((at > text && at[-1] != '\n' && at[-1] != '\r') || (after != '\n' && after != '\r')) continue;
        if (found++ || left < length || memcmp(at, block, length) != 0) return 0;
        /* No comment line may follow that would belong to it. An empty block has a NUL before it. */
        if (left > length && (block[(ptrdiff_t)length - 1] != '\n' || at[length] == '#')) return 0;
    }
    return text && found == (length > 0);
}

static int is_true(const struct check *check, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) return check->kind == FILE_ABSENT && (errno == ENOENT || errno == ENOTDIR);
    if (nanoseconds(info.st_mtim) == check->mtime_ns && nanoseconds(info.st_ctim) == check->ctime_ns &&
        (info.st_size == check->size || check->kind == DIRECTORY) && info.st_ino == check->inode)
        return check->kind != FILE_ABSENT;
    return check->kind == SCRIPT && has_same_block(path, path + check->length - check->block, check->block);
}

/* Find the strings that are the rest of the record: five, and two for each row. */
static int find_strings(struct record *record, const char *at) {
    uint32_t found = 0, wanted = record->header.strings;
    if (wanted < ROWS || wanted > MAX_STRINGS || (wanted - ROWS) % 2) return 0;
    for (; found < wanted && at < record->end; at += strlen(at) + 1) record->strings[found++] = at;
    return found == wanted && at == record->end;
}

/* Is everything so that was so when the record was written? A directory that has not changed has
 * gained no file, so the absences it answers for need no look; one that has changed proves nothing. */
static int holds(struct record *record) {
    const char *at = record->bytes + sizeof record->header + record->header.material, *path;
    struct check check;
    for (uint32_t count = 0, known = 0; count < record->header.checks; count++) {
        size_t left = (size_t)(record->end - at);
        if (left < sizeof check) return 0;
        memcpy(&check, at, sizeof check);
        path = at + sizeof check;
        if (check.length > left - sizeof check || check.block >= check.length) return 0;
        at = path + check.length;
        if (path[check.length - check.block - 1]) return 0;
        if (check.kind == DIRECTORY) known = is_true(&check, path) ? check.count : 0;
        else if (check.kind == FILE_ABSENT && known) known--;
        else if (!is_true(&check, path)) return debug(path, " is not what it was", ""), 0;
    }
    return find_strings(record, at);
}

/* Give `letter` as often as its variable adds to the options: see CPython's _Py_get_env_flag. */
static void add_level(struct text *line, const struct call *call, const char *letter, const char *value) {
    struct text word = {0};
    char *end;
    long level = (errno = 0, strtol(value, &end, 10));
    if (errno || *end || level < 0 || level > INT_MAX) level = 1;
    if (level > MAX_LEVEL) level = MAX_LEVEL;
    put(&word, "-");
    for (long given = call->counts[*letter & 127]; given < level; given++) put(&word, letter);
    if (word.length > 1) add(line, word.bytes);
}

/* Do for python what a row says about its variable: see RECORD.md. */
static void apply_row(struct text *line, const struct call *call, const char *row, const char *option) {
    const char *value = value_of(row + 1);
    if (row[0] == 'a') add(line, row);
    if (row[0] == 'f' && (strcmp(option, "-i") != 0 || isatty(STDIN_FILENO))) add(line, option);
    if (row[0] == 'n') add_level(line, call, option, value);
    if (row[0] == 'u') unsetenv(row + 1);
    if (row[0] == 'v') add(line, join(option, value, strlen(value)));
    for (size_t length; row[0] == 'l' && *value; value += length + (value[length] == ',')) {
        length = strcspn(value, ",");
        if (length) add(line, join(option, value, length));
    }
}

/* Apply the rows of these letters whose variables are set. */
static void apply_rows(struct text *line, const struct call *call, const struct record *record,
                       const char *letters) {
    for (uint32_t row = ROWS; row < record->header.strings; row += 2)
        if (strchr(letters, record->strings[row][0]) && value_of(record->strings[row] + 1))
            apply_row(line, call, record->strings[row], record->strings[row + 1]);
}

/* Add everything that stands between the interpreter and the user's words: see RECORD.md. */
static void add_bootstrap(struct text *line, const struct call *call, const struct record *record,
                          const char *start) {
    const unsigned *counts = call->counts, deaf = counts['I'] + counts['E'];
    int knows_safe = strchr(record->strings[LETTERS], 'P') != NULL, script = call->mode == 's';
    int safe = counts['I'] || counts['P'] || (!deaf && knows_safe && value_of("PYTHONSAFEPATH"));
    struct text reason = {0};
    char control[64];
    if (!deaf) apply_rows(&reason, call, record, "a");
    if (reason.length) apply_rows(line, call, record, "u");
    add(line, reason.length ? "-s" : "-I");
    if (reason.length && knows_safe) add(line, "-P");
    add(line, "-S");
    if (!deaf && !reason.length) apply_rows(line, call, record, "l");
    put_bytes(line, call->options.bytes, call->options.length);
    if (!deaf && !reason.length) apply_rows(line, call, record, "fnv");
    if (call->mode == 'i' && !counts['i'] && isatty(STDIN_FILENO)) add(line, "-i");
    snprintf(control, sizeof control, "%c%s%s%s%s%s,%d,%zu", call->mode, counts['x'] ? "x" : "",
             counts['S'] ? "S" : "", safe ? "P" : "", reason.length ? "a" : "", deaf ? "E" : "",
             call->target - call->first, call->offset);
    add(line, record->strings[BOOTSTRAP]), add(line, join("", control, strlen(control)));
    add(line, script ? start : ""), add(line, script ? record->strings[CODE] : "");
}

/* Become another program. A file that is there but misses its own interpreter is not "not found". */
static int execute(const char *path, const char **words, const char *advice) {
    execve(path, (char **)(uintptr_t)words, environ);
    int error = errno, missing = error == ENOENT && access(path, F_OK) != 0;
    const char *reason = strerror(error);
    say("cannot execute ", path, join(join(": ", reason, strlen(reason)), advice, strlen(advice)));
    return missing ? NOT_FOUND : CANNOT_EXECUTE;
}

/* Become the interpreter. Where it would not know an option, it is the one to say so. */
static int become(const struct record *record, struct call *call, const char *start) {
    struct text line = {0};
    for (const char *letter = EVERY_LETTER; *letter; letter++)
        if (call->counts[*letter & 127] && !strchr(record->strings[LETTERS], *letter)) call->mode = 'p';
    add(&line, record->strings[ARGV0]);
    if (call->mode != 'p') add_bootstrap(&line, call, record, start);
    for (int at = call->first; at <= call->argc; at++) add(&line, call->argv[at]);
    return execute(record->strings[INTERPRETER], words_of(&line), "");
}

/* As <environment>/bin/python: the environment's own record, or one line of regret. */
static int run_python(const char *self, struct call *call) {
    struct record record;
    struct text path = {0};
    char start[PATH_MAX];
    size_t length = strlen(self);
    for (int slashes = 0; slashes < 2 && length > 0;) slashes += self[--length] == '/';
    put_bytes(&path, self, length), put(&path, "/launch");
    if (!read_record(&record, path.bytes, NULL) || !holds(&record)) {
        say("the environment ", join("", self, length), " is out of date; run `pyx sync` in its project");
        return OUT_OF_DATE;
    }
    read_python_arguments(call);
    if (call->mode == 's' && !realpath(call->argv[call->target], start)) start[0] = 0;
    return become(&record, call, start);
}

/* Find the launch record of this start: NULL if it holds, else why it cannot be used. */
static const char *find_doubt(struct call *call, struct record *record, char start[PATH_MAX]) {
    struct text path = {0}, material = {0};
    struct stat info;
    char name[18];
    read_own_arguments(call);
    read_python_arguments(call);
    if (issetugid()) return "this program runs with another user's rights";
    const char *word = call->argv[call->first];
    if (word && is_one_of(word, strlen(word), VERBS))
        return "that is a command of pyx";
    if (!(call->mode == 's' ? realpath(call->argv[call->target], start) : getcwd(start, PATH_MAX)))
        return "the program cannot be found";
    if (!find_records(&path) || stat(path.bytes, &info) != 0) return "there are no launch records";
    if (info.st_uid != geteuid() || (info.st_mode & WRITABLE_BY_OTHERS)) return "others may write records";
    if (!make_material(&material, call, start)) return "the working directory cannot be found";
    snprintf(name, sizeof name, "/%016llx", (unsigned long long)hash(&material));
    put(&path, name);
    if (!read_record(record, path.bytes, &info.st_uid))
        return join("no launch record ", path.bytes, path.length);
    if (record->header.material != material.length ||
        memcmp(record->bytes + sizeof record->header, material.bytes, material.length) != 0)
        return "the launch record is for another start";
    if (!holds(record)) return "the launch record does not hold";
    debug("launch record ", path.bytes, " holds");
    return NULL;
}

/* Hide python's variables from the slow path, which is a python program too and gives them back. */
static void keep_variables(void) {
    static char no_coercion[] = "PYTHONCOERCECLOCALE=0", utf8[] = "PYTHONUTF8=1";
    for (char **variable = environ; *variable; variable++)
        if (strncmp(*variable, "PYTHON", 6) == 0 || strncmp(*variable, "__PYVENV", 8) == 0)
            *variable = (char *)(uintptr_t)join("PYX_KEPT_", *variable, strlen(*variable));
    /* Its own locale must not be left in the environment that the program inherits. */
    putenv(no_coercion), putenv(utf8);
}

/* As pyx: the launch record of this start, or the slow path, which lies beside this program. */
static int run_launcher(const char *self, struct call *call) {
    struct record record;
    char start[PATH_MAX];
    const char *doubt = find_doubt(call, &record, start), *launcher;
    if (!doubt) return become(&record, call, start);
    debug("slow path: ", doubt, "");
    launcher = join(join("", self, (size_t)(strrchr(self, '/') - self)), "/pyx-launcher", 13);
    call->argv[0] = (char *)(uintptr_t)launcher;
    keep_variables();
    return execute(launcher, (const char **)(uintptr_t)call->argv, "; install pyx again");
}

static int find_self(char self[PATH_MAX]) {
#ifdef __APPLE__
    char raw[PATH_MAX];
    uint32_t size = sizeof raw;
    return _NSGetExecutablePath(raw, &size) == 0 && realpath(raw, self) != NULL;
#else
    ssize_t length = readlink("/proc/self/exe", self, PATH_MAX);
    const char *started = (const char *)getauxval(AT_EXECFN);
    /* Without /proc the kernel still says what it was asked to execute. */
    if (length <= 0 || length >= PATH_MAX) return started && !issetugid() && realpath(started, self) != NULL;
    self[length] = 0;
    return 1;
#endif
}

int main(int argc, char **argv) {
    char self[PATH_MAX], *unnamed[] = {self, NULL};
    struct call call = {.argc = argc > 0 ? argc : 1, .argv = argc > 0 ? argv : unnamed, .first = 1};
    if (!find_self(self) || !strchr(self, '/')) {
        say("cannot tell where this program lies", "", "");
        return CANNOT_EXECUTE;
    }
    if (strncmp(strrchr(self, '/') + 1, "python", 6) == 0) return run_python(self, &call);
    return run_launcher(self, &call);
}
