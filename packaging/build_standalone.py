"""Build the standalone pyx: one directory that needs no Python of its own, packed.

    python packaging/build_standalone.py OUT [--python PYTHON] [--wheel WHEEL]

writes ``pyx-VERSION-SYSTEM-MACHINE.tar.gz`` and its ``.sha256`` into the directory OUT, and says
on stderr which C library it needs. PYTHON (3.11 or newer, with a shared library, by default the one
that runs this) is the interpreter within. WHEEL is pyx as ``build_wheels.py`` has made it; else it
is built with the locked tools and the machine's compiler. What goes along is what poetry.lock has,
by hash, so the same tree and interpreter make the same bytes, anywhere. ``SOURCE_DATE_EPOCH`` dates
the files.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from install_locked import HASHED, PIP, InstallError, build_wheel, install, install_wheel
from write_requirements import list_requirements

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
GROUPS = ("main", "package")
MOMENT = 1580601600
"""The date of the files unless SOURCE_DATE_EPOCH names one; hatchling has the same."""

PROGRAMS = ("pyx", "pyx-launcher")
PT_DYNAMIC, DT_RPATH, DT_RUNPATH = 2, 15, 29
"""Numbers of ELF: the table that the dynamic linker reads, and its entries with directories."""

LICENSES = re.compile(r"(?i)(licen[cs]e|copying|notice|authors)[^/]*$")


def main(arguments: Sequence[str]) -> int:
    """Build as the command line says; returns an exit status."""
    parser = argparse.ArgumentParser(prog="build_standalone.py", allow_abbrev=False)
    parser.add_argument("out", type=Path)
    parser.add_argument("--python", default=getattr(sys, "_base_executable", sys.executable))
    parser.add_argument("--wheel", type=Path)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pyx-standalone-") as temporary:
        try:
            tree = build_tree(Path(temporary), options.python, options.wheel)
        except InstallError as error:
            raise SystemExit(f"build_standalone.py: {error}") from None
        archive = pack(tree, options.out)
        needed = ".".join(map(str, find_glibc(tree)))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(f"{archive.name}.sha256").write_text(
        f"{digest}  {archive.name}\n", encoding="ascii"
    )
    sys.stderr.write(f"{archive}: {archive.stat().st_size} bytes, needs glibc {needed}\n")
    return 0


def build_tree(directory: Path, python: str, wheel: Path | None) -> Path:
    """Build the directory that is shipped, below `directory`, and return it."""
    environment = directory / "environment"
    interpreter = environment / "bin" / "python"
    run(python, "-I", "-m", "venv", environment)
    requirements = directory / "requirements.txt"
    requirements.write_text("\n".join(list_requirements(GROUPS)) + "\n", encoding="utf-8")
    install(interpreter, requirements)
    pins = PACKAGING / "standalone-requirements.txt"
    run(interpreter, *PIP, "download", *HASHED, "-d", directory / "pip", "-r", pins)
    install_wheel(interpreter, wheel or build_wheel(interpreter, directory / "wheel"))
    (bundled,) = (directory / "pip").glob("pip-*.whl")
    run(
        *(interpreter, "-I", "-m", "PyInstaller", "--noconfirm", "--log-level=ERROR"),
        *("--distpath", directory / "dist", "--workpath", directory / "work"),
        PACKAGING / "pyx.spec",
        # The order of sets is in the bytecode.
        PYTHONHASHSEED="0",
        PYX_PIP=str(bundled),
    )
    # The name of the tree is that of the archive.
    tree = directory / name_tree(environment)
    (directory / "dist" / "pyx").rename(tree)
    shutil.copy2(environment / "bin" / "pyx", tree / "pyx")
    shutil.copytree(environment / "share", tree / "share")
    shutil.copy2(ROOT / "LICENSE", tree / "LICENSE")
    copy_licenses(environment, tree / "licenses")
    sort_library(tree / "_internal" / "base_library.zip")
    for path in sorted(tree.rglob("*")):
        if path.parent.suffix == ".dist-info" and path.name != "METADATA":
            # RECORD has the hashes of scripts, which name the interpreter of the build.
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        elif not path.is_symlink() and path.exists():
            drop_search_paths(path)
            executable = path.is_dir() or (path.parent == tree and path.name in PROGRAMS)
            path.chmod(0o755 if executable else 0o644)
    return tree


def run(*command: str | Path, **variables: str) -> None:
    """Run a command whose output goes to stderr; what the caller set up for Python does not act."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYX_", "VIRTUAL_ENV", "PYINSTALLER_"))
    }
    epoch = {"SOURCE_DATE_EPOCH": str(find_moment())}
    subprocess.run(command, env=kept | epoch | variables, stdout=2, check=True)


def find_moment() -> int:
    """Return the date of all files, in seconds since 1970."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or MOMENT)


def name_tree(environment: Path) -> str:
    """Return what the archive is called but for its ending."""
    told = subprocess.run(
        [environment / "bin" / "pyx", "--version"], capture_output=True, text=True, check=True
    )
    version = told.stdout.split()[1]
    return f"pyx-{version}-{platform.system().lower()}-{platform.machine()}"


def drop_search_paths(path: Path) -> None:
    """Keep a library from searching where the interpreter of the build has its libraries.

    That place may be anybody's on another machine. What goes along is found without it: the
    start-up of PyInstaller names its own directory. Of ELF files for 64 bits alone.
    """
    content = bytearray(path.read_bytes()) if path.is_file() else bytearray()
    if content[:6] != b"\x7fELF\x02\x01":
        return
    (headers,) = struct.unpack_from("<Q", content, 0x20)
    size, count = struct.unpack_from("<HH", content, 0x36)
    for header in range(headers, headers + size * count, size):
        kind, start, length = struct.unpack_from("<I4xQ16xQ", content, header)
        if kind == PT_DYNAMIC:
            entries = list(struct.iter_unpack("<qQ", content[start : start + length]))
            kept = [entry for entry in entries if entry[0] not in (DT_RPATH, DT_RUNPATH)]
            if kept != entries:
                words = b"".join(struct.pack("<qQ", *entry) for entry in kept)
                content[start : start + length] = words.ljust(length, b"\0")
                path.write_bytes(content)
            return


def sort_library(library: Path) -> None:
    """Write the modules that the interpreter itself needs in the order of their names."""
    with zipfile.ZipFile(library) as archive:
        modules = sorted((info.filename, archive.read(info)) for info in archive.infolist())
    with zipfile.ZipFile(library, "w") as archive:
        for name, content in modules:
            archive.writestr(zipfile.ZipInfo(name), content)


def copy_licenses(environment: Path, into: Path) -> None:
    """Copy the licences of all that goes along: the distributions, the interpreter."""
    for info in sorted(environment.glob("lib/python*/site-packages/*.dist-info")):
        name = info.name.partition("-")[0]
        # ziglang is the compiler; of PyInstaller, the start-up code goes along.
        if name not in ("ziglang", "pyx_launcher"):
            for path in sorted(info.rglob("*")):
                if path.is_file() and LICENSES.search(path.name):
                    (into / name).mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, into / name / path.name)
    told = subprocess.run(
        [environment / "bin" / "python", "-I", "-c", "import os; print(os.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    for place in (Path(told.stdout.strip()).parent, Path("/usr/share/doc/libpython3-stdlib")):
        for name in ("LICENSE.txt", "copyright"):
            if (place / name).is_file():
                (into / "python").mkdir(parents=True, exist_ok=True)
                shutil.copyfile(place / name, into / "python" / name)
                return


def find_glibc(tree: Path) -> tuple[int, int]:
    """Return the version of glibc that the programs and libraries below `tree` need."""
    needed = {(2, 0)}
    for path in tree.rglob("*"):
        if path.is_file() and path.open("rb").read(4) == b"\x7fELF":
            told = subprocess.run(
                ["objdump", "-p", path], capture_output=True, text=True, check=True
            )
            found = re.findall(r" GLIBC_(\d+)\.(\d+)", told.stdout)
            needed.update((int(major), int(minor)) for major, minor in found)
    return max(needed)


def pack(tree: Path, into: Path) -> Path:
    """Pack `tree` into an archive that has nothing of this machine, and return it."""

    def normalise(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = find_moment()
        return member

    archive = into / f"{tree.name}.tar.gz"
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=find_moment()) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        tar.add(tree, tree.name, recursive=False, filter=normalise)
        for path in sorted(tree.rglob("*")):
            name = f"{tree.name}/{path.relative_to(tree)}"
            tar.add(path, name, recursive=False, filter=normalise)
    return archive


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
