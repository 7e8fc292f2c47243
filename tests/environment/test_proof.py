"""Which way an interpreter's environments start, and that programs have packages by either."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workshop import TEMPLATE, Workshop, probe

from pyx_launcher.environment.proof import find_way
from pyx_launcher.environment.writer import settle_start, settling_start
from pyx_launcher.errors import InterpreterError
from pyx_launcher.interpreters.finder import Interpreter, Way, probe_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from installed import Pyx

    from pyx_launcher.environment.directory import Environment

LOOK = """
import json, one, sys
print(json.dumps([one.__file__, sys.path, sys.prefix, sys.pycache_prefix, sys._xoptions, sys.argv]))
"""


def ask(path: Path, cache: Path) -> Interpreter:
    """Return the facts about an interpreter of which nobody knows yet how it starts."""
    return probe_interpreter(path, cache=cache, template=TEMPLATE)


def make_python(
    root: Path,
    real: Path,
    *,
    change: Mapping[str, Callable[[str], str]] | None = None,
    zipped: bool = False,
) -> Path:
    """Make an interpreter of its own: a copy of the binary `real`, and links to its library.

    `change` has what becomes of the text of some files of the library. If `zipped`, `encodings`
    comes from an archive.
    """
    told = subprocess.run(
        [real, "-I", "-S", "-c", "import os, sys; print(os.path.dirname(os.__file__))"],
        capture_output=True,
        text=True,
        check=True,
    )
    library = Path(told.stdout.strip())
    copy = root / "bin" / real.name
    copy.parent.mkdir(parents=True)
    shutil.copy2(real, copy)
    place = root / "lib" / library.name
    place.mkdir(parents=True)
    for file in library.iterdir():
        if file.name == "__pycache__" or (zipped and file.name == "encodings"):
            continue
        if change and file.name in change:
            (place / file.name).write_text(change[file.name](file.read_text()), encoding="utf-8")
        else:
            (place / file.name).symlink_to(file)
    if zipped:
        digits = library.name.removeprefix("python").replace(".", "")
        with zipfile.ZipFile(root / "lib" / f"python{digits}.zip", "w") as archive:
            for file in (library / "encodings").glob("*.py"):
                archive.write(file, f"encodings/{file.name}")
    return copy


@pytest.fixture
def newest(interpreters: dict[str, Path]) -> Path:
    """Give the newest interpreter of the machine."""
    return list(interpreters.values())[-1]


@pytest.fixture
def readable(interpreters: dict[str, Path]) -> Path:
    """Give an interpreter that reads `site` from its file, which from 3.11 on is in the binary."""
    version, path = next(iter(interpreters.items()))
    if int(version.rstrip("t").split(".")[1]) >= 11:
        pytest.skip("no interpreter here reads its site.py")
    return path


def look(environment: Environment, **variables: str) -> list[object]:
    """Return what a program in `environment` sees."""
    done = subprocess.run(
        [environment.python, "-c", LOOK, "word"],
        capture_output=True,
        text=True,
        check=False,
        env=variables,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: list[object] = json.loads(done.stdout)
    return found


def test_every_interpreter_starts_the_fast_way(
    tmp_path: Path, interpreters: dict[str, Path], native: Path
) -> None:
    """Since a program sees the same by both; and the second time nobody tries."""
    for version, path in interpreters.items():
        cache = tmp_path / "cache"
        workshop = Workshop(tmp_path / version, ask(path, cache), native)
        known = settle_start(workshop.dirs, workshop.interpreter, native).way
        assert known is not None
        assert (known.fast, known.code, known.reason) == (
            *(True, True, "programs behave the same either way (tried with 8 starts)"),
        ), version
        (entry,) = workshop.dirs.interpreters.glob("*.start.json")
        entry.write_text(entry.read_text().replace("behave the same", "behaved the same"))
        again = settle_start(workshop.dirs, workshop.interpreter, native).way
        assert again is not None
        assert "behaved the same" in again.reason


def test_an_interpreter_can_be_tried_from_inside_a_program(
    pyx: Pyx, tmp_path: Path, newest: Path
) -> None:
    """A program may be the first to ask for an interpreter; variables of the trial stay outside."""
    env = {"PYX_CACHE_DIR": str(tmp_path / "unknown"), "PYTHONPATH": "/outside"}
    words = [str(pyx.path), "--python", str(newest), "-c", "print('tried')"]
    code = f"import subprocess; subprocess.run({words})"
    told = pyx("-c", code, cwd=tmp_path, env=env)
    assert (told.returncode, told.stdout, told.stderr) == (0, "tried\n", "")
    entries = list((tmp_path / "unknown" / "interpreters").glob("*.start.json"))
    assert entries
    assert all(json.loads(entry.read_text())["fast"] for entry in entries)


def test_a_verdict_ends_with_what_it_was_about(tmp_path: Path, newest: Path, native: Path) -> None:
    """Another build, another native program, or another file of those that decide a start."""
    file = tmp_path / "site.py"
    file.write_text("")
    interpreter = replace(ask(newest, tmp_path / "facts"), files=(str(file),))
    workshop = Workshop(tmp_path, interpreter, native)
    cache = workshop.dirs.interpreters
    assert find_way(interpreter, cache, native) is None
    settle_start(workshop.dirs, interpreter, native)
    assert find_way(interpreter, cache, native) is not None
    assert find_way(replace(interpreter, facts_digest="0"), cache, native) is None
    assert find_way(interpreter, cache, file) is None
    file.write_text("changed")
    assert find_way(interpreter, cache, native) is None


def test_a_trial_that_nobody_waits_for_ends(tmp_path: Path, newest: Path, native: Path) -> None:
    """Its processes end with what failed beside it, and nothing of it is left or believed."""
    workshop = Workshop(tmp_path, ask(newest, tmp_path / "facts"), native)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    before = children.read_text().split()
    with settling_start(workshop.dirs, workshop.interpreter, native):
        assert len(children.read_text().split()) > len(before)
        assert list(workshop.dirs.environments.iterdir())
    assert children.read_text().split() == before
    assert not list(workshop.dirs.environments.iterdir())
    assert find_way(workshop.interpreter, workshop.dirs.interpreters, native) is None


def test_encodings_that_are_no_file_mean_the_public_way(
    tmp_path: Path, newest: Path, native: Path
) -> None:
    """As where they are frozen into the binary: python takes no bytecode of ours for them."""
    python = make_python(tmp_path / "python", newest, zipped=True)
    workshop = Workshop(tmp_path, ask(python, tmp_path / "facts"), native)
    assert workshop.interpreter.encodings_file == ""
    environment = workshop.build(workshop.entry("one"))
    way = environment.interpreter.way
    assert way is not None
    assert (way.fast, way.code) == (False, True)
    assert "`encodings` is not a file" in way.reason
    assert look(environment)[2] == str(environment.path)


def test_a_difference_means_the_public_way(tmp_path: Path, readable: Path, native: Path) -> None:
    """What this library's own `site` does at a start, the fast way does not do."""
    change = {"site.py": lambda text: text + "\nsys.breakpointhook = print\n"}
    python = make_python(tmp_path / "python", readable, change=change)
    workshop = Workshop(tmp_path, ask(python, tmp_path / "facts"), native)
    environment = workshop.build(workshop.entry("one"))
    way = environment.interpreter.way
    assert way is not None
    assert not way.fast
    assert way.reason.startswith("a script differs in hooks: ")
    assert look(environment)[2] == str(environment.path)


def test_an_interpreter_that_starts_neither_way_is_an_error(
    tmp_path: Path, readable: Path, native: Path
) -> None:
    """It is named, with what a program would have missed; no program begins without packages."""
    change = {"site.py": lambda _: "def main(): pass\n"}
    python = make_python(tmp_path / "python", readable, change=change)
    workshop = Workshop(tmp_path, ask(python, tmp_path / "facts"), native)
    with pytest.raises(InterpreterError) as caught:
        workshop.build(workshop.entry("one"))
    assert caught.value.message.startswith(f"{python} cannot start an environment: ")
    assert caught.value.hint


@pytest.mark.parametrize("damage", ["gone", "magic", "empty"])
def test_packages_are_there_without_the_bytecode_of_the_fast_way(
    tmp_path: Path, interpreters: dict[str, Path], probed: Path, native: Path, damage: str
) -> None:
    """Python goes on by itself, sees the same, and leaves nothing that it would take next time."""
    for version, path in interpreters.items():
        workshop = Workshop(tmp_path / version, probe(path, probed), native)
        environment = workshop.build(workshop.entry("one"))
        expected = look(environment)
        assert expected == look(environment, PYX_START="public")
        bootstrap = environment.path / "bootstrap.pyc"
        info = bootstrap.stat()
        if damage == "gone":
            shutil.rmtree(environment.path / "boot")
        else:
            data = bootstrap.read_bytes()
            start = b"\0\0\0\0" if damage == "magic" else bytes(16)
            bootstrap.write_bytes(start + data[len(start) :])
            os.utime(bootstrap, ns=(info.st_atime_ns, info.st_mtime_ns))
        for _ in range(2):
            assert look(environment) == expected, version
        assert not (environment.path / "boot").exists()


def test_bytecode_of_another_build_is_not_believed(
    tmp_path: Path, interpreters: dict[str, Path], probed: Path, native: Path
) -> None:
    """A bundle may meet another patch release, which nobody has tried the fast way with."""
    for version, path in interpreters.items():
        interpreter = probe(path, probed)
        workshop = Workshop(tmp_path / version, interpreter, native)
        expected = look(workshop.build(workshop.entry("one")))
        other = Workshop(tmp_path / f"{version}+", replace(interpreter, build="3.99"), native)
        other.dirs = replace(workshop.dirs, home=workshop.dirs.home.with_name("other"))
        environment = other.build(*workshop.build(workshop.entry("one")).entries)
        found = look(environment)
        assert found[0] == expected[0]
        assert found[2:] == [str(environment.path), *expected[3:]]


def test_another_version_in_the_place_of_an_interpreter(
    tmp_path: Path, interpreters: dict[str, Path], pyx: Pyx
) -> None:
    """What was found out about one is not held true of the other; each has the packages."""
    if len(interpreters) < 2:
        pytest.skip("there is one interpreter alone")
    place = tmp_path / "prefix"
    pythons = [
        make_python(tmp_path / version, path) for version, path in list(interpreters.items())[-2:]
    ]
    (place / "bin").mkdir(parents=True)
    (place / "lib").mkdir()
    for python in pythons:
        (library,) = (python.parents[1] / "lib").iterdir()
        (place / "lib" / library.name).symlink_to(library)
    script = tmp_path / "project" / "script.py"
    script.parent.mkdir()
    script.write_text("import sys; print(sys.version_info[:2], sys.prefix != sys.base_prefix)\n")
    (script.parent / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "tests"\npackages = []\n'
    )
    for python in (*pythons, *pythons):
        shutil.copy2(python, place / "bin" / "new")
        (place / "bin" / "new").replace(place / "bin" / "python3")
        minor = python.name.removeprefix("python3.")
        for _ in range(2):
            done = pyx(script, env={"PYX_PYTHON": str(place / "bin" / "python3")})
            assert (done.stdout, done.stderr) == (f"(3, {minor}) True\n", "")


def test_the_way_can_be_asked_for(tmp_path: Path, newest: Path, probed: Path, native: Path) -> None:
    """A record without the bytecode of `encodings` means the public way for every start."""
    interpreter = probe(newest, probed)
    public = Way(fast=False, code=True, reason="the test says so")
    workshop = Workshop(tmp_path, replace(interpreter, way=public), native)
    environment = workshop.build(workshop.entry("one"))
    done = subprocess.run(
        [environment.python, "-c", "import sys; print('os' in sys.modules, 'site' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    assert done.stdout == "True True\n"
