"""``pyx list --attestations``: what an index claims about publishers (PEP 740), and no more."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from wheelhouse import make_source_tree, make_wheel, pylock_text, sha256

from pyx_launcher.index.finder import Index, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

PUBLISH = "https://docs.example.org/attestations/publish/v1"
GITHUB = {
    "kind": "GitHub",
    "repository": "maker/app",
    "workflow": "release.yml",
    "environment": None,
}


def statement(filename: str, digest: str) -> str:
    """Return what an attestation signs: that a file of this content was published."""
    text = {
        "_type": "https://in-toto.example.org/Statement/v1",
        "subject": [{"name": filename, "digest": {"sha256": digest}}],
        "predicateType": PUBLISH,
        "predicate": None,
    }
    return base64.b64encode(json.dumps(text).encode()).decode()


def provenance(filename: str, digest: str, *publishers: dict[str, Any]) -> bytes:
    """Return a provenance object; its signatures are none, as nobody looks at them."""
    attestation = {
        "version": 1,
        "verification_material": {"certificate": "", "transparency_entries": []},
        "envelope": {"statement": statement(filename, digest), "signature": ""},
    }
    bundles = [{"publisher": p, "attestations": [attestation]} for p in publishers]
    return json.dumps({"version": 1, "attestation_bundles": bundles}).encode()


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Give a project of which app has a publisher, and base none."""
    app = make_wheel(wheels, "app", "1.0")
    index.provenance[app.name] = provenance(app.name, sha256(app), GITHUB)
    directory = tmp_path / "project"
    directory.mkdir()
    artifacts = [app, make_wheel(wheels, "base", "1.5")]
    (directory / "pylock.toml").write_text(pylock_text(artifacts, index_url=index.url))
    return directory


def test_publishers_are_claimed(pyx: Pyx, project: Path) -> None:
    """Kind, repository and workflow of each; who has none is listed with that."""
    told = pyx("list", "--attestations", cwd=project)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines() == [
        "app   1.0  claimed: GitHub maker/app release.yml",
        "base  1.5  none",
    ]
    assert "verified" not in told.stdout


def test_a_program_is_told_that_nothing_was_verified(pyx: Pyx, project: Path) -> None:
    """JSON has all that the publisher's kind has, and the types of what is stated."""
    facts = json.loads(pyx("list", "--attestations", "--json", cwd=project).stdout)
    publisher = {"kind": "GitHub", "repository": "maker/app", "workflow": "release.yml"}
    assert facts[0]["attestations"] == {
        "verified": False,
        "claims": [{"publisher": publisher, "predicates": [PUBLISH]}],
        "reason": "",
    }
    assert facts[1]["attestations"] == {"verified": False, "claims": [], "reason": "none"}


def test_several_publishers_are_all_named(
    pyx: Pyx, project: Path, wheels: Path, index: IndexServer
) -> None:
    """In the order of the index; what a terminal would obey is not printed."""
    app = wheels / "app-1.0-py3-none-any.whl"
    gitlab = {"kind": "GitLab", "repository": "o/\x1b[31mr", "workflow_filepath": "ci.yml"}
    index.provenance[app.name] = provenance(app.name, sha256(app), GITHUB, gitlab)
    told = pyx("list", "--attestations", cwd=project)
    assert told.stdout.splitlines()[0] == (
        "app   1.0  claimed: GitHub maker/app release.yml; GitLab o/?[31mr ci.yml"
    )


def test_a_claim_about_another_file_is_none(
    pyx: Pyx, project: Path, wheels: Path, index: IndexServer
) -> None:
    """An index may not lend one file the publisher of another."""
    app = wheels / "app-1.0-py3-none-any.whl"
    index.provenance[app.name] = provenance(app.name, "0" * 64, GITHUB)
    told = pyx("list", "--attestations", cwd=project)
    assert told.stdout.splitlines()[0] == (
        "app   1.0  none for this file: what the index has is about another"
    )


def test_another_file_of_the_same_name_has_no_part_in_it(
    pyx: Pyx, project: Path, wheels: Path, index: IndexServer
) -> None:
    """What the page says about a file of another content is not asked for."""
    index.declared["app-1.0-py3-none-any.whl"] = "0" * 64
    told = pyx("list", "--attestations", cwd=project)
    assert told.stdout.splitlines()[0] == "app   1.0  none"
    assert not [request for request in index.requests if "/provenance/" in request.path]


def test_a_file_known_by_its_hash_alone_has_its_publisher(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """So it is with a requirements.txt."""
    app = make_wheel(wheels, "app", "1.0")
    index.provenance[app.name] = provenance(app.name, sha256(app), GITHUB)
    (tmp_path / "requirements.txt").write_text(f"app==1.0 --hash=sha256:{sha256(app)}\n")
    told = pyx("list", "--attestations", cwd=tmp_path)
    assert told.stdout == "app  1.0  claimed: GitHub maker/app release.yml\n"


def test_what_is_from_no_index_says_so(pyx: Pyx, tmp_path: Path, index: IndexServer) -> None:
    """Nobody is asked about a source tree; an index of HTML pages alone claims nothing."""
    make_source_tree(tmp_path / "tree", "tree", "1.0")
    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "a test"\n\n[[packages]]\nname = "tree"\n'
        '[packages.directory]\npath = "tree"\n'
    )
    told = pyx("list", "--attestations", cwd=tmp_path)
    assert told.stdout == "tree  1.0  none: it is from no index\n"
    assert index.requests == []


def test_an_index_without_json_has_none(pyx: Pyx, project: Path, index: IndexServer) -> None:
    """A page of HTML is no error."""
    index.json = False
    told = pyx("list", "--attestations", cwd=project)
    assert told.stdout.splitlines() == ["app   1.0  none", "base  1.5  none"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"attestation_bundles": [{}]}', b"[" * 100_000],
    ids=["nothing", "list", "empty", "half", "deep"],
)
def test_what_is_no_provenance_is_one_line(
    pyx: Pyx, project: Path, index: IndexServer, content: bytes
) -> None:
    """The server is named, and nothing is printed of it."""
    index.provenance["app-1.0-py3-none-any.whl"] = content
    told = pyx("list", "--attestations", cwd=project)
    assert (told.returncode, told.stdout) == (69, "")
    assert told.stderr.splitlines()[0].endswith(" is not a provenance object of PEP 740")
    assert "Traceback" not in told.stderr


def test_a_link_leads_nowhere_but_to_the_web(
    pyx: Pyx, project: Path, index: IndexServer, tmp_path: Path
) -> None:
    """A page that names a file of this machine is refused."""
    (tmp_path / "secret").write_text("{}")
    page = {
        "meta": {"api-version": "1.3"},
        "name": "app",
        "files": [
            {
                "filename": "app-1.0-py3-none-any.whl",
                "url": "../../files/app-1.0-py3-none-any.whl",
                "hashes": {"sha256": sha256(tmp_path / "wheels" / "app-1.0-py3-none-any.whl")},
                "provenance": (tmp_path / "secret").as_uri(),
            }
        ],
    }
    index.corrupt("/simple/app/", json.dumps(page).encode())
    told = pyx("list", "--attestations", cwd=project)
    assert (told.returncode, told.stdout) == (77, "")
    assert "is not a web address" in told.stderr


def test_a_link_that_is_none_is_one_line(
    pyx: Pyx, project: Path, index: IndexServer, wheels: Path
) -> None:
    """The index is named."""
    name = "app-1.0-py3-none-any.whl"
    file = {"filename": name, "hashes": {"sha256": sha256(wheels / name)}, "provenance": "http://["}
    index.corrupt("/simple/app/", json.dumps({"files": [file]}).encode())
    told = pyx("list", "--attestations", cwd=project)
    assert (told.returncode, told.stdout) == (69, "")
    assert told.stderr.splitlines()[0].endswith(" has a malformed link to a provenance object")


def test_hashes_that_are_none_are_of_no_file(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """A file whose page has something else in their place is not the one that a hash binds."""
    make_wheel(wheels, "app", "1.0")
    (tmp_path / "requirements.txt").write_text(f"app==1.0 --hash=sha256:{'0' * 64}\n")
    file = {"filename": "app-1.0.tar.gz", "hashes": {"sha256": []}, "provenance": "x"}
    index.corrupt("/simple/app/", json.dumps({"files": [file]}).encode())
    told = pyx("list", "--attestations", cwd=tmp_path)
    assert (told.returncode, told.stdout, told.stderr) == (0, "app  1.0  none\n", "")


def test_offline_nothing_is_asked(pyx: Pyx, project: Path, index: IndexServer) -> None:
    """And the two questions for an index are not asked at once."""
    told = pyx("list", "--attestations", "--offline", cwd=project)
    assert (told.returncode, told.stdout) == (69, "")
    assert index.requests == []
    told = pyx("list", "--attestations", "--outdated", cwd=project)
    assert (told.returncode, told.stdout) == (64, "")


@pytest.mark.network
def test_a_real_index_names_the_real_publisher(pyx: Pyx, tmp_path: Path) -> None:
    """Of a release whose publisher is known; a mirror that keeps no provenance claims nothing."""
    filename = "packaging-26.3-py3-none-any.whl"
    digest = "d7193f7c8e4e93f444fde0262bf90af30e16fa0ad0ad44cb553c87339b23cd1c"
    (tmp_path / "requirements.txt").write_text(f"packaging==26.3 --hash=sha256:{digest}\n")
    configured = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    told = pyx(
        *("list", "--attestations"),
        cwd=tmp_path,
        env={"PIP_INDEX_URL": None, "PIP_CONFIG_FILE": None, **configured},
    )
    with Index(read_settings(os.environ)) as source:
        pages = [json.loads(content) for _, content in source.read_pages("packaging", None)]
    known = any(
        file["filename"] == filename and file.get("provenance")
        for page in pages
        for file in page["files"]
    )
    expected = "claimed: GitHub pypa/packaging " if known else "none"
    assert told.stdout.startswith(f"packaging  26.3  {expected}"), told.stderr
