"""Interpreters of other machines, as the facts that pyx has about them: markers and tags.

The names are those that `uv pip compile --python-platform` has for the same machines, so that uv
can be asked what it would take there; a free-threaded build has a ``t`` behind its version.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyx_launcher.interpreters.finder import Interpreter
from pyx_launcher.interpreters.tags import TagFacts

if TYPE_CHECKING:
    from packaging.markers import Environment


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What is the same for every interpreter on one kind of machine."""

    sys_platform: str
    system: str
    machine: str
    """`platform.machine()`."""

    facts: dict[str, Any]
    """What `TagFacts` has besides the version of Python."""


GLIBC = {"libc": "glibc", "libc_version": (2, 28)}
MUSL = {"libc": "musl", "libc_version": (1, 2)}

MACHINES = {
    "x86_64-manylinux_2_28": Machine(
        sys_platform="linux",
        system="Linux",
        machine="x86_64",
        facts={"platform": "linux-x86_64", **GLIBC},
    ),
    "aarch64-manylinux_2_28": Machine(
        sys_platform="linux",
        system="Linux",
        machine="aarch64",
        facts={"platform": "linux-aarch64", **GLIBC},
    ),
    "x86_64-unknown-linux-musl": Machine(
        sys_platform="linux",
        system="Linux",
        machine="x86_64",
        facts={"platform": "linux-x86_64", **MUSL},
    ),
    "aarch64-unknown-linux-musl": Machine(
        sys_platform="linux",
        system="Linux",
        machine="aarch64",
        facts={"platform": "linux-aarch64", **MUSL},
    ),
    "aarch64-apple-darwin": Machine(
        sys_platform="darwin",
        system="Darwin",
        machine="arm64",
        facts={"platform": "macosx-11.0-arm64", "mac_version": (13, 0), "mac_arch": "arm64"},
    ),
    "x86_64-apple-darwin": Machine(
        sys_platform="darwin",
        system="Darwin",
        machine="x86_64",
        facts={"platform": "macosx-10.9-x86_64", "mac_version": (13, 0), "mac_arch": "x86_64"},
    ),
    "x86_64-pc-windows-msvc": Machine(
        sys_platform="win32", system="Windows", machine="AMD64", facts={"platform": "win-amd64"}
    ),
    "aarch64-pc-windows-msvc": Machine(
        sys_platform="win32", system="Windows", machine="ARM64", facts={"platform": "win-arm64"}
    ),
}


def make_interpreter(machine: str, python: str = "3.12.1") -> Interpreter:
    """Return CPython of this full version on the machine of this name; ``3.13.0t`` has threads."""
    there = MACHINES[machine]
    version = python.removesuffix("t")
    major, minor = (int(part) for part in version.split(".")[:2])
    markers: Environment = {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "nt" if there.system == "Windows" else "posix",
        "platform_machine": there.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": there.system,
        "platform_version": "",
        "python_full_version": version,
        "python_version": f"{major}.{minor}",
        "sys_platform": there.sys_platform,
    }
    return Interpreter(
        build="",
        files=(),
        path=Path("/elsewhere/python"),
        version=version,
        implementation="cpython",
        markers=markers,
        stdlib=(),
        prefix="/elsewhere",
        exec_prefix="/elsewhere",
        cache_tag=f"cpython-{major}{minor}",
        magic=b"",
        pycompile=b"",
        pycompile_public=b"",
        encodings_file="",
        encodings_hash=b"",
        encodings_codes=b"",
        abiflags="t" if python.endswith("t") else "",
        soabi="",
        ext_suffix=".so",
        tag_facts=TagFacts(
            python=(major, minor),
            system=there.system,
            free_threaded=python.endswith("t"),
            **there.facts,
        ),
        facts_digest="0" * 16,
    )
