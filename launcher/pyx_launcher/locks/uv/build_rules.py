"""How uv builds what a uv.lock names and is no wheel, as the project's settings have it.

The constraints stand in the lock. Further requirements and settings for the backends stand in
``[tool.uv]`` alone, or in a uv.toml, which then counts in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.locks.common.packages import BuildRules
from pyx_launcher.locks.common.tables import Table, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from packaging.utils import NormalizedName
    from packaging.version import Version

Settings = dict[str, "str | list[str]"]


def find_build_rules(
    lock: Path,
    document: Table,
    names: Sequence[str],
    versions: Mapping[NormalizedName, Version | None],
) -> dict[str, BuildRules]:
    """Return the rules for those of the packages `names` that have any.

    `document` is the lock, and `versions` has what is chosen from it for the program. Raises
    LockError for settings that cannot be understood.
    """
    uv = _read_settings(lock.parent)
    constraints = tuple(
        map(_write_constraint, document.table("manifest").tables("build-constraints"))
    )
    extra = {canonicalize_name(key): key for key in uv.table("extra-build-dependencies").data}
    own = {canonicalize_name(key): key for key in uv.table("config-settings-package").data}
    general = _read_config(uv.table("config-settings"))
    found = {}
    for name in names:
        key = canonicalize_name(name)
        requires: tuple[str, ...] = ()
        settings = general
        if key in extra:
            requires = _read_requires(uv.table("extra-build-dependencies"), extra[key], versions)
        if key in own:
            settings = _join(
                _read_config(uv.table("config-settings-package").table(own[key])), general
            )
        if requires or constraints or settings:
            found[name] = BuildRules(requires=requires, constraints=constraints, settings=settings)
    return found


def _read_settings(directory: Path) -> Table:
    file = directory / "uv.toml"
    if file.is_file():
        return read_toml(file)
    file = directory / "pyproject.toml"
    if not file.is_file():
        return Table(path=file, where="", data={})
    return read_toml(file).table("tool").table("uv")


def _write_constraint(entry: Table) -> str:
    name, marker = entry.require("name", str), entry.get("marker", str, "")
    text = name + entry.get("specifier", str, "")
    if url := entry.get("url", str, ""):
        text = f"{name} @ {url}"
    return f"{text} ; {marker}" if marker else text


def _read_requires(
    table: Table, key: str, versions: Mapping[NormalizedName, Version | None]
) -> tuple[str, ...]:
    found = []
    entries = table.data[key]
    if not isinstance(entries, list):
        raise table.unexpected(key, "list", entries)
    for entry in entries:
        text, matches = entry, False
        if isinstance(entry, dict):
            text, matches = entry.get("requirement"), entry.get("match-runtime", False)
        if not isinstance(text, str):
            raise table.unexpected(key, "str", entry)
        # The version that the program itself gets is the one to build with.
        version = versions.get(canonicalize_name(text)) if matches else None
        found.append(f"{text}=={version}" if version else text)
    return tuple(found)


def _join(first: Settings, second: Settings) -> Settings:
    """Return both, as uv has it: a key that both have gets the values of both."""
    joined = {**second, **first}
    for key in first.keys() & second.keys():
        values = [
            [value] if isinstance(value, str) else value for value in (first[key], second[key])
        ]
        joined[key] = [*values[0], *values[1]]
    return joined


def _read_config(table: Table) -> Settings:
    settings: Settings = {}
    for key, value in table.data.items():
        is_list = isinstance(value, list)
        settings[key] = list(table.strings(key)) if is_list else table.require(key, str)
    return settings
