"""Which wheels an interpreter can use: its compatibility tags, computed from probed facts.

Nothing here looks at the running interpreter or machine, so the tags of any target can be had
anywhere. The order is that of `packaging.tags.sys_tags`. The rules are those of the platform
compatibility tags specification: PEP 425, PEP 600 (manylinux) and PEP 656 (musllinux).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.tags import Tag

# The names that manylinux had before PEP 600, by the version of glibc that they stand for.
LEGACY_MANYLINUX = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}

# 32-bit architectures count only if the interpreter itself was built for their exact ABI.
MANYLINUX_ARCHITECTURES = frozenset(
    {"x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TagFacts:
    """What must be known about an interpreter and its machine to name its tags."""

    python: tuple[int, int]
    platform: str
    """`sysconfig.get_platform()`, such as ``linux-x86_64``."""
    system: str
    """`platform.system()`, such as ``Linux``."""
    bits: int = 64
    free_threaded: bool = False
    debug: bool = False
    elf: str = ""
    """``i686`` or ``armhf`` if the binary is a 32-bit ELF file of that ABI."""
    libc: Literal["glibc", "musl", ""] = ""
    libc_version: tuple[int, int] = (0, 0)
    mac_version: tuple[int, int] = (0, 0)
    mac_arch: str = ""


@cache
def compute_tags(facts: TagFacts) -> tuple[Tag, ...]:
    """Return every tag of the wheels that the interpreter can use, best first."""
    from packaging.tags import compatible_tags, cpython_tags

    platforms = compute_platforms(facts)
    interpreter = f"cp{facts.python[0]}{facts.python[1]}"
    native = cpython_tags(facts.python, abis=compute_abis(facts), platforms=platforms)
    portable = compatible_tags(facts.python, interpreter=interpreter, platforms=platforms)
    return (*native, *portable)


def compute_abis(facts: TagFacts) -> list[str]:
    """Return the ABIs that are exactly the interpreter's; the stable ABI is not among them."""
    threading = "t" if facts.free_threaded and facts.python >= (3, 13) else ""
    release = f"cp{facts.python[0]}{facts.python[1]}{threading}"
    # A debug build also loads the extension modules of a release build.
    return [f"{release}d", release] if facts.debug else [release]


def compute_platforms(facts: TagFacts) -> list[str]:
    """Return the platform tags, most specific first."""
    if facts.system == "Linux" and facts.platform.startswith("linux-"):
        return list(_linux_platforms(facts))
    if facts.system == "Darwin":
        from packaging.tags import mac_platforms

        return list(mac_platforms(facts.mac_version, _mac_architecture(facts)))
    return [_normalize(facts.platform)]


def _mac_architecture(facts: TagFacts) -> str:
    if facts.bits == 64:
        return facts.mac_arch
    return "ppc" if facts.mac_arch.startswith("ppc") else "i386"


def _linux_platforms(facts: TagFacts) -> Iterator[str]:
    architectures = _linux_architectures(facts)
    for architecture in architectures:
        yield f"linux_{architecture}"
    if facts.libc == "glibc" and _has_manylinux_abi(facts, architectures):
        for architecture in architectures:
            yield from manylinux_platforms(facts.libc_version, architecture)
    if facts.libc == "musl":
        for architecture in architectures:
            yield from musllinux_platforms(facts.libc_version, architecture)


def _linux_architectures(facts: TagFacts) -> list[str]:
    architecture = _normalize(facts.platform).removeprefix("linux_")
    if facts.bits == 32:
        # sysconfig tells the kernel's architecture, which may run a 32-bit interpreter.
        architecture = {"x86_64": "i686", "aarch64": "armv8l"}.get(architecture, architecture)
    return ["armv8l", "armv7l"] if architecture == "armv8l" else [architecture]


def _has_manylinux_abi(facts: TagFacts, architectures: list[str]) -> bool:
    if "armv7l" in architectures:
        return facts.elf == "armhf"
    if "i686" in architectures:
        return facts.elf == "i686"
    return not MANYLINUX_ARCHITECTURES.isdisjoint(architectures)


def manylinux_platforms(glibc: tuple[int, int], architecture: str) -> Iterator[str]:
    """Yield the manylinux tags for every version of glibc up to `glibc`, newest first.

    The oldest is glibc 2.5 on x86, where manylinux began, and 2.17 elsewhere.
    """
    oldest = 5 if architecture in {"x86_64", "i686"} else 17
    for minor in range(glibc[1], oldest - 1, -1) if glibc[0] == 2 else ():
        yield f"manylinux_2_{minor}_{architecture}"
        if legacy := LEGACY_MANYLINUX.get((2, minor)):
            yield f"{legacy}_{architecture}"


def musllinux_platforms(musl: tuple[int, int], architecture: str) -> Iterator[str]:
    """Yield the musllinux tags for every version of musl up to `musl`, newest first."""
    for minor in range(musl[1], -1, -1):
        yield f"musllinux_{musl[0]}_{minor}_{architecture}"


def _normalize(platform: str) -> str:
    return platform.replace(".", "_").replace("-", "_").replace(" ", "_")
