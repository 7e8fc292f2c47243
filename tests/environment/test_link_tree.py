"""The plan of a tree of links: who owns a name, who shares it, and who wins where files collide."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.environment.link_tree import LinkPlan, Root, plan_farm, write_farm
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Collection


def make_root(directory: Path, *files: str, by_file: Collection[str] = ()) -> Root:
    """Fill `directory` with `files`, each holding its own place, and return it as a source."""
    for name in files:
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(os.fsencode(f"{directory.name}:{name}"))
    names = sorted(path.name for path in directory.iterdir())
    return Root(path=directory, label=directory.name, names=names, by_file=by_file)


def make_farm(tree: Path, *roots: Root) -> LinkPlan:
    """Plan a farm for `roots`, write it into the new directory `tree` and return the plan."""
    plan = plan_farm(roots)
    tree.mkdir()
    write_farm(plan, tree, tree.parent / "links")
    return plan


def content_of(tree: Path) -> dict[str, str]:
    """Return every file that is seen below `tree` through its links, with what it holds."""
    found = [
        Path(place) / name for place, _, names in os.walk(tree, followlinks=True) for name in names
    ]
    return {str(path.relative_to(tree)): path.read_text() for path in found}


def test_a_name_with_one_owner_is_one_link(tmp_path: Path) -> None:
    """Whatever lies below a name that only one source has, the tree has a single link for it."""
    root = make_root(tmp_path / "a", "pack/deep/er/x.py", "pack/y.py", "single.py")
    plan = make_farm(tmp_path / "tree", root)
    assert plan.links == {"pack": root.path / "pack", "single.py": root.path / "single.py"}
    assert plan.directories == []
    assert (tmp_path / "tree" / "pack").is_symlink()


def test_a_shared_directory_shows_what_all_have_in_it(tmp_path: Path) -> None:
    """Two halves of a namespace become one real directory with a link to each half's part."""
    left = make_root(tmp_path / "left", "space/one/a.py")
    right = make_root(tmp_path / "right", "space/two/b.py")
    plan = make_farm(tmp_path / "tree", left, right)
    assert plan.directories == ["space"]
    assert plan.conflicts == []
    assert content_of(tmp_path / "tree") == {
        "space/one/a.py": "left:space/one/a.py",
        "space/two/b.py": "right:space/two/b.py",
    }


def test_sharing_goes_as_deep_as_it_must(tmp_path: Path) -> None:
    """Directories are real down to where the sources part, and links from there on."""
    left = make_root(tmp_path / "left", "a/b/c/one.py", "a/b/left/x.py")
    right = make_root(tmp_path / "right", "a/b/c/two.py")
    plan = make_farm(tmp_path / "tree", left, right)
    assert plan.directories == ["a", "a/b", "a/b/c"]
    assert plan.links["a/b/left"] == tmp_path / "left" / "a" / "b" / "left"
    assert len(content_of(tmp_path / "tree")) == 3


def test_what_looks_into_a_shared_directory_arrives_there(tmp_path: Path) -> None:
    """Directories from which libraries look into one that is real are real, and so on."""
    left = make_root(tmp_path / "left", "a/lib/one.so", "a/use/b.so", "a/more/c.so", "a/not/d.so")
    right = make_root(tmp_path / "right", "a/lib/two.so", "top.so")
    left = replace(left, reach={"a/use": ["a/lib"], "a/more": ["a/use"], "a/not": ["a/other"]})
    right = replace(right, reach={"": ["a/lib"]})
    plan = make_farm(tmp_path / "tree", left, right)
    assert set(plan.directories) == {"a", "a/lib", "a/use", "a/more"}
    assert plan.links["a/not"] == left.path / "a" / "not"


def test_a_program_that_looks_around_lies_there_itself(tmp_path: Path) -> None:
    """The kernel forgets the symlink by which a program was found. Below a link all is its own."""
    left = replace(make_root(tmp_path / "left", "a/run", "b/run"), programs=["a/run", "b/run"])
    right = make_root(tmp_path / "right", "a/x")
    make_farm(tmp_path / "tree", left, right)
    assert not (tmp_path / "tree" / "a" / "run").is_symlink()
    assert (tmp_path / "tree" / "a" / "run").samefile(left.path / "a" / "run")
    assert (tmp_path / "tree" / "b").is_symlink()


def test_of_two_equal_files_the_later_wins_and_that_is_said(tmp_path: Path) -> None:
    """As in one site-packages, the last that is installed has its file there."""
    first = make_root(tmp_path / "first", "pack/same.py", "pack/a.py")
    last = make_root(tmp_path / "last", "pack/same.py", "pack/b.py")
    plan = make_farm(tmp_path / "tree", first, last)
    assert plan.conflicts == ["pack/same.py: last wins over first"]
    assert content_of(tmp_path / "tree")["pack/same.py"] == "last:pack/same.py"


@pytest.mark.parametrize(
    ("order", "winner"),
    [(("directory", "file"), "file:x"), (("file", "directory"), "directory:x/inside.py")],
)
def test_a_file_and_a_directory_of_one_name_are_a_conflict(
    tmp_path: Path, order: tuple[str, str], winner: str
) -> None:
    """Where one source has a file and another a directory, the later one is what is seen."""
    roots = {
        "file": make_root(tmp_path / "file", "x"),
        "directory": make_root(tmp_path / "directory", "x/inside.py"),
    }
    plan = make_farm(tmp_path / "tree", *(roots[name] for name in order))
    assert plan.conflicts == [f"x: {order[1]} wins over {order[0]}"]
    assert list(content_of(tmp_path / "tree").values()) == [winner]


def test_a_conflict_names_all_who_lose(tmp_path: Path) -> None:
    """Three sources with the same file make one line that names both losers."""
    roots = [make_root(tmp_path / name, "same.py") for name in "abc"]
    assert plan_farm(roots).conflicts == ["same.py: c wins over a, b"]


def test_a_source_by_file_gets_a_link_for_each_file(tmp_path: Path) -> None:
    """Libraries that look around from where they lie must not be reached through a directory."""
    files = ("nvidia/blas/lib/a.so", "nvidia/blas/lib/b.so", "nvidia/blas/x/y.py", "top.py")
    root = make_root(tmp_path / "cuda", *files, by_file=["nvidia/blas/lib"])
    plan = make_farm(tmp_path / "tree", root)
    assert set(plan.links) == {*files[:2], "nvidia/blas/x", "top.py"}
    assert plan.directories == ["nvidia", "nvidia/blas", "nvidia/blas/lib"]
    library = tmp_path / "tree" / "nvidia/blas/lib/a.so"
    assert library.parent.resolve() == library.parent


def test_bytecode_of_a_shared_directory_is_nobodys(tmp_path: Path) -> None:
    """A `__pycache__` that an interpreter left in two sources is neither linked nor a conflict."""
    roots = [
        make_root(tmp_path / name, "space/__pycache__/x.pyc", f"space/{name}.py") for name in "ab"
    ]
    plan = make_farm(tmp_path / "tree", *roots)
    assert plan.conflicts == []
    assert sorted(content_of(tmp_path / "tree")) == ["space/a.py", "space/b.py"]


def test_names_to_skip_are_skipped_at_the_top_alone(tmp_path: Path) -> None:
    """What is kept free at the top may still be the name of something further down."""
    root = make_root(tmp_path / "a", "lib/x", "share/lib/y")
    assert set(plan_farm([root], skip=frozenset({"lib"})).links) == {"share"}


def test_nothing_makes_nothing(tmp_path: Path) -> None:
    """Without sources the tree stays empty."""
    assert make_farm(tmp_path / "tree") == LinkPlan()
    assert list((tmp_path / "tree").iterdir()) == []


def test_odd_names_are_linked_as_they_are(tmp_path: Path) -> None:
    """Spaces, line feeds, dots and undecodable bytes in names mean nothing to a farm."""
    names = ["a b", "new\nline", "..dots", "-dash", os.fsdecode(b"\xff\xfe"), "日本"]
    root = make_root(tmp_path / "odd", *(f"space/{name}" for name in names))
    other = make_root(tmp_path / "other", "space/plain")
    make_farm(tmp_path / "tree", root, other)
    assert sorted([p.name for p in (tmp_path / "tree" / "space").iterdir()]) == sorted(
        [*names, "plain"]
    )


def test_thousands_of_names_are_no_matter(tmp_path: Path) -> None:
    """A shared directory with thousands of files is merged completely."""
    left = make_root(tmp_path / "left", *(f"space/left{n}.py" for n in range(2000)))
    right = make_root(tmp_path / "right", *(f"space/right{n}.py" for n in range(2000)))
    make_farm(tmp_path / "tree", left, right)
    assert len(list((tmp_path / "tree" / "space").iterdir())) == 4000


def test_what_the_tree_has_already_stays(tmp_path: Path) -> None:
    """A link whose place is taken is left out and reported; the others are made."""
    root = make_root(tmp_path / "a", "x.py", "y.py")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "x.py").write_text("mine")
    taken = write_farm(plan_farm([root]), tmp_path / "tree", tmp_path / "links")
    assert taken == ["x.py: left out, the environment has its own"]
    assert content_of(tmp_path / "tree") == {"x.py": "mine", "y.py": "a:y.py"}


def test_directories_that_are_real_get_links_added(tmp_path: Path) -> None:
    """A directory that the tree has is never replaced by a link, even if one source has it."""
    root = make_root(tmp_path / "a", "lib/libx.so", "lib/real/y", "share/z")
    (tmp_path / "tree" / "lib" / "real").mkdir(parents=True)
    plan = plan_farm([root], real=frozenset({"lib", "lib/real"}))
    assert write_farm(plan, tmp_path / "tree", tmp_path / "links") == []
    links = {path for path in (tmp_path / "tree").rglob("*") if path.is_symlink()}
    names = {str(path.relative_to(tmp_path / "tree")) for path in links}
    assert names == {"lib/libx.so", "lib/real/y", "share"}


def test_equal_links_of_two_trees_are_one_file(tmp_path: Path) -> None:
    """Where the file system lets a symlink have several names, a further tree takes no inodes."""
    probe = tmp_path / "probe"
    probe.symlink_to("nowhere")
    try:
        os.link(probe, tmp_path / "again", follow_symlinks=False)
    except OSError:
        pytest.skip("this file system has no hard links to symlinks")
    if sys.platform != "linux":
        pytest.skip("only Linux says what a hard link to a symlink is")
    root = make_root(tmp_path / "one", "pack/__init__.py", "module.py")
    trees = [tmp_path / "a", tmp_path / "b"]
    for tree in trees:
        make_farm(tree, root)
    assert content_of(trees[0]) == content_of(trees[1]) != {}
    for name in ("pack", "module.py"):
        first, second = ((tree / name).lstat() for tree in trees)
        assert first.st_ino == second.st_ino
        assert (trees[1] / name).is_symlink()


def test_a_tree_is_made_where_no_link_can_be_kept(tmp_path: Path) -> None:
    """The directory of kept links saves room and time; without it each tree has its own."""
    root = make_root(tmp_path / "one", "module.py")
    (tmp_path / "tree").mkdir()
    write_farm(plan_farm([root]), tmp_path / "tree", tmp_path / "one" / "module.py")
    assert content_of(tmp_path / "tree") == {"module.py": "one:module.py"}
