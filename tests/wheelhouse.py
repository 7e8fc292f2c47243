"""Small real wheels, sdists, source trees and locks that name them, written for one test each."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

BACKEND = Path(__file__).with_name("treebackend.py")
MOMENT = (2020, 1, 1, 0, 0, 0)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def normalised(name: str) -> str:
    """Return the normalised form of a project name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def import_name(name: str) -> str:
    """Return the import package that `make_wheel` gives a project by default."""
    return normalised(name).replace("-", "_")


def make_wheel(
    directory: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, str | bytes] | None = None,
    tag: str = "py3-none-any",
    build: str | None = None,
    requires: Sequence[str] = (),
    requires_python: str | None = None,
    entry_points: Mapping[str, str] | None = None,
    gui_scripts: Mapping[str, str] | None = None,
    data: Mapping[str, str | bytes] | None = None,
    executable: Collection[str] = (),
    metadata: Sequence[str] = (),
    purelib: bool = True,
    stored: bool = False,
    wrong_hashes: Collection[str] = (),
    unrecorded: Collection[str] = (),
    missing: Collection[str] = (),
    members: Mapping[str, str | bytes] | None = None,
) -> Path:
    """Write a wheel into `directory` and return its path.

    `files` are members relative to the root; without them the wheel holds one import package with
    `__version__`. `data` are members below ``NAME-VERSION.data/``, such as ``scripts/tool``.
    `entry_points` are console scripts. `executable` names members (or paths of `data`) that carry
    the executable bit. `metadata` are further lines of METADATA.

    For broken wheels: `wrong_hashes` are members whose RECORD line has another hash, `unrecorded`
    members that RECORD leaves out, `missing` members that only RECORD knows, and `members` extra
    members under exactly the given names, recorded like the others (``../evil.py``).
    """
    stem = f"{import_name(name)}-{version}"
    if files is None:
        files = {f"{import_name(name)}/__init__.py": f"__version__ = {version!r}\n"}
    content = {path: _bytes(text) for path, text in files.items()}
    below_data = {f"{stem}.data/{path}": _bytes(text) for path, text in (data or {}).items()}
    content |= below_data
    content |= {path: _bytes(text) for path, text in (members or {}).items()}
    info = f"{stem}.dist-info"
    content[f"{info}/METADATA"] = _metadata(name, version, requires, requires_python, metadata)
    content[f"{info}/WHEEL"] = _wheel_file(tag, build, purelib=purelib)
    if entry_points or gui_scripts:
        content[f"{info}/entry_points.txt"] = _entry_points(entry_points, gui_scripts)
    content[f"{info}/RECORD"] = _record(
        content, f"{info}/RECORD", wrong_hashes=wrong_hashes, unrecorded=unrecorded, missing=missing
    )
    bits = {*executable, *(f"{stem}.data/{path}" for path in executable)}
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{'-'.join(filter(None, (stem, build, tag)))}.whl"
    path.write_bytes(_zip(content, executable=bits, stored=stored))
    return path


def make_source_tree(
    directory: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, str | bytes] | None = None,
    requires: Sequence[str] = (),
    requires_python: str | None = None,
    fail: str | None = None,
) -> Path:
    """Fill `directory` with a project that builds without a network, and return it.

    `files` are relative to ``src/``. With `fail` every build ends with that text on stderr.
    """
    if files is None:
        files = {f"{import_name(name)}/__init__.py": f"__version__ = {version!r}\n"}
    for path, text in files.items():
        target = directory / "src" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_bytes(text))
    (directory / "PKG-INFO").write_bytes(_metadata(name, version, requires, requires_python, ()))
    (directory / "pyproject.toml").write_text(
        "[build-system]\n"
        'requires = []\nbuild-backend = "treebackend"\nbackend-path = ["."]\n\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\n',
        encoding="utf-8",
    )
    shutil.copyfile(BACKEND, directory / BACKEND.name)
    if fail is not None:
        (directory / "FAIL").write_text(fail, encoding="utf-8")
    return directory


def make_sdist(
    directory: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, str | bytes] | None = None,
    requires: Sequence[str] = (),
    requires_python: str | None = None,
    fail: str | None = None,
) -> Path:
    """Write an sdist of a `make_source_tree` into `directory` and return its path."""
    stem = f"{import_name(name)}-{version}"
    directory.mkdir(parents=True, exist_ok=True)
    tree = directory / f".{stem}.tree"
    make_source_tree(
        tree,
        name,
        version,
        files=files,
        requires=requires,
        requires_python=requires_python,
        fail=fail,
    )
    path = directory / f"{stem}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tree, arcname=stem)
    shutil.rmtree(tree)
    return path


def pylock_text(
    artifacts: Sequence[Path],
    *,
    index_url: str | None = None,
    base: Path | None = None,
    hashes: Mapping[str, str] | None = None,
    markers: Mapping[str, str] | None = None,
    requires_python: str | None = ">=3.9",
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    default_groups: Sequence[str] = (),
) -> str:
    """Return a `pylock.toml` that locks `artifacts`, wheels or sdists.

    With `index_url`, an `indexserver` URL, each artifact has a URL there; without it a path,
    relative to `base` where that is given. `hashes` replaces the SHA-256 of the files it names;
    `markers` gives projects (by normalised name) a marker.
    """
    lines = ['lock-version = "1.0"', 'created-by = "wheelhouse"']
    if requires_python:
        lines.append(f'requires-python = "{requires_python}"')
    for key, names in (
        ("extras", extras),
        ("dependency-groups", groups),
        ("default-groups", default_groups),
    ):
        if names:
            lines.append(f"{key} = [{', '.join(map(_quoted, names))}]")
    for (name, version), paths in _by_project(artifacts).items():
        lines += ["", "[[packages]]", f'name = "{name}"', f'version = "{version}"']
        if name in (markers or {}):
            lines.append(f"marker = {_quoted((markers or {})[name])}")
        if index_url:
            lines.append(f'index = "{index_url}"')
        for path in sorted(paths, key=lambda p: p.suffix == ".whl"):
            digest = (hashes or {}).get(path.name) or sha256(path)
            lines.append("[[packages.wheels]]" if path.suffix == ".whl" else "[packages.sdist]")
            lines.append(f'name = "{path.name}"')
            lines.append(_place(path, index_url, base))
            lines.append(f"size = {path.stat().st_size}")
            lines.append(f'hashes = {{sha256 = "{digest}"}}')
    return "\n".join(lines) + "\n"


def poetry_lock_text(
    artifacts: Sequence[Path],
    *,
    hashes: Mapping[str, str] | None = None,
    markers: Mapping[str, str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    extras: Mapping[str, Sequence[str]] | None = None,
    python_versions: str = ">=3.9",
) -> str:
    """Return a `poetry.lock` (lock-version 2.1) that locks `artifacts`, wheels or sdists.

    `groups` gives a project (by normalised name) its groups, ``main`` where it has none; the
    members of `extras` (extra → normalised names) become optional. The lock holds no URL.
    """
    optional = {name for names in (extras or {}).values() for name in names}
    lines = ["# This file is automatically @generated by Poetry 2.1.1."]
    for (name, version), paths in sorted(_by_project(artifacts).items()):
        members = (groups or {}).get(name) or ["main"]
        lines += ["", "[[package]]", f'name = "{name}"', f'version = "{version}"']
        lines += ['description = ""', f"optional = {str(name in optional).lower()}"]
        lines += ['python-versions = "*"', f"groups = [{', '.join(map(_quoted, members))}]"]
        if name in (markers or {}):
            lines.append(f"markers = {_quoted((markers or {})[name])}")
        lines.append("files = [")
        for path in paths:
            digest = (hashes or {}).get(path.name) or sha256(path)
            lines.append(f'    {{file = "{path.name}", hash = "sha256:{digest}"}},')
        lines.append("]")
    if extras:
        lines += ["", "[extras]"]
        lines += [f"{k} = [{', '.join(map(_quoted, v))}]" for k, v in extras.items()]
    lines += ["", "[metadata]", 'lock-version = "2.1"', f'python-versions = "{python_versions}"']
    lines.append(f'content-hash = "{"0" * 64}"')
    return "\n".join(lines) + "\n"


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _metadata(
    name: str,
    version: str,
    requires: Sequence[str],
    requires_python: str | None,
    further: Sequence[str],
) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if requires_python:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return ("\n".join([*lines, *further]) + "\n").encode()


def _wheel_file(tag: str, build: str | None, *, purelib: bool) -> bytes:
    lines = ["Wheel-Version: 1.0", "Generator: wheelhouse"]
    lines.append(f"Root-Is-Purelib: {str(purelib).lower()}")
    if build:
        lines.append(f"Build: {build}")
    pythons, abis, platforms = (part.split(".") for part in tag.split("-"))
    lines += [f"Tag: {p}-{a}-{m}" for p in pythons for a in abis for m in platforms]
    return ("\n".join(lines) + "\n").encode()


def _entry_points(console: Mapping[str, str] | None, gui: Mapping[str, str] | None) -> bytes:
    lines = []
    for section, scripts in (("console_scripts", console), ("gui_scripts", gui)):
        if scripts:
            lines += [f"[{section}]", *(f"{key} = {value}" for key, value in scripts.items()), ""]
    return "\n".join(lines).encode()


def _record(
    content: Mapping[str, bytes],
    own_name: str,
    *,
    wrong_hashes: Collection[str],
    unrecorded: Collection[str],
    missing: Collection[str],
) -> bytes:
    lines = []
    for name in [*content, *missing]:
        if name in unrecorded:
            continue
        hashed = content.get(name, b"") if name not in wrong_hashes else b"something else"
        digest = base64.urlsafe_b64encode(hashlib.sha256(hashed).digest()).rstrip(b"=").decode()
        field = f'"{name}"' if "," in name else name
        lines.append(f"{field},sha256={digest},{len(content.get(name, b''))}")
    return ("\n".join([*lines, f"{own_name},,"]) + "\n").encode()


def _zip(content: Mapping[str, bytes], *, executable: Collection[str], stored: bool) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in content.items():
            member = zipfile.ZipInfo(name, MOMENT)
            member.external_attr = (0o100755 if name in executable else 0o100644) << 16
            member.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return stream.getvalue()


def _by_project(artifacts: Sequence[Path]) -> dict[tuple[str, str], list[Path]]:
    projects: dict[tuple[str, str], list[Path]] = {}
    for path in artifacts:
        name, version = path.name.removesuffix(".tar.gz").split("-")[:2]
        projects.setdefault((normalised(name), version), []).append(path)
    return projects


def _place(path: Path, index_url: str | None, base: Path | None) -> str:
    if index_url:
        return f'url = "{urljoin(index_url, "../files/" + path.name)}"'
    return f"path = {_quoted(str(path.relative_to(base) if base else path))}"
