"""The corpus: projects locked by the tools themselves, every choice and every edit compared.

    cd tests && pyx -m oracle.corpus [uv|poetry|pdm|pipenv]… [--choices N] [--project NAME]

For each tool, each project of `specs` is written, locked by the tool against indexes on loopback,
and asked for with every combination of the options that select (or N of them): what the tool says
it would install has to be what pyx selects. Then each generated edit of the project files is
judged by the tool's own check and by pyx. Prints the differences and the counts; returns 1 if there
is a difference.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexserver import IndexServer
from packaging.utils import canonicalize_name
from targets import make_interpreter
from wheelhouse import make_sdist, make_source_tree, make_wheel

from oracle.edits import generate_edits, write_toml
from oracle.specs import Spec, make_specs
from oracle.tools import find_program, tool_variables
from oracle.universe import YANKED, fill, make_environment, make_repository
from pyx_launcher.cli.invocation import parse_invocation
from pyx_launcher.errors import PyxError
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.selection import select
from pyx_launcher.start.context import Context
from pyx_launcher.start.freshness import find_freshness
from pyx_launcher.start.root_project import add_root
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyx_launcher.interpreters.finder import Interpreter

DRIVER = Path(__file__).with_name("driver.py")

NO_VERDICT = (
    "Nested workspaces are not supported",
    "No solution found when resolving",
    "Failed to parse",
    "cannot be enabled",
)
"""What a tool says of a project that it cannot lock at all, whatever is in its lock."""

Words = tuple[str, ...]

CHECKS = {
    "uv": ("lock", "--check"),
    "poetry": ("check", "--lock", "--no-interaction"),
    "pdm": ("lock", "--check"),
    "pipenv": ("verify",),
}
LOCKS = {
    "uv": ("lock",),
    "poetry": ("lock", "--no-interaction"),
    "pdm": ("lock", "-G:all"),
    "pipenv": ("lock",),
}


@dataclass(kw_only=True)
class Ground:
    """Where the corpus lies: indexes, local trees, an environment for each Python."""

    directory: Path
    environ: dict[str, str]
    urls: dict[str, str]
    pythons: dict[str, Path]
    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def differ(self, kind: str, text: str) -> None:
        """Note a difference, and say it at once."""
        self.differences.append(text)
        self.counts[f"{kind}: different"] += 1
        sys.stdout.write(f"DIFFERENT {text}\n")
        sys.stdout.flush()


def open_ground(stack: ExitStack, directory: Path, pythons: dict[str, Path]) -> Ground:
    """Fill the indexes and the local parts of projects."""
    index = stack.enter_context(IndexServer(directory / "wheels"))
    private = stack.enter_context(IndexServer(directory / "private"))
    index.directory.mkdir(exist_ok=True)
    fill(index.directory)
    index.yanked |= YANKED
    index.json, index.uploaded = True, "2026-03-01T00:00:00Z"
    make_wheel(index.directory, "url-wheel", "0.9")
    make_wheel(private.directory, "secret-sauce", "1.2", requires=["plug"])
    kept = ("PATH", "LANG", "HOME", "PYX_ORACLE")
    environ = {k: v for k, v in os.environ.items() if k.startswith(kept)}
    environ |= {
        "HOME": str(directory / "home"),
        "NO_PROXY": "127.0.0.1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    environ |= make_repository(directory / "repository", "git-tree", "0.7")
    environ |= tool_variables(directory / "cache")
    urls = {"index": index.url, "private": private.url, "files": index.file_url("")}
    for version, python in pythons.items():
        make_environment(directory / f"python-{version}", python)
    return Ground(directory=directory, environ=environ, urls=urls, pythons=pythons)


def write_project(ground: Ground, spec: Spec) -> Path:
    """Write the files of a project anew, and return its directory."""
    directory = ground.directory / "project"
    shutil.rmtree(directory, ignore_errors=True)
    libs = directory / "libs"
    make_source_tree(directory, "sample", "0.1.0")
    make_source_tree(libs / "tree", "path-tree", "0.3", requires=["name-codec"])
    make_source_tree(libs / "edit", "edit-tree", "0.4")
    make_source_tree(libs / "plug", "plug", "1.9")
    make_wheel(libs, "local-wheel", "0.5", requires=["name-codec"])
    make_sdist(libs, "local-sdist", "0.6")
    make_source_tree(directory / "more" / "another", "another", "0.1.0")
    for path, document in spec.files.items():
        place = directory / path
        if place.parent != directory:
            make_source_tree(place.parent, place.parent.name, "0.1.0")
        place.write_text(render(ground, document), encoding="utf-8")
    if spec.tool == "pipenv":
        (directory / "pyproject.toml").unlink()
    return directory


def render(ground: Ground, document: Mapping[str, Any]) -> str:
    """Return a project file as text, with the URLs of this run."""
    text = write_toml(dict(document))
    return text.replace("{files}", ground.urls["files"]).replace(
        "{private}", ground.urls["private"]
    )


class Tool:
    """A tool that is asked many times: by one process that stays, or by one for each question."""

    def __init__(self, name: str, directory: Path, environ: dict[str, str]) -> None:
        """Start the process where the tool is a Python program."""
        self.name = name
        self.program = find_program(name)
        self.directory = directory
        self.environ = environ
        self.output = directory.parent / "output.txt"
        python = Path(str(self.program)).parent / "python"
        self.driver: subprocess.Popen[str] | None = None
        if name != "uv" and python.exists():
            self.driver = subprocess.Popen(
                [python, DRIVER, name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environ,
                text=True,
            )

    def __enter__(self) -> Tool:
        """Return the tool."""
        return self

    def __exit__(self, *_: object) -> None:
        """End its process."""
        if self.driver is not None:
            self.driver.communicate()

    def __call__(self, words: Sequence[str], *, place: str = ".") -> tuple[int, str]:
        """Run one command; return its status and what it printed."""
        if self.driver is not None and self.driver.stdin and self.driver.stdout:
            asked = {
                "words": words,
                "directory": str(self.directory / place),
                "environ": self.environ,
                "output": str(self.output),
            }
            self.driver.stdin.write(f"{json.dumps(asked)}\n")
            self.driver.stdin.flush()
            status = int(self.driver.stdout.readline())
            return status, self.output.read_text()
        done = subprocess.run(
            [str(self.program), *words],
            cwd=self.directory / place,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return done.returncode, done.stdout


def list_names(spec: Spec, place: str) -> tuple[list[str], list[str]]:
    """Return the extras and groups that a start in `place` may ask for."""
    top = next(iter(spec.files.values()))
    own = spec.files.get(f"{place}/pyproject.toml", top)
    if spec.tool == "pipenv":
        special = {"source", "packages", "dev-packages", "requires", "scripts", "pipenv"}
        groups = [name for name in top if name not in special]
        return [], (["develop"] if "dev-packages" in top else []) + groups
    extras = list(own.get("project", {}).get("optional-dependencies", {}))
    extras += list(own.get("tool", {}).get("poetry", {}).get("extras", {}))
    groups = list(own.get("dependency-groups", {}))
    for tool in ("poetry", "pdm"):
        table = own.get("tool", {}).get(tool, {})
        groups += [g for g in table.get("group", {}) if g != "main"]
        groups += list(table.get("dev-dependencies", {}))
    return list(dict.fromkeys(extras)), list(dict.fromkeys(groups))


def combine(spec: Spec, place: str) -> Iterator[tuple[Words, Words]]:
    """Yield every choice: the options of pyx, and those of the tool that mean the same."""
    extras, groups = list_names(spec, place)
    yield from {"uv": _uv_choices, "poetry": _poetry_choices, "pdm": _pdm_choices}.get(
        spec.tool, _pipenv_choices
    )(extras, groups)


def _subsets(names: list[str]) -> list[Words]:
    return [c for size in range(len(names) + 1) for c in itertools.combinations(names, size)]


def _flags(option: str, names: Sequence[str]) -> Words:
    return tuple(word for name in names for word in (option, name))


def _uv_choices(extras: list[str], groups: list[str]) -> Iterator[tuple[Words, Words]]:
    wanted_extras = [*(_flags("--extra", c) for c in _subsets(extras)), ("--all-extras",)]
    wanted_groups = [*(_flags("--group", c) for c in _subsets(groups)), ("--all-groups",)]
    without = [_flags("--no-group", c) for c in _subsets(groups)]
    for parts in itertools.product(
        [(), ("--no-default-groups",), ("--no-dev",)], wanted_extras, wanted_groups, without
    ):
        words = tuple(itertools.chain(*parts))
        yield words, words
    for only in _subsets(groups)[1:]:
        for rest in without:
            words = (*_flags("--only-group", only), *rest)
            yield words, words


def _poetry_choices(extras: list[str], groups: list[str]) -> Iterator[tuple[Words, Words]]:
    for extra in [*_subsets(extras), None]:
        ours = ("--all-extras",) if extra is None else _flags("--extra", extra)
        theirs = ("--all-extras",) if extra is None else _flags("--extras", extra)
        for wanted, without in itertools.product(_subsets(groups), repeat=2):
            yield (
                (*ours, *_flags("--group", wanted), *_flags("--no-group", without)),
                (*theirs, *_flags("--with", wanted), *_flags("--without", without)),
            )
        yield (*ours, "--all-groups"), (*theirs, "--all-groups")
        yield (*ours, "--no-default-groups"), (*theirs, "--only", "main")
    for only in _subsets(["main", *groups])[1:]:
        yield _flags("--only-group", only), _flags("--only", only)
    yield ("--no-group", "main"), ("--without", "main")


def _pdm_choices(extras: list[str], groups: list[str]) -> Iterator[tuple[Words, Words]]:
    yield (), ()
    yield ("--no-default-groups",), ("--prod",)
    for some in _subsets([*extras, *groups])[1:]:
        yield _flags("-G", some), _flags("-G", some)
    for some in _subsets(extras)[1:]:
        yield _flags("--extra", some), _flags("-G", some)
        yield (
            ("--no-default-groups", *_flags("--extra", some)),
            ("--prod", *_flags("-G", some)),
        )
    if extras:
        yield ("--all-extras",), ("-G", ":all")
        yield ("--no-default-groups", "--all-extras"), ("--prod", "-G", ":all")
    for some in _subsets(groups)[1:]:
        yield _flags("--no-group", some), _flags("--without", some)
        yield _flags("--only-group", some), ("--no-default", *_flags("-G", some))


def _pipenv_choices(_: list[str], groups: list[str]) -> Iterator[tuple[Words, Words]]:
    yield (), ()
    yield ("--no-default-groups",), ()
    for some in _subsets(groups)[1:]:
        names = ["dev-packages" if name == "develop" else name for name in some]
        both = " ".join(["packages", *names])
        yield _flags("--group", some), ("--categories", both)
        yield _flags("--only-group", some), ("--categories", " ".join(names))
        yield (
            ("--all-groups", *_flags("--no-group", some)),
            (
                "--categories",
                " ".join(
                    [
                        "packages",
                        *("dev-packages" if g == "develop" else g for g in groups if g not in some),
                    ]
                ),
            ),
        )


def ask_tool(
    tool: Tool, spec: Spec, words: Words, place: str, python: str
) -> dict[str, str] | None:
    """Return what a tool would install into an empty environment; None where it refuses."""
    environment = tool.directory.parent / f"python-{python}"
    tool.environ |= {
        "VIRTUAL_ENV": str(environment),
        "UV_PROJECT_ENVIRONMENT": str(environment),
        "UV_PYTHON": str(environment / "bin" / "python"),
    }
    if spec.tool == "pdm":
        # It goes by what it was told last, whatever is active.
        (tool.directory / ".pdm-python").write_text(str(environment / "bin" / "python"))
    if spec.tool == "uv":
        status, output = tool(("sync", "--frozen", "--dry-run", *words), place=place)
        found = re.findall(r"(?m)^ [+~] ([^\s=]+)(?:==(\S+)| @ \S+)?(?: \(from .*\))?$", output)
    elif spec.tool == "poetry":
        status, output = tool(("sync", "--dry-run", "--no-interaction", "--no-ansi", *words))
        found = re.findall(r"(?m)^  - Installing (\S+) \(([^\s()]+)(?: [^)]*)?\)$", output)
    elif spec.tool == "pdm":
        status, output = tool(("sync", "--dry-run", *words))
        found = re.findall(r"(?m)^  - (\S+) (\S+)$", output)
    else:
        status, output = tool(("requirements", "--exclude-index", *words))
        if status == 0:
            return _ask_pip(tool, environment, output)
        found = []
    if status != 0:
        return None
    return {canonicalize_name(name): version for name, version in found}


def _ask_pip(tool: Tool, environment: Path, lines: str) -> dict[str, str]:
    """Return what pip would install of the lines that Pipenv hands to it."""
    listed = tool.directory / "asked.txt"
    listed.write_text(lines)
    report = tool.directory / "report.json"
    pip = Path(str(tool.program)).parent / "pip"
    words = ("--quiet", "--dry-run", "--no-deps", "--ignore-installed", "--no-build-isolation")
    python = environment / "bin" / "python"
    done = subprocess.run(
        [pip, f"--python={python}", "install", *words, f"--report={report}", "-r", listed],
        cwd=tool.directory,
        env={
            **tool.environ,
            "PIP_INDEX_URL": tool.environ["CORPUS_INDEX"],
            "PIP_EXTRA_INDEX_URL": tool.environ["CORPUS_PRIVATE"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())["install"]
    return {
        canonicalize_name(each["metadata"]["name"]): each["metadata"]["version"] for each in found
    }


def ask_pyx(
    directory: Path, spec: Spec, words: Words, place: str, interpreter: Interpreter
) -> dict[str, str | None] | str:
    """Return what pyx selects with these options; the error where it refuses."""
    try:
        choice = parse_invocation([*words, "-c", "0"], {}).choice
        lock = read_lock(directory / spec.lock, (directory / place).resolve())
        selection = add_root(select(lock, interpreter, choice), lock)
    except PyxError as error:
        return error.message
    return {artifact.name: artifact.version for artifact in selection.artifacts}


def are_equal(theirs: dict[str, str] | None, ours: dict[str, str | None] | str) -> bool:
    """Are both the same? Of a source tree, either may leave the version out."""
    if theirs is None or isinstance(ours, str):
        return theirs is None and isinstance(ours, str)
    return theirs.keys() == ours.keys() and all(
        not version or ours[name] in (None, version) for name, version in theirs.items()
    )


def is_unlocked(lock: Path, refusal: str) -> bool:
    """Return whether pyx refuses an entry that its tool has left without a version and a hash.

    Pipenv does so where the marker of a requirement excludes the Python that it locks with, and
    installs on another one whatever the index has by then.
    """
    match = re.search(r": (\S+) is not pinned to one version$", refusal)
    if match is None or lock.name != "Pipfile.lock":
        return False
    categories = json.loads(lock.read_text()).values()
    entries = [c[match[1]] for c in categories if isinstance(c.get(match[1]), dict)]
    return any("hashes" not in entry and entry.get("version") == "*" for entry in entries)


def compare_choices(ground: Ground, tool: Tool, spec: Spec, most: int) -> None:
    """Compare the choices of one project, at most `most` for each place and Python."""
    for place in spec.places:
        choices = list(dict.fromkeys(combine(spec, place)))
        if len(choices) > most:
            seed = random.Random(f"{spec.name}{place}")  # noqa: S311 - the same ones each time
            chosen = seed.sample(choices[1:], most - 1)
            choices = [choices[0], *chosen]
        for python, interpreter in _interpreters(ground):
            for ours, theirs in choices:
                found = ask_pyx(tool.directory, spec, ours, place, interpreter)
                wanted = ask_tool(tool, spec, theirs, place, python)
                ground.counts[f"{spec.tool}: selections"] += 1
                if isinstance(found, str) and is_unlocked(tool.directory / spec.lock, found):
                    ground.counts[f"{spec.tool}: refused, as the tool has locked no file"] += 1
                elif not are_equal(wanted, found):
                    where = f"{spec.tool} {spec.name} ({place}, {python}) {' '.join(ours)}"
                    ground.differ(f"{spec.tool}: selections", f"{where}\n  {wanted}\n  {found}")


def _interpreters(ground: Ground) -> Iterator[tuple[str, Interpreter]]:
    for python, path in ground.pythons.items():
        environment = ground.directory / f"python-{python}"
        told = subprocess.run(
            [environment / "bin" / "python", "-I", "-c", MARKERS],
            capture_output=True,
            text=True,
            check=True,
        )
        facts = json.loads(told.stdout)
        made = make_interpreter("x86_64-manylinux_2_28", facts["python_full_version"])
        yield python, replace(made, path=path, markers={**made.markers, **facts})


MARKERS = """
import json, os, platform, sys
print(json.dumps({
    "python_full_version": platform.python_version(),
    "implementation_version": platform.python_version(),
    "platform_release": platform.release(),
    "platform_version": platform.version(),
    "platform_machine": platform.machine(),
}))
"""


def context_of(directory: Path) -> Context:
    """Return the context of a start in a directory."""
    return Context(
        start=directory,
        directory=directory,
        project=directory,
        home=directory,
        kind="directory",
        script=None,
        repeatable=True,
        lock=None,
        reason="",
        looked=(),
        since=0,
    )


def compare_edits(ground: Ground, tool: Tool, spec: Spec) -> None:
    """Compare the verdict on every edit of every file of one project."""
    lock = (tool.directory / spec.lock).read_bytes()
    for path, document in spec.files.items():
        file = tool.directory / path
        before = file.read_text()
        for edit, edited in generate_edits(document, spec.tool):
            text = f"{before}# More.\n" if edited is None else render(ground, edited)
            file.write_text(text)
            try:
                fresh: str | None = _judge(tool.directory, spec)
            except PyxError as error:
                fresh = f"refused: {error.message}"
            status, output = tool(CHECKS[spec.tool])
            if any(text in output for text in NO_VERDICT):
                ground.counts[f"{spec.tool}: edits that the tool refuses"] += 1
                (tool.directory / spec.lock).write_bytes(lock)
                continue
            ground.counts[f"{spec.tool}: verdicts"] += 1
            if (status == 0) != (fresh is None):
                where = f"{spec.tool} {spec.name}, {path}: {edit}"
                told = " ".join(output.split())[-300:]
                ground.differ(
                    f"{spec.tool}: verdicts",
                    f"{where}\n  {status} {told}\n  pyx: {fresh or 'fresh'}",
                )
            (tool.directory / spec.lock).write_bytes(lock)
        file.write_text(before)


def _judge(directory: Path, spec: Spec) -> str | None:
    """Return what pyx says is out of date, None for nothing."""
    lock = read_lock(directory / spec.lock, directory.resolve())
    found = find_freshness(lock, context_of(directory))
    return None if found.error is None else found.error.message


def run_corpus(
    ground: Ground, tools: Sequence[str], *, most: int, only: str = "", project: str = ""
) -> None:
    """Lock and compare every project of `tools`."""
    for name in tools:
        if find_program(name) is None:
            sys.stdout.write(f"{name}: not on the path, nor in PYX_ORACLE_{name.upper()}\n")
            continue
        for spec in make_specs(name, ground.urls):
            if project and project != spec.name:
                continue
            directory = write_project(ground, spec)
            environ = {
                **ground.environ,
                "CORPUS_INDEX": ground.urls["index"],
                "CORPUS_PRIVATE": ground.urls["private"],
            }
            first = next(iter(ground.pythons))
            environment = ground.directory / f"python-{first}"
            environ |= {
                "VIRTUAL_ENV": str(environment),
                "UV_PYTHON": str(environment / "bin" / "python"),
                "PIPENV_PYTHON": str(ground.pythons[first]),
            }
            if name == "pdm":
                (directory / ".pdm-python").write_text(str(environment / "bin" / "python"))
            with Tool(name, directory, environ) as tool:
                compare_project(ground, tool, spec, most=most, only=only)


def compare_project(ground: Ground, tool: Tool, spec: Spec, *, most: int, only: str) -> None:
    """Lock one project by its tool and compare it."""
    for words in spec.commands or (LOCKS[spec.tool],):
        status, output = tool(words)
        assert status == 0, f"{spec.tool} {spec.name}: {output}"
    ground.counts[f"{spec.tool}: projects"] += 1
    if only in ("", "selection"):
        compare_choices(ground, tool, spec, most)
    if only in ("", "freshness"):
        compare_edits(ground, tool, spec)


def find_pythons(wanted: Sequence[str]) -> dict[str, Path]:
    """Return the interpreters of these versions that are on the path or in pyenv."""
    found: dict[str, Path] = {}
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in wanted:
        places = [
            *sorted(pyenv.glob(f"versions/{version}.*/bin/python")),
            shutil.which(f"python{version}"),
        ]
        place = next((Path(p) for p in places if p), None)
        if place is not None:
            found[version] = place
    return found


def main() -> int:
    """Run the corpus and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", nargs="*", default=["uv", "poetry", "pdm", "pipenv"])
    parser.add_argument("--choices", type=int, default=40, help="the most for a place and a Python")
    parser.add_argument("--pythons", default="3.10,3.11,3.12,3.13,3.14")
    parser.add_argument("--only", choices=["selection", "freshness"], default="")
    parser.add_argument("--project", default="")
    options = parser.parse_args()
    pythons = find_pythons(options.pythons.split(","))
    with tempfile.TemporaryDirectory(prefix="pyx-corpus-") as name, ExitStack() as stack:
        ground = open_ground(stack, Path(name).resolve(), pythons)
        run_corpus(
            ground, options.tools, most=options.choices, only=options.only, project=options.project
        )
    for kind, count in sorted(ground.counts.items()):
        sys.stdout.write(f"{kind:28} {count:6}\n")
    sys.stdout.write(f"Python {', '.join(pythons)}; {len(ground.differences)} differences\n")
    return 1 if ground.differences else 0


if __name__ == "__main__":
    sys.exit(main())
