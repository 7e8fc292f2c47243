"""Which shared libraries look for others outside their entry: ELF files made byte by byte."""

from __future__ import annotations

import io
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from elffiles import DT_NEEDED, DT_RPATH, DT_RUNPATH, make_elf

from pyx_launcher.store.rpath import find_inward, find_outward, read_run_paths

if TYPE_CHECKING:
    from pathlib import Path


def run_paths(data: bytes) -> tuple[str, ...]:
    """Return the search paths in the file that `data` is."""
    return read_run_paths(io.BytesIO(data))


def read_all(libraries: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the search paths of libraries that are made with these."""
    return {place: run_paths(make_elf((DT_RUNPATH, path))) for place, path in libraries.items()}


def outward(libraries: dict[str, str]) -> list[str]:
    """Return the outward directories of an entry with these libraries and their run paths."""
    directories = {".", "torch", "torch/lib", "torch/sub", "torch.libs", "nvidia", "nvidia/blas"}
    return find_outward(read_all(libraries), directories.__contains__)


def leaves(place: str, *paths: str) -> bool:
    """Say whether a library at `place` with the run paths `paths` leaves the entry."""
    return outward({place: ":".join(paths)}) == [place.rpartition("/")[0]]


@pytest.mark.parametrize("wide", [True, False], ids=["64", "32"])
@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("tag", [DT_RPATH, DT_RUNPATH], ids=["rpath", "runpath"])
def test_both_kinds_are_read_from_every_kind_of_file(wide: bool, order: str, tag: int) -> None:  # noqa: FBT001
    """Width and byte order of the file are its own, not the machine's."""
    data = make_elf(
        (DT_NEEDED, "libc.so.6"), (tag, "$ORIGIN/../x:/opt/lib"), wide=wide, order=order
    )
    assert run_paths(data) == ("$ORIGIN/../x", "/opt/lib")


def test_a_library_without_paths_has_none() -> None:
    """What a library needs is no path."""
    assert run_paths(make_elf((DT_NEEDED, "$ORIGIN/../x"))) == ()


def test_what_a_compiler_writes_is_read(tmp_path: Path) -> None:
    """A real shared library, as the linker of this machine makes it."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    source, library = tmp_path / "a.c", tmp_path / "a.so"
    source.write_text("int answer(void) { return 42; }\n")
    option = "-Wl,-rpath,$ORIGIN/../../nvidia/lib:$ORIGIN"
    subprocess.run(["cc", "-shared", "-fPIC", option, "-o", library, source], check=True)
    with library.open("rb") as file:
        assert read_run_paths(file) == ("$ORIGIN/../../nvidia/lib", "$ORIGIN")


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("torch/lib/a.so", "$ORIGIN/../../nvidia/cublas/lib"),
        ("torch/lib/a.so", "${ORIGIN}/../../nvidia/cublas/lib"),
        ("torch/lib/a.so", "$ORIGIN/../../.."),
        ("a.so", "$ORIGIN/.."),
        ("torch/a.so", "$ORIGIN/./../torch/../mkl"),
        ("torch/a.so", "$ORIGIN/../.."),
        ("torch/a.so", "$ORIGIN/../../torch"),
        ("nvidia/blas/a.so", "$ORIGIN/../cudnn"),
    ],
)
def test_a_path_to_another_distribution_leaves(place: str, path: str) -> None:
    """A path from the file to a name that the entry does not have leads to somebody else's."""
    assert leaves(place, "$ORIGIN", path)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("torch/lib/a.so", "$ORIGIN"),
        ("torch/lib/a.so", "$ORIGIN/../.."),
        ("torch/lib/a.so", "$ORIGIN/../../torch.libs"),
        ("torch/lib/a.so", "/usr/lib/nvidia"),
        ("torch/lib/a.so", ""),
        ("torch/lib/a.so", "../../nvidia"),
        ("torch.libs/a.so", "$ORIGIN/../torch/lib"),
    ],
)
def test_a_path_within_the_entry_or_to_the_system_stays(place: str, path: str) -> None:
    """What stays inside is found through any link, and the system lies where it lies."""
    assert outward({place: path}) == []


def test_only_the_directories_that_must_are_outward() -> None:
    """Others with libraries of their own, or none, can be reached through one link."""
    libraries = {
        "torch/lib/a.so": "$ORIGIN/../../nvidia/cublas/lib",
        "torch/lib/b.so": "$ORIGIN",
        "torch/sub/c.so": "$ORIGIN/../../torch.libs",
    }
    assert outward(libraries) == ["torch/lib"]


def test_where_libraries_look_within_their_entry_is_known() -> None:
    """Their own directory, the top and what is not there say nothing of that."""
    libraries = {
        "torch/lib/a.so": "$ORIGIN:$ORIGIN/../../torch.libs:$ORIGIN/../none",
        "torch/lib/b.so": "$ORIGIN/../sub:$ORIGIN/../../..",
        "torch/sub/c.so": "$ORIGIN/../..:/usr/lib",
        "d.so": "$ORIGIN/torch/lib",
    }
    directories = {".", "torch", "torch/lib", "torch/sub", "torch.libs"}
    assert find_inward(read_all(libraries), directories.__contains__) == {
        "": ["torch/lib"],
        "torch/lib": ["torch.libs", "torch/sub"],
    }


def test_what_leads_to_an_outward_directory_is_outward() -> None:
    """Past the links it would find the library and not what that one looks for."""
    libraries = {
        "torch/lib/a.so": "$ORIGIN/../../nvidia/cublas/lib",
        "torch/sub/c.so": "$ORIGIN/../lib",
        "torch.libs/d.so": "$ORIGIN/../torch/sub",
        "nvidia/blas/e.so": "$ORIGIN",
    }
    assert outward(libraries) == ["torch.libs", "torch/lib", "torch/sub"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7f",
        b"\x7fELF",
        b"\x7fELF\x02",
        b"MZ" + bytes(100),
        b"\xcf\xfa\xed\xfe" + bytes(100),
        b"#!/bin/sh\n",
        b"\x7fELF" + b"\xff" * 60,
        b"\x7fELF" + b"\xff" * 5000,
        b"\x7fELF" + bytes(5000),
    ],
)
def test_anything_else_has_no_paths(data: bytes) -> None:
    """A file that only begins like a library, or is none, is no reason to fail."""
    assert run_paths(data) == ()


def test_a_damaged_library_is_survived(tmp_path: Path) -> None:
    """Cut anywhere, or with any one byte set to 255, a library in a file has paths or has none."""
    whole = make_elf((DT_RUNPATH, "$ORIGIN/../x"))
    file = tmp_path / "a.so"
    found = set()
    for at in range(len(whole)):
        for damaged in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            file.write_bytes(damaged)
            with file.open("rb") as stream:
                found.add(read_run_paths(stream))
    assert () in found
    assert ("$ORIGIN/../x",) in found
