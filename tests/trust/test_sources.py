"""Sdists, archives and repositories made to do harm are refused before their build would run.

A build runs the code of its source, as the user: that is what a lock with an sdist asks for. What
is refused here would do harm before that, or is not what the lock names.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from trust.archives import entry, sdist_of, zip_sdist_of
from trust.scene import UNAVAILABLE, Case

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trust.scene import Scene

UNSOUND = "tick-1.0.tar.gz is not a sound archive: "
SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 50)}


def of_members(*members: tarfile.TarInfo | tuple[str, bytes]) -> Callable[[Scene], None]:
    """Build an sdist with these members before everything else."""
    return lambda scene: scene.lock(sdist_of(scene.wheels, scene.python_harm, *members))


def of_zip(*names: str) -> Callable[[Scene], None]:
    """Build a zip file with members of these names."""

    def build(scene: Scene) -> None:
        archive = zip_sdist_of(scene.wheels, scene.python_harm, [(name, b"x") for name in names])
        lock_archive(scene, f'path = "{archive}"', archive)

    return build


def lock_archive(scene: Scene, place: str, archive: Path) -> None:
    """Lock ``tick`` as an archive at `place`, which has the content of `archive`."""
    digest = digest_of(archive)
    scene.write_lock(
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "tick"\nversion = "1.0"\n'
        f'[packages.archive]\n{place}\nhashes = {{sha256 = "{digest}"}}\n'
    )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def subdirectory(place: str) -> Callable[[Scene], None]:
    """Build an archive whose project is said to be at `place`, where `link` leads outside."""

    def build(scene: Scene) -> None:
        outside = scene.base / "outside"
        outside.mkdir()
        (outside / "setup.py").write_text(scene.python_harm)
        archive = sdist_of(scene.wheels, scene.python_harm)
        lock_archive(scene, f'path = "{archive}"\nsubdirectory = "{place}"', archive)

    return build


def long_header(scene: Scene) -> None:
    """Build an sdist one of whose headers would fill the memory."""
    info = tarfile.TarInfo("tick-1.0/x")
    info.pax_headers = {"comment": "x" * (100 << 20)}
    scene.lock(sdist_of(scene.wheels, scene.python_harm, info))


def sparse(scene: Scene) -> None:
    """Build an sdist with a file that is enormous and empty."""
    info = tarfile.TarInfo("tick-1.0/GNUSparseFile.0/x")
    info.pax_headers = {**SPARSE, "GNU.sparse.name": "tick-1.0/x"}
    path = sdist_of(scene.wheels, scene.python_harm)
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info.size = 512
        archive.addfile(info, io.BytesIO(b"1\n0\n512\n".ljust(512, b"\0")))
    scene.lock(path)


def no_archive(scene: Scene) -> None:
    """Lock something as an sdist that is none."""
    path = scene.wheels / "tick-1.0.tar.gz"
    path.write_bytes(b"\x1f\x8b" + b"harm" * 100)
    scene.lock(path)


def deep_links() -> list[tarfile.TarInfo]:
    """Return links through which a name of endless length would be resolved (CVE-2025-4517)."""
    long, members, way = "d" * 247, [], ""
    for letter in "abcdefghijklmnop":
        members.append(entry(f"{way}{long}", tarfile.DIRTYPE))
        members.append(entry(f"{way}{letter}", tarfile.SYMTYPE, long))
        way += f"{letter}/"
    members.append(entry(f"{way}{'l' * 254}", tarfile.SYMTYPE, "../" * 16))
    members.append(entry("escape", tarfile.SYMTYPE, f"{way}{'l' * 254}/../../.."))
    members.append(entry("escape/evil", tarfile.LNKTYPE, "escape/../evil"))
    return members


CASES = [
    Case(
        name="an absolute link",
        build=of_members(entry("x", tarfile.SYMTYPE, "/etc/passwd")),
        says=UNSOUND,
    ),
    Case(
        name="a link that climbs",
        build=of_members(entry("a/x", tarfile.SYMTYPE, "../../../x")),
        says=UNSOUND,
    ),
    Case(
        name="a hard link to a file outside",
        build=of_members(entry("x", tarfile.LNKTYPE, "../../../../etc/passwd")),
        says=UNSOUND,
    ),
    Case(
        name="a file through a link",
        build=of_members(
            entry("tick-1.0/here", tarfile.SYMTYPE, "."), ("tick-1.0/here/evil.py", b"")
        ),
        says="goes through a link",
    ),
    Case(
        name="a file in the place of a link",
        build=of_members(entry("tick-1.0/x", tarfile.SYMTYPE, "setup.py"), ("tick-1.0/x", b"")),
        says="goes through a link",
    ),
    Case(
        name="a hard link to a link",
        build=of_members(
            entry("tick-1.0/x", tarfile.SYMTYPE, "setup.py"),
            entry("tick-1.0/y", tarfile.LNKTYPE, "tick-1.0/x"),
        ),
        says="goes through a link",
    ),
    Case(name="links beyond any length", build=of_members(*deep_links()), says=UNSOUND),
    Case(name="a path that climbs", build=of_members(("../../evil.py", b"")), says=UNSOUND),
    Case(
        name="a path that climbs from within",
        build=of_members(("tick-1.0/../../evil", b"")),
        says=UNSOUND,
    ),
    Case(name="a device", build=of_members(entry("tick-1.0/null", tarfile.CHRTYPE)), says=UNSOUND),
    Case(name="a disk", build=of_members(entry("tick-1.0/sda", tarfile.BLKTYPE)), says=UNSOUND),
    Case(name="a pipe", build=of_members(entry("tick-1.0/pipe", tarfile.FIFOTYPE)), says=UNSOUND),
    Case(
        name="a ratio",
        build=of_members(("tick-1.0/zeros", bytes(100 << 20))),
        says="tick-1.0.tar.gz would unpack to more than 200 times its size",
    ),
    Case(
        name="too many bytes",
        build=of_members(("tick-1.0/zeros", bytes(2 << 20))),
        says="more than 1048576 bytes",
        environ={"PYX_MAX_UNPACKED": "1M"},
    ),
    Case(
        name="too many files",
        build=of_members(*((f"tick-1.0/{n}", b"") for n in range(200))),
        says="more than 100 files",
        environ={"PYX_MAX_FILES": "100"},
    ),
    Case(
        name="a header of 100 MB",
        build=long_header,
        says=UNSOUND,
        environ={"PYX_MAX_RATIO": "2000"},
    ),
    Case(name="a sparse file", build=sparse, says="would unpack to more than"),
    Case(name="no archive", build=no_archive, says=UNSOUND),
    Case(name="a zip with an absolute path", build=of_zip("/evil.py"), says="leads out of it"),
    Case(
        name="a zip with a path that climbs",
        build=of_zip("a/../../../evil.py"),
        says="leads out of it",
    ),
    Case(
        name="a subdirectory that climbs",
        build=subdirectory("../outside"),
        says="leads out of its source",
    ),
    Case(
        name="an absolute subdirectory",
        build=subdirectory("/outside"),
        says="leads out of its source",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hostile_source_is_refused(scene: Scene, case: Case) -> None:
    """One line says what is wrong; its build does not run, and nothing is left anywhere."""
    scene.refuse(case)


def test_a_build_runs_the_code_of_its_source(scene: Scene) -> None:
    """The same sdist without its harmful members does what it can: the canary is no decoration."""
    scene.lock(sdist_of(scene.wheels, scene.python_harm))
    assert scene.sync().returncode == UNAVAILABLE
    assert scene.canary.exists()


def lock_commit(scene: Scene, url: str, commit: str) -> None:
    """Lock ``tick`` as a commit of a git repository."""
    scene.write_lock(
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "tick"\nversion = "1.0"\n'
        f'[packages.vcs]\ntype = "git"\nurl = "{url}"\ncommit-id = "{commit}"\n'
    )


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("url", "commit", "says"),
    [
        ("ext::sh -c touch% CANARY", COMMIT, "is not a repository's URL"),
        ("git+ext::sh -c touch% CANARY", COMMIT, "is not a repository's URL"),
        ("evil::anything", COMMIT, "is not a repository's URL"),
        ("--upload-pack=touch CANARY", COMMIT, "is not a repository's URL"),
        ("-oProxyCommand=touch CANARY@example.org:x", COMMIT, "is not a repository's URL"),
        ("ssh://-oProxyCommand=touch%20CANARY/x", COMMIT, "is not a repository's URL"),
        ("user@-oProxyCommand=x:y", COMMIT, "is not a repository's URL"),
        ("https://example.org/tick.git", "main", "is not a whole commit"),
        ("https://example.org/tick.git", "--orphan=x", "is not a whole commit"),
        ("https://example.org/tick.git", COMMIT[:12], "is not a whole commit"),
        ("https://example.org/tick.git", COMMIT + "\\n", "is not a whole commit"),
    ],
)
def test_a_hostile_repository_is_refused(scene: Scene, url: str, commit: str, says: str) -> None:
    """No program is named by a URL, no option by a commit; only a whole hash names a commit."""
    place = url.replace("CANARY", str(scene.canary))
    scene.refuse(Case(name="repository", build=lambda s: lock_commit(s, place, commit), says=says))


def git(*words: str | Path, cwd: Path) -> str:
    """Run git in `cwd` and return what it printed."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    variables = {
        **os.environ,
        **{
            f"GIT_{who}_{what}": "x@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    told = subprocess.run(
        ["git", *words], cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )
    if told.returncode:
        pytest.skip(f"git {words[0]}: {told.stderr}")
    return told.stdout.strip()


@pytest.mark.parametrize("kind", ["tag", "branch"])
def test_a_name_that_looks_like_a_commit_is_none(scene: Scene, kind: str) -> None:
    """A server whose objects have longer hashes may have a name that is the locked commit."""
    repository = scene.base / "repository"
    repository.mkdir()
    git("init", "--quiet", "--object-format=sha256", cwd=repository)
    (repository / "setup.py").write_text(scene.python_harm)
    git("add", ".", cwd=repository)
    git("commit", "--quiet", "-m", "x", cwd=repository)
    git("update-ref", f"refs/{kind.replace('branch', 'head')}s/{COMMIT}", "HEAD", cwd=repository)
    url = repository.as_uri()
    lock_commit(scene, url, COMMIT)
    told = scene.sync()
    assert told.returncode in (UNAVAILABLE, 77), told.stderr
    assert "Traceback" not in told.stderr
    assert not scene.canary.exists()
    if kind == "tag":
        assert f"has no commit {COMMIT}" in told.stderr
