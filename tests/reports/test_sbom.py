"""``pyx info --sbom``: a valid CycloneDX document that says what ``pyx list`` says, and more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from installed import PLAIN_PYTHON, ROOT
from wheelhouse import make_sdist, make_source_tree, make_wheel, pylock_text, sha256

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Give a project with every kind of licence, requirement and artifact but a checkout."""
    artifacts = [
        make_wheel(
            wheels,
            "app",
            "1.0",
            requires=["web[fast]>=2", "absent; python_version<'3'"],
            metadata=["License-Expression: MIT OR Apache-2.0", "License: not this"],
        ),
        make_wheel(
            wheels,
            "Web",
            "2.0",
            requires=["Base <3,>=1", "speed; extra == 'fast'", "raw; extra == 'slow'"],
            metadata=["License: BSD-3-Clause"],
        ),
        make_wheel(
            wheels,
            "base",
            "1.5",
            metadata=[
                "Classifier: License :: OSI Approved",
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: Topic :: Utilities",
            ],
        ),
        make_wheel(wheels, "speed", "0.1", metadata=["License: A text of", "        two lines"]),
        make_sdist(wheels, "raw", "0.1"),
    ]
    make_source_tree(tmp_path / "tree", "tree", "3.1", requires=["base"])
    directory = tmp_path / "project"
    directory.mkdir()
    text = pylock_text(artifacts, index_url=index.url)
    text += '\n[[packages]]\nname = "tree"\n[packages.directory]\npath = "../tree"\n'
    (directory / "pylock.toml").write_text(text)
    return directory


def read_bill(pyx: Pyx, *words: str, cwd: Path) -> dict[str, Any]:
    """Return what ``pyx info --sbom`` prints, once the format's own schema has accepted it."""
    told = pyx(*words, cwd=cwd)
    assert (told.returncode, told.stderr) == (0, "")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(told.stdout) is None
    bill: dict[str, Any] = json.loads(told.stdout)
    return bill


@pytest.fixture(autouse=True)
def library(environ: dict[str, str]) -> None:
    """Have the library for bills that the tests have; the index on loopback has none."""
    environ["PYX_CYCLONEDX"] = sys.executable


def requirements_of(bill: dict[str, Any]) -> dict[str, list[str]]:
    """Return the graph of dependencies, by references."""
    return {node["ref"]: node.get("dependsOn", []) for node in bill["dependencies"]}


def test_it_has_what_the_lock_means_here(pyx: Pyx, project: Path, wheels: Path) -> None:
    """Each distribution with its package URL, its locked hash, and what it requires."""
    bill = read_bill(pyx, "info", "--sbom", cwd=project)
    components = {component["name"]: component for component in bill["components"]}
    listed = json.loads(pyx("list", "--json", cwd=project).stdout)
    # The lock leaves the version of a tree to the tree.
    assert {(fact["name"], fact["version"] or "3.1") for fact in listed} == {
        (component["name"], component["version"]) for component in bill["components"]
    }
    assert components["web"]["purl"] == "pkg:pypi/web@2.0"
    assert components["web"]["hashes"] == [
        {"alg": "SHA-256", "content": sha256(wheels / "web-2.0-py3-none-any.whl")}
    ]
    (source,) = wheels.glob("raw-0.1.tar.gz")
    assert components["raw"]["hashes"] == [{"alg": "SHA-256", "content": sha256(source)}]
    # Nobody else can know a directory of this machine.
    assert not {"purl", "hashes"} & components["tree"].keys()
    assert requirements_of(bill) == {
        "app==1.0": ["web==2.0"],
        "application": ["app==1.0", "raw==0.1", "tree==3.1"],
        "base==1.5": [],
        "raw==0.1": [],
        "speed==0.1": [],
        "tree==3.1": ["base==1.5"],
        "web==2.0": ["base==1.5", "speed==0.1"],
    }
    assert bill["metadata"]["component"]["name"] == "project"


def test_licences_are_what_the_metadata_declares(pyx: Pyx, project: Path) -> None:
    """An expression before a name before classifiers; a whole text is no name."""
    bill = read_bill(pyx, "info", "--sbom", cwd=project)
    licences = {c["name"]: c.get("licenses", []) for c in bill["components"]}
    assert licences == {
        "app": [{"acknowledgement": "declared", "expression": "MIT OR Apache-2.0"}],
        "web": [{"license": {"acknowledgement": "declared", "id": "BSD-3-Clause"}}],
        "base": [{"license": {"acknowledgement": "declared", "name": "MIT License"}}],
        "speed": [],
        "raw": [],
        "tree": [],
    }


def test_equal_input_gives_equal_bytes(pyx: Pyx, project: Path, wheels: Path) -> None:
    """There is no time in it, and its serial number changes with its content alone."""
    first = pyx("info", "--sbom", cwd=project).stdout
    assert pyx("info", "--sbom", cwd=project).stdout == first
    assert pyx("info", "--sbom", cwd=project, env={"PYTHONHASHSEED": "7"}).stdout == first
    assert "timestamp" not in first
    lock = project / "pylock.toml"
    more = pylock_text([make_wheel(wheels, "more", "1.0")]).partition("[[packages]]")
    lock.write_text(f"{lock.read_text()}\n{more[1]}{more[2]}")
    other = read_bill(pyx, "info", "--sbom", cwd=project)
    assert other["serialNumber"] != json.loads(first)["serialNumber"]


def test_a_checkout_is_told_by_its_commit(pyx: Pyx, tmp_path: Path) -> None:
    """The package URL names repository and commit."""
    tree = make_source_tree(tmp_path / "tree", "tree", "3.1")
    git = ("git", "-c", "user.name=n", "-c", "user.email=n@example.org")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "all")):
        subprocess.run([*git, *words], cwd=tree, check=True)
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tree, check=True, capture_output=True, text=True
    )
    commit = found.stdout.strip()
    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "a test"\n\n[[packages]]\nname = "tree"\n'
        f'[packages.vcs]\ntype = "git"\nurl = "file://{tree}"\ncommit-id = "{commit}"\n'
    )
    (component,) = read_bill(pyx, "info", "--sbom", cwd=tmp_path)["components"]
    assert component["purl"].startswith("pkg:pypi/tree@3.1?vcs_url=git")
    assert component["purl"].endswith(commit)


def test_it_speaks_of_scripts_and_named_environments_too(
    pyx: Pyx, project: Path, pyx_home: Path, wheels: Path
) -> None:
    """A script with an inline block is what is beside it; ``@NAME`` is what is in it."""
    script = project / "job.py"
    script.write_text('# /// script\n# dependencies = ["base"]\n# ///\n')
    lock = project / "pylock.job.toml"
    lock.write_text(pylock_text([wheels / "base-1.5-py3-none-any.whl"]))
    bill = read_bill(pyx, "info", "--sbom", "job.py", cwd=project)
    assert bill["metadata"]["component"]["name"] == "job.py"
    assert [component["name"] for component in bill["components"]] == ["base"]
    named = pyx_home / "named" / "desk"
    assert pyx("env", "create", "desk", cwd=project).returncode == 0
    (named / "pylock.toml").write_text(pylock_text([wheels / "speed-0.1-py3-none-any.whl"]))
    bill = read_bill(pyx, "@desk", "info", "--sbom", cwd=project)
    assert bill["metadata"]["component"]["name"] == "desk"
    assert [component["name"] for component in bill["components"]] == ["speed"]


def test_a_file_known_by_its_hash_alone_is_told_by_the_right_hash(
    pyx: Pyx, tmp_path: Path, wheels: Path
) -> None:
    """Of all the hashes in a requirements.txt the one of the file that is used here."""
    wheel = make_wheel(wheels, "base", "1.5")
    (tmp_path / "requirements.txt").write_text(
        f"base==1.5 --hash=sha256:{sha256(wheel)} --hash=sha256:{'0' * 64}\n"
    )
    (component,) = read_bill(pyx, "info", "--sbom", cwd=tmp_path)["components"]
    assert component["hashes"] == [{"alg": "SHA-256", "content": sha256(wheel)}]


EXPECTED = ROOT / "tests" / "reports" / "bill.json"
"""A whole document, with names in capitals for what differs from machine to machine."""
SERIALS = uuid.UUID("6f2c1c0e-4a53-5d0b-9d5e-8f0f3f3c2a11")


def test_not_one_byte_of_a_bill_changes(pyx: Pyx, project: Path) -> None:
    """Who compares the bills of two releases sees what changed in the lock, and nothing else."""
    told = pyx("info", "--sbom", cwd=project).stdout
    bill = json.loads(told)
    serial = bill["serialNumber"].removeprefix("urn:uuid:")
    blank = told.replace(serial, str(uuid.UUID(int=0)))
    assert str(uuid.uuid5(SERIALS, blank.removesuffix("\n"))) == serial
    values = {p["name"]: p["value"] for p in bill["metadata"]["properties"]}
    own = {"SERIAL": serial, "PYTHON": values["pyx:python"], "PLATFORM": values["pyx:platform"]}
    own["VERSION"] = bill["metadata"]["tools"]["components"][0]["version"]
    own |= {
        f"HASH {c['name']}": h["content"] for c in bill["components"] for h in c.get("hashes", ())
    }
    for name, value in own.items():
        told = told.replace(f'"{value}"', f'"{name}"').replace(f":{value}", f":{name}")
    assert told == EXPECTED.read_text(encoding="utf-8")


@pytest.mark.network
def test_the_library_is_fetched_once_and_works_offline(
    pyx: Pyx, project: Path, environ: dict[str, str]
) -> None:
    """Its lock is pyx's own; what it makes is what the tests' own library makes."""
    expected = pyx("info", "--sbom", cwd=project).stdout
    configured = {n: v for n, v in os.environ.items() if n.startswith("PIP_")}
    from_index = {**dict.fromkeys(environ, None), **os.environ, **environ, **configured}
    from_index = {
        name: value
        for name, value in from_index.items()
        if name not in ("PYX_CYCLONEDX", "PIP_CONFIG_FILE", "PIP_INDEX_URL") or name in configured
    }
    ours = {name: from_index.get(name) for name in {*from_index, *environ}}
    told = pyx("info", "--sbom", cwd=project, env=ours)
    assert (told.returncode, told.stdout) == (0, expected), told.stderr
    again = pyx("info", "--sbom", "--offline", cwd=project, env={"PYX_CYCLONEDX": None})
    assert (again.returncode, again.stdout, again.stderr) == (0, expected, "")


def test_without_the_library_one_line_names_what_to_do(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """Neither an index without it nor a python without it makes a traceback."""
    told = pyx("info", "--sbom", cwd=project, env={"PYX_CYCLONEDX": None})
    assert (told.returncode, told.stdout) == (69, "")
    assert "cyclonedx-python-lib, which describes materials, is unavailable: " in told.stderr
    assert "PYX_CYCLONEDX" in told.stderr
    bare = tmp_path / "bare" / "bin" / "python"
    subprocess.run([PLAIN_PYTHON, "-m", "venv", "--without-pip", bare.parent.parent], check=True)
    told = pyx("info", "--sbom", cwd=project, env={"PYX_CYCLONEDX": str(bare)})
    assert (told.returncode, told.stdout) == (69, "")
    assert "No module named 'cyclonedx'" in told.stderr.splitlines()[-2]


def test_what_cannot_be_fetched_is_an_error(pyx: Pyx, project: Path) -> None:
    """No bill is better than half of one."""
    told = pyx("info", "--sbom", "--offline", cwd=project)
    assert (told.returncode, told.stdout) == (69, "")
    assert "not in the store" in told.stderr
