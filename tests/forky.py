"""A Debian with python3.14 and python3.15, and processes that run in it and leave it as it was.

`find_forky` names the root that ``$PYX_TEST_FORKY`` has, or makes one with debootstrap. A process
of a `SealedRoot` sees that root with a layer of memory upon it, in which everything that it writes
disappears with it, and some directories of the machine at their own places.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from debian import Apt, find_mirror, is_debian, unpack
from installed import KINDS, ROOT, build_native

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SUITE = "forky"
PYTHONS = ("python3.14", "python3.15")
PLACES = Path("usr/share/debootstrap")

ENTER = """\
set -e
root=$1 layer=$2
shift 2
mount -t tmpfs none "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay none -o "lowerdir=$root,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
root=$layer/root
mount -t proc none "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then
        mkdir -p "$root$1"
    else
        mkdir -p "$root${1%/*}"
        rm -f "$root$1"
        : > "$root$1"
    fi
    mount --bind "$1" "$root$1"
    shift
done
shift
cd /
exec chroot "$root" "$@"
"""
"""Its words: the root, an empty directory, what is to be seen in the root, ``--``, a command."""


class AbsentError(Exception):
    """There is no such root, for the reason that the message has."""


def find_forky(directory: Path) -> Path:
    """Return the root that ``$PYX_TEST_FORKY`` names, or make one below `directory`.

    Raises AbsentError where neither can be had.
    """
    if os.geteuid() != 0:
        raise AbsentError("a root directory needs the rights of root")
    named = os.environ.get("PYX_TEST_FORKY")
    if named:
        return Path(named)
    if not is_debian():
        raise AbsentError("this is no Debian, whose mirror would be asked")
    mirror = find_mirror()
    if mirror is None:
        raise AbsentError("apt names no mirror of Debian")
    return _bootstrap(directory, mirror[1])


def _bootstrap(directory: Path, mirror: str) -> Path:
    program = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    places = Path("/", PLACES)
    if program is None:
        try:
            unpack(Apt(directory / "apt", "amd64").fetch("debootstrap"), directory / "fetched")
        except subprocess.CalledProcessError as error:
            raise AbsentError("there is no debootstrap, and apt cannot fetch it") from error
        program = str(directory / "fetched" / "usr/sbin/debootstrap")
        places = directory / "fetched" / PLACES
    # Debian's debootstrap need not know the suite by its name, but knows the one it comes from.
    script = directory / SUITE
    script.symlink_to(places / "scripts" / "sid")
    packages = ",".join(f"{python},{python}-venv" for python in PYTHONS)
    words = [SUITE, directory / "root", mirror, script]
    done = subprocess.run(
        ["/bin/sh", program, "--variant=minbase", f"--include={packages}", *words],
        env={**os.environ, "DEBOOTSTRAP_DIR": str(places)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise AbsentError(f"debootstrap made no {SUITE}: {' '.join(said[-1:])}")
    return directory / "root"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedRoot:
    """A root directory that nobody writes into."""

    path: Path
    layer: Path
    """An empty directory, upon which each process has its layer of memory."""

    def run(
        self,
        words: Sequence[str | Path],
        *,
        seen: Sequence[Path] = (),
        environ: Mapping[str, str] | None = None,
        timeout: float = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it, in which what is in `seen` lies at its own place."""
        places = sorted({str(path) for path in seen if path.exists()})
        base = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        enter = ("unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", ENTER, "sh")
        return subprocess.run(
            [*enter, self.path, self.layer, *places, "--", *words],
            env={**base, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def check(self) -> None:
        """Raise AbsentError where nothing can run in it."""
        try:
            done = self.run([PYTHONS[0], "-c", ""])
        except OSError as error:
            raise AbsentError(f"{error.filename} cannot be run") from error
        if done.returncode:
            said = " ".join(done.stderr.strip().splitlines()[-1:])
            raise AbsentError(f"no process can be started in {self.path}: {said}")


def list_own_places() -> tuple[list[str], list[Path]]:
    """Return where this process imports packages from, and the directories that hold them."""
    prefix = Path(sys.prefix)
    # An environment of pyx's has links into the store that lies beside it.
    home = prefix.parent.parent if prefix.parent.name == "environments" else prefix
    library = str(Path(sys.base_prefix, "lib"))
    entries = [name for name in sys.path if name and not name.startswith(library)]
    return entries, [ROOT, home, *map(Path, entries)]


def list_variables_of_pip() -> dict[str, str]:
    """Return the variables of this process that say where packages come from."""
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") or name.lower().endswith("_proxy") or name in names
    }


def list_places_of_pip() -> list[Path]:
    """Return what a process in a root must see to fetch packages as it would on the machine."""
    files = [Path(name) for name in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf")]
    files += [Path("/etc/xdg/pip"), Path("/etc/ssl/certs"), Path("/usr/share/ca-certificates")]
    texts = [*list_variables_of_pip().values()]
    texts += [file.read_text(encoding="utf-8") for file in files if file.suffix == ".conf"]
    return [*files, *_find_places("\n".join(texts))]


def _find_places(text: str) -> Iterator[Path]:
    for name in re.findall(r"(?:^|[\s=]|file://)(/[^\s=]+)", text):
        # A file is of use with those that lie beside it.
        if Path(name).exists():
            yield Path(name) if Path(name).is_dir() else Path(name).parent


def run_program(
    program: str | Path, pythons: Sequence[str], words: Sequence[str], seen: Sequence[Path] = ()
) -> str:
    """Return what a program of the tests prints for `pythons` in the root of `$PYX_TEST_FORKY`.

    The first of them runs it, with ``--json``, a ``--python`` for each, and `words`. `seen` are
    directories of the machine that it needs besides. It is ``{}`` where no root is named or no
    native program can be compiled.
    """
    named = os.environ.get("PYX_TEST_FORKY")
    if not named:
        return "{}"
    path, places = list_own_places()
    asked = [word for name in pythons for word in ("--python", f"/usr/bin/{name}")]
    with tempfile.TemporaryDirectory() as temporary:
        native = build_native(Path(temporary), *KINDS)
        if native is None:
            return "{}"
        layer = Path(temporary, "layer")
        layer.mkdir()
        own = {"PYTHONPATH": ":".join(path), "PYX_TEST_PROGRAM": str(native)}
        done = SealedRoot(path=Path(named), layer=layer).run(
            [f"/usr/bin/{pythons[0]}", program, "--json", *asked, *words],
            seen=[*places, native.parent, *seen, *list_places_of_pip()],
            environ={**list_variables_of_pip(), **own},
            timeout=3600,
        )
    sys.stderr.write(done.stderr)
    return done.stdout
