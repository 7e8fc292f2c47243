"""Index pages and servers made to do harm: no other file, no other host's rights, no secret out."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import pytest
from indexserver import IndexServer
from trust.archives import wheel_of
from trust.scene import UNAVAILABLE, Case
from wheelhouse import make_wheel, poetry_lock_text, sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trust.scene import Scene

NAME = "tick-1.0-py3-none-any.whl"
SECRET = "hunter2"  # noqa: S105


def lock_without_url(scene: Scene) -> Path:
    """Lock ``tick`` by its hash, so that the index is asked where it is."""
    wheel = make_wheel(scene.wheels, "tick", "1.0")
    scene.write_lock(poetry_lock_text([wheel]), "poetry.lock")
    return wheel


def of_links(*hrefs: str) -> Callable[[Scene], None]:
    """Let the page of ``tick`` be of these links; DIGEST in them is the true one."""

    def build(scene: Scene) -> None:
        wheel = lock_without_url(scene)
        outside = scene.base / "outside"
        outside.mkdir()
        wheel.rename(outside / NAME)
        make_wheel(scene.wheels, "tick", "1.0", files={"evil.py": scene.python_harm})
        digest = sha256(outside / NAME)
        anchors = "".join(f'<a href="{href}">{NAME}</a>' for href in hrefs)
        anchors = anchors.replace("DIGEST", digest).replace("OUTSIDE", str(outside))
        scene.index.json = False
        scene.index.corrupt("/simple/tick/", anchors.encode())

    return build


def of_json(page: object) -> Callable[[Scene], None]:
    """Let the page of ``tick`` be this, as JSON."""

    def build(scene: Scene) -> None:
        lock_without_url(scene)
        scene.index.corrupt("/simple/tick/", json.dumps(page).encode())

    return build


def other_bytes(scene: Scene) -> None:
    """Let the index send another wheel under the locked name."""
    lock_without_url(scene)
    make_wheel(scene.wheels, "tick", "1.0", files={"evil.py": scene.python_harm})
    scene.index.declare_hashes = False


def other_bytes_with_the_locked_hash(scene: Scene) -> None:
    """Let the index lie about what it sends as well."""
    wheel = lock_without_url(scene)
    scene.index.declared[NAME] = sha256(wheel)
    make_wheel(scene.wheels, "tick", "1.0", files={"evil.py": scene.python_harm})


def longer(scene: Scene) -> None:
    """Let a server send more than the lock says that the file has."""
    wheel = scene.lock_tick()
    scene.index.corrupt(f"/files/{NAME}", wheel.read_bytes() + b"x" * (1 << 20))


def endless_file(scene: Scene) -> None:
    """Let a server send far more than anything has, where the lock tells no size."""
    lock_without_url(scene)
    scene.index.declare_hashes = False
    scene.index.corrupt(f"/files/{NAME}", b"x" * (4 << 20))


def endless_page(scene: Scene) -> None:
    """Let the page of an index be longer than anything has."""
    lock_without_url(scene)
    scene.index.corrupt("/simple/tick/", b"x" * (70 << 20))


def circles(scene: Scene) -> None:
    """Let a server redirect to itself without end."""
    scene.lock_tick()
    scene.index.redirect("/files/", scene.index.file_url(NAME))


def to_a_file(scene: Scene) -> None:
    """Let a server redirect to a file of this machine."""
    wheel = scene.lock_tick()
    scene.index.redirect("/files/", wheel.as_uri())


def to_no_url(place: str) -> Callable[[Scene], None]:
    """Let a server redirect to something strange."""

    def build(scene: Scene) -> None:
        scene.lock_tick()
        scene.index.redirect("/files/", place)

    return build


CASES = [
    Case(name="other bytes", build=other_bytes, says="its sha256 is"),
    Case(
        name="other bytes under the locked hash",
        build=other_bytes_with_the_locked_hash,
        says="its sha256 is",
    ),
    Case(name="more bytes than locked", build=longer, says="it is longer than the"),
    Case(
        name="bytes without end",
        build=endless_file,
        says="has more than 2097152 bytes",
        environ={"PYX_MAX_UNPACKED": "2M"},
    ),
    Case(
        name="a page without end",
        build=endless_page,
        says="more than 67108864 bytes",
        status=UNAVAILABLE,
    ),
    Case(
        name="a link to a file of this machine",
        build=of_links(f"file://OUTSIDE/{NAME}#sha256=DIGEST"),
        says="which is not a web address",
    ),
    Case(
        name="a link to a file of this machine, by localhost",
        build=of_links(f"file://localhostOUTSIDE/{NAME}#sha256=DIGEST"),
        says="which is not a web address",
    ),
    Case(
        name="a link to a device",
        build=of_links(f"file:///dev/zero?/{NAME}#sha256=DIGEST"),
        says="which is not a web address",
    ),
    Case(
        name="a link with a strange scheme",
        build=of_links(f"javascript://x/{NAME}#sha256=DIGEST"),
        says="which is not a web address",
    ),
    Case(
        name="a link to a port that is none",
        build=of_links(f"http://127.0.0.1:99999/{NAME}#sha256=DIGEST"),
        says="which is not a web address",
    ),
    Case(
        name="a file under the locked hash and another name",
        build=of_links("../../files/other-9.9-py3-none-any.whl#sha256=DIGEST"),
        says=NAME,
        status=UNAVAILABLE,
    ),
    Case(
        name="a page that is deep",
        build=of_json(functools.reduce(lambda inner, _: [inner], range(900), 0)),
        says="is not a page of an index",
        status=UNAVAILABLE,
    ),
    Case(
        name="a page of other types",
        build=of_json({"meta": {"api-version": "1.0"}, "files": [{"filename": 1, "url": ["x"]}]}),
        says="",
        status=UNAVAILABLE,
    ),
    Case(name="redirects in a circle", build=circles, says="edirect", status=UNAVAILABLE),
    Case(name="a redirect to a file", build=to_a_file, says="which is not a web address"),
    Case(
        name="a redirect to another scheme",
        build=to_no_url("ftp://127.0.0.1/x"),
        says="which is not a web address",
    ),
    Case(
        name="a redirect that the terminal obeys",
        build=to_no_url("http://127.0.0.1:1/\x1b[2J"),
        says="127.0.0.1",
        status=UNAVAILABLE,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hostile_index_gets_nothing_in(scene: Scene, case: Case) -> None:
    """What is not the locked file does not become an entry, wherever a page or server leads."""
    scene.refuse(case)


def test_a_link_with_credentials_tells_them_to_nobody(scene: Scene) -> None:
    """A page may have them in its links: they are used there, and printed and kept nowhere."""
    wheel = lock_without_url(scene)
    digest = sha256(wheel)
    place = f"http://joe:{SECRET}@{scene.index.host}/files/{NAME}#sha256={digest}"
    scene.index.json = False
    scene.index.corrupt("/simple/tick/", f'<a href="{place}">{NAME}</a>'.encode())
    scene.index.fail("/files/", 403)
    told = scene.sync({"PYX_DEBUG": "1"})
    assert told.returncode == UNAVAILABLE
    assert SECRET not in told.stderr + told.stdout
    scene.index.rules.pop()
    assert scene.sync().returncode == 0
    for path in scene.base.rglob("*"):
        if path.is_file() and path.parent != scene.project:
            assert SECRET.encode() not in path.read_bytes()


def test_a_page_that_leads_to_another_host_gets_no_credentials_there(
    scene: Scene, tmp_path: Path
) -> None:
    """The files of an index may lie elsewhere; they are asked for without its password."""
    wheel = lock_without_url(scene)
    with IndexServer(scene.wheels) as other:
        place = f"{other.file_url(NAME)}#sha256={sha256(wheel)}"
        scene.index.json = False
        scene.index.corrupt("/simple/tick/", f'<a href="{place}">{NAME}</a>'.encode())
        url = scene.index.url.replace("://", f"://joe:{SECRET}@")
        told = scene.sync({"PIP_INDEX_URL": url})
        assert told.returncode == 0, told.stderr
        assert [request.authorization for request in scene.index.requests][-1] is not None
        assert [request.authorization for request in other.requests] == [None]


@pytest.fixture
def secure(scene: Scene, certificate: Path) -> Iterator[IndexServer]:
    """Run a second index over the same files, with TLS."""
    with IndexServer(scene.wheels, certificate=certificate) as server:
        yield server


@pytest.mark.parametrize("way", ["link", "redirect of a file", "redirect of a page"])
def test_what_has_tls_does_not_lead_to_what_has_none(
    scene: Scene, secure: IndexServer, certificate: Path, way: str
) -> None:
    """Neither a link nor a redirect gives TLS up, unless the user trusts that host."""
    wheel = lock_without_url(scene)
    if way == "link":
        place = f"{scene.index.file_url(NAME)}#sha256={sha256(wheel)}"
        secure.json = False
        secure.corrupt("/simple/tick/", f'<a href="{place}">{NAME}</a>'.encode())
    else:
        fragment = "/files/" if way == "redirect of a file" else "/simple/tick/"
        secure.redirect(fragment, f"http://{scene.index.host}*")
    environ = {"PIP_INDEX_URL": secure.url, "PIP_CERT": str(certificate)}
    told = scene.sync(environ)
    assert told.returncode == 77, told.stderr
    assert "has TLS and leads to http://" in told.stderr
    assert scene.index.requests == []
    told = scene.sync({**environ, "PIP_TRUSTED_HOST": scene.index.host})
    assert told.returncode == 0, told.stderr


def test_the_true_file_is_taken_wherever_a_page_leads(scene: Scene) -> None:
    """After wrong offers the right one still serves, and nothing of the others is kept."""
    wheel = lock_without_url(scene)
    evil = wheel_of(scene.wheels, ("evil.py", b""), name="tick-1.0-1-py3-none-any.whl")
    links = [f"file://{evil}#sha256={sha256(wheel)}", f"../../files/{NAME}#sha256={sha256(wheel)}"]
    scene.index.json = False
    page = "".join(f'<a href="{link}">{NAME}</a>' for link in links)
    scene.index.corrupt("/simple/tick/", page.encode())
    assert scene.sync().returncode == 0
