"""Where everything lies: what the variables say, and what holds without them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pytest

import pyx_launcher.dirs as dirs_module
from pyx_launcher.dirs import Dirs, resolve_dirs
from pyx_launcher.errors import StoreError

if TYPE_CHECKING:
    from installed import Pyx


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


def test_a_tilde_that_the_shell_has_left_is_refused(pyx: Pyx, tmp_path: Path) -> None:
    """A directory `~` would be made, which is dangerous to remove; the hint is what was meant."""
    home = tmp_path / "a home"
    for variable, value in (("PYX_HOME", "~/p"), ("PYX_CACHE_DIR", "~/p"), ("PYX_STORES", "~/p")):
        told = pyx("-c", "0", cwd=tmp_path, env={variable: value, "HOME": str(home)})
        assert (told.returncode, told.stdout) == (64, "")
        assert told.stderr == (
            f"pyx: {variable}=~/p: the shell did not expand the ~\n"
            f"pyx: hint: export {variable}='{home}/p'\n"
        )
    assert list(tmp_path.glob("~*")) == []


@pytest.mark.parametrize("variable", ["PYX_HOME", "PYX_CACHE_DIR"])
def test_a_relative_place_is_taken_and_told(pyx: Pyx, tmp_path: Path, variable: str) -> None:
    """It works, though it means another place in every directory."""
    told = pyx("-c", "print(1)", cwd=tmp_path, env={variable: "here"})
    assert (told.returncode, told.stdout) == (0, "1\n")
    (line,) = told.stderr.splitlines()
    assert line.startswith(f"pyx: warning: {variable}=here is relative")
    assert line.endswith(f"export {variable}={tmp_path}/here")


@pytest.mark.parametrize("words", [("-c", "0"), ("list",), ("store", "size"), ("tool", "list")])
@pytest.mark.parametrize("variable", ["PYX_HOME", "PYX_CACHE_DIR", "PYX_STORES"])
@pytest.mark.parametrize("below", ["", "/below"])
def test_a_file_is_no_place(
    pyx: Pyx, tmp_path: Path, words: tuple[str, ...], variable: str, below: str
) -> None:
    """Whatever is asked for, it names the file and the variable, and gives no false answer."""
    file = tmp_path / "file"
    file.write_text("mine\n")
    told = pyx(*words, cwd=tmp_path, env={variable: f"{file}{below}"})
    assert (told.returncode, told.stdout) == (74, "")
    assert told.stderr == (
        f"pyx: {file} is not a directory\npyx: hint: set {variable} to a directory, or unset it\n"
    )
    assert file.read_text() == "mine\n"


def test_a_home_that_is_a_store_is_refused(pyx: Pyx, pyx_home: Path, tmp_path: Path) -> None:
    """Another store would be made inside it, among its entries."""
    write_store(pyx_home / "store")
    told = pyx("-c", "0", cwd=tmp_path, env={"PYX_HOME": str(pyx_home / "store")})
    assert (told.returncode, told.stdout) == (64, "")
    assert "is a store, which lies in such a directory" in told.stderr
    assert f"hint: export PYX_HOME={pyx_home}\n" in told.stderr
    assert sorted(path.name for path in (pyx_home / "store").iterdir()) == [".format"]


def test_a_store_behind_that_is_none_is_told(pyx: Pyx, tmp_path: Path) -> None:
    """One that is not there, and a home instead of the store in it; the program runs."""
    write_store(tmp_path / "other" / "store")
    stores = f"{tmp_path}/gone:{tmp_path}/other:{tmp_path}/other/store"
    told = pyx("-c", "print(1)", cwd=tmp_path, env={"PYX_STORES": stores})
    assert (told.returncode, told.stdout) == (0, "1\n")
    assert told.stderr.splitlines() == [
        f"pyx: warning: PYX_STORES: there is no store {tmp_path}/gone",
        f"pyx: warning: PYX_STORES: {tmp_path}/other is not a store; {tmp_path}/other/store is one",
    ]


def write_store(store: Path) -> None:
    """Make an empty store."""
    store.mkdir(parents=True)
    (store / ".format").write_text("1\n")
