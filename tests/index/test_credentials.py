"""Credentials: where they come from, whom they are shown to, and that they are left nowhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from indexserver import IndexServer
from wheelhouse import make_source_tree, make_wheel, sha256

from pyx_launcher.errors import ArtifactError
from pyx_launcher.index.credentials import Credentials, drop_login, join_login, split_login
from pyx_launcher.index.finder import Index, IndexSettings, WantedFile

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from installed import Pyx

USER = "name-of-user"
PASSWORD = "pass:w@rd/%of user"  # noqa: S105 - it is for a server of this test alone.
QUOTED = "pass%3Aw%40rd%2F%25of%20user"

PLACE = "http://PRIVATE/simple/"
"""Stands for the private index, which has a port only when it runs."""

NETRC = f'machine 127.0.0.1 login {USER} password "{PASSWORD}"\n'


@pytest.fixture
def private(tmp_path: Path) -> Iterator[IndexServer]:
    """Run a second index, which wants credentials."""
    directory = tmp_path / "private"
    directory.mkdir()
    with IndexServer(directory, credentials=(USER, PASSWORD)) as server:
        yield server


@pytest.fixture
def wheel(private: IndexServer) -> Path:
    """Make the one wheel of the private index."""
    return make_wheel(private.directory, "tick", "1.0", files={"tick.py": "answer = 42\n"})


def with_login(url: str, before: str = f"{USER}:{QUOTED}") -> str:
    """Return a URL with credentials, as they are written there."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{before}@{rest}"


def write_uv(project: Path, index: IndexServer, wheel: Path) -> None:
    """Write a uv.lock whose project calls the index ``my.house``."""
    (project / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.9"\n'
        'dependencies = ["tick"]\n[tool.uv]\npackage = false\n'
        f'[[tool.uv.index]]\nname = "my.house"\nurl = "{index.url}"\nexplicit = true\n'
    )
    (project / "uv.lock").write_text(
        'version = 1\nrequires-python = ">=3.9"\n'
        '[[package]]\nname = "app"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "tick" }]\n'
        f'[[package]]\nname = "tick"\nversion = "1.0"\nsource = {{ registry = "{index.url}" }}\n'
        f'wheels = [{{ url = "{index.file_url(wheel.name)}", hash = "sha256:{sha256(wheel)}" }}]\n'
    )


def write_poetry(project: Path, index: IndexServer, wheel: Path) -> None:
    """Write a poetry.lock that has its package from the source ``my-house``."""
    (project / "poetry.lock").write_text(
        '[[package]]\nname = "tick"\nversion = "1.0"\noptional = false\n'
        'python-versions = "*"\ngroups = ["main"]\n'
        f'files = [{{ file = "{wheel.name}", hash = "sha256:{sha256(wheel)}" }}]\n'
        f'[package.source]\ntype = "legacy"\nurl = "{index.url[:-1]}"\nreference = "my-house"\n'
        '[metadata]\nlock-version = "2.1"\npython-versions = "*"\ncontent-hash = ""\n'
    )


def write_pdm(project: Path, index: IndexServer, wheel: Path) -> None:
    """Write a pdm.lock whose project has a source with variables in its URL."""
    url = with_login(index.url, "${HOUSE_USER}:${HOUSE_PASSWORD}")
    (project / "pyproject.toml").write_text(
        '[project]\nname = "app"\nrequires-python = ">=3.9"\ndependencies = ["tick"]\n'
        "[tool.pdm]\ndistribution = false\n"
        f'[[tool.pdm.source]]\nname = "house"\nurl = "{url}"\ninclude_packages = ["ti*"]\n'
        '[[tool.pdm.source]]\nname = "other"\nurl = "http://127.0.0.1:9/simple"\n'
    )
    (project / "pdm.lock").write_text(
        '[metadata]\ngroups = ["default"]\nstrategy = ["inherit_metadata"]\n'
        'lock_version = "4.5.0"\n'
        'content_hash = ""\n[[metadata.targets]]\nrequires_python = ">=3.9"\n'
        '[[package]]\nname = "tick"\nversion = "1.0"\nsummary = ""\ngroups = ["default"]\n'
        f'files = [{{ file = "{wheel.name}", hash = "sha256:{sha256(wheel)}" }}]\n'
    )


def write_plain_pdm(project: Path, index: IndexServer, wheel: Path) -> None:
    """Write a pdm.lock whose project names no source."""
    write_pdm(project, index, wheel)
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().partition("[[tool.pdm.source]]")[0])


def write_pipenv(project: Path, index: IndexServer, wheel: Path) -> None:
    """Write a Pipfile.lock whose second source, with variables in its URL, has the package."""
    url = with_login(index.url, "${HOUSE_USER}:${HOUSE_PASSWORD}")
    digest = sha256(wheel)
    (project / "Pipfile.lock").write_text(
        '{"_meta": {"hash": {"sha256": ""}, "pipfile-spec": 6, "requires": {}, "sources": ['
        f'{{"name": "near", "url": "${{NEAR}}", "verify_ssl": true}},'
        f'{{"name": "house", "url": "{url}", "verify_ssl": true}}]}},'
        f'"default": {{"tick": {{"hashes": ["sha256:{digest}"], "version": "==1.0"}}}}}}'
    )


def write_requirements(project: Path, index: IndexServer, wheel: Path) -> None:
    """Write a requirements.txt that names its index, with variables."""
    url = with_login(index.url, "${HOUSE_USER}:${HOUSE_QUOTED}")
    text = f"--index-url {url}\ntick==1.0 --hash=sha256:{sha256(wheel)}\n"
    (project / "requirements.txt").write_text(text)


def write_pylock(project: Path, index: IndexServer, wheel: Path) -> None:
    """Write a pylock.toml with the URL of the file."""
    (project / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "hand"\n'
        f'[[packages]]\nname = "tick"\nversion = "1.0"\nindex = "{index.url}"\n'
        f'wheels = [{{ name = "{wheel.name}", url = "{index.file_url(wheel.name)}", '
        f'hashes = {{ sha256 = "{sha256(wheel)}" }} }}]\n'
    )


WAYS: dict[str, tuple[Callable[[Path, IndexServer, Path], None], dict[str, str]]] = {
    "uv, by name": (
        write_uv,
        {"UV_INDEX_MY_HOUSE_USERNAME": USER, "UV_INDEX_MY_HOUSE_PASSWORD": PASSWORD},
    ),
    "uv, default": (write_uv, {"UV_DEFAULT_INDEX": with_login(PLACE)}),
    "uv, indexes": (
        write_uv,
        {"UV_INDEX": f"http://example.org/simple other={with_login(PLACE)}"},
    ),
    "uv, indexes by name": (
        write_pylock,
        {
            "UV_INDEX": f"a-b={PLACE}",
            "UV_INDEX_A_B_USERNAME": USER,
            "UV_INDEX_A_B_PASSWORD": PASSWORD,
        },
    ),
    "poetry": (
        write_poetry,
        {
            "POETRY_HTTP_BASIC_MY_HOUSE_USERNAME": USER,
            "POETRY_HTTP_BASIC_MY_HOUSE_PASSWORD": PASSWORD,
        },
    ),
    "poetry, its file": (write_poetry, {"POETRY_CONFIG_DIR": "CONFIG"}),
    "pdm": (write_pdm, {"HOUSE_USER": USER, "HOUSE_PASSWORD": PASSWORD}),
    "pdm, its default": (
        write_plain_pdm,
        {"PDM_PYPI_URL": PLACE, "PDM_PYPI_USERNAME": USER, "PDM_PYPI_PASSWORD": PASSWORD},
    ),
    "pipenv": (write_pipenv, {"HOUSE_USER": USER, "HOUSE_PASSWORD": PASSWORD}),
    "requirements": (write_requirements, {"HOUSE_USER": USER, "HOUSE_QUOTED": QUOTED}),
    "pip": (write_pylock, {"PIP_EXTRA_INDEX_URL": with_login(PLACE)}),
    "netrc": (write_pylock, {"NETRC": "CONFIG/netrc"}),
    "netrc of Poetry's": (write_poetry, {"NETRC": "CONFIG/netrc"}),
    "keyring": (write_uv, {"PATH": "CONFIG:/usr/bin:/bin"}),
    "keyring of Poetry's": (write_poetry, {"PATH": "CONFIG/poetry:/usr/bin:/bin"}),
}
"""How a tool is told of credentials: what writes its lock, and variables."""


@pytest.fixture
def config(tmp_path: Path, private: IndexServer) -> Path:
    """Give a directory with files of credentials, and programs that are keyrings."""
    directory = tmp_path / "config"
    (directory / "poetry").mkdir(parents=True)
    (directory / "netrc").write_text(NETRC)
    (directory / "auth.toml").write_text(
        f'[http-basic.my-house]\nusername = "{USER}"\npassword = "{PASSWORD}"\n'
    )
    places = {"": private.url, "poetry": "poetry-repository-my-house"}
    for folder, place in places.items():
        keyring = directory / folder / "keyring"
        answer = f"printf '%s\\n' '{USER}' '{PASSWORD}'"
        keyring.write_text(f'#!/bin/sh\n[ "$3" = "{place}" ] && {answer}\n')
        keyring.chmod(0o755)
    return directory


def assert_unseen(told: subprocess.CompletedProcess[str], *directories: Path) -> None:
    """Look for the password, and what it is in URLs and headers, in output and files."""
    needles = [PASSWORD, QUOTED, "w@rd", "w%40rd", "bmFtZS1vZi11c2VyOnBhc3M6"]
    looked = 0
    for directory in directories:
        for path in directory.rglob("*"):
            if path.is_file() and not path.is_symlink():
                looked += 1
                content = path.read_bytes()
                assert [n for n in needles if n.encode() in content] == [], path
    assert looked
    assert [n for n in (*needles, USER) if n in told.stdout + told.stderr] == []


@dataclass(frozen=True, kw_only=True)
class House:
    """A project, an installation of pyx, and an index that wants credentials."""

    pyx: Pyx
    private: IndexServer
    wheel: Path
    config: Path
    base: Path

    @property
    def project(self) -> Path:
        """The directory of the project."""
        return self.base / "project"

    def start(self, code: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run `code`, and look for the password in all that pyx wrote and printed."""
        places = {"CONFIG": str(self.config), "PRIVATE": self.private.host}
        environ = {"PYX_DEBUG": "1", "PIP_RETRIES": "0", **variables}
        for name, place in places.items():
            environ = {key: value.replace(name, place) for key, value in environ.items()}
        told = self.pyx("-c", code, cwd=self.project, env=environ)
        assert_unseen(told, self.base / "pyx-home", self.base / "pyx-cache")
        return told


@pytest.fixture
def house(pyx: Pyx, private: IndexServer, wheel: Path, config: Path, tmp_path: Path) -> House:
    """Give a project that is still empty."""
    (tmp_path / "project").mkdir()
    return House(pyx=pyx, private=private, wheel=wheel, config=config, base=tmp_path)


@pytest.mark.parametrize(("write", "variables"), WAYS.values(), ids=WAYS)
def test_tools_credentials_serve_and_are_left_nowhere(
    house: House,
    index: IndexServer,
    write: Callable[[Path, IndexServer, Path], None],
    variables: dict[str, str],
) -> None:
    """A start gets the wheel; the password is in no file of pyx's and in no output.

    With another password there is an error that names the host, and the same holds.
    """
    if "NETRC" in variables and sys.version_info < (3, 11):
        pytest.skip("before 3.11 python's netrc has no values in quotes")
    write(house.project, house.private, house.wheel)
    code = "import tick; print(tick.answer)"
    house.private.credentials = (USER, "another")
    variables = variables | {"NEAR": index.url}
    refused = house.start(code, variables)
    assert (refused.returncode, refused.stdout) == (69, "")
    assert f"{house.private.host} refuses access" in refused.stderr
    house.private.credentials = (USER, PASSWORD)
    told = house.start(code, variables)
    assert told.stdout == "42\n", told.stderr
    assert {request.authorization for request in index.requests} <= {None}


@pytest.mark.parametrize("word", ["buildtool", "absent"])
def test_a_build_gets_its_requirements_from_the_locks_index(house: House, word: str) -> None:
    """Pip is told of the index and its credentials, and the log of a build keeps neither."""
    make_wheel(house.private.directory, "buildtool", "1.0")
    tree = make_source_tree(house.project / "tree", "tock", "1.0")
    (tree / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["{word}"]\n'
        'build-backend = "treebackend"\nbackend-path = ["."]\n'
    )
    write_pipenv(house.project, house.private, house.wheel)
    lock = house.project / "Pipfile.lock"
    text = lock.read_text()
    lock.write_text(text.replace('"default": {', '"default": {"tock": {"path": "./tree"}, '))
    variables = {"HOUSE_USER": USER, "HOUSE_PASSWORD": PASSWORD, "NEAR": house.private.url}
    told = house.start("import tick, tock; print(tick.answer)", variables)
    if word == "absent":
        assert (told.returncode, told.stdout) == (69, "")
        assert "pip cannot install what its build needs (absent)" in told.stderr
    else:
        assert told.stdout == "42\n", told.stderr
    assert "/simple/buildtool/" in [r.path for r in house.private.requests] or word == "absent"


def wanted_for(wheel: Path) -> WantedFile:
    """Return what a lock without URLs says about the wheel."""
    return WantedFile(
        name="tick", version="1.0", filename=wheel.name, hashes={"sha256": sha256(wheel)}
    )


def test_another_origin_gets_nothing(private: IndexServer, wheel: Path, tmp_path: Path) -> None:
    """Neither another port nor another name of the same machine is shown the password."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f'machine example.org login {USER} password "{PASSWORD}"\n')
    wanted = wanted_for(wheel)
    for host in ("127.0.0.1", "localhost"):
        with IndexServer(private.directory) as other:
            private.rules.clear()
            private.redirect("/files/", f"http://{host}:{other.port}*")
            settings = IndexSettings(
                index_url=with_login(private.url), environ={"NETRC": str(netrc)}, retries=0
            )
            with Index(settings) as source:
                assert source.fetch(wanted, tmp_path / host / str(other.port)).exists()
            assert [r.authorization for r in other.requests] == [None]
            assert None not in [r.authorization for r in private.requests]


def test_a_redirect_within_the_origin_keeps_them(
    private: IndexServer, wheel: Path, tmp_path: Path
) -> None:
    """An index may redirect to another path of its own."""
    private.redirect("/simple/tick/", f"http://{private.host}/simple/tick/?again=1", times=1)
    wanted = wanted_for(wheel)
    with Index(IndexSettings(index_url=with_login(private.url), retries=0)) as source:
        assert source.fetch(wanted, tmp_path / "into").exists()
    assert len({request.authorization for request in private.requests}) == 1


def test_two_indexes_of_one_server_have_their_own() -> None:
    """Of the indexes of an origin, the one with the longest common path counts."""
    logins = [
        split_login("https://a:1@example.org/a/simple"),
        split_login("https://b:2@example.org/b/simple"),
    ]
    known = Credentials(logins, {"HOME": "/nowhere"})
    assert known.find("https://example.org/a/files/x.whl") == ("a", "1")
    assert known.find("https://example.org/b/simple/x/") == ("b", "2")
    assert known.find("https://example.org:443/b/simple/x/") == ("b", "2")
    for other in (
        "http://example.org/a/simple",
        "https://example.org:8/a",
        "https://a.example.org/",
    ):
        assert known.find(other) is None


def test_the_nearest_credentials_count(tmp_path: Path) -> None:
    """The URL beats its index, the index beats netrc; a user alone is a token."""
    (tmp_path / ".netrc").write_text("machine example.org login net password rc\n")
    known = Credentials(
        [split_login("https://index:i@example.org/simple/")],
        {"HOME": str(tmp_path)},
    )
    assert known.find("https://me:own@example.org/simple/a/") == ("me", "own")
    assert known.find("https://example.org/simple/a/") == ("index", "i")
    assert known.find("https://token@example.org/simple/a/") == ("token", "")
    alone = Credentials([], {"HOME": str(tmp_path)})
    assert alone.find("https://example.org/a") == ("net", "rc")
    assert alone.find("https://net@example.org/a") == ("net", "rc")
    assert alone.find("https://www.example.org/a") is None


def test_keyring_can_be_turned_off(private: IndexServer, wheel: Path, config: Path) -> None:
    """`PIP_KEYRING_PROVIDER=disabled` asks no keyring."""
    wanted = wanted_for(wheel)
    settings = IndexSettings(
        index_url=private.url,
        environ={"PATH": f"{config}:/usr/bin:/bin", "HOME": str(config)},
        keyring="disabled",
    )
    with Index(settings) as source, pytest.raises(ArtifactError, match="refuses access"):
        source.fetch(wanted, config / "into")


def test_credentials_in_urls_are_quoted() -> None:
    """What is put into a URL comes out of it, whatever it holds; and shows itself nowhere."""
    url = join_login("https://old:one@example.org:8/simple", USER, PASSWORD)
    assert url == with_login("https://example.org:8/simple")
    login = split_login(url)
    assert (login.url, login.user) == ("https://example.org:8/simple", USER)
    assert login.password == PASSWORD
    assert PASSWORD not in repr(login)
    assert USER not in repr(login)
    assert QUOTED not in repr(IndexSettings(index_url=url, logins=(login,)))


@pytest.mark.parametrize(
    ("url", "given"),
    [
        ("https://me:secret@example.org/a", "https://example.org/a"),
        ("https://token@example.org/a", "https://example.org/a"),
        ("ssh://git@example.org/a", "ssh://git@example.org/a"),
        ("ssh://git:secret@example.org/a", "ssh://example.org/a"),
        ("git@example.org:a", "git@example.org:a"),
        ("file:///a@b", "file:///a@b"),
        ("http://[", "http://["),
    ],
)
def test_what_is_given_to_others_has_no_credentials(url: str, given: str) -> None:
    """The user of a checkout by ssh is a part of its place, as long as no password follows."""
    assert drop_login(url) == given
