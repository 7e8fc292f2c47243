"""New tables and keys in TOML text, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from pyx_launcher.errors import LockError
from pyx_launcher.project.pipfile import add_packages
from pyx_launcher.project.pyproject import MAIN, RequirementList, add_requirements
from pyx_launcher.project.requirement import parse_requirement
from pyx_launcher.project.toml_text import append_table, insert_table, keep_newlines, list_sections

HEAD = '[project]\nname = "x"\n'
TOOL = "[tool.x]\na = 1\n"
GROUP = '[dependency-groups]\ndev = ["click"]\n'
EXTRA = '[project.optional-dependencies]\nex = ["click"]\n'
DEV, EX = RequirementList(group="dev"), RequirementList(extra="ex")
MISLEADING = 'a = """\n[tool.no]\n"""\nb = [\n[1],\n["tool.no"],\n]\n'


def add(text: str, place: RequirementList) -> str:
    """Return `text` with click at `place`."""
    return add_requirements(Path("pyproject.toml"), text, [parse_requirement("click")], place)


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        (HEAD, DEV, f"{HEAD}\n{GROUP}"),
        (HEAD[:-1], DEV, f"{HEAD}\n{GROUP}"),
        (f"{HEAD}\n", DEV, f"{HEAD}\n{GROUP}"),
        (f"{HEAD}\n\n", DEV, f"{HEAD}\n\n{GROUP}"),
        (f"{HEAD}   \n", DEV, f"{HEAD}   \n{GROUP}"),
        (f"{HEAD}\n{TOOL[:-1]}", DEV, f"{HEAD}\n{TOOL}\n{GROUP}"),
        (f"{HEAD}# the end\n", DEV, f"{HEAD}# the end\n\n{GROUP}"),
        (f"{HEAD}\n# the end", DEV, f"{HEAD}\n# the end\n\n{GROUP}"),
        (HEAD, EX, f"{HEAD}\n{EXTRA}"),
        (HEAD[:-1], EX, f"{HEAD}\n{EXTRA}"),
        (f"{HEAD}\n{TOOL}", EX, f"{HEAD}\n{EXTRA}\n{TOOL}"),
        (f"{HEAD}{TOOL}", EX, f"{HEAD}\n{EXTRA}\n{TOOL}"),
        (f"{HEAD}\n\n{TOOL}", EX, f"{HEAD}\n{EXTRA}\n\n{TOOL}"),
        (f"{HEAD}\n# of x\n# more\n{TOOL}", EX, f"{HEAD}\n{EXTRA}\n# of x\n# more\n{TOOL}"),
        (f"{HEAD}# of it\n\n{TOOL}", EX, f"{HEAD}# of it\n\n{EXTRA}\n{TOOL}"),
        (
            f"{HEAD}\n[project.scripts]\na = 'a:b'\n\n{TOOL}",
            EX,
            f"{HEAD}\n[project.scripts]\na = 'a:b'\n\n{EXTRA}\n{TOOL}",
        ),
        (f"{TOOL}\n{HEAD}", EX, f"{TOOL}\n{HEAD}\n{EXTRA}"),
        (f"{HEAD}\n{TOOL}", MAIN, f'{HEAD}dependencies = ["click"]\n\n{TOOL}'),
        (f"{HEAD}\n# of x\n{TOOL}", MAIN, f'{HEAD}dependencies = ["click"]\n\n# of x\n{TOOL}'),
        (
            f"{HEAD}\n[dependency-groups]\ntest = []\n\n# of x\n{TOOL}",
            DEV,
            f'{HEAD}\n[dependency-groups]\ntest = []\ndev = ["click"]\n\n# of x\n{TOOL}',
        ),
        (HEAD[:-1], MAIN, f'{HEAD}dependencies = ["click"]\n'),
        (f"{HEAD}{MISLEADING}\n{TOOL}", EX, f"{HEAD}{MISLEADING}\n{EXTRA}\n{TOOL}"),
        ('project.name = "x"\n', MAIN, 'project.name = "x"\nproject.dependencies = ["click"]\n'),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_is_new_stands_alone(
    text: str, place: RequirementList, expected: str, newline: str
) -> None:
    """One blank line before a new table, and one before what follows; comments stay with theirs."""
    added = add(text.replace("\n", newline), place)
    assert added == expected.replace("\n", newline)


def test_lines_of_either_kind_stay_what_they_are() -> None:
    """In a file with both, none is changed."""
    text = HEAD.replace("\n", "\r\n") + f"\n{TOOL}"
    assert add(text, DEV) == f"{text}\n{GROUP}"
    assert keep_newlines("a\r\nb\r\n", lambda text: text + "c\n") == "a\r\nb\r\nc\r\n"


@pytest.mark.parametrize(
    "text", ['project = { name = "x" }\n', 'project.name = "x"\nproject.version = "1"\n']
)
def test_an_extra_needs_a_table(text: str) -> None:
    """Where [project] has no header nothing can stand behind it, which one line says."""
    with pytest.raises(LockError, match="project: has no table of its own") as caught:
        add(text, EX)
    assert caught.value.hint == "write it as [project]"


def test_a_new_category_of_a_pipfile_stands_alone() -> None:
    """As a new table of any file does."""
    text = '[packages]\na = "*"'
    click = [parse_requirement("click")]
    added = add_packages(Path("Pipfile"), text, click, RequirementList(group="more docs"))
    assert added == '[packages]\na = "*"\n\n["more docs"]\nclick = "*"\n'


def test_headers_are_told_from_what_looks_like_them() -> None:
    """Lines of arrays and of long strings are none; quoted and indented headers are."""
    text = f"{MISLEADING}  [ 'a.b' . c ] # why\n[[d.e]]\n[[d.e]]\n[f]\n"
    sections = list_sections(text)
    assert [s.keys for s in sections] == [("a.b", "c"), ("d", "e"), ("d", "e"), ("f",)]
    assert insert_table(text, "[g]\n", ("d",)) == text.replace("[f]", "\n[g]\n\n[f]")
    assert insert_table(text, "[g]\n", ("g",)) is None
    assert tomli.loads(append_table(text, "[g]\n"))["g"] == {}
    assert append_table("", "[g]\n") == "[g]\n"


def test_a_key_of_any_letters_stands_as_it_is() -> None:
    """What is no bare key is quoted, and means the same to whoever reads it."""
    group = "\N{PARTY POPPER} a.b"
    assert tomli.loads(add(HEAD, RequirementList(group=group)))["dependency-groups"] == {
        group: ["click"]
    }
