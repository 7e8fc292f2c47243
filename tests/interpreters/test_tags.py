"""Tags: what can be computed from facts alone is what `packaging` finds out on the spot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.tags import parse_tag

from pyx_launcher.interpreters.tags import (
    TagFacts,
    compute_abis,
    compute_platforms,
    compute_tags,
    manylinux_platforms,
    musllinux_platforms,
)

LINUX = TagFacts(
    python=(3, 12),
    platform="linux-x86_64",
    system="Linux",
    libc="glibc",
    libc_version=(2, 17),
)


def test_manylinux_goes_back_to_glibc_2_5_on_x86_64() -> None:
    """Each version of glibc is a tag, followed by its name from before PEP 600."""
    assert list(manylinux_platforms((2, 13), "x86_64")) == [
        "manylinux_2_13_x86_64",
        "manylinux_2_12_x86_64",
        "manylinux2010_x86_64",
        "manylinux_2_11_x86_64",
        "manylinux_2_10_x86_64",
        "manylinux_2_9_x86_64",
        "manylinux_2_8_x86_64",
        "manylinux_2_7_x86_64",
        "manylinux_2_6_x86_64",
        "manylinux_2_5_x86_64",
        "manylinux1_x86_64",
    ]


def test_manylinux_begins_with_glibc_2_17_elsewhere() -> None:
    """No other architecture had manylinux1 or manylinux2010."""
    assert list(manylinux_platforms((2, 18), "aarch64")) == [
        "manylinux_2_18_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    ]
    assert list(manylinux_platforms((2, 16), "aarch64")) == []


def test_musllinux_counts_down_to_minor_version_0() -> None:
    """The major version of musl stays, as PEP 656 says."""
    assert list(musllinux_platforms((1, 2), "x86_64")) == [
        "musllinux_1_2_x86_64",
        "musllinux_1_1_x86_64",
        "musllinux_1_0_x86_64",
    ]


def test_the_native_platform_comes_first() -> None:
    """A wheel built on this very machine is better than any portable one."""
    platforms = compute_platforms(LINUX)
    assert platforms[:3] == ["linux_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    assert platforms[-1] == "manylinux1_x86_64"


def test_musl_has_no_manylinux() -> None:
    """A wheel for glibc does not load under musl."""
    facts = replace(LINUX, platform="linux-aarch64", libc="musl", libc_version=(1, 1))
    assert compute_platforms(facts) == [
        "linux_aarch64",
        "musllinux_1_1_aarch64",
        "musllinux_1_0_aarch64",
    ]


def test_an_unknown_libc_has_only_the_native_platform() -> None:
    """What the C library is must be known before a portable wheel may be trusted."""
    facts = replace(LINUX, libc="", libc_version=(0, 0))
    assert compute_platforms(facts) == ["linux_x86_64"]


def test_an_architecture_without_manylinux_has_only_the_native_platform() -> None:
    """Manylinux names its architectures; others have no portable wheels."""
    assert compute_platforms(replace(LINUX, platform="linux-sparc64")) == ["linux_sparc64"]


def test_a_32_bit_interpreter_on_a_64_bit_kernel_is_i686() -> None:
    """Sysconfig reports the kernel's architecture, but the wheels must be 32-bit."""
    facts = replace(LINUX, bits=32, elf="i686", libc_version=(2, 5))
    assert compute_platforms(facts) == ["linux_i686", "manylinux_2_5_i686", "manylinux1_i686"]


def test_armv8l_also_takes_armv7l() -> None:
    """A 32-bit interpreter on a 64-bit ARM kernel runs what is built for the older machine."""
    facts = replace(LINUX, platform="linux-aarch64", bits=32, elf="armhf")
    assert compute_platforms(facts) == [
        "linux_armv8l",
        "linux_armv7l",
        "manylinux_2_17_armv8l",
        "manylinux2014_armv8l",
        "manylinux_2_17_armv7l",
        "manylinux2014_armv7l",
    ]


def test_soft_float_arm_has_no_manylinux() -> None:
    """Wheels for armv7l pass floats in registers, which a soft-float interpreter does not."""
    facts = replace(LINUX, platform="linux-armv7l", bits=32, elf="")
    assert compute_platforms(facts) == ["linux_armv7l"]


def test_windows_has_one_platform() -> None:
    """Elsewhere than on Linux and macOS the platform is the one that sysconfig names."""
    facts = TagFacts(python=(3, 12), platform="win-amd64", system="Windows")
    assert compute_platforms(facts) == ["win_amd64"]


def test_macos_on_arm_begins_with_version_11() -> None:
    """Older versions are there only as half of a universal2 binary."""
    facts = TagFacts(
        python=(3, 12),
        platform="macosx-11.0-arm64",
        system="Darwin",
        mac_version=(12, 3),
        mac_arch="arm64",
    )
    platforms = compute_platforms(facts)
    assert platforms[:5] == [
        "macosx_12_0_arm64",
        "macosx_12_0_universal2",
        "macosx_11_0_arm64",
        "macosx_11_0_universal2",
        "macosx_10_16_universal2",
    ]
    assert not any(
        platform.startswith("macosx_10") and "arm64" in platform for platform in platforms
    )


def test_macos_on_intel_goes_back_to_10_4() -> None:
    """x86_64 existed long before version 11."""
    facts = TagFacts(
        python=(3, 12),
        platform="macosx-10.9-universal2",
        system="Darwin",
        mac_version=(11, 2),
        mac_arch="x86_64",
    )
    platforms = compute_platforms(facts)
    assert platforms[0] == "macosx_11_0_x86_64"
    assert "macosx_10_9_x86_64" in platforms
    assert platforms[-1].startswith("macosx_10_4_")


@pytest.mark.parametrize(
    ("facts", "abis"),
    [
        (LINUX, ["cp312"]),
        (replace(LINUX, debug=True), ["cp312d", "cp312"]),
        (replace(LINUX, python=(3, 13), free_threaded=True), ["cp313t"]),
        (replace(LINUX, python=(3, 14), free_threaded=True, debug=True), ["cp314td", "cp314t"]),
    ],
)
def test_abis(facts: TagFacts, abis: list[str]) -> None:
    """A debug build loads the extension modules of a release build after its own."""
    assert compute_abis(facts) == abis


def test_a_free_threaded_interpreter_takes_no_abi3() -> None:
    """The stable ABI assumes the lock that a free-threaded build does not have."""
    plain = {tag.abi for tag in compute_tags(replace(LINUX, python=(3, 13)))}
    threaded = {tag.abi for tag in compute_tags(replace(LINUX, python=(3, 13), free_threaded=True))}
    assert plain == {"cp313", "abi3", "none"}
    assert "abi3" not in threaded
    assert "cp313t" in threaded


def test_a_free_threaded_interpreter_takes_the_stable_abi_of_its_own() -> None:
    """A wheel for `abi3t` (PEP 803) is for it alone; one for both, `abi3.abi3t`, is for either."""
    facts = replace(LINUX, python=(3, 15))
    plain, threaded = (compute_tags(each) for each in (facts, replace(facts, free_threaded=True)))
    own, both = (parse_tag(f"cp315-{abi}-linux_x86_64") for abi in ("abi3t", "abi3.abi3t"))
    assert own.isdisjoint(plain)
    assert not own.isdisjoint(threaded)
    assert not both.isdisjoint(plain)
    assert not both.isdisjoint(threaded)


def test_tags_go_from_native_to_pure() -> None:
    """The first tag is the interpreter's own, the last the oldest pure Python."""
    tags = compute_tags(LINUX)
    assert str(tags[0]) == "cp312-cp312-linux_x86_64"
    assert str(tags[-1]) == "py30-none-any"
    assert "cp312-none-any" in map(str, tags)


def test_tags_are_computed_once() -> None:
    """Hundreds of tags are worth keeping for as long as the process lasts."""
    assert compute_tags(LINUX) is compute_tags(replace(LINUX))
