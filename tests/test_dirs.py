"""Where everything lies: what the variables say, and what holds without them."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

import pyx_launcher.dirs as dirs_module
from pyx_launcher.dirs import Dirs, resolve_dirs
from pyx_launcher.errors import StoreError


@pytest.fixture(autouse=True)
def system_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a store of the system that is not there, whatever this machine has."""
    place = tmp_path / "system" / "store"
    monkeypatch.setattr(dirs_module, "SYSTEM_STORE", place)
    return place


def test_without_variables_the_platform_decides() -> None:
    """An empty environment, or empty variables, mean the user's own data and cache directories."""
    expected = Dirs(
        home=platformdirs.user_data_path("pyx"), cache=platformdirs.user_cache_path("pyx")
    )
    assert resolve_dirs({}) == expected
    empty = {"PYX_HOME": "", "PYX_CACHE_DIR": "", "PYX_STORES": ""}
    assert resolve_dirs(empty) == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_store_that_one_may_not_look_at_is_none(system_store: Path) -> None:
    """As where root has filled it with a umask that keeps everybody else away."""
    system_store.mkdir(parents=True)
    system_store.parent.chmod(0)
    try:
        assert resolve_dirs({}).fallback_stores == ()
    finally:
        system_store.parent.chmod(0o755)


def test_everything_lies_below_the_two_directories(tmp_path: Path) -> None:
    """The store, environments and names belong to the home, what can be lost to the cache."""
    dirs = resolve_dirs({"PYX_HOME": f"{tmp_path}/h", "PYX_CACHE_DIR": f"{tmp_path}/c"})
    kept = [dirs.store, dirs.environments, dirs.named]
    assert [path.relative_to(tmp_path / "h").name for path in kept] == [path.name for path in kept]
    assert len(set(kept)) == 3
    lost = [dirs.records, dirs.code, dirs.interpreters]
    assert {path.parent for path in lost} == {tmp_path / "c"}
    assert len(set(lost)) == 3


def test_relative_directories_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative name counts from the working directory, and goes on meaning the same place."""
    monkeypatch.chdir(tmp_path)
    dirs = resolve_dirs({"PYX_HOME": "h", "PYX_CACHE_DIR": "./c", "PYX_STORES": "s:../t"})
    assert dirs.home == tmp_path / "h"
    assert dirs.cache == tmp_path / "c"
    assert all(path.is_absolute() for path in dirs.stores)


def test_symlinks_are_kept(tmp_path: Path) -> None:
    """A home that is reached through a link keeps the name its user gave it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert resolve_dirs({"PYX_HOME": str(tmp_path / "link")}).home == tmp_path / "link"


@pytest.mark.parametrize("name", ["a b", "new\nline", "日本", os.fsdecode(b"\xff"), "~", "$HOME"])
def test_names_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    """Nothing in a name is expanded, decoded or cleaned."""
    assert resolve_dirs({"PYX_HOME": f"{tmp_path}/{name}"}).home == Path(f"{tmp_path}/{name}")


def test_stores_are_searched_in_order_after_the_own_one(tmp_path: Path) -> None:
    """The store that is written to comes first, and empty parts of the list mean nothing."""
    dirs = resolve_dirs({"PYX_HOME": str(tmp_path), "PYX_STORES": ":/one::/two:"})
    assert dirs.stores == (tmp_path / "store", Path("/one"), Path("/two"))


def test_the_systems_store_lies_behind_where_it_is_there(
    tmp_path: Path, system_store: Path
) -> None:
    """Any word about stores, be it an empty one, takes its place; it is not behind itself."""
    own = {"PYX_HOME": str(tmp_path / "home")}
    assert resolve_dirs(own).fallback_stores == ()
    system_store.mkdir(parents=True)
    assert resolve_dirs(own).fallback_stores == (system_store,)
    assert resolve_dirs({**own, "PYX_STORES": ""}).fallback_stores == ()
    assert resolve_dirs({**own, "PYX_STORES": "/one"}).fallback_stores == (Path("/one"),)
    assert resolve_dirs({"PYX_HOME": str(system_store.parent)}).fallback_stores == ()


@pytest.mark.parametrize("variable", ["PYX_HOME", "PYX_CACHE_DIR", "PYX_STORES"])
def test_a_relative_name_in_a_directory_that_is_gone_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Where the working directory was removed, a relative name has no place; that is no crash."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(StoreError, match="the working directory is gone"):
        resolve_dirs({variable: "here"})
