"""Requirements in a Pipfile and in a requirements.in."""

from __future__ import annotations

from pathlib import Path

import pytest
from wheelhouse import make_wheel

from pyx_launcher.errors import UsageError
from pyx_launcher.project.local import read_local
from pyx_launcher.project.pipfile import add_packages, remove_packages
from pyx_launcher.project.pyproject import MAIN, RequirementList
from pyx_launcher.project.requirement import parse_requirement
from pyx_launcher.project.requirements_in import add_lines, remove_lines

PIPFILE = '# mine\n[packages]\nClick = "<9"   # kept\n\n[dev-packages]\npytest = "*"\n'
LISTED = "# mine\n-c other.txt\nClick<9  # kept\n\ntomli ; python_version < '3.11'\n"


@pytest.mark.parametrize(
    ("requirement", "place", "line"),
    [
        ("a", MAIN, 'a = "*"'),
        ("a>1", RequirementList(group="dev"), 'a = ">1"'),
        ("a[x]>1", RequirementList(group="docs"), 'a = {version = ">1", extras = ["x"]}'),
        ("click==8", MAIN, 'Click = "==8"   # kept'),
        (
            "a @ git+https://example.org/a@v1",
            MAIN,
            'a = {git = "https://example.org/a", ref = "v1"}',
        ),
        ("a @ file:///there/a", MAIN, 'a = {path = "there/a"}'),
    ],
)
def test_a_pipfile_gains_a_line(requirement: str, place: RequirementList, line: str) -> None:
    """A group is a category, and every other line stays."""
    new = add_packages(Path("/Pipfile"), PIPFILE, [parse_requirement(requirement)], place)
    gained = [text for text in new.splitlines() if text not in PIPFILE.splitlines()]
    assert [text for text in gained if text and text != "[docs]"] == [line]


def test_a_pipfile_loses_a_line() -> None:
    """It is found by its normalised name, in the category that is named."""
    assert "Click" not in remove_packages(Path("Pipfile"), PIPFILE, ["click"], MAIN)
    with pytest.raises(UsageError, match="click is not in the group dev"):
        remove_packages(Path("Pipfile"), PIPFILE, ["click"], RequirementList(group="dev"))


def test_a_pipfile_has_no_extras() -> None:
    """The hint names the nearest thing that it has."""
    with pytest.raises(UsageError, match="no extras"):
        add_packages(Path("Pipfile"), PIPFILE, [parse_requirement("a")], RequirementList(extra="x"))


def test_a_list_gains_a_line_at_its_end() -> None:
    """A last line without an end gets one; a known project is replaced where it stands."""
    path = Path("requirements.in")
    assert add_lines(path, LISTED.rstrip(), [parse_requirement("a>1")], MAIN) == f"{LISTED}a>1\n"
    replaced = add_lines(path, LISTED, [parse_requirement("click==8")], MAIN)
    assert replaced == LISTED.replace("Click<9", "click==8")
    assert add_lines(path, LISTED, [parse_requirement("click")], MAIN) == LISTED
    text = "click<9,>=8  # why\n"
    more = add_lines(path, text, [parse_requirement("click[a]")], MAIN)
    assert more == "click[a]>=8,<9  # why\n"
    text = "click==8.1  # bug 17\nrich>=1   # why\n"
    told = add_lines(path, text, [parse_requirement(one) for one in ("click>=8", "rich>=1")], MAIN)
    assert told == "click>=8  # bug 17\nrich>=1   # why\n"
    text = "foo==1; python_version<'3.9'\nfoo==2; python_version>='3.9'\n"
    told = add_lines(path, text, [parse_requirement("foo==3; python_version>='3.9'")], MAIN)
    assert told.splitlines()[0] == text.splitlines()[0]
    assert told.splitlines()[1].startswith("foo==3")
    assert add_lines(path, text, [parse_requirement("foo")], MAIN) == f"{text}foo\n"


def test_a_list_names_a_file_from_where_it_lies(tmp_path: Path) -> None:
    """A colleague's checkout lies elsewhere; and what is named so can be found again."""
    (tmp_path / "wheels").mkdir()
    wheel = make_wheel(tmp_path / "wheels", "tick", "1.0")
    path = tmp_path / "requirements.txt"
    local = read_local(str(wheel), tmp_path)
    text = add_lines(path, "click\n", [local.requirement], MAIN, [local])
    assert text == f"click\n./wheels/{wheel.name}\n"
    assert add_lines(path, text, [local.requirement], MAIN, [local]) == text
    assert remove_lines(path, text, ["tick"], MAIN) == "click\n"


def test_a_list_loses_a_line() -> None:
    """Options and comments are no requirements."""
    path = Path("requirements.in")
    assert remove_lines(path, LISTED, ["TOMLI"], MAIN) == LISTED[: LISTED.index("tomli")]
    with pytest.raises(UsageError, match="there is no line for mine"):
        remove_lines(path, LISTED, ["mine"], MAIN)
    with pytest.raises(UsageError, match="neither extras nor groups"):
        remove_lines(path, LISTED, ["tomli"], RequirementList(group="dev"))


def test_what_another_file_requires_is_said_to_be_there(tmp_path: Path) -> None:
    """A list includes others, which may serve other lists as well: they are left alone."""
    path = tmp_path / "requirements.in"
    path.write_text("-r base.in\n-c held.txt\ntomli\n")
    (tmp_path / "base.in").write_text("# first\nTick>=1\n")
    (tmp_path / "held.txt").write_text("tock<2\n")
    with pytest.raises(
        UsageError, match=r"tick is required by .*base\.in, which it includes"
    ) as told:
        remove_lines(path, path.read_text(), ["tick"], MAIN)
    assert told.value.hint == f"take line 2 out of {tmp_path / 'base.in'}, then `pyx lock`"
    with pytest.raises(UsageError, match="there is no line for tock"):
        remove_lines(path, path.read_text(), ["tock"], MAIN)
