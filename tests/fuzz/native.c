/* Feeds libFuzzer's bytes to the parts of pyx.c that read what somebody else wrote.
 *
 * pyx.c is included whole. The calls of the system that it makes are answered here, from the input and
 * without a file, so that one process tries some ten thousand starts a second. What no start may do is a
 * trap: memory that is not its own (the sanitizers see to that), another program than the interpreter or
 * the slow path, a message of two lines, a word of the user that is lost.
 *
 * Compiled with one of -DRECORD (launch records of any bytes), -DWORDS (command lines and variables of any
 * bytes, with a record that holds) and -DBLOCK (inline blocks, against a second reader of them).
 * `tests/fuzz/native.py` compiles it, makes the seeds and runs it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWNER 1000
#define WORKING "/work"
#define CACHE "/cache"
#define SELF "/environment/bin/python"
#define LAUNCHER "/installed/pyx"

enum { RECORD_FILE = 3, SCRIPT_FILE = 4, CODE_FILE = 5 };

/* What one input says about the world that the program finds. */
struct world {
    uint8_t open_to_others, foreign, no_launch_records, terminal, knows_code;
    uint8_t changed, change; /* which look at a file finds it changed, and how */
};

struct bytes { uint8_t *at; size_t size; };

static struct world world;
static struct bytes record_bytes, script_bytes, read_bytes;
static unsigned looks, executed;
static char **fuzz_environ, **user_words;
static int user_count;
static void *blocks[1 << 16];
static size_t block_count;
static jmp_buf out_of_memory;

#define TRAP(condition) do { if (condition) __builtin_trap(); } while (0)

static void *track(void *block) {
    TRAP(!block);
    if (block_count == sizeof blocks / sizeof *blocks) { free(block); longjmp(out_of_memory, 1); }
    return blocks[block_count++] = block;
}

/* A piece of memory of exactly this size, so that the byte behind it is nobody's. */
static void *piece(const void *bytes, size_t size) {
    void *made = track(malloc(size ? size : 1));
    if (size) memcpy(made, bytes, size);
    return made;
}

/* Read a string to its end, so that the sanitizers see it. */
static void look_at(const char *text) {
    static volatile size_t length;
    length = strlen(text);
}

static void forget(void) {
    while (block_count) free(blocks[--block_count]);
    looks = executed = 0;
    record_bytes = script_bytes = read_bytes = (struct bytes){0};
}

static void *fuzz_malloc(size_t size) {
    TRAP(size > ((size_t)64 << 20)); /* A record is a megabyte, and a script sixteen. */
    return track(malloc(size));
}

static _Noreturn void fuzz_exit(int status) { TRAP(status != 71); longjmp(out_of_memory, 1); }

static int fuzz_open(const char *path, int flags) {
    size_t length = strlen(path);
    TRAP((flags & (O_NOFOLLOW | O_NONBLOCK)) != (O_NOFOLLOW | O_NONBLOCK));
    if (length >= 7 && strcmp(path + length - 7, "/launch") == 0) return RECORD_FILE;
    if (strncmp(path, CACHE "/launch/", sizeof CACHE "/launch/" - 1) == 0) return RECORD_FILE;
    if (length >= 9 && strcmp(path + length - 9, "/x.launch") == 0) return RECORD_FILE;
    return strcmp(path, "/code") == 0 ? CODE_FILE : SCRIPT_FILE;
}

static void describe(struct stat *info, mode_t mode, size_t size) {
    memset(info, 0, sizeof *info);
    info->st_mode = mode | (world.open_to_others ? S_IWGRP : 0);
    info->st_uid = world.foreign ? OWNER + 1 : OWNER;
    info->st_size = (off_t)size;
    info->st_mtim.tv_sec = info->st_ctim.tv_sec = 1700000000;
    info->st_ino = 7;
}

/* The bytecode's head, with the identity that fits the script where the input wishes it. */
static struct bytes make_code(void);

static struct bytes content_of(int file) {
    if (file == RECORD_FILE) return record_bytes;
    return file == SCRIPT_FILE ? script_bytes : make_code();
}

static int fuzz_fstat(int file, struct stat *info) {
    return describe(info, S_IFREG | 0600, content_of(file).size), 0;
}

static ssize_t fuzz_read(int file, void *to, size_t size) {
    struct bytes content = content_of(file);
    if (size > content.size) size = content.size;
    if (size) memcpy(to, content.at, size);
    /* A check may name the record itself, which is then read once more. */
    if (file == RECORD_FILE && !read_bytes.at) read_bytes = (struct bytes){to, size};
    return (ssize_t)size;
}

/* A path of the record is as the record says, but for the one look that the input picks. */
static int fuzz_stat(const char *path, struct stat *info) {
    struct { uint32_t kind, length, count, block; int64_t mtime_ns, ctime_ns, size; uint64_t inode; } check;
    uintptr_t at = (uintptr_t)path, from = (uintptr_t)read_bytes.at;
    look_at(path);
    describe(info, S_IFDIR | 0700, 100);
    if (!read_bytes.at || at < from || at >= from + read_bytes.size)
        return world.no_launch_records ? (errno = ENOENT, -1) : 0;
    TRAP(at - from < sizeof check);
    memcpy(&check, path - sizeof check, sizeof check);
    int changed = ++looks == world.changed ? world.change : 0;
    int fails = check.kind == 2 || check.kind == 6;
    if (fails != (changed == 1)) return errno = (check.kind == 6) != (changed == 2) ? EACCES : ENOENT, -1;
    int64_t second = 1000000000, past = check.mtime_ns % second, ctime_past = check.ctime_ns % second;
    info->st_mtim.tv_nsec = past < 0 ? past + second : past;
    info->st_mtim.tv_sec = check.mtime_ns / second - (past < 0);
    info->st_ctim.tv_nsec = ctime_past < 0 ? ctime_past + second : ctime_past;
    info->st_ctim.tv_sec = check.ctime_ns / second - (ctime_past < 0);
    info->st_size = check.size;
    info->st_ino = check.inode;
    if (changed == 3) info->st_ino++;
    if (changed == 4) info->st_mtim.tv_sec++;
    if (changed == 5) info->st_size++;
    return 0;
}

static int fuzz_access(const char *path) { return strlen(path) ? 0 : -1; }

static char *fuzz_getcwd(char *path, size_t size) {
    TRAP(size < sizeof WORKING);
    return memcpy(path, WORKING, sizeof WORKING);
}

static char *fuzz_realpath(const char *path, char *resolved) {
    size_t length = strlen(path);
    if (!length || length + sizeof WORKING "/" > PATH_MAX) return errno = ENOENT, NULL;
    strcpy(resolved, *path == '/' ? "" : WORKING "/");
    return strcat(resolved, path);
}

static ssize_t fuzz_write(const char *bytes, size_t length) {
    TRAP(!length || bytes[length - 1] != '\n');
    for (size_t at = 0; at + 1 < length; at++) TRAP((unsigned char)bytes[at] < ' ' || bytes[at] == 127);
    return (ssize_t)length;
}

static void check_words(const char *path, char *const *words);

static int fuzz_execve(const char *path, char *const *words, char *const *variables) {
    TRAP(executed++ || !words[0]);
    look_at(path);
    for (char *const *at = words; *at; at++) look_at(*at);
    for (char *const *at = variables; *at; at++) look_at(*at);
    check_words(path, words);
    return errno = ENOENT, -1;
}

#define malloc(size) fuzz_malloc(size)
#define _exit(status) fuzz_exit(status)
#define open(path, flags) fuzz_open(path, flags)
#define fstat(file, info) fuzz_fstat(file, info)
#define stat(path, info) fuzz_stat(path, info)
#define read(file, to, size) fuzz_read(file, to, size)
#define write(file, bytes, length) fuzz_write(bytes, length)
#define access(path, mode) fuzz_access(path)
#define getcwd(path, size) fuzz_getcwd(path, size)
#define realpath(path, resolved) fuzz_realpath(path, resolved)
#define execve(path, words, variables) fuzz_execve(path, words, variables)
#define isatty(file) world.terminal
#define geteuid() OWNER
#define environ fuzz_environ
#define main pyx_main
#include "pyx.c"
#undef malloc
#undef stat
#undef main

static struct bytes make_code(void) {
    struct { uint32_t magic; unsigned char identity[8]; uint32_t size; } head = {0};
    struct stat info;
    struct text state = {0};
    const char *script = NULL;
    for (int at = 0; at < user_count; at++) if (user_words[at][0] != '-') script = user_words[at];
    if (script_bytes.size >= sizeof head) memcpy(&head, script_bytes.at, sizeof head);
    if (world.knows_code && script && fuzz_stat(script, &info) == 0) {
        int64_t times[] = {nanoseconds(info.st_mtim), nanoseconds(info.st_ctim), info.st_size};
        uint64_t inode = info.st_ino;
        put_bytes(&state, (char *)times, sizeof times), put_bytes(&state, (char *)&inode, sizeof inode);
        put(&state, *script == '/' ? "" : WORKING "/"), put(&state, script);
        uint64_t identity = hash(&state);
        memcpy(head.identity, &identity, sizeof identity);
        head.size = sizeof head;
    }
    return (struct bytes){piece(&head, sizeof head), sizeof head};
}

/* Take the world from the head of the input. */
static int take_world(struct bytes *input) {
    if (input->size < 3) return 0;
    uint8_t flags = input->at[0];
    world = (struct world){
        .open_to_others = (flags & 7) == 7, .foreign = (flags & 7) == 6, .no_launch_records = (flags & 7) == 5,
        .terminal = flags >> 3 & 1, .knows_code = flags >> 4 & 1,
        .changed = input->at[1], .change = input->at[2],
    };
    input->at += 3, input->size -= 3;
    return flags >> 5;
}

/* Take the words up to an empty one that a NUL follows, each in memory of exactly its size. */
static char **take_words(struct bytes *input, char *const *before, int *count) {
    struct text words = {0};
    for (; *before; before++) add(&words, piece(*before, strlen(*before) + 1));
    while (input->size) {
        size_t length = strnlen((char *)input->at, input->size);
        char *word = track(calloc(1, length + 1));
        memcpy(word, input->at, length);
        length += length < input->size;
        input->at += length, input->size -= length;
        if (!*word && input->size && !*input->at) { input->at++, input->size--; break; }
        add(&words, word);
    }
    *count = (int)count_of(&words);
    add(&words, NULL);
    return piece(words.bytes, words.length);
}

static struct call make_call(char **words, int count) {
    user_words = words, user_count = count;
    return (struct call){.argc = count, .argv = words, .first = 1};
}

/* Give the record the key material of this start, as if it had been found under its name. */
static void fit_material(void) {
    struct call call = make_call(user_words, user_count);
    struct header header;
    struct text made = {0}, material = {0};
    char start[PATH_MAX];
    if (record_bytes.size < sizeof header) return;
    memcpy(&header, record_bytes.at, sizeof header);
    size_t rest = sizeof header + header.material;
    read_own_arguments(&call);
    read_python_arguments(&call);
    if (!(call.mode == 's' ? fuzz_realpath(call.argv[call.target], start) : fuzz_getcwd(start, sizeof start))) return;
    make_material(&material, &call, start);
    if (rest > record_bytes.size) rest = sizeof header;
    header.material = (uint32_t)material.length;
    put_bytes(&made, (char *)&header, sizeof header);
    put_bytes(&made, material.bytes, material.length);
    put_bytes(&made, (char *)record_bytes.at + rest, record_bytes.size - rest);
    record_bytes = (struct bytes){(uint8_t *)made.bytes, made.length};
}

/* Make true what is checked first, so that the rest is reached. */
static void fit_header(void) {
    static const unsigned char MAGIC[] = {'p', 'y', 'x', 'r', 'e', 'c', 0, FORMAT};
    uint32_t total = (uint32_t)record_bytes.size;
    if (total < sizeof(struct header)) return;
    uint8_t *copy = piece(record_bytes.at, total);
    memcpy(copy, MAGIC, sizeof MAGIC);
    memcpy(copy + offsetof(struct header, total), &total, sizeof total);
    copy[total - 1] = 0;
    record_bytes.at = copy;
}

enum { PYTHON, PYX, PROGRAM };

static void start(int role) {
    struct call call = make_call(user_words, user_count);
    int status = role == PYX ? run_launcher(LAUNCHER, &call) : run_python(SELF, &call, role == PROGRAM ? "x" : NULL);
    TRAP(status != OUT_OF_DATE && status != CANNOT_EXECUTE && status != NOT_FOUND);
    TRAP(status != OUT_OF_DATE && !executed);
}

#ifdef RECORD

/* Only the interpreter of a record that holds, or the slow path, may ever be executed. */
static void check_words(const char *path, char *const *words) {
    (void)words;
    uintptr_t at = (uintptr_t)path, from = (uintptr_t)read_bytes.at;
    int ours = read_bytes.at && at >= from && at < from + read_bytes.size;
    TRAP(!ours && strcmp(path, "/installed/pyx-launcher") != 0);
    TRAP(ours && (world.open_to_others || memcmp(read_bytes.at, "pyxrec", 7) != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char *const BEFORE[] = {"pyx", NULL};
    static char *const VARIABLES[] = {"PYX_CACHE_DIR=" CACHE, "PYTHONUNBUFFERED=1", "PYTHONWARNINGS=a,,b", NULL};
    struct bytes input;
    if (!setjmp(out_of_memory)) {
        input = (struct bytes){piece(data, size), size};
        int how = take_world(&input), count;
        user_words = take_words(&input, BEFORE, &user_count);
        fuzz_environ = take_words(&(struct bytes){0}, VARIABLES, &count);
        size_t script = input.size ? *input.at++ : 0;
        input.size -= input.size > 0;
        if (script > input.size) script = input.size;
        script_bytes = (struct bytes){piece(input.at, script), script};
        record_bytes = (struct bytes){piece(input.at + script, input.size - script), input.size - script};
        /* The material of a program's record is words, and any words may stand there. */
        if ((how & 3) == 3) fit_material();
        if (!(how & 4)) fit_header();
        start((how & 3) == 2 ? PROGRAM : how & 1);
    }
    forget();
    return 0;
}

#endif
#ifdef WORDS

static struct bytes given;

/* The record to start with is a real one, whose file the variable RECORD names. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const char *name = getenv("RECORD");
    FILE *file = name ? fopen(name, "rb") : NULL;
    static uint8_t content[MAX_RECORD];
    TRAP(!file);
    given = (struct bytes){content, fread(content, 1, sizeof content, file)};
    fclose(file);
    return 0;
}

static int is_users(const char *word) {
    for (int at = 1; at < user_count; at++) if (word == user_words[at]) return 1;
    return 0;
}

/* The last `tail` words are the user's last ones, untouched. */
static void check_tail(char *const *words, int count, int tail) {
    TRAP(tail < 0 || tail >= count || tail >= user_count);
    for (int at = 1; at <= tail; at++) TRAP(words[count - at] != user_words[user_count - at]);
}

/* The slow path gets the user's words as they are, and so does a python that is left to itself. Else each
 * of them is there once: the last ones as they stand, those before by an option each. */
static void check_words(const char *path, char *const *words) {
    char *const *at = words + 1;
    int count = 0, tail, kept = 0;
    while (words[count]) count++;
    if (strcmp(path, "/installed/pyx-launcher") == 0) TRAP(count != user_count);
    if (count == 1 || is_users(*at)) { check_tail(words, count, count - 1); return; }
    for (; *at && strncmp(*at, "-Xpyx=", 6) != 0; at++)
        if (at[1] && (!strcmp(*at, "-W") || !strcmp(*at, "-X") || !strcmp(*at, HASH_BASED_PYCS))) at++;
    TRAP(!*at);
    check_tail(words, count, tail = atoi(strchr(*at, ',') + 1));
    for (; !kept && *at && strncmp(*at, "-Xpyx", 5) == 0; at++)
        if (strncmp(*at, "-Xpyx.words=", 12) == 0) kept = atoi(*at + 12);
    char **typed = user_words + user_count - tail - kept;
    TRAP(typed <= user_words); /* the word `pyx` is not among them */
    for (int word = 0; word < kept; word++) {
        const char *told = at[word] ? strchr(at[word], '=') : NULL;
        TRAP(!told || strcmp(told + 1, typed[word]) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char *const BEFORE[] = {"pyx", NULL};
    static char *const VARIABLES[] = {"PYX_CACHE_DIR=" CACHE, NULL};
    struct bytes input;
    if (!setjmp(out_of_memory)) {
        int count;
        input = (struct bytes){piece(data, size), size};
        int how = take_world(&input);
        user_words = take_words(&input, BEFORE, &user_count);
        fuzz_environ = take_words(&input, VARIABLES, &count);
        record_bytes = (struct bytes){piece(given.at, given.size), given.size};
        if (how & 1) fit_material();
        fit_header();
        start(how & 1);
    }
    forget();
    return 0;
}

#endif
#ifdef BLOCK

static void check_words(const char *path, char *const *words) { (void)path, (void)words; TRAP(1); }

static size_t line_end(struct bytes text, size_t at) {
    while (at < text.size && text.at[at] != '\n' && text.at[at] != '\r') at++;
    if (at + 1 < text.size && text.at[at] == '\r' && text.at[at + 1] == '\n') at++;
    return at < text.size ? at + 1 : at;
}

/* Read the inline block as record.py does, line by line. Returns how many there are. */
static int find_blocks(struct bytes text, struct bytes *block) {
    static const char MARK[] = "# /// script";
    int found = 0;
    *block = (struct bytes){text.at, 0};
    for (size_t at = 0, next; at < text.size; at = next) {
        next = line_end(text, at);
        size_t length = next - at;
        while (length && (text.at[at + length - 1] == '\n' || text.at[at + length - 1] == '\r')) length--;
        if (length != sizeof MARK - 1 || memcmp(text.at + at, MARK, length) != 0) continue;
        size_t end = next;
        while (end < text.size && text.at[end] == '#') end = line_end(text, end);
        if (!found++) *block = (struct bytes){text.at + at, end - at};
    }
    return found;
}

/* The first two bytes are the size of the block that the record holds; the script follows. Where the
 * size is odd, the record's block is the one that the script has. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes block = {0}, theirs;
    if (size < 2) return 0;
    size_t length = (size_t)data[0] << 8 | data[1];
    if (!setjmp(out_of_memory)) {
        int own = length & 1;
        length = (length >> 1) > size - 2 ? size - 2 : length >> 1;
        if (own) length = 0;
        script_bytes = (struct bytes){piece(data + 2 + length, size - 2 - length), size - 2 - length};
        int found = find_blocks(script_bytes, &theirs);
        block = own ? theirs : (struct bytes){(uint8_t *)(uintptr_t)data + 2, length};
        char *kept = track(calloc(1, block.size + 1));
        memcpy(kept + 1, block.at, block.size);
        world = (struct world){0};
        int same = has_same_block("script", kept + 1, block.size);
        int equal = found == (block.size > 0) && theirs.size == block.size && !memcmp(theirs.at, block.at, block.size);
        /* A block that ends in a lone CR is a doubt, and may be. */
        int doubtful = block.size && block.at[block.size - 1] == '\r';
        TRAP(same && !equal);
        TRAP(equal && !same && !doubtful);
    }
    forget();
    return 0;
}

#endif
