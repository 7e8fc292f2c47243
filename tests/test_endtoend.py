"""The promise of the proof of concept: the nearest lock says which versions a program imports."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import SLOW_PATH
from wheelhouse import (
    make_sdist,
    make_source_tree,
    make_wheel,
    poetry_lock_text,
    pylock_text,
    sha256,
)

if TYPE_CHECKING:
    from indexserver import IndexServer
    from installed import Pyx

    Projects = dict[str, Path]

ORIGIN = "import sys, {0}; print({0}.__file__)"

# What the real wheels had when they were published, so that the locks below need no index.
REAL_WHEELS = {
    "click-8.0.4-py3-none-any.whl": (
        "6a7a62563bbfabfda3a38f3023a1db4a35978c0abd76f6c9605ecd6554d6d9b1"
    ),
    "click-8.1.3-py3-none-any.whl": (
        "bb4d8133cb15a609f44e8213d9b391b0809795062913b383c62be0ee95b1db48"
    ),
    "httpx-0.23.1-py3-none-any.whl": (
        "0b9b1f0ee18b9978d637b0776bfd7f54e2ca278e063e3586d8f01cda89e042a8"
    ),
}


def write_lock(kind: str, project: Path, artifacts: list[Path], index: IndexServer) -> None:
    """Make `project` a directory whose lock names `artifacts`, served by `index`."""
    project.mkdir(exist_ok=True)
    if kind == "poetry.lock":
        (project / kind).write_text(poetry_lock_text(artifacts))
    else:
        (project / kind).write_text(pylock_text(artifacts, index_url=index.url))


@pytest.fixture(params=["pylock.toml", "poetry.lock"])
def projects(
    request: pytest.FixtureRequest, tmp_path: Path, wheels: Path, index: IndexServer
) -> Projects:
    """Lock tick 8.1.3 in A, tick 8.0.4 in B, tick 8.1.3 and talk 0.23.1 in C."""
    tick_new = make_wheel(wheels, "tick", "8.1.3")
    tick_old = make_wheel(wheels, "tick", "8.0.4")
    talk = make_wheel(wheels, "talk", "0.23.1")
    locks = {"A": [tick_new], "B": [tick_old], "C": [tick_new, talk]}
    for name, artifacts in locks.items():
        write_lock(request.param, tmp_path / name, artifacts, index)
    return {name: tmp_path / name for name in locks}


def test_each_project_imports_what_its_lock_names(pyx: Pyx, projects: Projects) -> None:
    """Two projects that lock the same wheel share its file, a third one has another version."""
    told = {
        name: pyx("-c", ORIGIN.format("tick"), cwd=project) for name, project in projects.items()
    }
    assert [t.stderr for t in told.values()] == ["", "", ""]
    places = {name: t.stdout.strip() for name, t in told.items()}
    assert places["A"] == places["C"]
    assert "/tick/8.1.3/" in places["A"]
    assert "/tick/8.0.4/" in places["B"]
    assert all(place.endswith("/tick/__init__.py") for place in places.values())


@pytest.mark.parametrize("locked", ["8.1", "8.1.0.0"])
def test_a_version_may_be_written_with_more_or_fewer_zeros(
    pyx: Pyx, wheels: Path, index: IndexServer, tmp_path: Path, locked: str
) -> None:
    """As pip and uv take it, a lock of 8.1 means a file of 8.1.0, and both share one entry."""
    wheel = make_wheel(wheels, "tick", "8.1.0")
    code = "import tick, importlib.metadata as m; print(tick.__file__, m.version('tick'))"
    plain = tmp_path / "plain"
    write_lock("pylock.toml", plain, [wheel], index)
    expected = pyx("-c", code, cwd=plain).stdout
    assert expected.endswith(" 8.1.0\n")
    text = f"tick=={locked} --hash=sha256:{sha256(wheel)}\n"
    for kind, content in {
        "requirements.txt": text,
        "pylock.toml": (plain / "pylock.toml").read_text().replace('"8.1.0"', f'"{locked}"'),
        "poetry.lock": poetry_lock_text([wheel]).replace('"8.1.0"', f'"{locked}"'),
    }.items():
        project = tmp_path / kind
        project.mkdir()
        (project / kind).write_text(content)
        told = pyx("-c", code, cwd=project)
        assert (told.returncode, told.stdout, told.stderr) == (0, expected, ""), kind


def test_what_a_lock_does_not_name_is_not_there(pyx: Pyx, projects: Projects) -> None:
    """A distribution of C is imported in C, and in B is missing as anything that never existed."""
    there = pyx("-c", ORIGIN.format("talk"), cwd=projects["C"])
    assert "/talk/0.23.1/" in there.stdout
    missing = pyx("-c", "import talk", cwd=projects["B"])
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'talk'"
    assert "pyx" not in missing.stderr


def test_subfolders_obey_the_lock_above(pyx: Pyx, projects: Projects) -> None:
    """From deep inside a project its lock is found, unless a nearer one stands in the way."""
    deep = projects["B"] / "src" / "deep"
    deep.mkdir(parents=True)
    assert "/tick/8.0.4/" in pyx("-c", ORIGIN.format("tick"), cwd=deep).stdout
    lock = next(projects["A"].glob("p*.*"))
    (deep.parent / lock.name).write_bytes(lock.read_bytes())
    assert "/tick/8.1.3/" in pyx("-c", ORIGIN.format("tick"), cwd=deep).stdout


def test_a_script_with_a_shebang_takes_the_lock_beside_it(
    pyx: Pyx, projects: Projects, environ: dict[str, str]
) -> None:
    """`#!/usr/bin/env pyx` started from the root directory sees the packages of its project."""
    script = projects["B"] / "tool"
    script.write_text(f"#!/usr/bin/env pyx\n{ORIGIN.format('tick')}\nprint(sys.argv[1:])\n")
    script.chmod(0o755)
    path = f"{pyx.path.parent}{os.pathsep}{environ['PATH']}"
    told = subprocess.run(
        [script, "-x", "--version"],
        cwd="/",
        env={**environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stderr == ""
    place, arguments = told.stdout.splitlines()
    assert "/tick/8.0.4/" in place
    assert arguments == "['-x', '--version']"


def test_a_script_takes_no_lock_from_the_working_directory(pyx: Pyx, projects: Projects) -> None:
    """The same script means the same packages from wherever it is started."""
    script = projects["A"] / "where.py"
    script.write_text(ORIGIN.format("tick"))
    told = pyx(script, cwd=projects["B"])
    assert "/tick/8.1.3/" in told.stdout, told.stderr


def test_there_is_no_import_hook(
    pyx: Pyx, projects: Projects, interpreters: dict[str, Path], environ: dict[str, str]
) -> None:
    """`sys.meta_path` and `sys.path_hooks` are CPython's own, and no flag tells of an isolation."""
    code = (
        "import sys; print(sys.meta_path, len(sys.path_hooks), sys.flags.isolated,"
        " 'pyx' in ' '.join(sys.modules))"
    )
    python = list(interpreters.values())[-1]
    plain = subprocess.run(
        [python, "-S", "-c", code], capture_output=True, text=True, env=environ, check=True
    )
    told = pyx("--python", python, "-c", code, cwd=projects["A"])
    assert _without_addresses(told.stdout) == _without_addresses(plain.stdout)
    assert told.stdout.split()[-2:] == ["0", "False"]


def _without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x", text)


@pytest.mark.network
def test_the_real_distributions_of_the_proof_of_concept(pyx: Pyx, tmp_path: Path) -> None:
    """Click 8.1.3, click 8.0.4 and httpx 0.23.1 as an index serves them, named only by hash."""
    locks = {"A": ["click-8.1.3"], "B": ["click-8.0.4"], "C": ["click-8.1.3", "httpx-0.23.1"]}
    real = _variables_of_real_index()
    places = {}
    for name, labels in locks.items():
        project = tmp_path / name
        project.mkdir()
        (project / "poetry.lock").write_text(_poetry_lock_of(labels))
        told = pyx("-c", ORIGIN.format("click"), cwd=project, env=real)
        assert told.returncode == 0, told.stderr
        places[name] = told.stdout.strip()
    assert places["A"] == places["C"]
    assert "/click/8.1.3/" in places["A"]
    assert "/click/8.0.4/" in places["B"]
    finder = (
        "import importlib.util as u; print(u.find_spec('httpx') and u.find_spec('httpx').origin)"
    )
    assert "/httpx/0.23.1/" in pyx("-c", finder, cwd=tmp_path / "C", env=real).stdout
    assert pyx("-c", finder, cwd=tmp_path / "B", env=real).stdout == "None\n"


def _variables_of_real_index() -> dict[str, str | None]:
    """Return what makes a process ask the index that pip is configured for on this machine."""
    real = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    unset = dict.fromkeys(("PIP_CONFIG_FILE", "PIP_INDEX_URL"))
    return {**unset, **real, "HOME": os.environ.get("HOME")}


def _poetry_lock_of(labels: list[str]) -> str:
    lines = []
    for filename, digest in REAL_WHEELS.items():
        name, version = filename.split("-")[:2]
        if f"{name}-{version}" in labels:
            lines += ["[[package]]", f'name = "{name}"', f'version = "{version}"']
            lines += ["optional = false", 'python-versions = "*"', 'groups = ["main"]']
            lines += [f'files = [{{file = "{filename}", hash = "sha256:{digest}"}}]', ""]
    lines += ["[metadata]", 'lock-version = "2.1"', 'python-versions = "*"']
    return "\n".join([*lines, f'content-hash = "{"0" * 64}"', ""])


WAITS = re.compile(
    "pyx: waiting for (127.0.0.1; Ctrl-C ends it"
    "|(another process|process [0-9]+), which is making (one|two|three|four) 1.0)"
)


@pytest.mark.parametrize("count", [2, 8])
def test_simultaneous_first_starts_fetch_each_wheel_once(
    count: int, pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer, environ: dict[str, str]
) -> None:
    """Processes that all find the store empty all succeed, and the index serves each file once."""
    names = ["one", "two", "three", "four"]
    artifacts = [make_wheel(wheels, name, "1.0") for name in names]
    write_lock("pylock.toml", tmp_path / "project", artifacts, index)
    index.delay("/files/", 0.05)
    code = "import one, two, three, four; print(four.__version__)"
    started = [
        subprocess.Popen(
            [pyx.path, "-c", code],
            cwd=tmp_path / "project",
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    told = [process.communicate(timeout=60) for process in started]
    assert [stdout for stdout, _ in told] == ["1.0\n"] * count
    # On a busy machine one may have to say that it waits, for another or for the index.
    said = {line for _, stderr in told for line in stderr.splitlines()}
    assert [line for line in said if not WAITS.fullmatch(line)] == []
    assert [process.returncode for process in started] == [0] * count
    assert {name: index.downloads(name) for name in names} == dict.fromkeys(names, 1)
    assert find_leftovers(tmp_path / "pyx-home") == []


def find_leftovers(home: Path) -> list[Path]:
    """Return what lies in the store or beside the environments and was never published."""
    kept = {".format", ".generation", ".entry.json", ".data"}
    hidden = [path for path in home.rglob(".*") if path.name not in kept]
    # Below `boot` lie the names of the interpreter's own directories.
    return [path for path in hidden if path.suffix != ".lock" and "boot" not in path.parts]


def test_sync_makes_everything_ready(pyx: Pyx, projects: Projects, index: IndexServer) -> None:
    """After `pyx sync` the program needs no index; a second `sync` fetches nothing."""
    first = pyx("sync", cwd=projects["C"])
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert sorted(lines[:-1]) == ["+ talk 0.23.1", "+ tick 8.1.3"]
    assert "2 fetched, 0 already in the store, environment made" in lines[-1]
    asked = len(index.requests)
    second = pyx("sync", cwd=projects["C"])
    assert "0 fetched, 2 already in the store, environment ready" in second.stdout
    told = pyx("-c", "import talk; print('ran')", cwd=projects["C"], env={"PYX_OFFLINE": "1"})
    assert told.stdout == "ran\n", told.stderr
    assert len(index.requests) == asked


def test_an_interpreter_is_tried_while_files_are_fetched(
    pyx: Pyx, projects: Projects, index: IndexServer, tmp_path: Path
) -> None:
    """Where nothing is known yet, a start waits for the slower of both, not for their sum."""
    environ = pyx.variables({"PYX_CACHE_DIR": str(tmp_path / "unknown")})
    environments = Path(environ["PYX_HOME"]) / "environments"
    index.delay("/files/", 2)
    with subprocess.Popen(
        [pyx.path, "sync"], cwd=projects["A"], env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + 30
        while not list(environments.glob(".new.*/launch")) and time.monotonic() < until:
            time.sleep(0.01)
        assert not list(environments.glob("*/environment.json"))
        assert not list((tmp_path / "unknown" / "interpreters").glob("*.start.json"))
        assert time.monotonic() < until
        out, _ = process.communicate(timeout=60)
    assert "1 fetched" in out
    assert len(list(environments.glob("*/environment.json"))) == 1
    assert len(list((tmp_path / "unknown" / "interpreters").glob("*.start.json"))) == 1


def test_sync_of_a_project_elsewhere(pyx: Pyx, projects: Projects, tmp_path: Path) -> None:
    """`--project` names what to make ready, before the verb or behind it."""
    before = pyx("--project", projects["A"], "sync", cwd=tmp_path)
    assert f"{projects['A']}/" in before.stdout, before.stderr
    behind = pyx("sync", "--project", projects["B"], cwd=tmp_path)
    assert f"{projects['B']}/" in behind.stdout, behind.stderr


def test_a_verb_wins_over_a_file_of_its_name(pyx: Pyx, projects: Projects) -> None:
    """`sync` is the command even where a file is called so; `./sync` runs the file."""
    (projects["A"] / "sync").write_text("print('the file')\n")
    assert "environment" in pyx("sync", cwd=projects["A"]).stdout
    assert pyx("./sync", cwd=projects["A"]).stdout == "the file\n"


def test_info_tells_what_a_start_gets(pyx: Pyx, projects: Projects) -> None:
    """At first `info` names lock, interpreter and what is missing, and makes nothing."""
    told = read_info(pyx, "info", cwd=projects["C"])
    assert told["lock"][0].startswith(str(projects["C"]))
    assert re.search(r"/\S+ 3\.\d+\.\d+\S* \(.+\)$", told["interpreter"][0])
    count, *missing = told["packages"]
    assert count == "2, 2 not in the store"
    assert sorted(missing) == ["missing talk 0.23.1", "missing tick 8.1.3"]
    assert told["environment"] == ["not made yet; `pyx sync` makes it"]
    assert told["next start"] == ["slow path: there is no launch record yet"]
    assert not (projects["C"].parent / "pyx-home").exists()


def test_info_tells_what_was_made(pyx: Pyx, projects: Projects) -> None:
    """After a start `info` names environment, layout and exactly the `sys.path` of the program."""
    code = "import sys; print(*sys.path[1:], sep='\\n')"
    sys_path = pyx("-c", code, cwd=projects["C"]).stdout.splitlines()
    told = read_info(pyx, "info", cwd=projects["C"])
    assert told["layout"] == ["direct"]
    first, *others = told["sys.path"]
    assert first.startswith(f"{projects['C']} ")
    assert others == sys_path
    assert told["packages"] == ["2, 0 not in the store"]
    assert (projects["C"].parent / "pyx-home" / "environments").is_dir()
    assert told["environment"][0].startswith(str(projects["C"].parent / "pyx-home"))


def test_info_agrees_with_the_native_program(pyx: Pyx, projects: Projects) -> None:
    """`info` says `fast path` exactly where the next start takes it."""
    script = projects["A"] / "s.py"
    script.write_text("import tick; print(tick.__version__)\n")
    deadline = time.monotonic() + 10
    # A record is not written while its inputs are too young to be told from a further change.
    while not read_info(pyx, "info", str(script))["next start"][0].startswith("fast path: "):
        assert pyx(script).stdout == "8.1.3\n"
        assert time.monotonic() < deadline
    pyx.break_slow_path()
    assert pyx(script).stdout == "8.1.3\n"
    (projects["A"] / "pylock.s.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "a test"\npackages = []\n'
    )
    assert SLOW_PATH in pyx(script).stdout
    pyx.repair_slow_path()
    assert read_info(pyx, "info", str(script))["next start"][0].startswith("slow path: ")


def read_info(pyx: Pyx, *arguments: str, cwd: Path | None = None) -> dict[str, list[str]]:
    """Return what `pyx info` printed, by item."""
    told = pyx(*arguments, cwd=cwd)
    assert (told.returncode, told.stderr) == (0, "")
    items: dict[str, list[str]] = {}
    name = ""
    for line in told.stdout.splitlines():
        if not line.startswith(" "):
            name, _, rest = line.partition(":")
            items[name] = [rest.strip()]
        else:
            items[name].append(line.strip())
    return items


def test_help_and_version(pyx: Pyx, tmp_path: Path) -> None:
    """`--help` tells the usage, `--version` pyx's version, and `-V` that of python."""
    usage = pyx("--help", cwd=tmp_path)
    assert (usage.returncode, usage.stderr) == (0, "")
    assert usage.stdout.startswith("usage: pyx ")
    for word in ("--project", "--python", "--group", "--offline", "sync", "info", "PYX_HOME"):
        assert word in usage.stdout
    version = pyx("--version", cwd=tmp_path)
    assert (version.returncode, version.stderr) == (0, "")
    assert re.fullmatch(r"pyx \d+\.\d+\S*\n", version.stdout)
    python = pyx("-V", cwd=tmp_path)
    assert re.fullmatch(r"Python 3\.\d+\.\d+\S*\n", python.stdout), python
    assert python.returncode == 0


def test_without_a_lock_there_is_the_standard_library_alone(pyx: Pyx, tmp_path: Path) -> None:
    """No lock anywhere above: no site-packages of the interpreter, no user site."""
    code = "import sys; print([p for p in sys.path if 'packages' in p]); import json"
    told = pyx("-c", code, cwd=tmp_path)
    assert told.stdout == "[]\n", told.stderr


def test_a_named_environment_is_taken_from_anywhere(
    pyx: Pyx, projects: Projects, pyx_home: Path, tmp_path: Path
) -> None:
    """`@name` takes the lock below `PYX_HOME/named`; without any lock `@default` applies."""
    (pyx_home / "named").mkdir(parents=True)
    (pyx_home / "named" / "tools").symlink_to(projects["B"])
    told = pyx("@tools", "-c", ORIGIN.format("tick"), cwd=projects["A"])
    assert "/tick/8.0.4/" in told.stdout, told.stderr
    assert pyx("-c", "import tick", cwd=tmp_path).returncode == 1
    (pyx_home / "named" / "default").symlink_to(projects["A"])
    told = pyx("-c", ORIGIN.format("tick"), cwd=tmp_path)
    assert "/tick/8.1.3/" in told.stdout, told.stderr


@pytest.fixture
def checkout(tmp_path: Path, wheels: Path) -> Path:
    """Give the working copy of a project with `src` layout that is itself installable."""
    tree = make_source_tree(tmp_path / "checkout", "mine", "0.1")
    lock = poetry_lock_text([make_wheel(wheels, "tick", "1.0")])
    (tree / "poetry.lock").write_text(lock)
    return tree


def test_the_project_itself_is_importable(pyx: Pyx, checkout: Path) -> None:
    """As after `poetry install`, the project's own package and metadata are there, editable."""
    code = "import mine, tick, importlib.metadata as m; print(mine.__file__, m.version('mine'))"
    told = pyx("-c", code, cwd=checkout)
    assert told.stdout == f"{checkout}/src/mine/__init__.py 0.1\n", told.stderr
    (checkout / "src" / "mine" / "__init__.py").write_text("__version__ = 'edited'\n")
    (checkout / "src" / "mine" / "new.py").write_text("x = 1\n")
    pyx.break_slow_path()
    told = pyx("-c", "import mine.new; print(mine.__version__)", cwd=checkout)
    if SLOW_PATH in told.stdout:
        # The launch record is not written while its inputs are so young.
        pyx.repair_slow_path()
        told = pyx("-c", "import mine.new; print(mine.__version__)", cwd=checkout)
    assert told.stdout == "edited\n"


def test_another_version_of_the_project_is_noticed(pyx: Pyx, checkout: Path) -> None:
    """An edit of the file that names the project's version shows in its metadata."""
    code = "import importlib.metadata as m; print(m.version('mine'))"
    assert pyx("-c", code, cwd=checkout).stdout == "0.1\n"
    for name in ("pyproject.toml", "PKG-INFO"):
        text = (checkout / name).read_text()
        (checkout / name).write_text(text.replace("0.1", "0.2"))
    told = pyx("-c", code, cwd=checkout)
    assert told.stdout == "0.2\n", told.stderr


def test_a_source_distribution_is_built_once(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """Where the lock has no wheel, its sdist is built into the store and then used as any other."""
    project = tmp_path / "project"
    write_lock("pylock.toml", project, [make_sdist(wheels, "tock", "3.0")], index)
    code = ORIGIN.format("tock")
    first = pyx("-c", code, cwd=project)
    assert "/tock/3.0/" in first.stdout, first.stderr
    second = pyx("-c", code, cwd=project, env={"PYX_OFFLINE": "1"})
    assert second.stdout == first.stdout, second.stderr
    assert index.downloads("tock") == 1


def test_nothing_is_written_into_a_project(pyx: Pyx, projects: Projects) -> None:
    """A run leaves the project's directory as it was."""
    before = sorted(path.name for path in projects["A"].iterdir())
    assert pyx("-c", "import tick", cwd=projects["A"]).returncode == 0
    assert sorted(path.name for path in projects["A"].iterdir()) == before


def test_the_interpreter_is_left_as_it_was(pyx: Pyx, projects: Projects) -> None:
    """The real interpreter's prefix gains nothing, and the program names the environment's own."""
    code = "import sys; print(sys.prefix, sys.base_prefix, sys.executable, sep='\\n')"
    prefix, base, executable = pyx("-c", code, cwd=projects["A"]).stdout.splitlines()
    assert prefix.startswith(str(projects["A"].parent / "pyx-home"))
    assert not base.startswith(str(projects["A"].parent))
    assert executable == f"{prefix}/bin/python"
