"""What a program starts as `sys.executable` sees the same packages as the program itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from wheelhouse import make_wheel, pylock_text

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
FACTS = (
    "import sys, json, tick; print(json.dumps([tick.__file__, sys.prefix, sys.executable,"
    " sys.flags.isolated, [p for p in sys.path if p.startswith((sys.base_prefix, sys.prefix))"
    " or '/store/' in p]]))"
)


@pytest.fixture(params=VERSIONS)
def python(request: pytest.FixtureRequest, interpreters: dict[str, Path]) -> Path:
    """Give each interpreter of the machine."""
    found = interpreters.get(request.param)
    if found is None:
        pytest.skip(f"there is no Python {request.param}")
    return found


@pytest.fixture
def project(tmp_path: Path, wheels: Path) -> Path:
    """Lock a distribution with a module, a console script and a module for workers."""
    wheel = make_wheel(
        wheels,
        "tick",
        "1.0",
        files={
            "tick/__init__.py": "__version__ = '1.0'\n",
            "tick/work.py": "def double(number):\n    return 2 * number\n",
            "tick/cli.py": """\
import sys
def main():
    print("tick", sys.argv[1:])
    return 3
""",
            "tick/__main__.py": """\
import sys, tick
print("module", tick.__version__, sys.argv[1:])
""",
        },
        entry_points={"tick": "tick.cli:main"},
        data={"scripts/tock": "#!python\nimport sys, tick\nprint('tock', sys.argv[1:])\n"},
    )
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pylock.toml").write_text(pylock_text([wheel]))
    return directory


def start(pyx: Pyx, python: Path, project: Path, source: str, *options: str) -> str:
    """Run `source` as a script of the project and return what it printed."""
    script = project / "main.py"
    script.write_text(source)
    told = pyx("--python", python, *options, script, cwd=project.parent)
    assert (told.returncode, told.stderr) == (0, "")
    return told.stdout


def test_children_of_every_mode_see_the_packages(pyx: Pyx, python: Path, project: Path) -> None:
    """Script, -c, -m, standard input and the flags that `multiprocessing` hands on all do."""
    source = f"""
import json, subprocess, sys
import tick
facts = {FACTS!r}
open("child.py", "w").write(facts)
known = (sys.base_prefix, sys.prefix)
own = json.dumps([p for p in sys.path if p.startswith(known) or "/store/" in p])
run = lambda *words, **more: json.loads(
    subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, check=True, **more).stdout)
for told in (
    run("child.py"),
    run("-c", facts),
    run("-m", "child"),
    run("-", input=facts.encode()),
    run(*subprocess._args_from_interpreter_flags(), "-c", facts),
    run("-I", "-c", facts),
    run("-s", "-E", "-B", "-c", facts),
):
    assert told[:3] == [tick.__file__, sys.prefix, sys.executable], told
    assert told[4] == json.loads(own), told
module = subprocess.run([sys.executable, "-m", "tick", "-x"], stdout=subprocess.PIPE, check=True)
print(module.stdout.decode(), end="")
"""
    (project / "run").mkdir()
    script = project / "main.py"
    script.write_text(source)
    told = pyx("--python", python, script, cwd=project / "run")
    assert told.returncode == 0, told.stderr
    assert told.stdout == "module 1.0 ['-x']\n"


def test_a_child_may_do_without_site(pyx: Pyx, python: Path, project: Path) -> None:
    """A child that is given `-S`, which plain python would obey, has no packages."""
    source = """
import subprocess, sys
code = "import importlib.util as u; print(u.find_spec('tick') is not None)"
for words in (["-S"], ["-S", "-E"], ["-SE"]):
    told = subprocess.run([sys.executable, *words, "-c", code], stdout=subprocess.PIPE)
    print(told.stdout.decode(), end="")
"""
    assert start(pyx, python, project, source) == "False\n" * 3


def test_flags_reach_the_children_of_subprocess(pyx: Pyx, python: Path, project: Path) -> None:
    """`_args_from_interpreter_flags` gives a child the flags of its parent and no others."""
    source = """
import subprocess, sys
flags = subprocess._args_from_interpreter_flags()
code = "import sys; print(sys.flags, sys.warnoptions, sorted(sys._xoptions))"
told = subprocess.run([sys.executable, *flags, "-c", code], stdout=subprocess.PIPE, check=True)
own = f"{sys.flags} {sys.warnoptions} {sorted(sys._xoptions)}"
print(told.stdout.decode().strip() == own or told.stdout)
"""
    assert start(pyx, python, project, source) == "True\n"
    options = ("-O", "-b", "-W", "error::ImportWarning", "-X", "utf8")
    assert start(pyx, python, project, source, *options) == "True\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(pyx: Pyx, python: Path, project: Path, method: str) -> None:
    """Workers of every start method import the packages and functions of ``__main__``."""
    source = f"""
import multiprocessing, warnings
warnings.simplefilter("ignore")
from tick.work import double
class Here:
    value = 5
def local(number):
    import tick
    return (tick.__file__, double(number), Here().value, __name__)
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    with context.Pool(2) as pool:
        print(pool.map(double, [1, 2, 3]))
        told = pool.map(local, [4])
        name = "__main__" if {method!r} == "fork" else "__mp_main__"
        import tick
        assert told == [(tick.__file__, 8, 5, name)], told
    queue = context.Queue()
    process = context.Process(target=queue.put, args=(Here(),))
    process.start()
    print(type(queue.get()) is Here)
    process.join()
    print(process.exitcode)
"""
    assert start(pyx, python, project, source) == "[2, 4, 6]\nTrue\n0\n"


def test_process_pools(pyx: Pyx, python: Path, project: Path) -> None:
    """`concurrent.futures` finds the function of the script in its workers."""
    source = """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
def work(number):
    import tick.work
    return tick.work.double(number)
if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        print(list(pool.map(work, range(4))))
"""
    assert start(pyx, python, project, source) == "[0, 2, 4, 6]\n"


def test_console_scripts(pyx: Pyx, python: Path, project: Path) -> None:
    """Scripts lie beside `sys.executable` and work from any directory and with no variables."""
    source = """
import os, subprocess, sys
bin = os.path.dirname(sys.executable)
for name in ("tick", "tock"):
    command = [os.path.join(bin, name), "-c", "x"]
    told = subprocess.run(command, stdout=subprocess.PIPE, cwd="/", env={})
    print(told.returncode, told.stdout.decode(), end="")
print(sorted(set(os.listdir(bin)) - {"python", "python3", "python%d.%d" % sys.version_info[:2]}))
"""
    told = start(pyx, python, project, source)
    assert told == "3 tick ['-c', 'x']\n0 tock ['-c', 'x']\n['pip', 'pip3', 'tick', 'tock']\n"


def test_every_name_of_the_interpreter_works(pyx: Pyx, python: Path, project: Path) -> None:
    """`python3` and `python3.N` in the environment are the same, also through a link outside."""
    source = f"""
import json, os, subprocess, sys
facts = {FACTS!r}
names = ["python", "python3", "python%d.%d" % sys.version_info[:2]]
places = [os.path.join(os.path.dirname(sys.executable), name) for name in names]
ask = lambda place: subprocess.run([place, "-c", facts], stdout=subprocess.PIPE).stdout
told = [json.loads(ask(place)) for place in places]
print(all(one[:2] == told[0][:2] for one in told))
"""
    assert start(pyx, python, project, source) == "True\n"


def test_a_virtual_environment_made_inside(pyx: Pyx, python: Path, project: Path) -> None:
    """`python -m venv` from inside makes one of the real interpreter, without our packages."""
    source = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "venv", "--without-pip", "made"], check=True)
code = '''
import sys, importlib.util as u
print(u.find_spec("tick"), sys.prefix != sys.base_prefix, sys.base_prefix)
'''
told = subprocess.run(["made/bin/python", "-c", code], stdout=subprocess.PIPE)
print(told.stdout.decode().strip() == f"None True {sys.base_prefix}" or told)
"""
    script = project / "main.py"
    script.write_text(source)
    told = pyx("--python", python, script, cwd=project)
    assert (told.stdout, told.stderr) == ("True\n", "")


def test_pyx_inside_pyx(pyx: Pyx, project: Path, tmp_path: Path, wheels: Path) -> None:
    """A program that starts `pyx` for another project gets that project's packages."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "pylock.toml").write_text(pylock_text([make_wheel(wheels, "tick", "2.0")]))
    (other / "inner.py").write_text("import tick; print(tick.__version__)\n")
    script = project / "outer.py"
    script.write_text(
        "import subprocess, tick; print(tick.__version__, flush=True)\n"
        f"subprocess.run([{str(pyx.path)!r}, {str(other / 'inner.py')!r}], check=True)\n"
    )
    for _ in range(2):
        told = pyx(script)
        assert (told.stdout, told.stderr) == ("1.0\n2.0\n", "")


def test_variables_of_the_program_reach_its_children(pyx: Pyx, project: Path) -> None:
    """All that the user has set, and two notes for those who start inside."""
    code = "import os, json; print(json.dumps(dict(os.environ)))"
    env: dict[str, str | None] = {"SOMETHING": "else", "PYTHONPATH": "/nowhere"}
    # A shell on the way to the launcher corrects this one.
    env["PWD"] = str(project)
    for _ in range(2):
        told = pyx("-c", code, cwd=project, env=env)
        notes = {"PYX_INSIDE": "1", "PYX_OUTSIDE_PYTHONPATH": "/nowhere"}
        assert json.loads(told.stdout) == pyx.variables({**env, **notes})


@pytest.mark.parametrize("path", ["fast", "slow"])
def test_variables_that_move_the_library_never_act(pyx: Pyx, project: Path, path: str) -> None:
    """`PYTHONPATH` and `PYTHONHOME` reach neither a program nor its children."""
    evil = project / "evil"
    evil.mkdir()
    for name in ("tick", "sitecustomize", "usercustomize", "json"):
        (evil / f"{name}.py").write_text("print('evil')\n")
    code = (
        "import tick, subprocess, sys; print(tick.__version__, flush=True);"
        "subprocess.run([sys.executable, '-c', 'import tick; print(tick.__version__)'])"
    )
    env: dict[str, str | None] = {"PYTHONPATH": str(evil), "PYTHONHOME": str(evil)}
    words: list[str | Path] = [pyx.path, "-c", code]
    if path == "fast":
        executable = pyx("-c", "import sys; print(sys.executable)", cwd=project).stdout.strip()
        words[0] = executable
    told = pyx.run(words, cwd=project, env=env)
    assert (told.stdout, told.stderr) == ("1.0\n1.0\n", "")
