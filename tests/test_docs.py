"""README.md and docs/: every command for a shell is run, and prints what the page shows."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest
import tomli
from docground import HOME, fill_index
from installed import ROOT
from transcripts import (
    SHELLS,
    Block,
    PageError,
    Told,
    find_difference,
    match_lines,
    read_blocks,
    read_commands,
    run_commands,
)

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}
NOT_RUN = 1
"""How many blocks of all pages nothing runs. A block more needs a good reason."""

PARSERS = {
    "toml": tomli.loads,
    "json": json.loads,
    "python": lambda text: compile(text, "", "exec"),
}
OTHERS = ("text", "dockerfile", "ini", "yaml")
STATUS = re.compile(r"^\| (\d+) \|", re.MULTILINE)


def blocks_of(name: str) -> list[Block]:
    """Return the blocks of a page."""
    return read_blocks(PAGES[name].read_text(encoding="utf-8"))


@pytest.fixture
def ground(tmp_path: Path, pyx: Pyx, uv: Path, vega: Path, wheels: Path) -> dict[str, str]:
    """Give the variables of a user who has nothing but pyx and an index."""
    fill_index(wheels)
    home = tmp_path / "home"
    path = f"{home / '.local' / 'bin'}{os.pathsep}{pyx.path.parent}{os.pathsep}{os.environ['PATH']}"
    kept = {k: v for k, v in pyx.environ.items() if k not in ("PYX_HOME", "PYX_CACHE_DIR")}
    return kept | {
        "PATH": path,
        "PYX_UV": str(uv),
        "PYX_CYCLONEDX": sys.executable,
        "PYX_VEGA": str(vega),
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "COLUMNS": "100",
    }


# Where no uv is installed, it comes from the index that pip is configured for.
@pytest.mark.network
@pytest.mark.parametrize("name", PAGES)
def test_a_page_does_what_it_says(name: str, ground: dict[str, str], tmp_path: Path) -> None:
    """From the first block to the last, in one new home; each command prints what is shown."""
    commands = [c for block in blocks_of(name) if block.is_run for c in read_commands(block)]
    directory = tmp_path / "home" / "work"
    directory.mkdir()
    answers = run_commands(commands, directory, ground)
    for number, command in enumerate(commands):
        told = answers[number] if number < len(answers) else Told(text="", status=-1)
        text = told.text.replace(ground["HOME"], HOME)
        difference = find_difference(command, Told(text=text, status=told.status))
        assert difference is None, f"{name}, {difference}"


@pytest.mark.parametrize("name", PAGES)
def test_every_block_is_of_a_known_kind(name: str) -> None:
    """What is no command of a shell, and has a grammar, is correct in that."""
    for block in blocks_of(name):
        assert block.language in (*SHELLS, *PARSERS, *OTHERS), (name, block.line)
        assert block.language in SHELLS or not re.search(r"^\$ ", block.text, re.MULTILINE)
        if block.language in PARSERS:
            PARSERS[block.language](block.text)


def test_few_blocks_are_not_run() -> None:
    """Each has its reason, and what runs elsewhere names programs and tests that are there."""
    left_out = [(n, b) for n in PAGES for b in blocks_of(n) if b.not_run or b.elsewhere]
    assert len([block for _, block in left_out if block.not_run]) == NOT_RUN
    for name, block in left_out:
        for word in re.findall(r"(?:tests|packaging|examples)/[\w./]+", block.text):
            assert (ROOT / word).exists(), f"{name}, line {block.line}: {word}"


def test_the_first_commands_of_the_readme_are_what_ci_runs() -> None:
    """One line installs and runs the example, the next one runs the tests."""
    first, second = (b.text for b in blocks_of("README.md") if b.elsewhere)
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    install, example = first.split(" && ")
    assert f"\n{install}\n" in run
    assert "pyx=$HOME/.local/bin/pyx\n" in run
    for line in (example, second):
        assert line.replace("~/.local/bin/pyx", '"$pyx"') in run
        assert "\n" not in line


def test_the_reference_names_every_variable_and_status() -> None:
    """Those that the launcher and the native program know, and no other."""
    page = PAGES["docs/reference.md"].read_text(encoding="utf-8")
    folders = (ROOT / "launcher" / "pyx_launcher", ROOT / "launcher" / "native")
    sources = [p for folder in folders for p in sorted(folder.rglob("*.[pc]*")) if p.is_file()]
    text = "\n".join(p.read_text(encoding="utf-8") for p in sources if p.suffix in (".py", ".c"))
    # Those that end in an underscore are the beginnings of names; the reference names such
    # variables together, by an ellipsis.
    known = {
        name
        for name in re.findall(r"\bPYX_[A-Z_]*[A-Z]\b", text)
        if not re.search("KEPT|OUTSIDE_", name)
    }
    tools = {f"PYX_{name}" for name in ("UV", "POETRY", "PDM", "PIPENV")}
    assert set(re.findall(r"`(PYX_[A-Z_]+)`", page)) == known | tools
    errors = (ROOT / "launcher" / "pyx_launcher" / "errors.py").read_text(encoding="utf-8")
    statuses = set(re.findall(r"exit_code = (\d+)", errors))
    assert set(STATUS.findall(page)) == statuses | {"2"}


LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *PAGES])
def test_every_link_leads_somewhere(name: str) -> None:
    """To a file of the repository, and there to a heading; pages of the site stay on it."""
    page = ROOT / name
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if path.startswith("https://"):
            continue
        found = page.parent / path if path else page
        assert found.is_file(), f"{name}: {target}"
        assert not name.startswith("docs/") or (ROOT / "docs") in found.resolve().parents, target
        if anchor:
            assert anchor in anchors_of(found), f"{name}: {target}"


def anchors_of(page: Path) -> set[str]:
    """Return what the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).strip().replace(" ", "-") for text in headings}


def run_page(page: str, directory: Path) -> list[str | None]:
    """Run a page in a plain shell and return the differences."""
    commands = [c for block in read_blocks(page) for c in read_commands(block)]
    variables = {"PATH": os.environ["PATH"], "TERM": "dumb"}
    (directory / "work").mkdir()
    answers = run_commands(commands, directory / "work", variables)
    return [find_difference(c, t) for c, t in zip(commands, answers, strict=True)]


def test_a_transcript_is_held_to_its_word(tmp_path: Path) -> None:
    """Commands share a shell, a file that is shown is there, and a wrong word is found."""
    page = """\
<!-- run
mkdir below && cd below
value=7
-->
```text title="kept.txt"
kept
```
```console
$ printf 'one\\ntwo\\nthree\\n' && cat kept.txt
one
…
kept
$ echo $value; basename "$PWD"; test -t 1 || echo no terminal
7
below
$ echo $value
8
$ cat <<END
> more
> END
more
$ echo unsaid
```
<!-- exits 3 -->
```sh
(exit 3)
```
"""
    told = run_page(page.replace("(exit 3)", "true"), tmp_path)
    assert [bool(difference) for difference in told] == [
        *(False, False, False, False),
        *(True, False, True, True),
    ]
    assert "line 16: `echo $value` prints\n7\nand not\n8" in str(told[4])


def test_a_status_is_held(tmp_path: Path) -> None:
    """Of the last command in a transcript, as the page announces it, and of every other 0."""
    page = "<!-- exits 3 -->\n```console\n$ true\n$ sh -c 'exit 3'\n```\n"
    assert run_page(page, tmp_path) == [None, None]
    (tmp_path / "more").mkdir()
    told = run_page(page.replace("$ true", "$ false"), tmp_path / "more")
    assert "`false` exits 1, not 0" in str(told[0])


@pytest.mark.parametrize(
    ("expected", "shown", "fits"),
    [
        ("a…c", "abc", True),
        ("a…c", "ab", False),
        ("a\n…", "a", True),
        ("…\nz", "x\ny\nz", True),
        ("…\nz", "x\nz\ny", False),
        ("", "x", False),
        ("a.c", "abc", False),
    ],
)
def test_what_is_left_out(expected: str, shown: str, *, fits: bool) -> None:
    """An ellipsis stands for characters of a line, or alone for lines; the rest is literal."""
    assert match_lines(expected.splitlines(), shown.splitlines()) is fits


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("```\ntext\n```\n", "line 1: a block without a language"),
        ("Text:\n\n    $ command\n", "line 3: indented"),
        ("```sh\ntrue\n", "line 2: '```' is missing"),
        ("<!-- not run: no -->\nText.\n```sh\ntrue\n```\n", "line 2: no block"),
        ("```console\ntrue\n```\n", "line 2: a transcript starts with"),
    ],
)
def test_a_block_that_could_be_overlooked_is_a_mistake(page: str, problem: str) -> None:
    """No command escapes because of how it is written."""
    with pytest.raises(PageError, match=re.escape(problem)):
        [read_commands(block) for block in read_blocks(page)]
