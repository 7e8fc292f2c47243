"""What is published: the wheels for each platform and the sdist, as they reach a user.

``$PYX_TEST_DIST`` names a directory that `packaging/build_wheels.py` filled, whose artifacts are
then the ones that are tested. Otherwise they are built first, which takes some minutes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from archives import unpack_tar
from debian import Apt, build_musl_python, is_debian, unpack
from foreign import Emulator
from installed import PLAIN_PYTHON, ROOT, SLOW_PATH
from installer.sources import WheelFile
from packaging.metadata import Metadata
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from targets import MACHINES, make_interpreter
from wheelhouse import make_wheel, pylock_text

import pyx_launcher
from pyx_launcher.interpreters.tags import compute_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from indexserver import IndexServer

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(1800)]

BUILD = ROOT / "packaging" / "build_wheels.py"
LINUX_X86, LINUX_ARM = "manylinux2014_x86_64", "manylinux2014_aarch64"
MAC_X86, MAC_ARM = "macosx_10_13_x86_64", "macosx_11_0_arm64"
PLATFORMS = (LINUX_X86, LINUX_ARM, MAC_X86, MAC_ARM)
"""The wheels, each by a part of its name that no other has."""

WANTED = {
    "x86_64-manylinux_2_28": LINUX_X86,
    "x86_64-unknown-linux-musl": LINUX_X86,
    "aarch64-manylinux_2_28": LINUX_ARM,
    "aarch64-unknown-linux-musl": LINUX_ARM,
    "x86_64-apple-darwin": MAC_X86,
    "aarch64-apple-darwin": MAC_ARM,
}
"""Which wheel a machine takes; a machine that is not here takes none."""

ELF_MACHINES = {LINUX_X86: 62, LINUX_ARM: 183}
MACH_MACHINES = {MAC_X86: 0x0100_0007, MAC_ARM: 0x0100_000C}
OLDEST_MACOS = {MAC_X86: (10, 13), MAC_ARM: (11, 0)}

here_only = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64",
    reason="only there does a wheel that was built here run",
)


def built_into(directory: Path, *, umask: int = -1) -> Path:
    """Build everything into `directory`, which does not exist, and return it."""
    command = [PLAIN_PYTHON, BUILD, directory]
    subprocess.run(command, check=True, capture_output=True, umask=umask)
    return directory


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory with everything that is published."""
    given = os.environ.get("PYX_TEST_DIST")
    return Path(given) if given else built_into(tmp_path_factory.mktemp("wheels") / "dist")


def wheel_for(dist: Path, platform: str) -> Path:
    """Return the wheel for one of `PLATFORMS`."""
    (wheel,) = dist.glob(f"*{platform}*.whl")
    return wheel


def sdist_of(dist: Path) -> Path:
    """Return the sdist."""
    (sdist,) = dist.glob("*.tar.gz")
    return sdist


def program_of(wheel: Path, directory: Path) -> Path:
    """Unpack the native program of a wheel into `directory` and return its path."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".data/scripts/pyx")]
        program = directory / "pyx"
        program.write_bytes(archive.read(name))
    program.chmod(0o755)
    return program


def metadata_of(path: Path) -> bytes:
    """Return METADATA of a wheel, or PKG-INFO of an sdist."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
            return archive.read(name)
    with tarfile.open(path) as archive:
        member = archive.extractfile(f"{path.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert member is not None
        return member.read()


# The artifacts.


def test_there_is_one_for_each_platform(dist: Path) -> None:
    """Four wheels and an sdist of this version, and the sums of exactly these."""
    names = sorted(path.name for path in dist.iterdir())
    assert len(names) == len(PLATFORMS) + 2
    for platform in PLATFORMS:
        name, version, build, _ = parse_wheel_filename(wheel_for(dist, platform).name)
        assert (name, str(version), build) == ("pyx-launcher", pyx_launcher.__version__, ())
    assert str(parse_sdist_filename(sdist_of(dist).name)[1]) == pyx_launcher.__version__
    lines = (dist / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    assert sorted([*sums, "SHA256SUMS"]) == names
    for name, digest in sums.items():
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest, name


def test_two_builds_make_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    """Nothing of the time, the place, the process or its umask goes into an artifact."""
    again = built_into(tmp_path / "again", umask=0o077)
    assert (again / "SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", ["3.10.0", "3.13.0", "3.13.0t", "3.14.0"])
def test_a_machine_takes_its_own_wheel(dist: Path, machine: str, python: str) -> None:
    """Each Python on each kind of machine, be its C library glibc or musl, can use exactly one."""
    supported = set(compute_tags(make_interpreter(machine, python).tag_facts))
    usable = [
        platform
        for platform in PLATFORMS
        if supported & parse_wheel_filename(wheel_for(dist, platform).name)[3]
    ]
    assert usable == ([WANTED[machine]] if machine in WANTED else [])


@pytest.mark.parametrize("machine", WANTED)
def test_uv_takes_the_wheel_of_a_machine(
    dist: Path, uv: Path, machine: str, tmp_path: Path
) -> None:
    """uv, asked to install for another machine, installs the program for that machine."""
    subprocess.run(
        [
            *(uv, "pip", "install", "--quiet", "--no-deps", "--no-index", "--only-binary=:all:"),
            *("--find-links", dist, "--python", PLAIN_PYTHON, "--python-version", "3.11"),
            *("--python-platform", machine, "--target", tmp_path / "target", "pyx-launcher"),
        ],
        env={**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")},
        check=True,
    )
    installed = tmp_path / "target" / "bin" / "pyx"
    wanted = program_of(wheel_for(dist, WANTED[machine]), tmp_path)
    assert installed.read_bytes() == wanted.read_bytes()
    assert os.access(installed, os.X_OK)


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("manylinux2014_x86_64", LINUX_X86),
        ("musllinux_1_1_x86_64", LINUX_X86),
        ("manylinux_2_17_aarch64", LINUX_ARM),
        ("musllinux_1_1_aarch64", LINUX_ARM),
        ("macosx_10_13_x86_64", MAC_X86),
        ("macosx_14_0_x86_64", MAC_X86),
        ("macosx_11_0_arm64", MAC_ARM),
        ("macosx_15_0_arm64", MAC_ARM),
        ("manylinux2010_x86_64", None),
        ("macosx_10_12_x86_64", None),
        ("win_amd64", None),
    ],
)
def test_pip_takes_the_wheel_of_a_platform(
    dist: Path, tmp_path: Path, tag: str, wanted: str | None
) -> None:
    """pip, asked for a platform, takes the wheel that is for it, and else none."""
    done = subprocess.run(
        [
            *(PLAIN_PYTHON, "-I", "-m", "pip", "download", "--quiet", "--no-deps", "--no-index"),
            *("--find-links", dist, "--only-binary=:all:", "--python-version", "3.12"),
            *("--platform", tag, "--dest", tmp_path, "pyx-launcher"),
        ],
        env={**os.environ, "PIP_FIND_LINKS": ""},
        capture_output=True,
        check=False,
    )
    names = [path.name for path in tmp_path.iterdir()]
    assert names == ([wheel_for(dist, wanted).name] if wanted else [])
    assert (done.returncode == 0) == (wanted is not None)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_record_says_what_is_in_a_wheel(dist: Path, platform: str) -> None:
    """Every file is in RECORD with its hash, and WHEEL has the tags of the file's name."""
    wheel = wheel_for(dist, platform)
    with WheelFile.open(wheel) as source:
        source.validate_record()
        described = message_from_bytes(source.read_dist_info("WHEEL").encode())
    assert set(described.get_all("Tag", [])) == {
        str(tag) for tag in parse_wheel_filename(wheel.name)[3]
    }
    assert described["Root-Is-Purelib"] == "false"


def test_the_wheels_differ_in_their_program_alone(dist: Path) -> None:
    """Who takes another platform's wheel gets the same launcher."""
    contents = []
    for platform in PLATFORMS:
        with zipfile.ZipFile(wheel_for(dist, platform)) as archive:
            contents.append(
                {
                    info.filename: (info.CRC, info.external_attr)
                    for info in archive.infolist()
                    if not info.filename.endswith(("/scripts/pyx", "/WHEEL", "/RECORD"))
                }
            )
    assert all(content == contents[0] for content in contents)
    assert {"pyx_launcher/__main__.py", "pyx_runtime/bootstrap.py"} <= set(contents[0])


def test_the_metadata_is_valid(dist: Path) -> None:
    """It is read strictly, as an index reads it, and is the same everywhere."""
    texts = {metadata_of(path) for path in dist.iterdir() if path.suffix in (".whl", ".gz")}
    assert len(texts) == 1
    metadata = Metadata.from_email(texts.pop(), validate=True)
    assert metadata.name == "pyx-launcher"
    assert str(metadata.version) == pyx_launcher.__version__
    assert str(metadata.requires_python) == ">=3.10"
    assert metadata.license_expression == "MIT"
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text(encoding="utf-8")


# The programs.


@pytest.mark.parametrize("platform", ELF_MACHINES)
def test_a_program_for_linux_needs_no_library(dist: Path, tmp_path: Path, platform: str) -> None:
    """It is for its processor, may lie anywhere, and has neither loader nor executable stack."""
    data = program_of(wheel_for(dist, platform), tmp_path).read_bytes()
    assert data[:6] == b"\x7fELF\x02\x01"
    kind, machine = struct.unpack_from("<HH", data, 16)
    assert (kind, machine) == (3, ELF_MACHINES[platform])
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = dict(struct.unpack_from("<II", data, start + size * at) for at in range(count))
    loader, stack = 3, 0x6474_E551
    assert loader not in headers
    assert headers[stack] & 1 == 0
    assert b"GLIBC" not in data
    assert len(data) < 1 << 16


def load_commands(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of each load command of a Mach-O file with 64 bits."""
    magic, _, _, _, count, _ = struct.unpack_from("<6I", data)
    assert magic == 0xFEED_FACF
    at = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<II", data, at)
        yield kind, data[at : at + size]
        at += size


def oldest_macos(data: bytes) -> tuple[int, int]:
    """Return the macOS that a program asks for at least."""
    commands = dict(load_commands(data))
    version_min, build_version = 0x24, 0x32
    if version_min in commands:
        (version,) = struct.unpack_from("<I", commands[version_min], 8)
    else:
        platform, version = struct.unpack_from("<II", commands[build_version], 8)
        assert platform == 1
    return version >> 16, version >> 8 & 0xFF


@pytest.mark.parametrize("platform", MACH_MACHINES)
def test_a_program_for_macos_asks_for_what_its_tag_says(
    dist: Path, tmp_path: Path, platform: str
) -> None:
    """It is for its processor, runs on the tag's macOS, and loads the system's library alone."""
    data = program_of(wheel_for(dist, platform), tmp_path).read_bytes()
    machine, _, kind = struct.unpack_from("<III", data, 4)
    assert (machine, kind) == (MACH_MACHINES[platform], 2)
    assert oldest_macos(data) == OLDEST_MACOS[platform]
    load_dylib = 0xC
    libraries = [command[24:] for kind, command in load_commands(data) if kind == load_dylib]
    assert [name.rstrip(b"\0") for name in libraries] == [b"/usr/lib/libSystem.B.dylib"]


def test_the_program_for_apples_processor_is_signed(dist: Path, tmp_path: Path) -> None:
    """The kernel kills one without a signature; an ad-hoc one vouches for each page by its hash."""
    data = program_of(wheel_for(dist, MAC_ARM), tmp_path).read_bytes()
    code_signature, directory_slot = 0x1D, 0
    command = dict(load_commands(data))[code_signature]
    offset, size = struct.unpack_from("<II", command, 8)
    blob = data[offset : offset + size]
    magic, _, count = struct.unpack_from(">III", blob)
    assert magic == 0xFADE_0CC0
    slots = dict(struct.unpack_from(">II", blob, 12 + 8 * at) for at in range(count))
    directory = blob[slots[directory_slot] :]
    magic, _, _, flags, hashes, name, _, pages, limit = struct.unpack_from(">9I", directory)
    hash_size, hash_type, _, page_bits = struct.unpack_from(">4B", directory, 36)
    ad_hoc, sha256 = 2, 2
    assert magic == 0xFADE_0C02
    assert flags & ad_hoc
    assert (hash_size, hash_type, limit) == (32, sha256, offset)
    assert directory[name:].split(b"\0")[0] == b"pyx"
    page = 1 << page_bits
    wanted = [hashlib.sha256(data[at : min(at + page, limit)]) for at in range(0, limit, page)]
    assert pages == len(wanted)
    found = [directory[hashes + 32 * at :][:32] for at in range(pages)]
    assert found == [digest.digest() for digest in wanted]


def command_for(program: Path, file: str, *options: str) -> list[str | Path]:
    """Return the command that runs one file of the tests with `program` in place of its own."""
    return [
        *("env", f"PYX_TEST_PROGRAM={program}"),
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options),
        *(f"--basetemp={program.parent / 'tests'}", ROOT / "tests" / file),
    ]


def run_native_tests(program: Path, emulator: Emulator | None = None) -> None:
    """Drive `program` through the tests of the native program, of which there are hundreds."""
    command = command_for(program, "native/test_native.py", "-k", "plain")
    assert count_passed(emulator.run(command, cwd=ROOT) if emulator else run_here(command)) > 150


def run_here(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a command on this machine."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def count_passed(done: subprocess.CompletedProcess[str]) -> int:
    """Return how many tests passed in a run of pytest; none may have failed."""
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    return int(done.stdout.splitlines()[-1].split(" passed")[0].split()[-1])


@here_only
def test_the_program_of_the_wheel_passes_the_tests_of_the_native_program(
    dist: Path, tmp_path: Path
) -> None:
    """What zig made is held to everything that what cc makes is held to."""
    run_native_tests(program_of(wheel_for(dist, LINUX_X86), tmp_path))


@here_only
def test_the_program_of_the_wheel_costs_no_more_than_the_limits(dist: Path, tmp_path: Path) -> None:
    """Its instructions and system calls are those of a program without a C library."""
    program = program_of(wheel_for(dist, LINUX_X86), tmp_path)
    assert count_passed(run_here(command_for(program, "test_costs.py"))) > 0


@here_only
@pytest.mark.parametrize("compiler", ["cc", "zig"])
def test_an_sdist_builds_with_and_without_a_compiler(
    dist: Path, tmp_path: Path, compiler: str
) -> None:
    """Both ways the wheel has a program that passes all tests of the native program."""
    if compiler == "cc" and not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    environ = {name: value for name, value in os.environ.items() if name != "CC"}
    if compiler == "zig":
        environ["PATH"] = str(nothing)
    # pip would keep what it built of an archive, and take that the next time.
    with tarfile.open(sdist_of(dist)) as archive:
        unpack_tar(archive, tmp_path / "source")
    (source,) = (tmp_path / "source").iterdir()
    log = subprocess.run(
        [
            *(PLAIN_PYTHON, "-I", "-m", "pip", "wheel", "--verbose", "--no-deps"),
            *("-w", tmp_path, source),
        ],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert log.returncode == 0, log.stdout[-5000:] + log.stderr
    assert ("Collecting ziglang" in log.stdout + log.stderr) == (compiler == "zig")
    (wheel,) = tmp_path.glob("*.whl")
    assert "-py3-none-linux_x86_64" in wheel.name
    program = program_of(wheel, tmp_path)
    # It starts without a C library, whoever made it.
    assert program.stat().st_size < 1 << 16
    run_native_tests(program)


# Installing, running, and uninstalling.


class Home:
    """An empty home directory, and the variables of a user who lives there."""

    def __init__(self, directory: Path) -> None:
        """Make `directory`; what pyx itself keeps lies beside it."""
        directory.mkdir()
        self.path = directory
        foreign = ("XDG_", "PYX_", "VIRTUAL_ENV", "CONDA_", "PYTHON", "PIPX_", "UV_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        self.environ = {
            **kept,
            "HOME": str(directory),
            "UV_CACHE_DIR": str(directory.parent / "uv-cache"),
            "PYX_HOME": str(directory.parent / "pyx-home"),
            "PYX_CACHE_DIR": str(directory.parent / "pyx-cache"),
        }

    def run(
        self, *command: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of this user's, which must succeed."""
        done = subprocess.run(
            command,
            cwd=cwd or self.path,
            env={**self.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def traces(self) -> list[str]:
        """Return everything in it whose name has to do with pyx."""
        paths = (path.relative_to(self.path) for path in self.path.rglob("*"))
        return sorted(str(path) for path in paths if "pyx" in path.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Installer:
    """A way to install: where the command then lies, and the words before a wheel or a name."""

    command: Path
    install: tuple[str | Path, ...]
    uninstall: tuple[str | Path, ...]
    own: tuple[str, ...] = ()
    """What it keeps for itself, below the home."""


def prepare_pip(home: Home, uv: Path) -> Installer:
    """Prepare pip in a virtual environment of the user's."""
    home.run(PLAIN_PYTHON, "-I", "-m", "venv", "environment")
    python = home.path / "environment" / "bin" / "python"
    return Installer(
        command=python.with_name("pyx"),
        install=(python, "-m", "pip", "install", "--quiet"),
        uninstall=(python, "-m", "pip", "uninstall", "--quiet", "--yes"),
    )


def prepare_pipx(home: Home, uv: Path) -> Installer:
    """Prepare a pipx from the index, beside the home that it works for."""
    place = home.path.parent / "pipx"
    home.run(PLAIN_PYTHON, "-I", "-m", "venv", place)
    home.run(place / "bin" / "python", "-m", "pip", "install", "--quiet", "pipx")
    return Installer(
        command=home.path / ".local" / "bin" / "pyx",
        install=(place / "bin" / "pipx", "install", "--python", PLAIN_PYTHON),
        uninstall=(place / "bin" / "pipx", "uninstall"),
        own=(".local/share/pipx/venvs/.pyx-launcher.lock",),
    )


def prepare_uv(home: Home, uv: Path) -> Installer:
    """Prepare `uv tool`."""
    return Installer(
        command=home.path / ".local" / "bin" / "pyx",
        install=(uv, "tool", "install", "--quiet", "--python", PLAIN_PYTHON),
        uninstall=(uv, "tool", "uninstall", "--quiet"),
    )


def lock_project(directory: Path, index: IndexServer, *wheels: Path) -> Path:
    """Make a project that locks `wheels` and a program that tells where its import came from."""
    directory.mkdir()
    (directory / "pylock.toml").write_text(pylock_text(list(wheels), index_url=index.url))
    program = directory / "h.py"
    program.write_text("import tick, sys; print(tick.WHICH, sys.argv[1:], sys.executable)\n")
    return program


def start_warmly(
    home: Home, command: Path, *words: str | Path, env: Mapping[str, str] | None = None
) -> str:
    """Return what a start prints that its record was enough for; a young one is not written."""
    for _ in range(20):
        done = home.run(command, *words, env={**(env or {}), "PYX_DEBUG": "1"})
        if done.stderr.endswith(" holds\n"):
            assert len(done.stderr.splitlines()) == 1
            return done.stdout
        time.sleep(0.5)
    pytest.fail(f"no start was a warm one: {done.stderr}")


@here_only
@pytest.mark.parametrize("prepare", [prepare_pip, prepare_pipx, prepare_uv])
def test_a_wheel_is_installed_runs_and_goes_without_a_trace(
    dist: Path,
    uv: Path,
    tmp_path: Path,
    index: IndexServer,
    prepare: Callable[[Home, Path], Installer],
) -> None:
    """In an empty home a locked program starts cold and warm, and uninstalling leaves nothing."""
    home = Home(tmp_path / "a home")
    installer = prepare(home, uv)
    before = home.traces()
    home.run(*installer.install, wheel_for(dist, LINUX_X86))
    pyx = installer.command
    assert home.run(pyx, "--version").stdout == f"pyx {pyx_launcher.__version__}\n"
    assert list(home.path.rglob("pyx.1"))

    tick = make_wheel(index.directory, "tick", "1.0", files={"tick.py": "WHICH = 'tick'\n"})
    program = lock_project(tmp_path / "project", index, tick)
    env = {"PIP_INDEX_URL": index.url, "PIP_CONFIG_FILE": os.devnull}
    cold = home.run(pyx, program, "a", env=env)
    assert cold.stdout.startswith("tick ['a'] ")
    assert index.downloads("tick") == 1
    assert start_warmly(home, pyx, program, "a", env=env) == cold.stdout

    home.run(*installer.uninstall, "pyx-launcher")
    assert [trace for trace in home.traces() if trace not in installer.own] == before
    # What is the user's stays with the user.
    assert (tmp_path / "pyx-home" / "store" / "tick").is_dir()


# Other machines.


TAGGED = {
    "cp311-cp311-manylinux_2_17_x86_64": "glibc on x86_64",
    "cp311-cp311-musllinux_1_1_x86_64": "musl on x86_64",
    "cp311-cp311-manylinux_2_17_aarch64": "glibc on aarch64",
    "cp311-cp311-musllinux_1_1_aarch64": "musl on aarch64",
}


def make_tagged(directory: Path) -> list[Path]:
    """Write one wheel for each kind of machine, which tells what it is for."""
    return [
        make_wheel(directory, "tick", "1.0", tag=tag, files={"tick.py": f"WHICH = {what!r}\n"})
        for tag, what in TAGGED.items()
    ]


@pytest.fixture(scope="module")
def musl_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a CPython 3.11 with musl: ``$PYX_TEST_MUSL_PYTHON``, or one that is compiled first."""
    given = os.environ.get("PYX_TEST_MUSL_PYTHON")
    if given:
        return Path(given)
    if not is_debian() or not shutil.which("musl-gcc"):
        pytest.skip("compiling a Python with musl needs Debian and its package musl-tools")
    return build_musl_python(tmp_path_factory.mktemp("musl"))


@here_only
def test_the_program_starts_an_interpreter_with_musl(
    dist: Path, tmp_path: Path, index: IndexServer, musl_python: Path
) -> None:
    """The same wheel serves musl: the interpreter starts, and gets the wheels that are for musl."""
    home = Home(tmp_path / "home")
    pip = prepare_pip(home, Path())
    home.run(*pip.install, wheel_for(dist, LINUX_X86))
    program = lock_project(tmp_path / "project", index, *make_tagged(index.directory))
    env = {"PIP_INDEX_URL": index.url, "PIP_CONFIG_FILE": os.devnull}
    words = ("--python", musl_python, program)
    cold = home.run(pip.command, *words, env=env).stdout
    assert cold.startswith("musl on x86_64 [] ")
    assert start_warmly(home, pip.command, *words, env=env) == cold
    # Its children come back through the environment's python, which is the native program again.
    child = home.run(cold.split()[-1], "-c", "import sys; print(sys.implementation._multiarch)")
    assert child.stdout == "x86_64-linux-musl\n"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    """Give an emulator of aarch64 that works in any root."""
    if not is_debian():
        pytest.skip("the emulator and what it runs are Debian's")
    found = shutil.which("qemu-aarch64-static")
    if not found:
        directory = tmp_path_factory.mktemp("emulator")
        apt = Apt(directory / "apt", "amd64")
        apt.run("download", "qemu-user-static", cwd=directory)
        unpack(list(directory.glob("*.deb")), directory)
        found = str(directory / "usr" / "bin" / "qemu-aarch64-static")
    emulator = Emulator(Path(found))
    if not emulator.works():
        pytest.skip("this kernel or user cannot have a binfmt_misc of its own")
    return emulator


@here_only
def test_the_program_for_aarch64_passes_the_tests_of_the_native_program(
    dist: Path, tmp_path: Path, emulator: Emulator
) -> None:
    """Emulated, it confirms, refuses and executes what it does here."""
    run_native_tests(program_of(wheel_for(dist, LINUX_ARM), tmp_path), emulator)


@pytest.fixture(scope="module")
def arm_root(dist: Path, tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Path:
    """Give the root of a machine with aarch64: Debian's python3, and the wheel as pip installs it.

    pip here fetches what pip there then installs, so each must find the wheel to be the right one.
    """
    directory = tmp_path_factory.mktemp("arm")
    root = directory / "root"
    unpack(Apt(directory / "apt", "arm64").fetch("python3"), root)
    shutil.rmtree(directory / "apt")
    version = (root / "usr" / "bin" / "python3").readlink().name.removeprefix("python")
    platforms = [f"manylinux_2_{minor}_aarch64" for minor in range(36, 16, -1)]
    subprocess.run(
        [
            *(PLAIN_PYTHON, "-I", "-m", "pip", "download", "--quiet", "--only-binary=:all:"),
            *("--find-links", dist, "--python-version", version, "--implementation", "cp"),
            *(
                word
                for tag in (*platforms, "manylinux2014_aarch64")
                for word in ("--platform", tag)
            ),
            *("--dest", root / "wheels", "pyx-launcher", "pip"),
        ],
        check=True,
    )
    (pip,) = (root / "wheels").glob("pip-*.whl")
    for name in ("tmp", "root"):
        (root / name).mkdir(exist_ok=True)
    for command in (
        ["/usr/bin/python3", "-m", "venv", "--without-pip", "/opt/pyx"],
        [
            *("/opt/pyx/bin/python", f"/wheels/{pip.name}/pip", "install", "--no-index"),
            *("--find-links", "/wheels", "--no-compile", "pyx-launcher"),
        ],
    ):
        done = emulator.run_in_root(root, command, {"HOME": "/root", "PATH": "/usr/bin"})
        assert done.returncode == 0, done.stdout + done.stderr
    return root


@here_only
def test_a_start_on_aarch64_from_end_to_end(
    arm_root: Path, emulator: Emulator, index: IndexServer
) -> None:
    """The native program, the launcher, the interpreter and a child: all of them are aarch64's."""
    program = lock_project(arm_root / "project", index, *make_tagged(index.directory))
    with program.open("a") as stream:
        stream.write(
            "import platform, subprocess; print(platform.machine(), flush=True)\n"
            "subprocess.run([sys.executable, '-c', 'import tick; print(\"child\", tick.WHICH)'])\n"
        )
    environ = {
        "HOME": "/root",
        "PATH": "/usr/bin",
        "PYX_DEBUG": "1",
        "PIP_INDEX_URL": index.url,
        "PIP_CONFIG_FILE": os.devnull,
    }

    def start() -> subprocess.CompletedProcess[str]:
        return emulator.run_in_root(arm_root, ["/opt/pyx/bin/pyx", "/project/h.py", "a"], environ)

    cold = start()
    assert cold.returncode == 0, cold.stderr
    first, machine, child = cold.stdout.splitlines()
    assert first.startswith("glibc on aarch64 ['a'] /root/.local/share/pyx/environments/")
    assert (machine, child) == ("aarch64", "child glibc on aarch64")
    assert "slow path" in cold.stderr
    start()
    launcher = arm_root / "opt" / "pyx" / "bin" / "pyx-launcher"
    launcher.write_text(f"#!/usr/bin/python3\nprint('{SLOW_PATH}')\n")
    warm = start()
    assert warm.stdout == cold.stdout, warm.stderr
    assert warm.stderr.startswith("pyx: launch record /root/.cache/pyx/launch/")
