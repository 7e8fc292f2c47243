"""What conda's specs and lists ask for, as requirements: nothing of it goes without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyx_launcher.cli.conda_specs import NOTHING_WANTED, add_file, collect, read_file

if TYPE_CHECKING:
    from pathlib import Path

LIST = """\
name: "ds"  # mine
channels: [conda-forge]
dependencies:
- python=3.11.*
- pytorch::pytorch=2.1   # for models
- pytorch-gpu
- numpy 1.26.4
- nodejs
- blas=*=openblas
- pip=24
- pip:
  - -r more.txt
  - --editable=lib
  - -e .
  - tock >= 1; python_version < "3.12"
  - git+https://example.org/some/thing.git@main
  - --extra-index-url https://example.org/simple
- rich>=13.*
variables:
  - A: 1
prefix: /opt/ds
"""


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("numpy", "numpy"),
        ("numpy=1.26", "numpy==1.26.*"),
        ("numpy=1.26.4", "numpy==1.26.4"),
        ("numpy==1.26", "numpy==1.26"),
        ("numpy=1.26=py312h_0", "numpy==1.26"),
        ("numpy 1.26.* py312h_0", "numpy==1.26.*"),
        ("numpy=1.2*", "numpy==1.2.*"),
        ("numpy=*", "numpy"),
        ("numpy>=1.20.*,<2.0a0", "numpy>=1.20,<2.0a0"),
        ("numpy >=1.20, <2", "numpy>=1.20,<2"),
        ("numpy!=1.5", "numpy!=1.5"),
        ("conda-forge/linux-64::numpy", "numpy"),
        ("numpy[version='>=1,<2']", "numpy>=1,<2"),
        ("Pytables", "tables"),
        ("pytorch=2.*=*cuda*", "torch==2.*"),
    ],
)
def test_a_spec_is_a_requirement(spec: str, meant: str) -> None:
    """One ``=`` begins a version, two are the whole of it; the build and the channel go."""
    assert list(collect([spec]).packages.values()) == [meant]


@pytest.mark.parametrize(
    ("spec", "python"),
    [
        ("python", None),
        ("python=3.11.*", "3.11"),
        ("python=3.11", "3.11"),
        ("python==3.11.5", "3.11.5"),
        ("python 3.12", "3.12"),
        ("python=3.11.5=h955ad1f_0", "3.11"),
        ("python>=3.9,<3.13", ">=3.9,<3.13"),
        ("python>=3.9.*", ">=3.9"),
    ],
)
def test_a_python_is_one_that_can_be_asked_for(spec: str, python: str | None) -> None:
    """Of an environment that was written out, any release of that version serves."""
    wanted = collect([spec])
    assert (wanted.python, wanted.words, wanted.left_out) == (python, [], ())


@pytest.mark.parametrize(
    "spec",
    [
        *("_libgcc_mutex=0.1=main", "r-base", "libgcc-ng>=9", "ld_impl_linux-64", "??"),
        *("xz=5.4=h5eee18b_0", "cudatoolkit=11.8", "tzdata=2024a=h04d1e81_0"),
    ],
)
def test_what_is_no_package_is_left_out_and_said(spec: str) -> None:
    """By its name, or by a build that is for no Python; an index has a stranger's of that name."""
    assert collect(["rich", spec]).tell("pyx add rich") == (
        f"`pyx add rich`; left out, because it is not a Python package: {spec}"
    )


def test_a_list_is_taken_with_all_its_lines(tmp_path: Path) -> None:
    """What pip is to read beside it too; what is not taken is named with its line."""
    file = tmp_path / "environment.yml"
    file.write_text(LIST)
    wanted = read_file(str(file))
    assert (wanted.name, wanted.python) == ("ds", "3.11")
    assert wanted.packages == {
        "torch": "torch==2.1.*",
        "numpy": "numpy==1.26.4",
        "tock": 'tock >= 1; python_version < "3.12"',
        "thing": "thing @ git+https://example.org/some/thing.git@main",
        "rich": "rich>=13",
    }
    assert wanted.files == (f"{tmp_path}/more.txt",)
    assert wanted.indexes == {"PIP_EXTRA_INDEX_URL": "https://example.org/simple"}
    assert wanted.editables == (f"{tmp_path}/lib", f"{tmp_path}/.")
    assert wanted.left_out == (
        "nodejs (line 8)",
        "blas (line 9)",
        "A: 1 (line 20)",
    )


def test_hashes_are_pips(tmp_path: Path) -> None:
    """Though an option has a single ``=`` as well."""
    file = tmp_path / "wanted.txt"
    file.write_text(f"tick==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    assert add_file(NOTHING_WANTED, str(file)).files == (str(file),)


def test_a_list_is_condas_or_pips_by_what_it_says(tmp_path: Path) -> None:
    """A single ``=`` is conda's; what is not there lists nothing."""
    (tmp_path / "spec.txt").write_text("# platform: linux-64\nrich=13.0.1=pyhd8ed1ab_0\n")
    (tmp_path / "r.txt").write_text("rich==13\n")
    assert add_file(NOTHING_WANTED, f"{tmp_path}/spec.txt").words == ["rich==13.0.1"]
    assert add_file(NOTHING_WANTED, f"{tmp_path}/r.txt").words == ["-r", f"{tmp_path}/r.txt"]
    assert read_file(f"{tmp_path}/gone.yml") == NOTHING_WANTED
