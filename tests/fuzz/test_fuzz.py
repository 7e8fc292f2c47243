"""Some thousand mutated locks, and some seconds of libFuzzer upon the native program.

`tests/fuzz/locks.py` and `tests/fuzz/native.py` go on for as long as one has time.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from installed import NATIVE_SOURCE

from fuzz.commands import run as run_commands
from fuzz.locks import run
from fuzz.native import PARTS, build, fill, fuzz

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_mutated_locks(seed: int) -> None:
    """Each is read, or refused in one line that names the file, in bounded time."""
    assert [finding for finding in run(seed, iter(range(1000))) if finding] == []


def test_a_few_mutated_locks() -> None:
    """The same for a few, so that no change leaves the mutator itself behind."""
    assert [finding for finding in run(0, iter(range(60))) if finding] == []


@pytest.mark.parametrize("seed", range(3))
def test_commands_upon_mutated_projects(seed: int) -> None:
    """Each does its work or says in one line why not, and then leaves every file as it was."""
    assert [finding for finding in run_commands(seed, iter(range(150))) if finding] == []


@pytest.mark.slow
def test_commands_upon_many_mutated_projects() -> None:
    """The same for as many as there is time for."""
    assert [finding for finding in run_commands(99, iter(range(4000))) if finding] == []


@pytest.mark.parametrize("part", PARTS)
def test_what_the_native_program_reads(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it reads, it keeps its bounds, and executes only what it may."""
    monkeypatch.chdir(tmp_path)
    program = build(tmp_path, part)
    if program is None:
        pytest.skip("there is no clang that has libFuzzer")
    fill(program, part, tmp_path / "corpus")
    done = fuzz(program, part, tmp_path / "corpus", seconds=3, seed=1)
    assert done.finding == ""
    assert done.executions > 100
    assert done.edges > 50


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "guard", "hole"),
    [
        ("record", "check.length > left - sizeof check || ", ""),
        ("record", "(info.st_mode & WRITABLE_BY_OTHERS) || ", ""),
        ("words", "at + 1 >= call->argc) read_options", "at >= call->argc) read_options"),
        ("block", "if (found++ || left < length || ", "if (left < length || "),
    ],
)
def test_a_guard_that_is_missing(
    part: str, guard: str, hole: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same finds out when one condition of the program is taken away."""
    monkeypatch.chdir(tmp_path)
    native = shutil.copytree(NATIVE_SOURCE.parent, tmp_path / "native")
    text = NATIVE_SOURCE.read_text(encoding="utf-8")
    assert text.count(guard) == 1
    (native / NATIVE_SOURCE.name).write_text(text.replace(guard, hole), encoding="utf-8")
    program = build(tmp_path, part, native)
    if program is None:
        pytest.skip("there is no clang that has libFuzzer")
    fill(program, part, tmp_path / "corpus")
    done = fuzz(program, part, tmp_path / "corpus", seconds=240, seed=1)
    assert "Test unit written to" in done.finding
