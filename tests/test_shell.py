"""The completion scripts and the manual page, in the programs that read them."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pty
import re
import select
import shutil
import subprocess
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import make_environ
from installed import ROOT, Pyx
from wheelhouse import make_wheel, pylock_text

from pyx_launcher.cli.commands import VERBS
from pyx_launcher.cli.invocation import _FLAGS, OPTIONS_WITH_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType


SHELL = ROOT / "packaging" / "shell"
WAIT = 1.5
"""How long a shell may ask pyx, in seconds."""

QUIET = 0.2
"""How long nothing comes from a shell that has shown its answer, in seconds."""

ENOUGH = 20.0
"""How long a shell may take to answer, in seconds."""


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    """Give the program that writes the files; `packaging` is no package."""
    spec = importlib.util.spec_from_file_location(
        "shell_files", ROOT / "packaging" / "shell_files.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["pyx.bash", "_pyx", "pyx.fish", "pyx.1", "docs/commands.md"])
def test_the_files_are_what_the_table_says(writer: ModuleType, name: str) -> None:
    """After a change of the commands: ``python packaging/shell_files.py`` writes them anew."""
    name = name if "/" in name else f"packaging/shell/{name}"
    assert (ROOT / name).read_text(encoding="utf-8") == writer.FILES[name]()


def test_the_page_tells_of_no_command_that_is_gone(writer: ModuleType) -> None:
    """What is said of a command beside the table belongs to one that the table has."""
    text = writer.PROSE.read_text(encoding="utf-8")
    assert set(re.findall(r"^## (.*)$", text, re.MULTILINE)) <= {"Options", *VERBS}


def test_every_option_is_known(writer: ModuleType) -> None:
    """The general options are the parser's, with and without a value."""
    options = dict(map(writer.split_option, writer.GENERAL))
    assert {name for name, value in options.items() if value} == set(OPTIONS_WITH_VALUE)
    assert {name for name, value in options.items() if not value} == set(_FLAGS)


PRINT = "pyx() {{ printf '<%s>' \"$@\"; echo; }}"

SHELLS = {
    "bash": (
        ("--norc", "--noprofile", "-i"),
        "source {files}/pyx.bash;" + PRINT + "; echo ready",
    ),
    "zsh": (
        ("-f", "-i"),
        "fpath=({files} $fpath); autoload -U compinit; compinit -u -D;" + PRINT + "; echo ready",
    ),
    "fish": (
        ("--no-config", "-i"),
        "source {files}/pyx.fish; function pyx; printf '<%s>' $argv; echo; end; echo ready",
    ),
}
"""How each shell is started, and what is typed first: pyx is a function that prints its words."""

HERE = [
    pytest.param(
        shell, marks=pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} is not installed")
    )
    for shell in SHELLS
]


def complete(
    line: str, home: Path, cwd: Path, shell: str = "bash", more: Mapping[str, str] | None = None
) -> str:
    """Return what an interactive shell makes of `line` when Tab is pressed at its end."""
    options, setup = SHELLS[shell]
    ours, theirs = pty.openpty()
    env = {"PYX_HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "$ "}
    env |= {"HOME": str(home), **(more or {})}
    with subprocess.Popen(
        [shell, *options],
        cwd=cwd,
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        # Some shells want it for their own.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 -- no threads
    ) as process:
        os.close(theirs)
        try:
            os.write(ours, f"{setup.format(files=SHELL)}\n".encode())
            _read_until(ours, r"\nready")
            os.write(ours, f"{line}\t".encode())
            if shell == "bash":
                _wait_for_change(ours, line, WAIT if more else 0.3)
            else:
                # These draw the line anew, whatever was typed.
                time.sleep(WAIT if more else 0.3)
            os.write(ours, b"\n")
            found = _read_until(ours, r"[\n\r](<.*>)\r?\n")
        finally:
            process.kill()
            os.close(ours)
    return " ".join(re.findall("<(.*?)>", found))


def _wait_for_change(terminal: int, line: str, seconds: float) -> None:
    """Return once something was shown behind `line` and no more comes, or after `seconds`."""
    shown, deadline = "", time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        is_changed = len(shown.rpartition("$ ")[2]) > len(line)
        if select.select([terminal], [], [], min(left, QUIET) if is_changed else left)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
        elif is_changed:
            return


def _read_until(terminal: int, pattern: str) -> str:
    text = ""
    deadline = time.monotonic() + ENOUGH
    while not (found := re.search(pattern, text)):
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            pytest.fail(f"the shell did not answer: {text!r}")
        text += os.read(terminal, 4096).decode(errors="replace")
    return found[found.re.groups]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pyx @sci", "@science"),
        ("pyx en", "env"),
        ("pyx --off", "--offline"),
        ("pyx env cr", "env create"),
        ("pyx --with @sci", "--with @science"),
        ("pyx @science too", "@science tool"),
        ("pyx --group env li", "--group env list"),
        ("pyx tool install --wi", "tool install --with"),
        ("pyx list --out", "list --outdated"),
        ("pyx --project pro", "--project project/"),
        ("pyx scr", "script.py"),
        ("pyx script.py en", "script.py entry"),
        ("pyx run tool scr", "run tool script.py"),
    ],
)
def test_bash_completes(tmp_path: Path, line: str, expected: str) -> None:
    """Names, commands, their words and options; files where a program begins, and behind it."""
    (tmp_path / "home" / "named" / "science").mkdir(parents=True)
    work = tmp_path / "work"
    (work / "project").mkdir(parents=True)
    (work / "script.py").touch()
    (work / "entry").touch()
    assert complete(line, tmp_path / "home", work) == expected


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, native: Path, probed: Path) -> tuple[Pyx, Path]:
    """Give a pyx and a project with an extra and a group, ready to be started."""
    base = tmp_path_factory.mktemp("ready")
    artifacts = [
        make_wheel(base, "clock", "1.0", requires=["ticker"], entry_points={"clack": "clock:x"}),
        make_wheel(base, "ticker", "1.0", files={"ticking.py": ""}),
    ]
    directory = base / "project"
    directory.mkdir()
    # In the shell's own words these would be offered, too.
    (directory / "clobber").touch()
    (directory / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1"\ndependencies = ["clock>=1"]\n'
        '[project.optional-dependencies]\nquick = ["clock"]\n'
        '[dependency-groups]\nhandbook = ["clock", {include-group = "checks"}]\nchecks = []\n'
    )
    head = 'extras = ["quick"]\ndependency-groups = ["handbook", "checks"]\n'
    text = pylock_text(artifacts)
    (directory / "pylock.toml").write_text(text.replace("[[packages]]", f"{head}\n[[packages]]", 1))
    environ = make_environ(base, base / "pyx-home", "http://127.0.0.1:9/simple/", probed)
    pyx = Pyx(base / "installed", native, environ)
    told = pyx("sync", cwd=directory)
    assert told.returncode == 0, told.stderr
    return pyx, directory


@pytest.mark.parametrize("shell", HERE)
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pyx remove cl", "remove clock"),
        ("pyx --project project remove cl", "--project project remove clock"),
        ("pyx remove clock cl", "remove clock clock"),
        ("pyx run cl", "run clack"),
        ("pyx which tickin", "which ticking"),
        ("pyx --group ha", "--group handbook"),
        ("pyx add x --group ch", "add x --group checks"),
        ("pyx -G ha", "-G handbook"),
        ("pyx --extra q", "--extra quick"),
        ("pyx remove x --optional q", "remove x --optional quick"),
        # Behind the program that is run, and for other commands, there are files.
        ("pyx run clack cl", "run clack clobber"),
        ("pyx sync clob", "sync clobber"),
        ("pyx tree --inv", "tree --invert"),
        ("pyx tool unin", "tool uninstall"),
    ],
)
def test_names_come_from_the_project(
    ready: tuple[Pyx, Path], shell: str, line: str, expected: str
) -> None:
    """What is required, can be run or imported, and the groups and extras, in each shell."""
    pyx, project = ready
    more = {**pyx.environ, "PATH": f"{pyx.path.parent}:{os.environ['PATH']}", "TERM": "dumb"}
    home = Path(pyx.environ["PYX_HOME"])
    cwd = project.parent if "--project" in line else project
    assert complete(line, home, cwd, shell, more) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.in", "clock>=1 ; python_version > '3'  # why\n-r other.txt\ntick[x]\n"),
        ("Pipfile", '[packages]\nclock = "*"\n[dev-packages]\ntick = "*"\n'),
        (
            "pyproject.toml",
            """[tool.poetry]
            dependencies = {python = "^3.9", clock = "^1"}
            group.dev.dependencies.tick = "*"
            """,
        ),
        ("pyproject.toml", '[tool.uv]\ndev-dependencies = ["clock", "tick ; os_name == \'x\'"]\n'),
    ],
)
def test_each_kind_of_project_tells_what_it_requires(
    pyx: Pyx, tmp_path: Path, name: str, text: str
) -> None:
    """What can be removed is what a manifest names, and python is not among it."""
    (tmp_path / name).write_text(text)
    told = pyx("--complete", "required", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (0, "clock\ntick\n")


def test_a_shell_is_told_of_no_mistake(pyx: Pyx, tmp_path: Path) -> None:
    """Where there is no project, or a broken one, there is nothing to offer."""
    (tmp_path / "pylock.toml").write_text("no = lock")
    for words in (("required",), ("groups",), ("zzz",), ()):
        told = pyx("--complete", *words, cwd=tmp_path)
        assert (told.returncode, told.stdout, told.stderr) == (1, "", "")


@pytest.mark.parametrize(("shell", "name"), [("zsh", "_pyx"), ("fish", "pyx.fish")])
def test_other_shells_read_theirs(shell: str, name: str) -> None:
    """At least without a complaint about its syntax."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    told = subprocess.run([shell, "-n", SHELL / name], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_page_is_sound() -> None:
    """No warning, and every command is in it."""
    told = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", SHELL / "pyx.1"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert told.stderr == ""
    text = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", told.stdout)
    for verb in VERBS.values():
        for form in verb.forms:
            assert form.split()[0] in text
        for option in verb.options:
            assert option.split()[0] in text
