"""The words for one interpreter, and the launch record of an environment."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.interpreters.finder import Interpreter, probe_interpreter
from pyx_launcher.record.checks import Kind
from pyx_launcher.record.record import find_change, read_record
from pyx_launcher.record.words import Launch, check_launch, make_words, write_launch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def launch(tmp_path: Path, interpreters: dict[str, Path]) -> Launch:
    """Give the newest interpreter and one generation file."""
    path = list(interpreters.values())[-1]
    (tmp_path / "generation").touch()
    interpreter = probe_interpreter(path, cache=tmp_path / "cache", template=None)
    return Launch(interpreter=interpreter, generations=(tmp_path / "generation",))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give an environment's directory with a bootstrap."""
    directory = tmp_path / "environment"
    directory.mkdir()
    (directory / "bootstrap.pyc").write_bytes(b"code")
    return directory


def older(launch: Launch, minor: int, *, free_threaded: bool = False) -> Launch:
    """Return `launch` with an interpreter that says it is another."""
    facts = replace(launch.interpreter.tag_facts, python=(3, minor), free_threaded=free_threaded)
    return replace(launch, interpreter=replace(launch.interpreter, tag_facts=facts))


@pytest.mark.parametrize(("minor", "knows"), [(9, False), (10, False), (11, True), (14, True)])
def test_each_interpreter_has_its_own_options(
    launch: Launch, place: Path, minor: int, *, knows: bool
) -> None:
    """`-P` came with 3.11, and before it must be left for python to complain about."""
    assert ("P" in make_words(place, older(launch, minor)).letters) is knows


def test_variables_become_options_only_where_the_interpreter_has_them(
    launch: Launch, place: Path
) -> None:
    """Rows are added from version to version and none is lost; `-Xgil` is for those without one."""
    rows = [set(make_words(place, older(launch, minor)).rows) for minor in range(9, 15)]
    assert all(before <= after for before, after in pairwise(rows))
    assert "vPYTHON_CPU_COUNT=-Xcpu_count=" in rows[13 - 9] - rows[12 - 9]
    free = set(make_words(place, older(launch, 13, free_threaded=True)).rows)
    assert free - rows[13 - 9] == {"vPYTHON_GIL=-Xgil="}


def test_every_option_of_a_row_is_understood(
    tmp_path: Path, interpreters: dict[str, Path], place: Path
) -> None:
    """Each real interpreter starts with each option that its rows would give it."""
    values = {"-Xutf8=": "1", "-Xtracemalloc=": "3", "-Xint_max_str_digits=": "5000",
              "-Xcpu_count=": "2", "-Xfrozen_modules=": "on", "-Xgil=": "0",
              "-Xpycache_prefix=": str(tmp_path)}  # fmt: skip
    for path in interpreters.values():
        interpreter: Interpreter = probe_interpreter(path, cache=tmp_path / "c", template=None)
        rows = make_words(place, Launch(interpreter=interpreter, generations=())).rows
        options = ["-Werror"]
        for kind, option in ((row[0], row.partition("=")[2]) for row in rows):
            if kind == "v":
                options.append(option + values[option])
            elif kind == "f" and option not in ("-i", "-Xperf", "-Xperf_jit", "-Ximporttime"):
                options.append(option)
        told = subprocess.run(
            [path, "-I", "-S", *options, "-c", "pass"], capture_output=True, check=False
        )
        assert (told.returncode, told.stderr) == (0, b"")


def test_what_would_lead_python_astray_is_inert(launch: Launch, place: Path) -> None:
    """Variables that change where python finds things are removed, never passed on."""
    rows = make_words(place, launch).rows
    dangerous = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE")
    for name in dangerous:
        assert [row[0] for row in rows if row[1:].partition("=")[0] == name] == ["u"]


def test_the_record_is_read_back_and_holds(tmp_path: Path, launch: Launch, place: Path) -> None:
    """It is made while the environment lies elsewhere, and names its final place."""
    final = tmp_path / "final"
    write_launch(place, final, launch)
    place.rename(final)
    record = read_record(final / "launch")
    assert record is not None
    assert record.words == make_words(final, launch)
    assert find_change(record) is None
    paths = {check.path for check in record.checks}
    assert bytes(final / "bootstrap.pyc") in paths
    assert bytes(launch.interpreter.path) in paths


@pytest.mark.parametrize("what", ["generation", "bootstrap"])
def test_the_record_ends_with_what_it_depends_on(
    tmp_path: Path, launch: Launch, place: Path, what: str
) -> None:
    """A deletion in a store, or another bootstrap, is noticed."""
    write_launch(place, place, launch)
    changed = tmp_path / "generation" if what == "generation" else place / "bootstrap.pyc"
    changed.write_bytes(b"other content")
    record = read_record(place / "launch")
    assert record is not None
    assert str(changed) in (find_change(record) or "")


def test_a_store_without_generation_is_watched(tmp_path: Path, launch: Launch, place: Path) -> None:
    """A fallback store that gains such a file has had something deleted."""
    absent = replace(launch, generations=(tmp_path / "none",))
    checks = check_launch(place, place, absent)
    assert [check.kind for check in checks if check.path == bytes(tmp_path / "none")] == [
        Kind.ABSENT
    ]


def test_an_equal_record_is_left_alone(tmp_path: Path, launch: Launch, place: Path) -> None:
    """Programs that start meanwhile read one file, and disks are not worn; a changed one is new."""
    write_launch(place, place, launch)
    before = (place / "launch").stat()
    write_launch(place, place, launch)
    assert (place / "launch").stat().st_mtime_ns == before.st_mtime_ns
    assert (place / "launch").stat().st_ino == before.st_ino
    (tmp_path / "generation").write_text("bumped")
    write_launch(place, place, launch)
    record = read_record(place / "launch")
    assert record is not None
    assert find_change(record) is None
