/* pyx: confirm what the launcher decided, and become the interpreter.
 *
 * This program decides nothing. It finds the target on the command line, makes a key of what
 * the decision depended on, reads the launch record under that key, checks that everything in
 * it is still so, and executes the interpreter. Any doubt at all starts the slow path,
 * `pyx-launcher`, beside it. RECORD.md describes the record and the command line it makes.
 *
 * As <environment>/bin/python it takes <environment>/launch for its record, and has no slow path; nor
 * has it as a program of a bundle, <bundle>/bin/NAME, whose record is <bundle>/programs/NAME.launch.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
extern char **environ; /* No header declares it there. */
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#define USER_CACHE "/Library/Caches"
#else
#include <sys/auxv.h>
#define issetugid() (getauxval(AT_SECURE) != 0)
#define USER_CACHE "/.cache"
#endif
#if !__STDC_HOSTED__
#include "freestanding.h"
#endif

enum { FORMAT = 2, MAX_RECORD = 1 << 20, MAX_SCRIPT = 16 << 20, MAX_STRINGS = 128, MAX_OPTIMIZE = 3, PAGE = 4096 };
enum { WRITABLE_BY_OTHERS = S_IWGRP | S_IWOTH };
enum { OUT_OF_DATE = 69, OUT_OF_MEMORY = 71, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };
enum { FILE_SAME = 1, FILE_ABSENT = 2, DIRECTORY = 3, SCRIPT = 4, THERE = 5, HIDDEN = 6 };
enum { INTERPRETER, ARGV0, LETTERS, BOOT, CODE, ROWS };

struct header { char magic[7]; uint8_t format; uint32_t total, material, checks, strings; };
struct check { uint32_t kind, length, count, block; int64_t mtime_ns, ctime_ns, size; uint64_t inode; };
struct record {
    struct header header;
    char *bytes;
    const char *end, *strings[MAX_STRINGS];
    const char *directory; /* the environment that it lies in, where its paths may begin; or NULL */
    const char *missing;   /* a file that need only be there, and is not */
};

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

/* Lists of words, each ended by a NUL, the whole by an empty word. There is no pointer among them that
 * somebody would have to relocate at each start. */
static const char WITH_VALUE[] = "--project\0--python\0--group\0--only-group\0--no-group\0-G\0--extra\0--with\0--allow-unhashed\0--env-file\0";
static const char VERBS[] = "sync\0info\0add\0remove\0lock\0run\0env\0tool\0list\0tree\0which\0diff\0store\0bundle\0export\0init\0python\0-h\0";
static const char KEY_VARIABLES[] = /* Sorted, as they are in the key. */
    "ASDF_DATA_DIR\0HOME\0PATH\0PYENV_ROOT\0PYENV_VERSION\0PYX_CACHE_DIR\0PYX_HOME\0PYX_OFFLINE\0"
    "PYX_PROJECT\0PYX_PYTHON\0PYX_STORES\0PYX_WITHIN\0RYE_PY_ROOT\0UV_PYTHON_INSTALL_DIR\0"
    "XDG_CACHE_HOME\0XDG_DATA_HOME\0";
static const char EVERY_LETTER[] = "bBc:dEhiIm:OPqRsStuvVW:xX:?";
static const char HARMLESS[] = "-uiqIEPs"; /* Bytecode is the same with these. */
/* What a start tells those inside it, of the variables that python did not obey: see RECORD.md. */
static const char INSIDE[] = "PYX_INSIDE", OUTSIDE[] = "PYX_OUTSIDE_", SHOWN[] = "PYX_SHOWN_";
static const char HASH_BASED_PYCS[] = "--check-hash-based-pycs";

static char *allocate(size_t size) {
    char *memory = malloc(size);
    if (!memory) _exit(OUT_OF_MEMORY);
    return memory;
}

static void put_bytes(struct text *text, const char *bytes, size_t length) {
    if (length >= text->room - text->length) {
        text->room = (text->length + length) * 2 + 256;
        char *moved = allocate(text->room);
        if (text->length) memcpy(moved, text->bytes, text->length);
        text->bytes = moved;
    }
    if (length) memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = 0;
}

static void put(struct text *text, const char *more) { put_bytes(text, more, strlen(more)); }

static void put_number(struct text *text, uint64_t number, unsigned base, int digits) {
    char written[20], *at = written + sizeof written;
    for (; number || digits > 0; number /= base, digits--) *--at = "0123456789abcdef"[number % base];
    put_bytes(text, at, (size_t)(written + sizeof written - at));
}

static const char *join(const char *left, const char *right, size_t length) {
    struct text joined = {0};
    put(&joined, left);
    put_bytes(&joined, right, length);
    return joined.bytes;
}

static void put_word(struct text *text, const char *word) { put_bytes(text, word, strlen(word) + 1); }

static void add(struct text *list, const char *word) { put_bytes(list, (const char *)&word, sizeof word); }

static void add_all(struct text *list, const struct text *more) {
    if (more->length) put_bytes(list, more->bytes, more->length);
}

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

/* Return the value if this is `NAME=value`, else NULL. */
static const char *match(const char *variable, const char *name) {
    size_t length = strlen(name);
    return *variable == *name && strncmp(variable, name, length) == 0 && variable[length] == '=' ? variable + length + 1 : NULL;
}

/* Return the place of `NAME=value` in an environment, or of its end. */
static char **find_in(char **variable, const char *name) {
    while (*variable && !match(*variable, name)) variable++;
    return variable;
}

static char **find_variable(const char *name) { return find_in(environ, name); }

/* Return a variable's value; NULL where it is empty, which means the same to CPython. */
static const char *value_of(const char *name) {
    const char *variable = *find_variable(name), *value = variable ? match(variable, name) : NULL;
    return value && *value ? value : NULL;
}

static void debug(const char *what, const char *which, const char *how) {
    const char *wanted = value_of("PYX_DEBUG");
    if (wanted && strcmp(wanted, "0") != 0) say(what, which, how);
}

static int is_one_of(const char *word, const char *words) {
    for (; *words; words += strlen(words) + 1)
        if (strcmp(word, words) == 0) return 1;
    return 0;
}

/* Skip pyx's own arguments. One that it does not have is in no record's key. */
static void read_own_arguments(struct call *call) {
    char **at = call->argv + 1;
    if (*at && **at == '@') at++;
    for (; *at && (strncmp(*at, "-G", 2) == 0 || (strncmp(*at, "--", 2) == 0 && (*at)[2])) && strcmp(*at, HASH_BASED_PYCS) != 0; at++)
        if (is_one_of(*at, WITH_VALUE) && at[1]) at++;
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

/* Read one word of options. */
static void read_options(struct call *call, int *at) {
    struct text kept = {0};
    put(&kept, "-");
    for (const char *letter = call->argv[*at] + 1; *letter; letter++) {
        const char *known = strchr(EVERY_LETTER, *letter);
        if (!known || strchr(":hV?", *letter)) { call->mode = 'p'; return; }
        if (known[1] == ':') { read_value(call, at, letter); break; }
        call->counts[*letter & 127]++;
        put_bytes(&kept, letter, 1);
    }
    if (kept.length > 1) add(&call->options, kept.bytes);
}

/* Read python's options up to its program, by the grammar of CPython's Python/getopt.c. */
static void read_python_arguments(struct call *call) {
    int at = call->first;
    for (call->mode = 'i'; call->mode == 'i' && at < call->argc; at++) {
        const char *word = call->argv[at];
        if (word[0] != '-' || !word[1] || strcmp(word, "--") == 0) break;
        if (strcmp(word, HASH_BASED_PYCS) != 0 || at + 1 >= call->argc) read_options(call, &at);
        else add(&call->options, word), add(&call->options, call->argv[++at]);
    }
    if (call->mode != 'i') return;
    call->target = at + (at < call->argc && strcmp(call->argv[at], "--") == 0);
    call->offset = 0;
    if (call->target < call->argc && strcmp(call->argv[call->target], "-") != 0) call->mode = 's';
}

/* Gather the variables of the key. Returns whether one names a place by the working directory. */
static int find_variables(struct text *found) {
    int relative = 0;
    for (const char *name = KEY_VARIABLES; *name; name += strlen(name) + 1) {
        const char *variable = *find_variable(name);
        if (!variable) continue;
        put_word(found, variable);
        for (const char *part = variable + strlen(name); part; part = strchr(part + 1, ':'))
            if (!strchr("/:", part[1])) relative = 1;
    }
    return relative;
}

/* Make the key material of this start: 0 where it cannot be told. */
static int make_material(struct text *material, const struct call *call, const char *start) {
    struct text variables = {0};
    char working[PATH_MAX];
    working[0] = 0; /* An initializer would clear the whole page. */
    int relative = find_variables(&variables) || call->first > 1;
    if (relative && !getcwd(working, sizeof working)) return 0;
    if (call->mode != 's') put_word(material, "directory");
    else put_word(material, strchr(call->argv[call->target], '/') ? "path" : "name");
    put_word(material, start), put_word(material, working);
    for (int at = 1; at < call->first; at++) put_word(material, call->argv[at]);
    put_word(material, "");
    put_bytes(material, variables.bytes, variables.length);
    return 1;
}

/* FNV-1a, 64 bits. */
static uint64_t hash(const struct text *text) {
    uint64_t value = 14695981039346656037u;
    for (size_t at = 0; at < text->length; at++)
        value = (value ^ (unsigned char)text->bytes[at]) * 1099511628211u;
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

/* Read a whole regular file; NULL where that cannot be done at once, or it is too large. What is
 * opened here is closed by becoming another program, which happens next in any case. */
static char *read_file(const char *path, off_t limit, struct stat *info) {
    char *bytes = NULL;
    ssize_t got = -1;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return NULL;
    if (fstat(file, info) == 0 && S_ISREG(info->st_mode) && info->st_size <= limit) {
        bytes = allocate((size_t)info->st_size + 1);
        do got = read(file, bytes, (size_t)info->st_size + 1);
        while (got < 0 && errno == EINTR);
    }
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

/* Is it so? `settled` where the place of the record vouches for it: then a copy or one more hard link,
 * which change no byte, are no doubt, for there is no slow path that could look closer. */
static int is_true(const struct check *check, const char *path, int settled) {
    struct stat info;
    if (stat(path, &info) != 0)
        return errno == EACCES ? check->kind == HIDDEN : check->kind == FILE_ABSENT && (errno == ENOENT || errno == ENOTDIR);
    if (nanoseconds(info.st_mtim) == check->mtime_ns && nanoseconds(info.st_ctim) == check->ctime_ns &&
        (info.st_size == check->size || check->kind == DIRECTORY) && info.st_ino == check->inode)
        return check->kind != FILE_ABSENT && check->kind != HIDDEN;
    if (settled && check->kind == FILE_SAME && info.st_size == check->size &&
        nanoseconds(info.st_mtim) / 1000000000 == check->mtime_ns / 1000000000)
        return 1;
    if (check->kind == THERE) return 1;
    return check->kind == SCRIPT && has_same_block(path, path + check->length - check->block, check->block);
}

/* Return a path of the record. Those of a bundle begin at its directory, wherever that lies. */
static const char *place(const struct record *record, const char *path) {
    if (*path == '/' || !record->directory) return path;
    return join(join(record->directory, "/", 1), path, strlen(path));
}

/* Find the strings that are the rest of the record: five, and one for each row. */
static int find_strings(struct record *record, const char *at) {
    uint32_t found = 0, wanted = record->header.strings;
    if (wanted < ROWS || wanted > MAX_STRINGS) return 0;
    for (; found < wanted && at < record->end; at += strlen(at) + 1)
        record->strings[found] = *at && (found == ARGV0 || found == BOOT) ? place(record, at) : at, found++;
    return found == wanted && at == record->end;
}

/* Is everything so that was so when the record was written? A directory that has not changed has
 * gained no file, so the absences it answers for need no look; one that has changed proves nothing. */
static int holds(struct record *record) {
    const char *at = record->bytes + sizeof record->header + record->header.material, *path;
    struct check check;
    int settled = record->directory != NULL;
    for (uint32_t count = 0, known = 0; count < record->header.checks; count++) {
        size_t left = (size_t)(record->end - at);
        if (left < sizeof check) return 0;
        memcpy(&check, at, sizeof check);
        path = at + sizeof check;
        if (check.length > left - sizeof check || check.block >= check.length) return 0;
        at = path + check.length;
        if (path[check.length - check.block - 1]) return 0;
        if (check.kind == THERE) path = place(record, path);
        if (check.kind == DIRECTORY) known = is_true(&check, path, settled) ? check.count : 0;
        else if (check.kind == FILE_ABSENT && known) known--;
        else if (!is_true(&check, path, settled)) {
            if (check.kind == THERE) record->missing = path;
            return debug(path, " is not what it was", ""), 0;
        }
    }
    return find_strings(record, at);
}

/* An empty variable means the same to CPython as none. */
static int is_empty(const char *variable) { return !variable[strcspn(variable, "=")] || !variable[strcspn(variable, "=") + 1]; }

/* Return the name of the row of these letters that the variable has, or NULL. */
static const char *find_row(const struct record *record, const char *letters, const char *variable) {
    if (strncmp(variable, "PYTHON", 6) != 0) return NULL;
    for (uint32_t row = ROWS; row < record->header.strings; row++)
        if (strchr(letters, record->strings[row][0]) && match(variable, record->strings[row] + 1))
            return record->strings[row] + 1;
    return NULL;
}

/* May bytecode stand for the script? Not where an option or a variable could make other code of it, or
 * warn. */
static int is_plain(const struct record *record, const struct call *call) {
    int deaf = call->counts['I'] || call->counts['E'];
    for (size_t at = 0; at < count_of(&call->options); at++)
        for (const char *letter = words_of(&call->options)[at]; *letter; letter++)
            if (!strchr(HARMLESS, *letter)) return 0;
    for (char **variable = environ; *variable && !deaf; variable++)
        if (strncmp(*variable, "PYTHON", 6) == 0 && !is_empty(*variable) && !find_row(record, "hu", *variable)) return 0;
    return 1;
}

/* Is the file `code` the bytecode of the script as it is now? bootstrap.py writes it. */
static int has_code(const char *script, const char *code) {
    struct { uint32_t magic; unsigned char identity[8]; uint32_t size; } head;
    struct text state = {0};
    struct stat info, cached;
    char working[PATH_MAX];
    working[0] = 0;
    int file = open(code, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return 0;
    ssize_t got = fstat(file, &cached) == 0 ? read(file, &head, sizeof head) : -1;
    if (got != sizeof head || !S_ISREG(cached.st_mode) || (cached.st_mode & WRITABLE_BY_OTHERS) ||
        cached.st_uid != geteuid() || cached.st_size != (off_t)head.size || stat(script, &info) != 0 ||
        (*script != '/' && !getcwd(working, sizeof working)))
        return 0;
    int64_t times[] = {nanoseconds(info.st_mtim), nanoseconds(info.st_ctim), info.st_size};
    uint64_t inode = info.st_ino;
    put_bytes(&state, (char *)times, sizeof times), put_bytes(&state, (char *)&inode, sizeof inode);
    put(&state, working), put(&state, *script == '/' ? "" : "/"), put(&state, script);
    uint64_t identity = hash(&state);
    return memcmp(&identity, head.identity, sizeof identity) == 0;
}

/* Add an option of ours, by which the bootstrap learns something. */
static void tell(struct text *line, const char *name, const char *value) {
    struct text option = {0};
    put(&option, "-Xpyx"), put(&option, name), put(&option, "="), put(&option, value);
    add(line, option.bytes);
}

/* Return why python should start by the public way, or NULL. */
static const char *find_objection(const struct call *call, const struct record *record, int obeyed) {
    const char *wanted = value_of("PYX_START"), *level = value_of("PYTHONOPTIMIZE");
    struct stat info;
    if (wanted && strcmp(wanted, "public") == 0) return "PYX_START says so";
    if (!*record->strings[BOOT]) return "this interpreter has no other";
    if (obeyed) return "a variable may lead python to another library";
    /* There is bytecode for these levels. */
    if (call->counts['O'] > MAX_OPTIMIZE || (level && (level[1] || *level > '0' + MAX_OPTIMIZE))) return "so many -O";
    return stat(record->strings[BOOT], &info) == 0 ? NULL : "the bytecode for the other is gone";
}

/* Add everything that stands between the interpreter and the program: see RECORD.md. Returns what
 * python is given in place of the script, or NULL. */
static const char *add_options(struct text *line, const struct call *call, const struct record *record, int hidden) {
    const char *code = record->strings[CODE], *script = NULL;
    struct text control = {0}, count = {0};
    add_all(line, &call->options);
    if (call->mode != 's' || !*code || !is_plain(record, call)) code = "";
    else if (has_code(call->argv[call->target], code)) script = code;
    int kept = call->target - call->first + (script || call->offset);
    int tail = call->argc - call->first - kept;
    put_bytes(&control, &call->mode, 1);
    if (script) put(&control, "c");
    if (hidden) put(&control, "v");
    put(&control, ","), put_number(&control, tail > 0 ? (unsigned)tail : 0, 10, 1);
    tell(line, "", control.bytes);
    /* A user's own -X of that name must not be taken for ours. */
    if (*code || (call->mode == 's' && call->options.length)) tell(line, ".code", code);
    if (kept > 0) put_number(&count, (unsigned)kept, 10, 1), tell(line, ".words", count.bytes);
    for (int at = 0; at < kept; at++) {
        struct text name = {0};
        put(&name, "."), put_number(&name, (unsigned)at, 10, 1);
        tell(line, name.bytes, call->argv[call->first + at]);
    }
    return script;
}

/* Read a file of the kernel's, whose size nobody knows. Its lines end with a NUL. Returns its words. */
static char **read_words(const char *path) {
    struct text content = {0}, words = {0};
    char page[PAGE];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0)
        for (ssize_t got; (got = read(file, page, sizeof page)) > 0;) put_bytes(&content, page, (size_t)got);
    for (size_t at = 0; at < content.length; at += strlen(content.bytes + at) + 1) add(&words, content.bytes + at);
    add(&words, NULL);
    return (char **)(uintptr_t)words_of(&words);
}

/* Return the environment that tells of the outermost start: this one, or that of the parent, for one that
 * replaces the environment of its child replaces this as well. NULL where this is the outermost start. */
static char **find_outside(const struct record *record) {
    struct text path = {0};
    char **variable = environ, **parent;
    if (*find_variable(INSIDE)) return environ;
    while (*variable && !find_row(record, "u", *variable)) variable++;
    if (!*variable) return NULL;
    put(&path, "/proc/"), put_number(&path, (uint64_t)getppid(), 10, 1), put(&path, "/environ");
    parent = read_words(path.bytes);
    return *find_in(parent, INSIDE) ? parent : NULL;
}

/* Return what is left of a variable's value without what it had outside: of a list of paths the others. */
static const char *leave_out(const char *name, const char *value, const char *outside) {
    size_t length = strlen(outside);
    if (strcmp(value, outside) == 0) return "";
    for (const char *at = value; strcmp(name, "PYTHONPATH") == 0;) {
        if (strncmp(at, outside, length) == 0 && at[length] == ':')
            return join(join("", value, (size_t)(at - value)), at + length + 1, strlen(at + length + 1));
        if (strcmp(at, outside) == 0) return join("", value, (size_t)(at - value - 1));
        at += strcspn(at, ":");
        if (!*at++) break;
    }
    return value;
}

/* Keep from python what the user had set, outside of all starts, of the variables that would mislead it. Says
 * in `obeyed` whether one is left that a program has set for its child. Returns whether any was hidden. */
static int hide_variables(const struct record *record, int *obeyed) {
    struct text kept = {0}, notes = {0};
    char **outside = find_outside(record);
    int hidden = 0, dropped = 0;
    for (char **variable = environ; *variable; variable++) {
        /* By this python's stub on macOS tells python where it lies; that of another start would mislead. */
        if (match(*variable, "__PYVENV_LAUNCHER__") && ++dropped) continue;
        const char *name = is_empty(*variable) ? NULL : find_row(record, "u", *variable), *value = name ? match(*variable, name) : "";
        const char *note = NULL, *left = value;
        if (name) note = outside ? *find_in(outside, join(OUTSIDE, name, strlen(name))) : *variable;
        if (note) left = leave_out(name, value, strchr(note, '=') + 1);
        if (left == value) add(&kept, *variable);
        else if (*left) add(&kept, join(join(name, "=", 1), left, strlen(left)));
        if (left != value) hidden = 1, add(&kept, join(SHOWN, *variable, strlen(*variable)));
        if (name && !outside) add(&notes, join(OUTSIDE, *variable, strlen(*variable)));
        *obeyed |= name && *left;
    }
    if (outside == environ && !hidden && !dropped) return 0;
    for (char **note = outside && outside != environ ? outside : NULL; note && *note; note++)
        if (strncmp(*note, OUTSIDE, sizeof OUTSIDE - 1) == 0) add(&kept, *note);
    if (outside != environ) add(&kept, join(INSIDE, "=1", 2));
    add_all(&kept, &notes), add(&kept, NULL);
    environ = (char **)(uintptr_t)words_of(&kept);
    return hidden;
}

/* Become another program. A file that is there but misses its own interpreter is not "not found". */
static int execute(const char *path, const char **words, const char *advice) {
    execve(path, (char **)(uintptr_t)words, environ);
    int error = errno, missing = error == ENOENT && access(path, F_OK) != 0;
    const char *reason = error == ENOENT && !missing ? "its own interpreter is gone" : strerror(error);
    say("cannot execute ", path, join(join(": ", reason, strlen(reason)), advice, strlen(advice)));
    return missing ? NOT_FOUND : CANNOT_EXECUTE;
}

/* Become the interpreter. Where it would not know an option, it is the one to say so. */
static int become(const struct record *record, struct call *call, const char *start) {
    struct text line = {0};
    const char *script = NULL, *objection;
    int at = call->first, obeyed = 0, hidden = hide_variables(record, &obeyed);
    /* Without `site` nothing of ours would run, nor is any of it needed. */
    if (call->counts['S']) call->mode = 'p';
    for (const char *letter = EVERY_LETTER; *letter; letter++)
        if (call->counts[*letter & 127] && !strchr(record->strings[LETTERS], *letter)) call->mode = 'p';
    add(&line, record->strings[ARGV0]);
    if (call->mode != 'p') {
        if ((objection = find_objection(call, record, obeyed))) debug("by the public way: ", objection, "");
        else add(&line, join("-Xpycache_prefix=", record->strings[BOOT], strlen(record->strings[BOOT])));
        script = add_options(&line, call, record, hidden);
        if (call->mode == 's') tell(&line, ".start", start);
        at = call->target;
        if (call->mode == 'c' || call->mode == 'm') add(&line, call->mode == 'c' ? "-c" : "-m");
        else if (at > call->first && strcmp(call->argv[at - 1], "--") == 0) add(&line, "--");
        if (script || call->offset) add(&line, script ? script : call->argv[at] + call->offset), at++;
    }
    for (; at <= call->argc; at++) add(&line, call->argv[at]);
    return execute(record->strings[INTERPRETER], words_of(&line), "");
}

/* Put the words that a program of a bundle stands for before the user's own. The first is a script in the
 * bundle, unless it is an option. */
static void put_before(struct call *call, const struct record *record) {
    struct text words = {0};
    const char *start = record->bytes + sizeof record->header, *at = start;
    add(&words, call->argv[0]);
    for (; at < start + record->header.material; at += strlen(at) + 1)
        add(&words, at == start && *at != '-' ? place(record, at) : at);
    for (int from = 1; from <= call->argc; from++) add(&words, call->argv[from]);
    call->argv = (char **)(uintptr_t)words_of(&words);
    call->argc = (int)count_of(&words) - 1;
}

/* As <environment>/bin/python, or as a `program` of a bundle: its own record, or one line of regret. */
static int run_python(const char *self, struct call *call, const char *program) {
    struct record record;
    struct stat info;
    char start[PATH_MAX];
    size_t length = strlen(self);
    const char *name = program ? join(join("programs/", program, strlen(program)), ".launch", 7) : "launch";
    for (int slashes = 0; slashes < 2 && length > 0;) slashes += self[--length] == '/';
    record.directory = join("", self, length), record.missing = NULL;
    if (!read_record(&record, place(&record, name), NULL) || !holds(&record)) {
        if (record.missing) say("this bundle needs ", record.missing, ", which cannot be found");
        else if (stat(place(&record, "programs"), &info) == 0)
            say("the bundle ", record.directory, " is not whole; make it again: pyx bundle");
        else if (program) say(self, " is a copy of pyx that has another name; call it pyx, or make it a link", "");
        else say("the environment ", record.directory, " is out of date; run `pyx sync` in its project");
        return OUT_OF_DATE;
    }
    if (program) put_before(call, &record);
    read_python_arguments(call);
    if (call->mode == 's' && !realpath(call->argv[call->target], start)) start[0] = 0;
    return become(&record, call, start);
}

/* Find the launch record of this start: NULL if it holds, else why it cannot be used. */
static const char *find_doubt(struct call *call, struct record *record, char start[PATH_MAX]) {
    struct text path = {0}, material = {0};
    struct stat info;
    read_own_arguments(call);
    read_python_arguments(call);
    if (issetugid()) return "this program runs with another user's rights";
    const char *word = call->argv[call->first];
    if (word && (is_one_of(word, VERBS) || (*word == '-' && word[1] != '-' && !strchr(EVERY_LETTER, word[1])))) return "pyx answers that";
    if (call->mode == 'm' && is_one_of(call->argv[call->target] + call->offset, "pip\0ensurepip\0ipykernel\0")) return "pyx looks at that module first";
    if (!(call->mode == 's' ? realpath(call->argv[call->target], start) : getcwd(start, PATH_MAX)))
        return "the program cannot be found";
    if (!find_records(&path) || stat(path.bytes, &info) != 0) return "there are no launch records";
    if (info.st_uid != geteuid() || (info.st_mode & WRITABLE_BY_OTHERS)) return "others may write records";
    if (!make_material(&material, call, start)) return "the working directory cannot be found";
    put(&path, "/"), put_number(&path, hash(&material), 16, 16);
    if (!read_record(record, path.bytes, &info.st_uid)) return join("no launch record ", path.bytes, path.length);
    if (record->header.material != material.length ||
        memcmp(record->bytes + sizeof record->header, material.bytes, material.length) != 0)
        return "the launch record is for another start";
    if (!holds(record)) return "the launch record does not hold";
    debug("launch record ", path.bytes, " holds");
    return NULL;
}

/* Hide from the slow path, which gives it back, what acts on a python program or one of PyInstaller's. */
static void keep_variables(void) {
    struct text kept = {0};
    /* Its own locale must not be left in the environment that the program inherits. */
    add(&kept, "PYTHONCOERCECLOCALE=0"), add(&kept, "PYTHONUTF8=1");
    for (char **variable = environ; *variable; variable++) {
        int hidden = strncmp(*variable, "PYTHON", 6) == 0 || strncmp(*variable, "__PYVENV", 8) == 0 ||
                     strncmp(*variable, "_PYI_", 5) == 0;
        if (hidden || strncmp(*variable, "LD_LIBRARY_PATH", 15) == 0)
            add(&kept, join("PYX_KEPT_", *variable, strlen(*variable)));
        if (!hidden) add(&kept, *variable);
    }
    add(&kept, NULL);
    environ = (char **)(uintptr_t)words_of(&kept);
}

/* As pyx: the launch record of this start, or the slow path, which lies beside this program. */
static int run_launcher(const char *self, struct call *call) {
    struct record record;
    char start[PATH_MAX];
    record.directory = NULL;
    const char *doubt = find_doubt(call, &record, start), *launcher;
    if (!doubt) return become(&record, call, start);
    debug("slow path: ", doubt, "");
    launcher = join(join("", self, (size_t)(strrchr(self, '/') - self)), "/pyx-launcher", 13);
    call->argv[0] = (char *)(uintptr_t)launcher, keep_variables();
    const char *ours = "; install pyx again: sh packaging/install.sh, or uv tool install --reinstall pyx-launcher";
    const char *advice = memmem(self, strlen(self), "/pipx/", 6) ? "; install pyx again: pipx reinstall pyx-launcher" : ours;
    return execute(launcher, (const char **)(uintptr_t)call->argv, advice);
}

static int find_self(char self[PATH_MAX], char **argv) {
#ifdef __APPLE__
    char raw[PATH_MAX];
    uint32_t size = sizeof raw;
    (void)argv;
    return _NSGetExecutablePath(raw, &size) == 0 && realpath(raw, self) != NULL;
#else
    ssize_t length = readlink("/proc/self/exe", self, PATH_MAX);
    const char *started = (const char *)getauxval(AT_EXECFN);
    /* Without /proc the kernel still says what it executed: this, or a script whose first line names this. */
    if (started && argv[0] && argv[1] && strcmp(argv[1], started) == 0) started = argv[0];
    if (length <= 0 || length >= PATH_MAX) return started && !issetugid() && realpath(started, self) != NULL;
    self[length] = 0;
    return 1;
#endif
}

int main(int argc, char **argv) {
    char self[PATH_MAX], *unnamed[] = {self, NULL};
    struct call call = {.argc = argc > 0 ? argc : 1, .argv = argc > 0 ? argv : unnamed, .first = 1};
    if (!find_self(self, argv) || !strchr(self, '/'))
        return say("cannot tell where this program lies", "", ""), CANNOT_EXECUTE;
    const char *name = strrchr(self, '/') + 1;
    if (strncmp(name, "python", 6) == 0) return run_python(self, &call, NULL);
    if (strcmp(name, "pyx") == 0) return run_launcher(self, &call);
    return run_python(self, &call, name);
}
