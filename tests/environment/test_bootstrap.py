"""The bootstrap in every interpreter: what `site` would do, and what no program may see."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from workshop import Workshop, probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyx_launcher.environment.directory import Environment

STATE = """
import json, sys
print(json.dumps({
    "main": sorted(vars(sys.modules["__main__"])),
    "doc": __doc__,
    "annotations": "__annotations__" in globals(),
    "argv": sys.argv,
    "path0": sys.path[0],
    "prefix": [sys.prefix, sys.exec_prefix],
    "base": sys.base_prefix,
    "executable": [sys.executable, sys._base_executable],
    "heavy": sorted({"os", "runpy", "traceback"} & set(sys.modules)),
    "builtins": [str(type(item).__name__) for item in (exit, quit, help, copyright, license)],
}))
"""


@pytest.fixture
def workshops(
    tmp_path: Path, interpreters: dict[str, Path], probed: Path, native: Path
) -> Callable[[], list[Workshop]]:
    """Return a function that gives a workshop for each interpreter, all with the same store."""

    def make() -> list[Workshop]:
        found = [probe(path, probed) for path in interpreters.values()]
        return [Workshop(tmp_path, interpreter, native) for interpreter in found]

    return make


def run(
    environment: Environment, *words: str | Path, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run python of the environment with nothing but `variables`."""
    return subprocess.run(
        [environment.python, *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=variables,
    )


def state(environment: Environment, *words: str | Path, stdin: str = "") -> dict[str, Any]:
    """Return what `STATE` tells."""
    told = run(environment, *words, stdin=stdin)
    assert told.stderr == ""
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def test_a_program_sees_a_virtual_environment_and_none_of_ours(
    workshops: Callable[[], list[Workshop]], tmp_path: Path
) -> None:
    """`__main__`, prefixes and builtins are a program's own; nothing else is loaded."""
    script = tmp_path / "state.py"
    script.write_text(STATE)
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        found = state(environment, script, "a b", "")
        assert found["argv"] == [str(script), "a b", ""]
        assert found["path0"] == str(tmp_path)
        assert found["prefix"] == [str(environment.path)] * 2
        assert found["base"] == workshop.interpreter.prefix
        real = str(workshop.interpreter.path)
        assert found["executable"] == [str(environment.python), real]
        assert found["heavy"] == []
        assert found["builtins"] == ["Quitter", "Quitter", "_Helper", "_Printer", "_Printer"]
        names = {name for name in found["main"] if not name.startswith("__")}
        assert names == {"json", "sys"}
        assert found["doc"] is None


def test_every_way_to_give_a_program_finds_the_packages(
    workshops: Callable[[], list[Workshop]], tmp_path: Path
) -> None:
    """Script, command, module, standard input, directory: each imports what the lock names."""
    code = "import one, sys; print(one.__version__, __name__, len(sys.argv))\n"
    script, application = tmp_path / "x.py", tmp_path / "application"
    application.mkdir()
    for file in (script, application / "__main__.py"):
        file.write_text(code)
    for workshop in workshops():
        one = workshop.entry("one", {"one.py": "__version__ = '1.0'\n", "mod.py": code})
        environment = workshop.build(one)
        for words in ([script, "a"], ["-c", code, "a"], ["-m", "mod", "a"], [application, "a"]):
            told = run(environment, *words)
            assert (told.stdout, told.stderr) == ("1.0 __main__ 2\n", "")
        told = run(environment, "-", "a", stdin=code)
        assert (told.stdout, told.stderr) == ("1.0 __main__ 2\n", "")


def test_a_traceback_begins_in_the_program(
    workshops: Callable[[], list[Workshop]], tmp_path: Path
) -> None:
    """No frame of ours is seen, nor is the cause of one; the status is python's."""
    script, wrong = tmp_path / "x.py", tmp_path / "wrong.py"
    script.write_text("def f():\n    1 / 0\nf()\n")
    wrong.write_text("def f(:\n")
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        for file in (script, wrong):
            plain = subprocess.run(
                [workshop.interpreter.path, "-I", file], capture_output=True, text=True, check=False
            )
            told = run(environment, file)
            assert (told.stderr, told.returncode) == (plain.stderr, plain.returncode)


def test_a_line_of_a_pth_file_that_fails_is_told_and_the_program_runs(
    workshops: Callable[[], list[Workshop]],
) -> None:
    """As `site` has it: the rest of that file is ignored, other files are not."""
    bad = "import sys; sys.first = 1\nimport nothing_of_this_name\nimport sys; sys.second = 1\n"
    files = {"a.pth": bad, "b.pth": "import sys; sys.third = 1\n", "one.py": ""}
    code = "import sys; print([hasattr(sys, n) for n in ('first', 'second', 'third')])"
    for workshop in workshops():
        told = run(workshop.build(workshop.entry("one", files)), "-c", code)
        assert told.stdout == "[True, False, True]\n"
        assert "Error processing line" in told.stderr
        assert "nothing_of_this_name" in told.stderr
        assert "Remainder of file ignored" in told.stderr


def test_a_start_file_takes_the_place_of_import_lines(
    workshops: Callable[[], list[Workshop]],
) -> None:
    """From 3.15 on its entry points are called, not the lines (PEP 829); before, the lines run."""
    files = {
        "one.py": "import sys\ndef begin(): sys.told = 'start'\n",
        "one.pth": "import sys; sys.told = 'line'\n",
        "one.start": "# a comment\none:begin\n",
    }
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one", files))
        new = workshop.interpreter.tag_facts.python >= (3, 15)
        for variables in ({}, {"PYX_START": "public"}):
            told = run(environment, "-c", "import sys; print(sys.told)", **variables)
            assert (told.stdout, told.stderr) == ("start\n" if new else "line\n", "")


def test_a_start_file_that_is_no_text_is_as_if_it_were_not_there(
    workshops: Callable[[], list[Workshop]],
) -> None:
    """As `site` has it: one that is not in UTF-8 replaces no import lines and stops no program."""
    for workshop in workshops():
        files = {"one.py": "", "one.pth": "import sys; sys.told = 'line'\n", "one.start": "one:x\n"}
        entry = workshop.entry("one", files)
        start = entry.path / "one.start"
        start.chmod(0o600)
        start.write_bytes("# café\n".encode("latin-1"))
        told = run(workshop.build(entry), "-c", "import sys; print(sys.told)")
        assert (told.stdout, told.stderr) == ("line\n", "")


def test_an_entry_point_that_fails_is_told_with_its_file(
    workshops: Callable[[], list[Workshop]],
) -> None:
    """The error names the `.start` file and the line, and the lines behind it act (PEP 829)."""
    start = "one\none:nothing\none:fail\none:begin\n"
    source = "import sys\ndef fail(): 1 / 0\ndef begin(): sys.told = 'start'\n"
    for workshop in workshops():
        if workshop.interpreter.tag_facts.python < (3, 15):
            continue
        environment = workshop.build(workshop.entry("one", {"one.py": source, "one.start": start}))
        told = run(environment, "-c", "import sys; print(sys.told)")
        assert told.stdout == "start\n"
        for line in ("one", "one:nothing", "one:fail"):
            assert f"Error in entry point {line!r} from {environment.sys_path[0]}" in told.stderr
        assert "/one.start" in told.stderr


def test_a_pth_line_finds_its_directory_where_site_has_it(
    workshops: Callable[[], list[Workshop]],
) -> None:
    """Some lines take `sitedir` from the frame that runs them, as those of old namespaces do."""
    line = "import sys; sys.told = f\"{__name__} {sys._getframe(1).f_locals['sitedir']}\"\n"
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one", {"one.pth": line, "one.py": ""}))
        told = run(environment, "-c", "import sys; print(sys.told)")
        assert (told.stdout, told.stderr) == (f"site {environment.sys_path[0]}\n", "")


def test_a_customization_that_fails_does_not_stop_the_program(
    workshops: Callable[[], list[Workshop]],
) -> None:
    """`site` says so in two lines and goes on; so does the bootstrap."""
    for workshop in workshops():
        one = workshop.entry("one", {"sitecustomize.py": "1 / 0\n"})
        told = run(workshop.build(one), "-c", "print('ran')")
        assert (told.stdout, told.returncode) == ("ran\n", 0)
        # Debian's own stands before that of a distribution, in a virtual environment as well.
        bare = [workshop.interpreter.path, "-I", "-S", "-c", "import sitecustomize"]
        hidden = subprocess.run(bare, capture_output=True, check=False).returncode == 0
        assert told.stderr == (
            ""
            if hidden
            else "Error in sitecustomize; set PYTHONVERBOSE for traceback:\n"
            "ZeroDivisionError: division by zero\n"
        )


def test_nothing_of_the_users_own_site_is_there(
    workshops: Callable[[], list[Workshop]], tmp_path: Path
) -> None:
    """Neither variables nor the user's or the interpreter's site-packages reach `sys.path`."""
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "evil.py").write_text("print('evil')\n")
    for workshop in workshops():
        one = workshop.entry("one")
        environment = workshop.build(one)
        place = str(tmp_path / "evil")
        code = "import sys; print(*sys.path[1:], sep='\\n')"
        variables = {"PYTHONPATH": place, "PYTHONSTARTUP": f"{place}/evil.py", "HOME": place}
        told = run(environment, "-c", code, **variables)
        assert told.stderr == ""
        assert told.stdout.split() == [*workshop.interpreter.stdlib, str(one.path)]


@pytest.mark.parametrize("option", ["-I", "-E", "-s", "-S", "-O", "-B", "-u", "-v"])
def test_options_of_python_still_mean_what_they_mean(
    workshops: Callable[[], list[Workshop]], option: str
) -> None:
    """Each option starts a program; only `-S` takes the packages away, as it does in python."""
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        code = "import importlib.util as u; print(u.find_spec('one') is not None)"
        assert run(environment, option, "-c", code).stdout == f"{option != '-S'}\n"


def test_exit_and_its_codes_are_pythons(
    workshops: Callable[[], list[Workshop]], tmp_path: Path
) -> None:
    """Numbers, texts and signals end a program as always."""
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        for code, status, said in (
            ("exit(3)", 3, ""),
            ("raise SystemExit('gone')", 1, "gone\n"),
            ("import os; os.kill(os.getpid(), 9)", -9, ""),
        ):
            told = run(environment, "-c", code)
            assert (told.returncode, told.stderr) == (status, said)
        missing = run(environment, tmp_path / "none.py")
        assert missing.returncode == 2
        assert "can't open file" in missing.stderr


TRACES = """
import encodings, io, json, sys, types
external = sys.modules["_frozen_importlib_external"]
print(json.dumps({
    "frame": sys._getframe().f_back is None,
    "options": sys._xoptions,
    "prefix": sys.pycache_prefix,
    "cached": encodings.__spec__.cached == encodings.__cached__,
    "names": [name for name in ("prepare", "FACTS") if hasattr(encodings, name)],
    "io": io.TextIOWrapper is sys.modules["_io"].TextIOWrapper and type(io) is types.ModuleType,
    "loaders": [
        type(loader).__name__
        for loader in (external.SourceFileLoader, external.SourcelessFileLoader)
    ],
    "finders": [str(finder) for finder in sys.meta_path],
    "hooks": len(sys.path_hooks),
    "places": [place for place in sys.path_importer_cache if place.endswith(".pyc")],
}))
"""


@pytest.mark.parametrize("size", [0, 4000])
def test_nothing_of_the_bootstrap_is_left(
    workshops: Callable[[], list[Workshop]], tmp_path: Path, size: int
) -> None:
    """No frame, option, name, hook or replaced function is there when the program begins."""
    script = tmp_path / "traces.py"
    script.write_text(TRACES + "#" * size)
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        for words, stdin in (([script], ""), (["-c", TRACES], ""), (["-"], TRACES)):
            found = state(environment, *words, stdin=stdin)
            plain = subprocess.run(
                [workshop.interpreter.path, "-I", "-S", *words],
                input=stdin,
                capture_output=True,
                text=True,
                check=True,
            )
            assert found == json.loads(plain.stdout)
            assert found["frame"]
            assert found["cached"]
            assert found["io"]


SUBMODULES = """
import encodings.aliases, encodings.utf_8, importlib, json, sys
def describe(module):
    again = importlib.reload(module)
    spec, found = module.__spec__, importlib.util.find_spec(module.__name__)
    known = [name for name in vars(module) if name != "__builtins__"]
    return [
        again is module is sys.modules[module.__name__] is getattr(encodings, spec.name[10:]),
        module.__file__, module.__cached__, module.__package__, type(module.__loader__).__name__,
        module.__loader__ is spec.loader, spec.origin, spec.cached, spec.has_location, known,
        vars(spec.loader), spec.submodule_search_locations, spec.parent, spec.loader_state,
    ]
import importlib.util
print(json.dumps([sorted(m for m in sys.modules if m.startswith("encodings"))]))
print(json.dumps([encodings.aliases.aliases, encodings.utf_8.decode.__code__.co_filename]))
print(json.dumps([describe(encodings.aliases), describe(encodings.utf_8)]))
"""


@pytest.mark.parametrize("options", [(), ("-O",), ("-X", "importtime")], ids=" ".join)
def test_what_python_imports_before_a_program_is_as_python_has_it(
    workshops: Callable[[], list[Workshop]], options: tuple[str, ...]
) -> None:
    """Modules that come with the bootstrap tell the same of themselves, and can be reloaded."""
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        found = run(environment, *options, "-c", SUBMODULES)
        plain = subprocess.run(
            [workshop.interpreter.path, "-I", "-S", *options, "-c", SUBMODULES],
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout == plain.stdout
        assert ("encodings.utf_8" in found.stderr) == ("importtime" in options)


def test_what_is_installed_at_run_time_is_found(workshops: Callable[[], list[Workshop]]) -> None:
    """A module and a `.pth` file that a program adds to the environment count from then on."""
    code = "import sys; print('late' in sys.modules, hasattr(sys, 'later'))"
    for workshop in workshops():
        one = workshop.entry("one", {"one.py": "", "one.pth": "import one\n"})
        environment = workshop.build(one)
        assert run(environment, "-c", code).stdout == "False False\n"
        site = environment.path / "lib" / workshop.interpreter.lib_name / "site-packages"
        (site / "late.py").write_text("")
        (site / "late.pth").write_text("import late; import sys; sys.later = 1\n")
        told = run(environment, "-c", code)
        assert (told.stdout, told.stderr) == ("True True\n", "")
        again = run(environment, "-c", "import sys; print('one' in sys.modules, len(sys.path))")
        assert again.stdout.startswith("True ")


def test_what_is_installed_at_run_time_wins(workshops: Callable[[], list[Workshop]]) -> None:
    """As by `pip install --upgrade`, in either layout, for modules and for metadata."""
    code = "import one, importlib.metadata as m; print(one.__version__, m.version('one'))"
    for workshop in workshops():
        files = {"one.py": "__version__ = '1.0'\n"}
        for build in (workshop.build, workshop.build_farm):
            environment = build(workshop.entry("one", files))
            assert run(environment, "-c", code).stdout == "1.0 1.0\n"
            site = environment.path / "lib" / workshop.interpreter.lib_name / "site-packages"
            (site / "one.py").write_text("__version__ = '2.0'\n")
            info = site / "one-2.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\nName: one\nVersion: 2.0\n")
            told = run(environment, "-c", code)
            assert (told.stdout, told.stderr) == ("2.0 2.0\n", "")


def test_lines_of_all_run_once_after_an_installation(
    workshops: Callable[[], list[Workshop]],
) -> None:
    """Those of what stands by itself (an editable's finder), and of what lies in the tree."""
    line = "import sys; sys.told = [*getattr(sys, 'told', []), {!r}]\n"
    code = "import sys; print(sorted(sys.told), 'single' in sys.modules)"
    for workshop in workshops():
        single = {"single.py": "", "single.pth": line.format("single") + "import single\n"}
        pack = {"pack/__init__.py": "", "pack.pth": line.format("pack")}
        environment = workshop.build_farm(
            workshop.entry("single", single), workshop.entry("pack", pack)
        )
        assert run(environment, "-c", code).stdout == "['pack', 'single'] True\n"
        site = environment.path / "lib" / workshop.interpreter.lib_name / "site-packages"
        (site / "late.pth").write_text(line.format("late"))
        told = run(environment, "-c", code)
        assert (told.stdout, told.stderr) == ("['late', 'pack', 'single'] True\n", "")


@pytest.mark.parametrize("closed", ["0", "1", "2", "0 1", "0 2", "1 2", "0 1 2"])
def test_closed_streams_stop_nothing(
    workshops: Callable[[], list[Workshop]], tmp_path: Path, closed: str
) -> None:
    """Whichever of the standard streams are there, the program finds its packages."""
    out = tmp_path / "out"
    code = f"import one, sys; open({str(out)!r}, 'w').write(repr([s is None for s in "
    code += "(sys.stdin, sys.stdout, sys.stderr)]))"
    redirections = " ".join(f"{number}>&-" for number in closed.split())
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        subprocess.run(
            ["sh", "-c", f'exec "$@" {redirections}', "sh", environment.python, "-c", code],
            check=True,
        )
        assert out.read_text() == repr([number in closed for number in "012"])


def test_a_subinterpreter_finds_the_packages(
    workshops: Callable[[], list[Workshop]], tmp_path: Path
) -> None:
    """It is set up as the main interpreter is, and leaves that one alone."""
    inner = "import one, sys; print(one.__name__, sys.prefix == {prefix!r}, sys._xoptions)"
    outer = (
        "try: import _interpreters as i\n"
        "except ImportError: import _xxsubinterpreters as i\n"
        "import sys; loader = sys.modules['_frozen_importlib_external'].SourceFileLoader\n"
        "i.run_string(i.create(), {inner!r})\n"
        "print(loader is sys.modules['_frozen_importlib_external'].SourceFileLoader)"
    )
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        script = tmp_path / "outer.py"
        script.write_text(outer.format(inner=inner.format(prefix=str(environment.path))))
        told = run(environment, "-u", script)
        assert (told.stdout, told.stderr) == ("one True {}\nTrue\n", "")


def test_one_more_name_of_a_file_changes_nothing(workshops: Callable[[], list[Workshop]]) -> None:
    """Children go on when a backup or a copy gives the files another ctime or inode."""
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        bootstrap = environment.path / "bootstrap.pyc"
        bootstrap.with_name("further").hardlink_to(bootstrap)
        assert run(environment, "-c", "import one").stderr == ""
        copy = environment.path.with_name("copy")
        shutil.copytree(environment.path, copy, symlinks=True)
        shutil.rmtree(environment.path)
        copy.rename(environment.path)
        assert run(environment, "-c", "import one").stderr == ""
        bootstrap.write_bytes(bootstrap.read_bytes() + b"x")
        assert run(environment, "-c", "import one").returncode == 69


def test_a_module_runs_where_the_working_directory_is_gone(
    workshops: Callable[[], list[Workshop]], tmp_path: Path
) -> None:
    """Python puts nothing at the head of the path then."""
    code = "import sys; print(len(sys.path))\n"
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one", {"one.py": "", "told.py": code}))
        gone = tmp_path / "gone"
        gone.mkdir()
        words = f"cd {gone} && rmdir {gone} && exec {environment.python} -m told"
        told = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False)
        expected = len(workshop.interpreter.stdlib) + 1
        assert (told.stdout, told.stderr) == (f"{expected}\n", "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-X", "pycache_prefix=/a", "-Xpycache_prefix=/b"], "/a"),
        (["-Xpycache_prefix=/a"], "/a"),
        (["-Xpycache_prefix="], None),
        ([], "/variable"),
    ],
)
def test_the_first_prefix_for_bytecode_counts(
    workshops: Callable[[], list[Workshop]], words: list[str], expected: str | None
) -> None:
    """An option before the variable, and the first of several."""
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one"))
        code = "import sys; print(sys.pycache_prefix)"
        told = run(environment, *words, "-c", code, PYTHONPYCACHEPREFIX="/variable")
        assert (told.stdout, told.stderr) == (f"{expected}\n", "")
