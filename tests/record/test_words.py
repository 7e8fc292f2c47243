"""The words for one interpreter, and the launch record of an environment."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.installation import find_template
from pyx_launcher.interpreters.finder import Way, probe_interpreter
from pyx_launcher.record.checks import Kind
from pyx_launcher.record.record import find_change, read_record
from pyx_launcher.record.words import _ROWS, Launch, check_launch, make_words, write_launch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def launch(tmp_path: Path, interpreters: dict[str, Path], probed: Path) -> Launch:
    """Give the newest interpreter and one generation file."""
    path = list(interpreters.values())[-1]
    (tmp_path / "generation").touch()
    interpreter = probe_interpreter(path, cache=probed, template=find_template())
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


def test_what_would_lead_python_astray_is_named(launch: Launch, place: Path) -> None:
    """Variables that change where python finds things, each in one row."""
    rows = make_words(place, launch).rows
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE"):
        assert [row[0] for row in rows if row[1:] == name] == ["u"]


@pytest.mark.parametrize("name", [row[1:] for row in _ROWS if row[0] == "h"])
def test_a_harmless_variable_makes_no_other_code(
    tmp_path: Path, interpreters: dict[str, Path], name: str
) -> None:
    """Under it every interpreter compiles a script to the same bytes, and warns of nothing."""
    script = tmp_path / "script.py"
    script.write_text(
        '# \u00e9\ndef f():\n    "doc"\n    assert 1\n    return 2 ** 40\n', encoding="utf-8"
    )
    code = "import marshal, sys; data = open(sys.argv[1], 'rb').read()\n"
    code += "print(marshal.dumps(compile(data, 'x', 'exec', 0, True)).hex())"
    values = {"PYTHONMALLOC": "malloc", "PYTHONIOENCODING": "latin-1", "PYTHONHASHSEED": "7"}
    value = values.get(name, "0" if name == "PYTHON_GIL" else "1")
    for version, path in interpreters.items():
        if name == "PYTHON_GIL" and not version.endswith("t"):
            continue
        told = [
            subprocess.run(
                [path, "-S", "-c", code, script], capture_output=True, check=True, env=environ
            )
            for environ in ({"PYTHONHASHSEED": "7"}, {"PYTHONHASHSEED": "7", name: value})
        ]
        assert told[0].stdout == told[1].stdout


def test_the_way_of_a_start_is_in_its_words(launch: Launch, place: Path) -> None:
    """Without a verdict, or by the public way, python is told of no bytecode of `encodings`."""
    for way, boot, code in (
        (None, "", ""),
        (Way(fast=True, code=True, reason=""), str(place / "boot"), "/code"),
        (Way(fast=False, code=True, reason=""), "", "/code"),
        (Way(fast=False, code=False, reason=""), "", ""),
    ):
        known = replace(launch, interpreter=replace(launch.interpreter, way=way))
        words = make_words(place, known, "/code")
        assert (words.boot, words.code) == (boot, code)


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
