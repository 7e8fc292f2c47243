"""A universal pylock.toml, joined of what uv exports for each extra and group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli
from packaging.markers import default_environment
from packaging.pylock import Pylock
from packaging.tags import sys_tags

from pyx_launcher.resolve.runner import NO_UPGRADE, Upgrade
from pyx_launcher.resolve.universal import Part, default_groups, join_parts, write_preferences

HEAD = 'lock-version = "1.0"\ncreated-by = "uv"\nrequires-python = ">=3.10"\n'


def package(name: str, version: str = "1.0", marker: str = "") -> str:
    """Return a package as uv exports it."""
    lines = [f'name = "{name}"', f'version = "{version}"']
    if marker:
        lines.append(f'marker = "{marker}"')
    digest = "0" * 64
    wheel = f'url = "https://example.org/{name}-{version}-py3-none-any.whl"'
    lines.append(f'wheels = [{{ {wheel}, hashes = {{ sha256 = "{digest}" }} }}]')
    return "\n[[packages]]\n" + "\n".join(lines) + "\n"


def part(condition: str, *packages: str) -> Part:
    """Return one export."""
    return Part(condition=condition, text=HEAD + "".join(packages))


def join(*parts: Part, extras: list[str], groups: list[str]) -> dict[str, Any]:
    """Return the joined lock, parsed."""
    data = join_parts(Path("pylock.toml"), parts, extras, groups, groups[:1])
    return tomli.loads(data.decode())


def markers(lock: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Return every package with its marker."""
    return [(one["name"], one.get("marker")) for one in lock["packages"]]


def test_a_package_has_the_condition_of_the_export_that_has_it() -> None:
    """What is there anyway has none, and each package stands once."""
    lock = join(
        part("", package("a"), package("w", marker="sys_platform == 'win32'")),
        part(
            "'x' in extras",
            package("a"),
            package("w", marker="sys_platform == 'win32'"),
            package("e"),
        ),
        part("'dev' in dependency_groups", package("a"), package("g"), package("w")),
        part("'docs' in dependency_groups", package("g", marker="python_version < '3.11'")),
        extras=["x"],
        groups=["dev", "docs"],
    )
    assert markers(lock) == [
        ("a", None),
        ("e", "'x' in extras"),
        (
            "g",
            (
                "'dev' in dependency_groups or "
                "('docs' in dependency_groups and python_version < '3.11')"
            ),
        ),
        ("w", "sys_platform == 'win32' or 'dev' in dependency_groups"),
    ]
    assert (lock["extras"], lock["dependency-groups"], lock["default-groups"]) == (
        ["x"],
        ["dev", "docs"],
        ["dev"],
    )


def test_the_joined_lock_is_selected_from_as_the_specification_says() -> None:
    """`Pylock.select` gives what was asked for, also where versions differ by extra."""
    lock = join(
        part("", package("a")),
        part("'x' in extras", package("a"), package("b", "1.0")),
        part("'y' in extras", package("a"), package("b", "2.0")),
        extras=["x", "y"],
        groups=[],
    )

    def choose(*extras: str) -> list[str]:
        found = Pylock.from_dict(lock).select(
            environment=default_environment(), tags=list(sys_tags()), extras=extras
        )
        return [f"{one.name} {one.version}" for one, _ in found]

    assert choose() == ["a 1.0"]
    assert choose("x") == ["a 1.0", "b 1.0"]
    assert choose("y") == ["a 1.0", "b 2.0"]


def test_a_lock_of_nothing_is_one() -> None:
    """A project without requirements has a lock, too."""
    assert markers(join(part(""), extras=[], groups=[])) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [(None, ["Dev"]), ("all", ["Dev", "docs"]), (["docs"], ["docs"]), ([], [])],
)
def test_the_default_groups_are_uvs(told: object, expected: list[str]) -> None:
    """Without a word it is `dev`."""
    uv = {} if told is None else {"default-groups": told}
    assert default_groups({"tool": {"uv": uv}}, ["Dev", "docs"]) == expected


def test_versions_are_kept_but_for_what_is_to_move(tmp_path: Path) -> None:
    """They are told to uv in the form of an old lock of its own."""
    path = tmp_path / "uv.lock"
    old = (HEAD + package("a") + package("B.c", "2.0")).encode()

    def versions(upgrade: Upgrade) -> dict[str, str]:
        write_preferences(old, upgrade, path)
        if not path.exists():
            return {}
        packages = tomli.loads(path.read_text())["package"]
        return {one["name"]: one["version"] for one in packages}

    assert versions(NO_UPGRADE) == {"a": "1.0", "B.c": "2.0"}
    assert versions(Upgrade(names=("b-C",))) == {"a": "1.0"}
    assert versions(Upgrade(everything=True)) == {}
    write_preferences(b"damaged [", NO_UPGRADE, path)
    assert not path.exists()
