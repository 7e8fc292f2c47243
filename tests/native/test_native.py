"""The native program, driven as a process: what it confirms, what it refuses, what it executes.

Its "interpreter" is a tiny program that prints its command line and its environment. The slow
path beside it is broken, so what prints a command line took the fast path.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from installed import (
    DYNAMIC,
    FREESTANDING,
    KINDS,
    NATIVE_SOURCE,
    PLAIN_PYTHON,
    SANITIZED,
    SLOW_PATH,
    SLOW_PATH_STATUS,
    STATIC,
    Pyx,
    build_native,
    shared_directory,
)

from pyx_launcher.cli.commands import VERBS
from pyx_launcher.cli.invocation import PYTHON_LETTERS, parse_invocation
from pyx_launcher.dirs import resolve_dirs
from pyx_launcher.errors import UsageError
from pyx_launcher.record.checks import (
    Check,
    Kind,
    check_absences,
    check_file,
    check_script,
    find_block,
)
from pyx_launcher.record.record import (
    KEY_VARIABLES,
    LaunchRecord,
    LaunchWords,
    encode_record,
    find_record,
    make_material,
)
from pyx_launcher.record.words import _MISLEADING, _ROWS, _SAME_CODE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ECHO = """
#include <stdio.h>
extern char **environ;
int main(int argc, char **argv) {
    printf("%d", argc);
    for (int at = 0; at < argc; at++) putchar(0), fputs(argv[at], stdout);
    for (char **at = environ; *at; at++) putchar(0), fputs(*at, stdout);
    return 7;
}
"""
ECHO_STATUS = 7
ARGV0 = Path("/environment/bin/python")
CODE = "/cache/code"
WARNINGS = ("-O2", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror")

# The fixtures hold nothing that one example would leave behind for another to trip over.
PROPERTY = settings(
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(
    scope="session",
    params=[KINDS, (SANITIZED,)],
    ids=["plain", "checked"],
)
def native(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the native program twice: as it is installed, and with the compiler's sanitizers."""
    program = build_native(shared_directory(tmp_path_factory), *request.param)
    if program is None:
        pytest.skip("there is no compiler that can do this")
    return program


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Give the few variables that matter here."""
    (tmp_path / "home").mkdir()
    return {
        "HOME": str(tmp_path / "home"),
        "PATH": os.defpath,
        "PYX_CACHE_DIR": str(tmp_path / "cache"),
    }


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the interpreter of these tests, once for each worker."""
    source = tmp_path_factory.mktemp("echo") / "echo.c"
    source.write_text(ECHO, encoding="ascii")
    subprocess.run(["cc", "-o", source.with_suffix(""), source], check=True)
    return source.with_suffix("")


def is_freestanding() -> bool:
    """Tell whether the program can do without a C library here."""
    return sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one start came to. Without a command line it went to the slow path or failed."""

    status: int
    stderr: str
    stdout: str

    @property
    def slow(self) -> bool:
        """Did it start the slow path, and say nothing itself?"""
        return (self.status, self.stdout, self.stderr) == (SLOW_PATH_STATUS, f"{SLOW_PATH}\n", "")

    @property
    def _count(self) -> int:
        return int(self.stdout.partition("\0")[0])

    @property
    def _words(self) -> list[str]:
        assert self.status == ECHO_STATUS, (self.status, self.stdout, self.stderr)
        return self.stdout.split("\0")[1:]

    @property
    def line(self) -> list[str]:
        """The command line that python was given."""
        return self._words[: self._count]

    @property
    def environment(self) -> list[str]:
        """The environment that python was given."""
        return self._words[self._count :]

    def _find_ours(self) -> tuple[int, int]:
        """Return where the options begin and end by which the bootstrap learns something."""
        first = next(at for at, word in enumerate(self.line) if word.startswith("-Xpyx="))
        last = first
        while self.line[last + 1 :] and self.line[last + 1].startswith("-Xpyx."):
            last += 1
        return first, last + 1

    @property
    def options(self) -> list[str]:
        """What stands between the place of the bootstrap, if any, and the options for it."""
        assert self.line[0] == str(ARGV0)
        return self.line[2 if self.fast else 1 : self._find_ours()[0]]

    @property
    def fast(self) -> bool:
        """Does python start by the fast way?"""
        return self.line[1].startswith("-Xpycache_prefix=") and self.line[1].endswith("/work/boot")

    @property
    def told(self) -> dict[str, str]:
        """What the bootstrap is told, by what follows ``-Xpyx``."""
        pairs = [word[5:].partition("=") for word in self.line[slice(*self._find_ours())]]
        assert len({name for name, _, _ in pairs}) == len(pairs)
        return {name: value for name, _, value in pairs}

    @property
    def control(self) -> str:
        """The word that tells the bootstrap what the rest is."""
        return self.told[""]

    @property
    def program(self) -> list[str]:
        """What python is left to start, and the arguments of that."""
        return self.line[self._find_ours()[1] :]

    @property
    def given(self) -> list[str]:
        """What the bootstrap will take for the words that the user typed for python."""
        tail = int(self.control.partition(",")[2])
        count = int(self.told.get(".words", "0"))
        kept = [self.told[f".{number}"] for number in range(count)]
        assert {name for name in self.told if name[1:].isdigit()} == {f".{n}" for n in range(count)}
        return kept + self.line[len(self.line) - tail :]


class Desk:
    """Writes records as the slow path would, and starts the native program upon them."""

    def __init__(self, pyx: Pyx, echo: Path, cwd: Path) -> None:
        """Work in `cwd`, which must be the working directory of this process too."""
        self.pyx = pyx
        self.cwd = cwd
        self.words = LaunchWords(
            interpreter=echo,
            argv0=ARGV0,
            letters=PYTHON_LETTERS,
            boot=str(cwd / "boot"),
            code=CODE,
            rows=_ROWS,
        )

    def material(self, words: Sequence[str], env: Mapping[str, str | None] | None = None) -> bytes:
        """Return the key material that the slow path makes of a start."""
        variables = self.pyx.variables(env)
        invocation = parse_invocation(words, variables)
        kind, start = "directory", self.cwd
        if invocation.program.mode == "s":
            target = invocation.program.target or ""
            kind = "path" if "/" in target else "name"
            start = (self.cwd / target).resolve()
        encoded = {os.fsencode(key): os.fsencode(value) for key, value in variables.items()}
        return make_material(kind, start, invocation.own, encoded)

    def place(self, words: Sequence[str], env: Mapping[str, str | None] | None = None) -> Path:
        """Return where the record of a start lies."""
        directory = Path(self.pyx.variables(env)["PYX_CACHE_DIR"], "launch")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return find_record(directory, self.material(words, env))

    def encode(
        self,
        words: Sequence[str],
        env: Mapping[str, str | None] | None = None,
        *,
        checks: Sequence[Check] = (),
    ) -> bytes:
        """Return the bytes of the record of a start."""
        record = LaunchRecord(
            material=self.material(words, env), checks=tuple(checks), words=self.words
        )
        return encode_record(record)

    def remember(
        self,
        *words: str,
        env: Mapping[str, str | None] | None = None,
        checks: Sequence[Check] = (),
    ) -> Path:
        """Write the record of a start."""
        place = self.place(words, env)
        place.write_bytes(self.encode(words, env, checks=checks))
        place.chmod(0o600)
        return place

    def run(
        self,
        *words: str,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
    ) -> Outcome:
        """Start ``pyx`` with `words`."""
        return self.start([self.pyx.path, *words], env=env, cwd=cwd)

    def start(
        self,
        command: Sequence[str | Path],
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
    ) -> Outcome:
        """Start any command."""
        done = self.pyx.run(command, env=env, cwd=cwd or self.cwd)
        return Outcome(status=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def try_out(self, *words: str, env: Mapping[str, str | None] | None = None) -> Outcome:
        """Write the record of a start, and start it."""
        self.remember(*words, env=env)
        return self.run(*words, env=env)


@pytest.fixture
def desk(pyx: Pyx, echo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Give a desk in a working directory with a few scripts."""
    cwd = tmp_path / "work"
    cwd.mkdir()
    for name in ("script.py", "x", "always", "sync", "-c"):
        (cwd / name).write_text("pass\n", encoding="ascii")
    (cwd / "boot").mkdir()
    monkeypatch.chdir(cwd)
    pyx.break_slow_path()
    return Desk(pyx, echo, cwd)


# The command line.


def test_a_record_that_holds_makes_the_command_line(desk: Desk) -> None:
    """The bootstrap's place, the user's options, what the bootstrap is told, the program."""
    outcome = desk.try_out("-u", "script.py", "a b", "-c", "")
    assert outcome.line == [
        *(str(ARGV0), f"-Xpycache_prefix={desk.cwd}/boot", "-u", "-Xpyx=s,4"),
        *(f"-Xpyx.code={CODE}", "-Xpyx.words=1", "-Xpyx.0=-u"),
        *(f"-Xpyx.start={desk.cwd / 'script.py'}", "script.py", "a b", "-c", ""),
    ]
    assert outcome.stderr == ""


@pytest.mark.parametrize(
    ("words", "options", "control", "program"),
    [
        ((), [], "i,0", []),
        (("-",), [], "i,1", ["-"]),
        (("-", "-c"), [], "i,2", ["-", "-c"]),
        (("--",), [], "i,0", ["--"]),
        (("-cpass",), [], "c,0", ["-c", "pass"]),
        (("-cpass", "a"), [], "c,1", ["-c", "pass", "a"]),
        (("-c", "pass"), [], "c,1", ["-c", "pass"]),
        (("-c", ""), [], "c,1", ["-c", ""]),
        (("-Om", "site"), ["-O"], "m,1", ["-m", "site"]),
        (("-uOmsite", "-c"), ["-uO"], "m,1", ["-m", "site", "-c"]),
        (("-Werror", "-W", "ignore", "x"), ["-W", "error", "-W", "ignore"], "s,1", ["x"]),
        (("-W", "--", "-msite"), ["-W", "--"], "m,0", ["-m", "site"]),
        (("-uXdev", "x"), ["-X", "dev", "-u"], "s,1", ["x"]),
        (
            ("--check-hash-based-pycs", "always", "x"),
            ["--check-hash-based-pycs", "always"],
            "s,1",
            ["x"],
        ),
        (("--", "-c"), [], "s,1", ["--", "-c"]),
        (("-q", "--", "-c", "--"), ["-q"], "s,2", ["--", "-c", "--"]),
        (("-x", "x"), ["-x"], "s,1", ["x"]),
        (("-P", "x"), ["-P"], "s,1", ["x"]),
        (("-IxOO", "x"), ["-IxOO"], "s,1", ["x"]),
        (("-Es", "x"), ["-Es"], "s,1", ["x"]),
    ],
)
def test_options_of_python(
    desk: Desk, words: tuple[str, ...], options: list[str], control: str, program: list[str]
) -> None:
    """The user's options are python's, and stand before pyx's."""
    outcome = desk.try_out(*words)
    assert outcome.fast
    assert outcome.options == options
    assert outcome.control == control
    assert outcome.program == program
    assert outcome.given == list(words)


@pytest.mark.parametrize("odd", ["a\nb", "", " ", "=", "\udcff\udc80", "é\x01"])
def test_words_of_any_bytes_arrive_untouched(desk: Desk, odd: str) -> None:
    """What the user typed before the program is told, what follows it is left where it stands."""
    outcome = desk.try_out("-W", odd, "-c", odd, odd, "-Xpyx.words=9")
    assert outcome.options == ["-W", odd]
    assert outcome.program == ["-c", odd, odd, "-Xpyx.words=9"]
    assert outcome.given == ["-W", odd, "-c", odd, odd, "-Xpyx.words=9"]


@pytest.mark.parametrize(
    "words",
    [
        ("-V",),
        ("-VV",),
        ("-?",),
        ("-uh",),
        ("-c",),
        ("-W",),
        ("-u-",),
        ("-S",),
        ("-S", "x"),
        ("-IxSOO", "x"),
        ("-I", "-S", "-c", "pass"),
    ],
)
def test_what_python_answers_itself(desk: Desk, words: tuple[str, ...]) -> None:
    """An option that prints, is wrong or wants no `site` is python's: no bootstrap runs."""
    assert desk.try_out(*words).line == [str(ARGV0), *words]


@pytest.mark.parametrize("word", ["-Z", "-J", "-p", "-=", "-é"])
def test_an_option_of_nobody_is_looked_at_by_the_slow_path(desk: Desk, word: str) -> None:
    """It may be one of another tool, for which there is a hint; else python refuses it itself."""
    assert desk.run(word, "x").slow


def test_an_option_of_nobody_is_pythons_to_refuse(pyx: Pyx) -> None:
    """What no tool has is told in python's words, and with its exit status."""
    told = pyx("-Z")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("Unknown option: -Z\n")


def test_an_option_this_interpreter_lacks_is_its_own_to_refuse(desk: Desk) -> None:
    """Python 3.10 has no -P, and is the one to say so."""
    desk.words = replace(desk.words, letters=PYTHON_LETTERS.replace("P", ""))
    assert desk.try_out("-P", "x").line == [str(ARGV0), "-P", "x"]


def test_options_of_any_length(desk: Desk) -> None:
    """More letters in one word than 16 bits count, and a thousand words, are all passed on."""
    many = "-" + "q" * 70_000
    assert desk.try_out(many, "x").options == [many]
    words = ["-Wignore"] * 500 + ["-u"] * 500
    outcome = desk.try_out(*words, "x")
    assert outcome.options == [*["-W", "ignore"] * 500, *["-u"] * 500]


def has_no_site(words: Sequence[str]) -> bool:
    """Tell whether -S is among the options that stand before the program."""
    takes_value = {letter for letter, colon in pairwise(f"{PYTHON_LETTERS} ") if colon == ":"}
    following = iter(words)
    for word in following:
        if word == "--check-hash-based-pycs":
            next(following, None)
        elif word[:1] != "-" or word in ("-", "--"):
            return False
        else:
            for at, letter in enumerate(word[1:], 2):
                if letter == "S":
                    return True
                if letter in takes_value:
                    if letter in "cm":
                        return False
                    if not word[at:]:
                        next(following, None)
                    break
    return False


PYTHON_WORDS = (
    *("-", "--", "-c", "-m", "-W", "-X", "-S", "-I", "-s", "-V", "--check-hash-based-pycs"),
    *("script.py", "x", "./x", "always", "missing", ""),
)
PYX_WORDS = (
    *("--help", "--version", "--help-all", "--offline", "--project", "--group=a", "--unknown"),
    *("@name", "sync", "info", "-h"),
)
FRAGMENTS = st.one_of(
    st.sampled_from((*PYTHON_WORDS, *PYX_WORDS)),
    st.text(alphabet="bBcdEhiIJmOPqRsStuvVWxXZ:-=é?", max_size=6).map("-".__add__),
)


@PROPERTY
@given(words=st.lists(FRAGMENTS, max_size=6))
def test_it_reads_the_command_line_as_the_slow_path_does(desk: Desk, words: list[str]) -> None:
    """Where both find a program, it is the same one; where the slow path acts itself, it runs."""
    try:
        invocation = parse_invocation(words, desk.pyx.variables())
    except UsageError:
        assert desk.run(*words).slow
        return
    program = invocation.program
    target = program.target or ""
    missing = program.mode == "s" and not (target and (desk.cwd / target).exists())
    first = "".join(program.words[:1])
    more_help = first.startswith("--help-")
    # An option of nobody is looked at before python gets it.
    strange = first[:1] == "-" and first[1:2] not in f"{PYTHON_LETTERS}-"
    if invocation.verb is not None or missing or more_help or strange:
        assert desk.run(*words).slow
        return
    outcome = desk.try_out(*words)
    own = len(invocation.own)
    assert words[own:] == list(program.words)
    if program.mode == "p" or has_no_site(words[own:]):
        assert outcome.line == [str(ARGV0), *program.words]
        return
    assert outcome.control[0] == program.mode
    assert outcome.given == list(program.words)
    started = outcome.program[1:] if outcome.program[:1] == ["--"] else outcome.program
    if program.mode == "i":
        assert started[:1] in ([], ["-"])
    elif program.mode == "s":
        assert started[0] == target
    else:
        assert started[:2] == [f"-{program.mode}", target]


def test_verbs_are_the_slow_paths_even_beside_files_of_that_name(desk: Desk) -> None:
    """The record of the script `sync` is not taken for the command, which wins over it."""
    assert desk.try_out("--", "sync").control == "s,1"
    assert desk.run("sync").slow
    desk.remember("-c", "pass")
    for verb in (*VERBS, "-h", "--help", "--version"):
        assert desk.run(verb).slow, verb


# The key.

NAMES = st.sampled_from([*sorted(KEY_VARIABLES - {"PYX_CACHE_DIR"}), "PYTHONX", "PYTHON", "OTHER"])
VALUES = st.one_of(
    st.sampled_from(["", "/", "/a:/b", "/a:b", ":", "::/a", "a", "/a:", ":a", "."]),
    st.text(alphabet="ab/:.=é ", max_size=8),
)
OWN = st.lists(
    st.sampled_from(
        [
            ("--offline",),
            ("--project", "."),
            ("--project=x",),
            ("--extra", "a"),
            ("-G", "a"),
            ("-Ga",),
            ("--no-group", "a"),
        ]
    ),
    max_size=2,
)


@PROPERTY
@given(env=st.dictionaries(NAMES, VALUES, max_size=6), own=OWN, named=st.booleans())
def test_it_makes_the_key_that_the_slow_path_makes(
    desk: Desk, env: dict[str, str], own: list[tuple[str, ...]], *, named: bool
) -> None:
    """A record is found from any variables and arguments, and by no other start."""
    arguments = ["@name"] * named + [word for option in own for word in option]
    words = [*arguments, "script.py"]
    changes: dict[str, str | None] = {**env}
    place = desk.remember(*words, env=changes)
    assert desk.run(*words, env=changes).control == "s,1"
    assert desk.run("--group", "other", *words[named:], env=changes).slow
    assert desk.run(*words, env={**changes, "PYENV_VERSION": "other"}).slow
    assert not desk.run(*words, env={**changes, "PYTHONOTHER": "1"}).slow
    place.unlink()


def test_the_working_directory_counts_where_something_is_relative_to_it(
    desk: Desk, tmp_path: Path
) -> None:
    """`--project .` is another project elsewhere; an absolute start is the same everywhere."""
    script = str(desk.cwd / "script.py")
    desk.remember(script)
    assert desk.run(script, cwd=tmp_path).control == "s,1"
    desk.remember("--project", ".", script)
    assert desk.run("--project", ".", script).control == "s,1"
    assert desk.run("--project", ".", script, cwd=tmp_path).slow
    relative = {"PYX_PROJECT": "."}
    desk.remember(script, env=relative)
    assert desk.run(script, env=relative).control == "s,1"
    assert desk.run(script, env=relative, cwd=tmp_path).slow


def test_any_number_of_variables(desk: Desk) -> None:
    """Hundreds of variables that are not of the key change nothing; a long one of it counts."""
    env = {f"PYTHONX{number}": "value" * 50 for number in range(500)}
    env["PATH"] = ":".join(f"/directory/{number}" for number in range(2000))
    desk.remember("x", env=env)
    assert desk.run("x", env=env).control == "s,1"
    assert desk.run("x", env={**env, "PYTHONX7": "other"}).control == "s,1"
    assert desk.run("x", env={**env, "PATH": env["PATH"] + "1"}).slow


@pytest.mark.parametrize(
    "env",
    [
        {"PYX_CACHE_DIR": None},
        {"PYX_CACHE_DIR": ""},
        {"PYX_CACHE_DIR": None, "XDG_CACHE_HOME": "{tmp}/xdg"},
        {"PYX_CACHE_DIR": "", "XDG_CACHE_HOME": ""},
        {"PYX_CACHE_DIR": "{tmp}/a//b/../c/"},
    ],
)
def test_it_finds_the_cache_where_the_slow_path_puts_it(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: dict[str, str | None]
) -> None:
    """The rules of `dirs` and of platformdirs give the same directory."""
    env = {name: value and value.format(tmp=tmp_path) for name, value in env.items()}
    (tmp_path / "a" / "b").mkdir(parents=True)
    variables = desk.pyx.variables(env)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
        if name in variables:
            monkeypatch.setenv(name, variables[name])
    records = resolve_dirs(variables).records
    records.mkdir(parents=True, mode=0o700)
    find_record(records, desk.material(["x"], env)).write_bytes(desk.encode(["x"], env))
    find_record(records, desk.material(["x"], env)).chmod(0o600)
    assert desk.run("x", env=env).control == "s,1"


@pytest.mark.parametrize(
    "env",
    [
        {"PYX_CACHE_DIR": "relative"},
        {"PYX_CACHE_DIR": None, "XDG_CACHE_HOME": "relative"},
        {"PYX_CACHE_DIR": None, "HOME": None},
        {"PYX_CACHE_DIR": None, "HOME": ""},
        {"PYX_CACHE_DIR": "/" + "long/" * 2000},
    ],
)
def test_a_cache_it_cannot_tell_means_the_slow_path(desk: Desk, env: dict[str, str | None]) -> None:
    """Where the rules leave a doubt, nothing is looked for."""
    assert desk.run("x", env=env).slow


def test_a_working_directory_that_is_gone_or_too_deep(desk: Desk) -> None:
    """Without a name for the working directory the slow path explains."""
    deeper = "for _ in range(30): os.mkdir('d' * 200); os.chdir('d' * 200)"
    command = [
        sys.executable,
        "-c",
        f"import os, sys\n{deeper}\nos.execv(sys.argv[1], sys.argv[1:])",
    ]
    assert desk.start([*command, str(desk.pyx.path), "-c", "pass"]).slow
    gone = [
        "/bin/sh",
        "-c",
        'mkdir gone; cd gone; rmdir ../gone; exec "$0" -c pass',
        str(desk.pyx.path),
    ]
    # The shell of the broken slow path has its own word to say about the directory.
    assert desk.start(gone).stdout == f"{SLOW_PATH}\n"


def test_the_start_is_the_resolved_script(desk: Desk) -> None:
    """A link to a script starts the script, under the record of the name that was typed."""
    (desk.cwd / "link").symlink_to("script.py")
    assert desk.try_out("link").told[".start"] == str(desk.cwd / "script.py")


# The variables.


SHOWN, OUTSIDE = "PYX_SHOWN_", "PYX_OUTSIDE_"


def seen(outcome: Outcome) -> dict[str, str]:
    """Return what python is given of the variables that matter here."""
    pairs = dict(variable.split("=", 1) for variable in outcome.environment)
    return {
        name: value for name, value in pairs.items() if "PYTHON" in name or name == "PYX_INSIDE"
    }


def test_what_the_user_had_exported_is_kept_from_python(desk: Desk) -> None:
    """The bootstrap gives it back, and those inside are told what it was."""
    for name in _MISLEADING:
        outcome = desk.try_out("x", env={name: "/elsewhere"})
        told = {SHOWN + name: "/elsewhere", OUTSIDE + name: "/elsewhere", "PYX_INSIDE": "1"}
        assert seen(outcome) == told
        assert outcome.control == "sv,1"
        assert outcome.fast
        empty = desk.try_out("x", env={name: ""})
        assert seen(empty) == {name: "", "PYX_INSIDE": "1"}
        assert empty.control == "s,1"


def test_what_a_program_sets_for_its_child_is_pythons(desk: Desk) -> None:
    """Inside, only what has the value that it had outside is kept from python."""
    for name in _MISLEADING:
        inside = {"PYX_INSIDE": "1", OUTSIDE + name: "/outside"}
        outcome = desk.try_out("x", env={name: "/set", **inside})
        assert seen(outcome) == {name: "/set", **inside}
        assert outcome.control == "s,1"
        # Python may find another library, for which there is no bytecode.
        assert not outcome.fast
        handed_down = desk.try_out("x", env={name: "/outside", **inside})
        assert seen(handed_down) == {SHOWN + name: "/outside", **inside}
        assert (handed_down.control, handed_down.fast) == ("sv,1", True)
        assert seen(desk.try_out("x", env=inside)) == inside
        unknown = desk.try_out("x", env={name: "/set", "PYX_INSIDE": "1"})
        assert seen(unknown) == {name: "/set", "PYX_INSIDE": "1"}


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("/new:/a:/b", "/new"),
        ("/a:/b:/new", "/new"),
        ("/1:/a:/b:/2", "/1:/2"),
        ("/a:/b:", ""),
        ("/a:/bc", "/a:/bc"),
        ("/a", "/a"),
        ("/x/a:/b", "/x/a:/b"),
        ("/a:/x:/b", "/a:/x:/b"),
    ],
)
def test_what_a_program_adds_to_the_search_path(desk: Desk, value: str, left: str) -> None:
    """The rest of it was the user's, and does not act inside either."""
    inside = {"PYX_INSIDE": "1", OUTSIDE + "PYTHONPATH": "/a:/b"}
    outcome = desk.try_out("x", env={"PYTHONPATH": value, **inside})
    expected = {"PYTHONPATH": left} if left else {}
    shown = {} if left == value else {SHOWN + "PYTHONPATH": value}
    assert seen(outcome) == {**expected, **shown, **inside}
    assert outcome.fast is not bool(left)


@pytest.mark.skipif(sys.platform != "linux", reason="another system does not tell")
def test_a_child_with_an_environment_of_its_own_is_inside(desk: Desk, tmp_path: Path) -> None:
    """Its parent tells, which was started inside and replaced all variables."""
    desk.remember("x")
    clean = dict(desk.pyx.variables())
    program = (
        "import os, subprocess, sys\n"
        f"env = {clean!r}\n"
        "sys.exit(subprocess.run(sys.argv[1:], env={**env, 'PYTHONPATH': '/set'}).returncode)\n"
    )
    words = [PLAIN_PYTHON, "-c", program, str(desk.pyx.path), "x"]
    inside = {"PYX_INSIDE": "1", OUTSIDE + "PYTHONHOME": "/outside"}
    outcome = desk.start(words, env=inside)
    assert seen(outcome) == {"PYTHONPATH": "/set", **inside}
    alone = desk.start(words)
    told = {SHOWN + "PYTHONPATH": "/set", OUTSIDE + "PYTHONPATH": "/set", "PYX_INSIDE": "1"}
    assert seen(alone) == told


def test_all_other_variables_are_left_alone(desk: Desk) -> None:
    """Python reads its own, and children inherit them."""
    env = dict.fromkeys((*_SAME_CODE, "PYTHONVERBOSE", "PYTHON_OF_TOMORROW", "OTHER"), "1")
    outcome = desk.try_out("x", env=env)
    expected = [f"{name}={value}" for name, value in desk.pyx.variables(env).items()]
    assert sorted(outcome.environment) == sorted([*expected, "PYX_INSIDE=1"])
    assert outcome.options == []


@pytest.mark.parametrize(
    ("words", "env"),
    [
        ((), {"PYX_START": "public"}),
        (("-OOOO",), {}),
        ((), {"PYTHONOPTIMIZE": "4"}),
        ((), {"PYTHONOPTIMIZE": "text"}),
    ],
)
def test_the_public_way_is_taken(desk: Desk, words: tuple[str, ...], env: dict[str, str]) -> None:
    """Where the user says so, or where there is no bytecode for the other."""
    outcome = desk.try_out(*words, "x", env=env)
    assert not outcome.fast
    assert outcome.options == list(words)
    assert desk.try_out("x", env={"PYX_START": "", "PYTHONOPTIMIZE": "3"}).fast


def test_the_public_way_is_taken_where_there_is_no_other(desk: Desk) -> None:
    """The record names no bytecode of `encodings`, or what it names is gone."""
    (desk.cwd / "boot").rmdir()
    assert not desk.try_out("x").fast
    (desk.cwd / "boot").mkdir()
    desk.words = replace(desk.words, boot="")
    assert not desk.try_out("x").fast


# The bytecode of a script.


def identify(script: bytes, info: os.stat_result) -> bytes:
    """Return what bytecode carries of its script: FNV-1a of its times, size, inode and name."""
    value = 14695981039346656037
    numbers = (info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino)
    for byte in struct.pack("=4Q", *numbers) + script:
        value = ((value ^ byte) * 1099511628211) % (1 << 64)
    return struct.pack("=Q", value)


@pytest.fixture
def code(desk: Desk, tmp_path: Path) -> Path:
    """Give the file with the bytecode of `script.py`, as the bootstrap would have written it."""
    script = desk.cwd / "script.py"
    file = tmp_path / "code"
    file.write_bytes(b"MAGC" + identify(os.fsencode(script), script.stat()))
    with file.open("ab") as stream:
        stream.write(struct.pack("=I", 16 + 7) + b"PAYLOAD")
    file.chmod(0o600)
    desk.words = replace(desk.words, code=str(file))
    return file


def takes_code(desk: Desk, *words: str, env: Mapping[str, str | None] | None = None) -> bool:
    """Tell whether a start is given the bytecode; either way the words are the user's."""
    outcome = desk.try_out(*words, env=env)
    assert outcome.given == list(words)
    found = desk.words.code in outcome.program
    assert found is ("c" in outcome.control[1:])
    return found


def test_bytecode_stands_for_the_script(desk: Desk, code: Path) -> None:
    """Python is given the bytecode, and the bootstrap the script and all that was typed."""
    outcome = desk.try_out("-u", "script.py", "a b")
    assert outcome.line == [
        *(str(ARGV0), f"-Xpycache_prefix={desk.cwd}/boot", "-u", "-Xpyx=sc,1"),
        *(f"-Xpyx.code={code}", "-Xpyx.words=2", "-Xpyx.0=-u", "-Xpyx.1=script.py"),
        *(f"-Xpyx.start={desk.cwd / 'script.py'}", str(code), "a b"),
    ]
    assert takes_code(desk, str(desk.cwd / "script.py"), "a")
    assert takes_code(desk, "--", "script.py", "--")


@pytest.mark.parametrize("flags", [("-I",), ("-uq",), ("-s",), ("-P",), ("-E",), ("-i",)])
def test_options_that_leave_the_bytecode_as_it_is(
    desk: Desk, code: Path, flags: tuple[str, ...]
) -> None:
    """Isolation, buffering and prompt make no other code of a script."""
    assert takes_code(desk, *flags, "script.py")


@pytest.mark.parametrize(
    "flags",
    [
        *(("-O",), ("-OO",), ("-B",), ("-x",), ("-b",), ("-d",), ("-v",), ("-Werror",)),
        *(("-W", "error"), ("-Xdev",), ("-Xutf8",), ("--check-hash-based-pycs", "always")),
    ],
)
def test_options_that_could_make_other_code(desk: Desk, code: Path, flags: tuple[str, ...]) -> None:
    """The script itself is started, and its bytecode neither read nor written."""
    assert not takes_code(desk, *flags, "script.py")
    # It is told of none, where the user could otherwise have named one by an -X of that name.
    assert desk.run(*flags, "script.py").told[".code"] == ""


@pytest.mark.parametrize("seed", [None, "0"])
@pytest.mark.parametrize(
    "name", ["PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE", "PYTHON_OF_TOMORROW"]
)
def test_variables_that_could_make_other_code(
    desk: Desk, code: Path, name: str, seed: str | None
) -> None:
    """So do variables, those that nobody knows among them; -E makes them nothing."""
    env = {name: "1", "PYTHONHASHSEED": seed}
    assert not takes_code(desk, "script.py", env=env)
    assert ".code" not in desk.run("script.py", env=env).told
    assert takes_code(desk, "-E", "script.py", env=env)
    assert takes_code(desk, "script.py", env={**env, name: ""})


def test_modules_and_commands_have_no_bytecode(desk: Desk, code: Path) -> None:
    """Neither is a file that python would read."""
    for words in (("-m", "site"), ("-c", "script.py"), ("-",), ()):
        assert ".code" not in desk.try_out(*words).told


def _append(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"x")


def _change_identity(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(damaged(data, 11, bytes([data[11] ^ 1])))


def _link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def _replace_by_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def _replace_by_directory(file: Path) -> None:
    file.unlink()
    file.mkdir(mode=0o700)


def _give_away(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(file, 65534, -1)


SPOILED: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "grown": _append,
    "cut": lambda file: os.truncate(file, 22),
    "short": lambda file: os.truncate(file, 15),
    "empty": lambda file: os.truncate(file, 0),
    "identity": _change_identity,
    "group": lambda file: file.chmod(0o620),
    "others": lambda file: file.chmod(0o602),
    "owner": _give_away,
    "link": _link,
    "pipe": _replace_by_pipe,
    "directory": _replace_by_directory,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_bytecode_that_cannot_be_believed(
    desk: Desk, code: Path, spoil: Callable[[Path], object]
) -> None:
    """The script itself is started, and the bootstrap told where its bytecode belongs."""
    assert takes_code(desk, "script.py")
    spoil(code)
    assert not takes_code(desk, "script.py")
    assert desk.run("script.py").told[".code"] == str(code)


def _edit(script: Path) -> None:
    before = script.stat()
    script.write_text("code\n", encoding="ascii")
    os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert script.stat().st_size == before.st_size


def _replace(script: Path) -> None:
    before = script.stat()
    new = script.with_suffix(".new")
    new.write_bytes(script.read_bytes())
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(script)


def _touch(script: Path) -> None:
    os.utime(script, ns=(0, script.stat().st_mtime_ns + 1))


@pytest.mark.parametrize("change", [_edit, _replace, _touch])
def test_bytecode_of_a_script_that_has_changed(
    desk: Desk, code: Path, change: Callable[[Path], None]
) -> None:
    """Any change of the script ends it, whatever times are put back."""
    assert takes_code(desk, "script.py")
    change(desk.cwd / "script.py")
    assert not takes_code(desk, "script.py")


def test_bytecode_of_another_name(desk: Desk, code: Path) -> None:
    """`__file__` and tracebacks name the script as it was typed, so bytecode is for one name."""
    (desk.cwd / "link").symlink_to("script.py")
    (desk.cwd / "hard").hardlink_to("script.py")
    for name in ("./script.py", "../work/script.py", "link", "hard", "x"):
        assert not takes_code(desk, name), name


# Records that may not be believed.


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_record_that_others_can_write(desk: Desk, mode: int) -> None:
    """Nobody else's words become a command line."""
    desk.remember("x").chmod(mode)
    assert desk.run("x").slow


def test_a_directory_that_others_can_write(desk: Desk) -> None:
    """They could put another record into it."""
    place = desk.remember("x")
    assert desk.run("x").control == "s,1"
    place.parent.chmod(0o770)
    assert desk.run("x").slow


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("what", ["record", "directory"])
def test_a_record_that_belongs_to_somebody_else(desk: Desk, what: str) -> None:
    """A foreign record is not even read, not by root either."""
    place = desk.remember("x")
    os.chown(place if what == "record" else place.parent, 65534, -1)
    assert desk.run("x").slow


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "empty", "huge", "missing"])
def test_a_record_that_is_no_ordinary_file(desk: Desk, kind: str) -> None:
    """None of these is waited for, followed or read."""
    place = desk.remember("x")
    content = place.read_bytes()
    place.unlink()
    if kind == "link":
        (desk.cwd / "real").write_bytes(content)
        (desk.cwd / "real").chmod(0o600)
        place.symlink_to(desk.cwd / "real")
    elif kind == "pipe":
        os.mkfifo(place, 0o600)
    elif kind == "directory":
        place.mkdir(mode=0o700)
    elif kind in ("empty", "huge"):
        place.touch(mode=0o600)
        os.truncate(place, 0 if kind == "empty" else 1 << 40)
    assert desk.run("x").slow


def test_a_record_of_another_start_under_the_same_name(desk: Desk) -> None:
    """The hash is only a file name; the material decides."""
    desk.place(["x"]).write_bytes(desk.encode(["script.py"]))
    desk.place(["x"]).chmod(0o600)
    assert desk.run("x").slow


def damaged(data: bytes, at: int, change: bytes) -> bytes:
    """Return `data` with `change` written over it at `at`."""
    return (data[:at] + change + data[at + len(change) :])[: len(data)]


def test_a_record_of_another_version(desk: Desk) -> None:
    """Another format number, or no magic, is another program's file."""
    place, data = desk.remember("x"), desk.encode(["x"])
    for at in range(8):
        place.write_bytes(damaged(data, at, bytes([data[at] + 1])))
        assert desk.run("x").slow


@PROPERTY
@given(data=st.data())
def test_damaged_records_are_survived(desk: Desk, data: st.DataObject) -> None:
    """Cut off, overwritten or with wild counts: the slow path, or what the words still say."""
    absent = desk.cwd / "absent"
    checks = [*check_absences([absent]), check_script(desk.cwd / "x", b"# /// script\n# ///\n")]
    whole = desk.encode(["x"], checks=[check_file(desk.cwd / "x"), *checks])
    at = data.draw(st.integers(0, 1 << 20)) % len(whole)
    word = st.sampled_from([0, 1, 5, 64, 127, 128, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
    change = data.draw(st.one_of(word.map(lambda n: struct.pack("=I", n)), st.binary(max_size=16)))
    changed = damaged(whole, at, change)
    changed = changed[: (len(whole), at, at + 1)[data.draw(st.integers(0, 2))]]
    if data.draw(st.booleans()):
        changed = damaged(changed, 8, struct.pack("=I", len(changed)))
    place = desk.remember("x")
    place.write_bytes(changed)
    outcome = desk.run("x")
    assert outcome.status in (ECHO_STATUS, SLOW_PATH_STATUS, 126, 127), outcome
    assert "runtime error" not in outcome.stderr
    assert "Sanitizer" not in outcome.stderr


def test_counts_larger_than_the_record(desk: Desk) -> None:
    """Each of the four counts of the header is checked before it is used."""
    place, data = desk.remember("x"), desk.encode(["x"], checks=[check_file(desk.cwd / "x")])
    for at in (8, 12, 16, 20):
        for number in (0, 3, 7, 127, 129, len(data) + 1, 0x7FFFFFFF, 0xFFFFFFFF):
            place.write_bytes(damaged(data, at, struct.pack("=I", number)))
            assert desk.run("x").slow, (at, number)
    place.write_bytes(data)
    assert desk.run("x").control == "s,1"


# The checks.


def test_a_file_that_changes_is_replaced_or_goes(desk: Desk) -> None:
    """A file is the same only with its times, size and inode, whatever its mtime is set to."""
    lock = desk.cwd / "lock"
    for change in ("same", "touch", "replace", "write", "remove"):
        lock.write_text("one", encoding="ascii")
        desk.remember("x", checks=[check_file(lock)])
        before = lock.stat()
        if change == "touch":
            os.utime(lock, ns=(0, before.st_mtime_ns + 1))
        elif change == "replace":
            (desk.cwd / "new").write_text("two", encoding="ascii")
            (desk.cwd / "new").rename(lock)
            os.utime(lock, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif change == "write":
            lock.write_text("two", encoding="ascii")
            os.utime(lock, ns=(before.st_atime_ns, before.st_mtime_ns))
        elif change == "remove":
            lock.unlink()
        assert desk.run("x").slow is (change != "same"), change


def test_a_file_that_appears(desk: Desk) -> None:
    """What was absent must stay so; below a file it is as absent as below a directory."""
    absences = [check_file(desk.cwd / "new"), check_file(desk.cwd / "x" / "below")]
    desk.remember("x", checks=absences)
    assert desk.run("x").control == "s,1"
    (desk.cwd / "new").touch()
    assert desk.run("x").slow


def test_a_file_that_cannot_be_looked_at_is_not_absent(desk: Desk) -> None:
    """Only "no such file" proves an absence: a loop of links proves nothing."""
    (desk.cwd / "loop").symlink_to("loop")
    desk.remember("x", checks=[Check(kind=Kind.ABSENT, path=os.fsencode(desk.cwd / "loop"))])
    assert desk.run("x").slow


def test_what_was_hidden_must_stay_hidden(desk: Desk) -> None:
    """Whoever may look now, at a file or at its absence, has to decide anew."""
    hidden = Check(kind=Kind.HIDDEN, path=os.fsencode(desk.cwd / "new"))
    desk.remember("x", checks=[hidden])
    assert desk.run("x").slow
    (desk.cwd / "new").touch()
    assert desk.run("x").slow


def directory_check(path: Path, count: int) -> Check:
    """Return the check of a directory that answers for `count` absences."""
    return replace(check_file(path), kind=Kind.DIRECTORY, count=count)


def test_an_unchanged_directory_answers_for_its_absences(desk: Desk) -> None:
    """The absences it answers for are not looked at, which shows where one of them is a lie."""
    lie = Check(kind=Kind.ABSENT, path=os.fsencode(desk.cwd / "x"))
    truth = Check(kind=Kind.ABSENT, path=os.fsencode(desk.cwd / "new"))
    desk.remember("x", checks=[directory_check(desk.cwd, 1), lie])
    assert desk.run("x").control == "s,1"
    desk.remember("x", checks=[directory_check(desk.cwd, 1), truth, lie])
    assert desk.run("x").slow
    desk.remember("x", checks=[directory_check(desk.cwd, 2), truth, truth])
    (desk.cwd / "other").touch()
    assert desk.run("x").control == "s,1"
    (desk.cwd / "new").touch()
    assert desk.run("x").slow


def test_a_directory_answers_for_absences_alone(desk: Desk) -> None:
    """A count that reaches over other checks, or the end, hides none of them."""
    gone = replace(check_file(desk.cwd / "x"), path=os.fsencode(desk.cwd / "gone"))
    desk.remember("x", checks=[directory_check(desk.cwd, 99), gone])
    assert desk.run("x").slow
    desk.remember("x", checks=[directory_check(desk.cwd, 0xFFFFFFFF)])
    assert desk.run("x").control == "s,1"


def test_times_after_the_year_2262(desk: Desk) -> None:
    """A time that 64 bits of nanoseconds cannot hold wraps alike on both sides."""
    lock = desk.cwd / "lock"
    lock.touch()
    os.utime(lock, (0, 32_503_680_000))
    desk.remember("x", checks=[check_file(lock)])
    assert desk.run("x").control == "s,1"


BLOCK = b"# /// script\n# dependencies = []\n# ///\n"


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (b"1\n", b"2\n3\n", True),
        (b"1\n", b"", True),
        (b"1\n", b"x = '# /// script'\n", True),
        (b"1\n", BLOCK, False),
        (b"1\n", b"1\n" + BLOCK, False),
        (b"1\n" + BLOCK + b"2\n", b"3\n4\n" + BLOCK + b"5\n", True),
        (BLOCK + b"1\n", BLOCK, True),
        (BLOCK + b"1\n", b"2\n" + BLOCK[:-1], False),
        (BLOCK[:-1], b"2\n" + BLOCK[:-1], True),
        (BLOCK[:-1], BLOCK, False),
        (BLOCK[:-1], BLOCK[:-1] + b"x", False),
        (BLOCK, BLOCK.replace(b"[]", b"[1]"), False),
        (BLOCK, BLOCK + b"# more\n", False),
        (BLOCK + b"1\n", b"1\n", False),
        (BLOCK + b"1\n", BLOCK + b"1\n" + BLOCK, False),
        (BLOCK + b"1\n", BLOCK.replace(b"\n", b"\r\n") + b"1\n", False),
        (BLOCK.replace(b"\n", b"\r\n") + b"1\n", BLOCK.replace(b"\n", b"\r\n") + b"2\r\n", True),
    ],
)
def test_an_edited_script(desk: Desk, before: bytes, after: bytes, *, same: bool) -> None:
    """An edit keeps the record unless it touches the inline block, or the script gains one."""
    script = desk.cwd / "script.py"
    script.write_bytes(before)
    block = find_block(before)
    assert block is not None
    desk.remember("script.py", checks=[check_script(script, block)])
    script.write_bytes(after)
    # Longer by a rewrite of the same length, the change would hide in the clock's tick.
    os.utime(script, ns=(0, 0))
    assert desk.run("script.py").slow is not same


LINE_FEEDS = (
    b"# /// script\n",
    b"# ///\n",
    b"# a\n",
    b"#\n",
    b"x\n",
    b"\n",
    b" # /// script\n",
    b"\0\n",
)
OTHER_LINES = (b"# /// script\r\n", b"# ///\r\n", b"x\r\n", b"# /// script", b"#", b"\r", b" ")
LINES = st.lists(st.sampled_from((*LINE_FEEDS, *OTHER_LINES)), max_size=6).map(b"".join)


@PROPERTY
@given(before=LINES, after=LINES)
def test_it_finds_the_block_that_the_slow_path_finds(
    desk: Desk, before: bytes, after: bytes
) -> None:
    """The record is kept only where the block is the same; a lone CR may be a doubt."""
    block = find_block(before)
    if block is None:
        return
    script = desk.cwd / "script.py"
    script.write_bytes(before)
    desk.remember("script.py", checks=[check_script(script, block)])
    script.write_bytes(after)
    os.utime(script, ns=(0, 0))
    fast = not desk.run("script.py").slow
    same = find_block(after) == block
    assert fast is same or (same and block.endswith(b"\r"))


def test_a_script_that_becomes_something_else(desk: Desk) -> None:
    """A directory has no block to compare, and a huge file is not read for one."""
    script = desk.cwd / "script.py"
    desk.remember("script.py", checks=[check_script(script, b"")])
    os.truncate(script, 1 << 40)
    assert desk.run("script.py").slow
    script.unlink()
    assert desk.run("script.py").slow
    script.mkdir()
    assert desk.run("script.py").slow


# What is said.


def test_it_tells_its_decisions_if_asked(desk: Desk) -> None:
    """PYX_DEBUG gives one line on stderr for each decision, and changes nothing else."""
    env = {"PYX_DEBUG": "1"}
    place = desk.place(["x"])
    outcome = desk.run("x", env=env)
    assert outcome.stdout == f"{SLOW_PATH}\n"
    assert outcome.stderr == f"pyx: slow path: no launch record {place}\n"
    desk.remember("x", checks=[check_file(desk.cwd / "new\nline")])
    assert desk.run("x", env=env).stderr == f"pyx: launch record {place} holds\n"
    (desk.cwd / "new\nline").touch()
    assert desk.run("x", env=env).stderr.splitlines() == [
        f"pyx: {desk.cwd}/new?line is not what it was",
        "pyx: slow path: the launch record does not hold",
    ]


@pytest.mark.parametrize(
    ("content", "mode", "status", "reason"),
    [
        (None, 0o755, 127, "No such file or directory"),
        ("#!/no/such/interpreter\n", 0o755, 126, "its own interpreter is gone"),
        ("data", 0o644, 126, "Permission denied"),
        ("data", 0o755, 126, "Exec format error"),
    ],
)
def test_an_interpreter_that_cannot_be_executed(
    desk: Desk, content: str | None, mode: int, status: int, reason: str
) -> None:
    """127 means that it is not there, 126 all else, as shells have it."""
    interpreter = desk.cwd / "python"
    if content is not None:
        interpreter.write_text(content, encoding="ascii")
        interpreter.chmod(mode)
    desk.words = replace(desk.words, interpreter=interpreter)
    outcome = desk.try_out("x")
    assert (outcome.status, outcome.stdout) == (status, "")
    assert outcome.stderr == f"pyx: cannot execute {interpreter}: {reason}\n"


def test_a_launcher_that_is_gone(desk: Desk) -> None:
    """The slow path that was not installed with it is named."""
    desk.pyx.launcher.unlink()
    outcome = desk.run("x")
    lead = (
        f"pyx: cannot execute {desk.pyx.launcher}: No such file or directory; install pyx again: "
    )
    assert (outcome.status, outcome.stdout) == (127, "")
    assert re.fullmatch(
        re.escape(lead) + r"sh packaging/install\.sh, or uv tool .*\n", outcome.stderr
    )


def test_the_slow_path_is_given_everything(desk: Desk) -> None:
    """The words arrive as they were, and the environment but for what acts on the launcher."""
    desk.pyx.launcher.unlink()
    desk.pyx.launcher.symlink_to(desk.words.interpreter)
    words = ["-c", "", "--", "a b"]
    of_others = {"_PYI_ARCHIVE_FILE": "/elsewhere", "LD_LIBRARY_PATH": "/elsewhere"}
    outcome = desk.run(*words, env={"PYTHONHOME": "/elsewhere", "OTHER": "as=it was", **of_others})
    assert outcome.line == [str(desk.pyx.launcher), *words]
    assert "OTHER=as=it was" in outcome.environment
    # The launcher is a python program too, on which they must not act; it gives them back.
    assert "PYX_KEPT_PYTHONHOME=/elsewhere" in outcome.environment
    assert "PYTHONHOME=/elsewhere" not in outcome.environment
    # So is a standalone one on programs of PyInstaller, whose start-up changes the third.
    assert "PYX_KEPT__PYI_ARCHIVE_FILE=/elsewhere" in outcome.environment
    assert "_PYI_ARCHIVE_FILE=/elsewhere" not in outcome.environment
    assert "PYX_KEPT_LD_LIBRARY_PATH=/elsewhere" in outcome.environment
    assert "LD_LIBRARY_PATH=/elsewhere" in outcome.environment


# The role of an environment's python.


@pytest.fixture
def environment(desk: Desk, tmp_path: Path) -> Path:
    """Give the directory of an environment, with its record."""
    path = tmp_path / "environment"
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").hardlink_to(desk.pyx.path)
    checks = (check_file(desk.words.interpreter),)
    record = LaunchRecord(material=b"", checks=checks, words=desk.words)
    (path / "launch").write_bytes(encode_record(record))
    (path / "launch").chmod(0o644)
    return path


def test_as_python_it_takes_the_environments_record(desk: Desk, environment: Path) -> None:
    """Through a link of any name too; and pyx's own arguments are nothing to it."""
    (desk.cwd / "link").symlink_to(environment / "bin" / "python")
    for python in (environment / "bin" / "python", desk.cwd / "link"):
        outcome = desk.start([python, "-u", "x", "y"])
        assert outcome.options == ["-u"]
        assert outcome.given == ["-u", "x", "y"]
        assert outcome.told[".code"] == CODE
        assert outcome.control == "s,2"
    for word in ("--offline", "--help", "--version", "-h"):
        outcome = desk.start([environment / "bin" / "python", word])
        assert outcome.line == [str(ARGV0), word]
    assert desk.start([environment / "bin" / "python", "sync"]).control == "s,1"
    assert desk.start([environment / "bin" / "python", "@x"]).line[-1] == "@x"


def test_as_python_it_leaves_a_missing_script_to_python(desk: Desk, environment: Path) -> None:
    """The start is empty, and python says in its own words what is wrong."""
    outcome = desk.start([environment / "bin" / "python", "missing.py"])
    assert (outcome.told[".start"], outcome.program) == ("", ["missing.py"])


@pytest.mark.parametrize("damage", ["missing", "garbage", "writable", "interpreter", "short"])
def test_as_python_it_says_in_one_line_what_to_do(
    desk: Desk, environment: Path, damage: str
) -> None:
    """An environment whose record does not hold names the remedy, with status 69."""
    launch = environment / "launch"
    if damage == "missing":
        launch.unlink()
    elif damage == "garbage":
        launch.write_bytes(b"garbage" * 100)
    elif damage == "writable":
        launch.chmod(0o664)
    elif damage == "short":
        launch.write_bytes(launch.read_bytes()[:-1])
    else:
        gone = Check(kind=Kind.FILE, path=b"/no/such/interpreter")
        record = LaunchRecord(material=b"", checks=(gone,), words=desk.words)
        launch.write_bytes(encode_record(record))
    outcome = desk.start([environment / "bin" / "python", "x"])
    line = f"pyx: the environment {environment} is out of date; run `pyx sync` in its project\n"
    assert (outcome.status, outcome.stdout, outcome.stderr) == (69, "", line)


# The role of a program of a bundle.


@pytest.fixture
def bundle(desk: Desk, tmp_path: Path) -> Path:
    """Give a bundle whose programs are `bin/script` and `bin/module`."""
    path = tmp_path / "the bundle"
    for name in ("bin", "boot", "programs"):
        (path / name).mkdir(parents=True)
    (path / "programs" / "script").touch()
    needed = (desk.words.interpreter, Path("programs/script"))
    record = LaunchRecord(
        material=b"",
        checks=tuple(Check(kind=Kind.THERE, path=os.fsencode(one)) for one in needed),
        words=replace(desk.words, argv0=Path("bin/python"), boot="boot", code=""),
    )
    words = {"script": b"programs/script\0-x\0", "module": b"-u\0-m\0name\0./a\0"}
    for name, material in words.items():
        (path / "bin" / name).hardlink_to(desk.pyx.path)
        launch = path / "programs" / f"{name}.launch"
        launch.write_bytes(encode_record(replace(record, material=material)))
        launch.chmod(0o644)
    return path


def run_program(desk: Desk, program: Path, *words: str) -> list[str]:
    """Start a program of a bundle; returns the command line that it makes."""
    done = desk.pyx.run([program, *words], cwd=desk.cwd)
    assert done.stderr == ""
    parts = done.stdout.split("\0")
    return parts[1 : int(parts[0]) + 1]


def test_as_a_program_its_words_stand_before_the_users(desk: Desk, bundle: Path) -> None:
    """The first is a script in the bundle, unless it is an option; all others are as they are."""
    line = run_program(desk, bundle / "bin" / "script", "-c", "y")
    assert line[:2] == [f"{bundle}/bin/python", f"-Xpycache_prefix={bundle}/boot"]
    assert line[-4:] == [f"{bundle}/programs/script", "-x", "-c", "y"]
    assert f"-Xpyx.start={bundle}/programs/script" in line
    line = run_program(desk, bundle / "bin" / "module", "--help")
    assert line[-4:] == ["-m", "name", "./a", "--help"]
    assert "-u" in line


def test_as_a_program_it_is_found_through_links_and_moves(
    desk: Desk, bundle: Path, tmp_path: Path
) -> None:
    """Nothing in the record names the place of the bundle."""
    (tmp_path / "link").symlink_to(bundle / "bin" / "script")
    assert run_program(desk, tmp_path / "link")[0] == f"{bundle}/bin/python"
    moved = bundle.rename(tmp_path / "moved")
    assert run_program(desk, moved / "bin" / "script")[0] == f"{moved}/bin/python"


@pytest.mark.parametrize("damage", ["script", "launch", "unknown"])
def test_as_a_program_it_says_in_one_line_what_is_wrong(
    desk: Desk, bundle: Path, damage: str
) -> None:
    """There is no slow path, and what is missing is named."""
    program = bundle / "bin" / "script"
    line = f"the bundle {bundle} is not whole; make it again: pyx bundle"
    if damage == "script":
        (bundle / "programs" / "script").unlink()
        line = f"this bundle needs {bundle}/programs/script, which cannot be found"
    elif damage == "launch":
        (bundle / "programs" / "script.launch").write_bytes(b"x")
    else:
        program = program.rename(program.with_name("unknown"))
    outcome = desk.pyx.run([program, "x"], cwd=desk.cwd)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (69, "", f"pyx: {line}\n")


def test_a_copy_of_another_name_says_what_it_is(desk: Desk, tmp_path: Path) -> None:
    """It looks for what stands beside a program of a bundle, and there is no bundle; a link is pyx.

    The name of the file decides about its role, since a bundle's programs are copies of it.
    """
    copy = tmp_path / "bin" / "pyx3"
    copy.parent.mkdir()
    shutil.copy2(desk.pyx.path, copy)
    told = desk.pyx.run([copy, "x"], cwd=desk.cwd)
    line = f"{copy} is a copy of pyx that has another name; call it pyx, or make it a link"
    assert (told.returncode, told.stdout, told.stderr) == (69, "", f"pyx: {line}\n")
    copy.unlink()
    copy.symlink_to(desk.pyx.path)
    expected = desk.try_out("-c", "y")
    assert "-c" in expected.line
    assert desk.start([copy, "-c", "y"]) == expected


def test_the_one_line_stays_one(desk: Desk, tmp_path: Path) -> None:
    """A directory whose name would break the line, or obey the terminal, is shown with marks."""
    path = tmp_path / "new\nline\x1b[1m" / "bin"
    path.mkdir(parents=True)
    (path / "python").hardlink_to(desk.pyx.path)
    outcome = desk.start([path / "python", "x"])
    assert outcome.status == 69
    assert outcome.stderr.count("\n") == 1
    assert "new?line?[1m" in outcome.stderr


# The program itself.


@pytest.mark.parametrize("compiler", ["cc", "clang", "aarch64-linux-gnu-gcc"])
@pytest.mark.parametrize(
    "linkage", [DYNAMIC, STATIC, FREESTANDING], ids=["dynamic", "static", "freestanding"]
)
def test_it_compiles_without_a_warning(
    tmp_path: Path, compiler: str, linkage: tuple[str, ...]
) -> None:
    """A warning in this program is a doubt, too."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    if linkage == FREESTANDING and not (compiler.startswith("aarch64") or is_freestanding()):
        pytest.skip("only on Linux is there no C library needed")
    command = [compiler, "-std=c11", *linkage, *WARNINGS, str(NATIVE_SOURCE)]
    done = subprocess.run(
        [*command, "-o", tmp_path / "pyx"], capture_output=True, text=True, check=False
    )
    if linkage == STATIC and "cannot find -lc" in done.stderr:
        pytest.skip("there is no static C library")
    assert (done.returncode, done.stderr) == (0, "")


def test_its_constants_are_the_launchers() -> None:
    """The letters, variables and verbs that stand in both programs are the same."""
    source = NATIVE_SOURCE.read_text(encoding="ascii")

    def strings_of(name: str) -> list[str]:
        found = re.search(rf"{name}\[\] = (.*?);", source, re.DOTALL)
        assert found, name
        return "".join(re.findall(r'"(.*?)"', found[1])).removesuffix(r"\0").split(r"\0")

    assert strings_of("EVERY_LETTER") == [PYTHON_LETTERS]
    assert strings_of("KEY_VARIABLES") == sorted(KEY_VARIABLES)
    assert set(strings_of("VERBS")) == {*VERBS, "-h"}
