"""The tools of the lock oracle: how a project is written for each, locked by it and installed.

A `Format` is one kind of lock by one tool. `render` gives the files of a project, `make_lock`
runs the tool, and `install` lets it fill an environment, which is what pyx is compared with.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from oracle.universe import run_tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from oracle.projects import Project, Source

HEAD = '[project]\nname = "{name}"\nversion = "0.1.0"\nrequires-python = ">=3.10"\n'

BUILD = """\
[build-system]
requires = []
build-backend = "treebackend"
backend-path = ["."]
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One kind of lock, and the tool that writes it."""

    name: str
    tool: str
    lock: str

    @property
    def program(self) -> str | None:
        """Where the tool is."""
        return find_program(self.tool)

    @property
    def has_choices(self) -> bool:
        """Whether there are extras and groups in it, and not just what was chosen for it."""
        return self.lock.endswith(".lock") or self.tool == "pdm"

    def find_lack(self, project: Project) -> str | None:
        """Return what this format lacks to express a project, or None."""
        return project.lacking.get(self.name) or project.lacking.get(self.tool)


FORMATS = (
    Format(name="uv.lock", tool="uv", lock="uv.lock"),
    Format(name="poetry.lock", tool="poetry", lock="poetry.lock"),
    Format(name="pdm.lock", tool="pdm", lock="pdm.lock"),
    Format(name="Pipfile.lock", tool="pipenv", lock="Pipfile.lock"),
    Format(name="pylock.toml (uv)", tool="uv", lock="pylock.toml"),
    Format(name="pylock.toml (PDM)", tool="pdm", lock="pylock.toml"),
    Format(name="requirements.txt (uv)", tool="uv", lock="requirements.txt"),
    Format(name="requirements.txt (compiled)", tool="uv", lock="requirements.txt"),
)


def find_program(tool: str) -> str | None:
    """Return where a tool is: `PYX_ORACLE_TOOL`, or on the path."""
    return os.environ.get(f"PYX_ORACLE_{tool.upper()}") or shutil.which(tool)


def tool_variables(cache: Path) -> dict[str, str]:
    """Return the variables with which the tools keep to `cache` and to the environment named."""
    return {
        "PDM_CACHE_DIR": str(cache),
        "PDM_CHECK_UPDATE": "0",
        "PIPENV_CACHE_DIR": str(cache),
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "PIPENV_NOSPIN": "1",
        "PIPENV_VENV_IN_PROJECT": "1",
        "POETRY_CACHE_DIR": str(cache),
        # Its own git client knows nothing of the variables that say where a repository is.
        "POETRY_SYSTEM_GIT_CLIENT": "true",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "UV_CACHE_DIR": str(cache),
        "UV_NO_PROGRESS": "1",
    }


def render(form: Format, project: Project, urls: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a project for the tool of `form`: the name with the text.

    `urls` are those of the indexes ``index`` and ``private``, and of ``files``.
    """
    if form.tool == "pipenv":
        return {"Pipfile": _pipfile(project, urls)}
    settings = {"uv": _uv_tables, "poetry": _poetry_tables, "pdm": _pdm_tables}[form.tool]
    top = {**project.groups}
    lines = [*project.dependencies]
    if form.tool == "pdm":
        lines = [_direct(line, project, urls) for line in lines]
        top = {name: entries for name, entries in top.items() if not _editables(project, entries)}
    text = HEAD.format(name="sample") + f"dependencies = {json.dumps(lines)}\n"
    text += "[project.optional-dependencies]\n" + _arrays(project.extras)
    text += "[dependency-groups]\n" + _arrays(top) + "".join(settings(project, urls))
    files = {"pyproject.toml": text}
    for name, dependencies in project.members.items():
        sources = "".join(f"{n} = {{workspace = true}}\n" for n in project.members)
        files[f"packages/{name}/pyproject.toml"] = (
            HEAD.format(name=name)
            + f"dependencies = {json.dumps(dependencies)}\n{BUILD}[tool.uv.sources]\n{sources}"
        )
    return files


def _arrays(tables: Mapping[str, tuple[str, ...]]) -> str:
    return "".join(
        f"{key} = [{', '.join(map(_entry, entries))}]\n" for key, entries in tables.items()
    )


def _entry(line: str) -> str:
    group = line.removeprefix("include ")
    return json.dumps(line) if group == line else f'{{include-group = "{group}"}}'


def _source_of(line: str, project: Project) -> Source | None:
    return project.sources.get(canonicalize_name(Requirement(line).name))


def _table(source: Source, urls: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Return a source as an inline table, whose keys a tool may name otherwise."""
    values = {
        "path": source.path,
        "editable": source.editable,
        "url": source.url.replace("{files}", urls["files"]),
        "git": source.git,
        "tag": source.tag,
        "index": source.index,
    }
    given = (f"{names.get(k, k)} = {json.dumps(v)}" for k, v in values.items() if v)
    return f"{{{', '.join(given)}}}"


def _uv_tables(project: Project, urls: Mapping[str, str]) -> Iterator[str]:
    if project.members:
        yield '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    if project.conflicts:
        extras = ", ".join(f'{{extra = "{extra}"}}' for extra in project.conflicts)
        yield f"[tool.uv]\nconflicts = [[{extras}]]\n"
    yield "[tool.uv.sources]\n"
    yield from (f"{name} = {_table(s, urls, {})}\n" for name, s in project.sources.items())
    yield from (f"{name} = {{workspace = true}}\n" for name in project.members)
    yield f'[[tool.uv.index]]\nname = "private"\nurl = "{urls["private"]}"\nexplicit = true\n'
    yield f'[[tool.uv.index]]\nname = "loopback"\nurl = "{urls["index"]}"\ndefault = true\n'


def _poetry_tables(project: Project, urls: Mapping[str, str]) -> Iterator[str]:
    yield "[tool.poetry]\npackage-mode = false\n"
    grouped = {
        name: entries for name, entries in project.groups.items() if _editables(project, entries)
    }
    names = {"editable": "develop", "index": "source"}
    own = {
        name: _table(source, urls, names)
        for name, source in project.sources.items()
        if not any(name in entries for entries in grouped.values())
    }
    yield "[tool.poetry.dependencies]\n" + "".join(f"{n} = {t}\n" for n, t in own.items())
    for group, entries in grouped.items():
        yield f"[tool.poetry.group.{group}.dependencies]\n"
        for name in entries:
            if name in project.sources:
                yield f"{name} = {_table(project.sources[name], urls, names)}\n"
    yield f'[[tool.poetry.source]]\nname = "loopback"\nurl = "{urls["index"]}"\n'
    yield 'priority = "primary"\n'
    if "secret-sauce" in project.sources:
        yield f'[[tool.poetry.source]]\nname = "private"\nurl = "{urls["private"]}"\n'
        yield 'priority = "explicit"\n'


def _editables(project: Project, entries: tuple[str, ...]) -> bool:
    return any(name in entries for name, source in project.sources.items() if source.editable)


def _direct(line: str, project: Project, urls: Mapping[str, str]) -> str:
    """Return a requirement with its source as a URL, the only form that PDM has for it."""
    source = _source_of(line, project)
    if source is None or source.index:
        return line
    if source.git:
        return f"{line} @ git+{source.git}@{source.tag}"
    if source.url:
        return f"{line} @ {source.url.replace('{files}', urls['files'])}"
    return f"{line} @ file:///${{PROJECT_ROOT}}/{source.path}"


def _pdm_tables(project: Project, urls: Mapping[str, str]) -> Iterator[str]:
    yield "[tool.pdm]\ndistribution = false\n"
    for name, entries in project.groups.items():
        if _editables(project, entries):
            lines = [
                f"-e file:///${{PROJECT_ROOT}}/{project.sources[e].path}#egg={e}"
                if e in project.sources
                else e
                for e in entries
            ]
            yield f"[tool.pdm.dev-dependencies]\n{name} = {json.dumps(lines)}\n"
    yield f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{urls["index"]}"\n'
    if "secret-sauce" in project.sources:
        yield f'[[tool.pdm.source]]\nname = "private"\nurl = "{urls["private"]}"\n'
        yield 'include_packages = ["secret-*"]\n'


def _pipfile(project: Project, urls: Mapping[str, str]) -> str:
    text = "".join(
        f'[[source]]\nname = "{name}"\nurl = "{urls[name]}"\nverify_ssl = false\n'
        for name in ("index", "private")
        if name == "index" or "secret-sauce" in project.sources
    )
    tables = {"packages": project.dependencies}
    tables |= {"dev-packages" if n == "dev" else n: lines for n, lines in project.groups.items()}
    for table, lines in tables.items():
        text += f"[{table}]\n" + "".join(_pipfile_line(line, project, urls) for line in lines)
    return text


def _pipfile_line(line: str, project: Project, urls: Mapping[str, str]) -> str:
    requirement = Requirement(line)
    source = _source_of(line, project)
    table: dict[str, object] = {}
    if source is None or source.index:
        table["version"] = str(requirement.specifier) or "*"
    if source is not None:
        table |= {
            "path": f"./{source.path}" if source.path else "",
            "editable": source.editable,
            "file": source.url.replace("{files}", urls["files"]),
            "git": source.git,
            "ref": source.tag,
            "index": source.index,
        }
    table |= {"extras": sorted(requirement.extras), "markers": str(requirement.marker or "")}
    given = ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items() if value)
    return f"{json.dumps(requirement.name)} = {{{given}}}\n"


def make_lock(form: Format, directory: Path, environ: dict[str, str], project: Project) -> None:
    """Let the tool write its lock of the project in `directory`."""
    run = [form.program, directory, environ]
    if form.tool == "poetry":
        run_tool(*run, "lock", "--no-interaction")
    elif form.tool == "pdm":
        environ["PDM_LOCK_FORMAT"] = "pylock" if form.lock == "pylock.toml" else "pdm"
        for number, (python, platform) in enumerate(project.targets):
            options = [f"--python={python}", f"--platform={platform}"] if python else []
            run_tool(*run, "lock", "-G:all", *options, *(["--append"] if number else []))
    elif form.tool == "pipenv":
        run_tool(*run, "lock", "--categories", " ".join(_categories(project)))
    elif form.name == "requirements.txt (compiled)":
        words = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--all-extras"]
        words += ["--python-version", "3.10", "--emit-index-url", "-o", form.lock, "pyproject.toml"]
        run_tool(*run, *words, *(f"--group={name}" for name in project.groups))
    else:
        run_tool(*run, "lock")
        if form.lock != "uv.lock":
            words = ["export", "--quiet", "--frozen", "--all-extras", "--all-groups"]
            words += ["--format", form.lock, "--emit-index-url", "-o", form.lock]
            run_tool(*run, *words)
            # What lies beside it would be taken first, or last.
            (directory / "uv.lock").unlink()


def _categories(project: Project) -> list[str]:
    return ["packages", *("dev-packages" if name == "dev" else name for name in project.groups)]


def install(
    form: Format,
    directory: Path,
    environ: dict[str, str],
    choice: tuple[str, ...],
    project: Project,
) -> None:
    """Let the tool install its lock into the empty environment at ``.venv``."""
    run = [form.program, directory, environ]
    if form.lock == "uv.lock":
        run_tool(*run, "sync", "--frozen", *choice)
    elif form.tool == "uv":
        python = str(directory / ".venv" / "bin" / "python")
        run_tool(*run, "pip", "sync", "--quiet", "--python", python, form.lock)
    elif form.tool == "poetry":
        run_tool(*run, "sync", "--no-root", "--no-interaction", *choice)
    elif form.tool == "pdm":
        # By its own rule PDM takes every group; in a pylock.toml it names those of the default.
        default = ("--prod",) if form.lock == "pylock.toml" else ()
        run_tool(*run, "sync", "--no-self", *(("-G", ":all") if choice else default))
    else:
        words = ("--categories", " ".join(_categories(project))) if choice else ()
        run_tool(*run, "sync", *words)
