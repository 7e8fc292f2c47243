"""Launch records: what is written comes back, what is young is not, what changed is told."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyx_launcher.record.checks import (
    Check,
    Kind,
    check_absences,
    check_file,
    check_script,
    find_block,
    find_difference,
    is_racy,
)
from pyx_launcher.record.record import (
    LaunchRecord,
    LaunchWords,
    encode_record,
    find_change,
    find_record,
    make_material,
    read_record,
    write_record,
)

PROPERTY = settings(
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SETTLED = 0.3
"""Seconds after which a file is no longer racy where its times have fractions."""

WORDS = LaunchWords(
    interpreter=Path("/python"),
    argv0=Path("/environment/bin/python"),
    letters="cm:",
    boot="/environment/boot",
    code="",
    rows=("uPYTHONPATH", "hPYTHONHASHSEED"),
)
RECORD = LaunchRecord(material=b"material\0", checks=(), words=WORDS)

TEXTS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=8)
PATHS = TEXTS.map(lambda text: Path("/" + text))
NAMES = st.text(alphabet="PYTHON_", min_size=1, max_size=8)
ROWS = NAMES.map("u".__add__)
SIGNED = st.integers(-(1 << 63), (1 << 63) - 1)
COUNTS = st.integers(0, (1 << 32) - 1)
CHECKS = st.builds(
    Check,
    kind=st.sampled_from(Kind),
    path=st.binary(max_size=20).map(lambda path: path.replace(b"\0", b"")),
    mtime_ns=SIGNED,
    ctime_ns=SIGNED,
    size=SIGNED,
    inode=st.integers(0, (1 << 64) - 1),
    count=COUNTS,
    block=st.binary(max_size=20),
)
RECORDS = st.builds(
    LaunchRecord,
    material=st.binary(max_size=50),
    checks=st.lists(CHECKS, max_size=4).map(tuple),
    words=st.builds(
        LaunchWords,
        interpreter=PATHS,
        argv0=PATHS,
        letters=st.text(alphabet="abc:", max_size=5),
        boot=TEXTS,
        code=TEXTS,
        rows=st.lists(ROWS, max_size=4).map(tuple),
    ),
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Name the file of a record; its directory does not exist yet."""
    return tmp_path / "cache" / "launch" / "0123456789abcdef"


def put(place: Path, data: bytes) -> Path:
    """Write the bytes of a record as the launcher would."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    place.chmod(0o600)
    return place


# The file.


@PROPERTY
@given(record=RECORDS)
def test_what_is_written_comes_back(place: Path, record: LaunchRecord) -> None:
    """Every record that can be encoded decodes to its equal."""
    assert read_record(put(place, encode_record(record))) == record


@PROPERTY
@given(record=RECORDS, data=st.data())
def test_what_is_damaged_does_not_come_back_as_another_size(
    place: Path, record: LaunchRecord, data: st.DataObject
) -> None:
    """A record that was cut off, or has something behind it, is none."""
    whole = encode_record(record)
    cut = data.draw(st.integers(0, 1 << 20)) % len(whole)
    assert read_record(put(place, whole[:cut])) is None
    assert read_record(put(place, whole + b"\0")) is None


@PROPERTY
@given(record=RECORDS, at=st.integers(0, 1 << 20), change=st.binary(min_size=1, max_size=8))
def test_a_damaged_record_raises_nothing(
    place: Path, record: LaunchRecord, at: int, change: bytes
) -> None:
    """Whatever the bytes say, the answer is a record or None."""
    whole = encode_record(record)
    at %= len(whole)
    damaged = (whole[:at] + change + whole[at + len(change) :])[: len(whole)]
    read = read_record(put(place, damaged))
    assert read is None or isinstance(read, LaunchRecord)


def test_a_record_that_others_can_write_is_none(place: Path) -> None:
    """As for the native program: only what the user alone could write is believed."""
    put(place, encode_record(RECORD))
    assert read_record(place) == RECORD
    place.chmod(0o620)
    assert read_record(place) is None
    assert read_record(place.with_name("missing")) is None


def test_the_file_name_is_the_64_bit_fnv_1a_hash() -> None:
    """The published test vectors of the hash, in hexadecimal."""
    assert find_record(Path("/"), b"") == Path("/cbf29ce484222325")
    assert find_record(Path("/"), b"a") == Path("/af63dc4c8601ec8c")
    assert find_record(Path("/"), b"foobar") == Path("/85944171f73967e8")


# The key material.


def test_the_material_names_what_the_decision_depended_on() -> None:
    """Kind, start, working directory if it counts, own arguments, and sorted variables."""
    environ = {b"PYTHONA": b"2", b"PATH": b"/bin", b"HOME": b"/h", b"TERM": b"x"}
    words = b"path\0/s.py\0\0\0HOME=/h\0PATH=/bin\0"
    assert make_material("path", Path("/s.py"), (), environ) == words


@pytest.mark.parametrize(
    ("own", "environ"),
    [
        (("--project=x",), {}),
        ((), {b"PYX_PROJECT": b"x"}),
        ((), {b"PATH": b"/bin:bin"}),
        ((), {b"PYX_STORES": b":x"}),
    ],
)
def test_the_working_directory_is_in_the_material_where_it_counts(
    own: tuple[str, ...],
    environ: dict[bytes, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An argument, or a relative part of a variable, may mean another place elsewhere."""
    here = make_material("path", Path("/s.py"), own, environ)
    monkeypatch.chdir(tmp_path)
    assert os.fsencode(tmp_path) in make_material("path", Path("/s.py"), own, environ)
    assert make_material("path", Path("/s.py"), own, environ) != here


def test_absolute_variables_leave_the_working_directory_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same script means the same packages from everywhere."""
    environ = {b"PATH": b"/bin:/usr/bin::", b"PYTHONX": b"relative", b"HOME": b""}
    here = make_material("path", Path("/s.py"), (), environ)
    monkeypatch.chdir(tmp_path)
    assert make_material("path", Path("/s.py"), (), environ) == here


# What is too young.


def times(*, mtime: float = 0, ctime: float, fraction: int) -> os.stat_result:
    """Return the status of a file with these times; `fraction` is in nanoseconds."""
    fields = {"st_mtime": mtime, "st_ctime": ctime, "st_ctime_ns": int(ctime) * 10**9 + fraction}
    return os.stat_result(range(10), fields)


def test_a_file_is_racy_while_its_clock_may_not_have_ticked() -> None:
    """Two ticks of the slowest clock, or two seconds where times are whole ones."""
    for fraction in (1, 1000, 10_000_000):
        assert is_racy(times(ctime=100, fraction=fraction), since=100.01)
        assert not is_racy(times(ctime=100, fraction=fraction), since=100.05)
    assert is_racy(times(ctime=100, fraction=0), since=101.9)
    assert not is_racy(times(ctime=100, fraction=0), since=102.1)


def test_a_file_changed_after_it_began_to_be_read_is_racy() -> None:
    """Its age is negative then, which is younger than anything."""
    assert is_racy(times(ctime=200, fraction=1), since=100)


def test_a_time_of_modification_in_the_future_is_not_racy() -> None:
    """Archives restore it at will; no program can set the time of the change."""
    assert not is_racy(times(mtime=4_000_000_000, ctime=100, fraction=1), since=200)


def test_nothing_is_written_while_an_input_is_young(tmp_path: Path, place: Path) -> None:
    """A further change could leave the times as they are, so the next start decides again."""
    lock = tmp_path / "lock"
    lock.touch()
    inputs = [check_file(lock)]
    record = replace(RECORD, checks=tuple(inputs))
    told = write_record(place, record, inputs=inputs, since=lock.stat().st_ctime)
    assert told == f"{lock} has just been written"
    assert not place.exists()
    since = lock.stat().st_ctime + 5
    assert write_record(place, record, inputs=inputs, since=since) is None
    assert read_record(place) == record


def test_nothing_is_written_that_is_no_longer_true(tmp_path: Path, place: Path) -> None:
    """What changed between the decision and the writing is named."""
    lock = tmp_path / "lock"
    record = replace(RECORD, checks=(check_file(lock),))
    lock.touch()
    told = write_record(place, record, inputs=record.checks, since=time.time() + 5)
    assert told == f"{lock} has appeared"
    assert not place.exists()


def test_a_record_and_its_directory_are_the_users_alone(place: Path) -> None:
    """Whatever the umask, nobody else can write either; the native program insists on it."""
    before = os.umask(0)
    try:
        assert write_record(place, RECORD, inputs=[], since=time.time()) is None
    finally:
        os.umask(before)
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700


# The checks.


def test_changes_are_told_with_their_path(tmp_path: Path) -> None:
    """Changed, gone and appeared are three different things to somebody who asks."""
    lock = tmp_path / "lock"
    absent = check_file(lock)
    assert find_difference(absent) is None
    lock.write_text("one", encoding="ascii")
    present = check_file(lock)
    assert find_difference(present) is None
    assert find_difference(absent) == f"{lock} has appeared"
    lock.write_text("longer", encoding="ascii")
    assert find_difference(present) == f"{lock} has changed"
    lock.unlink()
    assert find_difference(present) == f"{lock} is gone"
    assert find_change(replace(RECORD, checks=(absent, present))) == f"{lock} is gone"


def test_a_time_that_64_bits_do_not_hold_is_kept_as_far_as_they_do(tmp_path: Path) -> None:
    """A file from the year 3000 makes a record like any other."""
    lock = tmp_path / "lock"
    lock.touch()
    os.utime(lock, (0, 32_503_680_000))
    check = check_file(lock)
    assert encode_record(replace(RECORD, checks=(check,)))
    assert find_difference(check) is None


def test_a_directory_answers_for_absences_once_it_has_settled(tmp_path: Path) -> None:
    """A young directory proves nothing, nor one in which a link waits to come to life."""
    directory = tmp_path / "directory"
    below = [directory / "one", directory / "two"]
    for _ in range(20):
        directory.mkdir()
        kinds = [check.kind for check in check_absences(below)]
        if time.time() - directory.stat().st_ctime < 0.015:
            break
        # On a loaded machine it may have grown old meanwhile.
        directory.rmdir()
    assert kinds == [Kind.ABSENT] * 2
    time.sleep(SETTLED)
    first, *rest = check_absences(below)
    assert (first.kind, first.count) == (Kind.DIRECTORY, 2)
    assert [check.kind for check in rest] == [Kind.ABSENT] * 2
    (directory / "one").symlink_to("nowhere")
    time.sleep(SETTLED)
    assert [check.kind for check in check_absences(below)] == [Kind.ABSENT] * 2


def test_a_changed_directory_alone_is_no_change(tmp_path: Path) -> None:
    """It only means that the absences below it have to be looked at."""
    directory = replace(check_file(tmp_path), kind=Kind.DIRECTORY, count=1)
    absent = check_file(tmp_path / "new")
    (tmp_path / "other").touch()
    record = replace(RECORD, checks=(directory, absent))
    assert find_change(record) is None
    (tmp_path / "new").touch()
    assert find_change(record) == f"{tmp_path / 'new'} has appeared"


def test_an_edit_outside_the_block_is_no_change(tmp_path: Path) -> None:
    """A script is compared by its inline block once its times differ."""
    script = tmp_path / "script.py"
    block = b"# /// script\n# ///\n"
    script.write_bytes(block + b"1\n")
    check = check_script(script, block)
    script.write_bytes(b"0\n" + block + b"22\n")
    assert find_difference(check) is None
    script.write_bytes(b"0\n" + block + b"# more\n")
    assert find_difference(check) == f"{script} has changed"


# The inline block.


@pytest.mark.parametrize(
    ("source", "block"),
    [
        (b"", b""),
        (b"print()\n", b""),
        (b"# /// script\n# ///\n", b"# /// script\n# ///\n"),
        (b"#!x\n\n# /// script\n# a\n# ///\n\n# b\n", b"# /// script\n# a\n# ///\n"),
        (b"# /// script\n# ///\n# more\nx\n", b"# /// script\n# ///\n# more\n"),
        (b"# /// script\n# ///", b"# /// script\n# ///"),
        (b"x\r\n# /// script\r\n# ///\r\ny\r\n", b"# /// script\r\n# ///\r\n"),
        (b"x\r# /// script\r# ///\ry\r", b"# /// script\r# ///\r"),
        (b"x = '# /// script'\n # /// script\n", b""),
        (b"# /// script\n", b"# /// script\n"),
        (b"# /// script\n# ///\n\n# /// script\n# ///\n", None),
        (b"# /// script\n# /// script\n", None),
    ],
)
def test_the_block_is_found_byte_for_byte(source: bytes, block: bytes | None) -> None:
    """With every comment line that follows it directly; two blocks are one too many."""
    assert find_block(source) == block
