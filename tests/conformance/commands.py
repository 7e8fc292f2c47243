"""Run commands that start pythons, copy templates or inspect their python, by pyx and in a venv.

    pyx tests/conformance/commands.py --python PATH…            # prints the table
    pyx tests/conformance/commands.py --python PATH… --write    # and writes it into the documents

Each command runs in a project of its own by pyx, and in another by the python of a virtual
environment into which pip has installed the same wheels; what it printed or left there has to be
the same. The index that pip is configured for is used, also by the commands. ``$PYX_TEST_FORKY``
names a Debian root, whose two newest Pythons are tried as well; what does not install there is left
out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from conformance.beside import LEFT_OUT, make_table, prepare
from installed import KINDS, build_native

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.beside import Pair

# The program beside the interpreter, as in a virtual environment that is active.
BESIDE = """\
import os, subprocess, sys
bin = os.path.dirname(sys.executable)
words = [os.path.join(bin, sys.argv[1]), *sys.argv[2:]]
sys.exit(subprocess.call([sys.executable if word == "PYTHON" else word for word in words]))
"""
SITE = """\
import sys
print("TOLD", [name for name in {names} if name in sys.modules], *{more})
"""
FACTORY = "(__import__('logging').getLogRecordFactory().__module__,)"
TRIAL = """\
import os, sys, one
from twisted.trial.unittest import TestCase
class T(TestCase):
    def test_one(self): self.assertEqual(one.NAME, "one")
    def test_two(self): self.assertIn(os.path.dirname(one.__file__), sys.path)
"""
# What a build of setuptools is told: the version that its pyproject.toml asks for made the wheel.
WHEEL = """\
import glob, subprocess, sys, zipfile
words = ["-m", "pip", "-q", "wheel", "--no-deps", "-w", "out", "."]
subprocess.run([sys.executable, *words], check=True)
(made,) = glob.glob("out/*.whl")
with zipfile.ZipFile(made) as packed:
    print("TOLD", sorted(packed.namelist()))
    print("TOLD", packed.read("sample-1.dist-info/WHEEL").decode().splitlines()[1])
"""
EDITED = """\
import os, subprocess, sys
subprocess.run([sys.executable, *sys.argv[1:]], check=True)
for directory, names, files in os.walk("made"):
    names[:] = sorted(name for name in names if name != "__pycache__")
    for name in sorted(files):
        path = os.path.join(directory, name)
        print("TOLD", path, oct(os.stat(path).st_mode))
        with open(path, "a") as file:
            file.write("# edited\\n" if name.endswith(".py") else "")
"""
CHECKED = (
    EDITED
    + """\
subprocess.run([sys.executable, "made/manage.py", "check"], check=True)
subprocess.run([sys.executable, "manage.py", "startapp", "part"], cwd="made", check=True)
print("TOLD", oct(os.stat("made/part/models.py").st_mode))
"""
)
# What an environment says of itself that a program has made with the python that it runs on.
MADE = """\
import os, subprocess, sys
subprocess.run([sys.executable, *sys.argv[1:], "made"], check=True, stdout=sys.stderr)
code = "import os, sys; print('TOLD', sys.base_prefix, os.path.realpath(sys.executable));"
code += "import pip; print('TOLD', os.path.relpath(pip.__file__, sys.prefix))"
subprocess.run(["made/bin/python", "-c", code], check=True)
"""
COPIED = """\
import shutil, subprocess, sys
shutil.copy(sys.executable, "made/copied")
code = "import sys; print(sys.prefix, sys.base_prefix, sys.version_info[:3])"
done = subprocess.run(["made/copied", "-c", code], capture_output=True, text=True)
print("TOLD", done.returncode, *(done.stdout + done.stderr).splitlines())
"""
LINKED = """\
import os, subprocess, sys
os.symlink(sys.executable, "made/linked")
code = "import six, sys; print('TOLD', sys.prefix != sys.base_prefix, six.__name__)"
subprocess.run(["made/linked", "-c", code], check=True)
"""
JEDI = """\
import jedi, sys
try:
    environment = jedi.create_environment(sys.executable)
except jedi.InvalidPythonEnvironment as error:
    print("TOLD", error)
    environment = jedi.create_environment(sys.executable, safe=False)
print("TOLD", environment.version_info[:3], environment.executable == sys.executable)
script = jedi.Script("import jedi; jedi.Scrip", environment=environment)
print("TOLD", [completion.name for completion in script.complete()])
"""
# A program that brings its python along, and runs without the environment that made it.
FROZEN = """\
import subprocess, sys
words = [word.replace("PYTHON", sys.executable) for word in sys.argv[1:]]
subprocess.run([sys.executable, *words[1:]], check=True, stdout=sys.stderr)
subprocess.run(words[0].split(), check=True)
"""
APP = "import one, six, sys; print('TOLD', one.NAME, six.__name__, sys.version_info[:2])\n"
CMAKE = """\
cmake_minimum_required(VERSION 3.18)
project(sample LANGUAGES C)
find_package(Python3 REQUIRED COMPONENTS Interpreter Development.Module)
message("TOLD ${Python3_VERSION} ${Python3_INCLUDE_DIRS} ${Python3_SOABI}")
message("TOLD ${Python3_STDLIB}")
"""
MESON = """\
project('sample', 'c')
python = import('python').find_installation(get_option('python'))
dependency = python.dependency()
message('TOLD', python.language_version(), python.get_path('include'), dependency.found())
"""
ASKED = """\
import os, re, subprocess, sys
bin = os.path.dirname(sys.executable)
os.environ["PATH"] = bin + os.pathsep + os.environ["PATH"]
words = [word.replace("PYTHON", sys.executable) for word in sys.argv[1:]]
done = subprocess.run([os.path.join(bin, words[0]), *words[1:]], capture_output=True, text=True)
sys.stderr.write(done.stdout + done.stderr)
print("\\n".join(re.findall("TOLD.*", done.stdout + done.stderr)))
sys.exit(done.returncode)
"""
UV = """\
import os, subprocess, sys
bin = os.path.dirname(sys.executable)
words = [os.path.join(bin, "uv"), "--offline", "venv", "-q", "--python", sys.executable, "made/it"]
subprocess.run(words, check=True)
code = "import os, sys; print('TOLD', sys.base_prefix, os.path.realpath(sys.executable))"
subprocess.run(["made/it/bin/python", "-c", code], check=True)
"""
PYPROJECT = """\
[build-system]
requires = ["setuptools==75.3.0"]
build-backend = "setuptools.build_meta"
[project]
name = "sample"
version = "1"
[tool.setuptools]
py-modules = ["one"]
"""
QUIET = {
    "DD_TRACE_AGENT_URL": "http://127.0.0.1:9",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
}
NO_EXPORT = [f"--{kind}_exporter=none" for kind in ("traces", "metrics", "logs")]
DDTRACE = SITE.format(names=["ddtrace", "ddtrace.bootstrap.sitecustomize"], more=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One command: `words` follow python; `files` lie in its project."""

    words: tuple[str, ...]
    needs: str
    files: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    explained: str = ""
    """How pyx must differ where it does, and what to do."""
    differs: str = ""
    """What the command tells then under pyx, all of it, as a regular expression."""


ROWS = {
    "`pip wheel .` with another setuptools locked": Row(
        words=("-c", WHEEL),
        needs="pip setuptools==80.9.0",
        files={"pyproject.toml": PYPROJECT},
    ),
    "`opentelemetry-instrument`": Row(
        words=("-c", BESIDE, "opentelemetry-instrument", *NO_EXPORT, "PYTHON", "app.py"),
        needs="opentelemetry-distro opentelemetry-instrumentation-logging",
        files={
            "app.py": SITE.format(
                names=["opentelemetry.instrumentation.auto_instrumentation", "sitecustomize"],
                more=FACTORY,
            )
        },
    ),
    "`ddtrace-run`": Row(
        words=("-c", BESIDE, "ddtrace-run", "PYTHON", "app.py"),
        needs="ddtrace",
        files={"app.py": DDTRACE},
        environ=QUIET,
    ),
    "`trial -j2`": Row(
        words=("-m", "twisted.trial", "-j2", "test_it"),
        needs="twisted",
        files={"test_it.py": TRIAL},
    ),
    "`alembic init`, edited": Row(
        words=("-c", EDITED, "-m", "alembic.config", "init", "made"), needs="alembic"
    ),
    "`django-admin startproject`, edited": Row(
        words=("-c", CHECKED, "-m", "django", "startproject", "sample", "made"), needs="django"
    ),
    "`python -m venv`": Row(words=("-c", MADE, "-m", "venv"), needs=""),
    "`virtualenv`": Row(words=("-c", MADE, "-m", "virtualenv", "-q"), needs="virtualenv"),
    "`uv venv --python PYTHON`": Row(words=("-c", UV), needs="uv"),
    "jedi, asked about `sys.executable`": Row(
        words=("-c", JEDI),
        needs="jedi",
        explained="it takes a file that is not root's for unsafe, as it takes pyenv's Python: "
        "`create_environment(sys.executable, safe=False)`",
        differs=r"The python binary is potentially unsafe\.; \(3, .*\) True; \['Script'\]",
    ),
    "a link to `sys.executable`": Row(
        words=("-c", LINKED),
        needs="six",
        explained="it is the environment's python; in a virtual environment it is the bare one",
        differs="True six",
    ),
    "a copy of `sys.executable`": Row(
        words=("-c", COPIED),
        needs="",
        explained="refused in one line, which says to make it a link; "
        "in a virtual environment it is the bare python",
        differs="69 pyx: .* is a copy of pyx that has another name; .*or make it a link",
    ),
    "`pyinstaller`": Row(
        words=("-c", FROZEN, "dist/app/app", "-m", "PyInstaller", "app.py"),
        needs="pyinstaller six",
        files={"app.py": APP},
    ),
    "`cxfreeze`": Row(
        words=("-c", FROZEN, "made/app", "-m", "cx_Freeze", "--script=app.py", "--target-dir=made"),
        needs="cx-Freeze six",
        files={"app.py": APP},
    ),
    "`pex`": Row(
        words=(
            *("-c", FROZEN, "PYTHON made/app", "-m", "pex"),
            *("-D", ".", "-m", "two", "-o", "made/app"),
        ),
        needs="pex",
        files={"two.py": "import one, sys; print('TOLD', one.NAME, sys.base_prefix)"},
    ),
    "`shiv`": Row(
        words=(
            *("-c", FROZEN, "made/app", "-m", "shiv", "--site-packages", "lib"),
            *("-e", "two:main", "-p", "PYTHON", "-o", "made/app"),
        ),
        needs="shiv",
        files={"lib/two.py": "def main():\n import sys; print('TOLD', sys.base_prefix)\n"},
    ),
    "CMake's `FindPython3`": Row(
        words=("-c", ASKED, "cmake", "-G", "Ninja", "-B", "made", "-DPython3_EXECUTABLE=PYTHON"),
        needs="cmake ninja",
        files={"CMakeLists.txt": CMAKE},
    ),
    "Meson's `find_installation`": Row(
        words=("-c", ASKED, "meson", "setup", "made", "-Dpython=PYTHON"),
        needs="meson ninja",
        files={"meson.build": MESON, "meson_options.txt": "option('python', type: 'string')\n"},
    ),
}
TOLD = re.compile(r"^(?:TOLD .*|Ran \d+ tests|PASSED.*|FAILED.*)$", re.MULTILINE)


def run(pair: Pair, row: Row, *, by_pyx: bool) -> str:
    """Return what the command told, or how it failed, in a project of its own."""
    project = pair.directory.with_name("by-pyx" if by_pyx else "by-venv")
    shutil.copytree(pair.directory, project)
    for name, text in {"one.py": 'NAME = "one"\n', **row.files}.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    # `django-admin` wants the directory to be there.
    (project / "made").mkdir()
    python = pair.pyx.path if by_pyx else pair.venv / "bin" / "python"
    try:
        done = pair.pyx.run([python, *row.words], cwd=project, env=dict(row.environ), timeout=300)
    except subprocess.TimeoutExpired:
        return "came to no end"
    told = TOLD.findall(done.stdout)
    if done.returncode or not told:
        return f"failed: {done.returncode} {' '.join((done.stderr or done.stdout).split())[-400:]}"
    return "; ".join(told).replace("TOLD ", "")


def judge(row: Row, plain: str, found: str) -> str:
    """Return `the same`, why both differ as they do, or what each told."""
    if plain == found and not plain.startswith("failed"):
        return "the same"
    if row.explained and re.fullmatch(row.differs, found):
        return row.explained
    if plain.startswith("failed") and found.startswith("failed"):
        return "runs in neither"
    return f"pyx {found}; venv {plain}"


def compare(python: str, root: Path, names: Sequence[str]) -> dict[str, str]:
    """Return `the same` for each command, or how the two differ."""
    native = build_native(root, *KINDS)
    if native is None:
        sys.exit("there is no C compiler, and PYX_TEST_PROGRAM names no native program")
    cells: dict[str, str] = {}
    for number, name in enumerate(names):
        row = ROWS[name]
        pair = prepare(python, row.needs, root / str(number), native)
        if pair is None:
            cells[name] = LEFT_OUT
            continue
        plain, found = run(pair, row, by_pyx=False), run(pair, row, by_pyx=True)
        cells[name] = judge(row, plain, found)
        sys.stderr.write(f"{name}: {cells[name]} (pyx {found}; venv {plain})\n")
    return cells


if __name__ == "__main__":
    sys.exit(make_table(Path(__file__), __doc__ or "", [*ROWS], compare, "command"))
