"""What pyx says of itself, and that every command that it names is there."""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.cli.commands import VERBS
from pyx_launcher.commands.help import format_form, format_usage

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

LONGEST_LINE = 100


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_is_a_module(name: str) -> None:
    """The function that runs it takes what every other one takes."""
    module = importlib.import_module(f"pyx_launcher.commands.{name}")
    function = getattr(module, f"run_{name}")
    assert [*inspect.signature(function).parameters] == ["invocation", "environ"]


def test_the_usage_names_every_verb() -> None:
    """With what it does, in lines that fit a terminal."""
    text = format_usage()
    for name, verb in VERBS.items():
        assert f"  {name:<22}{verb.summary}\n" in text
    assert max(map(len, text.splitlines())) <= LONGEST_LINE


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_says_how_it_is_called(pyx: Pyx, name: str) -> None:
    """On stdout, with each of its forms and options, and without doing anything."""
    told = pyx(name, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    for form in VERBS[name].forms:
        assert format_form(VERBS[name], form) + "\n" in told.stdout
    for option in VERBS[name].options:
        assert f"  {option} " in told.stdout
    assert pyx("--help", name).stdout == told.stdout


@pytest.mark.parametrize(
    "words", [("tool", "list"), ("store", "path"), ("diff", ".", "."), ("env", "list")]
)
def test_what_belongs_to_no_environment_refuses_its_name(pyx: Pyx, words: tuple[str, ...]) -> None:
    """And does not offer it in its usage."""
    told = pyx("@some", *words)
    assert (told.returncode, told.stdout) == (64, "")
    assert "takes no @some\n" in told.stderr
    assert told.stderr.endswith(f"pyx: hint: pyx {' '.join(words)}\n")
    forms = [form for form in VERBS[words[0]].forms if form.split()[0:2] == [*words[:2]]]
    assert all("@NAME" not in format_form(VERBS[words[0]], form) for form in forms)


def test_what_an_action_takes_stands_in_its_form() -> None:
    """Every option of a command with actions is one of theirs, or stands alone."""
    for verb in VERBS.values():
        if verb.actions:
            taken = {option for action in verb.actions for option in verb.options_of(action)}
            forms = (form for form in verb.forms if form.split()[1].startswith("--"))
            alone = {option for form in forms for option in re.findall(r"--[a-z-]+", form)}
            assert {*verb.valued, *verb.flags} <= taken | alone


def test_forms_name_what_the_parser_knows() -> None:
    """Each form begins with its verb, and its actions are those that are taken."""
    for name, verb in VERBS.items():
        assert all(form.split()[0] == name for form in verb.forms)
        words = [form.split()[1] for form in verb.forms if len(form.split()) > 1]
        named = [word for word in words if word.isalpha() and word.islower()]
        assert set(verb.actions) == set(named)
        assert set(verb.passes_from) <= {"", *verb.actions}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=() if name in ("add", "run", "store", "sync") else pytest.mark.slow
        )
        for name in VERBS
    ],
)
def test_a_script_of_a_verbs_name_is_not_forgotten(pyx: Pyx, tmp_path: Path, name: str) -> None:
    """The command is done, a line says how to run the script or the directory, and that works."""
    line = f"pyx: this is the command {name}; what lies here runs with `pyx ./{name}`\n"
    (tmp_path / name).mkdir()
    assert line not in pyx(name, "--zzz", cwd=tmp_path).stderr
    assert line not in pyx(name, cwd=tmp_path).stderr
    (tmp_path / name / "__main__.py").write_text("print('directory')\n")
    assert line in pyx(name, cwd=tmp_path).stderr
    assert pyx(f"./{name}", cwd=tmp_path).stdout == "directory\n"
    shutil.rmtree(tmp_path / name)
    (tmp_path / name).write_text("print('script')\n")
    assert line in pyx(name, cwd=tmp_path).stderr
    assert pyx(f"./{name}", cwd=tmp_path).stdout == "script\n"


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "run",
            "init",
            "lock",
            "lock --upgrade",
            "add",
            "remove",
            "which",
            "tree",
            "info",
            "sync",
        ),
        *("export", "bundle", "python pin", "python find", "tool run", "tool upgrade"),
        *("tool install tick", "env create", "store", "diff ."),
    ],
)
def test_an_empty_word_names_nothing(pyx: Pyx, tmp_path: Path, typed: str) -> None:
    """It comes of a variable that is not set; only a program may mean something by it."""
    told = pyx(*typed.split(), "", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (64, "")
    problem, hint = told.stderr.splitlines()
    assert problem.endswith(" does not take an empty word")
    assert hint == f"pyx: hint: pyx {typed.split(maxsplit=1)[0]} --help"
    assert list(tmp_path.glob("*.toml")) == []


def test_no_such_user_is_no_traceback(pyx: Pyx, tmp_path: Path) -> None:
    """A path of a user whom the machine does not know leads nowhere."""
    name = "~nobody-of-that-name/x"
    for words in (("tool", "run", name), ("add", "--init", name), ("init", name)):
        assert "Traceback" not in pyx(*words, cwd=tmp_path).stderr
