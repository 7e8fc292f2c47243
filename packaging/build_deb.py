"""Build the Debian package out of the standalone pyx.

    python packaging/build_deb.py OUT [--standalone ARCHIVE] [--python PYTHON]

writes ``pyx_VERSION_ARCHITECTURE.deb`` into the directory OUT. ARCHIVE is what
``build_standalone.py`` has made; without it the one in OUT is taken, or built there with PYTHON.
The maintainer is that of ``DEBFULLNAME`` and ``DEBEMAIL``; ``SOURCE_DATE_EPOCH`` dates the files.
The same archive makes the same bytes. Needs ``dpkg-deb``.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

import build_standalone
from build_standalone import ROOT, find_glibc, find_moment

if TYPE_CHECKING:
    from collections.abc import Sequence

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

PLACES = {
    "man/man1/pyx.1": "man/man1/pyx.1",
    "bash-completion/completions/pyx": "bash-completion/completions/pyx",
    "zsh/site-functions/_pyx": "zsh/vendor-completions/_pyx",
    "fish/vendor_completions.d/pyx.fish": "fish/vendor_completions.d/pyx.fish",
}
"""Files of the archive's share directory, and where Debian has such files below /usr/share."""

CONTROL = """\
Package: pyx
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: libc6 (>= {glibc})
Recommends: ca-certificates, python3
Suggests: git
Section: python
Priority: optional
Description: run Python programs with exactly what their lock file names
 pyx finds the lock of a script or project, takes the locked distributions from
 a store that all projects share, and becomes the interpreter. There is no
 virtual environment to create, activate or repair.
 .
 It brings an interpreter for itself along, and starts programs with those of
 the system.
"""

# What the package was is gone with it; what an administrator had it fetch stays until a purge.
POSTRM = """\
#!/bin/sh
set -e
if [ "$1" = purge ]; then
    rm -rf /var/lib/pyx
fi
"""

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: pyx-launcher
Comment: The package has an interpreter and libraries of others, unchanged.
 The licence of each is in /usr/share/doc/pyx/licenses.

Files: *
Copyright: {year}, the pyx contributors
License: Expat
{license}
"""

OVERRIDES = """\
# It runs on any release of Debian with a C library that is new enough, so it has
# its own interpreter and the libraries that this interpreter was built for.
pyx: embedded-library
pyx: hardening-no-pie *
pyx: library-not-linked-against-libc *
pyx: shared-library-lacks-prerequisites *
# The native program has no C library: it would take longer to start than all else it does.
"""


def main(arguments: Sequence[str]) -> int:
    """Build as the command line says; returns an exit status."""
    parser = argparse.ArgumentParser(prog="build_deb.py", allow_abbrev=False)
    parser.add_argument("out", type=Path)
    parser.add_argument("--standalone", type=Path)
    parser.add_argument("--python", default=getattr(sys, "_base_executable", sys.executable))
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    archive = options.standalone or find_archive(options.out)
    if archive is None:
        build_standalone.main([str(options.out), "--python", options.python])
        archive = find_archive(options.out)
    with tempfile.TemporaryDirectory(prefix="pyx-deb-") as temporary:
        package = build_package(archive, Path(temporary), options.out)
    sys.stderr.write(f"{package}: {package.stat().st_size} bytes\n")
    return 0


def find_archive(directory: Path) -> Path | None:
    """Return the standalone pyx in `directory`, if it is there; of several, nobody knows which."""
    found = sorted(directory.glob("pyx-*-linux-*.tar.gz"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise SystemExit(f"build_deb.py: {directory} has {names}; name one: --standalone ARCHIVE")
    return found[0] if found else None


def build_package(archive: Path, temporary: Path, into: Path) -> Path:
    """Build the package of `archive` in `temporary`, put it into `into`, and return it."""
    with tarfile.open(archive) as packed:
        # The filter is younger than some Pythons that are still shipped.
        if hasattr(tarfile, "tar_filter"):
            packed.extraction_filter = tarfile.tar_filter
        packed.extractall(temporary)  # noqa: S202  # build_standalone.py made it
        name = packed.getnames()[0]
    _, released, _, machine = name.split("-")
    version = order_version(released)
    tree = temporary / "package"
    lay_out(temporary / name, tree, version)
    control = tree / "DEBIAN"
    control.mkdir()
    files = [path for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink()]
    fields = {
        "version": version,
        "architecture": ARCHITECTURES[machine],
        "maintainer": find_maintainer(),
        "size": sum(-(-path.stat().st_size // 1024) for path in files),
        "glibc": ".".join(map(str, find_glibc(tree))),
    }
    write(control / "control", CONTROL.format(**fields))
    sums = (f"{hash_file(path)}  {path.relative_to(tree)}\n" for path in files)
    write(control / "md5sums", "".join(sums))
    write(control / "postrm", POSTRM, mode=0o755)
    moment = find_moment()
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (moment, moment), follow_symlinks=False)
    package = into / f"pyx_{version}_{fields['architecture']}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", tree, package],
        # More threads make other bytes.
        env={**os.environ, "SOURCE_DATE_EPOCH": str(moment), "DPKG_DEB_THREADS_MAX": "1"},
        stdout=2,
        check=True,
    )
    return package


def order_version(version: str) -> str:
    """Return a version (PEP 440) as Debian has it, so that a candidate comes before its release."""
    return re.sub(r"(a|b|rc)(?=\d)", r"~\1", version.replace(".dev", "~~dev"))


def lay_out(standalone: Path, tree: Path, version: str) -> None:
    """Put the files of `standalone` to where Debian has them, below `tree`."""
    old_mask = os.umask(0o022)
    share, doc = tree / "usr/share", tree / "usr/share/doc/pyx"
    doc.mkdir(parents=True)
    for source, target in PLACES.items():
        (share / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(standalone / "share" / source, share / target)
    compress(share / "man/man1/pyx.1")
    shutil.rmtree(standalone / "share")
    (standalone / "licenses").rename(doc / "licenses")
    license_text = (standalone / "LICENSE").read_text(encoding="utf-8")
    (standalone / "LICENSE").unlink()
    indented = "".join(f" {line or '.'}\n" for line in license_text.rstrip().split("\n"))
    year = time.gmtime(find_moment()).tm_year
    write(doc / "copyright", COPYRIGHT.format(license=indented.rstrip("\n"), year=year))
    shutil.copyfile(ROOT / "CHANGELOG.md", doc / "CHANGELOG.md")
    compress(doc / "CHANGELOG.md")
    date = formatdate(find_moment())
    entry = "  * What is new is told in /usr/share/doc/pyx/CHANGELOG.md.gz."
    first = f"pyx ({version}) unstable; urgency=medium"
    write(doc / "changelog", f"{first}\n\n{entry}\n\n -- {find_maintainer()}  {date}\n")
    compress(doc / "changelog")
    write(share / "lintian/overrides/pyx", OVERRIDES)
    (tree / "usr/lib").mkdir()
    standalone.rename(tree / "usr/lib/pyx")
    (tree / "usr/bin").mkdir()
    (tree / "usr/bin/pyx").symlink_to("../lib/pyx/pyx")
    (tree / "var/lib/pyx/store").mkdir(parents=True)
    os.umask(old_mask)


def find_maintainer() -> str:
    """Return who answers for the package, as Debian's own tools are told."""
    name = os.environ.get("DEBFULLNAME") or "the pyx contributors"
    return f"{name} <{os.environ.get('DEBEMAIL') or 'pyx@example.org'}>"


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file and what is above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def compress(path: Path) -> None:
    """Replace a file by its compressed form, without its name and date."""
    target = path.with_name(f"{path.name}.gz")
    target.write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    path.unlink()


def hash_file(path: Path) -> str:
    """Return the MD5 of a file, by which dpkg finds damage."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
