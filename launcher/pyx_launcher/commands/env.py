"""``pyx env``: named environments, and what editors and Jupyter need of any environment."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from pyx_launcher.cli.conda import advise_rename, answer, write_clone, write_lock_out
from pyx_launcher.cli.invocation import repeat_start
from pyx_launcher.commands._arguments import check_words, take_action
from pyx_launcher.commands._format import format_facts, format_json, format_table
from pyx_launcher.commands._target import explain_no_lock
from pyx_launcher.console import tell, write_out
from pyx_launcher.dirs import find_working_directory, resolve_dirs
from pyx_launcher.environment.directory import find_environment
from pyx_launcher.environment.editors import (
    LINK,
    is_own_link,
    link_environment,
    remove_kernel,
    unlink_environment,
    write_kernel,
)
from pyx_launcher.errors import UsageError
from pyx_launcher.installation import find_native, find_template
from pyx_launcher.interpreters.finder import find_interpreter
from pyx_launcher.launch import decide, make_ready
from pyx_launcher.locks.reader import FILE_NAMES
from pyx_launcher.project.manifest import MANIFEST, MANIFESTS
from pyx_launcher.project.named import (
    check_free,
    clone_named,
    create_named,
    list_named,
    named_directory,
    remove_named,
    require_named,
)
from pyx_launcher.provision import find_entries
from pyx_launcher.start.lock_choice import find_workspace_lock
from pyx_launcher.start.plan import warn_if_stale
from pyx_launcher.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyx_launcher.cli.invocation import Invocation
    from pyx_launcher.dirs import Dirs
    from pyx_launcher.start.plan import Plan


def run_env(invocation: Invocation, environ: Mapping[str, str]) -> int:
    """Do one of the forms of ``pyx env``; the answer goes to stdout."""
    wishes = [name for name in invocation.settings if name not in ("--json", "--file", "--clone")]
    if wishes:
        _check_wishes(wishes, invocation, resolve_dirs(environ))
        return {"--link": _link, "--unlink": _unlink, "--kernel": _kernel}[wishes[0]](
            invocation, environ
        )
    if "--file" in invocation.settings:
        raise _explain_file(invocation)
    if invocation.words[:1] and invocation.words[0] in ("rename", "mv", "copy", "cp", "clone"):
        raise _explain_copy(invocation, resolve_dirs(environ))
    action, words = take_action(invocation)
    if action == "show":
        check_words(invocation, 1, at_most=2)
        return _show(_take_name(invocation, words), environ)
    if action == "list":
        check_words(invocation, 1)
        return _list(invocation, environ)
    name = _require_name(invocation, words)
    if action == "create" and invocation.projects:
        raise UsageError(
            "an environment is made empty, not of a project",
            hint=write_lock_out(invocation.projects[0], f"@{name}"),
        )
    if action == "create" and _LIST_OF_PACKAGES.search(name) and os.path.isfile(name):
        hint = answer(["env", "create", "--file", name])
        raise UsageError(f"{name} is a file, not the name of an environment", hint=hint)
    dirs = resolve_dirs(environ)
    if action == "create" and "--clone" in invocation.settings:
        write_out(f"@{name}: {_clone(name, invocation, dirs)}\n")
    elif action == "create":
        write_out(f"@{name}: {create_environment(name, invocation.python, dirs, environ)}\n")
    else:
        write_out(f"@{name} removed: {remove_named(dirs, name)}\n")
        kernel = remove_kernel(name, environ)
        write_out(f"its kernel removed: {kernel}\n" if kernel else "")
    return 0


_LIST_OF_PACKAGES = re.compile(r"\.(?:ya?ml|txt|in)$")
"""How the files end from which others make environments."""


def _clone(name: str, invocation: Invocation, dirs: Dirs) -> Path:
    """Make an environment that has what another one has. Raises UsageError, StoreError."""
    source = invocation.settings["--clone"][-1].removeprefix("@")
    if invocation.python is not None:
        raise UsageError(
            "--clone and --python cannot be used together: a copy has the Python of the other",
            hint=shlex.join(write_clone(source, name)),
        )
    require_named(dirs, source)
    return clone_named(dirs, source, name)


def _explain_copy(invocation: Invocation, dirs: Dirs) -> UsageError:
    """Tell how an environment gets another name, or is made of another.

    Raises UsageError where there is no such environment, or the other name is not free.
    """
    action, *names = invocation.words
    old, new = [*(name.removeprefix("@") for name in names), "OLD", "NEW"][:2]
    if len(names) == 1:
        new = "NEW"
    if names:
        require_named(dirs, old)
    if len(names) > 1:
        check_free(dirs, new)
    is_move = action in ("rename", "mv")
    hint = advise_rename(old, new) if is_move else shlex.join(write_clone(old, new))
    return UsageError(f"pyx env does not know {action}", hint=hint)


def _explain_file(invocation: Invocation) -> UsageError:
    """Tell what ``--file`` is for; conda makes an environment by it."""
    hint = "pyx env --link --file"
    if invocation.words[:1] in (("create",), ("update",)):
        words = invocation.words
        file = next((word for word in words[1:] if os.path.splitext(word)[1]), words[-1])
        hint = answer(["env", *(word for word in words if word != file), "--file", file])
    return UsageError("--file goes with --link", hint=hint)


def _check_wishes(wishes: list[str], invocation: Invocation, dirs: Dirs) -> None:
    called = f"pyx env {wishes[0]}"
    if len(wishes) > 1:
        raise UsageError(f"{wishes[0]} and {wishes[1]} cannot be used together", hint=called)
    if "--file" in invocation.settings and wishes != ["--link"]:
        raise UsageError(f"{called} does not take --file", hint="pyx env --link --file")
    if invocation.words or "--json" in invocation.settings:
        other = next(iter(invocation.words), "--json")
        name = other.removeprefix("@")
        is_named = any(one.name == name for one in list_named(dirs))
        hint = f"pyx @{name} env {wishes[0]}" if is_named else called
        raise UsageError(f"{called} does not take {other}", hint=hint)


def _take_name(invocation: Invocation, words: tuple[str, ...]) -> Invocation:
    """Return the invocation with the name among its words, typed with or without ``@``."""
    if not words:
        return invocation
    return replace(invocation, named=words[0].removeprefix("@"), projects=())


def _require_name(invocation: Invocation, words: tuple[str, ...]) -> str:
    named = _take_name(invocation, words).named
    if named is None or len(words) > 1:
        called = f"pyx env {invocation.words[0]}"
        clone = "".join(invocation.settings.get("--clone", ())[-1:])
        hint = f"{called} {words[0] if words else 'NAME'}{clone and f' --clone {clone}'}"
        if len(words) > 1 and invocation.words[0] == "create":
            # As conda is told what the new environment is to have.
            python = ["--python", invocation.python] if invocation.python else []
            hint = answer(["env", *invocation.words, *python])
        raise UsageError(f"{called} takes one NAME", hint=hint)
    return named


def create_environment(
    name: str, python: str | None, dirs: Dirs, environ: Mapping[str, str]
) -> Path:
    """Make an environment, to be locked for the interpreter that its starts will take.

    A lock for older versions than that one would hold back what it can have. Returns the directory.
    """
    found = find_interpreter(
        request=python,
        requires_python=SpecifierSet(),
        start=dirs.named,
        environ=environ,
        cache=dirs.interpreters,
        template=find_template(),
        required_by="",
    )
    bound = f">={found.interpreter.short.rstrip('t')}"
    return create_named(dirs, name, python, requires_python=bound)


def _list(invocation: Invocation, environ: Mapping[str, str]) -> int:
    found = list_named(resolve_dirs(environ))
    if "--json" in invocation.settings:
        write_out(
            format_json(
                [
                    {
                        "name": e.name,
                        "directory": str(e.directory),
                        "lock": str(e.lock) if e.lock else None,
                    }
                    for e in found
                ]
            )
        )
        return 0
    rows = [(f"@{e.name}", e.lock.name if e.lock else "no lock", str(e.directory)) for e in found]
    write_out(format_table(("name", "lock", "directory"), rows))
    return 0


def _show(invocation: Invocation, environ: Mapping[str, str]) -> int:
    plan = decide(invocation, environ)
    if plan.context.is_fallback:
        warn_if_stale(plan)
    facts = _describe(plan)
    as_json = "--json" in invocation.settings
    write_out(format_json(facts) if as_json else format_facts(_readable(facts, invocation)))
    return 0


def _describe(plan: Plan) -> dict[str, object]:
    interpreter = plan.found.interpreter
    entries, missing = find_entries(plan.selection, interpreter, plan.dirs)
    made = None if missing else find_environment(plan.dirs, interpreter, entries)
    return {
        "lock": str(plan.lock.path) if plan.lock else None,
        "interpreter": str(interpreter.path),
        "version": interpreter.version,
        "distributions": len(plan.selection.artifacts),
        "missing": [artifact.label for artifact in missing],
        "environment": str(made.path) if made else None,
        "python": str(made.python) if made else None,
        "programs": sorted({name for entry in entries for name in entry.facts.scripts}),
    }


def _readable(facts: Mapping[str, object], invocation: Invocation) -> dict[str, str | list[str]]:
    sync = shlex.join([*repeat_start(invocation), "sync"])
    missing = {"lock": "none", "environment": f"not made yet; `{sync}` makes it"}
    told: dict[str, str | list[str]] = {}
    for key, value in facts.items():
        name = "packages" if key == "distributions" else key
        if isinstance(value, list):
            if value:
                told[name] = [str(item) for item in value]
        elif value is not None:
            told[name] = str(value)
        elif name in missing:
            told[name] = missing[name]
    return told


def _link(invocation: Invocation, environ: Mapping[str, str]) -> int:
    plan = decide(invocation, environ)
    project = _project_of(plan)
    environment = make_ready(plan, environ).environment.path
    as_file = "--file" in invocation.settings
    again = [*repeat_start(invocation), "env", "--link", *(["--file"] if as_file else [])]
    link = link_environment(
        project, plan.dirs, environment, as_file=as_file, again=shlex.join(again)
    )
    write_out(f"{link} -> {environment}\n")
    if plan.lock is not None and plan.lock.kind == "uv":
        tell("what uv installs there, all projects with this lock see; `pyx add NAME` is for one")
    return 0


def _unlink(invocation: Invocation, environ: Mapping[str, str]) -> int:
    dirs = resolve_dirs(environ)
    link = unlink_environment(_find_linked_project(invocation, dirs), dirs)
    write_out(f"{link} removed\n" if link else "there was no link\n")
    return 0


def _find_linked_project(invocation: Invocation, dirs: Dirs) -> Path:
    """Return the directory whose link is meant; a lock need not be there, nor be readable."""
    if invocation.named is not None:
        return named_directory(dirs, invocation.named)
    if invocation.project is not None:
        path = Path(invocation.project).absolute()
        return path if path.is_dir() else path.parent
    working = find_working_directory()
    for directory in (working, *working.parents):
        names = (directory / name for name in (*MANIFESTS, *FILE_NAMES))
        if is_own_link(directory / LINK, dirs) or any(path.is_file() for path in names):
            return directory
    return working


def _kernel(invocation: Invocation, environ: Mapping[str, str]) -> int:
    plan = decide(invocation, environ)
    project = _find_member(plan, _project_of(plan))
    environment = make_ready(plan, environ).environment
    # By name or place, so that the kernel obeys whatever the lock says when it starts.
    places = [str(Path(place).absolute()) for place in invocation.projects] or [str(project)]
    chosen = [word for place in places for word in ("--project", place)]
    if invocation.named:
        chosen = [f"@{invocation.named}"]
    for option, value in invocation.options:
        if option == "--env-file" or (option == "--python" and "/" in (value or "")):
            # Nobody knows in which directory Jupyter will start it.
            chosen += [option, str(Path(os.path.expanduser(value or "")).absolute())]
        elif option != "--project":
            chosen += [option] if value is None else [option, value]
    # By `run`, so that `!black` in a notebook is the program of the environment.
    command = [_find_command(environ), *chosen, "run", "python"]
    name = invocation.named or project.name
    hint = shlex.join([*repeat_start(invocation), "add", "ipykernel"])
    write_out(f"{write_kernel(environment, name, command, environ, hint=hint)}\n")
    return 0


def _find_member(plan: Plan, project: Path) -> Path:
    """Return the directory of the member of a workspace that the start is for, else `project`."""
    place = plan.context.project
    for directory in (place, *place.parents):
        if directory == project:
            break
        if (directory / MANIFEST).is_file():
            return directory if find_workspace_lock(directory) is not None else project
    return project


def _find_command(environ: Mapping[str, str]) -> str:
    """Return how this pyx is started: by its name on PATH, which outlives an upgrade, if it is."""
    native = find_native()
    found = shutil.which("pyx", path=environ.get("PATH"))
    return found if found and os.path.realpath(found) == str(native.resolve()) else str(native)


def _project_of(plan: Plan) -> Path:
    # What stands in where there is no project is linked where it is asked for by its name.
    if plan.lock is None or plan.context.is_fallback:
        option = next(iter(plan.invocation.settings))
        raise explain_no_lock(plan, f"pyx @NAME env {option}")
    return Path(plan.lock.path).parent
