"""The completion scripts and the manual page, in the programs that read them."""

from __future__ import annotations

import importlib.util
import os
import pty
import re
import select
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from installed import ROOT

from pyx_launcher.cli.commands import VERBS
from pyx_launcher.cli.invocation import _FLAGS, _VALUES

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

SHELL = ROOT / "packaging" / "shell"
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
    assert {name for name, value in options.items() if value} == set(_VALUES)
    assert {name for name, value in options.items() if not value} == set(_FLAGS)


def complete(line: str, home: Path, cwd: Path) -> str:
    """Return what an interactive bash makes of `line` when Tab is pressed at its end.

    The words are printed by a function that has the name of pyx.
    """
    setup = f"source {SHELL}/pyx.bash; pyx() {{ printf '<%s>' \"$@\"; echo; }}; echo ready\n"
    ours, theirs = pty.openpty()
    env = {"PYX_HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "$ "}
    command = ["bash", "--norc", "--noprofile", "-i"]
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as shell:
        os.close(theirs)
        try:
            os.write(ours, setup.encode())
            _read_until(ours, r"\nready")
            os.write(ours, f"{line}\t".encode())
            time.sleep(0.3)
            os.write(ours, b"\n")
            found = _read_until(ours, r"\n(<.*>)\r\n")
        finally:
            shell.kill()
            os.close(ours)
    return " ".join(re.findall("<(.*?)>", found))


def _read_until(terminal: int, pattern: str) -> str:
    text = ""
    deadline = time.monotonic() + ENOUGH
    while not (found := re.search(pattern, text)):
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            pytest.fail(f"bash did not answer: {text!r}")
        text += os.read(terminal, 4096).decode()
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
