"""Debian's packages and sources, fetched by its own apt and installed nowhere.

apt works on a state of its own below a directory of the caller's, so that neither the machine's
package lists nor its architectures change. `unpack` makes a root directory of packages of any
architecture; `build_musl_python` a CPython that is linked with musl.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from archives import unpack_tar

SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
PYTHON_SOURCE = "python3.11"

# gcc with musl in place of glibc. It must not say that it is Debian's, which has other directories
# for headers and libraries; the kernel's headers are the only ones that musl does not bring along.
COMPILER = """\
#!/bin/sh
[ "$1" = --print-multiarch ] && {{ echo x86_64-linux-musl; exit; }}
for word; do
    shift
    case $word in
        -I/usr/include* | -L/usr/lib* | -L/lib*) ;;
        *) set -- "$@" "$word" ;;
    esac
done
exec musl-gcc "$@" -idirafter {headers}
"""


def is_debian() -> bool:
    """Tell whether this machine is one that can fetch from Debian."""
    return SOURCES.exists() and all(map(shutil.which, ("apt-get", "dpkg")))


def find_mirror() -> tuple[str, str] | None:
    """Return the suite and the mirror that this machine has its own packages from, if any."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SUITE) $(CODENAME) $(REPO_URI) $(COMPONENT)"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [line.split() for line in told.stdout.splitlines()]
    for row in rows:
        if len(row) == 4 and row[3] == "main" and re.fullmatch(r"[a-z]+", row[1]):
            return row[1], row[2]
    return None


class Apt:
    """An apt with a state of its own below `directory`, which is made, for one architecture."""

    def __init__(self, directory: Path, architecture: str, kind: str = "deb") -> None:
        """Fetch the lists of Debian alone: packages, or sources where `kind` is ``deb-src``."""
        self.directory = directory
        for name in ("lists/partial", "cache/archives/partial", "sources"):
            (directory / name).mkdir(parents=True)
        (directory / "status").touch()
        text = SOURCES.read_text(encoding="utf-8").replace("Types: deb\n", f"Types: {kind}\n")
        (directory / "sources" / SOURCES.name).write_text(text, encoding="utf-8")
        (directory / "apt.conf").write_text(
            f'APT::Architecture "{architecture}";\n'
            f'APT::Architectures {{ "{architecture}"; }};\n'
            'APT::Sandbox::User "";\n'
            f'Dir::State "{directory}";\n'
            f'Dir::State::lists "{directory}/lists";\n'
            f'Dir::State::status "{directory}/status";\n'
            f'Dir::Cache "{directory}/cache";\n'
            'Dir::Etc::sourcelist "/dev/null";\n'
            f'Dir::Etc::sourceparts "{directory}/sources";\n',
            encoding="utf-8",
        )
        self.run("update")

    def run(self, *words: str, cwd: Path | None = None, check: bool = True) -> None:
        """Run apt-get with `words`."""
        environ = {**os.environ, "APT_CONFIG": str(self.directory / "apt.conf")}
        subprocess.run(
            ["apt-get", "-qq", *words], cwd=cwd, env=environ, check=check, stdout=sys.stderr
        )

    def fetch(self, *names: str) -> list[Path]:
        """Fetch packages with everything that they depend on, and return the archives."""
        self.run("install", "--yes", "--download-only", "--no-install-recommends", *names)
        return sorted((self.directory / "cache" / "archives").glob("*.deb"))

    def fetch_source(self, name: str) -> Path:
        """Fetch what the authors of a source package released, and return the archive."""
        # Debian's own changes may have been replaced on the mirror meanwhile; they are not needed.
        self.run("source", "--download-only", name, cwd=self.directory, check=False)
        return next(self.directory.glob(f"{name}_*.orig.tar.*"))


def unpack(archives: list[Path], root: Path) -> None:
    """Unpack packages into the directory `root`; none of their scripts runs."""
    for archive in archives:
        subprocess.run(["dpkg", "-x", archive, root], check=True)


def build_musl_python(directory: Path) -> Path:
    """Compile CPython with musl below `directory`, which takes minutes; return the interpreter."""
    archive = Apt(directory / "apt", "amd64", "deb-src").fetch_source(PYTHON_SOURCE)
    with tarfile.open(archive) as source:
        unpack_tar(source, directory)
    (tree,) = directory.glob("Python-3*")
    headers = directory / "headers"
    headers.mkdir()
    for name in ("linux", "asm-generic", "x86_64-linux-gnu/asm"):
        (headers / Path(name).name).symlink_to(Path("/usr/include", name))
    compiler = directory / "musl-cc"
    compiler.write_text(COMPILER.format(headers=headers), encoding="utf-8")
    compiler.chmod(0o755)
    options = ("--disable-test-modules", "--without-ensurepip", "--without-doc-strings")
    commands = (
        ["./configure", "--quiet", f"--prefix={directory / 'python'}", *options],
        ["make", "-s", f"-j{os.cpu_count()}"],
        ["make", "-s", "altinstall"],
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with (directory / "log").open("wb") as log:
        for command in commands:
            subprocess.run(
                command,
                cwd=tree,
                # The machine's own libraries, such as its zlib, are not for musl.
                env={
                    **kept,
                    "CC": str(compiler),
                    "CFLAGS": "-O1",
                    "PKG_CONFIG_LIBDIR": str(directory),
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                check=True,
            )
    shutil.rmtree(tree)
    return next((directory / "python" / "bin").glob("python3.[0-9]*[0-9]"))


if __name__ == "__main__":
    sys.stdout.write(f"{build_musl_python(Path(sys.argv[1]).resolve())}\n")
