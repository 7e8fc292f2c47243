"""Bundles: what `pyx bundle` writes runs anywhere the interpreter is, by itself."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_source_tree, make_wheel, pylock_text

from pyx_launcher.record.record import read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from indexserver import IndexServer
    from installed import Pyx

NOBODY = 65534
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make namespaces")

TICK = {
    "tick/__init__.py": (
        "import sys\nfrom pathlib import Path\n__version__ = '1.0'\n"
        "def main():\n    print('tick', sys.argv[1:])\n    return 3\n"
        "def read():\n    return Path(__file__).with_name('data.txt').read_text()\n"
    ),
    "tick/__main__.py": "import sys\nprint('module', sys.argv[1:], sys.path[0])\n",
    "tick/data.txt": "data",
    "tick_hook.pth": "import tick_started\n",
    "tick_started.py": "import builtins\nbuiltins.tick_started = True\n",
}
SHARED = {"shared/tick.py": "NAME = 'tick'\n"}
TALK = {"shared/talk.py": "NAME = 'talk'\n", "talk.py": "import tick\n"}
SPAWN = """\
import json, multiprocessing, subprocess, sys

class Point:
    def __init__(self, x): self.x = x

def double(point): return Point(point.x * 2)

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        doubled = [point.x for point in pool.map(double, map(Point, range(3)))]
    told = subprocess.run(
        [sys.executable, "-c", "import sys, tick; print(sys.prefix, tick.__file__)"],
        capture_output=True, text=True, check=True).stdout.split()
    print(json.dumps([doubled, sys.prefix, told, sys.argv[1:], __file__]))
"""


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Give a project that locks tick, which has everything a wheel can have, and talk."""
    tick = make_wheel(
        wheels,
        "tick",
        "1.0",
        files=TICK | SHARED,
        entry_points={"tick": "tick:main", "python-tick": "tick:main"},
        data={
            "scripts/old-tick": "#!python\nimport sys, tick\nprint('old', tick.read())\n",
            "scripts/shell-tick": "#!/bin/sh\necho shell $0\n",
            "data/share/tick/more.txt": "more",
            "headers/tick.h": "/* tick */",
        },
        executable=("scripts/shell-tick",),
    )
    talk = make_wheel(wheels, "talk", "2.0", files=TALK)
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pylock.toml").write_text(pylock_text([tick, talk], index_url=index.url))
    return directory


def run(
    *command: str | Path, env: Mapping[str, str] | None = None, cwd: str | Path = "/"
) -> subprocess.CompletedProcess[str]:
    """Run something with no variables but those of `env`."""
    return subprocess.run(
        command, cwd=cwd, env=dict(env or {}), capture_output=True, text=True, check=False
    )


def bundle(pyx: Pyx, project: Path, *words: str | Path) -> str:
    """Run ``pyx bundle`` in the project; returns what it prints."""
    told = pyx("bundle", *words, cwd=project)
    assert (told.returncode, told.stderr) == (0, "")
    return told.stdout


def digest(tree: Path) -> str:
    """Return a digest of all names, modes, times, links and contents below `tree`."""
    found = hashlib.sha256()
    for path in sorted([tree, *tree.rglob("*")]):
        info = path.lstat()
        found.update(f"{path.relative_to(tree)} {info.st_mode:o} {info.st_mtime_ns}\n".encode())
        if path.is_symlink():
            found.update(os.fsencode(path.readlink()))
        elif path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


def test_a_bundle_runs_when_all_else_is_gone(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Neither pyx, nor its home, nor the project is needed, and it may have been moved."""
    out = tmp_path / "first place"
    told = bundle(pyx, project, out, "tick", "fixed")
    assert re.match(rf"{re.escape(str(out))}: 2 packages, [0-9.]+ MB unpacked, for Py", told)
    assert sorted(tmp_path.glob(".*")) == []
    for gone in (project, tmp_path / "pyx-home", tmp_path / "pyx-cache", tmp_path / "installed"):
        shutil.rmtree(gone)
    moved = tmp_path / "boot" / "second place"
    moved.parent.mkdir()
    out.rename(moved)
    started = run(moved / "run", "typed", "-x")
    assert started.stdout == "tick ['fixed', 'typed', '-x']\n"
    assert (started.returncode, started.stderr) == (3, "")
    assert run(moved / "bin" / "tick", "--help").stdout == "tick ['--help']\n"
    link = tmp_path / "link"
    link.symlink_to(moved / "bin" / "tick")
    assert run(link, env={"PATH": ""}).stdout == "tick []\n"


def test_a_bundle_means_what_the_environment_means(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Every file of the wheels is where an installer would have put it."""
    out = tmp_path / "out"
    bundle(pyx, project, out)
    assert not (out / "run").exists()
    code = (
        "import json, sys, tick, talk, shared.tick, shared.talk, importlib.metadata as m; "
        "print(json.dumps([tick_started, tick.read(), sys.prefix, sys.base_prefix != sys.prefix, "
        "sys.executable, sorted(d.name for d in m.distributions()), "
        "[str(f) for f in m.files('tick') if not f.locate().exists()], "
        "open(sys.prefix + '/share/tick/more.txt').read(), sys.path[-1]]))"
    )
    told = run(out / "bin" / "python", "-c", code)
    assert told.stderr == ""
    (site_packages,) = out.glob("lib/python3.*/site-packages")
    assert json.loads(told.stdout) == [
        *(True, "data", str(out), True, str(out / "bin" / "python"), ["talk", "tick"], []),
        *("more", str(site_packages)),
    ]
    assert run(out / "bin" / "old-tick").stdout == "old data\n"
    assert run(out / "bin" / "shell-tick").stdout == f"shell {out}/bin/shell-tick\n"
    assert run(out / "bin" / "python-tick", env={"PATH": os.environ["PATH"]}).returncode == 3
    assert next(out.glob("include/site/python3.*/tick/tick.h")).is_file()
    assert not list(out.rglob("direct_url.json"))


def test_a_script_and_its_children(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """It is copied; spawned and other child processes see what it sees."""
    script = project / "spawn.py"
    script.write_text(SPAWN)
    out = tmp_path / "out"
    bundle(pyx, project, out, "spawn.py", "one")
    script.unlink()
    told = run(out / "run", "two", cwd=tmp_path)
    assert told.stderr == ""
    doubled, prefix, (child, module), arguments, file = json.loads(told.stdout)
    assert (doubled, arguments) == ([0, 2, 4], ["one", "two"])
    assert prefix == child == str(out)
    assert module.startswith(f"{out}/lib/")
    assert file == f"{out}/app/spawn.py"


def test_a_script_obeys_its_own_block_and_lock(
    pyx: Pyx, project: Path, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """What counts is the lock of the script, and not the working directory's."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "which.py").write_text("import tick; print(tick.__version__)\n")
    newer = make_wheel(wheels, "tick", "2.0")
    (other / "pylock.which.toml").write_text(pylock_text([newer], index_url=index.url))
    bundle(pyx, project, tmp_path / "out", other / "which.py")
    assert run(tmp_path / "out" / "run").stdout == "2.0\n"


def test_a_named_environment(pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer) -> None:
    """What `@name` has can be carried away like a project's."""
    assert pyx("env", "create", "tools", cwd=tmp_path).returncode == 0
    tick = make_wheel(wheels, "tick", "1.0", files=TICK, entry_points={"tick": "tick:main"})
    lock = pyx.environ["PYX_HOME"] + "/named/tools/pylock.toml"
    Path(lock).write_text(pylock_text([tick], index_url=index.url))
    told = pyx("@tools", "bundle", tmp_path / "out", "tick", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert run(tmp_path / "out" / "run", "x").stdout == "tick ['x']\n"


def test_a_module(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """`-m` takes it from the distributions, and the working directory has no part in it."""
    out = tmp_path / "out"
    bundle(pyx, project, out, "-m", "tick", "-c", "x")
    (tmp_path / "tick.py").write_text("print('hostile')\n")
    told = run(out / "run", "y", cwd=tmp_path)
    assert told.stderr == ""
    if sys.version_info >= (3, 11):
        assert told.stdout.startswith("module ['-c', 'x', 'y'] ")
        assert str(tmp_path) + "\n" not in told.stdout


def test_a_module_that_is_not_installed(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """One in the working directory is taken along, with its bytecode, and nothing hidden."""
    package = project / "mine"
    (package / ".git").mkdir(parents=True)
    (package / "__main__.py").write_text(
        "import json, mine.more as more, tick; print(json.dumps([more.__file__, more.__cached__]))"
    )
    (package / "more.py").touch()
    bundle(pyx, project, tmp_path / "out", "-m", "mine")
    shutil.rmtree(package)
    file, cached = json.loads(run(tmp_path / "out" / "run").stdout)
    assert file == str(tmp_path / "out" / "app" / "mine" / "more.py")
    assert Path(cached).is_file()
    assert not (tmp_path / "out" / "app" / "mine" / ".git").exists()


def test_a_directory_with_a_main_module(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """All of it is in the bundle; of a script alone, pyx says what will be missing."""
    (project / "__main__.py").write_text("import beside, tick; print(beside.NAME)\n")
    (project / "beside.py").write_text("NAME = 'beside'\n")
    bundle(pyx, project, tmp_path / "out", "./")
    assert run(tmp_path / "out" / "run").stdout == "beside\n"
    told = pyx("bundle", tmp_path / "alone", "__main__.py", cwd=project)
    assert told.returncode == 0
    assert told.stderr.startswith("pyx: warning: __main__.py imports beside, which lies beside it")
    assert told.stderr.count("\n") == 1


def test_source_trees_are_taken_along(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """An editable of the lock is a copy in the bundle, that later edits do not reach."""
    project = tmp_path / "project"
    tree = make_source_tree(project / "tree", "mine", "0.1")
    lock = pylock_text([make_wheel(wheels, "tick", "1.0")], index_url=index.url)
    lock += '\n[[packages]]\nname = "mine"\ndirectory = {path = "tree", editable = true}\n'
    (project / "pylock.toml").write_text(lock)
    bundle(pyx, project, tmp_path / "out")
    shutil.rmtree(tree)
    told = run(tmp_path / "out" / "bin" / "python", "-c", "import mine; print(mine.__file__)")
    assert told.stdout.startswith(f"{tmp_path}/out/lib/")
    assert str(project) not in "".join(
        path.read_text(errors="replace")
        for path in (tmp_path / "out").rglob("*.dist-info/*")
        if path.is_file()
    )


def test_equal_input_gives_equal_bytes(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Names, modes, times, bytecode and the order in an archive depend on nothing else."""
    (project / "start.py").write_text("import tick\nprint(tick.read())\n")
    for number, umask in enumerate((0o022, 0o077)):
        before = os.umask(umask)
        try:
            names = {"PYX_HOME": f"home{number}", "PYX_CACHE_DIR": f"cache{number}"}
            home = {name: str(tmp_path / place) for name, place in names.items()}
            for name in (f"{number}/out", f"{number}/out.tar", f"{number}/out.tar.gz"):
                (tmp_path / str(number)).mkdir(exist_ok=True)
                told = pyx("bundle", tmp_path / name, "start.py", cwd=project, env=home)
                assert told.stderr == ""
        finally:
            os.umask(before)
    first, second = tmp_path / "0", tmp_path / "1"
    assert digest(first / "out") == digest(second / "out")
    for name in ("out.tar", "out.tar.gz"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    with tarfile.open(first / "out.tar.gz") as archive:
        members = archive.getmembers()
        assert {member.name.partition("/")[0] for member in members} == {"out"}
        assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
        assert len({member.mtime for member in members}) == 1
        assert {m.mode for m in members if m.isfile()} == {0o644, 0o755}
    place = tmp_path / "unpacked"
    place.mkdir()
    subprocess.run(["tar", "-xf", first / "out.tar", "-C", place], check=True)
    assert run(place / "out" / "run").stdout == "data\n"


def test_it_says_what_time_its_files_have(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """SOURCE_DATE_EPOCH sets it, as for other programs that make something."""
    words = ("bundle", tmp_path / "out")
    told = pyx(*words, cwd=project, env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert told.returncode == 0
    times = {path.lstat().st_mtime for path in (tmp_path / "out").rglob("*")}
    assert times == {1700000000}


def test_bytecode_is_there_and_holds_whatever_the_times_are(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """A copy that keeps no times still starts from bytecode; without it, nothing is written."""
    out = tmp_path / "out"
    bundle(pyx, project, out)
    ask = ("-v", "-c", "import tick")
    for path in out.rglob("*"):
        os.utime(path, (10**9, 10**9), follow_symlinks=False)
    told = run(out / "bin" / "python", *ask)
    assert re.search(r"# .*/tick/__pycache__/__init__\.cpython-\w+\.pyc matches", told.stderr)
    assert f"# code object from '{out}/lib" in told.stderr
    bundle(pyx, project, "--no-compile", tmp_path / "bare")
    assert not list((tmp_path / "bare").rglob("__pycache__"))


def test_a_traceback_names_the_files_of_the_bundle(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Bytecode knows no place; python puts in the one where the module lies."""
    out = tmp_path / "out"
    bundle(pyx, project, out)
    code = "import tick\ntick.Path = None\ntick.read()"
    told = run(out / "bin" / "python", "-c", code)
    assert re.search(rf'File "{out}/lib/python3[.\d]*t?/site-packages/tick/__i', told.stderr)
    assert "return Path(__file__)" in told.stderr


@pytest.mark.parametrize("variables", [{}, {"PYTHONHASHSEED": "0"}], ids=["usual", "seed"])
def test_what_python_is_told_by_variables(
    pyx: Pyx, project: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    """Harmless variables act as under pyx, PYTHONPATH and its like do not."""
    out = tmp_path / "out"
    (project / "ask.py").write_text(
        "import sys, tick; flags = sys.flags\n"
        "print(flags.dont_write_bytecode, flags.hash_randomization, sys.path)"
    )
    bundle(pyx, project, out, "ask.py")
    env = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(tmp_path),
        "PYTHONHOME": "/x",
        **variables,
    }
    told = run(out / "run", env=env)
    assert told.stderr == ""
    assert told.stdout.startswith("1 0 " if variables else "1 1 ")
    assert f"'{tmp_path}'" not in told.stdout


def test_a_bytecode_directory_of_the_users_own_is_obeyed(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """`-X pycache_prefix` means what it means to python, although pyx uses it itself."""
    bundle(pyx, project, tmp_path / "out")
    python = tmp_path / "out" / "bin" / "python"
    code = "import sys; print(sys.pycache_prefix, tick_started)"
    assert run(python, "-X", f"pycache_prefix={tmp_path}/c", "-c", code).stdout == (
        f"{tmp_path}/c True\n"
    )
    assert run(python, "-c", code).stdout == "None True\n"


def test_on_every_interpreter(
    pyx: Pyx, project: Path, tmp_path: Path, interpreters: dict[str, Path]
) -> None:
    """Each finds the place of its bundle by itself, and what it says of itself is that place's."""
    code = (
        "import json, sys, tick, encodings.utf_8; import encodings; print(json.dumps(["
        "sys.prefix, sys.executable, sys._base_executable, sys.argv, tick_started, sys.path[-1], "
        "encodings.__cached__ if hasattr(encodings, '__cached__') else encodings.__spec__.cached, "
        "[name for name in sys._xoptions]]))"
    )
    (project / "ask.py").write_text(code)
    for version, python in interpreters.items():
        out = tmp_path / f"for {version}"
        bundle(pyx, project, "--python", python, out, "ask.py", "one")
        told = run(out / "run", "two")
        assert told.stderr == ""
        prefix, executable, base, argv, started, last, cached, options = json.loads(told.stdout)
        assert (prefix, executable) == (str(out), str(out / "bin" / "python"))
        assert os.path.realpath(base) == os.path.realpath(python)
        assert argv == [f"{out}/app/ask.py", "one", "two"]
        assert (started, options) == (True, [])
        assert last.startswith(f"{out}/lib/python{version}/")
        assert not cached.startswith(str(out))


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Give a directory that other users can reach."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture
def common_python(interpreters: dict[str, Path]) -> Path:
    """Give an interpreter that other users can run."""
    system = shutil.which("python3", path=os.defpath)
    for python in [*map(Path, filter(None, [system])), *interpreters.values()]:
        with contextlib.suppress(PermissionError, subprocess.CalledProcessError):
            subprocess.run([python, "-c", ""], user=NOBODY, check=True, cwd="/")
            return python
    pytest.skip("no interpreter can be run by other users")


@NEEDS_ROOT
def test_it_belongs_to_root_and_runs_as_somebody_else(
    pyx: Pyx, project: Path, open_directory: Path, common_python: Path
) -> None:
    """As in a container: read-only, without network, home or variables, for an unknown user."""
    (project / "spawn.py").write_text(SPAWN)
    out = open_directory / "out"
    bundle(pyx, project, "--python", common_python, out, "spawn.py")
    contained = (
        'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && '
        'exec setpriv --reuid 12345 --regid 12345 --clear-groups env -i "$1"/run'
    )
    started = run("unshare", "-mn", "sh", "-c", contained, "-", out, env=dict(os.environ))
    if "unshare failed" in started.stderr:
        pytest.skip(started.stderr.strip())
    assert started.stderr == ""
    assert json.loads(started.stdout)[0] == [0, 2, 4]


def test_no_process_stands_between(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """The program that is started becomes python: no shell, no child, one `execve`."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    bundle(pyx, project, tmp_path / "out", "tick")
    log = tmp_path / "log"
    run(shutil.which("strace") or "", "-f", "-e", "execve,fork,vfork,clone,clone3", "-o", log,
        tmp_path / "out" / "run")  # fmt: skip
    calls = [line.split()[1].partition("(")[0] for line in log.read_text().splitlines()]
    assert [call for call in calls if call in ("execve", "fork", "clone", "vfork")] == [
        "execve"
    ] * 2


def test_records_that_others_can_write_are_not_obeyed(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """Neither the programs' nor python's own, and one line says so."""
    out = tmp_path / "out"
    bundle(pyx, project, out, "tick")
    for record in (out / "programs" / "tick.launch", out / "launch"):
        record.chmod(0o664)
    for program in ("run", "bin/python"):
        told = run(out / program, "-c", "print('ran')")
        assert (told.returncode, told.stdout) == (69, "")
        assert told.stderr == f"pyx: the bundle {out} is not whole; make it again: pyx bundle\n"


@pytest.mark.parametrize("name", ["encodings", "bootstrap.pyc"])
def test_what_is_missing_is_said_in_one_line(
    pyx: Pyx, project: Path, tmp_path: Path, name: str
) -> None:
    """Where the interpreter is another, or the bundle is not whole, nothing else is run instead."""
    out = tmp_path / "out"
    bundle(pyx, project, out, "tick")
    missing = out / name
    if name == "encodings":
        record = (out / "programs" / "tick.launch").read_bytes()
        lost = record.replace(b"/encodings/__init__.py\0", b"/encodings/__inix__.py\0")
        (out / "programs" / "tick.launch").write_bytes(lost)
        (missing,) = re.findall(rb"/[^\0]*__inix__\.py", lost)
    else:
        missing.unlink()
    told = run(out / "run")
    assert (told.returncode, told.stdout) == (69, "")
    assert told.stderr == f"pyx: this bundle needs {os.fsdecode(missing)}, which cannot be found\n"


def test_the_records_name_no_place(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """All paths but the interpreter's are relative."""
    out = tmp_path / "out"
    bundle(pyx, project, out, "tick")
    record = read_record(out / "programs" / "tick.launch")
    assert record is not None
    assert record.material == b"programs/tick\0"
    assert (str(record.words.argv0), str(record.words.boot)) == ("bin/python", "boot")
    for path in out.rglob("*"):
        if path.is_file():
            assert str(tmp_path).encode() not in path.read_bytes(), path


REFUSED: dict[str, tuple[Sequence[str], int, str, str]] = {
    "exists": (("there",), 64, "/there exists", "pyx bundle --help"),
    "parent": (("no/out",), 74, "/no is not a directory", "mkdir -p "),
    "nothing": ((), 64, "pyx bundle needs OUT", "pyx bundle --help"),
    "program": (("out", "tock"), 127, "no package has the program tock", "did you mean tick?"),
    "script": (("out", "gone.py"), 2, "can't open file", ""),
    "module": (("out", "-m", "gone"), 127, "no package has the module gone", "pyx list"),
    "no module": (("out", "-m"), 64, "-m needs a module", "pyx bundle OUT -m MODULE"),
    "directory": (("out", "./"), 64, " has no __main__.py", ""),
    "archive": (("out.tar.zst",), 64, "archives are .tar, .tar.gz, .tgz", "out.tar, which"),
    "zip": (("out.zip",), 64, "out.zip: archives are .tar, .tar.gz, .tgz", "out.tar, which"),
    "shell": (("out", "shell-tick", "x"), 64, "shell-tick is not a Python script", ""),
    "option": (("--compil", "out"), 64, "unknown option --compil", "did you mean --no-compile?"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_leaves_nothing(pyx: Pyx, project: Path, case: str) -> None:
    """One line says what, another what to type, and no file is new."""
    words, status, message, hint = REFUSED[case]
    (project / "there").mkdir()
    before = sorted(project.rglob("*"))
    told = pyx("bundle", *words, cwd=project)
    assert (told.returncode, told.stdout) == (status, "")
    lines = told.stderr.splitlines()
    assert message in lines[0]
    assert len(lines) <= 2
    assert hint in (lines[1] if len(lines) > 1 else "")
    assert sorted(project.rglob("*")) == before


def test_a_record_tells_of_every_file_as_it_is(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Whoever checks what is installed finds each file, programs too, with its hash and size."""
    out = tmp_path / "out"
    bundle(pyx, project, out, "tick")
    code = (
        "import base64, hashlib, importlib.metadata as m\n"
        "for file in [file for d in m.distributions() for file in d.files if file.hash]:\n"
        "    content = file.locate().read_bytes()\n"
        "    found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()\n"
        "    same = (found.rstrip('='), len(content)) == (file.hash.value, file.size)\n"
        "    print(file.name, '' if same else 'differs')\n"
    )
    told = run(out / "bin" / "python", "-c", code)
    assert (told.returncode, told.stderr) == (0, "")
    assert {"tick", "python-tick", "old-tick", "shell-tick", "more.txt"} <= {*told.stdout.split()}
    assert "differs" not in told.stdout


def test_only_what_was_made_is_ever_told_to_be_removed(pyx: Pyx, project: Path) -> None:
    """A forgotten OUT is no reason to remove a script; a bundle's name is quoted for the shell."""
    (project / "serve.py").write_text("")
    for word in ("serve.py", "/", ".", Path.home()):
        told = pyx("bundle", word, cwd=project)
        assert told.returncode == 64
        assert "rm " not in told.stderr
    bundle(pyx, project, "my out")
    told = pyx("bundle", "my out", cwd=project)
    assert told.stderr.endswith(f"name another, or first: rm -r '{project}/my out'\n")


def test_an_archive_keeps_to_its_place(pyx: Pyx, project: Path) -> None:
    """Dots before the ending are no directory that an archive might have."""
    bundle(pyx, project, "...tar")
    assert (project / "...tar" / "bin" / "python").is_file()


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (os.mkfifo, "neither a file nor a directory"),
    "dangling": (lambda path: path.symlink_to("gone"), "No such file or directory"),
    "loop": (lambda path: path.symlink_to("."), "a link to a directory that it is in"),
}


@pytest.mark.parametrize("case", ODD)
def test_what_cannot_be_copied_is_named(pyx: Pyx, project: Path, case: str) -> None:
    """One line says which file it is, at once, and no file is new."""
    make, problem = ODD[case]
    (project / "src" / "below").mkdir(parents=True)
    (project / "src" / "__main__.py").write_text("")
    odd = project / "src" / "below" / "odd"
    make(odd)
    before = sorted(project.rglob("*"))
    told = pyx("bundle", "out", "./src", cwd=project, timeout=60)
    assert told.returncode == 74
    assert told.stderr == (
        f"pyx: cannot copy {odd} into {project}/out: {problem}\n"
        "pyx: hint: correct it, or move it out of what is copied\n"
    )
    assert sorted(project.rglob("*")) == before


def test_a_time_that_no_file_can_have(pyx: Pyx, project: Path) -> None:
    """It is refused in one line before anything is made."""
    moment = "9" * 5000
    told = pyx("bundle", "out", cwd=project, env={"SOURCE_DATE_EPOCH": moment})
    assert (told.returncode, told.stdout) == (64, "")
    first, second = told.stderr.splitlines()
    assert re.fullmatch("pyx: SOURCE_DATE_EPOCH=9+…9+ is not a time that a file can have", first)
    assert "date +%s" in second
    assert not (project / "out").exists()


def test_a_script_that_no_parser_of_trees_can_hold(pyx: Pyx, project: Path) -> None:
    """It goes into the bundle as it is, whatever its modules may be."""
    (project / "deep.py").write_text("+".join(["1"] * 60000))
    bundle(pyx, project, "out", "deep.py")
    assert (project / "out" / "app" / "deep.py").read_bytes() == (project / "deep.py").read_bytes()


@NEEDS_ROOT
def test_a_full_disk_leaves_nothing(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """It is said in one line, and the room is free again."""
    place = tmp_path / "small"
    place.mkdir()
    command = (
        'mount -t tmpfs -o size=64k none "$1" && shift && "$@"; echo $?; find "$OUT" -mindepth 1'
    )
    words = ["unshare", "-m", "sh", "-c", command, "-", place, pyx.path, "bundle", place / "out"]
    told = pyx.run(words, cwd=project, env={"OUT": str(place)})
    if "unshare failed" in told.stderr:
        pytest.skip(told.stderr.strip())
    assert told.stdout == "74\n"
    assert told.stderr.startswith(f"pyx: cannot write {place}/out: No space left on device\n")


def test_an_interruption_leaves_nothing(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """Ctrl-C while it is copied takes everything away again."""
    pyx("sync", cwd=project)
    for number in range(8):
        process = subprocess.Popen(
            [pyx.path, "bundle", tmp_path / "out.tar.gz"],
            cwd=project,
            env=pyx.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_restore_interrupt,  # noqa: PLW1509 -- there are no threads here
        )
        try:
            process.wait(timeout=0.3 + number / 10)
        except subprocess.TimeoutExpired:
            process.send_signal(2)
            process.wait()
        (tmp_path / "out.tar.gz").unlink(missing_ok=True)
        assert not list(tmp_path.glob(".out*"))


def _restore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.network
def test_native_extensions(pyx: Pyx, tmp_path: Path) -> None:
    """numpy, whose libraries look for others beside its directory, computes when it was moved."""
    real = {
        "PIP_INDEX_URL": os.environ.get("PIP_INDEX_URL"),
        "PIP_CONFIG_FILE": os.environ.get("PIP_CONFIG_FILE"),
    }
    project = tmp_path / "project"
    project.mkdir()
    assert pyx("add", "--init", "numpy", cwd=project, env=real).returncode == 0
    told = pyx("bundle", tmp_path / "out.tar.gz", cwd=project, env=real)
    assert told.returncode == 0, told.stderr
    subprocess.run(["tar", "-xzf", tmp_path / "out.tar.gz", "-C", tmp_path], check=True)
    (tmp_path / "out").rename(tmp_path / "moved")
    shutil.rmtree(tmp_path / "pyx-home")
    code = "import numpy; print(int((numpy.eye(3) @ numpy.eye(3)).sum()))"
    told = run(tmp_path / "moved" / "bin" / "python", "-c", code)
    assert (told.stdout, told.stderr) == ("3\n", "")
