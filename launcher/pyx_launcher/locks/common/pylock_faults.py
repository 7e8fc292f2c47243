"""What breaks a rule of PEP 751 in a pylock.toml, and can do no harm: it is told, and passed over.

Wheels for variants of a machine (PEP 825), at whose names `packaging` refuses a whole lock, are no
fault and are left out without a word where the package has other files. For which machine one is
meant nothing here can tell.

https://packaging.python.org/en/latest/specifications/pylock-toml/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIANT_NAME = re.compile(
    r"[^-]+-[^-]+(-\d[^-]*)?-[A-Za-z_][^-]*(-[^-]+){2}-[0-9a-z_.]+\.whl\Z", re.ASCII
)
"""The name of a wheel with the label of a variant at its end."""


def mend(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a document without its harmless faults, and a line for each: its place and the rule.

    What is not of the shape that it should have is left as it is, for the reader to refuse.
    """
    mended, faults = dict(data), []
    if "created-by" not in mended:
        mended["created-by"] = ""
        faults.append("created-by: this key is missing")
    extras = mended.get("extras")
    if isinstance(extras, list):
        mended["extras"] = [
            _mend_name(extra, f"extras[{n}]", faults) for n, extra in enumerate(extras)
        ]
    packages = mended.get("packages")
    if isinstance(packages, list):
        mended["packages"] = [
            _mend_package(package, f"packages[{n}]", faults)
            if isinstance(package, dict)
            else package
            for n, package in enumerate(packages)
        ]
    return mended, faults


def _mend_package(package: dict[str, Any], where: str, faults: list[str]) -> dict[str, Any]:
    mended = dict(package)
    if "name" in mended:
        mended["name"] = _mend_name(mended["name"], f"{where}.name", faults)
    if mended.get("marker") == "":
        del mended["marker"]
        faults.append(f"{where}.marker: it is empty")
    for key in ("sdist", "archive"):
        if isinstance(mended.get(key), dict):
            mended[key] = _mend_file(mended[key], f"{where}.{key}", faults)
    if isinstance(mended.get("wheels"), list):
        mended["wheels"] = [
            _mend_file(wheel, f"{where}.wheels[{n}]", faults) if isinstance(wheel, dict) else wheel
            for n, wheel in enumerate(mended["wheels"])
        ]
        plain = [wheel for wheel in mended["wheels"] if not _is_variant(wheel)]
        if plain or "sdist" in mended:
            mended["wheels"] = plain
    return mended


def _is_variant(wheel: object) -> bool:
    if not isinstance(wheel, dict):
        return False
    place = str(wheel.get("path") or wheel.get("url") or "")
    name = wheel.get("name") or place.partition("?")[0].rpartition("/")[2]
    return VARIANT_NAME.match(str(name)) is not None


def _mend_file(file: dict[str, Any], where: str, faults: list[str]) -> dict[str, Any]:
    wrong = dict(_find_wrong(file))
    faults += [f"{where}.{key}: {rule}" for key, rule in wrong.items()]
    return {key: value for key, value in file.items() if key not in wrong}


def _find_wrong(file: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys that say nothing about which file is meant, and are of another type."""
    if isinstance(file.get("size"), str):
        yield "size", "it is not an integer"
    if isinstance(file.get("upload-time"), str):
        yield "upload-time", "it is not a date"


def _mend_name(name: object, where: str, faults: list[str]) -> object:
    if not isinstance(name, str) or canonicalize_name(name) == name:
        return name
    faults.append(f"{where}: {name!r} is not normalised")
    return canonicalize_name(name)
