"""Finding an interpreter: what a path, a version file or PATH stands for, and what is cached."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from installed import PLAIN_PYTHON
from packaging.specifiers import SpecifierSet
from told import ask

from pyx_launcher.errors import InterpreterError, PyxError, UsageError
from pyx_launcher.interpreters.discovery import (
    installed_candidates,
    path_candidates,
    resolve_candidate,
)
from pyx_launcher.interpreters.finder import (
    NO_ARTIFACT,
    FoundInterpreter,
    Interpreter,
    find_interpreter,
    probe_interpreter,
)

SHIM = """#!/usr/bin/env bash
set -e
[ -n "$PYENV_DEBUG" ] && set -x

program="${{0##*/}}"

export PYENV_ROOT="{root}"
exec "{root}/libexec/pyenv" exec "$program" "$@"
"""


class Machine:
    """A machine made of a directory: programs on PATH, versions of pyenv, and a cache."""

    def __init__(self, root: Path, interpreters: dict[str, Path]) -> None:
        self.root = root
        self.interpreters = interpreters
        self.bin = root / "bin"
        self.cache = root / "cache" / "interpreters"
        self.project = root / "project"
        self.pyenv = root / "pyenv"
        for directory in (self.bin, self.project, self.pyenv / "shims"):
            directory.mkdir(parents=True)
        self.environ = {"HOME": str(root / "home"), "PATH": str(self.bin)}

    def link(self, version: str, *names: str) -> Path:
        """Put an interpreter on PATH under each of `names`, and return the real one."""
        for name in names:
            (self.bin / name).symlink_to(self.interpreters[version])
        return self.interpreters[version]

    def install(self, version: str) -> str:
        """Install an interpreter for pyenv and return the full version, which is its name."""
        full = probe_interpreter(
            self.interpreters[version], cache=self.cache, template=None
        ).version
        programs = self.pyenv / "versions" / full / "bin"
        programs.mkdir(parents=True)
        for name in ("python3", f"python{version}"):
            (programs / name).symlink_to(self.interpreters[version])
        self.environ["PYENV_ROOT"] = str(self.pyenv)
        return full

    def shim(self, *names: str) -> None:
        """Put shims of pyenv before everything else on PATH."""
        for name in names:
            write_program(self.pyenv / "shims" / name, SHIM.format(root=self.pyenv))
        self.environ["PATH"] = f"{self.pyenv / 'shims'}{os.pathsep}{self.bin}"

    def find(self, request: str | None = None, requires: str = "", **more: Any) -> FoundInterpreter:
        """Find an interpreter for the project."""
        return find_interpreter(
            request=request,
            requires_python=SpecifierSet(requires),
            start=more.pop("start", self.project),
            environ=self.environ,
            cache=self.cache,
            template=more.pop("template", None),
            **more,
        )

    def refuse(self, request: str | None = None, requires: str = "", **more: Any) -> PyxError:
        """Fail to find an interpreter, and return the error, which fits one line."""
        with pytest.raises(PyxError) as caught:
            self.find(request, requires, **more)
        assert "\n" not in caught.value.message
        assert caught.value.hint
        return caught.value


def write_program(path: Path, text: str) -> Path:
    """Write an executable script."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, interpreters: dict[str, Path]) -> Machine:
    """Return an empty machine."""
    return Machine(tmp_path, interpreters)


@pytest.fixture(scope="session")
def two(interpreters: dict[str, Path]) -> tuple[str, str]:
    """Return the oldest and the newest interpreter there is."""
    plain = [version for version in interpreters if version[-1].isdigit()]
    if len(plain) < 2:
        pytest.skip("needs two interpreters")
    return plain[0], plain[-1]


def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to start a process fail."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


def test_where_nobody_asks_the_fewest_builds_decide(machine: Machine, two: tuple[str, str]) -> None:
    """Behind the first that needs none nobody looks; what is asked for is taken as it is."""
    old, new = two
    first, second = machine.link(new, "python3", f"python{new}"), machine.link(old, f"python{old}")
    needs = {first: 0, second: 0}
    looked: list[Path] = []

    def count(interpreter: Interpreter) -> int:
        looked.append(interpreter.path)
        return needs[interpreter.path]

    assert machine.find(count_builds=count).interpreter.path == first
    assert looked == [first]
    needs[first] = 2
    found = machine.find(count_builds=count)
    assert found.interpreter.path == second
    version = machine.find().interpreter.version
    assert found.reason == f"first on PATH; {version} lacks wheels of 2 packages"
    needs[second] = 2
    assert machine.find(count_builds=count).interpreter.path == first
    needs[first] = NO_ARTIFACT
    found = machine.find(count_builds=count)
    assert found.reason == f"first on PATH; {version} lacks packages"
    looked.clear()
    assert machine.find(request=str(first), count_builds=count).interpreter.path == first
    machine.environ["PYX_PYTHON"] = new
    assert machine.find(count_builds=count).interpreter.path == first
    assert looked == []


def test_every_interpreter_tells_what_packaging_finds_inside_it(machine: Machine) -> None:
    """Markers and tags, in their order, are those of `packaging` run by that interpreter."""
    assert machine.interpreters
    for python in machine.interpreters.values():
        told = ask(python)
        found = probe_interpreter(python, cache=machine.cache, template=None)
        assert found.markers == told["markers"]
        assert [str(tag) for tag in found.tags] == told["tags"]
        assert found.magic.hex() == told["magic"]


def test_names_of_an_interpreter(machine: Machine) -> None:
    """The short version and the name of the library's directory agree with the file system."""
    for short, python in machine.interpreters.items():
        found = probe_interpreter(python, cache=machine.cache, template=None)
        assert found.short == short.removesuffix("d")
        assert found.lib_name in {Path(entry).name for entry in found.stdlib}
        assert found.path == python.resolve()
        assert found.implementation == "cpython"


def test_an_interpreter_can_be_a_key(machine: Machine) -> None:
    """Values are hashable, so that they can key what is computed from them."""
    first, second = (
        probe_interpreter(Path(sys.executable), cache=machine.cache, template=None)
        for _ in range(2)
    )
    assert {first: 1}[second] == 1


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Return a template to compile."""
    path = tmp_path / "template.py"
    # Up to 3.10 the bytecode of a set of strings has them in another order each time.
    path.write_text("FACTS = ('a', 'b', 'c')\n", encoding="utf-8")
    return path


@pytest.fixture
def known(machine: Machine, template: Path) -> Interpreter:
    """Probe an interpreter, so that it is in the cache."""
    return probe_interpreter(Path(sys.executable), cache=machine.cache, template=template)


def cache_file(machine: Machine) -> Path:
    """Return the only file in the cache."""
    (file,) = machine.cache.iterdir()
    return file


def probes_again(machine: Machine, template: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether the cache is not enough to know the interpreter."""
    with monkeypatch.context() as patched:
        no_processes(patched)
        try:
            probe_interpreter(Path(sys.executable), cache=machine.cache, template=template)
        except AssertionError:
            return True
    return False


def test_a_known_interpreter_is_not_run(
    machine: Machine, known: Interpreter, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the cache gives equals what the probe told, without any process."""
    assert not probes_again(machine, template, monkeypatch)
    again = probe_interpreter(Path(sys.executable), cache=machine.cache, template=template)
    assert again == known


def test_the_cache_is_open_to_no_other_writer(machine: Machine, known: Interpreter) -> None:
    """Others may read it, as users of root's image do, and no temporary file is left."""
    assert known.pycompile
    assert machine.cache.stat().st_mode & 0o777 == 0o755
    assert cache_file(machine).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_cache_that_others_can_write_is_not_believed(
    machine: Machine,
    known: Interpreter,
    template: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
) -> None:
    """A file that a stranger may have changed would choose what is executed."""
    cache_file(machine).chmod(mode)
    assert probes_again(machine, template, monkeypatch)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_cache_that_belongs_to_another_user_is_not_believed(
    machine: Machine, known: Interpreter, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a file that a stranger wrote."""
    os.chown(cache_file(machine), 12345, -1)
    assert probes_again(machine, template, monkeypatch)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"version_info"', '"other"'),
        lambda text: text.replace('"magic": "', '"magic": "no'),
        lambda text: text.replace('"facts"', '"other"'),
    ],
)
def test_garbage_in_the_cache_is_replaced(
    machine: Machine,
    known: Interpreter,
    template: Path,
    spoil: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A damaged file costs a probe and nothing else."""
    file = cache_file(machine)
    text = file.read_text(encoding="ascii")
    assert spoil(text) != text
    file.write_text(spoil(text), encoding="ascii")
    assert probes_again(machine, template, monkeypatch)
    again = probe_interpreter(Path(sys.executable), cache=machine.cache, template=template)
    assert again == known
    assert not probes_again(machine, template, monkeypatch)


def test_another_template_is_compiled_anew(
    machine: Machine, known: Interpreter, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts contain the compiled template, so they follow its content."""
    template.write_text("FACTS = {'x'}\n", encoding="utf-8")
    assert probes_again(machine, template, monkeypatch)
    other = probe_interpreter(Path(sys.executable), cache=machine.cache, template=template)
    assert other.pycompile != known.pycompile
    assert other.facts_digest != known.facts_digest


def test_a_replaced_binary_is_probed_anew(machine: Machine, two: tuple[str, str]) -> None:
    """An upgrade in place changes the facts that the same path stands for."""
    copies = []
    for version in two:
        # A copied binary would not find its library, so scripts stand for the two binaries.
        path = machine.root / "python"
        path.unlink(missing_ok=True)
        write_program(path, f'#!/bin/sh\nexec "{machine.interpreters[version]}" "$@"\n')
        copies.append(probe_interpreter(path, cache=machine.cache, template=None))
    assert [copy.short for copy in copies] == list(two)
    assert copies[0].facts_digest != copies[1].facts_digest


def test_the_digest_is_the_same_after_another_probe(
    machine: Machine, known: Interpreter, template: Path
) -> None:
    """What depends on the facts is not thrown away because the cache was."""
    shutil.rmtree(machine.cache)
    again = probe_interpreter(Path(sys.executable), cache=machine.cache, template=template)
    assert again.facts_digest == known.facts_digest


def test_a_cache_that_cannot_be_written_is_done_without(machine: Machine) -> None:
    """The cache only saves time."""
    machine.cache.parent.write_text("in the way", encoding="utf-8")
    assert probe_interpreter(Path(sys.executable), cache=machine.cache, template=None).version


def test_a_warm_start_imports_nothing_heavy(machine: Machine) -> None:
    """With a warm cache neither a process is prepared nor any catalogue of interpreters read."""
    machine.link(f"{sys.version_info[0]}.{sys.version_info[1]}", "python3")
    machine.find()
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from packaging.specifiers import SpecifierSet\n"
        "before = set(sys.modules)\n"
        "from pyx_launcher.interpreters.finder import find_interpreter\n"
        "root = Path(sys.argv[1])\n"
        "find_interpreter(request=None, requires_python=SpecifierSet(), start=root / 'project',\n"
        "    environ={'PATH': str(root / 'bin')}, cache=root / 'cache/interpreters',\n"
        "    template=None)\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    # PYTHONPATH does not act where the tests run under pyx.
    arguments = [PLAIN_PYTHON, "-c", program, str(machine.root)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    said = subprocess.run(arguments, env=environ, capture_output=True, text=True, check=True).stdout
    modules = said.split()
    assert "pyx_launcher.interpreters.probe" in modules
    assert {"findpython", "subprocess"}.isdisjoint(modules)


def test_what_cannot_be_run_is_an_error(machine: Machine) -> None:
    """A file that the kernel refuses is named together with the reason."""
    path = machine.root / "python3"
    path.write_bytes(b"\x7fELF" + bytes(60))
    path.chmod(0o755)
    error = machine.refuse(str(path))
    assert error.message == f"--python {path}: {path} cannot be run: Exec format error"


def test_what_is_no_python_is_an_error(machine: Machine) -> None:
    """A program that does not answer as the probe would is no interpreter."""
    program = write_program(machine.root / "python", "#!/bin/sh\nexit 1\n")
    with pytest.raises(InterpreterError, match=r"does not work as CPython 3\.9 or later: exit"):
        probe_interpreter(program, cache=machine.cache, template=None)


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [("pypy", [3, 10], "is pypy 3.10.0"), ("cpython", [3, 8], "is cpython 3.8.0")],
)
def test_another_implementation_is_an_error(
    machine: Machine, name: str, version: list[int], said: str
) -> None:
    """PyPy and old versions answer the probe, and the error says what they are."""
    facts = {"implementation": name, "version_info": version, "version": f"3.{version[1]}.0"}
    path = write_program(machine.root / "python", f"#!/bin/sh\necho '{json.dumps(facts)}'\n")
    with pytest.raises(InterpreterError, match=said):
        probe_interpreter(path, cache=machine.cache, template=None)


def test_a_broken_interpreter_on_path_is_passed_over(
    machine: Machine, two: tuple[str, str]
) -> None:
    """Nobody asked for it, so its failure concerns nobody."""
    (machine.bin / "python3").write_bytes(b"\x7fELF" + bytes(60))
    (machine.bin / "python3").chmod(0o755)
    real = machine.link(two[0], f"python{two[0]}")
    assert machine.find().interpreter.path == real


def test_a_version_is_found_on_path(machine: Machine, two: tuple[str, str]) -> None:
    """A minor version is found under whatever name it has."""
    machine.link(two[1], "python3")
    real = machine.link(two[0], f"python{two[0]}")
    found = machine.find(two[0])
    assert found.interpreter.path == real
    assert found.reason == f"--python {two[0]}"
    # The links that were followed, and the name that would come first if it were there.
    links = {machine.bin / name for name in ("python3", f"python{two[0]}", "python")}
    assert links <= set(found.inputs)


@pytest.mark.parametrize("form", ["python{}", "cpython{}", "cpython-{}", "=={}.*", "~={}.0"])
def test_forms_of_a_version(machine: Machine, two: tuple[str, str], form: str) -> None:
    """A version may be written as the name of a program or as a specifier."""
    machine.link(two[1], "python3")
    real = machine.link(two[0], "python")
    assert machine.find(form.format(two[0])).interpreter.path == real


def test_the_major_version_takes_the_first(machine: Machine, two: tuple[str, str]) -> None:
    """A request that every candidate fits takes the first on PATH."""
    real = machine.link(two[0], "python3")
    machine.link(two[1], "python")
    assert machine.find("3").interpreter.path == real


def test_a_full_version_is_exact(machine: Machine, two: tuple[str, str]) -> None:
    """A patch version that is not there is not replaced by another one."""
    real = machine.link(two[0], "python3")
    version = machine.find().interpreter.version
    assert machine.find(version).interpreter.path == real
    error = machine.refuse(f"{two[0]}.99")
    assert isinstance(error, InterpreterError)
    assert f"--python {two[0]}.99" in error.message
    assert f"{version} ({real})" in error.message


def test_a_path_names_the_real_binary(machine: Machine, two: tuple[str, str]) -> None:
    """Symlinks are resolved."""
    real = machine.link(two[0], "mine")
    assert machine.find(str(machine.bin / "mine")).interpreter.path == real


def test_a_virtual_environment_stands_for_its_base(machine: Machine) -> None:
    """Its python, a link to that from elsewhere, and its directory mean the same."""
    directory = machine.root / "venv"
    venv.create(directory, symlinks=True, with_pip=False)
    (machine.bin / "linked").symlink_to(directory / "bin" / "python")
    real = Path(os.path.realpath(PLAIN_PYTHON))
    requests = [str(directory), f"{directory}/bin/python", f"{machine.bin}/linked"]
    assert {machine.find(request).interpreter.path for request in requests} == {real}
    assert machine.find(str(directory)).inputs == (directory / "pyvenv.cfg",)


def test_a_copied_virtual_environment_stands_for_its_base(machine: Machine) -> None:
    """A python that is a copy, even if reached by a link, is not an interpreter of its own."""
    directory = machine.root / "venv"
    venv.create(directory, symlinks=False, with_pip=False)
    (machine.bin / "linked").symlink_to(directory / "bin" / "python3")
    found = machine.find(f"{machine.bin}/linked").interpreter
    assert not found.path.is_relative_to(machine.root)
    assert found.prefix == sys.base_prefix


def test_a_virtual_environment_whose_base_is_gone(machine: Machine) -> None:
    """The error names the environment that cannot be followed."""
    directory = machine.root / "venv"
    (directory / "bin").mkdir(parents=True)
    (directory / "bin" / "python").symlink_to("/nowhere/python3")
    (directory / "pyvenv.cfg").write_text("home = /nowhere\n", encoding="utf-8")
    assert str(directory) in machine.refuse(str(directory)).message


def test_a_missing_path_is_an_error(machine: Machine) -> None:
    """The error says that the path does not exist."""
    path = machine.root / "nothing" / "python"
    assert machine.refuse(str(path)).message == f"--python {path}: {path} does not exist"


def test_a_script_is_no_interpreter(machine: Machine, two: tuple[str, str]) -> None:
    """A wrapper may do anything, so it is neither followed nor run."""
    script = write_program(machine.bin / "python3", '#!/bin/sh\ntouch ran\nexec python3 "$@"\n')
    real = machine.link(two[0], "python")
    assert machine.find().interpreter.path == real
    assert "neither an interpreter" in machine.refuse(str(script)).message
    assert not Path("ran").exists()


def test_the_variable_is_a_request(machine: Machine, two: tuple[str, str]) -> None:
    """PYX_PYTHON is what --python would be, and comes after it."""
    machine.link(two[1], "python3")
    real = machine.link(two[0], "python")
    machine.environ["PYX_PYTHON"] = two[0]
    found = machine.find()
    assert (found.interpreter.path, found.reason) == (real, "PYX_PYTHON")
    assert machine.find(two[1]).interpreter.short == two[1]


@pytest.mark.parametrize("request_", ["pypy3.10", "2.7", "nonsense", "3.x"])
def test_a_request_that_means_nothing(machine: Machine, request_: str) -> None:
    """What is no version is a mistake on the command line, and the error says where."""
    error = machine.refuse(request_)
    assert isinstance(error, UsageError)
    assert error.message.startswith(f"--python {request_}: ")


def test_the_first_that_satisfies_the_lock(machine: Machine, two: tuple[str, str]) -> None:
    """Without a request the order of PATH decides among those that satisfy the lock."""
    machine.link(two[0], "python3")
    real = machine.link(two[1], f"python{two[1]}")
    found = machine.find(None, f">={two[1]}", required_by="pylock.toml")
    assert found.interpreter.path == real
    assert found.reason == f"first on PATH that satisfies >={two[1]} (pylock.toml)"


@pytest.mark.parametrize("by_path", [True, False])
def test_a_request_against_the_lock(
    machine: Machine, two: tuple[str, str], *, by_path: bool
) -> None:
    """An explicit request that contradicts the lock is an error that says both."""
    real = machine.link(two[0], "python3")
    request = str(machine.bin / "python3") if by_path else two[0]
    error = machine.refuse(request, f">={two[1]}", required_by="uv.lock")
    assert f"--python {request} is Python {two[0]}." in error.message
    assert str(real) in error.message
    assert error.message.endswith(f"but uv.lock requires Python >={two[1]}")


def test_nothing_that_satisfies_the_lock(machine: Machine, two: tuple[str, str]) -> None:
    """The error lists what there is."""
    real = machine.link(two[0], "python3")
    error = machine.refuse(None, ">=3.99", required_by="uv.lock")
    assert error.message.startswith("no CPython 3.9 or later satisfies >=3.99 (uv.lock); found: ")
    assert str(real) in error.message


@pytest.mark.parametrize(
    ("required", "named"),
    [
        ("==3.29.4", "3.29.4"),
        (">=3.29.2,<3.29.5", "3.29.4"),
        ("<=3.29.4,>3.29.2", "3.29.4"),
        (">=3.29.4", "3.29"),
        ("==3.29.*", "3.29"),
    ],
)
def test_what_would_satisfy_the_lock_is_named(
    machine: Machine, two: tuple[str, str], required: str, named: str
) -> None:
    """As a version to install, and as one release where others of its minor version will not do."""
    machine.link(two[0], "python3")
    hint = machine.refuse(None, required, required_by="uv.lock").hint or ""
    assert f"python install {named}`" in hint


def test_nothing_at_all(machine: Machine) -> None:
    """A machine without Python is told so."""
    assert machine.refuse().message == "no CPython 3.9 or later is here; found: none"


def write_version(machine: Machine, text: str, directory: Path | None = None) -> Path:
    """Write a version file and return its path."""
    file = (directory or machine.project) / ".python-version"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_nearest_version_file_decides(machine: Machine, two: tuple[str, str]) -> None:
    """The search goes up from the start; what it looked at on the way is an input."""
    machine.link(two[1], "python3")
    real = machine.link(two[0], "python")
    file = write_version(machine, f"# ours\n\n{two[0]}\n")
    start = machine.project / "a" / "b"
    start.mkdir(parents=True)
    found = machine.find(start=start)
    assert found.interpreter.path == real
    assert found.reason == f".python-version in {machine.project}"
    assert found.inputs[:3] == (start / file.name, start.parent / file.name, file)


def test_the_absence_of_version_files_is_an_input(machine: Machine, two: tuple[str, str]) -> None:
    """A version file that appears later may change what is found."""
    machine.link(two[0], "python3")
    looked_at = machine.find().inputs
    assert looked_at[0] == machine.project / ".python-version"
    assert Path("/.python-version") in looked_at


def test_a_version_file_of_several_lines(machine: Machine, two: tuple[str, str]) -> None:
    """The first line that is there and satisfies the lock is taken; PyPy is passed over."""
    machine.link(two[0], "python")
    real = machine.link(two[1], "python3")
    write_version(machine, f"pypy3.10-7.3\r\n3.99\r\n{two[0]}\r\n{two[1]} # newest\r\n")
    assert machine.find(None, f">={two[1]}").interpreter.path == real


def test_an_empty_version_file_asks_for_nothing(machine: Machine, two: tuple[str, str]) -> None:
    """A file of comments neither decides nor lets a file above it decide."""
    real = machine.link(two[0], "python3")
    write_version(machine, "3.99\n", machine.root)
    file = write_version(machine, "# nothing\n")
    found = machine.find()
    assert (found.interpreter.path, found.reason) == (real, "first on PATH")
    assert file in found.inputs
    assert machine.root / ".python-version" not in found.inputs


def test_a_version_file_against_the_lock(machine: Machine, two: tuple[str, str]) -> None:
    """The error names the file and what the lock requires."""
    machine.link(two[0], "python")
    machine.link(two[1], "python3")
    file = write_version(machine, f"{two[0]}\n")
    error = machine.refuse(None, f">={two[1]}", required_by="uv.lock")
    assert error.message.startswith(f"{file} ({two[0]}) is Python {two[0]}.")
    assert error.message.endswith(f"but uv.lock requires Python >={two[1]}")


def test_a_version_file_of_what_is_not_there(machine: Machine, two: tuple[str, str]) -> None:
    """The error names the file, its request and what there is."""
    machine.link(two[0], "python3")
    file = write_version(machine, "3.99\n")
    message = machine.refuse().message
    assert message.startswith(f"no CPython 3.9 or later satisfies {file} (3.99); found: {two[0]}.")
    message = machine.refuse("3.99", ">=3.11").message
    assert message.startswith("no CPython 3.9 or later satisfies both --python 3.99 and >=3.11 ")


@pytest.mark.parametrize("line", ["pypy3.10", "../../evil", "/evil/python", "nonsense"])
def test_a_version_file_that_cannot_be_obeyed(machine: Machine, line: str) -> None:
    """A file may come with a stranger's directory: it says no path and no other implementation."""
    (machine.pyenv / "versions").mkdir()
    machine.environ["PYENV_ROOT"] = str(machine.pyenv)
    file = write_version(machine, f"{line}\n")
    error = machine.refuse()
    assert isinstance(error, InterpreterError)
    assert error.message.startswith(f"{file}: {line!r} is ")


def test_a_version_file_names_a_version_of_pyenv(machine: Machine, two: tuple[str, str]) -> None:
    """What pyenv has under that name is meant, even if PATH has another of the same version."""
    full = machine.install(two[0])
    machine.link(two[1], "python3")
    for text in (full, two[0], f"python-{full}"):
        write_version(machine, f"{text}\n")
        assert machine.find().interpreter.path == machine.interpreters[two[0]]


def test_a_version_file_names_an_environment_of_pyenv(machine: Machine) -> None:
    """An environment of pyenv-virtualenv stands for its base."""
    environment = machine.pyenv / "versions" / "web-3"
    venv.create(environment, symlinks=True, with_pip=False)
    machine.environ["PYENV_ROOT"] = str(machine.pyenv)
    write_version(machine, "web-3\n")
    found = machine.find()
    assert found.interpreter.path == Path(os.path.realpath(PLAIN_PYTHON))
    assert environment / "pyvenv.cfg" in found.inputs


def test_a_shim_stands_for_the_global_version(machine: Machine, two: tuple[str, str]) -> None:
    """The version file of pyenv decides, and is an input; the shim is not run."""
    full = machine.install(two[1])
    machine.link(two[0], "python3")
    machine.shim("python3")
    (machine.pyenv / "version").write_text(f"{full}\n", encoding="utf-8")
    found = machine.find()
    assert found.interpreter.path == machine.interpreters[two[1]]
    assert machine.pyenv / "version" in found.inputs
    assert machine.find(f"{machine.pyenv}/shims/python3").interpreter == found.interpreter


def test_behind_the_shims_of_mise_and_asdf_lies_what_they_installed(
    machine: Machine, interpreters: dict[str, Path], two: tuple[str, str]
) -> None:
    """Their shims, a link to mise itself and a script, are passed over and not run."""
    shims = machine.root / "shims"
    shims.mkdir()
    other = write_program(shims / "mise", "#!/bin/sh\nexit 99\n")
    for version, home in zip(two, (".local/share/mise", ".asdf"), strict=True):
        programs = machine.root / "home" / home / "installs" / "python" / version / "bin"
        programs.mkdir(parents=True)
        for name in ("python3", f"python{version}"):
            (programs / name).symlink_to(interpreters[version])
    (shims / f"python{two[0]}").symlink_to(other)
    write_program(shims / f"python{two[1]}", f'#!/bin/sh\nexec "{other}" "$@"\n')
    machine.environ["PATH"] = str(shims)
    for version in two:
        assert machine.find(version).interpreter.path == machine.interpreters[version]


def test_the_variable_of_pyenv_comes_before_its_file(
    machine: Machine, two: tuple[str, str]
) -> None:
    """PYENV_VERSION may name several versions; the first that has the program is meant."""
    first, second = machine.install(two[0]), machine.install(two[1])
    machine.shim("python3", f"python{two[1]}")
    (machine.pyenv / "version").write_text(f"{first}\n", encoding="utf-8")
    machine.environ["PYENV_VERSION"] = f"{first}:{second}"
    shims = machine.pyenv / "shims"
    assert machine.find(f"{shims}/python3").interpreter.short == two[0]
    found = machine.find(f"{shims}/python{two[1]}")
    assert found.interpreter.short == two[1]
    assert machine.pyenv / "version" not in found.inputs


@pytest.mark.parametrize("content", ["system\n", "", None])
def test_a_shim_without_a_version_stands_for_the_system(
    machine: Machine, two: tuple[str, str], content: str | None
) -> None:
    """Then the next program of the same name on PATH is meant."""
    machine.install(two[1])
    real = machine.link(two[0], "python3")
    machine.shim("python3")
    if content is not None:
        (machine.pyenv / "version").write_text(content, encoding="utf-8")
    assert machine.find().interpreter.path == real
    assert machine.find(f"{machine.pyenv}/shims/python3").interpreter.path == real


def test_a_version_file_may_name_the_system(machine: Machine, two: tuple[str, str]) -> None:
    """``system`` passes over what pyenv would choose."""
    full = machine.install(two[1])
    real = machine.link(two[0], "python3")
    machine.shim("python3")
    (machine.pyenv / "version").write_text(f"{full}\n", encoding="utf-8")
    write_version(machine, "system\n")
    assert machine.find().interpreter.path == real


def test_a_shim_of_a_version_that_is_gone_is_passed_over(
    machine: Machine, two: tuple[str, str]
) -> None:
    """On PATH the next candidate is taken, whereas a request for the shim is an error."""
    real = machine.link(two[0], "python3")
    machine.shim("python3")
    (machine.pyenv / "version").write_text("3.99.1\n", encoding="utf-8")
    assert machine.find().interpreter.path == real
    assert "neither" in machine.refuse(f"{machine.pyenv}/shims/python3").message


def test_the_order_of_path(machine: Machine, two: tuple[str, str]) -> None:
    """Directories come in their order; in one of them python3, python, then the highest."""
    other = machine.root / "other"
    other.mkdir()
    newest = machine.interpreters[two[1]]
    (other / "python3").symlink_to(newest)
    machine.environ["PATH"] += f"{os.pathsep}{other}{os.pathsep}relative{os.pathsep}"
    for name in ("python3.9", "python3.10", "python", "python3.13t", "python3-config"):
        shutil.copy2(machine.interpreters[two[0]], machine.bin / name)
    names = [candidate.found_as.name for candidate in path_candidates(machine.environ)]
    assert names == ["python", "python3.13t", "python3.10", "python3.9", "python3"]


def test_an_interpreter_is_a_candidate_once(machine: Machine, two: tuple[str, str]) -> None:
    """Several names and directories of the same binary are one candidate."""
    real = machine.link(two[0], "python3", "python", f"python{two[0]}")
    (machine.root / "same").symlink_to(machine.bin)
    machine.environ["PATH"] += f"{os.pathsep}{machine.root / 'same'}"
    assert [candidate.binary for candidate in path_candidates(machine.environ)] == [real]


def test_a_loop_of_environments_ends(machine: Machine) -> None:
    """Environments that name one another as their base stand for nothing."""
    for name, other in (("a", "b"), ("b", "a")):
        programs = machine.root / name / "bin"
        programs.mkdir(parents=True)
        write_program(programs / "python3", "")
        config = f"home = {machine.root / other / 'bin'}\n"
        (machine.root / name / "pyvenv.cfg").write_text(config, encoding="utf-8")
    assert resolve_candidate(machine.root / "a", machine.environ).binary is None


def test_what_is_installed_comes_after_path(machine: Machine, two: tuple[str, str]) -> None:
    """If PATH has nothing that fits, the version managers are asked, the highest version first."""
    for version in two:
        machine.install(version)
    machine.link(two[0], "python3")
    found = machine.find(None, f">{two[0]}.99")
    assert found.interpreter.path == machine.interpreters[two[1]]
    assert found.reason == f"highest installed that satisfies >{two[0]}.99 (the lock)"
    binaries = [candidate.binary for candidate in installed_candidates(machine.environ)]
    assert binaries.index(machine.interpreters[two[1]]) < binaries.index(
        machine.interpreters[two[0]]
    )


def test_interpreters_of_uv_are_known(machine: Machine, two: tuple[str, str]) -> None:
    """Uv keeps its interpreters below the user's data directory, or where its variable says."""
    for variable, place in (("XDG_DATA_HOME", "data/uv/python"), ("UV_PYTHON_INSTALL_DIR", "uv")):
        programs = machine.root / place / f"cpython-{two[0]}-linux" / "bin"
        programs.mkdir(parents=True)
        (programs / "python3").symlink_to(machine.interpreters[two[0]])
        machine.environ[variable] = str(machine.root / place.split("/")[0])
        assert machine.find(two[0]).interpreter.path == machine.interpreters[two[0]]
        del machine.environ[variable]


def pretend(machine: Machine, real: str, **facts: Any) -> None:
    """Make the cache say something else about an interpreter, as if it were another build."""
    probe_interpreter(machine.interpreters[real], cache=machine.cache, template=None)
    for file in machine.cache.iterdir():
        entry = json.loads(file.read_text(encoding="ascii"))
        if entry["facts"]["version"].startswith(f"{real}."):
            entry["facts"].update(facts)
            file.write_text(json.dumps(entry), encoding="ascii")


def test_a_free_threaded_build_is_taken_only_for_want_of_another(
    machine: Machine, two: tuple[str, str]
) -> None:
    """It comes first on PATH, but many wheels do not work with it; a ``t`` asks for it."""
    pretend(machine, two[1], free_threaded=True)
    machine.link(two[1], "python3")
    assert machine.find().interpreter.short == f"{two[1]}t"
    machine.link(two[0], "python")
    assert machine.find().interpreter.short == two[0]
    asked = machine.find(f"{two[1]}t").interpreter
    assert (asked.short, asked.lib_name) == (f"{two[1]}t", f"python{two[1]}t")
    assert f"--python {two[0]}t" in machine.refuse(f"{two[0]}t").message


def test_a_prerelease_is_taken_only_for_want_of_another(
    machine: Machine, two: tuple[str, str]
) -> None:
    """A release that satisfies the lock comes before a prerelease that is earlier on PATH."""
    pretend(machine, two[1], version=f"{two[1]}.0rc1")
    machine.link(two[1], "python3")
    assert machine.find().interpreter.version == f"{two[1]}.0rc1"
    machine.link(two[0], "python")
    assert machine.find().interpreter.short == two[0]
    assert machine.find(f"{two[1]}.0rc1").interpreter.short == two[1]


def test_a_build_from_a_checkout_has_a_version(machine: Machine, two: tuple[str, str]) -> None:
    """``3.12.1+`` is what such a build says, and is compared as the release before the plus."""
    pretend(machine, two[1], version=f"{two[1]}.1+")
    machine.link(two[1], "python3")
    assert machine.find(f"{two[1]}.1").interpreter.version == f"{two[1]}.1+"
