"""The store: names of places, what counts as an entry, and publishing by one rename."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from workshop import KEY, make_facts

from pyx_launcher.dirs import Dirs
from pyx_launcher.errors import PyxError, RefusedError, StoreError
from pyx_launcher.files.atomic import storing
from pyx_launcher.store.entry import (
    FACTS_FILE,
    SITE_PACKAGES,
    Entry,
    check_wheel_name,
    find_build,
    find_entry,
    find_entry_by_hash,
    find_entry_by_key,
    locked_place,
    name_entry,
    publish,
    read_entry,
    staging,
    touch_generation,
)

OTHER_KEY = KEY[:12] + "f" * 52
BUILD = "py3-none-any-0123456789ab"
PLACE = Path("pack", "1.0", BUILD, SITE_PACKAGES)


def make_entry(store: Path, place: Path = PLACE, content: str = "x", **changed: Any) -> Entry:
    """Publish an entry that holds one file with `content`."""
    with locked_place(store, place) as final, staging(final) as temporary:
        unpacked = temporary / "entry" / SITE_PACKAGES
        unpacked.mkdir(parents=True)
        (unpacked / "pack.py").write_text(content)
        return publish(unpacked, final, make_facts(**changed))


@pytest.fixture
def dirs(tmp_path: Path) -> Dirs:
    """Give directories with one fallback store."""
    return Dirs(
        home=tmp_path / "home", cache=tmp_path / "cache", fallback_stores=(tmp_path / "fallback",)
    )


def test_a_place_tells_name_version_tags_and_key() -> None:
    """The build tag of a wheel is not part of its place; twelve digits of the key are."""
    filename = "Pack-1.0-2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    tags = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"
    place = name_entry("pack", "1.0", filename, KEY)
    assert place == Path("pack", "1.0", f"{tags}-0123456789ab", "site-packages")
    assert name_entry("pack", "1.0", "pack-1.0-py3-none-any.whl", KEY) == PLACE


@pytest.mark.parametrize("part", ["", ".", "..", "../x", "/etc", "a/b", ".hidden", "a\0b"])
@pytest.mark.parametrize("which", ["name", "version", "tags", "key"])
def test_a_part_that_is_no_plain_name_is_refused(part: str, which: str) -> None:
    """Nothing in a lock can lead out of the store, or to its hidden files."""
    parts = {"name": "pack", "version": "1.0", "tags": "py3-none-any", "key": KEY} | {which: part}
    filename = f"pack-1.0-{parts['tags']}.whl"
    if which in ("tags", "key") and "/" not in part and "\0" not in part:
        # Something always stands before and behind these, so that dots in them mean nothing.
        place = name_entry(parts["name"], parts["version"], filename, parts["key"])
        assert len(place.parts) == 4
        assert ".." not in place.parts
        return
    with pytest.raises(StoreError, match="cannot be the name of a directory in the store"):
        name_entry(parts["name"], parts["version"], filename, parts["key"])


def test_what_was_published_is_read_back(dirs: Dirs) -> None:
    """Facts survive their file, odd characters and all, and only the final place is there."""
    odd = make_facts(pth={"a.pth": ["import os", "\udcff", "\u2028"]}, tops={"日本\n": "file"})
    entry = make_entry(dirs.store, **asdict(odd))
    assert entry == Entry(path=dirs.store / PLACE, facts=odd)
    assert read_entry(entry.path) == entry
    assert (entry.path / FACTS_FILE).stat().st_mode & 0o777 == 0o444
    kept = [
        name
        for name in (p.name for p in find_build(entry.path).parent.iterdir())
        if not name.endswith(".lock")
    ]
    assert kept == [BUILD]


def damaged_facts() -> dict[str, bytes]:
    """Return contents of `.entry.json` that no version of pyx has written, by what is wrong."""
    sound = {"facts": 1, **asdict(make_facts())}
    changed: dict[str, Any] = {
        "another version": sound | {"facts": 2},
        "no version": {key: value for key, value in sound.items() if key != "facts"},
        "a fact too few": {key: value for key, value in sound.items() if key != "tops"},
        "a fact too many": sound | {"more": 1},
        "a list": [sound],
        "nothing": None,
        "name a number": sound | {"name": 1},
        "key null": sound | {"key": None},
        "tops a list": sound | {"tops": ["pack"]},
        "tops a number": sound | {"tops": 5},
        "a kind that is a number": sound | {"tops": {"pack": 5}},
        "hashes a text": sound | {"hashes": KEY},
        "scripts to null": sound | {"scripts": {"run": None}},
        "pth a text": sound | {"pth": {"a.pth": "import os"}},
        "pth of numbers": sound | {"pth": {"a.pth": [1]}},
        "data a list": sound | {"data": []},
        "data to null": sound | {"data": {"data": None}},
        "outward a text": sound | {"outward": "no"},
        "inward a list": sound | {"inward": []},
        "inward to a text": sound | {"inward": {"a": "no"}},
        "programs a text": sound | {"programs": "no"},
        "size a text": sound | {"size": "1"},
        "files null": sound | {"files": None},
    }
    return {
        **{what: json.dumps(value).encode() for what, value in changed.items()},
        "empty": b"",
        "half": json.dumps(sound).encode()[:-20],
        "undecodable": b"\xff\xfe\x00",
        "deep": b"[" * 100_000,
    }


@pytest.mark.parametrize("what", damaged_facts())
def test_damaged_or_foreign_facts_are_no_entry(dirs: Dirs, what: str) -> None:
    """Whatever a facts file holds, it is an entry of this version or none, never a crash."""
    entry = make_entry(dirs.store)
    (entry.path / FACTS_FILE).unlink()
    (entry.path / FACTS_FILE).write_bytes(damaged_facts()[what])
    assert read_entry(entry.path) is None
    assert find_entry(dirs, PLACE, KEY) is None
    assert find_entry_by_key(dirs, "pack", KEY) is None
    assert find_entry_by_hash(dirs, "pack", "1.0", {"sha256": KEY}) is None


def test_a_facts_file_that_cannot_be_read_is_said(dirs: Dirs) -> None:
    """A fault of the disk is not taken for a missing entry."""
    entry = make_entry(dirs.store)
    (entry.path / FACTS_FILE).unlink()
    (entry.path / FACTS_FILE).mkdir()
    with pytest.raises(StoreError, match=str(entry.path)):
        read_entry(entry.path)


def test_a_damaged_entry_gives_way(dirs: Dirs) -> None:
    """Publishing again is how an entry without its facts is repaired."""
    broken = make_entry(dirs.store, content="old")
    (broken.path / FACTS_FILE).unlink()
    entry = make_entry(dirs.store, content="new")
    assert (entry.path / "pack.py").read_text() == "new"
    assert not [
        name
        for name in (p.name for p in entry.path.parents[1].iterdir())
        if name.startswith(".old")
    ]


def test_a_sound_entry_stays_and_learns_further_digests(dirs: Dirs) -> None:
    """A lock with another kind of hash meets the same entry, whose files others may be using."""
    first = make_entry(dirs.store)
    inode = (first.path / "pack.py").stat().st_ino
    again = make_entry(dirs.store, hashes={"sha256": KEY, "md5": "aa"})
    assert (first.path / "pack.py").stat().st_ino == inode
    assert again.facts.hashes == {"sha256": KEY, "md5": "aa"}
    assert read_entry(first.path) == again
    assert find_entry_by_hash(dirs, "pack", "1.0", {"md5": "AA"}) == again


def test_an_entry_of_another_key_is_never_replaced(dirs: Dirs) -> None:
    """Two wheels whose digests begin alike cannot take each other's place."""
    first = make_entry(dirs.store)
    with pytest.raises(RefusedError, match="belongs to another file") as caught:
        make_entry(dirs.store, content="evil", key=OTHER_KEY, hashes={"sha256": OTHER_KEY})
    assert str(first.path.parent) in (caught.value.hint or "")
    assert (first.path / "pack.py").read_text() == "x"


def test_an_entry_is_found_in_any_store_by_its_whole_key(dirs: Dirs) -> None:
    """The own store comes first; an entry whose key only begins alike is passed over."""
    behind = make_entry(dirs.stores[1])
    assert find_entry(dirs, PLACE, KEY) == behind
    assert find_entry(dirs, PLACE, OTHER_KEY) is None
    make_entry(dirs.store, key=OTHER_KEY)
    assert find_entry(dirs, PLACE, KEY) == behind
    assert find_entry_by_key(dirs, "pack", KEY) == behind


def test_an_entry_is_found_by_its_digests_only_if_none_contradicts(dirs: Dirs) -> None:
    """A weak digest that fits does not outweigh a strong one that does not."""
    entry = make_entry(dirs.store, hashes={"md5": "aa", "sha512": "bb"})
    assert find_entry_by_hash(dirs, "pack", "1.0", {"md5": "aa", "blake2b": "?"}) == entry
    assert find_entry_by_hash(dirs, "pack", "1.0", {"md5": "aa", "sha512": "cc"}) is None
    assert find_entry_by_hash(dirs, "pack", "1.0", {"blake2b": "aa"}) is None
    assert find_entry_by_hash(dirs, "pack", "1.0", {}) is None
    assert find_entry_by_hash(dirs, "pack", "2.0", {"md5": "aa"}) is None
    assert find_entry_by_hash(dirs, "pack", "", {"md5": "aa"}) is None


def test_a_store_that_is_not_there_has_nothing(dirs: Dirs, tmp_path: Path) -> None:
    """Neither a missing store nor a file in the place of one is an error to a reader."""
    (tmp_path / "fallback").write_text("a file")
    assert find_entry(dirs, PLACE, KEY) is None
    assert find_entry_by_hash(dirs, "pack", "1.0", {"sha256": KEY}) is None
    assert find_entry_by_key(dirs, "pack", KEY) is None
    assert not dirs.store.exists()


def test_staging_leaves_nothing(tmp_path: Path) -> None:
    """What was not renamed away is removed, also after a failure."""
    final = tmp_path / "entry"
    with contextlib.suppress(KeyError), staging(final) as temporary:
        (temporary / "half").write_text("written")
        raise KeyError
    assert [p.name for p in (tmp_path).iterdir()] == []


def test_one_place_is_worked_on_by_one_at_a_time(tmp_path: Path) -> None:
    """Threads that want the same place wait for each other; another place is free."""
    inside, most = [], []

    def work() -> None:
        with locked_place(tmp_path, PLACE):
            inside.append(1)
            most.append(len(inside))
            threading.Event().wait(0.01)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    with locked_place(tmp_path, Path("pack", "1.0", "other")):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [1] * 8


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    """A process that is killed while it fetches stops nobody."""
    code = (
        f"import os, sys; from pathlib import Path; sys.path[:] = {sys.path!r}\n"
        "from pyx_launcher.store.entry import locked_place\n"
        f"with locked_place(Path({str(tmp_path)!r}), Path('pack/1.0/x')): os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    with locked_place(tmp_path, Path("pack/1.0/x")) as final:
        assert final == tmp_path / "pack" / "1.0" / "x"


def test_what_cannot_be_written_names_the_place_and_the_way_out(tmp_path: Path) -> None:
    """An error of the system becomes one of pyx, with something to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot write .*/file") as caught, storing(tmp_path):
        (tmp_path / "file" / "below").mkdir()
    assert "PYX_HOME" in (caught.value.hint or "")
    for place in (PLACE, Path("x" * 300, "1.0", "y")):
        root = tmp_path / "file" if place == PLACE else tmp_path
        with pytest.raises(StoreError, match="cannot write"), locked_place(root, place):
            pass
    with pytest.raises(PyxError):
        touch_generation(tmp_path / "file" / "store")


def test_the_generation_file_stays_what_it_is(tmp_path: Path) -> None:
    """Of many starts that make it at once one does, for records hold it to be unchanged."""
    store, seen = tmp_path / "a" / "store", []

    def touch() -> None:
        info = touch_generation(store).stat()
        seen.append((info.st_ino, info.st_mtime_ns, info.st_ctime_ns, info.st_size))

    for _ in range(20):
        threads = [threading.Thread(target=touch) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(seen)) == 1
        touch_generation(store).unlink()
        seen.clear()


@pytest.mark.parametrize(
    ("filename", "version", "wrong"),
    [
        ("pack-1.0-py3-none-any.whl", "1.0", False),
        ("pack-1.0-py3-none-any.whl", None, False),
        ("PACK-1.0-1-cp311-abi3-linux_x86_64.whl", "1.0", False),
        ("pack-1.0-py3-none-any.whl", "1.1", True),
        ("other-1.0-py3-none-any.whl", "1.0", True),
        ("../pack-1.0-py3-none-any.whl", "1.0", True),
        ("pack-1.0.tar.gz", "1.0", True),
        ("pack-1.0.whl", "1.0", True),
        ("pack-x-py3-none-any.whl", None, True),
        ("", None, True),
    ],
)
def test_a_wheels_name_must_be_that_of_its_distribution(
    filename: str,
    version: str | None,
    wrong: bool,  # noqa: FBT001 -- a case of a table.
) -> None:
    """A file name that says something else than its lock is told, in one line."""
    problem = check_wheel_name(filename, "pack", version)
    assert (problem is not None) is wrong
    assert problem is None or "\n" not in problem
