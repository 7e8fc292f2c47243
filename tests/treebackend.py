"""The build backend of the source trees that `wheelhouse` makes; it runs where the build runs.

Input: the working directory is the tree, with `PKG-INFO` (name, version, requirements) and
everything that belongs into the wheel below `src/`. A file `FAIL` makes every hook fail with its
text. Output: one wheel in the directory that the frontend names. Python 3.9 syntax, standard
library only, so that no build ever needs a network.
"""

from __future__ import annotations

import base64
import email.parser
import hashlib
import sys
import zipfile
from pathlib import Path


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    """Ask for nothing: this file is the whole backend."""
    return []


get_requires_for_build_editable = get_requires_for_build_wheel
get_requires_for_build_sdist = get_requires_for_build_wheel


def build_wheel(
    wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None
) -> str:
    """Write a wheel that holds what lies below `src/`."""
    source = Path("src")
    files = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }
    return _write(wheel_directory, files)


def build_editable(
    wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None
) -> str:
    """Write a wheel that holds one `.pth` file, which is named after it and names `src/`."""
    name = f"__editable__.{_name_wheel(_read_metadata())}.pth"
    return _write(wheel_directory, {name: f"{Path.cwd() / 'src'}\n".encode()})


def _read_metadata() -> str:
    return Path("PKG-INFO").read_text(encoding="utf-8")


def _name_wheel(metadata: str) -> str:
    headers = email.parser.Parser().parsestr(metadata)
    return "{}-{}".format(headers["Name"].lower().replace("-", "_"), headers["Version"])


def _write(wheel_directory: str, files: dict[str, bytes]) -> str:
    if Path("FAIL").exists():
        sys.exit(Path("FAIL").read_text(encoding="utf-8"))
    metadata = _read_metadata()
    stem = _name_wheel(metadata)
    info = stem + ".dist-info/"
    files[info + "METADATA"] = metadata.encode()
    files[info + "WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: treebackend\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[info + "RECORD"] = _record(files, info + "RECORD")
    filename = stem + "-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, filename), "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)
    return filename


def _record(files: dict[str, bytes], own_name: str) -> bytes:
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        lines.append(f"{name},sha256={digest.decode()},{len(content)}\n")
    return ("".join(lines) + own_name + ",,\n").encode()
