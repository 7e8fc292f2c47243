"""Requirements in Poetry's own tables."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from pyx_launcher.errors import UsageError
from pyx_launcher.project.local import Local
from pyx_launcher.project.poetry_tables import (
    add_constraints,
    bound_constraints,
    has_own_tables,
    needs_poetry,
    remove_anywhere,
    remove_constraints,
)
from pyx_launcher.project.pyproject import MAIN, RequirementList
from pyx_launcher.project.requirement import parse_requirement
from pyx_launcher.resolve.project import (
    Change,
    Project,
    edit_text,
    find_maker,
    read_project,
)

PATH = Path("pyproject.toml")
CLASSIC = """\
[tool.poetry]
name = "x"   # kept

[tool.poetry.dependencies]
python = "^3.10"
Click = {version = "^8", extras = ["y"]}  # kept

[tool.poetry.group.dev.dependencies]
pytest = "*"
"""


def add(text: str, requirement: str, place: RequirementList = MAIN) -> str:
    """Return `text` with one requirement."""
    return add_constraints(PATH, text, [parse_requirement(requirement)], place)


@pytest.mark.parametrize(
    ("requirement", "line"),
    [
        ("a", 'a = "*"'),
        ("a<2,>=1", 'a = ">=1,<2"'),
        ("a[y,x]", 'a = {version = "*", extras = ["x", "y"]}'),
        ("a @ git+https://example.org/a@v1", 'a = {git = "https://example.org/a", rev = "v1"}'),
        ("a @ https://example.org/a.whl", 'a = {url = "https://example.org/a.whl"}'),
        ("click<8", 'Click = "<8"  # kept'),
        ("click[z]", 'Click = {version = "^8", extras = ["y", "z"]}  # kept'),
    ],
)
def test_a_requirement_becomes_a_constraint(requirement: str, line: str) -> None:
    """It is a text where that says enough, else a table, and all other lines stay."""
    old, new = CLASSIC.splitlines(), add(CLASSIC, requirement).splitlines()
    assert [text for text in new if text not in old] == [line]


def test_a_marker_is_kept() -> None:
    """A requirement for some circumstances only is one in Poetry's words, too."""
    data = tomli.loads(add(CLASSIC, "a>1; sys_platform == 'linux'"))
    constraint = data["tool"]["poetry"]["dependencies"]["a"]
    assert constraint == {"version": ">1", "markers": 'sys_platform == "linux"'}


def test_an_extra_lists_its_optional_distributions() -> None:
    """They are optional in the dependencies, named in the extra, and removed from both."""
    text = add(CLASSIC, "a>1", RequirementList(extra="fast"))
    data = tomli.loads(text)["tool"]["poetry"]
    assert data["dependencies"]["a"] == {"version": ">1", "optional": True}
    assert data["extras"] == {"fast": ["a"]}
    left = tomli.loads(remove_constraints(PATH, text, ["a"], RequirementList(extra="fast")))
    assert left["tool"]["poetry"]["extras"] == {"fast": []}
    assert "a" not in left["tool"]["poetry"]["dependencies"]


def test_groups_are_found_and_made() -> None:
    """A new group gets a table of its own; the old one gains a line."""
    data = tomli.loads(
        add(add(CLASSIC, "a", RequirementList(group="dev")), "b", RequirementList(group="docs"))
    )
    assert data["tool"]["poetry"]["group"] == {
        "dev": {"dependencies": {"pytest": "*", "a": "*"}},
        "docs": {"dependencies": {"b": "*"}},
    }


def test_any_version_becomes_a_compatible_one() -> None:
    """After a resolution the constraint is what Poetry itself would have written."""
    text = bound_constraints(PATH, add(CLASSIC, "a"), {"a": "1.2", "click": "8.1"}, MAIN)
    assert 'a = "^1.2"\n' in text
    assert 'version = "^8"' in text


EMPTIED = """\
[tool.poetry]
name = "mine"

[tool.poetry.group.dev.dependencies]
a = "*"  # why
{more}
[tool.other]
x = 1
"""


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ("", None),
        ('\n[tool.poetry.group.docs.dependencies]\nb = "*"\n', {"docs"}),
        ("\n[tool.poetry.group.dev]\noptional = true\n", {"dev"}),
        (
            '\n[tool.poetry.group.all]\ninclude-groups = ["dev"]\ndependencies = {b = "*"}\n',
            {"dev", "all"},
        ),
    ],
    ids=["alone", "beside another", "says more", "included"],
)
def test_an_emptied_group_goes(more: str, left: set[str] | None) -> None:
    """As Poetry does it, but where something would then be missing."""
    text = EMPTIED.format(more=more)
    text = remove_constraints(PATH, text, ["a"], RequirementList(group="dev"))
    data = tomli.loads(text)["tool"]
    assert data["other"] == {"x": 1}
    assert data["poetry"].get("group", {}).keys() == (left or set())
    assert ("group" in data["poetry"]) == (left is not None)
    assert text.endswith("[tool.other]\nx = 1\n")


def test_what_is_not_there_cannot_be_removed() -> None:
    """The error names what and where."""
    with pytest.raises(UsageError, match="a is not in the group dev"):
        remove_constraints(PATH, CLASSIC, ["a"], RequirementList(group="dev"))


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        (CLASSIC, MAIN, True),
        (CLASSIC, RequirementList(group="new"), True),
        ('[project]\nname = "x"\n[tool.poetry]\npackage-mode = false\n', MAIN, False),
        ('[project]\nname = "x"\n[tool.poetry]\n', RequirementList(group="dev"), False),
        ("[project]\n[tool.poetry.group.dev.dependencies]\n", RequirementList(group="dev"), True),
        ('[project]\ndynamic = ["dependencies"]\n[tool.poetry.dependencies]\n', MAIN, True),
        ("[project]\n", MAIN, False),
    ],
)
def test_whose_tables_count(text: str, place: RequirementList, *, expected: bool) -> None:
    """The standard's tables are edited wherever the project has them."""
    assert has_own_tables(tomli.loads(text), place) is expected


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ("[tool.poetry]\npackages = []\n", False),
        ('[tool.poetry.dependencies]\npython = "^3.9"\n', False),
        ('[tool.poetry.dependencies]\nutils = {path = "util"}\n', True),
        ('[tool.poetry.group.dev.dependencies]\npytest = "^8"\n', True),
        ('[[tool.poetry.source]]\nname = "internal"\n', True),
    ],
)
def test_what_only_poetry_reads_is_locked_by_it(
    tmp_path: Path, tables: str, *, expected: bool
) -> None:
    """Any other tool would leave a group out, or take a stranger's package of the same name."""
    text = f'[project]\nname = "x"\ndependencies = ["utils"]\n{tables}'
    assert needs_poetry(tomli.loads(text)) is expected
    (tmp_path / "pyproject.toml").write_text(text)
    assert read_project(tmp_path).kind == ("poetry" if expected else "pylock")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_new_tables_stand_with_the_others(newline: str) -> None:
    """Behind Poetry's own, with one blank line before and after, in the lines of the file."""
    text = f"{CLASSIC}\n# about x\n[tool.x]\na = 1\n".replace("\n", newline)
    added = add(
        add(text, "a", RequirementList(group="more docs")), "b", RequirementList(extra="fast")
    )
    assert added.count("\n") == added.count(newline)
    lines = added.replace("\r\n", "\n").partition('pytest = "*"\n')[2]
    assert lines == (
        '\n[tool.poetry.group."more docs".dependencies]\na = "*"\n'
        '\n[tool.poetry.extras]\nfast = ["b"]\n\n# about x\n[tool.x]\na = 1\n'
    )


STANDARD = '[project]\nname = "x"\ndependencies = []\n\n[tool.poetry]\npackage-mode = false\n'


@pytest.mark.parametrize(
    ("text", "is_editable", "lines"),
    [
        (CLASSIC, False, ['lib = {path = "../lib", extras = ["y"]}']),
        (CLASSIC, True, ['lib = {path = "../lib", extras = ["y"], develop = true}']),
        (STANDARD, False, ['dependencies = ["lib[y] @ file:///there/lib"]']),
        (
            STANDARD,
            True,
            [
                'dependencies = ["lib[y] @ file:///there/lib"]',
                "[tool.poetry.dependencies]",
                "lib = {develop = true}",
            ],
        ),
    ],
)
def test_a_directory_is_written_as_poetry_writes_it(
    text: str, lines: list[str], *, is_editable: bool
) -> None:
    """As `poetry add ../lib` does, with `-e` or without; what was added can be removed."""
    here = Path("/there/project")
    project = Project(
        directory=here,
        manifest=here / "pyproject.toml",
        lock=here / "poetry.lock",
        kind="poetry",
    )
    requirement = parse_requirement("lib[y] @ file:///there/lib")
    local = Local(requirement=requirement, path=Path("/there/lib"), is_editable=is_editable)
    new = edit_text(project, text, Change(added=(requirement,), places=(local,)))
    old = text.splitlines()
    assert [line for line in new.splitlines() if line and line not in old] == lines
    assert "lib" not in remove_anywhere(PATH, new, ["lib"], MAIN)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (
            "# This file is automatically @generated by Poetry 1.8.5 and should not be\n",
            "1.8.5",
        ),
        ("# @generated by Poetry 2.0.0rc1 and\r\n", "2.0.0rc1"),
        ("[[package]]\n", None),
        ("", None),
    ],
)
def test_a_lock_says_which_poetry_wrote_it(tmp_path: Path, text: str, version: str | None) -> None:
    """Any since 1.4 does, in the first line."""
    lock = tmp_path / "poetry.lock"
    lock.write_text(text)
    assert find_maker(lock) == version
    assert find_maker(tmp_path / "none") is None
