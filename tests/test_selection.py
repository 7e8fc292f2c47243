"""One artifact per distribution, for any target: tags and markers of other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from targets import MACHINES, make_interpreter

from pyx_launcher.errors import ArtifactError, InterpreterError, LockError, UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.selection import Selection, select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyx_launcher.interpreters.finder import Interpreter

DIGEST = "0" * 64

# Names for the machines and versions of the tests below.
TARGETS = {
    "linux": ("x86_64-manylinux_2_28", "3.11.0"),
    "linux-aarch64": ("aarch64-manylinux_2_28", "3.12.0"),
    "musl": ("x86_64-unknown-linux-musl", "3.11.0"),
    "macos": ("aarch64-apple-darwin", "3.12.0"),
    "windows": ("x86_64-pc-windows-msvc", "3.13.0"),
    "free-threaded": ("x86_64-manylinux_2_28", "3.13.0t"),
}


def target(name: str) -> Interpreter:
    """Return the facts of an interpreter on another machine, by its name in `TARGETS`."""
    return make_interpreter(*TARGETS[name])


def wheels(name: str, *tags: str, version: str = "1.0") -> str:
    """Return the tables of wheels of a distribution."""
    return "".join(
        f'[[packages.wheels]]\nname = "{name}-{version}-{tag}.whl"\n'
        f'path = "{name}-{version}-{tag}.whl"\nhashes = {{sha256 = "{DIGEST}"}}\n'
        for tag in tags
    )


def package(name: str, body: str, *, version: str | None = "1.0", marker: str = "") -> str:
    """Return the table of a distribution."""
    lines = ["[[packages]]", f'name = "{name}"']
    lines += [f'version = "{version}"'] if version else []
    lines += [f"marker = '{marker}'"] if marker else []
    return "\n".join([*lines, body])


def choose(
    directory: Path,
    interpreter: Interpreter,
    *packages: str,
    head: str = "",
    choice: Choice | None = None,
) -> Selection:
    """Return what a lock of `packages` means for `interpreter`."""
    path = directory / "pylock.toml"
    text = f'lock-version = "1.0"\ncreated-by = "hand"\n{head}\n'
    path.write_text(text + "\n".join(packages), encoding="utf-8")
    return select(read_lock(path), interpreter, choice or Choice())


def files(selection: Selection) -> list[str]:
    """Return the file names that were chosen."""
    return [getattr(artifact.source, "filename", "") for artifact in selection.artifacts]


EVERY = (
    "py3-none-any",
    "cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp311-cp311-manylinux_2_34_x86_64",
    "cp311-cp311-musllinux_1_1_x86_64",
    "cp312-cp312-manylinux_2_17_aarch64",
    "cp312-cp312-manylinux_2_28_aarch64",
    "cp312-cp312-macosx_11_0_arm64",
    "cp312-cp312-macosx_11_0_universal2",
    "cp312-cp312-macosx_15_0_arm64",
    "cp313-cp313-win_amd64",
    "cp313-cp313-win32",
    "cp313-cp313t-manylinux_2_17_x86_64",
)


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("linux", "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"),
        ("linux-aarch64", "cp312-cp312-manylinux_2_28_aarch64"),
        ("musl", "cp311-cp311-musllinux_1_1_x86_64"),
        ("macos", "cp312-cp312-macosx_11_0_arm64"),
        ("windows", "cp313-cp313-win_amd64"),
        ("free-threaded", "cp313-cp313t-manylinux_2_17_x86_64"),
    ],
)
@pytest.mark.parametrize("order", [1, -1], ids=["forward", "backward"])
def test_each_target_gets_its_best_wheel(tmp_path: Path, name: str, tag: str, order: int) -> None:
    """The tags of the target decide, however the lock is sorted."""
    selection = choose(tmp_path, target(name), package("pack", wheels("pack", *EVERY[::order])))
    assert files(selection) == [f"pack-1.0-{tag}.whl"]


@pytest.mark.parametrize("name", TARGETS)
def test_markers_are_those_of_the_target(tmp_path: Path, name: str) -> None:
    """A distribution for one system is chosen on that system alone."""
    systems = [
        package(system, wheels(system, "py3-none-any"), marker=f'sys_platform == "{system}"')
        for system in ("linux", "darwin", "win32")
    ]
    selection = choose(tmp_path, target(name), *systems)
    there = MACHINES[TARGETS[name][0]].sys_platform
    assert [artifact.name for artifact in selection.artifacts] == [there]


def test_all_that_have_no_wheel_are_named(tmp_path: Path) -> None:
    """Not only the first; what they have is told, and what is not wanted here is not blamed."""
    foreign = (
        "cp313-cp313-win_amd64",
        "cp313-cp313-win32",
        "cp312-cp312-win32",
        "cp311-cp311-win32",
    )
    with pytest.raises(ArtifactError) as caught:
        choose(
            tmp_path,
            target("linux"),
            package("good", wheels("good", "py3-none-any")),
            package("one", wheels("one", *foreign)),
            package("skipped", wheels("skipped", *foreign), marker='sys_platform == "win32"'),
            package(
                "two", wheels("two", "cp311-cp311-macosx_11_0_arm64", version="2"), version="2"
            ),
        )
    message = str(caught.value)
    assert "no wheel for Python 3.11" in message
    assert "one 1.0 (it has cp313-cp313-win_amd64, " in message
    assert "and 1 more)" in message
    assert "two 2 (it has cp311-cp311-macosx_11_0_arm64)" in message
    assert "good" not in message
    assert "skipped" not in message
    assert "--python" in (caught.value.hint or "")


def test_an_sdist_is_taken_only_where_no_wheel_fits(tmp_path: Path) -> None:
    """The same lock builds on one machine and unpacks on another."""
    sdist = (
        '[packages.sdist]\nname = "pack-1.0.tar.gz"\npath = "pack-1.0.tar.gz"\n'
        f'hashes = {{sha256 = "{DIGEST}"}}\n'
    )
    locked = package("pack", sdist + wheels("pack", "cp313-cp313-win_amd64"))
    assert files(choose(tmp_path, target("linux"), locked)) == ["pack-1.0.tar.gz"]
    assert files(choose(tmp_path, target("windows"), locked)) == [
        "pack-1.0-cp313-cp313-win_amd64.whl"
    ]


def test_an_artifact_knows_what_the_next_steps_need(tmp_path: Path) -> None:
    """Name, version, index and the directory that paths start from."""
    body = 'index = "https://example.org/simple/"\n' + wheels(
        "a-b".replace("-", "_"), "py3-none-any"
    )
    (artifact,) = choose(tmp_path, target("linux"), package("a-b", body)).artifacts
    assert (artifact.name, artifact.version, artifact.label) == ("a-b", "1.0", "a-b 1.0")
    assert artifact.index == "https://example.org/simple/"
    assert artifact.base == tmp_path


def test_an_empty_lock_selects_nothing(tmp_path: Path) -> None:
    """That is a program with the standard library alone, and no error."""
    assert choose(tmp_path, target("linux"), "packages = []").artifacts == ()


def test_extras_and_groups_choose(tmp_path: Path) -> None:
    """Defaults count unless they are turned off; the selection remembers what was taken."""
    head = 'extras = ["fast"]\ndependency-groups = ["dev", "docs"]\ndefault-groups = ["dev"]\n'
    packages = [
        package("fast", wheels("fast", "py3-none-any"), marker='"fast" in extras'),
        package("dev", wheels("dev", "py3-none-any"), marker='"dev" in dependency_groups'),
        package("docs", wheels("docs", "py3-none-any"), marker='"docs" in dependency_groups'),
    ]

    def names(choice: Choice) -> list[str]:
        selection = choose(tmp_path, target("linux"), *packages, head=head, choice=choice)
        assert selection.groups | selection.extras == {a.name for a in selection.artifacts}
        return [artifact.name for artifact in selection.artifacts]

    assert names(Choice()) == ["dev"]
    assert names(Choice(default_groups=False)) == []
    assert names(Choice(all_groups=True, no_dev=True)) == ["docs"]
    assert names(Choice(only_groups=("docs",))) == ["docs"]
    assert names(Choice(extras=("FAST",), groups=("docs",))) == ["fast", "dev", "docs"]
    assert names(Choice(all_groups=True, all_extras=True)) == ["fast", "dev", "docs"]
    with pytest.raises(UsageError, match="no group named nope"):
        names(Choice(groups=("nope",)))


@pytest.mark.parametrize(
    "head", ['requires-python = ">=3.12"', "environments = ['sys_platform == \"win32\"']"]
)
def test_a_lock_for_other_interpreters_says_so(tmp_path: Path, head: str) -> None:
    """The error names the lock and the interpreter, and how to choose another."""
    with pytest.raises(InterpreterError, match=r"pylock\.toml excludes .* \(3\.11\.0\)") as caught:
        choose(tmp_path, target("linux"), package("a", wheels("a", "py3-none-any")), head=head)
    assert "--python" in (caught.value.hint or "")


def test_a_lock_that_names_a_distribution_twice_is_bad(tmp_path: Path) -> None:
    """Two versions whose markers both hold contradict each other; apart they are fine."""

    def two(marker: str) -> list[str]:
        return [
            package("a", wheels("a", "py3-none-any")),
            package("a", wheels("a", "py3-none-any", version="2"), version="2", marker=marker),
        ]

    with pytest.raises(LockError, match=r"pylock\.toml: .*'a'"):
        choose(tmp_path, target("linux"), *two('sys_platform == "linux"'))
    selection = choose(tmp_path, target("linux"), *two('sys_platform == "win32"'))
    assert files(selection) == ["a-1.0-py3-none-any.whl"]


def test_a_distribution_for_other_interpreters_says_so(tmp_path: Path) -> None:
    """A distribution of the lock may exclude an interpreter that the lock itself does not."""
    body = 'requires-python = ">=3.12"\n' + wheels("a", "py3-none-any")
    with pytest.raises(InterpreterError, match=r"excludes .* \(3\.11\.0\): a requires Python >=3"):
        choose(tmp_path, target("linux"), package("a", body))


BAD_WHEELS: Sequence[str] = (
    "../../a-1.0-py3-none-any.whl",
    "/etc/passwd",
    "a-1.0.whl",
    "b-1.0-py3-none-any.whl",
    "a-2.0-py3-none-any.whl",
    "a-../x-py3-none-any.whl",
    "",
)


@pytest.mark.parametrize("filename", BAD_WHEELS)
def test_a_wheel_with_another_name_is_a_bad_lock(tmp_path: Path, filename: str) -> None:
    """Odd names of files end with the lock named, not with a traceback or a file elsewhere."""
    body = (
        f'[[packages.wheels]]\nname = "{filename}"\nurl = "https://example.org/{filename}"\n'
        f'hashes = {{sha256 = "{DIGEST}"}}\n'
    )
    with pytest.raises(LockError, match=r"pylock\.toml"):
        choose(tmp_path, target("linux"), package("a", body))


@pytest.mark.parametrize("name", ["../x", "", "/etc", "a b", "A_B", "a\\\\b", "é"])
def test_a_name_that_is_not_normal_is_a_bad_lock(tmp_path: Path, name: str) -> None:
    """PEP 751 wants normalised names, and a place in the store is made of them."""
    with pytest.raises(LockError, match="name"):
        choose(tmp_path, target("linux"), package(name, wheels("a", "py3-none-any")))


@pytest.mark.parametrize("version", ["../x", "", "/etc", "latest", "1.0/../2"])
def test_a_version_that_is_none_is_a_bad_lock(tmp_path: Path, version: str) -> None:
    """The same holds for versions."""
    locked = package("a", wheels("a", "py3-none-any"), version=None)
    with pytest.raises(LockError, match="version"):
        choose(
            tmp_path, target("linux"), locked.replace('"a"\n', f'"a"\nversion = "{version}"\n', 1)
        )


def test_a_wheel_tells_the_version_that_a_lock_leaves_out(tmp_path: Path) -> None:
    """The format lets a lock go without versions, and a wheel always has one in its name."""
    locked = package("a", wheels("a", "py3-none-any"), version=None)
    assert choose(tmp_path, target("linux"), locked).artifacts[0].version == "1.0"


@pytest.mark.parametrize("locked", ["1.17", "1.17.0", "1.17.0.0", "v1.17.0"])
def test_a_version_is_the_one_in_the_name_of_the_file(tmp_path: Path, locked: str) -> None:
    """A lock may leave out the last zeros of a version, or have more: it is the same version."""
    [artifact] = choose(
        tmp_path,
        target("linux"),
        package("six", wheels("six", "py3-none-any", version="1.17.0"), version=locked),
    ).artifacts
    assert artifact.version == "1.17.0"


def test_of_several_builds_the_highest_is_taken(tmp_path: Path) -> None:
    """A build number breaks a tie between wheels of the same tags, as a number (wheel format)."""
    tags = ("9-py3-none-any", "10a-py3-none-any", "py3-none-any")
    assert files(choose(tmp_path, target("linux"), package("six", wheels("six", *tags)))) == [
        "six-1.0-10a-py3-none-any.whl"
    ]


def test_each_selection_says_once_what_would_be_allowed(tmp_path: Path) -> None:
    """A start may try several interpreters with one lock, and shows the last of their errors."""
    path = tmp_path / "requirements.txt"
    path.write_text("--require-hashes\ntick==1.0\n")
    lock = read_lock(path)
    for name in ("linux", "macos"):
        with pytest.raises(LockError) as caught:
            select(lock, target(name), Choice())
    assert (caught.value.hint or "").count("--allow-unhashed tick") == 1
