"""One lock for every machine: each format gives each target its own wheels and distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from targets import MACHINES, make_interpreter

from pyx_launcher.errors import ArtifactError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.selection import select

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "0" * 64

TAGS = (
    "cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp311-cp311-musllinux_1_1_x86_64",
    "cp312-cp312-macosx_10_9_universal2",
    "cp312-cp312-macosx_10_9_x86_64",
    "cp312-cp312-macosx_11_0_arm64",
    "cp312-cp312-macosx_15_0_arm64",
    "cp312-cp312-manylinux_2_17_aarch64.manylinux2014_aarch64",
    "cp312-cp312-manylinux_2_28_aarch64",
    "cp312-cp312-manylinux_2_34_x86_64",
    "cp312-cp312-musllinux_1_2_aarch64",
    "cp313-cp313-manylinux_2_17_x86_64",
    "cp313-cp313-win32",
    "cp313-cp313-win_amd64",
    "cp313-cp313-win_arm64",
    "cp313-cp313t-manylinux_2_17_x86_64",
    "cp313-cp313t-win_amd64",
)

# Machine, Python, and the tags of the wheel that has to be chosen.
BEST = (
    ("x86_64-manylinux_2_28", "3.11.7", "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"),
    ("x86_64-manylinux_2_28", "3.12.1", "cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64"),
    ("x86_64-manylinux_2_28", "3.13.0", "cp313-cp313-manylinux_2_17_x86_64"),
    ("x86_64-manylinux_2_28", "3.13.0t", "cp313-cp313t-manylinux_2_17_x86_64"),
    ("aarch64-manylinux_2_28", "3.12.1", "cp312-cp312-manylinux_2_28_aarch64"),
    ("x86_64-unknown-linux-musl", "3.11.7", "cp311-cp311-musllinux_1_1_x86_64"),
    ("aarch64-unknown-linux-musl", "3.12.1", "cp312-cp312-musllinux_1_2_aarch64"),
    ("aarch64-apple-darwin", "3.12.1", "cp312-cp312-macosx_11_0_arm64"),
    ("x86_64-apple-darwin", "3.12.1", "cp312-cp312-macosx_10_9_x86_64"),
    ("x86_64-pc-windows-msvc", "3.13.0", "cp313-cp313-win_amd64"),
    ("x86_64-pc-windows-msvc", "3.13.0t", "cp313-cp313t-win_amd64"),
    ("aarch64-pc-windows-msvc", "3.13.0", "cp313-cp313-win_arm64"),
)

# Some that nothing above is for: too old, too new, the wrong libc, and threads without a wheel.
NONE = (
    ("x86_64-unknown-linux-musl", "3.12.1"),
    ("aarch64-manylinux_2_28", "3.9.18"),
    ("aarch64-apple-darwin", "3.13.0"),
    ("aarch64-pc-windows-msvc", "3.13.0t"),
    ("x86_64-pc-windows-msvc", "3.11.7"),
)

SYSTEMS = ("linux", "darwin", "win32")
MARKERS = {system: f"sys_platform == '{system}'" for system in SYSTEMS} | {
    "arm": "platform_machine in 'aarch64 arm64 ARM64'",
    "new": "python_full_version >= '3.13'",
    "posix": "os_name == 'posix' and implementation_name == 'cpython'",
}


def wheel(name: str, tag: str) -> str:
    """Return the name of a wheel."""
    return f"{name}-1.0-{tag}.whl"


def universe() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return every distribution: its marker and its wheels."""
    portable = {name: (marker, ("py3-none-any",)) for name, marker in MARKERS.items()}
    return {"compiled": ("", TAGS), **portable}


def write_pylock(directory: Path) -> Path:
    """Write the universe as pylock.toml."""
    lines = ['lock-version = "1.0"\ncreated-by = "hand"']
    for name, (marker, tags) in universe().items():
        lines.append(f'[[packages]]\nname = "{name}"\nversion = "1.0"')
        lines += [f'marker = "{marker}"'] if marker else []
        lines += [
            f'[[packages.wheels]]\nurl = "https://example.org/{wheel(name, tag)}"\n'
            f'hashes = {{ sha256 = "{DIGEST}" }}'
            for tag in tags
        ]
    path = directory / "pylock.toml"
    path.write_text("\n".join(lines))
    return path


def write_uv(directory: Path) -> Path:
    """Write the universe as uv.lock, all of it wanted by one project."""
    needs = [
        f'{{ name = "{name}"' + (f', marker = "{marker}"' if marker else "") + " }"
        for name, (marker, _) in universe().items()
    ]
    lines = ['version = 1\nrequires-python = ">=3.9"', '[[package]]\nname = "sample"']
    lines.append('version = "0.1"\nsource = { virtual = "." }')
    lines.append(f"dependencies = [{', '.join(needs)}]")
    for name, (_, tags) in universe().items():
        files = [
            f'{{ url = "https://example.org/{wheel(name, tag)}", hash = "sha256:{DIGEST}" }}'
            for tag in tags
        ]
        lines.append(f'[[package]]\nname = "{name}"\nversion = "1.0"')
        lines.append('source = { registry = "https://example.org/simple" }')
        lines.append(f"wheels = [{', '.join(files)}]")
    path = directory / "uv.lock"
    path.write_text("\n".join(lines))
    return path


def write_files(tags: tuple[str, ...], name: str) -> str:
    """Return the files of a distribution as Poetry and PDM write them."""
    files = (f'{{ file = "{wheel(name, tag)}", hash = "sha256:{DIGEST}" }}' for tag in tags)
    return f"files = [{', '.join(files)}]"


def write_poetry(directory: Path) -> Path:
    """Write the universe as poetry.lock."""
    lines = []
    for name, (marker, tags) in universe().items():
        lines.append(f'[[package]]\nname = "{name}"\nversion = "1.0"\ngroups = ["main"]')
        lines += [f'markers = "{marker}"'] if marker else []
        lines.append(write_files(tags, name))
    lines.append('[metadata]\nlock-version = "2.1"\npython-versions = ">=3.9"')
    path = directory / "poetry.lock"
    path.write_text("\n".join(lines))
    return path


def write_pdm(directory: Path) -> Path:
    """Write the universe as pdm.lock."""
    lines = ['[metadata]\nlock_version = "4.5.0"\nstrategy = ["inherit_metadata"]']
    lines.append('groups = ["default"]')
    for name, (marker, tags) in universe().items():
        lines.append(f'[[package]]\nname = "{name}"\nversion = "1.0"\ngroups = ["default"]')
        lines += [f'marker = "{marker}"'] if marker else []
        lines.append(write_files(tags, name))
    path = directory / "pdm.lock"
    path.write_text("\n".join(lines))
    return path


FORMATS = {"pylock": write_pylock, "uv": write_uv, "poetry": write_poetry, "pdm": write_pdm}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("machine", "python", "tag"), BEST)
def test_best_wheel(tmp_path: Path, kind: str, machine: str, python: str, tag: str) -> None:
    """Of one lock, each target gets its most specific wheel, whatever the format."""
    interpreter = make_interpreter(machine, python)
    selection = select(read_lock(FORMATS[kind](tmp_path)), interpreter, Choice())
    compiled = next(a for a in selection.artifacts if a.name == "compiled")
    assert getattr(compiled.source, "filename", None) == wheel("compiled", tag)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("machine", "python"), NONE)
def test_no_wheel(tmp_path: Path, kind: str, machine: str, python: str) -> None:
    """A target that no wheel is for is told what there is, and for which Python it was looked."""
    interpreter = make_interpreter(machine, python)
    with pytest.raises(ArtifactError) as caught:
        select(read_lock(FORMATS[kind](tmp_path)), interpreter, Choice())
    assert f"no wheel for Python {interpreter.short} on this platform" in caught.value.message
    # All that it has counts, and not what is left once other platforms are left out.
    assert f"and {len(TAGS) - 3} more" in caught.value.message


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("machine", "python", "tag"), BEST)
def test_markers(tmp_path: Path, kind: str, machine: str, python: str, tag: str) -> None:
    """The markers are evaluated for the target, and none for the machine that runs pyx."""
    del tag
    interpreter = make_interpreter(machine, python)
    there = MACHINES[machine]
    expected = {"compiled", there.sys_platform}
    expected |= {"posix"} if there.system != "Windows" else set()
    expected |= {"arm"} if there.machine not in {"x86_64", "AMD64"} else set()
    expected |= {"new"} if python.startswith("3.13") else set()
    selection = select(read_lock(FORMATS[kind](tmp_path)), interpreter, Choice())
    assert {artifact.name for artifact in selection.artifacts} == expected
