"""What a lock and its tool add to where pip is configured to look."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.index.credentials import Login
from pyx_launcher.index.settings import build_variables, find_logins, read_index_settings
from pyx_launcher.locks.common.indexes import IndexOptions, NamedIndex, choose_sources
from pyx_launcher.locks.common.project_indexes import poetrys_index, read_named_indexes, uvs_index

if TYPE_CHECKING:
    from pathlib import Path

QUIET = {"PIP_CONFIG_FILE": os.devnull, "HOME": "/nonexistent"}


def test_the_lock_comes_before_the_configuration() -> None:
    """Index URLs of a lock take the place of the configured ones; the rest adds to them."""
    environ = QUIET | {
        "PIP_INDEX_URL": "https://a.example.org/",
        "PIP_EXTRA_INDEX_URL": "https://b.example.org/",
        "PIP_FIND_LINKS": "shelf",
    }
    settings = read_index_settings(
        IndexOptions(index_urls=("https://c.example.org/",), find_links=("near",)), environ
    )
    assert settings.index_url == "https://c.example.org/"
    assert settings.extra_index_urls == ()
    assert settings.find_links == ("near", "shelf")
    kept = read_index_settings(IndexOptions(extra_index_urls=("https://d.example.org/",)), environ)
    assert kept.index_url == "https://a.example.org/"
    assert kept.extra_index_urls == ("https://b.example.org/", "https://d.example.org/")


def test_pipenvs_mirror_counts_where_pip_has_none() -> None:
    """`PIPENV_PYPI_MIRROR` stands in for the default index, unless pip is told of another."""
    mirror = QUIET | {"PIPENV_PYPI_MIRROR": "https://m.example.org/"}
    assert read_index_settings(IndexOptions(), mirror).index_url == "https://m.example.org/"
    both = mirror | {"PIP_INDEX_URL": "https://a.example.org/"}
    assert read_index_settings(IndexOptions(), both).index_url == "https://a.example.org/"


def test_a_source_without_verification_is_trusted() -> None:
    """`verify_ssl = false` holds for the host and port of the source."""
    named = (
        NamedIndex(url="https://me:hidden@a.example.org:8443/", is_trusted=True),
        NamedIndex(url="https://b.example.org/"),
    )
    settings = read_index_settings(IndexOptions(sources=named), QUIET)
    assert settings.trusted_hosts == ("a.example.org:8443",)


@pytest.mark.parametrize(
    ("index", "variables"),
    [
        (uvs_index("My.own-index", ""), ("UV_INDEX_MY_OWN_INDEX",)),
        (poetrys_index("my-own", ""), ("POETRY_HTTP_BASIC_MY_OWN",)),
    ],
)
def test_names_become_variables(index: NamedIndex, variables: tuple[str]) -> None:
    """A name stands in a variable as its tool writes it there."""
    assert index.user_variables == (f"{variables[0]}_USERNAME",)
    assert index.password_variables == (f"{variables[0]}_PASSWORD",)


def test_variables_beat_what_stands_in_a_url() -> None:
    """Each of user and password may come from the variable of its own."""
    named = [uvs_index("a", "https://me:old@example.org/simple")]
    (login,) = find_logins(named, {"HOME": "/nonexistent", "UV_INDEX_A_PASSWORD": "new"})
    assert login == Login(
        url="https://example.org/simple",
        user="me",
        password="new",  # noqa: S106 - an example.
    )


def test_indexes_are_read_from_both_files_of_a_project(tmp_path: Path) -> None:
    """pyproject.toml and uv.toml name indexes; what cannot be read names none."""
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.uv.index]]\nname = "a"\nurl = "https://a.example.org"\n'
        '[[tool.poetry.source]]\nname = "b"\nurl = "https://b.example.org"\n'
    )
    (tmp_path / "uv.toml").write_text(
        'index-url = "https://c.example.org"\nextra-index-url = ["https://d.example.org"]\n'
    )
    found = read_named_indexes(tmp_path)
    assert [index.url for index in found] == [f"https://{c}.example.org" for c in "abcd"]
    (tmp_path / "pyproject.toml").write_text("[[[")
    assert [index.url[8] for index in read_named_indexes(tmp_path)] == ["c", "d"]


def test_a_project_comes_from_who_includes_it() -> None:
    """Inclusion decides; without any, all that do not exclude the name are left."""
    one = NamedIndex(url="1", includes=("a*",))
    two = NamedIndex(url="2", excludes=("b",))
    assert choose_sources((one, two), "abc") == (one,)
    assert choose_sources((one, two), "b") == (one,)
    assert choose_sources((one, two), "c") == (one, two)


def test_pip_is_told_the_same_for_builds(tmp_path: Path) -> None:
    """Sources take the place of the configured index that is not one of them; offline, disks do."""
    shelf = tmp_path / "a shelf"
    sources = (
        uvs_index("x", "https://x.example.org/simple"),
        NamedIndex(url=str(shelf), is_index=False),
        NamedIndex(url="https://links.example.org/", is_index=False),
    )
    environ = QUIET | {
        "PIP_INDEX_URL": "https://a.example.org/",
        "UV_INDEX_X_USERNAME": "me",
        "UV_INDEX_X_PASSWORD": "p@ss",
    }
    settings = read_index_settings(IndexOptions(sources=sources), environ)
    variables = build_variables(settings)
    assert variables["PIP_INDEX_URL"] == "https://me:p%40ss@x.example.org/simple"
    assert "PIP_EXTRA_INDEX_URL" not in variables
    assert variables["PIP_FIND_LINKS"] == f"{shelf.as_uri()} https://links.example.org/"
    assert build_variables(settings, offline=True) == {
        "PIP_FIND_LINKS": shelf.as_uri(),
        "PIP_NO_INDEX": "1",
    }
    both = read_index_settings(IndexOptions(sources=(NamedIndex(url=""), sources[0])), environ)
    assert build_variables(both)["PIP_INDEX_URL"] == "https://a.example.org/"
    assert "x.example.org" in build_variables(both)["PIP_EXTRA_INDEX_URL"]
