"""Files of variables: how they are read, and what a program sees of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.cli.env_file import parse_variables
from pyx_launcher.errors import LockError

if TYPE_CHECKING:
    from installed import Pyx

FILE = Path("/there/.env")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB = two words  \n", {"A": "1", "B": "two words"}),
        ("export A=1 # why\n# all of it\n\n  B=#1\n", {"A": "1", "B": ""}),
        ("A='$HOME # \\n'\n", {"A": "$HOME # \\n"}),
        ('A="two\\nlines \\"q\\" \\$X"\n', {"A": 'two\nlines "q" $X'}),
        ('A="two\nlines" # why\nB=2', {"A": "two\nlines", "B": "2"}),
        ("A=1\nB=${A}2$A$C-\n", {"A": "1", "B": "121there-"}),
        ("A=a#b\r\nB=\r\n", {"A": "a#b", "B": ""}),
        ("\ufeffA=ü=1", {"A": "ü=1"}),
        ("", {}),
    ],
)
def test_a_file_is_read_as_dotenv_has_it(text: str, expected: dict[str, str]) -> None:
    """Quotation marks, comments, escapes, and variables that were set before."""
    assert parse_variables(FILE, text, {"C": "there"}) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("A=1\nnot a line\n", "line 2: expected NAME=value"),
        ("A='open\nB=1\n", "line 1: a quotation mark is missing"),
        ("A='x'y\n", "line 1: nothing may follow a closing quotation mark"),
        ("1A=x\n", "line 1: expected NAME=value"),
    ],
)
def test_a_malformed_line_is_named(text: str, problem: str) -> None:
    """With its number."""
    with pytest.raises(LockError) as caught:
        parse_variables(FILE, text, {})
    assert caught.value.message == f"{FILE}: {problem}"


def test_a_program_gets_what_is_not_set_already(pyx: Pyx, tmp_path: Path) -> None:
    """At every start what the files say then; of two the later one wins; children get it, too."""
    code = "import os; print(os.environ.get('ONE'), os.environ['TWO'], os.environ['THREE'])"
    (tmp_path / "a").write_text("ONE=a\nTWO=a\nTHREE=a\n")
    (tmp_path / "b").write_text("TWO=b$ONE\nTHREE=b\n")
    words = ("--env-file", "a", "--env-file=b")
    env = {"THREE": "set"}
    assert pyx(*words, "-c", code, cwd=tmp_path, env=env).stdout == "a ba set\n"
    (tmp_path / "a").write_text("ONE=new\n")
    assert pyx(*words, "-c", code, cwd=tmp_path, env=env).stdout == "new bnew set\n"
    told = pyx(*words, "run", "/bin/sh", "-c", "echo $ONE $THREE", cwd=tmp_path, env=env)
    assert told.stdout == "new set\n"


def test_pythons_variables_follow_the_rule_for_all(pyx: Pyx, tmp_path: Path) -> None:
    """What changes where modules come from does not act; what is harmless does."""
    (tmp_path / "v").write_text("PYTHONPATH=/nowhere\nPYTHONWARNINGS=error\n")
    code = "import sys; print('/nowhere' in sys.path, sys.warnoptions)"
    assert pyx("--env-file", "v", "-c", code, cwd=tmp_path).stdout == "False ['error']\n"


def test_a_file_that_is_not_there_is_told(pyx: Pyx, tmp_path: Path) -> None:
    """Before anything is started."""
    told = pyx("--env-file", "gone", "-c", "print(1)", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (64, "")
    assert told.stderr.startswith(f"pyx: there is no file {tmp_path}/gone\n")
