"""The settings of uv that change the result of resolving: as stated, and as a uv.lock records them.

They belong to a workspace as a whole. What names a package that the lock does not have makes no
difference, and uv does not resolve again for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.marker_equality import mean_same
from pyx_launcher.locks.uv.packages import URL
from pyx_launcher.locks.uv.requirements import (
    are_same,
    parse_needs,
    plain_url,
    read_needs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyx_launcher.locks.common.tables import Table
    from pyx_launcher.locks.uv.reader import UvLock
    from pyx_launcher.locks.uv.requirements import Sources
    from pyx_launcher.locks.uv.workspace import Workspace

DEFAULT_OPTIONS = {
    "resolution": ("resolution-mode", "highest"),
    "prerelease": ("prerelease-mode", "if-necessary-or-explicit"),
    "fork-strategy": ("fork-strategy", "requires-python"),
}
"""The settings that the lock records: their name there, and what uv does without them."""

REQUIREMENTS = (
    ("constraint-dependencies", "constraints"),
    ("override-dependencies", "overrides"),
    ("build-constraint-dependencies", "build-constraints"),
)
"""Lists of requirements, with their name in the lock."""

UNITS = {"y": "Y", "mo": "M", "w": "W", "d": "D", "h": "TH", "m": "TM", "min": "TM", "s": "TS"}
SPAN = re.compile(r"(\d+)\s*(mo|min|[ywdhms])[a-z]*", re.IGNORECASE)
ISO_SPAN = re.compile(r"[+-]?P(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?\Z", re.IGNORECASE)


def compare_settings(lock: UvLock, workspace: Workspace, sources: Sources) -> str | None:
    """Return the setting that no longer is what the lock was made with, or None.

    Raises LockError for one that cannot be understood.
    """
    uv, manifest = workspace.uv, lock.document.table("manifest")
    for setting, key in REQUIREMENTS:
        if not _fits_requirements(lock, uv, sources, setting, key):
            return setting
    locked = {package.name for package in lock.packages}
    for setting, key, read in (
        ("exclude-dependencies", "excludes", _read_names),
        ("dependency-metadata", "dependency-metadata", _read_metadata),
    ):
        stated, recorded = read(uv, setting, sources), read(manifest, key, sources)
        known = {*locked, *(name for name, _ in recorded)}
        if {entry for entry in stated if entry[0] in known} != recorded:
            return setting
    return _compare_options(lock, workspace)


def _fits_requirements(lock: UvLock, uv: Table, sources: Sources, setting: str, key: str) -> bool:
    manifest = lock.document.table("manifest")
    entries = uv.data.get(setting, [])
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        # Newer versions of uv know tables here.
        return bool(entries) == bool(manifest.data.get(key))
    stated = tuple(parse_needs(entries, uv, setting, sources))
    recorded = tuple(read_needs(manifest.tables(key), sources))
    if key != "build-constraints":
        known = {p.name for p in lock.packages} | {need.name for need in recorded}
        stated = tuple(need for need in stated if need.name in known)
    return are_same(stated, recorded, lock.requires_python)


def _read_names(table: Table, key: str, _: Sources) -> set[tuple[str, str]]:
    """Return the names of packages in a list, where newer versions of uv know tables as well."""
    found = set()
    for entry in table.data.get(key, []):
        name = entry.get("name", "") if isinstance(entry, dict) else entry
        found.add((str(canonicalize_name(str(name))), repr(entry) if name is not entry else ""))
    return found


def _read_metadata(table: Table, key: str, sources: Sources) -> set[tuple[str, str]]:
    """Return the metadata that a project states for packages, each as its name with the rest."""
    found = set()
    for entry in table.tables(key):
        needs = sorted(
            f"{need.name}[{','.join(sorted(need.extras))}]{need.versions};{_plain(need.marker)}"
            for need in parse_needs(entry.strings("requires-dist"), entry, "requires-dist", sources)
        )
        extras = entry.strings(
            "provides-extras" if "provides-extras" in entry.data else "provides-extra"
        )
        python = entry.get("requires-python", str, "")
        rest = [entry.get("version", str, ""), python.replace(" ", ""), *needs, *sorted(extras)]
        found.add((str(canonicalize_name(entry.require("name", str))), "\n".join(rest)))
    return found


def _plain(marker: str) -> str:
    """Return a marker as uv writes it, as far as one comparison goes."""
    return (
        re.sub(r"\bpython_version(?=\s*(<|>=))", "python_full_version", marker)
        .replace('"', "'")
        .replace(" ", "")
    )


def _compare_options(lock: UvLock, workspace: Workspace) -> str | None:
    uv = workspace.uv
    if not (workspace.directory / "uv.toml").is_file():
        options = lock.document.table("options")
        for setting, (key, default) in DEFAULT_OPTIONS.items():
            if uv.get(setting, str, default) != options.get(key, str, default):
                return setting
        if not _fits_day(uv.data.get("exclude-newer"), options):
            return "exclude-newer"
        if not _fit_days(lock, uv, options):
            return "exclude-newer-package"
        if not _fit_indexes(lock, workspace):
            return "the indexes"
    for setting, key in (
        ("environments", "supported-markers"),
        ("required-environments", "required-markers"),
    ):
        markers = uv.data.get(setting, [])
        stated = [markers] if isinstance(markers, str) else [str(marker) for marker in markers]
        recorded = lock.document.strings(key)
        if len(stated) != len(recorded) or not all(
            mean_same(one, other, lock.requires_python)
            for one, other in zip(stated, recorded, strict=True)
        ):
            return setting
    stated_sets = {
        found
        for member in workspace.members
        for found in _conflicts(member.uv.data.get("conflicts", []), member.name)
    }
    recorded_sets = set(_conflicts(lock.document.data.get("conflicts", []), ""))
    return None if stated_sets == recorded_sets else "conflicts"


def _fits_day(stated: object, options: Table) -> bool:
    """Return whether what was uploaded until the day that is `stated` covers what is locked.

    A later day than the one in the lock makes no difference; an earlier one, and a span of time
    in place of a day, do.
    """
    span = options.get("exclude-newer-span", str, "")
    recorded = "" if span else options.get("exclude-newer", str, "")
    return _is_no_earlier(stated, recorded or span)


def _is_no_earlier(stated: object, recorded: object) -> bool:
    if isinstance(stated, bool) or isinstance(recorded, bool):
        return stated is recorded
    if not stated or not recorded:
        return not stated and not recorded
    spans = [_read_span(str(value)) for value in (stated, recorded)]
    if any(span is not None for span in spans):
        return spans[0] == spans[1]
    return _read_day(str(stated)) >= _read_day(str(recorded))


def _read_span(text: str) -> tuple[tuple[str, int], ...] | None:
    """Return a span of time by its units, ``1 week`` or ``P1W``; None for a day."""
    if ISO_SPAN.match(text):
        day, _, time = text.upper().partition("T")
        found = [(unit, int(n)) for n, unit in re.findall(r"(\d+)([YMWD])", day)]
        found += [(f"T{unit}", int(n)) for n, unit in re.findall(r"(\d+)([HMS])", time)]
        return tuple(sorted(found))
    parts = SPAN.findall(text)
    if parts and not re.match(r"\d{4}-", text):
        return tuple(sorted((UNITS[unit.lower()], int(number)) for number, unit in parts))
    return None


def _read_day(text: str) -> float:
    """Return a moment in seconds since the epoch; a day without a time is meant to its end."""
    from datetime import datetime, timedelta

    try:
        moment = datetime.fromisoformat(re.sub(r"[Zz]\Z", "+00:00", text))
    except ValueError:
        return 0.0
    if len(text) <= len("2030-01-01"):
        moment += timedelta(days=1)
    return moment.astimezone().timestamp()


def _fit_days(lock: UvLock, uv: Table, options: Table) -> bool:
    stated = uv.data.get("exclude-newer-package", {})
    if not isinstance(stated, dict):
        return True
    recorded = options.table("exclude-newer-package").data
    locked = {package.name for package in lock.packages}
    wanted = {canonicalize_name(name): value for name, value in stated.items()}
    known = {canonicalize_name(name): _read_value(value) for name, value in recorded.items()}
    return all(
        name in wanted and _is_no_earlier(wanted[name], value) for name, value in known.items()
    ) and not any(name in locked for name in wanted.keys() - known.keys())


def _read_value(value: object) -> object:
    """Return a recorded moment; a span stands in a table beside one that has no effect."""
    return value.get("span", value.get("timestamp", "")) if isinstance(value, dict) else value


def _fit_indexes(lock: UvLock, workspace: Workspace) -> bool:
    """Return whether every index of the lock is still one of those that the projects name.

    Where none is the default one, one more may be: that which uv asks without being told.
    """
    uv = workspace.uv
    places = [uv, *(member.uv for member in workspace.members)]
    tables = [table for place in places for table in place.tables("index")]
    urls = [table.get("url", str, "") for table in tables]
    urls += [*uv.strings("extra-index-url"), *uv.strings("find-links")]
    default = uv.get("index-url", str, "")
    if not (urls or default):
        return True
    known = {plain_url(url) for url in (*urls, default) if url}
    has_default = bool(default) or any(table.get("default", bool, False) for table in tables)
    strange = {
        plain_url(url)
        for package in lock.packages
        if URL.match(url := str(package.source.data.get("registry", "")))
    } - known
    return len(strange) <= (0 if has_default else 1)


def _conflicts(sets: Iterable[Iterable[Mapping[str, str]]], name: str) -> Iterator[frozenset[Any]]:
    for items in sets:
        yield frozenset(
            tuple(
                sorted(
                    (key, canonicalize_name(value))
                    for key, value in ({"package": name} | dict(item)).items()
                )
            )
            for item in items
        )
