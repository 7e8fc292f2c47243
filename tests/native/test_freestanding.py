"""The part of a C library that the native program brings along does what the C library does.

One small program is compiled twice, with `freestanding.h` and with the machine's C library, and
both are asked the same. The fast start as a whole is the matter of `test_native`.
"""

from __future__ import annotations

import errno
import os
import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from installed import FREESTANDING, NATIVE_SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

pytestmark = pytest.mark.skipif(
    sys.platform != "linux"
    or platform.machine() not in ("x86_64", "aarch64")
    or platform.libc_ver()[0] != "glibc",
    reason="only there is there something to compare",
)

PROGRAM = """
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>
#if !__STDC_HOSTED__
#include "freestanding.h"
#endif

static void tell(const char *text) { if (write(1, text, strlen(text) + 1) < 0) _exit(9); }

static void tell_number(long number) {
    char digits[24], *at = digits + sizeof digits - 1;
    unsigned long left = number < 0 ? -(unsigned long)number : (unsigned long)number;
    *at = 0;
    do *--at = (char)('0' + left % 10); while (left /= 10);
    if (number < 0) *--at = '-';
    tell(at);
}

static int sign(int number) { return (number > 0) - (number < 0); }

static long offset(const char *text, const char *found) { return found ? found - text : -1; }

static void tell_path(const char *path) {
    char resolved[PATH_MAX];
    if (realpath(path, resolved)) tell(resolved);
    else tell_number(errno), tell("");
}

static void tell_strings(const char *a, const char *b) {
    tell_number(sign(strcmp(a, b)));
    for (size_t length = 0; length < 5; length++) tell_number(sign(strncmp(a, b, length)));
    tell_number((long)strcspn(a, b));
    tell_number(offset(a, strchr(a, *b)));
    tell_number(offset(a, strrchr(a, *b)));
    tell_number(offset(a, memmem(a, strlen(a), b, strlen(b))));
    tell_number(sign(memcmp(a, b, strlen(a) < strlen(b) ? strlen(a) : strlen(b))));
}

/* Memory of many sizes, each piece filled and none lying in another. */
static int fill(size_t largest) {
    static unsigned char *pieces[200];
    for (int round = 0; round < 200; round++) {
        size_t size = (size_t)round * round * largest / 40000 + 1;
        if (!(pieces[round] = malloc(size)) || (uintptr_t)pieces[round] % 16) return 0;
        memset(pieces[round], round, size);
    }
    for (int round = 0; round < 200; round++) {
        size_t size = (size_t)round * round * largest / 40000 + 1;
        for (size_t at = 0; at < size; at++) if (pieces[round][at] != round) return 0;
    }
    return 1;
}

int main(int argc, char **argv) {
    struct stat info;
    char working[PATH_MAX];
    char *words[] = {argv[0], NULL};
    for (int at = 2; at < argc; at++) {
        if (*argv[1] == 'p') tell_path(argv[at]);
        if (*argv[1] == 's' && at + 1 < argc) tell_strings(argv[at], argv[at + 1]);
        if (*argv[1] == 'e') {
            execve(argv[at], words, environ);
            tell_number(errno), tell(strerror(errno));
        }
        if (*argv[1] == 'n') {
            int number = 0;
            for (const char *digit = argv[at]; *digit; digit++) number = number * 10 + *digit - '0';
            tell(strerror(number));
        }
        if (*argv[1] == 'f') {
            int result = stat(argv[at], &info);
            tell_number(result ? errno : (long)info.st_size);
            tell_number(result ? 0 : (long)info.st_mtim.tv_nsec);
            tell_number(result ? 0 : (long)info.st_ino);
            tell_number(access(argv[at], F_OK));
            int file = open(argv[at], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
            tell_number(file < 0 ? errno : fstat(file, &info));
            tell_number(file < 0 ? 0 : read(file, working, sizeof working));
        }
    }
    if (argc > 1 && *argv[1] == 'm') return fill(8 << 20) ? 3 : 4;
    if (argc > 1 && *argv[1] == 'w') tell(getcwd(working, sizeof working) ? working : "none");
    if (argc > 1 && *argv[1] == 'v') {
        for (char **at = environ; *at; at++) tell(*at);
        tell_number((long)geteuid()), tell_number((long)getauxval(AT_SECURE));
        tell((char *)getauxval(AT_EXECFN));
    }
    return 3;
}
"""
STATUS = 3

# The fixtures hold nothing that one example would leave behind for another to trip over.
PROPERTY = settings(
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

EMULATED = pytest.param(
    ("aarch64-linux-gnu-gcc", "qemu-aarch64"), marks=pytest.mark.oracle, id="emulated"
)


class Pair:
    """The two programs, of which the first brings its own functions along."""

    def __init__(self, ours: Sequence[str | Path], theirs: Path) -> None:
        """Compare the command `ours` with the program `theirs`."""
        self.ours = ours
        self.theirs = theirs

    def ask(
        self,
        *words: str | bytes,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> list[bytes]:
        """Return what both answer, which is the same."""
        answers = [
            subprocess.run(
                [*command, *words],
                cwd=cwd,
                env=env,
                stdin=stdin,
                stdout=subprocess.PIPE,
                check=False,
            )
            for command in (self.ours, [self.theirs])
        ]
        assert answers[0].returncode == answers[1].returncode
        assert answers[0].stdout == answers[1].stdout
        return answers[0].stdout.split(b"\0")[:-1]


@pytest.fixture(scope="module", params=[pytest.param(("cc", ""), id="native"), EMULATED])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Compile both, once for this machine's processor and once for one that is emulated."""
    compiler, emulator = request.param
    for tool in filter(None, (compiler, emulator)):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    directory = tmp_path_factory.mktemp("freestanding")
    source = directory / "program.c"
    source.write_text(PROGRAM, encoding="ascii")
    ours, theirs = directory / "ours", directory / "theirs"
    include = f"-I{NATIVE_SOURCE.parent}"
    plain = ["-std=c11", include, source, "-o"]
    subprocess.run([compiler, *FREESTANDING, *plain, ours], check=True)
    subprocess.run(["cc", *plain, theirs], check=True)
    return Pair([emulator, ours] if emulator else [ours], theirs)


# Paths.


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a directory with links of all kinds."""
    root = tmp_path / "tree"
    (root / "dir" / "sub").mkdir(parents=True)
    (root / "file").touch()
    (root / "dir" / "file").touch()
    links = {
        "to-dir": "dir",
        "to-file": "file",
        "to-sub": "./dir//sub/",
        "absolute": str(root / "dir"),
        "slashes": f"//{root}///dir/.",
        "root": "/",
        "up": "..",
        "here": ".",
        "file-as-directory": "file/",
        "through-file": "file/../dir",
        "dangling": "nowhere",
        "loop": "loop",
        "loop-a": "loop-b",
        "loop-b": "dir/../loop-a",
        "long": "x" * 256,
        "chain0": "dir",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    for number in range(1, 42):
        (root / f"chain{number}").symlink_to(f"chain{number - 1}")
    (root / "dir" / "back").symlink_to("../to-dir/sub")
    return root


NAMES = (
    *("dir", "sub", "file", "to-dir", "to-file", "to-sub", "absolute", "slashes", "up", "here"),
    *("file-as-directory", "through-file", "dangling", "loop", "loop-a", "long", "back"),
    *("chain38", "chain39", "chain40", "nowhere", "..", "..", ".", "", "...", "x" * 255, "x" * 256),
)
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6).map("/".join)


def test_each_path_of_the_tree(pair: Pair, tree: Path) -> None:
    """Every name, with what can stand before and behind it, leads to the same place or error."""
    paths = [
        f"{before}{name}{behind}"
        for name in dict.fromkeys((*NAMES, *(link.name for link in tree.iterdir())))
        for before in ("", "./", f"{tree}/", f"/{tree}//", "dir/../", "to-dir/")
        for behind in ("", "/", "//", "/.", "/..", "/./", "/../file", "/file", "/...", "/sub/..")
    ]
    answers = pair.ask("p", *paths, cwd=tree)
    assert {str(number).encode() for number in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)} <= set(
        answers
    )
    assert os.fsencode(tree / "dir") in answers


@PROPERTY
@given(paths=st.lists(PATHS, min_size=1, max_size=50))
def test_paths_of_many_parts(pair: Pair, tree: Path, paths: list[str]) -> None:
    """Links among links, with and without a way back, resolve as the C library does it."""
    pair.ask("p", *paths, *(f"{tree}/{path}" for path in paths), cwd=tree)


def test_paths_at_the_limits(pair: Pair, tree: Path) -> None:
    """A path of 4095 bytes can be resolved and one of 4096 cannot, however it is made."""
    some = [
        f"{start}{'./' * number}dir" for number in (2030, 2045, 2046, 2047) for start in ("", "/")
    ]
    some += [f"dir{'/' * number}file" for number in (4086, 4087, 4088, 4089, 4090, 5000)]
    some += [f"{'dir/../' * number}file" for number in (100, 580, 590, 1000)]
    pair.ask("p", *some, cwd=tree)
    deep, length = tree, len(str(tree))
    while length + 201 < 4080:
        deep /= "d" * 200
        length += 201
    path = os.open(tree, os.O_RDONLY)
    for _ in range((length - len(str(tree))) // 201):
        os.mkdir("d" * 200, dir_fd=path)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=path)
        os.close(path)
        path = below
    os.symlink(tree / "dir", "way-out", dir_fd=path)
    os.close(path)
    names = [f"{deep}/{'e' * number}" for number in range(4090 - length, 4100 - length)]
    ends = pair.ask("p", *names, f"{deep}/way-out", f"{deep}/way-out/..", cwd=tree)
    assert str(errno.ENAMETOOLONG).encode() in ends


def test_links_that_grow_beyond_the_longest_path(pair: Pair, tree: Path) -> None:
    """What a link leads to and the rest of the way may together be longer than any path."""
    (tree / "wide").symlink_to("./" * 2000 + "dir")
    pair.ask("p", "wide/../" * 39 + "dir", "wide/../" * 41 + "dir", "wide/file", cwd=tree)


def test_a_directory_that_is_gone(pair: Pair, tmp_path: Path) -> None:
    """There is no path below it, but one that begins at the root."""
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    told = []
    for command in (pair.ours, [pair.theirs]):
        gone.mkdir(exist_ok=True)
        done = subprocess.run(
            ["/bin/sh", "-c", script, "-", gone, *command, "p", ".", "x", "/usr"],
            capture_output=True,
            check=False,
        )
        told.append((done.returncode, done.stdout))
    assert told[0] == told[1]
    assert told[0][0] == STATUS


def test_the_working_directory(pair: Pair, tree: Path) -> None:
    """It is named without the links it was reached by."""
    assert pair.ask("w", cwd=tree / "to-dir") == [os.fsencode(tree / "dir")]
    assert pair.ask("w", cwd="/") == [b"/"]


# Files, errors, the process.


def test_what_is_told_of_files(pair: Pair, tree: Path) -> None:
    """Size, time, inode and content, or the reason why there are none."""
    (tree / "file").write_bytes(b"x" * 1000)
    os.mkfifo(tree / "pipe")
    os.utime(tree / "file", ns=(0, 123_456_789))
    answers = pair.ask("f", "file", "dir", "nowhere", "loop", "file/x", "to-file", "pipe", cwd=tree)
    assert answers[:2] == [b"1000", b"123456789"]
    assert answers[5] == b"1000"


def test_why_a_program_cannot_be_executed(pair: Pair, tree: Path) -> None:
    """Each reason has its number and its words."""
    contents = {"text": b"no program", "lost": b"#!/no/such/interpreter\n", "cut": b"\x7fELF"}
    for name, content in contents.items():
        (tree / name).write_bytes(content)
        (tree / name).chmod(0o755)
    names = ["nowhere", "file", "dir", "file/x", "loop", "x" * 300, "/" + "x/" * 3000, *contents]
    answers = pair.ask("e", *names, cwd=tree)
    assert b"Exec format error" in answers
    assert len(set(answers[::2])) >= 6


def test_the_words_for_errors(pair: Pair) -> None:
    """Whatever execve is documented to fail with is told in the C library's words."""
    numbers = (
        *(errno.E2BIG, errno.EACCES, errno.EAGAIN, errno.EFAULT, errno.EINVAL, errno.EIO),
        *(errno.EISDIR, errno.ELIBBAD, errno.ELOOP, errno.EMFILE, errno.ENAMETOOLONG, errno.ENFILE),
        *(errno.ENOENT, errno.ENOEXEC, errno.ENOMEM, errno.ENOTDIR, errno.EPERM, errno.ETXTBSY),
        *(errno.EBUSY, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT),
    )
    answers = pair.ask("n", *map(str, numbers))
    assert answers == [os.strerror(number).encode() for number in numbers]


def test_what_the_process_was_given(pair: Pair) -> None:
    """The variables in their order, the user, the terminal, the name that was executed."""
    env = {"A": "1", "EMPTY": "", "ODD": "a=b\n", "LAST": "x" * 10_000}
    if len(pair.ours) == 1:
        ours, theirs = (
            subprocess.run(
                [path, "v"], env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            for path in (pair.ours[0], pair.theirs)
        )
        assert ours.stdout.split(b"\0")[:-2] == theirs.stdout.split(b"\0")[:-2]
        assert ours.stdout.split(b"\0")[-2] == os.fsencode(pair.ours[0])
        assert ours.stdout.startswith(b"A=1\0EMPTY=\0ODD=a=b\n\0LAST=x")


# Memory and strings.


def test_memory_is_aligned_and_nobody_elses(pair: Pair) -> None:
    """Hundreds of pieces, from a byte to megabytes."""
    pair.ask("m")


TEXTS = st.text(alphabet="ab/é=", max_size=6)


@PROPERTY
@given(words=st.lists(TEXTS, min_size=2, max_size=30))
def test_strings(pair: Pair, words: list[str]) -> None:
    """Comparing and searching give what they give elsewhere, be a string empty or odd."""
    pair.ask("s", *words)


# The program.


def test_it_needs_nobody_to_start_it(pair: Pair) -> None:
    """There is no interpreter and no library for it to be loaded with, and its stack is no code."""
    data = Path(pair.ours[-1]).read_bytes()
    assert data[:5] == b"\x7fELF\x02"
    (start,) = struct.unpack_from("=Q", data, 32)
    size, count = struct.unpack_from("=HH", data, 54)
    headers = [struct.unpack_from("=II", data, start + size * number) for number in range(count)]
    loader, stack = 3, 0x6474E551
    assert loader not in [kind for kind, _ in headers]
    assert [flags & 1 for kind, flags in headers if kind == stack] == [0]
    position_independent = 3
    assert struct.unpack_from("=H", data, 16) == (position_independent,)
