"""How pyx reaches a machine: the wheel with the native program, and the installing script."""

from __future__ import annotations

import ast
import importlib
import itertools
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli
from installed import (
    DYNAMIC,
    FREESTANDING,
    HARDENED,
    PLAIN_PYTHON,
    STATIC,
    Pyx,
    build_native,
    shared_directory,
)
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from wheelhouse import make_wheel, sha256

if TYPE_CHECKING:
    from indexserver import IndexServer

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "poetry.lock"
SCRIPT = ROOT / "packaging" / "install.sh"
EXECUTABLE_MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")

LAUNCHER = Path(".local/share/pyx/launcher")
SHELL_FILES = (
    "bash-completion/completions/pyx",
    "zsh/site-functions/_pyx",
    "fish/vendor_completions.d/pyx.fish",
    "man/man1/pyx.1",
)
"""What an installation links below the user's data directory."""
COMMAND = Path(".local/bin/pyx")
LEFT = "env-20200101000000-9999999"
"""The environment of an installation that has ended: no process has so high a number."""
MOST_BYTES = 20_000_000
"""What the launcher may take on the disk with all that it requires."""


def starts_without_library() -> bool:
    """Tell whether this is a machine for which the program is built without a C library."""
    return (
        sys.platform == "linux"
        and platform.machine() in ("x86_64", "aarch64")
        and shutil.which("cc") is not None
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give an empty home directory; the space in its name must do no harm."""
    directory = tmp_path / "a home"
    directory.mkdir()
    return directory


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """Give the machine's own variables, its pip configuration among them, with an empty home."""
    foreign = ("XDG_", "PYX_", "VIRTUAL_ENV", "CONDA_", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return {**kept, "HOME": str(home)}


def install(environ: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the script as a user would and return what it said."""
    return subprocess.run(
        ["sh", SCRIPT, *arguments],
        cwd=environ["HOME"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def write_program(path: Path, text: str) -> Path:
    """Write a shell program at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def environments(home: Path) -> list[str]:
    """Return the names of the launcher environments that lie in `home`."""
    return sorted(path.name for path in (home / LAUNCHER).glob("env-*"))


def installed_python(home: Path) -> Path:
    """Return the interpreter of the environment in use."""
    return home / LAUNCHER / "current" / "bin" / "python"


def disk_usage(environment: Path) -> int:
    """Return the bytes that an environment takes on the disk, without pip."""
    total = 0
    for directory, names, files in os.walk(environment.resolve()):
        if Path(directory).name == "site-packages":
            names[:] = [name for name in names if not name.startswith("pip")]
        total += sum(os.lstat(Path(directory, name)).st_blocks * 512 for name in (*names, *files))
    return total


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the scripts of a virtual environment with pip, and nothing of the tests."""
    directory = tmp_path_factory.mktemp("builder")
    subprocess.run([PLAIN_PYTHON, "-I", "-m", "venv", directory], check=True)
    return directory / "bin"


def build_wheel(builder: Path, environ: dict[str, str], directory: Path) -> Path:
    """Build the wheel of this tree and return it."""
    subprocess.run(
        [builder / "python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", directory, ROOT],
        env=environ,
        check=True,
    )
    return next(directory.glob("*.whl"))


@pytest.mark.network
@pytest.mark.timeout(900)
def test_install_into_an_empty_home(home: Path, environ: dict[str, str]) -> None:
    """One command makes `pyx` run programs, and its last line says which version lies where.

    An upgrade that fails leaves it as it was.
    """
    done = install(environ, PLAIN_PYTHON)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(rf"pyx \d+\.\d+\.\d+ installed: {re.escape(str(home / COMMAND))}", last)
    assert f"{(home / COMMAND).parent} is not on PATH" in done.stderr
    for name in SHELL_FILES:
        assert (home / ".local" / "share" / name).read_bytes(), name

    assert disk_usage(home / LAUNCHER / "current") <= MOST_BYTES
    # Up to 3.11 ensurepip brings setuptools, whose file would run code at every slow start.
    assert not list((home / LAUNCHER / "current").glob("lib/python*/site-packages/*.pth"))

    answer = subprocess.run(
        [home / COMMAND, "-c", "print(6 * 7)"],
        cwd=home,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (0, "42\n"), answer.stderr

    first = environments(home)
    assert len(first) == 1
    # What a killed installation leaves behind.
    (home / LAUNCHER / f"{LEFT}9").mkdir()
    offline = {**environ, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
    failed = install(offline, PLAIN_PYTHON)
    assert failed.returncode == 69
    assert "pip can fetch nothing" in failed.stderr
    assert set(first) < set(environments(home))
    assert len(environments(home)) == 2
    assert os.access(home / COMMAND, os.X_OK)


@pytest.mark.network
def test_what_is_set_up_for_other_programs_does_no_harm(
    home: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """An active virtual environment, PYTHONPATH and pip's target settings change nothing.

    What was installed before is replaced, and what a killed installation has left goes with it.
    """
    lay_out_installation(home)
    (home / LAUNCHER / f"{LEFT}9").mkdir()
    before = environments(home)
    active = tmp_path / "active"
    elsewhere = tmp_path / "elsewhere"
    subprocess.run([PLAIN_PYTHON, "-I", "-m", "venv", "--without-pip", active], check=True)
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("venv", "pip", "hatchling"):
        (trap / f"{name}.py").write_text("raise SystemExit('trapped')\n", encoding="utf-8")
    settings = home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text("[install]\nuser = true\n", encoding="utf-8")
    done = install(
        {
            **environ,
            "VIRTUAL_ENV": str(active),
            "PATH": f"{active / 'bin'}{os.pathsep}{environ['PATH']}",
            "PYTHONPATH": str(trap),
            "PYTHONWARNINGS": "error",
            "PIP_TARGET": str(elsewhere),
            "PIP_USER": "1",
            "PIP_REQUIRE_VIRTUALENV": "1",
        }
    )
    assert done.returncode == 0, done.stderr
    assert not elsewhere.exists()
    assert not list(active.glob("lib/*/site-packages/*"))
    configuration = (home / LAUNCHER / "current" / "pyvenv.cfg").read_text(encoding="utf-8")
    assert str(active) not in configuration
    assert installed_python(home).resolve() == Path(PLAIN_PYTHON).resolve()
    (after,) = environments(home)
    assert after not in before
    assert os.access(home / COMMAND, os.X_OK)


@pytest.mark.parametrize("way", ["a checkout", "pipx"])
def test_a_launcher_whose_python_was_removed_says_what_mends_it(
    tmp_path: Path, native: Path, environ: dict[str, str], way: str
) -> None:
    """A start that is known needs none of it; any other is told in one line that can be typed."""
    place = tmp_path / ("pipx/venvs/pyx-launcher/bin" if way == "pipx" else "bin")
    pyx = Pyx(place, native, environ)
    (tmp_path / "x.py").write_text("print(6 * 7)", encoding="utf-8")
    time.sleep(2.1)
    assert pyx("x.py", cwd=tmp_path).stdout == "42\n"
    pyx.launcher.unlink()
    write_program(pyx.launcher, "").write_text("#!/no/such/python\n", encoding="utf-8")
    told = pyx("x.py", cwd=tmp_path)
    assert (told.returncode, told.stdout, told.stderr) == (0, "42\n", "")
    told = pyx("-c", "print(1)", cwd=tmp_path)
    mends = "pipx reinstall pyx-launcher" if way == "pipx" else "sh packaging/install.sh"
    assert (told.returncode, told.stdout) == (126, "")
    lead = f"pyx: cannot execute {pyx.launcher}: its own interpreter is gone; install pyx again: "
    assert told.stderr.startswith(lead + mends)
    assert told.stderr.count("\n") == 1


def test_the_launcher_is_tied_to_one_version_of_python(
    home: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """Behind a plain python3 there may be another after an upgrade, without any of pyx's files."""
    directory = tmp_path / "bin"
    directory.mkdir()
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (home / ".local").write_text("", encoding="utf-8")
    for name in ("python3", version):
        (directory / name).symlink_to(PLAIN_PYTHON)
    done = install(environ, directory / "python3")
    assert done.returncode == 74
    (line,) = [line for line in done.stderr.splitlines() if "installing with" in line]
    assert Path(line.rpartition(" ")[2]).name == version


def test_a_shim_is_seen_through(home: Path, environ: dict[str, str], tmp_path: Path) -> None:
    """The interpreter is the one that a version manager's shim starts, not the shim."""
    shim = write_program(tmp_path / "shims" / "python3", f'exec "{PLAIN_PYTHON}" "$@"')
    # The install ends early, at a home that cannot be written to by anyone.
    (home / ".local").write_text("", encoding="utf-8")
    done = install({**environ, "PATH": f"{shim.parent}{os.pathsep}{environ['PATH']}"})
    assert done.returncode == 74
    (line,) = [line for line in done.stderr.splitlines() if "installing with" in line]
    assert Path(line.removeprefix("pyx: installing with ")).samefile(PLAIN_PYTHON)


def test_a_python_without_venv_is_told_how_to_get_it(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """A distribution's Python that lacks ensurepip makes one line that can be acted on."""
    python = write_program(
        tmp_path / "python3", 'case $* in *ensurepip*) exit 1 ;; *) echo "$0" ;; esac'
    )
    done = install(environ, python)
    assert (done.returncode, done.stdout) == (69, "")
    assert re.fullmatch(rf"pyx: {re.escape(str(python))} has no .*python3-venv.*\n", done.stderr)


def test_a_program_that_is_no_python_is_refused(environ: dict[str, str]) -> None:
    """What is named must be a Python 3.10 or newer."""
    done = install(environ, "false")
    assert done.returncode == 69
    assert done.stderr.startswith("pyx: false is not a Python 3.10 or newer")


def test_an_unknown_option_is_a_usage_error(environ: dict[str, str]) -> None:
    """Nothing is installed when the command line is not understood."""
    done = install(environ, "--prefix=/")
    assert done.returncode == 64
    assert done.stderr.startswith("pyx: unknown option --prefix=/; usage: ")
    assert os.listdir(environ["HOME"]) == []  # noqa: PTH208 -- names alone are compared.


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_a_foreign_pyx_is_not_overwritten(home: Path, environ: dict[str, str], kind: str) -> None:
    """A command of that name which came from elsewhere stays what it is."""
    command = home / COMMAND
    other = write_program(home / "other" / "pyx", "echo other")
    command.parent.mkdir(parents=True)
    if kind == "file":
        other.rename(command)
    else:
        command.symlink_to(other if kind == "link" else home / "gone")
    before = command.lstat()
    done = install(environ, PLAIN_PYTHON)
    assert done.returncode == 77
    assert f"{command} exists and was not made by this script" in done.stderr
    assert command.lstat().st_ino == before.st_ino
    assert not (home / LAUNCHER).exists()


def lay_out_installation(home: Path) -> None:
    """Make what an installation leaves in `home`, with an empty program."""
    program = write_program(home / LAUNCHER / LEFT / "bin" / "pyx", ":")
    (home / LAUNCHER / "current").symlink_to(program.parent.parent.name)
    (home / COMMAND).parent.mkdir(parents=True)
    (home / COMMAND).symlink_to(home / LAUNCHER / "current" / "bin" / "pyx")


def test_uninstall_removes_the_launcher_and_leaves_the_store(
    home: Path, environ: dict[str, str]
) -> None:
    """The environment and the link go; what was fetched stays, and is said to."""
    lay_out_installation(home)
    store = home / ".local" / "share" / "pyx" / "store"
    store.mkdir()
    for name in SHELL_FILES:
        link = home / ".local" / "share" / name
        link.parent.mkdir(parents=True)
        link.symlink_to(home / LAUNCHER / "current" / "share" / name)
    foreign = home / ".local" / "share" / SHELL_FILES[0]
    foreign.unlink()
    foreign.write_text("other")
    done = install(environ, "--uninstall")
    assert done.returncode == 0
    left = [name for name in SHELL_FILES if os.path.lexists(home / ".local" / "share" / name)]
    assert left == [SHELL_FILES[0]]
    assert not (home / COMMAND).is_symlink()
    assert not (home / LAUNCHER).exists()
    assert store.is_dir()
    assert done.stderr.splitlines()[-1].startswith("pyx: the store and the caches stay")
    assert install(environ, "--uninstall").returncode == 0


def test_uninstall_leaves_a_foreign_pyx_alone(home: Path, environ: dict[str, str]) -> None:
    """A command that replaced ours is not removed with it."""
    lay_out_installation(home)
    (home / COMMAND).unlink()
    write_program(home / COMMAND, "echo other")
    done = install(environ, "--uninstall")
    assert done.returncode == 0
    assert f"left {home / COMMAND} alone" in done.stderr
    assert (home / COMMAND).is_file()
    assert not (home / LAUNCHER).exists()


@pytest.mark.network
def test_the_wheel_carries_the_native_program(
    builder: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """`pyx` is an executable of this platform, and it survives an installation byte for byte."""
    wheel = build_wheel(builder, environ, tmp_path)
    assert re.fullmatch(r"pyx_launcher-[\d.]+-py3-none-(linux|macosx)_\w+\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [info for info in archive.infolist() if info.filename.endswith("scripts/pyx")]
        assert (member.external_attr >> 16) & stat.S_IXUSR
        program = archive.read(member)
        assert {"pyx_launcher", "pyx_runtime"} <= {
            name.split("/")[0] for name in archive.namelist()
        }
    assert program.startswith(EXECUTABLE_MAGIC)
    if starts_without_library():
        # A C library alone would be ten times as large.
        assert len(program) < 1 << 17

    subprocess.run(
        [builder / "python", "-m", "pip", "install", "--quiet", "--no-deps", wheel],
        env=environ,
        check=True,
    )
    installed = builder / "pyx"
    assert os.access(installed, os.X_OK)
    assert installed.read_bytes() == program


BROKEN_PROGRAM = "int main(void) { return 0; } void _start(void) { __builtin_trap(); }"


@pytest.mark.network
@pytest.mark.skipif(not starts_without_library(), reason="there is nothing to fall back from")
@pytest.mark.parametrize("failure", ["crashes", pytest.param("is refused", marks=pytest.mark.slow)])
def test_a_program_that_does_not_start_is_built_with_the_c_library(
    builder: Path, environ: dict[str, str], tmp_path: Path, failure: str
) -> None:
    """A compiler that cannot do without a C library makes a program all the same."""
    broken = tmp_path / "broken.c"
    broken.write_text(BROKEN_PROGRAM, encoding="ascii")
    instead = (
        f'exec cc -nostdlib -static "{broken}" -o "$out"' if failure == "crashes" else "exit 1"
    )
    compiler = write_program(
        tmp_path / "compiler",
        'case "$*" in *-ffreestanding*) for out; do [ "$last" = -o ] && break; last=$out; done;\n'
        f'{instead} ;; esac\nexec cc "$@"',
    )
    wheel = build_wheel(builder, {**environ, "CC": str(compiler)}, tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("scripts/pyx")]
        program = tmp_path / "pyx"
        program.write_bytes(archive.read(name))
    program.chmod(0o755)
    done = subprocess.run([program, "-c", ""], env={}, capture_output=True, check=False)
    assert done.returncode == 127
    assert done.stderr.startswith(b"pyx: cannot execute ")


def constant_of_build(name: str) -> ast.expr:
    """Return what the build hook assigns to `name`; it cannot be imported without hatchling."""
    tree = ast.parse((ROOT / "packaging" / "hatch_build.py").read_bytes())
    (value,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    )
    return value


def words_of_build(name: str) -> list[str]:
    """Return the words that a constant of the build hook consists of."""
    nodes = ast.walk(constant_of_build(name))
    return [str(node.value) for node in nodes if isinstance(node, ast.Constant)]


def test_the_tests_compile_as_the_build_does() -> None:
    """The program that is tested is the one that is installed."""
    assert {*words_of_build("FREESTANDING"), "-O2"} == set(FREESTANDING)
    assert set(words_of_build("HARDENED")) == set(HARDENED)
    static = {*words_of_build("HARDENED"), *words_of_build("STATIC")}
    assert static | {"-O2"} == set(STATIC)


@pytest.mark.skipif(sys.platform != "linux", reason="the format of Linux' programs is looked at")
@pytest.mark.parametrize("kind", [FREESTANDING, STATIC, ("-pie", "-fPIE", *DYNAMIC)])
def test_a_program_may_lie_anywhere_and_guards_itself(
    tmp_path_factory: pytest.TempPathFactory, kind: tuple[str, ...]
) -> None:
    """However it is linked, and by the C library's own checks where it has one."""
    program = build_native(shared_directory(tmp_path_factory), kind)
    if program is None:
        pytest.skip("it cannot be linked so here")
    content = program.read_bytes()
    shared_object = 3
    assert int.from_bytes(content[16:18], sys.byteorder) == shared_object
    assert b"__stack_chk_fail" in content
    assert (b"__realpath_chk" in content) == ("-nostdlib" not in kind)


def test_a_tag_promises_what_the_program_is_built_for() -> None:
    """Processor and oldest macOS of a published wheel are those that its compiler is told."""
    targets = constant_of_build("TARGETS")
    assert isinstance(targets, ast.Dict)
    for key, value in zip(targets.keys, targets.values, strict=True):
        assert key is not None
        assert isinstance(value, ast.Call)
        name = ast.literal_eval(key)
        told = {word.arg: ast.literal_eval(word.value) for word in value.keywords}
        system, _, machine = name.partition("-")
        tags = told["tag"].split(".")
        assert all(tag.endswith(f"_{machine}") for tag in tags)
        assert told["zig"].startswith({"arm64": "aarch64"}.get(machine, machine))
        if system == "macos":
            major, minor = told["zig"].partition("macos.")[2].split(".")
            assert tags == [f"macosx_{major}_{minor}_{machine}"]
        else:
            assert {tag.partition("_")[0] for tag in tags} >= {"manylinux", "musllinux"}


def pins_of(name: str) -> dict[str, str]:
    """Return what a file of requirements pins: name and version, and the rest of its line.

    Each line has to have hashes, and none a place.
    """
    text = (ROOT / "packaging" / name).read_text(encoding="ascii").replace("\\\n", "")
    assert "://" not in text
    pins = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.match(r"[\w.-]+==[\w.]+ .*--hash=sha256:[0-9a-f]{64}", pin) for pin in pins)
    return dict(pin.split(" ", 1) for pin in pins)


def test_what_takes_part_in_a_build_is_pinned() -> None:
    """Each requirement has a version and hashes, hatchling and the compiler among them."""
    for name, file in (("hatchling", "build"), ("ziglang", "compiler")):
        pinned = pins_of(f"{file}-requirements.txt")
        assert name in {pin.partition("==")[0] for pin in pinned}


def test_what_is_installed_is_what_the_lock_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list that pip installs the launcher's own requirements from is written from the lock."""
    monkeypatch.syspath_prepend(ROOT / "packaging")
    write = importlib.import_module("write_requirements")
    written = (ROOT / "packaging" / "launcher-requirements.txt").read_text(encoding="ascii")
    assert written == write.format_requirements(), "run: pyx packaging/write_requirements.py"
    names = {pin.partition("==")[0] for pin in pins_of("launcher-requirements.txt")}
    metadata = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    direct = map(Requirement, metadata["project"]["dependencies"])
    assert {canonicalize_name(requirement.name) for requirement in direct} <= names


def test_a_file_that_the_index_no_longer_has_is_named(
    tmp_path: Path, wheels: Path, index: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever pip says, pyx says which of the locked files it is and what to do."""
    monkeypatch.syspath_prepend(ROOT / "packaging")
    locked = importlib.import_module("install_locked")
    python = tmp_path / "environment" / "bin" / "python"
    subprocess.run([PLAIN_PYTHON, "-I", "-m", "venv", python.parent.parent], check=True)
    for name, value in (("INDEX_URL", index.url), ("CONFIG_FILE", os.devnull), ("NO_INDEX", "0")):
        monkeypatch.setenv(f"PIP_{name}", value)
    for name in ("FIND_LINKS", "EXTRA_INDEX_URL"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    made = [make_wheel(wheels, name, "1.0") for name in ("pack", "tick")]
    lines = [f"{p.name.split('-')[0]}==1.0 --hash=sha256:{sha256(p)}\n" for p in made]
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("".join(lines), encoding="ascii")
    locked.install(python, requirements)
    for kind in ("withdrawn", "replaced"):
        if kind == "withdrawn":
            made[1].unlink()
        else:
            make_wheel(wheels, "tick", "1.0", metadata=["Summary: another one"])
        with pytest.raises(
            locked.InstallError, match=r"locked to: tick 1\.0\. .*PIP_INDEX_URL"
        ) as told:
            locked.install(python, requirements, "--force-reinstall", "--no-cache-dir")
        assert "pack 1.0" not in str(told.value)
    filename = next(iter(re.findall(r'file = "(packaging-[^"]+\.whl)"', LOCK.read_text())))
    digest = re.findall(rf'{re.escape(filename)}", hash = "([^"]+)"', LOCK.read_text())[0]
    version = filename.split("-")[1]
    named = locked._name_files(f"packaging=={version} --hash={digest}")
    assert named == f"packaging {version} ({filename})"


def test_a_build_never_mixes_with_what_lies_there(tmp_path: Path) -> None:
    """What is published of a directory with old artifacts in it would be the wrong thing."""
    (tmp_path / "old.whl").touch()
    done = subprocess.run(
        [PLAIN_PYTHON, ROOT / "packaging" / "build_wheels.py", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"{tmp_path} is there already" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["old.whl"]


@pytest.mark.network
@pytest.mark.slow
def test_two_builds_make_the_same_bytes(
    builder: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """Nothing of the time, the place or the process goes into a wheel."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = build_wheel(builder, environ, tmp_path / "one")
    two = build_wheel(builder, {**environ, "TMPDIR": str(tmp_path)}, tmp_path / "two")
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.network
@pytest.mark.slow
def test_a_machine_without_a_compiler_builds_with_zig(
    builder: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """Where no compiler works, the build brings one of its own."""
    wheel = build_wheel(builder, {**environ, "CC": "no-such-compiler"}, tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("scripts/pyx")]
        assert archive.read(name).startswith(EXECUTABLE_MAGIC)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="there is no dpkg")
def test_versions_of_the_debian_package_are_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes before a release is older to dpkg, too, or nobody would be given the release."""
    pytest.importorskip("tomllib")
    monkeypatch.syspath_prepend(ROOT / "packaging")
    order = importlib.import_module("build_deb").order_version
    versions = ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1.dev1", "1.0rc1", "1.0", "1.0.post1", "1.1"]
    for older, newer in itertools.pairwise(map(order, versions)):
        command = ["dpkg", "--compare-versions", older, "lt", newer]
        assert subprocess.run(command, check=False).returncode == 0, (older, newer)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the builder reads TOML")
def test_the_debian_package_is_not_made_of_an_older_archive(tmp_path: Path) -> None:
    """Of two standalone archives none is taken, and both are named."""
    for version in ("0.9.0", "0.10.0"):
        (tmp_path / f"pyx-{version}-linux-x86_64.tar.gz").write_bytes(b"")
    command = [PLAIN_PYTHON, ROOT / "packaging" / "build_deb.py", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pyx-0.10.0-linux-x86_64.tar.gz, pyx-0.9.0-linux-x86_64.tar.gz" in done.stderr
    assert "--standalone ARCHIVE" in done.stderr
