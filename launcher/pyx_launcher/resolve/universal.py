"""Make a universal `pylock.toml` by uv: one resolution for every platform, extra and group.

uv exports a lock of its own to that format, but puts the extras and groups it is asked for on one
heap. So it is asked for each alone, and the answers are joined by markers (PEP 751). The lock uv
works on lies beside the project for as long as that takes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import tomli
from packaging.pylock import Pylock, PylockValidationError
from packaging.utils import canonicalize_name

from pyx_launcher.errors import LockError
from pyx_launcher.project.content_hash import read_origin, stamp_pylock
from pyx_launcher.project.manifest import MANIFEST
from pyx_launcher.resolve.runner import Upgrade, list_arguments, uv_arguments
from pyx_launcher.values import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pyx_launcher.resolve.runner import Tool

UV_LOCK = "uv.lock"
_EXPORT = ("export", "--frozen", "--quiet", "--no-header", "--format", "pylock.toml")
_MARKER = re.compile(r"^marker = .*\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One of uv's exports: what is there on one condition."""

    condition: str
    """A marker that names an extra or group; empty for what is always there."""
    text: str


@dataclass(kw_only=True, slots=True)
class _Joined:
    """One package of the joined lock, and when it is wanted."""

    name: str
    markers: list[str] = field(default_factory=list)


def write_preferences(
    old: bytes | None, upgrade: Upgrade, path: Path, project: Mapping[str, Any] | None = None
) -> None:
    """Write what uv takes for an outdated lock, so that it keeps the versions in `old`.

    `old` is a pylock file; what `upgrade` names is left out. `project` is the table of the project
    that is locked, which uv would else say it has added.
    """
    lines = ["version = 1", 'requires-python = ">=3.0"']
    moved = {canonicalize_name(name) for name in upgrade.names}
    for package in _read_packages(old) if old and not upgrade.everything else ():
        name, version = str(package.get("name", "")), package.get("version")
        if version and canonicalize_name(name) not in moved:
            index = package.get("index") or "https://example.org/simple"
            lines += ["", "[[package]]", f'name = "{name}"', f'version = "{version}"']
            lines.append(f'source = {{ registry = "{index}" }}')
    if len(lines) > 2:
        lines += _describe_own(project or {})
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def _describe_own(project: Mapping[str, Any]) -> list[str]:
    """Return the lines of a project in its own lock; there is no version where it is dynamic."""
    name, version = project.get("name"), project.get("version")
    if not isinstance(name, str):
        return []
    lines = ["", "[[package]]", f"name = {_quote(canonicalize_name(name))}"]
    lines += [f"version = {_quote(version)}"] if isinstance(version, str) else []
    return [*lines, 'source = { virtual = "." }']


def _read_packages(data: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        packages = tomli.loads(data.decode()).get("packages", [])
    except (UnicodeDecodeError, tomli.TOMLDecodeError):
        # A damaged lock says nothing about versions; it is about to be replaced.
        return ()
    return [package for package in packages if isinstance(package, dict)]


def lock_project(tool: Tool, path: Path, project: Mapping[str, Any], upgrade: Upgrade) -> bytes:
    """Resolve the project whose parsed pyproject.toml is `project`, for the pylock file `path`.

    Returns the new content and leaves uv's own lock beside it. Raises ResolutionError, and
    LockError where the result is no pylock.
    """
    directory = path.parent
    old = path.read_bytes() if path.exists() else None
    # uv leaves out itself what is named, and so compares what it finds with what was locked.
    kept = Upgrade(everything=upgrade.everything)
    write_preferences(old, kept, directory / UV_LOCK, project.get("project"))
    # Before uv reads it: what is edited meanwhile makes the lock old, and not new.
    origin = read_origin(directory / MANIFEST)
    tool.run(uv_arguments(upgrade), directory)
    extras = list(project.get("project", {}).get("optional-dependencies", {}))
    groups = list(project.get("dependency-groups", {}))
    parts = [Part(condition="", text=tool.ask([*_EXPORT, "--no-default-groups"], directory))]
    for extra in extras:
        text = tool.ask([*_EXPORT, "--no-default-groups", "--extra", extra], directory)
        parts.append(Part(condition=f"'{canonicalize_name(extra)}' in extras", text=text))
    for group in groups:
        text = tool.ask([*_EXPORT, "--only-group", group], directory)
        condition = f"'{canonicalize_name(group)}' in dependency_groups"
        parts.append(Part(condition=condition, text=text))
    content = join_parts(path, parts, extras, groups, default_groups(project, groups))
    return stamp_pylock(content, origin, directory)


def default_groups(project: Mapping[str, Any], groups: Sequence[str]) -> list[str]:
    """Return the groups that are there by default, as uv has it: `dev`, or what it is told."""
    wanted = project.get("tool", {}).get("uv", {}).get("default-groups", ["dev"])
    if wanted == "all":
        return list(groups)
    names = {canonicalize_name(name) for name in wanted}
    return [group for group in groups if canonicalize_name(group) in names]


def join_parts(
    path: Path,
    parts: Sequence[Part],
    extras: Iterable[str],
    groups: Iterable[str],
    default: Iterable[str],
) -> bytes:
    """Return one pylock file from several exports of one resolution.

    A package that is in one export only gets its condition for a marker. Raises LockError, which
    names `path`, where the result is not what the specification asks for.
    """
    joined: dict[str, _Joined] = {}
    for part in parts:
        for block in part.text.split("\n[[packages]]\n")[1:]:
            body = _MARKER.sub("", block, count=1).rstrip("\n")
            package = tomli.loads(block)
            one = joined.setdefault(body, _Joined(name=package["name"]))
            one.markers.append(_both(part.condition, package.get("marker", "")))
    head = parts[0].text.partition("\n[[packages]]\n")[0]
    lines = ['lock-version = "1.0"', *_kept(head, ("environments", "requires-python"))]
    lines += [
        f"{key} = [{', '.join(_quote(canonicalize_name(name)) for name in names)}]"
        for key, names in (
            ("extras", list(extras)),
            ("dependency-groups", list(groups)),
            ("default-groups", list(default)),
        )
        if names
    ]
    lines.append('created-by = "pyx"')
    for body, one in sorted(joined.items(), key=lambda item: item[1].name):
        lines += ["", "[[packages]]", _with_marker(body, _any(one.markers))]
    text = "\n".join(lines) + ("\n" if joined else "\npackages = []\n")
    try:
        Pylock.from_dict(tomli.loads(text))
    except (PylockValidationError, tomli.TOMLDecodeError) as error:
        raise LockError(path, f"cannot be made from what uv exports: {error}") from error
    return text.encode()


def _kept(head: str, keys: Sequence[str]) -> list[str]:
    """Return the top-level entries `keys` of an export, as text."""
    values = tomli.loads(head)
    found = []
    for key in keys:
        value = values.get(key)
        if isinstance(value, str):
            found.append(f"{key} = {_quote(value)}")
        elif isinstance(value, list):
            found.append(f"{key} = [{', '.join(map(_quote, value))}]")
    return found


def _with_marker(body: str, marker: str) -> str:
    """Return the body of a package with `marker` behind its name and version."""
    if not marker:
        return body
    lines = body.split("\n")
    at = 2 if len(lines) > 1 and lines[1].startswith("version = ") else 1
    return "\n".join([*lines[:at], f"marker = {_quote(marker)}", *lines[at:]])


def _both(left: str, right: str) -> str:
    if left and right:
        return f"{left} and ({right})" if " or " in right else f"{left} and {right}"
    return left or right


def _any(markers: Sequence[str]) -> str:
    """Return a marker that holds where one of `markers` does; empty if one always does."""
    distinct = list(dict.fromkeys(markers))
    if "" in distinct:
        return ""
    # The export of an extra has what is there anyway once more.
    always = [marker for marker in distinct if not _is_conditional(marker)]
    again = {
        f"{m} and {a}" for m in _conditions(distinct) for a in (*always, *_in_brackets(always))
    }
    kept = [marker for marker in distinct if marker not in again]
    if len(kept) == 1:
        return kept[0]
    return " or ".join(_bracketed(marker) for marker in kept)


def _conditions(markers: Iterable[str]) -> set[str]:
    return {marker.partition(" and ")[0] for marker in markers if _is_conditional(marker)}


def _in_brackets(markers: Iterable[str]) -> list[str]:
    return [f"({marker})" for marker in markers]


def _bracketed(marker: str) -> str:
    return f"({marker})" if " and " in marker or " or " in marker else marker


def _is_conditional(marker: str) -> bool:
    return " in extras" in marker or " in dependency_groups" in marker


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def lock_list(tool: Tool, manifest: Path, path: Path, upgrade: Upgrade) -> bytes:
    """Resolve the list of requirements `manifest` for the pylock file `path` beside it.

    Returns the new content, which uv has written there already in words of its own: so it keeps
    the versions of the old one. Raises ResolutionError and LockError.
    """
    origin = read_origin(manifest)
    tool.run(list_arguments(manifest.name, path.name, upgrade), manifest.parent)
    text = path.read_text(encoding="utf-8")
    content = join_parts(path, [Part(condition="", text=text)], (), (), ())
    return stamp_pylock(content, origin, path.parent)


def lock_block(
    tool: Tool, script: Path, *, base: Path, old: bytes | None, upgrade: Upgrade
) -> bytes:
    """Resolve the inline block (PEP 723) of the file `script`, and return a pylock file.

    `script` is a copy in a directory of ours, as uv may leave a lock of its own beside it. `base`
    is what relative paths in the result start from; `old` the pylock file that is to be replaced,
    whose versions are kept. Raises ResolutionError and LockError.
    """
    write_preferences(old, upgrade, script.with_name(f"{script.name}.lock"))
    words = ["export", "--script", str(script), "--no-header", "--format", "pylock.toml"]
    text = tool.ask(words, base)
    return join_parts(script, [Part(condition="", text=text)], (), (), ())
