"""The oracle of markers: what each tool says to comparisons that the specification leaves open.

Poetry, PDM, Pipenv and pip are asked through the library that they evaluate markers with, uv by
`uv pip compile` for an interpreter that tells another platform. What a tool refuses is left out,
as no lock of it can hold that. The tests are skipped where the tool is not there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from wheelhouse import make_wheel

from oracle.tools import find_program
from pyx_launcher.errors import LockError
from pyx_launcher.locks.common.markers import Conditions
from pyx_launcher.locks.common.tables import Table

if TYPE_CHECKING:
    from packaging.markers import Environment

    from pyx_launcher.locks.common.marker_rules import Rule

pytestmark = [pytest.mark.oracle]

PLACE = Table(path=Path("lock"), where="", data={})

COMMON = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}

# The version of Python, the release of the system and its version.
PLACES = [
    ("3.11.7", "6.18.44-fc-v657", "#1 SMP Debian 6.1"),
    ("3.14.0rc1", "5.15.0-105-generic", "10.0.22621"),
    ("3.10.1", "22.6.0", "Darwin Kernel 22.6.0"),
    ("3.13.0", "6.1.0-9-amd64+deb12", "1"),
    ("3.12.1", "4.4.0-19041-Microsoft", "#1-Microsoft"),
    ("3.15.0a2", "10", "10"),
    ("3.11.7", "5.15.153.1-microsoft-standard-WSL2", "x"),
    ("3.9.18", "6.8.0-1051-azure", "x"),
]

COMPARED = {
    "platform_release": "5 6.18.44 6.18.44-fc-v657 6 10 22.6.0 5.15.0-105 a 20.0 4.4",
    "platform_version": "10.0 #1 1 22",
    "python_full_version": "3.14 3.14.0 3.11.7 3.15.0a1 3.14.0rc1 3.13",
    "implementation_version": "3.14 3.11.7 3.15.0a2",
    "python_version": "3.10 3.14 3.9",
    "sys_platform": "linux m",
    "platform_machine": "x86",
}

LISTS = {
    "python_version": ("3.10 3.11", "3.10, 3.11", "3.1", "3.10,3.14"),
    "python_full_version": ("3.11.7 3.11.8", "3.11", "3.11.70"),
    "sys_platform": ("linux win32", "linux2", "linux,darwin"),
    "platform_release": ("6.18.44-fc-v657 5",),
    "platform_machine": ("x86_64 arm64", "x86_64h"),
    "implementation_name": ("cpython pypy",),
}

ASK = """\
import json, sys
cases, answers = json.load(sys.stdin), []
for text, environment in cases:
    try:
        answers.append({})
    except Exception:
        answers.append(None)
json.dump(answers, sys.stdout)
"""

LIBRARIES: dict[str, tuple[Rule, str, str]] = {
    "poetry": (
        "poetry",
        "from poetry.core.version.markers import parse_marker",
        "parse_marker(text).validate(environment)",
    ),
    "pdm": (
        "pdm",
        "from dep_logic.markers import parse_marker",
        "parse_marker(text).evaluate(environment)",
    ),
    "pipenv": (
        "packaging",
        "from pipenv.patched.pip._vendor.packaging.markers import Marker",
        "Marker(text).evaluate(environment)",
    ),
    "pip": (
        "packaging",
        "from pip._vendor.packaging.markers import Marker",
        "Marker(text).evaluate(environment)",
    ),
}


def list_environments() -> list[dict[str, str]]:
    """Return the marker environments that are asked about."""
    return [
        {
            **COMMON,
            "implementation_version": python,
            "python_full_version": python,
            "python_version": ".".join(python.split(".")[:2]),
            "platform_release": release,
            "platform_version": version,
        }
        for python, release, version in PLACES
    ]


def list_markers() -> list[str]:
    """Return every comparison."""
    texts = [
        f"{name} {op} '{value}'"
        for name, values in COMPARED.items()
        for value in values.split()
        for op in ("==", "!=", "<", "<=", ">", ">=", "~=", "===")
    ]
    texts += [
        f"{name} {op} '{value}'"
        for name, values in LISTS.items()
        for value in values
        for op in ("in", "not in")
    ]
    words = ("fc", "Microsoft", "WSL2")
    return texts + [f"'{word}' {op} platform_release" for word in words for op in ("in", "not in")]


def find_answer(rule: Rule, text: str, environment: dict[str, str]) -> bool | None:
    """Return what pyx says to a marker in a lock of this tool; None where it is refused."""
    conditions = Conditions(environment=cast("Environment", environment), rule=rule)
    try:
        return conditions.hold(PLACE, "marker", text)
    except LockError:
        return None


def find_python(tool: str) -> Path:
    """Return the interpreter that a tool is installed for."""
    program = find_program(tool)
    if program is None:
        pytest.skip(f"no {tool} on the path or in PYX_ORACLE_{tool.upper()}")
    first = Path(program).read_text(encoding="utf-8", errors="replace").split("\n")[0]
    python = Path(first.removeprefix("#!").strip())
    if not python.is_file():
        pytest.skip(f"{program} names no interpreter")
    return python


def tell(differences: list[str], count: int) -> None:
    """Print the counts, and fail with the differences."""
    sys.stdout.write(f"{count} answers, {len(differences)} differ\n")
    assert count > 1000
    assert not differences


@pytest.mark.parametrize("tool", LIBRARIES)
def test_a_marker_means_what_its_tool_says(tool: str) -> None:
    """To every comparison that the tool can read there is the same answer."""
    rule, load, ask = LIBRARIES[tool]
    cases = [[t, {**e, "extra": ""}] for t in list_markers() for e in list_environments()]
    program = f"{load}\n{ASK.format(ask)}"
    done = subprocess.run(
        [find_python(tool), "-c", program],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[Any] = json.loads(done.stdout)
    told = [(*case, answer) for case, answer in zip(cases, answers, strict=True)]
    told = [(t, {k: v for k, v in e.items() if k != "extra"}, a) for t, e, a in told]
    compared = [(t, e, a) for t, e, a in told if a is not None]
    tell([f"{t} {e}: {a}" for t, e, a in compared if find_answer(rule, t, e) != a], len(compared))


PATCH = """\
import platform
platform.release = lambda: {platform_release!r}
platform.version = lambda: {platform_version!r}
platform.python_version = lambda: {python_full_version!r}
platform.python_version_tuple = lambda: tuple({python_full_version!r}.split("."))
"""


def test_a_marker_means_what_uv_says(
    tmp_path: Path, interpreters: dict[str, Path], environ: dict[str, str]
) -> None:
    """The same, where an interpreter tells uv what platform it runs on."""
    uv = find_program("uv")
    if uv is None:
        pytest.skip("no uv on the path or in PYX_ORACLE_UV")
    # uv takes the version of an implementation from where it cannot be changed, and refuses ===.
    texts = [t for t in list_markers() if "implementation_v" not in t and "===" not in t]
    wheels = tmp_path / "found"
    wheels.mkdir()
    for number in range(len(texts)):
        make_wheel(wheels, f"c{number}", "1.0")
    lines = [f"c{number} ; {text}\n" for number, text in enumerate(texts)]
    (tmp_path / "requirements.in").write_text("".join(lines))
    python = next(iter(interpreters.values()))
    differences, count = [], 0
    for position, environment in enumerate(list_environments()):
        place = tmp_path / str(position)
        subprocess.run([python, "-m", "venv", "--without-pip", place], check=True)
        packages = next(place.glob("lib/python*/site-packages"))
        (packages / "sitecustomize.py").write_text(PATCH.format(**environment))
        words = ["pip", "compile", "--quiet", "--no-deps", "--no-index", "--no-header"]
        words += ["--no-annotate", "--find-links", wheels, "requirements.in"]
        done = subprocess.run(
            [uv, *words, "--python", place / "bin" / "python"],
            cwd=tmp_path,
            env={**environ, "UV_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        chosen = {line.split("==")[0] for line in done.stdout.split()}
        shutil.rmtree(place)
        for number, text in enumerate(texts):
            count += 1
            answer = f"c{number}" in chosen
            if find_answer("uv", text, environment) != answer:
                differences.append(f"{text} {environment}: {answer}")
    tell(differences, count)
