"""Programs of every kind run under pyx as under the python of a virtual environment.

The first half compares the two, byte by byte; the second runs programs that people really use.
"""

from __future__ import annotations

import difflib
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from archives import unpack_tar
from benchmarks import covered
from conformance.library_code import FILLERS
from installed import PLAIN_PYTHON
from wheelhouse import poetry_lock_text, pylock_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from installed import Pyx

EXPLAINED = {
    "cookie.py": "compile() reads bytes, python a file, and the two complain in other words",
    "undecodable.py": "as above",
    "unclosed.py": "as above, in Python 3.9",
    "recursion.py": "one frame of ours lies below the program",
    "frames.py": "one frame of ours lies below the program",
    "traced.py": "one frame of ours lies below the program",
}
"""Cases where only the status must be the same, and why."""

VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]

FACTS = """\
import sys
print(__name__, __doc__, globals().get("__file__"), globals().get("__cached__", "missing"))
print(__spec__, type(__loader__).__name__, type(__builtins__), __package__)
print(sorted(globals()), sys.argv, sys.path[0])
print(sys.orig_argv if hasattr(sys, "orig_argv") else "", sys.executable, sys.base_prefix)
print(sys.modules["__main__"].__dict__ is globals(), sys.meta_path, sys.path_hooks)
print(exit, quit, len(str(copyright)), len(str(license)), help, sys.__interactivehook__.__name__)
print(sys.stdin.encoding, sys.stdout.errors, sys.stderr.line_buffering, sys.dont_write_bytecode)
print(sys.warnoptions, sys._xoptions, sys.getfilesystemencoding(), sys.flags.optimize)
print(sys._base_executable if sys.version_info >= (3, 11) else "", sys.prefix, sys.exec_prefix)
print(sys.base_exec_prefix, sys.platlibdir, sys.implementation.name, sys.gettrace())
"""
DEEP = """\
import sys
def low():
    raise ValueError("the message")
def high():
    try:
        low()
    except ValueError as error:
        raise RuntimeError("wrapped") from error
high()
"""
FILES: dict[str, str | bytes] = {
    "facts.py": FACTS,
    "facts": FACTS,
    "doc.py": '"""The docstring."""\nprint(__doc__)\n',
    "deep.py": DEEP,
    "empty.py": "",
    "syntax.py": "print('never')\nif True print('x')\n",
    "indent.py": "if True:\nprint('x')\n",
    "unclosed.py": "print((1,\n",
    "nul.py": b"print('a')\0\n",
    "bom.py": b"\xef\xbb\xbfprint('b\xc3\xb6m')\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nprint(ascii('\xe9'))\n",
    "cookie.py": b"# -*- coding: no-such-coding -*-\nprint('x')\n",
    "undecodable.py": b"print('\xff\xfe')\n",
    "crlf.py": b"print('one')\r\nprint('''two\r\nthree''')\r\n",
    "no_newline.py": "print('no newline')",
    "skipped.py": "#!not python at all (\nprint('ran')\nraise ValueError('line 3')\n",
    "exit_number.py": "import sys\nsys.exit(3)\n",
    "exit_text.py": "import sys\nsys.exit('a text')\n",
    "exit_none.py": "raise SystemExit\n",
    "exit_true.py": "raise SystemExit(True)\n",
    "exit_huge.py": "import sys\nsys.exit(2**40)\n",
    "exit_negative.py": "import sys\nsys.exit(-1)\n",
    "exit_tuple.py": "import sys\nsys.exit((1, 2))\n",
    "exit_builtin.py": "exit(4)\n",
    "exit_hard.py": "import os\nos._exit(7)\n",
    "exit_nested.py": (
        "def f():\n    try:\n        1/0\n    finally:\n        raise SystemExit(9)\nf()\n"
    ),
    "interrupt.py": "raise KeyboardInterrupt\n",
    "sigint.py": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time; time.sleep(9)\n"
    ),
    "sigterm.py": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n",
    "sigkill.py": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "abort.py": "import os\nos.abort()\n",
    "recursion.py": "import sys\nsys.setrecursionlimit(60)\ndef f():\n    f()\nf()\n",
    "hook.py": (
        "import sys\n"
        "def hook(kind, error, trace):\n"
        "    print('hook', kind, trace.tb_frame.f_code.co_name, trace.tb_lineno)\n"
        "sys.excepthook = hook\n"
        "1/0\n"
    ),
    "hook_of_exit.py": (
        "import atexit, sys\n"
        "atexit.register(lambda: print('at exit', getattr(sys, 'last_value', None)))\n"
        "1/0\n"
    ),
    "atexit_fails.py": "import atexit\natexit.register(lambda: 1/0)\n",
    "unraisable.py": (
        "class A:\n    def __del__(self):\n        1/0\na = A()\ndel a\nprint('after')\n"
    ),
    "thread.py": (
        "import threading\n"
        "def f():\n"
        "    1/0\n"
        "t = threading.Thread(target=f)\n"
        "t.name = 'worker'\n"
        "t.start(); t.join()\n"
        "print('after')\n"
    ),
    "chain.py": "try:\n    {}['x']\nexcept KeyError:\n    [][1]\n",
    "frames.py": (
        "import sys, traceback\n"
        "print(sys._getframe().f_back, len(traceback.extract_stack()))\n"
        "traceback.print_stack()\n"
    ),
    "traced.py": (
        "try:\n"
        "    1/0\n"
        "except Exception as e:\n"
        "    t = e.__traceback__\n"
        "    print(t.tb_next, t.tb_frame.f_back, t.tb_lineno)\n"
    ),
    "warn.py": (
        "import warnings\nwarnings.warn('watch out')\nwarnings.warn('old', DeprecationWarning)\n"
    ),
    "syntax_warning.py": "print(1 is 1)\n",
    "pickled.py": (
        "import pickle, atexit\nclass A:\n    pass\n"
        "atexit.register(lambda: print(type(pickle.loads(pickle.dumps(A()))) is A))\n"
        "print(pickle.dumps(A())[:30])\n"
    ),
    "main_again.py": "import __main__\nx = 5\nprint(__main__.x, __main__.__file__)\n",
    "input.py": "print('got', input(), input())\n",
    "future.py": (
        "from __future__ import annotations\ndef f(x: nothing): pass\nprint(f.__annotations__)\n"
    ),
    "no_future.py": (
        "def f(x: int): pass\n"
        "print(f.__annotations__)\n"
        "print(__annotations__ if '__annotations__' in globals() else None)\n"
    ),
    "names.py": "print(sorted(dir()))\n",
    "del_main.py": "import sys\ndel sys.modules['__main__']\nprint('still')\n",
    "replaced_stdout.py": "import sys, io\nsys.stdout = io.StringIO()\nprint('lost')\n",
    "closed_stdout.py": "import sys, os\nos.close(1)\n",
    "async_main.py": (
        "import asyncio\n"
        "async def main():\n"
        "    await asyncio.sleep(0)\n"
        "    1/0\n"
        "asyncio.run(main())\n"
    ),
    "syntax_in_exec.py": "exec('a b')\n",
    "import_syntax.py": "import syntax\n",
    "import_sibling.py": "import doc, sys\nprint(doc.__file__, doc.__spec__.origin)\n",
    "runs_path.py": "import runpy\nrunpy.run_path('deep.py', run_name='__main__')\n",
    "group.py": "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])\n",
    "noted.py": (
        "e = ValueError('v')\ne.add_note('a note') if hasattr(e, 'add_note') else None\nraise e\n"
    ),
    "line_cached.py": "x = {}\nprint(x['some'] +\n      x['other'])\n",
    "tty.py": "import sys, os\nprint([os.isatty(n) for n in range(3)], sys.stdin.read())\n",
    "package/__init__.py": "print('init', __name__)\n",
    "package/__main__.py": FACTS,
    "package/deep.py": DEEP,
    "plain/__init__.py": "",
    "failing/__init__.py": "1/0\n",
    "directory/__main__.py": FACTS,
    "directory/beside.py": "",
    "broken/__main__.py": DEEP,
    "nothing/readme.txt": "",
    "codes/run.py": FACTS,
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One command line for python, in the directory with `FILES`."""

    words: Sequence[str]
    stdin: str = ""
    env: dict[str, str] = field(default_factory=dict)


def _scripts() -> list[Case]:
    names = [name for name in FILES if "/" not in name]
    return [Case(words=[name], stdin="one\ntwo\n") for name in names]


CASES = [
    *_scripts(),
    Case(words=["./facts.py", "-x", "--", "a b"]),
    Case(words=["-", "a"], stdin=FACTS),
    Case(words=[], stdin=FACTS),
    Case(words=["--", "facts.py", "--version"]),
    Case(words=["-c", FACTS, "-c", "--help"]),
    Case(words=[f"-c{FACTS}"]),
    Case(words=["-m", "facts", "-m", "x"]),
    Case(words=["-mfacts"]),
    Case(words=["-m", "package", "y"]),
    Case(words=["-m", "package.deep"]),
    Case(words=["-m", "plain"]),
    Case(words=["-m", "failing"]),
    Case(words=["-m", "nowhere"]),
    Case(words=["-m", "nowhere.at.all"]),
    Case(words=["-m", "package.nowhere"]),
    Case(words=["-m", "deep"]),
    Case(words=["-m", "syntax"]),
    Case(words=["-m", ""]),
    Case(words=["directory", "z"]),
    Case(words=["directory/"]),
    Case(words=["broken"]),
    Case(words=["nothing"]),
    Case(words=["archive.zip", "z"]),
    Case(words=["archive-deep.zip"]),
    Case(words=["compiled.pyc", "z"]),
    Case(words=["compiled-deep.pyc"]),
    Case(words=["damaged.pyc"]),
    Case(words=["link.py"]),
    Case(words=["link-to-directory/run.py"]),
    Case(words=["../case/facts.py"]),
    Case(words=["-x", "skipped.py"]),
    Case(words=["-c", DEEP]),
    Case(words=["-c", "1/0"]),
    Case(words=["-c", "a b"]),
    Case(words=["-c", ""]),
    Case(words=["-c", "import sys; sys.exit(5)"]),
    Case(words=["-c", "print('ä€')"], env={"PYTHONIOENCODING": "utf-8"}),
    Case(words=["-"], stdin=DEEP),
    Case(words=[], stdin="a b\n"),
    Case(words=[], stdin=""),
    Case(words=["-i", "-c", "x = 5"], stdin="print(x + 1)\n"),
    Case(words=["-i", "exit_number.py"], stdin="print('inspected')\n"),
    Case(words=["-i", "deep.py"], stdin="print('inspected')\n"),
    Case(words=["-i"], stdin="x = 3\nprint(x)\n1/0\nprint('on')\n"),
    Case(words=["-q", "-i"], stdin="print(1)\n"),
    Case(words=["-V"]),
    Case(words=["-VV"]),
    Case(words=["-h"]),
    Case(words=["-?"]),
    Case(words=["-Z"]),
    Case(words=["-uZ", "facts.py"]),
    Case(words=["-c"]),
    Case(words=["-m"]),
    Case(words=["-W"]),
    Case(words=["-X"]),
    Case(words=["--check-hash-based-pycs", "always", "facts.py"]),
    Case(words=["--check-hash-based-pycs", "nonsense", "facts.py"]),
    Case(words=["-W", "error", "warn.py"]),
    Case(words=["-Wignore", "warn.py"]),
    Case(words=["-W", "nonsense", "empty.py"]),
    Case(words=["-O", "-c", "assert False; print(__debug__)"]),
    Case(words=["-OO", "doc.py"]),
    Case(words=["-bb", "-c", "b'' == ''"]),
    Case(words=["-B", "facts.py"]),
    Case(words=["-u", "facts.py"]),
    Case(words=["-X", "utf8=0", "-X", "other=x", "facts.py"]),
    Case(
        words=["-S", "-c", "import sys; print('exit' in dir(__builtins__), 'site' in sys.modules)"]
    ),
    Case(words=["facts.py"], env={"PYTHONWARNINGS": "error,ignore::ImportWarning"}),
    Case(words=["-O", "facts.py"], env={"PYTHONOPTIMIZE": "2", "PYTHONDONTWRITEBYTECODE": "x"}),
    # Not the facts: sys._xoptions tells that the variable has become an option.
    Case(
        words=["-c", "import sys; print(sys.flags.utf8_mode, sys.stdout.write_through)"],
        env={"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
    ),
    Case(words=["facts.py"], env={"PYTHONIOENCODING": "latin-1:replace"}),
    Case(words=["-c", "print(hash('a'))"], env={"PYTHONHASHSEED": "0"}),
    Case(words=["-c", "breakpoint(); print('on')"], env={"PYTHONBREAKPOINT": "0"}),
    Case(words=["-c", "x = 1"], stdin="print(x)\n", env={"PYTHONINSPECT": "1"}),
    Case(words=["-c", "print(1)"], env={"PYTHONWARNINGS": "", "PYTHONOPTIMIZE": ""}),
]


@pytest.fixture(
    params=[
        VERSIONS[0],
        VERSIONS[-1],
        *(pytest.param(version, marks=pytest.mark.slow) for version in VERSIONS[1:-1]),
    ]
)
def python(request: pytest.FixtureRequest, interpreters: dict[str, Path]) -> Path:
    """Give each interpreter of the machine."""
    found = interpreters.get(request.param)
    if found is None:
        pytest.skip(f"there is no Python {request.param}")
    return found


def fill(directory: Path, python: Path) -> None:
    """Write `FILES` and what is made of them."""
    for name, content in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    for name, source in (("archive.zip", "facts.py"), ("archive-deep.zip", "deep.py")):
        with zipfile.ZipFile(directory / name, "w") as archive:
            archive.write(directory / source, "__main__.py")
    compiling = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], sys.argv[3])"
    for name, source in (("compiled.pyc", "facts.py"), ("compiled-deep.pyc", "deep.py")):
        command: list[str | Path] = [python, "-I", "-S", "-c", compiling, source, name, source]
        subprocess.run(command, cwd=directory, check=True)
    (directory / "damaged.pyc").write_bytes(b"nonsense" * 4)
    (directory / "link.py").symlink_to("directory/__main__.py")
    (directory / "link-to-directory").symlink_to("codes")


def make_venv(directory: Path, python: Path) -> Path:
    """Make a virtual environment without pip, and return its python."""
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", directory], check=True)
    return directory / "bin" / "python"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a process said, with what must differ between the two taken out."""

    status: int
    stdout: str
    stderr: str


def tell(pyx: Pyx, command: Sequence[str | Path], case: Case, cwd: Path, prefix: Path) -> Told:
    """Run one case with `command` and return what it told, without its prefix and addresses."""
    env: dict[str, str | None] = {"LC_ALL": "C.UTF-8", "PWD": str(cwd), **case.env}
    told = pyx.run([*command, *case.words], cwd=cwd, env=env, input=case.stdin)
    return Told(
        status=told.returncode,
        stdout=_normal(told.stdout, prefix),
        stderr=_normal(told.stderr, prefix),
    )


def _lines(told: Told) -> list[str]:
    return [str(told.status), *told.stdout.splitlines(), *told.stderr.splitlines()]


def _normal(text: str, prefix: Path) -> str:
    text = text.replace(str(prefix), "PREFIX")
    text = re.sub(r"/bin/python3(\.\d+)?\b", "/bin/python", text)
    return re.sub(r"0x[0-9a-f]{6,}", "0xADDRESS", text)


FOR_THE_SLOW_PATH = {"facts.py", "deep.py", "syntax.py", "exit_number.py", "sigterm.py", "input.py"}
"""The scripts that are also started by `pyx` itself, where each costs a slow start."""


def compare(
    pyx: Pyx, ours: Sequence[str | Path], python: Path, tmp_path: Path, cases: Sequence[Case]
) -> dict[str, str]:
    """Return what differs between `ours` and a virtual environment's python, by case."""
    directory = tmp_path / "case"
    directory.mkdir()
    fill(directory, python)
    theirs = make_venv(tmp_path / "venv", python)
    told = pyx("--python", python, "-c", "import sys; print(sys.prefix)", cwd=directory)
    assert told.returncode == 0, told.stderr
    prefix = Path(told.stdout.strip())
    different = {}
    for case in cases:
        expected = tell(pyx, [theirs], case, directory, tmp_path / "venv")
        seen = tell(pyx, ours, case, directory, prefix)
        if case.words and case.words[0] in EXPLAINED and seen.status == expected.status:
            continue
        if seen != expected:
            name = " ".join([*map(str, case.words), *case.env])[:60]
            different[name] = "\n".join(difflib.unified_diff(_lines(expected), _lines(seen), n=0))
    return different


def test_programs_run_as_in_a_virtual_environment(pyx: Pyx, python: Path, tmp_path: Path) -> None:
    """Status, stdout and stderr of the environment's python equal those of a `venv`'s."""
    (tmp_path / "case.txt").write_text("")
    told = pyx("--python", python, "-c", "import sys; print(sys.executable)", cwd=tmp_path)
    different = compare(pyx, [told.stdout.strip()], python, tmp_path, CASES)
    assert not different, "\n\n".join(f"{name}\n{text}" for name, text in different.items())


def test_pyx_runs_programs_as_in_a_virtual_environment(
    pyx: Pyx, interpreters: dict[str, Path], tmp_path: Path
) -> None:
    """So does `pyx` itself, which takes the slow path for many of these; only `-h` is its own."""
    python = list(interpreters.values())[-1]
    scripts = {name for name in FILES if "/" not in name} - FOR_THE_SLOW_PATH
    cases = [c for c in CASES if list(c.words) != ["-h"] and scripts.isdisjoint(c.words)]
    different = compare(pyx, [pyx.path, "--python", python], python, tmp_path, cases)
    assert not different, "\n\n".join(f"{name}\n{text}" for name, text in different.items())


def test_a_program_without_a_name(pyx: Pyx, tmp_path: Path) -> None:
    """A pipe in /dev/fd, as `<(…)` of a shell gives it, is a script like any other."""
    read, write = os.pipe()
    os.write(write, b"import sys; print(sys.argv, __file__)\n")
    os.close(write)
    name = f"/dev/fd/{read}"
    told = subprocess.run(
        [pyx.path, name, "x"],
        pass_fds=[read],
        cwd=tmp_path,
        env=pyx.variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(read)
    assert told.stdout == f"['{name}', 'x'] {name}\n", told.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_from_outside(pyx: Pyx, tmp_path: Path, number: signal.Signals) -> None:
    """The process that was started is the program itself: signals reach it and end it by name."""

    def obey() -> None:
        # Whoever started the tests may have had the signal ignored.
        signal.signal(number, signal.SIG_DFL)

    for words in (["-c"], ["-u", "-c"]):
        with subprocess.Popen(
            [pyx.path, *words, "import time; print('ready', flush=True); time.sleep(60)"],
            cwd=tmp_path,
            env=pyx.variables(),
            preexec_fn=obey,  # noqa: PLW1509  # it takes no lock
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            _, stderr = process.communicate(timeout=30)
        assert process.returncode == -number
        assert ("KeyboardInterrupt" in stderr) == (number == signal.SIGINT)


class Terminal:
    """A terminal with a program in it, and everything the program wrote."""

    def __init__(self, command: Sequence[str | Path], env: dict[str, str], cwd: Path) -> None:
        """Start `command` with the terminal as its three streams."""
        self.handle, inner = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen(
            command,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        os.close(inner)

    def read_until(self, wanted: str) -> None:
        """Wait until `wanted` has been written since the last call."""
        deadline = time.monotonic() + 30
        seen = ""
        while wanted not in seen:
            ready, _, _ = select.select([self.handle], [], [], 0.5)
            if ready:
                try:
                    seen += os.read(self.handle, 4096).decode(errors="replace")
                except OSError:
                    break
            assert time.monotonic() < deadline, seen
        self.text += seen
        assert wanted in seen, seen

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self.handle, line.encode() + b"\r")

    def finish(self) -> int:
        """Return the exit status."""
        try:
            return self.process.wait(timeout=30)
        finally:
            os.close(self.handle)


def test_the_prompt(pyx: Pyx, python: Path, tmp_path: Path) -> None:
    """On a terminal there is a banner, a prompt that keeps names, and the status of `exit`."""
    env = pyx.variables({"TERM": "dumb", "PYTHON_BASIC_REPL": "1"})
    terminal = Terminal([pyx.path, "--python", python], env, tmp_path)
    terminal.read_until(">>> ")
    assert re.search(r"^Python 3\.\d+\.\d+", terminal.text, re.MULTILINE)
    assert 'Type "help", "copyright", "credits" or "license"' in terminal.text
    assert terminal.text.count("Python 3.") == 1
    terminal.type("x = 6 * 7")
    terminal.read_until(">>> ")
    terminal.type("print('the answer', x, __name__, sorted(k for k in globals() if k[0] != '_'))")
    terminal.read_until("the answer 42 __main__ ['x']")
    terminal.type("1/0")
    terminal.read_until("ZeroDivisionError")
    assert "pyx" not in terminal.text.replace(str(tmp_path), "")
    terminal.type("exit(5)")
    assert terminal.finish() == 5


def test_the_new_prompt(pyx: Pyx, interpreters: dict[str, Path], tmp_path: Path) -> None:
    """The prompt of Python 3.13 works as without pyx on a terminal that can do what it wants."""
    names = [name for name in interpreters if int(name.strip("td").split(".")[1]) >= 13]
    if not names:
        pytest.skip("no Python 3.13 or later")
    python = interpreters[names[-1]]
    statuses = []
    commands: list[list[str | Path]] = [[python], [pyx.path, "--python", python]]
    for command in commands:
        terminal = Terminal(command, pyx.variables({"TERM": "xterm"}), tmp_path)
        terminal.read_until(">>> ")
        terminal.type("print('sum', 40 + 2)")
        terminal.read_until("sum 42")
        terminal.type("raise SystemExit(6)")
        # Python 3.13.0 exits with status 1 here, whatever the program says.
        statuses.append(terminal.finish())
    assert statuses[0] == statuses[1]


def test_control_c_at_the_prompt(pyx: Pyx, interpreters: dict[str, Path], tmp_path: Path) -> None:
    """Ctrl-C gives the prompt back, and Ctrl-D ends it with status 0."""
    env = pyx.variables({"TERM": "dumb", "PYTHON_BASIC_REPL": "1"})
    command: list[str | Path] = [pyx.path, "--python", next(iter(interpreters.values()))]
    terminal = Terminal(command, env, tmp_path)
    terminal.read_until(">>> ")
    # The prompt stands there before its reader waits.
    time.sleep(0.5)
    terminal.process.send_signal(signal.SIGINT)
    terminal.read_until("KeyboardInterrupt")
    time.sleep(0.5)
    os.write(terminal.handle, b"\x04")
    assert terminal.finish() == 0


@pytest.fixture(scope="session")
def python_with_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a virtual environment that has pip: the one that runs the tests need not."""
    directory = tmp_path_factory.mktemp("pip")
    subprocess.run([PLAIN_PYTHON, "-m", "venv", directory], check=True)
    return directory / "bin" / "python"


@pytest.fixture
def real(pyx: Pyx, tmp_path: Path, python_with_pip: Path) -> Real:
    """Give what downloads and locks real distributions."""
    return Real(pyx=pyx, directory=tmp_path / "real", pip=python_with_pip)


@dataclass(frozen=True, kw_only=True)
class Real:
    """A project whose lock names what pip downloads at this moment."""

    pyx: Pyx
    directory: Path
    pip: Path
    """A python that has pip."""

    @property
    def project(self) -> Path:
        """The directory with the lock."""
        return self.directory / "project"

    def download(self, *requirements: str) -> list[Path]:
        """Return the wheels of `requirements` and of all they need, for this Python."""
        wheels = self.directory / "wheels"
        command = [self.pip, "-m", "pip", "download", "--only-binary=:all:", "-q"]
        subprocess.run([*command, "-d", wheels, *requirements], check=True, capture_output=True)
        return sorted(wheels.glob("*.whl"))

    def lock(self, *requirements: str, kind: str = "pylock.toml") -> None:
        """Lock `requirements`; their files come from a directory, so no address is written."""
        artifacts = self.download(*requirements)
        self.project.mkdir(parents=True)
        text = pylock_text(artifacts) if kind == "pylock.toml" else poetry_lock_text(artifacts)
        (self.project / kind).write_text(text)

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run ``pyx`` with this Python in the project."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        env: dict[str, str | None] = {
            "PIP_FIND_LINKS": str(self.directory / "wheels"),
            # What the tests that run this are given is not for those of another project.
            "PYTEST_ADDOPTS": None,
        }
        return self.pyx("--python", version, *words, cwd=self.project, env=env)


@pytest.mark.network
def test_a_web_application_answers(real: Real) -> None:
    """A Flask application under a server with threads answers a request on loopback."""
    real.lock("flask", "waitress")
    (real.project / "app.py").write_text(
        "import threading, urllib.request, flask, waitress\n"
        "app = flask.Flask(__name__)\n"
        "@app.route('/<name>')\n"
        "def hello(name):\n"
        "    return flask.render_template_string('Hello, {{ name }}!', name=name)\n"
        "server = waitress.create_server(app, host='127.0.0.1', port=0)\n"
        "threading.Thread(target=server.run, daemon=True).start()\n"
        "opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))\n"
        "url = f'http://127.0.0.1:{server.effective_port}/you'\n"
        "print(opener.open(url).read().decode())\n"
    )
    told = real.run("app.py")
    assert told.stdout == "Hello, you!\n", told.stderr
    told = real.run("-m", "flask", "--app", "app:app", "routes")
    assert "/<name>" in told.stdout, told.stderr


@pytest.mark.network
@pytest.mark.parametrize("links", [False, True], ids=["direct", "links"])
def test_coverage_measures_the_project_alone(real: Real, *, links: bool) -> None:
    """`pytest --cov` without a source reports the project's statements, and no library's."""
    if sys.version_info < (3, 11) and not links:
        pytest.skip("what these need before 3.11 besides makes more packages than lie one by one")
    real.lock(*covered.REQUIRES, *(FILLERS if links else ()))
    covered.write_project(real.project)
    told = real.run(*covered.WORDS)
    assert covered.count_statements(told.stdout) == covered.STATEMENTS, told.stdout + told.stderr
    place = real.run("-c", "import flask; print(flask.__file__)").stdout
    assert ("/environments/" in place) == links
    if not links:
        check_coverage_of_a_child(real)


def check_coverage_of_a_child(real: Real) -> None:
    """See `coverage run` with its patch of subprocess measure the program and its child."""
    (real.project / ".coveragerc").write_text("[run]\npatch = subprocess\nsource = family\n")
    family = real.project / "family"
    family.mkdir()
    (family / "child.py").write_text("x = 1\n")
    (family / "main.py").write_text(
        "import subprocess, sys\nsubprocess.run([sys.executable, 'family/child.py'], check=True)\n"
    )
    told = real.run("-m", "coverage", "run", "family/main.py")
    assert told.returncode == 0, told.stderr
    real.run("-m", "coverage", "combine", "-q")
    report = real.run("-m", "coverage", "report", "--format=total")
    assert report.stdout == "100\n", report.stderr


@pytest.mark.network
def test_arrays_tables_and_pictures(real: Real) -> None:
    """NumPy, pandas and Matplotlib, with their shared libraries, write a picture."""
    real.lock("numpy", "pandas", "matplotlib")
    (real.project / "plot.py").write_text(
        "import matplotlib; matplotlib.use('Agg')\n"
        "import matplotlib.pyplot as plt, numpy as np, pandas as pd\n"
        "frame = pd.DataFrame({'x': np.arange(5), 'y': np.arange(5) ** 2})\n"
        "frame.plot(x='x', y='y'); plt.savefig('out.png')\n"
        "print(frame.y.sum(), np.linalg.inv(np.eye(2)).sum())\n"
    )
    told = real.run("plot.py")
    assert told.stdout == "30 2.0\n", told.stderr
    assert (real.project / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.network
def test_pytest_in_a_package_and_in_a_release(real: Real) -> None:
    """`pyx -m pytest` finds the modules of a flat package, its plugins and its own command.

    An unpacked source release with `src` layout tests itself by it, too.
    """
    real.lock("pytest", "pytest-xdist", "freezegun", kind="poetry.lock")
    (real.project / "counting").mkdir()
    (real.project / "counting" / "__init__.py").write_text("def one():\n    return 1\n")
    (real.project / "tests").mkdir()
    (real.project / "tests" / "test_one.py").write_text(
        "from counting import one\ndef test_one(tmp_path):\n    assert one() == 1\n"
    )
    for words in ((), ("-n", "2")):
        told = real.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *words)
        assert told.returncode == 0, told.stdout + told.stderr
        assert "1 passed" in told.stdout
    failing = real.project / "tests" / "test_two.py"
    failing.write_text("def test_two():\n    assert 1 == 2\n")
    told = real.run("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert told.returncode == 1
    assert "assert 1 == 2" in told.stdout
    # What its build needs is looked for where pip would look, as everything else is.
    real.download("flit_core<4")
    command = [real.pip, "-m", "pip", "download", "-q", "--no-deps", "--no-binary=:all:"]
    subprocess.run(
        [*command, "-d", real.directory, "itsdangerous"], check=True, capture_output=True
    )
    (release,) = real.directory.glob("itsdangerous-*.tar.gz")
    with tarfile.open(release) as archive:
        unpack_tar(archive, real.directory)
    (tree,) = (path for path in real.directory.glob("itsdangerous-*") if path.is_dir())
    shutil.copy(real.project / "poetry.lock", tree)
    shutil.rmtree(real.project)
    tree.rename(real.project)
    told = real.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert told.returncode == 0, told.stdout + told.stderr
    assert " passed" in told.stdout
    code = "import itsdangerous; print(itsdangerous.__file__)"
    assert real.run("-c", code).stdout.startswith(f"{real.project}/src/")


@pytest.mark.network
def test_pip_and_tools_that_look_for_their_binary(real: Real) -> None:
    """A locked pip runs as a child of a program, and lists what the lock names.

    `python -m` of a wheel that holds a program starts that program from the environment.
    """
    real.lock("pip", "ruff", "uv")
    (real.project / "main.py").write_text(
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'pip', '--version'], check=True)\n"
        "subprocess.run([sys.executable, '-m', 'pip', 'list', '--format=freeze',"
        " '--disable-pip-version-check'], check=True)\n"
    )
    told = real.run("main.py")
    assert told.returncode == 0, told.stderr
    first, *listed = told.stdout.splitlines()
    assert first.startswith("pip ")
    assert sorted(line.partition("==")[0] for line in listed) == ["pip", "ruff", "uv"]
    assert real.run("-m", "ruff", "--version").stdout.startswith("ruff ")
    assert real.run("-m", "uv", "--version").stdout.startswith("uv ")


# Sockets of the file system: a port that Jupyter has found free may be taken by another test
# before the kernel binds it.
CONNECT = (
    "manager = jupyter_client.KernelManager(kernel_name='{}', transport='ipc', ip='kernel')\n"
    "manager.start_kernel()\n"
    "client = manager.client()\n"
    "client.start_channels()\n"
    "client.wait_for_ready(timeout=60)\n"
)


@pytest.mark.network
def test_a_notebooks_kernel(real: Real) -> None:
    """Jupyter finds the kernel's files by `sys.prefix`, and the kernel sees the environment."""
    real.lock("ipykernel", "jupyter-client")
    (real.project / "kernel.py").write_text(
        "import jupyter_client, sys\n" + CONNECT.format("python3") + "said = []\n"
        "def hear(message):\n"
        "    if message['msg_type'] == 'stream': said.append(message['content']['text'])\n"
        "client.execute_interactive('import sys, ipykernel; print(sys.prefix)', timeout=60,"
        " output_hook=hear)\n"
        "client.stop_channels(); manager.shutdown_kernel(now=True)\n"
        "print(''.join(said).strip() == sys.prefix)\n"
        "place = jupyter_client.kernelspec.find_kernel_specs()['python3']\n"
        "print(place.startswith(sys.prefix + '/share/jupyter'))\n"
    )
    told = real.run("kernel.py")
    assert told.stdout == "True\nTrue\n", told.stderr
    check_a_kernel_of_an_environment(real)


def check_a_kernel_of_an_environment(real: Real) -> None:
    """Have a shell in a notebook find what `pyx run` finds, though Jupyter is of somewhere else."""
    made = real.run("env", "--kernel")
    assert made.returncode == 0, made.stderr
    (real.project / "client.py").write_text(
        "import jupyter_client, os\n" + CONNECT.format("pyx-project") + "def tell(code):\n"
        "    said = []\n"
        "    def hear(message):\n"
        "        if message['msg_type'] == 'stream': said.append(message['content']['text'])\n"
        "    client.execute_interactive(code, timeout=60, output_hook=hear)\n"
        "    print(''.join(said).replace('\\r', '').strip())\n"
        "tell('import sys; print(sys.prefix)')\n"
        "tell('!pip list')\n"
        "tell('!command -v ipython')\n"
        "client.stop_channels(); manager.shutdown_kernel(now=True)\n"
    )
    told = real.run("client.py")
    prefix, *said, program = told.stdout.splitlines()
    assert program == f"{prefix}/bin/ipython", told.stderr
    assert said == [
        "pyx: pip is not locked here, and no program would see what it installs",
        "pyx: hint: `pyx list`, in a named environment `pyx @NAME list`",
    ]


@pytest.mark.network
def test_interactive_tools(real: Real) -> None:
    """IPython runs a command, and debugpy's adapter, a child, is there to be attached to."""
    real.lock("ipython", "debugpy")
    told = real.run("-m", "IPython", "--no-banner", "-c", "import debugpy; print(1 + 1)")
    assert told.stdout.strip().endswith("2"), told.stderr
    code = "import debugpy; host, port = debugpy.listen(('127.0.0.1', 0)); print(host, port > 0)"
    assert real.run("-X", "frozen_modules=off", "-c", code).stdout == "127.0.0.1 True\n"
