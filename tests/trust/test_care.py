"""``pyx store``: what it finds, what it deletes, and what it leaves alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import PLAIN_PYTHON
from trust.ground import expected, find_damage, make_project, make_wheels
from wheelhouse import make_wheel

from pyx_launcher.dirs import FORMAT_FILE, Dirs
from pyx_launcher.errors import RefusedError, StoreError
from pyx_launcher.files.directories import measure_tree
from pyx_launcher.store.entry import touch_generation
from pyx_launcher.store.format_version import STORE_FORMAT, check_formats, read_format
from pyx_launcher.store.gc import collect, plan_collection
from pyx_launcher.store.inventory import list_entries, tail_of
from pyx_launcher.store.last_use import keeps_access_times, list_environments
from pyx_launcher.store.lock import bump_generation, claimed_store, hold_stores, release_stores
from pyx_launcher.store.processes import find_running
from pyx_launcher.store.verify import Damage, verify_entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexserver import IndexServer
    from installed import Pyx

DAY = 86400


@pytest.fixture
def parts(wheels: Path) -> list[Path]:
    """Give four wheels, which the index has.

    No other process that tests has the same: what a program runs from, in whatever store, `gc`
    lets alone everywhere.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return make_wheels(wheels, 4, seed=1000 + int(worker))


@pytest.fixture
def project(tmp_path: Path, parts: Sequence[Path]) -> Path:
    """Give a project that locks them by their paths."""
    return make_project(tmp_path / "project", parts)


@pytest.fixture
def dirs(pyx: Pyx, project: Path, pyx_home: Path, tmp_path: Path) -> Dirs:
    """Give the directories after a first start of the project."""
    assert pyx("sync", cwd=project).returncode == 0
    return Dirs(home=pyx_home, cache=tmp_path / "pyx-cache")


def place(dirs: Dirs, name: str) -> Path:
    """Return the one entry of a project."""
    (found,) = [path for path in list_entries(dirs.store) if tail_of(path)[0] == name]
    return found


def overwrite(path: Path, data: bytes) -> None:
    """Change a file in spite of its mode."""
    path.chmod(0o644)
    path.write_bytes(data)


def make_old(dirs: Dirs, days: float) -> None:
    """Let everything look as if it had last been used `days` ago."""
    then = time.time() - days * DAY
    for path in dirs.environments.glob("*/*"):
        os.utime(path, (then, then), follow_symlinks=False)
    for path in dirs.store.glob("*/*/*/*/.entry.json"):
        os.utime(path, (then, then))


def test_what_was_unpacked_verifies(pyx: Pyx, dirs: Dirs, project: Path) -> None:
    """Also with the bytecode that the interpreter adds, scripts and data files."""
    assert pyx("main.py", cwd=project).returncode == 0
    assert find_damage(dirs.home) == []
    told = pyx("store", "verify")
    assert (told.returncode, told.stdout) == (0, "4 entries verified, 0 damaged\n")
    assert told.stderr == ""


def test_each_kind_of_damage_is_named(dirs: Dirs) -> None:
    """A changed, a missing and an extra file, wherever in the entry they are."""
    entry = place(dirs, "part0")
    overwrite(entry / "part0" / "__init__.py", b"N = 1\n")
    (entry / "part0" / "m0.py").unlink()
    (entry / "part0" / "evil.so").write_bytes(b"")
    (entry / ".data" / "data" / "share" / "part0.txt").unlink()
    assert verify_entry(entry).damages == (
        Damage(kind="missing", place=".data/data/share/part0.txt"),
        Damage(kind="changed", place="part0/__init__.py"),
        Damage(kind="extra", place="part0/evil.so"),
        Damage(kind="missing", place="part0/m0.py"),
    )


@pytest.mark.parametrize(
    ("kind", "target", "content"),
    [
        ("changed", ".entry.json", b"{}"),
        ("changed", ".entry.json", b""),
        ("missing", ".entry.json", None),
        ("changed", "part1-1.0.dist-info/RECORD", b""),
        ("changed", "part1-1.0.dist-info/RECORD", b"\xff,,,,"),
        ("missing", "RECORD", None),
    ],
)
def test_what_is_compared_with_is_compared_itself(
    dirs: Dirs, kind: str, target: str, content: bytes | None
) -> None:
    """RECORD and `.entry.json` vouch for each other."""
    entry = place(dirs, "part1")
    path = entry / target if target != "RECORD" else entry / "part1-1.0.dist-info" / "RECORD"
    if content is None:
        path.unlink()
    else:
        overwrite(path, content)
    assert verify_entry(entry).damages == (Damage(kind=kind, place=target),)


def test_facts_that_do_not_fit_the_files_are_damage(dirs: Dirs) -> None:
    """A start relies on them without looking at the files."""
    entry = place(dirs, "part1")
    facts = json.loads((entry / ".entry.json").read_text())
    facts["tops"]["other"] = "package"
    overwrite(entry / ".entry.json", json.dumps(facts).encode())
    assert verify_entry(entry).damages == (Damage(kind="changed", place=".entry.json"),)


def test_a_file_that_became_a_link_is_changed(dirs: Dirs, tmp_path: Path) -> None:
    """Entries hold no links, also none to the same content."""
    path = place(dirs, "part1") / "part1" / "__init__.py"
    copy = tmp_path / "copy"
    path.rename(copy)
    path.symlink_to(copy)
    assert [d.kind for d in verify_entry(place(dirs, "part1")).damages] == ["changed"]


def test_repair_fetches_what_is_damaged(pyx: Pyx, dirs: Dirs, project: Path) -> None:
    """By the hash of its wheel, from the index that is configured; the program runs again."""
    entry = place(dirs, "part2")
    overwrite(entry / "part2" / "__init__.py", b"N = 1000\n")
    told = pyx("store", "verify")
    assert told.returncode == 1
    assert told.stdout.splitlines() == [
        f"changed {entry}/part2/__init__.py",
        "4 entries verified, 1 damaged",
    ]
    told = pyx("store", "verify", "--repair")
    assert told.returncode == 0, told.stderr
    assert "fetched part2/1.0/" in told.stdout
    assert find_damage(dirs.home) == []
    assert pyx("main.py", cwd=project).stdout == "6\n"


def test_repair_removes_what_no_index_has(pyx: Pyx, dirs: Dirs, parts: Sequence[Path]) -> None:
    """The next start gets it from where its lock says. Offline it stays, and is told."""
    entry = place(dirs, "part3")
    (entry / "part3" / "m0.py").unlink()
    told = pyx("--offline", "store", "verify", "--repair", env={"PIP_FIND_LINKS": None})
    assert (told.returncode, entry.is_dir()) == (1, True)
    kept = parts[3].read_bytes()
    parts[3].unlink()
    told = pyx("store", "verify", "--repair")
    assert told.returncode == 0
    assert "removed part3/1.0/" in told.stdout
    assert not entry.exists()
    parts[3].write_bytes(kept)


def test_repair_ends_what_was_derived_from_the_damage(
    pyx: Pyx, dirs: Dirs, project: Path, parts: Sequence[Path]
) -> None:
    """A farm may have links for files that should not be there, or lack some that should."""
    made = [used.path for used in list_environments(dirs)]
    other = make_project(project.with_name("other"), parts[:1])
    assert pyx("sync", cwd=other).returncode == 0
    overwrite(place(dirs, "part2") / ".entry.json", b"{}")
    assert pyx("store", "verify", "--repair").returncode == 0
    left = [used.path for used in list_environments(dirs)]
    assert len(left) == 1
    assert left != made
    assert pyx("main.py", cwd=project).stdout == "6\n"


def test_gc_deletes_what_was_long_unused(pyx: Pyx, dirs: Dirs, project: Path) -> None:
    """Environments, entries, locks, empty directories and links; and a start makes them again."""
    assert collect(dirs, 30 * DAY).environments == ()
    make_old(dirs, 40)
    tried = pyx("store", "gc", "--dry-run")
    assert tried.stdout.splitlines()[-1].startswith("1 environments and 4 entries would go")
    assert len(list_entries(dirs.store)) == 4
    (environment,) = dirs.environments.glob("[!.]*")
    first, *entries, _ = tried.stdout.splitlines()
    assert first == f"- environment {environment.name} (part0, part1, part2, part3)"
    shown = [line.split(",")[0] for line in entries]
    assert shown == [f"- part{number} 1.0" for number in range(4)]
    assert all("B (py3-none-any-" in line for line in entries), entries
    told = pyx("store", "gc")
    assert told.stdout.splitlines()[:-1] == [first, *entries]
    assert told.stdout.splitlines()[-1].startswith("1 environments and 4 entries deleted")
    assert sorted(path.name for path in dirs.store.iterdir()) == [FORMAT_FILE, ".generation"]
    assert list(dirs.environments.iterdir()) == list(dirs.links.iterdir()) == []
    assert pyx("main.py", cwd=project).stdout == "6\n"


def test_gc_keeps_what_an_environment_needs(
    pyx: Pyx, dirs: Dirs, project: Path, parts: Sequence[Path]
) -> None:
    """An entry goes only with the last environment that has it."""
    make_old(dirs, 40)
    other = make_project(project.with_name("other"), parts[:2])
    assert pyx("main.py", cwd=other).stdout == expected(parts[:2])
    tried = pyx("store", "gc", "--dry-run")
    assert tried.stdout.endswith("; 1 and 2 stay (1 used within 30 days)\n")
    found = collect(dirs, 30 * DAY)
    assert (len(found.environments), len(found.entries)) == (1, 2)
    assert (found.kept_environments, found.kept_entries) == (1, 2)
    assert pyx("main.py", cwd=other).stdout == expected(parts[:2])


def test_gc_keeps_installed_programs(pyx: Pyx, dirs: Dirs) -> None:
    """What `pyx tool install` links to stays, however long nobody has started it."""
    (environment,) = dirs.environments.glob("[!.]*")
    tool = dirs.home / "tools" / "some"
    tool.mkdir(parents=True)
    (tool / "environment").symlink_to(environment)
    entries = list_entries(dirs.store)
    assert pyx("store", "gc", "--keep", "0").returncode == 0
    assert environment.is_dir()
    assert list_entries(dirs.store) == entries
    tried = pyx("store", "gc", "--keep", "0", "--dry-run")
    assert tried.stdout.endswith("; 1 and 4 stay (1 of installed programs and .venv links)\n")
    (tool / "environment").unlink()
    assert pyx("store", "gc", "--keep", "0").returncode == 0
    assert not environment.exists()


def test_gc_keeps_what_only_fast_starts_use(pyx: Pyx, dirs: Dirs, project: Path) -> None:
    """A fast start writes nothing, but reads the bootstrap, and the file system notes that."""
    if not keeps_access_times(dirs.environments):
        pytest.skip("the file system keeps no access times")
    make_old(dirs, 40)
    time.sleep(0.2)
    assert pyx("sync", "main.py", cwd=project).returncode == 0
    # What the launch record checks has to stay as it is from now on.
    for used in list_environments(dirs):
        for name in ("environment.json", "launch"):
            os.utime(used.path / name, (1, 1))
    assert len(plan_collection(dirs, 30 * DAY).environments) == 1
    pyx.break_slow_path()
    assert pyx("main.py", cwd=project).stdout == "6\n"
    assert plan_collection(dirs, 30 * DAY).environments == ()


def test_without_access_times_only_a_slow_start_proves_use(
    dirs: Dirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not marked since the generation was bumped was not used since then."""
    monkeypatch.setattr("pyx_launcher.store.last_use.keeps_access_times", lambda _: False)
    monkeypatch.setattr("pyx_launcher.store.gc.keeps_access_times", lambda _: False)
    generation = touch_generation(dirs.store)
    make_old(dirs, 400)
    os.utime(generation, (time.time() - 500 * DAY,) * 2)
    assert collect(dirs, 30 * DAY).environments == ()
    # That bumped it: were the environment still used, it would now be marked.
    assert generation.stat().st_mtime > time.time() - DAY
    assert collect(dirs, 30 * DAY).environments == ()
    os.utime(generation, (time.time() - 31 * DAY,) * 2)
    assert len(collect(dirs, 30 * DAY).environments) == 1


def test_gc_leaves_a_running_program_alone(pyx: Pyx, dirs: Dirs, project: Path) -> None:
    """However old the marks are; it can still import what it had not yet imported."""
    (project / "wait.py").write_text("input()\nimport part3\nprint(part3.N)\n")
    variables = pyx.variables()
    with subprocess.Popen(
        [pyx.path, "wait.py"],
        cwd=project,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        end = time.monotonic() + 30
        while not find_running(list_environments(dirs)).own and time.monotonic() < end:
            time.sleep(0.05)
        make_old(dirs, 400)
        found = collect(dirs, 0)
        assert (found.environments, found.entries) == ((), ())
        assert program.communicate("\n")[0] == "3\n"
    assert len(collect(dirs, 0).entries) == 4


def test_a_program_that_changed_its_title_still_runs(
    pyx: Pyx, dirs: Dirs, project: Path, tmp_path: Path
) -> None:
    """Servers overwrite their command line: then all environments of the interpreter stay.

    It is one that nothing else runs with, whose environments would stay as well, anywhere.
    """
    real = Path(os.path.realpath(PLAIN_PYTHON))
    python = tmp_path / "own" / "bin" / real.name
    python.parent.mkdir(parents=True)
    shutil.copy2(real, python)
    (tmp_path / "own" / "lib").symlink_to(real.parent.parent / "lib")
    (other,) = dirs.environments.glob("[!.]*")
    assert pyx("--python", python, "sync", cwd=project).returncode == 0
    code = """\
import ctypes, sys
size = 4096
with open("/proc/self/stat") as stat: fields = stat.read().rsplit(")")[1].split()
start, end = int(fields[45]), int(fields[46])
ctypes.memset(start, 0, end - start)
ctypes.memmove(start, b"server: master", 14)
print("ready", flush=True)
input()
"""
    (project / "server.py").write_text(code)
    with subprocess.Popen(
        [pyx.path, "--python", python, "server.py"],
        cwd=project,
        env=pyx.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        make_old(dirs, 400)
        assert collect(dirs, 0).environments == (other,)
        program.communicate("\n")
    assert len(collect(dirs, 0).environments) == 1


def test_gc_removes_what_killed_processes_left(dirs: Dirs) -> None:
    """Half-unpacked wheels, half-made environments, half-deleted trash."""
    entry = place(dirs, "part0")
    debris = [
        entry.parents[1] / f".{entry.parent.name}.0123456789abcdef",
        dirs.store / ".trash.0123456789abcdef",
        dirs.environments / ".new.0123456789abcdef",
    ]
    for path in debris:
        (path / "entry").mkdir(parents=True)
    collect(dirs, 30 * DAY)
    assert [path for path in debris if path.exists()] == []
    assert find_damage(dirs.home) == []
    assert (entry.parents[1] / f".{entry.parent.name}.lock").exists()


def test_deletion_ends_records_before_anything_goes(dirs: Dirs) -> None:
    """A generation differs from each earlier one in its size, whatever the clock says."""
    generation = touch_generation(dirs.store)
    size = generation.stat().st_size
    os.utime(generation, (1, 1))
    bump_generation(dirs.store)
    assert generation.stat().st_size == size + 1
    assert touch_generation(dirs.store).stat().st_size == size + 1


def test_deletion_waits_for_those_who_hold_the_store(dirs: Dirs) -> None:
    """And gives up after its patience, having deleted nothing."""
    held = hold_stores(dirs)
    with pytest.raises(StoreError, match="in use"), claimed_store(dirs.store, patience=0.2):
        pytest.fail("claimed what is held")
    release_stores(held)
    with claimed_store(dirs.store, patience=0):
        pass


def test_a_shared_store_is_not_collected(dirs: Dirs, tmp_path: Path) -> None:
    """Through a link to another home's store nobody sees which environments need it."""
    other = Dirs(home=tmp_path / "other", cache=tmp_path / "cache")
    other.home.mkdir()
    other.store.symlink_to(dirs.store)
    with pytest.raises(RefusedError, match="is a link"):
        plan_collection(other, 0)


def test_a_newer_store_is_refused(pyx: Pyx, dirs: Dirs, project: Path) -> None:
    """By starts that would read or write it, by each command, and also behind one's own."""
    (dirs.store / FORMAT_FILE).write_text("7\n")
    for words in (("sync",), ("info",), ("store", "verify"), ("store", "gc"), ("store", "list")):
        told = pyx(*words, cwd=project)
        assert told.returncode == 74, words
        assert "its format is 7, and this pyx knows 2" in told.stderr
        assert "hint: upgrade pyx" in told.stderr
    behind = {"PYX_HOME": str(project / "home"), "PYX_STORES": str(dirs.store)}
    assert pyx("sync", cwd=project, env=behind).returncode == 74


def test_an_older_store_is_upgraded(pyx: Pyx, dirs: Dirs, project: Path) -> None:
    """One of format 0 has no number; its entries are taken as they are."""
    for content in (None, b""):
        (dirs.store / FORMAT_FILE).unlink()
        if content is not None:
            (dirs.store / FORMAT_FILE).write_bytes(content)
        assert read_format(dirs.store) == 0
        assert "0 fetched" in pyx("sync", cwd=project).stdout
        assert read_format(dirs.store) == STORE_FORMAT


def test_an_older_store_behind_is_only_read(dirs: Dirs, tmp_path: Path) -> None:
    """Nothing is ever written there."""
    (dirs.store / FORMAT_FILE).unlink()
    user = Dirs(home=tmp_path / "u", cache=tmp_path / "c", fallback_stores=(dirs.store,))
    check_formats(user)
    assert read_format(dirs.store) == 0


def test_the_store_is_listed_and_measured(pyx: Pyx, dirs: Dirs) -> None:
    """For people and as JSON; the path alone for scripts."""
    assert pyx("store", "path").stdout == f"{dirs.store}\n"
    listed = json.loads(pyx("store", "list", "--json").stdout)
    assert [(e["name"], e["version"], e["environments"]) for e in listed] == [
        (f"part{n}", "1.0", 1) for n in range(4)
    ]
    assert all(e["bytes"] > 0 for e in listed)
    assert [line.split()[:2] for line in pyx("store", "list").stdout.splitlines()] == [
        [f"part{n}", "1.0"] for n in range(4)
    ]
    sizes = json.loads(pyx("store", "size", "--json").stdout)
    assert sizes["entries"] == 4
    assert sizes["store"] == measure_tree(dirs.store)
    assert pyx("store", "size").stdout.startswith("entries:      4\n")


def test_a_wheel_is_added_for_later(
    pyx: Pyx, project: Path, parts: Sequence[Path], index: IndexServer, pyx_home: Path
) -> None:
    """Each wheel becomes the entry that a lock with its hash finds, also offline."""
    told = pyx("store", "add", *parts)
    assert told.stdout == "".join(f"+ part{n} 1.0\n" for n in range(4)), told.stderr
    assert find_damage(pyx_home) == []
    assert pyx("store", "add", parts[0]).stdout == "= part0 1.0\n"
    for part in parts:
        part.unlink()
    told = pyx("--offline", "main.py", cwd=project)
    assert (told.stdout, index.requests) == ("6\n", [])


def test_a_wheel_that_is_none_is_not_added(pyx: Pyx, tmp_path: Path, pyx_home: Path) -> None:
    """One line for each way in which it is none, and nothing in the store."""
    bad = make_wheel(tmp_path, "bad", "1.0", wrong_hashes=["bad/__init__.py"])
    for word, status in ((bad, 77), ("x.whl", 64), ("a-1.0-py3-none-any.whl", 74)):
        told = pyx("store", "add", word)
        assert told.returncode == status, told.stderr
        assert "Traceback" not in told.stderr
    assert list_entries(pyx_home / "store") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["store"], "pyx store needs one of: verify, gc"),
        (["store", "gcc"], "pyx store does not know gcc"),
        (["store", "add"], "pyx store add needs WHEEL"),
        (["store", "gc", "--keep", "x"], "--keep x: it takes a number of days"),
        (["store", "gc", "--keep=-1"], "--keep -1: it takes a number of days"),
        (["store", "gc", "--repair"], "pyx store gc does not take --repair"),
        (["store", "path", "x"], "pyx store path does not take x"),
    ],
)
def test_what_is_typed_wrongly_is_said(pyx: Pyx, words: list[str], said: str) -> None:
    """Nothing is guessed where files would be deleted."""
    told = pyx(*words)
    assert told.returncode == 64
    assert said in told.stderr
