"""The bootstrap in every interpreter: what `site` would do, and what no program may see."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from test_environment import Workshop, probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyx_launcher.environment import Environment

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
    "heavy": sorted({"os", "site", "runpy", "traceback"} & set(sys.modules)),
    "builtins": [str(type(item).__name__) for item in (exit, quit, help, copyright, license)],
}))
"""


@pytest.fixture
def workshops(
    tmp_path: Path, interpreters: dict[str, Path], native: Path
) -> Callable[[], list[Workshop]]:
    """Return a function that gives a workshop for each interpreter, all with the same store."""

    def make() -> list[Workshop]:
        cache = tmp_path / "facts"
        return [Workshop(tmp_path, probe(path, cache), native) for path in interpreters.values()]

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


def test_a_pth_line_finds_its_directory_where_site_has_it(
    workshops: Callable[[], list[Workshop]],
) -> None:
    """Some lines take `sitedir` from the frame that runs them, as those of old namespaces do."""
    line = "import sys; sys.told = sys._getframe(1).f_locals['sitedir']\n"
    for workshop in workshops():
        environment = workshop.build(workshop.entry("one", {"one.pth": line, "one.py": ""}))
        told = run(environment, "-c", "import sys; print(sys.told)")
        assert (told.stdout.strip(), told.stderr) == (environment.sys_path[0], "")


def test_a_customization_that_fails_does_not_stop_the_program(
    workshops: Callable[[], list[Workshop]],
) -> None:
    """`site` says so in two lines and goes on; so does the bootstrap."""
    for workshop in workshops():
        one = workshop.entry("one", {"sitecustomize.py": "1 / 0\n"})
        told = run(workshop.build(one), "-c", "print('ran')")
        assert (told.stdout, told.returncode) == ("ran\n", 0)
        assert told.stderr == (
            "Error in sitecustomize; set PYTHONVERBOSE for traceback:\n"
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
