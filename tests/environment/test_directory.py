"""Environment directories: their name, layout and content, and how they come and go."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elffiles import DT_RUNPATH, make_elf
from workshop import Workshop, probe

from pyx_launcher.dirs import Dirs
from pyx_launcher.environment.directory import (
    DIRECT_LIMIT,
    Environment,
    find_environment,
    name_environment,
)
from pyx_launcher.environment.writer import build_environment
from pyx_launcher.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyx_launcher.interpreters.finder import Interpreter


def leftovers(dirs: Dirs) -> list[str]:
    """Return what lies among the environments and is none."""
    return [
        name for name in (p.name for p in (dirs.environments).iterdir()) if name.startswith(".")
    ]


def test_few_entries_lie_on_the_path_themselves(workshop: Workshop) -> None:
    """A module is found in its entry, and a `.pth` file says so to other tools."""
    one, two = workshop.entry("one"), workshop.entry("two")
    environment = workshop.build(one, two)
    assert environment.layout == "direct"
    assert environment.sys_path == (str(one.path), str(two.path))
    told = workshop.run(environment, "-c", "import one; print(one.__file__)")
    assert told == str(one.path / "one" / "__init__.py")
    (listed,) = environment.path.glob("lib/python*/site-packages/pyx.pth")
    # Behind them is what python's own `site` starts the environment by, if it comes to that.
    assert listed.read_text().splitlines()[:2] == [str(one.path), str(two.path)]


def test_many_entries_become_one_directory(workshop: Workshop) -> None:
    """One more than the limit, and everything is found in one site-packages."""
    entries = workshop.entries(DIRECT_LIMIT + 1)
    assert workshop.build(*entries[:-1]).layout == "direct"
    environment = workshop.build(*entries)
    assert environment.layout == "farm"
    (site_packages,) = environment.sys_path
    assert workshop.run(environment, "-c", "import filler3; print(filler3.__file__)") == (
        f"{site_packages}/filler3/__init__.py"
    )


@pytest.mark.parametrize(
    ("left", "right", "layout"),
    [
        ("space/a/x.py", "space/b/x.py", "direct"),
        ("space/a/x.py", "space/a/y.py", "direct"),
        ("space/a/__init__.py", "space/a/y.py", "farm"),
        ("space/__init__.py", "space/b.py", "farm"),
        ("space/a.py", "space/a.py", "farm"),
        ("space.py", "space.py", "farm"),
    ],
)
def test_shared_names_decide_the_layout(
    workshop: Workshop, left: str, right: str, layout: str
) -> None:
    """Only namespaces can be seen through several entries; anything else needs one directory."""
    entries = [workshop.entry("left", {left: ""}), workshop.entry("right", {right: ""})]
    assert workshop.build(*entries).layout == layout


def test_a_library_that_looks_elsewhere_needs_a_farm(workshop: Workshop) -> None:
    """Its run path is followed from where the link to the file lies."""
    library = make_elf((DT_RUNPATH, "$ORIGIN/../../nvidia/lib"))
    environment = workshop.build(workshop.entry("torch", {"torch/lib/a.so": library}))
    assert environment.layout == "farm"
    (link,) = environment.path.glob("lib/*/site-packages/torch/lib/a.so")
    assert link.is_symlink()
    assert link.parent.resolve() == link.parent


def test_it_is_a_virtual_environment(workshop: Workshop) -> None:
    """A plain interpreter that is pointed at it with `pyvenv.cfg` takes it for one."""
    environment = workshop.build(workshop.entry("one"))
    config = dict(
        line.split(" = ", 1) for line in (environment.path / "pyvenv.cfg").read_text().splitlines()
    )
    assert Path(config["home"]) == workshop.interpreter.path.parent
    assert config["include-system-site-packages"] == "false"
    code = "import sys; print(sys.prefix, sys.prefix != sys.base_prefix, sys.executable)"
    told = workshop.run(environment, "-c", code)
    assert told == f"{environment.path} True {environment.python}"
    names = sorted([p.name for p in (environment.path / "bin").iterdir()])
    assert names == ["pip", "pip3", "python", "python3", f"python{workshop.interpreter.short}"]


def test_pip_says_what_to_type(workshop: Workshop) -> None:
    """Where nothing has a pip, the name leads to the command that does here what was asked for."""
    environment = workshop.build(workshop.entry("one"))
    for words, meant in (
        (["install", "-U", "rich", "a>1"], "pyx add rich 'a>1'"),
        (["install", "-r", "requirements.txt"], "pyx add -r requirements.txt"),
        (["install", "-U", "-e", "."], "pyx sync"),
        (["install"], "pyx sync"),
        (["uninstall", "-y", "rich"], "pyx remove rich"),
        (["freeze"], "pyx list"),
    ):
        for name in ("pip", "pip3"):
            program = environment.path / "bin" / name
            told = subprocess.run([program, *words], capture_output=True, text=True, check=False)
            assert (told.returncode, told.stdout) == (1, "")
            first, hint = told.stderr.splitlines()
            assert first.startswith("pyx: pip is not locked here")
            assert hint.startswith(f"pyx: hint: `{meant}`")
            # Which of the starts that share the environment it was, it cannot know.
            named = meant.replace("pyx", "pyx @NAME", 1)
            assert (f"`{named}`" in hint) == (meant != "pyx sync")
            assert ("start the program" in hint) == (words[0] != "freeze")


def test_a_pip_that_is_locked_is_left_alone(workshop: Workshop) -> None:
    """Its own scripts are what they are."""
    entry = workshop.entry(
        "pip", files={"pip.py": "def main(): ...\nprint('real')"}, entry_points={"pip": "pip:main"}
    )
    environment = workshop.build(entry)
    assert "pip:main" in (environment.path / "bin" / "pip").read_text()
    assert not (environment.path / "bin" / "pip3").exists()
    assert workshop.run(environment, "-m", "pip", "install") == "real"


def test_equal_inputs_share_a_directory(workshop: Workshop) -> None:
    """The second time nothing is made; other entries, or another order, are another environment."""
    one, two = workshop.entry("one"), workshop.entry("two")
    make = (workshop.dirs, workshop.interpreter)
    first, made = build_environment(*make, [one, two], workshop.native)
    second, made_again = build_environment(*make, [one, two], workshop.native)
    assert (made, made_again) == (True, False)
    assert first == second
    assert name_environment(*make, [two, one]) != first.path
    assert name_environment(*make, [one]) != first.path
    assert find_environment(*make, [one]) is None


def test_each_interpreter_has_its_own(
    workshop: Workshop, interpreters: dict[str, Path], probed: Path
) -> None:
    """The same entries for two interpreters are two environments."""
    one = workshop.entry("one")
    paths = {
        name_environment(workshop.dirs, probe(path, probed), [one])
        for path in interpreters.values()
    }
    assert len(paths) == len(interpreters)


def _remove(name: str) -> Callable[[Path], None]:
    def remove(path: Path) -> None:
        target = path / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()

    return remove


def _write(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        (path / "environment.json").write_text(text)

    return write


DAMAGES = {
    **{
        name: _remove(name)
        for name in ("bin", "bin/python", "launch", "bootstrap.pyc", "environment.json", "lib")
    },
    "pyvenv.cfg": _remove("pyvenv.cfg"),
    "empty": _write(""),
    "half": _write('{"layout": "direct"'),
    "list": _write("[]"),
    "number": _write("5"),
    "no path": _write('{"layout": "direct", "conflicts": []}'),
    "path null": _write('{"layout": "direct", "conflicts": [], "sys_path": null}'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_half_removed_environment_is_made_again(workshop: Workshop, damage: str) -> None:
    """Whatever is missing from it or wrong in it, the next build leaves a whole one."""
    one = workshop.entry("one")
    environment = workshop.build(one)
    DAMAGES[damage](environment.path)
    assert find_environment(workshop.dirs, workshop.interpreter, [one]) is None
    again = workshop.build(one)
    assert again == environment
    assert find_environment(workshop.dirs, workshop.interpreter, [one]) == environment
    assert workshop.run(again, "-c", "import one; print(one.__version__)") == "1.0"
    assert leftovers(workshop.dirs) == []


def test_what_a_program_installs_stays(workshop: Workshop) -> None:
    """As by `pip install --upgrade`: a module more, and another script in the place of ours."""
    one = workshop.entry("one", entry_points={"one": "one:main"})
    environment = workshop.build(one)
    module = environment.path / "lib" / workshop.interpreter.lib_name / "site-packages" / "more.py"
    module.write_text("")
    script = environment.path / "bin" / "one"
    script.unlink()
    script.write_text("#!/bin/sh\n")
    assert workshop.build(one) == environment
    assert (module.is_file(), script.read_text()) == (True, "#!/bin/sh\n")


@pytest.mark.parametrize("damage", [None, "bin/python", "launch"])
def test_threads_that_build_the_same_all_succeed(workshop: Workshop, damage: str | None) -> None:
    """Of concurrent builds one wins, also where a broken environment stands there; all agree."""
    one = workshop.entry("one")
    for _ in range(5):
        if damage is None:
            shutil.rmtree(workshop.dirs.environments, ignore_errors=True)
        else:
            DAMAGES[damage](workshop.build(one).path)
        built: list[Environment] = []
        threads = [
            threading.Thread(target=lambda built=built: built.append(workshop.build(one)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(built) == 4
        assert len(set(map(repr, built))) == 1
        assert leftovers(workshop.dirs) == []
        assert workshop.run(built[0], "-c", "import one; print(one.__version__)") == "1.0"


def test_processes_that_build_the_same_all_succeed(workshop: Workshop, tmp_path: Path) -> None:
    """The first start of several processes in a new home leaves one environment that works."""
    one = workshop.entry("one")
    (workshop.dirs.store / ".generation").unlink(missing_ok=True)
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from pathlib import Path\n"
        "from pyx_launcher.dirs import Dirs\n"
        "from pyx_launcher.environment.writer import build_environment\n"
        "from pyx_launcher.store.entry import read_entry\n"
        "from workshop import probe\n"
        f"dirs = Dirs(home=Path({str(workshop.dirs.home)!r}), cache=Path({str(tmp_path)!r}))\n"
        f"interpreter = probe(Path({str(workshop.interpreter.path)!r}), dirs.interpreters)\n"
        f"entry = read_entry(Path({str(one.path)!r}))\n"
        f"made = build_environment(dirs, interpreter, [entry], Path({str(workshop.native)!r}))\n"
        "print(made[0].path)\n"
    )
    probe(workshop.interpreter.path, tmp_path / "interpreters")
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = {process.communicate()[0].strip() for process in running}
    assert [process.returncode for process in running] == [0] * 4
    (path,) = told
    code = "import one; print(one.__version__)"
    ran = subprocess.run(
        [Path(path, "bin", "python"), "-c", code], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("1.0\n", "")
    assert leftovers(workshop.dirs) == []


@pytest.mark.parametrize("many", [False, True], ids=["direct", "farm"])
def test_path_lines_of_pth_files_are_followed(workshop: Workshop, many: bool) -> None:  # noqa: FBT001
    """A relative line names a directory beside the file; one that is not there adds nothing."""
    files = {
        "one.pth": "inner/place\nnowhere\n# a comment\n\n../one-1.0.dist-info/none\n",
        "inner/place/hidden.py": "",
    }
    one = workshop.entry("one", files)
    environment = workshop.build_farm(one) if many else workshop.build(one)
    (base, place) = environment.sys_path
    assert place == f"{base}/inner/place"
    told = workshop.run(environment, "-c", "import hidden; print(hidden.__file__)")
    assert told == f"{place}/hidden.py"


def test_import_lines_run_in_the_order_of_their_files(workshop: Workshop) -> None:
    """Files of all entries are taken by name, as `site` takes those of one directory."""
    line = "import sys; sys.order = getattr(sys, 'order', '') + {!r}\n"
    one = workshop.entry("one", {"b.pth": line.format("b"), "one.py": ""})
    two = workshop.entry("two", {"a.pth": line.format("a"), "c.pth": line.format("c")})
    environment = workshop.build(one, two)
    assert workshop.run(environment, "-c", "import sys; print(sys.order)") == "abc"


@pytest.mark.parametrize("many", [False, True], ids=["direct", "farm"])
@pytest.mark.parametrize("file", ["sitecustomize.py", "sitecustomize/__init__.py"])
def test_a_customization_of_an_entry_is_imported(
    workshop: Workshop,
    file: str,
    many: bool,  # noqa: FBT001 -- a case of a table.
) -> None:
    """As `site` would, a start imports `sitecustomize`, wherever the layout has it."""
    one = workshop.entry("one", {file: "import sys; sys.customized = 1\n"})
    environment = workshop.build_farm(one) if many else workshop.build(one)
    code = "import sys; print(getattr(sys, 'customized', 0))"
    assert workshop.run(environment, "-c", code) == "1"


def test_data_files_join_the_directories_of_an_environment(workshop: Workshop) -> None:
    """Libraries and programs among the data files lie in `lib` and `bin`; ours are not replaced."""
    entry = workshop.entry(
        "one",
        data={
            "data/lib/libone.so.1": "library",
            "data/bin/one": "program",
            "data/bin/python": "evil",
            "data/lib/cmake/one.cmake": "",
        },
    )
    environment = workshop.build(entry)
    assert (environment.path / "lib" / "libone.so.1").read_text() == "library"
    assert (environment.path / "bin" / "one").read_text() == "program"
    cmake = environment.path / "lib" / "cmake"
    assert (cmake.is_symlink(), (cmake / "one.cmake").is_symlink()) == (False, True)
    assert not environment.python.is_symlink()
    assert environment.conflicts == ("bin/python: left out, the environment has its own",)


def test_a_module_and_a_package_of_one_name_are_shared(workshop: Workshop) -> None:
    """`x.py` of one distribution and `x/` of another mean what they mean in one directory."""
    module = workshop.entry("first", files={"x.py": "kind = 'module'"})
    package = workshop.entry("second", files={"x/__init__.py": "kind = 'package'"})
    environment = workshop.build(module, package)
    assert environment.layout == "farm"
    assert workshop.run(environment, "-c", "import x; print(x.kind)") == "package"


def test_data_files_lie_where_a_prefix_has_them(workshop: Workshop) -> None:
    """Shared directories are merged, and what belongs to pyx cannot be replaced."""
    one = workshop.entry(
        "one", data={"data/share/man/one.1": "1", "data/etc/one.conf": "", "headers/one.h": ""}
    )
    two = workshop.entry(
        "two",
        data={"data/share/man/two.1": "2", "data/pyvenv.cfg": "evil", "data/launch": "evil"},
    )
    environment = workshop.build(one, two)
    share = environment.path / "share" / "man"
    assert [(share / name).read_text() for name in ("one.1", "two.1")] == ["1", "2"]
    etc = environment.path / "etc"
    assert (etc.is_symlink(), (etc / "one.conf").is_symlink()) == (False, True)
    (header,) = environment.path.glob("include/site/python*/one/one.h")
    assert header.is_file()
    assert "evil" not in (environment.path / "pyvenv.cfg").read_text()
    assert workshop.run(environment, "-c", "print('ran')") == "ran"


def test_conflicts_are_kept_and_told_again(workshop: Workshop) -> None:
    """Which file won is known as long as the environment is."""
    one, two = (
        workshop.entry("one", {"same.py": "x = 1"}),
        workshop.entry("two", {"same.py": "x = 2"}),
    )
    environment = workshop.build(one, two)
    assert environment.conflicts == ("same.py: two 1.0 wins over one 1.0",)
    assert workshop.build(one, two) == environment
    assert workshop.run(environment, "-c", "import same; print(same.x)") == "2"


@pytest.mark.parametrize(
    "name", ["a b", "日本", "new\nline", "it's", os.fsdecode(b"\xff\xfe"), "x" * 120]
)
def test_a_home_may_have_any_name(
    tmp_path: Path, interpreter: Interpreter, native: Path, name: str
) -> None:
    """Programs and scripts of an environment start, whatever the path to it looks like."""
    workshop = Workshop(tmp_path / name, interpreter, native)
    files = {"one.py": "def main():\n    print('main ran')\n"}
    one = workshop.entry(
        "one",
        files,
        data={"scripts/plain": "#!python\nimport one\none.main()\n"},
        entry_points={"run": "one:main"},
    )
    environment = workshop.build(one)
    assert workshop.run(environment, "-c", "import one; one.main()") == "main ran"
    for script in ("run", "plain"):
        told = subprocess.run(
            [environment.path / "bin" / script], capture_output=True, text=True, check=False
        )
        assert (told.stdout, told.stderr) == ("main ran\n", "")


def test_a_home_that_cannot_be_written_is_said(
    tmp_path: Path, interpreter: Interpreter, native: Path
) -> None:
    """A file where the home should be, or no native program, is one line and no traceback."""
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        Workshop(tmp_path, interpreter, native).build()
    with pytest.raises(StoreError, match="no-native"):
        Workshop(tmp_path / "other", interpreter, tmp_path / "no-native").build()
    assert leftovers(Dirs(home=tmp_path / "other" / "home", cache=tmp_path)) == []


def test_it_is_small(workshop: Workshop) -> None:
    """An environment is links and a few kilobytes; the native program is shared by hard links."""
    one, two = workshop.build(workshop.entry("one")), workshop.build_farm(workshop.entry("two"))
    assert one.python.stat().st_ino == two.python.stat().st_ino
    own = [p for p in two.path.rglob("*") if not p.is_symlink() and p.is_file() and p != two.python]
    assert sum(path.stat().st_size for path in own) < 100_000


def test_what_it_is_made_of_can_be_read(workshop: Workshop) -> None:
    """`environment.json` names the layout, the interpreter and the entries for other tools."""
    one = workshop.entry("one")
    facts = json.loads((workshop.build(one).path / "environment.json").read_text())
    assert facts["entries"] == [str(one.path)]
    assert facts["interpreter"] == str(workshop.interpreter.path)
    assert facts["layout"] == "direct"
