"""Requirements in a pyproject.toml: what an edit writes, and that it leaves the rest alone."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pyx_launcher.errors import LockError, UsageError
from pyx_launcher.project.pyproject import (
    MAIN,
    RequirementList,
    add_project_table,
    add_requirements,
    bound_requirements,
    parse_data,
    remove_requirements,
    split_git,
)
from pyx_launcher.project.requirement import parse_requirement

PATH = Path("pyproject.toml")

ODD = """\
# A comment before everything.
[build-system]
requires = [ "hatchling" ]     # odd   spacing
build-backend = 'hatchling.build'


[project]
name="odd"
version = "1"   # kept
dependencies = [
  # why we need it
  "Click >= 8 , < 9",   # the old one
  'tomli ; python_version<"3.11"',
]

[project.optional-dependencies]
Fast_One = ["x"]
[dependency-groups]
dev = [
    {include-group = "test"},
    "pytest>=8"
]
test=["coverage"]

[tool.other]
dependencies = ["not-this"]
"""


def add(text: str, *requirements: str, place: RequirementList = MAIN) -> str:
    """Return `text` with requirements."""
    return add_requirements(PATH, text, [parse_requirement(r) for r in requirements], place)


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that are only in the first and only in the second text."""
    old, new = before.splitlines(), after.splitlines()
    return [x for x in old if x not in new], [x for x in new if x not in old]


@pytest.mark.parametrize(
    ("requirement", "place", "removed", "added"),
    [
        ("attrs>=23", MAIN, [], ['  "attrs>=23",']),
        (
            "click>=8.1",
            MAIN,
            ['  "Click >= 8 , < 9",   # the old one'],
            ['  "click>=8.1",   # the old one'],
        ),
        ("CLICK", MAIN, [], []),
        (
            "y[z]>1",
            RequirementList(extra="fast-one"),
            ['Fast_One = ["x"]'],
            ['Fast_One = ["x", "y[z]>1"]'],
        ),
        (
            "mypy",
            RequirementList(group="TEST"),
            ['test=["coverage"]'],
            ['test=["coverage", "mypy"]'],
        ),
        (
            "mypy",
            RequirementList(group="dev"),
            ['    "pytest>=8"'],
            ['    "pytest>=8",', '    "mypy"'],
        ),
        ("z", RequirementList(group="docs"), [], ['docs = ["z"]']),
        ("z", RequirementList(extra="more"), [], ['more = ["z"]']),
    ],
)
def test_only_the_line_in_question_changes(
    requirement: str, place: RequirementList, removed: list[str], added: list[str]
) -> None:
    """Comments, quotes, odd spacing and the order of everything else stay as they were."""
    assert changed_lines(ODD, add(ODD, requirement, place=place)) == (removed, added)


def test_further_extras_leave_the_versions_as_they_are() -> None:
    """Whoever wants an extra has not said that an upper bound may go."""
    assert '"Click[a,b]>=8,<9",   # the old one' in add(add(ODD, "click[a]"), "click[b]")


def test_a_bare_name_is_not_one_with_a_marker() -> None:
    """What is required for some circumstances alone is not there in all others."""
    added = add(ODD, "tomli")
    assert parse_data(PATH, added)["project"]["dependencies"][1:] == [
        'tomli ; python_version<"3.11"',
        "tomli",
    ]
    assert add(added, "tomli") == added


def test_another_marker_is_another_requirement() -> None:
    """A requirement for other circumstances stands beside the one that is there."""
    text = add(ODD, "tomli>2; python_version>='3.11'")
    assert changed_lines(ODD, text) == ([], ["  'tomli>2; python_version >= \"3.11\"',"]) or (
        changed_lines(ODD, text) == ([], ['  "tomli>2; python_version >= \\"3.11\\"",'])
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "place", [MAIN, RequirementList(extra="fast-one"), RequirementList(group="test")]
)
def test_removing_what_was_added_gives_the_file_back(place: RequirementList, newline: str) -> None:
    """Not a byte is different afterwards, with either kind of line."""
    text = ODD.replace("\n", newline)
    more = add(text, "attrs>=23", place=place)
    assert more != text
    assert remove_requirements(PATH, more, ["Attrs"], place) == text


def test_a_removed_requirement_takes_its_comment_along() -> None:
    """What is left are the other lines, in their places."""
    text = remove_requirements(PATH, ODD, ["click"], MAIN)
    assert "the old one" not in text
    assert changed_lines(ODD, text)[1] == []


def test_what_is_somewhere_else_is_said_to_be_there() -> None:
    """The hint is the command that would remove it."""
    with pytest.raises(UsageError, match="coverage is not in the dependencies") as caught:
        remove_requirements(PATH, ODD, ["coverage"], MAIN)
    assert caught.value.hint == "it is in the group test: `pyx remove --group test coverage`"


def test_bare_requirements_get_a_lower_bound() -> None:
    """Only what leaves the version open is bound, and extras and markers stay."""
    text = add(ODD, "a", "b[x]; python_version>'3'", "c<2")
    versions = {"a": "1.5", "b": "2", "c": "1.9", "click": "8.1"}
    bound = bound_requirements(PATH, text, versions, MAIN)
    assert [line.strip() for line in changed_lines(text, bound)[1]] == [
        '"a>=1.5",',
        '"b[x]>=2 ; python_version > \\"3\\"",',
    ] or "b[x]>=2 ; python_version > " in bound
    assert '"a>=1.5"' in bound
    assert '"c<2"' in bound
    assert '"Click >= 8 , < 9"' in bound


def test_a_project_table_comes_before_the_rest() -> None:
    """A file that only configures tools keeps every byte below the new table."""
    tools = "# mine\n[tool.ruff]\nline-length = 90\n"
    text = add_project_table(PATH, tools, "new", ">=3.12")
    assert text.endswith(tools)
    assert 'requires-python = ">=3.12"' in text
    assert 'dependencies = ["a>1"]' in add(text, "a>1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project\n", "pyproject.toml: "),
        ("[tool.x]\n", r"has no \[project\] table"),
        ("[project]\ndependencies = 1\n", "project.dependencies: is not a list"),
        ('[project]\ndynamic = ["dependencies"]\n', "leaves dependencies to its build backend"),
    ],
)
def test_a_file_that_cannot_be_edited_is_refused(text: str, message: str) -> None:
    """The error names the file and the place in it."""
    with pytest.raises(LockError, match=message):
        add(text, "a")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a@^2.30", "a>=2.30,<3"),
        ("a^0.2", "a>=0.2,<0.3"),
        ("a[x] @ ~1.2", "a[x]>=1.2,<1.3"),
        ("a~1", "a>=1,<2"),
        ("a@>=2,!=2.5", "a>=2,!=2.5"),
        ("a@2.*", "a==2.*"),
        ("a[x]@*", "a[x]"),
    ],
)
def test_a_constraint_of_poetrys_is_told_by_the_standard(text: str, meant: str) -> None:
    """Where Poetry locks it is taken for what it means; elsewhere it is a mistake."""
    with pytest.raises(UsageError, match="that only Poetry understands") as caught:
        parse_requirement(text)
    assert shlex.split(caught.value.hint or "")[-1].removesuffix("?") == meant
    assert parse_requirement(text, by_poetry=True) == Requirement(meant)


@pytest.mark.parametrize("text", ["a~=1.0", "a>=1", "a @ file:///x", "a===2", "a ; extra == 'b'"])
def test_what_the_standard_has_is_no_constraint_of_poetrys(text: str) -> None:
    """It is taken as it is, by whatever the project is locked."""
    for by_poetry in (False, True):
        assert parse_requirement(text, by_poetry=by_poetry) == Requirement(text)


@pytest.mark.parametrize("text", ["", "a b", "==1", "a>=", "./x"])
def test_what_is_no_requirement_is_refused(text: str) -> None:
    """The error quotes what was typed."""
    with pytest.raises(UsageError, match="is not a valid requirement"):
        parse_requirement(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a=1.0", "did you mean a==1.0?"),
        ("/x y", "did you mean 'NAME @ file:///x%20y'?"),
        ("git+https://example.org/a", "did you mean 'a @ git+https://example.org/a'?"),
        ("git+https://example.org/A_b.git@v1", "did you mean 'a-b @ git+https://example.org/A_b."),
        ("git+https://example.org/a#egg=tick", "did you mean 'tick @ git+https://example.org/a'"),
        (
            "https://example.org/a_b-1-py3-none-any.whl?x",
            "did you mean 'a-b @ https://example.org/",
        ),
        ("https://example.org/a-b-1.0.tar.gz", "did you mean 'a-b @ https://example.org/a-b-1.0."),
        ("https://example.org/a.git", "did you mean 'NAME @ https://example.org/a.git'?"),
        ("a b", "such as click, "),
    ],
)
def test_what_may_be_meant_by_it_is_told(text: str, hint: str) -> None:
    """As pip would have taken it, in the words of the specification."""
    with pytest.raises(UsageError) as caught:
        parse_requirement(text)
    assert (caught.value.hint or "").startswith(hint)
    if "NAME @ " in hint:
        said = (caught.value.hint or "").split("'")[1].replace("NAME", "name")
        assert parse_requirement(said).url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git+https://example.org/a.git", ("https://example.org/a.git", "")),
        ("git+https://example.org/a.git@v1", ("https://example.org/a.git", "v1")),
        ("git+ssh://git@example.org/a.git", ("ssh://git@example.org/a.git", "")),
    ],
)
def test_a_git_url_has_a_revision_behind_its_path(url: str, expected: tuple[str, str]) -> None:
    """An at sign that belongs to a user's name is not taken for one."""
    assert split_git(url) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("project = 3", "project: expected a table, found a number"),
        ("[project]\ndynamic = 3", "project.dynamic: expected an array, found a number"),
        (
            "[project.optional-dependencies]\nex = 'a'",
            "project.optional-dependencies.ex: expected an array, found a string",
        ),
        ("[dependency-groups]\ndev = {}", "dependency-groups.dev: expected an array"),
        ("tool.poetry = []", "tool.poetry: expected a table, found an array"),
        ("tool.poetry.group.dev = 1", "tool.poetry.group.dev: expected a table"),
    ],
)
def test_what_is_of_another_kind_is_refused(text: str, problem: str) -> None:
    """What would hold requirements names itself, before anything is edited."""
    with pytest.raises(LockError, match=re.escape(f"pyproject.toml: {problem}")):
        parse_data(Path("pyproject.toml"), text)
