"""Choose how the entries of an environment come onto `sys.path`: each by itself, or as one farm."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pyx_launcher.environment.directory import DIRECT_LIMIT, FARM, LONG_MODULE
from pyx_launcher.environment.link_tree import LinkPlan, Root, plan_farm
from pyx_launcher.store.entry import DATA
from pyx_launcher.store.rpath import is_library
from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.store.entry import Entry

_BYTECODE = "__pycache__"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """What an environment's farm holds, and what `sys.path` names."""

    name: str
    """`direct` or `farm`."""
    site_plan: LinkPlan
    site_directories: tuple[Path, ...]
    """What `sys.path` gets first; `.pth` files in them are obeyed."""
    alone: tuple[Entry, ...] = ()
    """The entries that stand among these by themselves."""


def choose_layout(farm: Path, entries: Sequence[Entry]) -> Layout:
    """Take the direct layout where it means what one site-packages would, and costs as little.

    `farm` is where links would come to lie.
    In a farm, too, the entries that have a long module at their top stand by themselves, behind it:
    an import through a link puts the bytecode beside the link, so that each environment had its
    own.
    """
    outward = any(_list_outward(entry) for entry in entries)
    if not outward and len(entries) <= DIRECT_LIMIT and not _would_hide(entries):
        places = tuple(entry.path for entry in entries)
        return Layout(
            name="direct", site_plan=LinkPlan(), site_directories=places, alone=tuple(entries)
        )
    sharing = _list_sharing(entries)
    alone = [entry for entry in entries if _has_long_module(entry) and entry.path not in sharing]
    if outward:
        # Libraries look for others in the farm, wherever those come from.
        alone = [entry for entry in alone if _has_no_library(entry)]
    return choose_farm(farm, entries, alone[:DIRECT_LIMIT])


def choose_farm(farm: Path, entries: Sequence[Entry], alone: Sequence[Entry] = ()) -> Layout:
    """Return the layout in which everything but the entries `alone` lies in one directory."""
    apart = {entry.path for entry in alone}
    roots = [
        Root(
            path=entry.path,
            label=entry.label,
            names=[name for name in entry.facts.tops if name != _BYTECODE],
            by_file=_list_outward(entry),
            reach=entry.facts.inward,
            programs=entry.facts.programs,
        )
        for entry in entries
        if entry.path not in apart
    ]
    return Layout(
        name="farm",
        site_plan=plan_farm(roots),
        site_directories=(farm, *(entry.path for entry in alone)),
        alone=tuple(alone),
    )


def plan_data(interpreter: Interpreter, entries: Sequence[Entry], skip: frozenset[str]) -> LinkPlan:
    """Return where the data files go, but for the names in `skip`.

    Each file is a link by itself, for programs write into these directories (as `ipykernel install
    --sys-prefix` does), and what they write is the environment's. `bin` and `lib` are there
    already and get them added.
    """
    roots = [
        _make_file_root(entry, "data", entry.facts.data["data"])
        for entry in entries
        if "data" in entry.facts.data
    ]
    library = f"lib/{interpreter.lib_name}"
    real = frozenset({"bin", "lib", library, f"{library}/site-packages", "lib/pyx", FARM})
    return plan_farm(roots, skip=skip, real=real)


def place_headers(tree: Path, interpreter: Interpreter, entry: Entry) -> Path:
    """Return the directory for the headers of `entry`, where pip puts those of an environment."""
    return tree / "include" / "site" / interpreter.lib_name / entry.facts.name


def plan_headers(entry: Entry) -> LinkPlan:
    """Return the links to the header files of `entry`, relative to `place_headers`."""
    return plan_farm([_make_file_root(entry, "headers", entry.facts.data["headers"])])


def _make_file_root(entry: Entry, scheme: str, names: Sequence[str]) -> Root:
    """Return what `entry` has below `.data/SCHEME`, each file to be a link by itself."""
    path = entry.path / DATA / scheme
    directories = [os.path.relpath(directory, path) for directory, _, _ in os.walk(path)]
    programs = [place.removeprefix(f"{DATA}/{scheme}/") for place in entry.facts.programs]
    return Root(
        path=path, label=entry.label, names=names, by_file=directories[1:], programs=programs
    )


def _list_outward(entry: Entry) -> list[str]:
    return [place for place in entry.facts.outward if not place.startswith(f"{DATA}/")]


def _list_owners(entries: Iterable[Entry]) -> dict[str, list[tuple[Entry, str]]]:
    """Return which entries have something at their top that an import of a name could find."""
    owners: dict[str, list[tuple[Entry, str]]] = {}
    for entry in entries:
        for name, kind in entry.facts.tops.items():
            if name != _BYTECODE:
                # x.py, x.abi3.so and the package x are one name for `import`.
                imported = name.partition(".")[0] if kind == "file" else name
                owners.setdefault(imported, []).append((entry, name))
    return owners


def _list_sharing(entries: Iterable[Entry]) -> set[Path]:
    """Return the places of the entries that have a name at their top in common with another."""
    owning = ({entry.path for entry, _ in claims} for claims in _list_owners(entries).values())
    return {place for places in owning if len(places) > 1 for place in places}


def _has_long_module(entry: Entry) -> bool:
    tops = entry.facts.tops.items()
    modules = [name for name, kind in tops if kind == "file" and name.endswith(".py")]
    # One that is not there any more is a matter for `pyx store verify`.
    with contextlib.suppress(OSError):
        return any((entry.path / name).stat().st_size > LONG_MODULE for name in modules)
    return False


def _has_no_library(entry: Entry) -> bool:
    return all(
        name.endswith((".py", ".pth", ".dist-info")) or name == _BYTECODE
        for name in entry.facts.tops
    )


def _would_hide(entries: Sequence[Entry]) -> bool:
    """Would several `sys.path` entries hide a part of what one directory would show?"""
    owners = _list_owners(entries).values()
    shared = [claims for claims in owners if len({entry.path for entry, _ in claims}) > 1]
    if any(entry.facts.tops[name] != "namespace" for claims in shared for entry, name in claims):
        return True
    return any(_merge_hides([entry.path / name for entry, name in claims]) for claims in shared)


def _merge_hides(directories: Sequence[Path]) -> bool:
    """Do namespace directories that several entries have share anything but namespaces below?"""
    below: dict[str, list[Path]] = {}
    for directory in directories:
        for child in directory.iterdir():
            if is_library(child.name):
                # Libraries of one directory find each other there.
                return True
            below.setdefault(child.name.partition(".")[0], []).append(child)
    for name, places in below.items():
        if len(places) == 1 or name == _BYTECODE:
            continue
        if not all(place.is_dir() for place in places):
            return True
        if any(list(place.glob("__init__.*")) for place in places) or _merge_hides(places):
            return True
    return False


def read_pth(
    layout: Layout, entries: Sequence[Entry], unfinished: Path, python: tuple[int, int]
) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return the whole addition to `sys.path`, and the `import` lines with their directories.

    This is what `site` of that version of Python does with the `.pth` files of a directory, in the
    order of their names, and from 3.15 on with the `.start` files (PEP 829). `unfinished` is where
    the farm lies now; its own place does not exist yet.
    """
    sys_path = [str(directory) for directory in layout.site_directories]
    import_lines: list[tuple[str, list[str]]] = []
    alone = {entry.path for entry in layout.alone}
    found = [(name, entry) for entry in entries for name in entry.facts.pth]
    starts = _find_starts(entries) if python >= (3, 15) else []
    replaced = {name.removesuffix(".start") for name, _, _ in starts}
    for name, entry in sorted(found, key=lambda pair: pair[0]):
        if name.startswith("."):
            # Since 3.13 `site` ignores hidden ones, for nobody would see what they do.
            continue
        directory = str(entry.path if entry.path in alone else layout.site_directories[0])
        imports: list[str] = []
        for line in entry.facts.pth[name]:
            if line.startswith(("import ", "import\t")):
                imports.append(line)
            elif line.strip() and not line.startswith("#"):
                target = os.path.abspath(os.path.join(directory, line.rstrip()))
                if target not in sys_path and _is_there(target, line, directory, unfinished):
                    sys_path.append(target)
        if imports and name.removesuffix(".pth") not in replaced:
            import_lines.append((directory, imports))
    for name, entry, text in starts:
        directory = str(entry.path if entry.path in alone else layout.site_directories[0])
        import_lines.append((directory, _call_entry_points(text, f"{directory}/{name}")))
    return sys_path, import_lines


def _find_starts(entries: Sequence[Entry]) -> list[tuple[str, Entry, str]]:
    """Return the `.start` files of `entries` with their text, in the order of their names.

    One that cannot be read, or is not in UTF-8, is to `site` as if it were not there.
    """
    found = []
    for entry in entries:
        for name in entry.facts.tops:
            if name.endswith(".start") and not name.startswith("."):
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    text = (entry.path / name).read_text(encoding="utf-8-sig")
                    found.append((name, entry, text))
    return sorted(found, key=lambda start: start[0])


def _call_entry_points(text: str, file: str) -> list[str]:
    """Return lines that call the entry points of a `.start` file, as `site` would.

    What stands behind the `#` tells of a line that fails.
    """
    lines = (line.strip() for line in text.splitlines())
    call = "import pkgutil; pkgutil.resolve_name({0!a}, strict=True)()  # {0!a} from {1}".format
    return [call(line, file) for line in lines if line and not line.startswith("#")]


def _is_there(target: str, line: str, directory: str, unfinished: Path) -> bool:
    if os.path.isabs(line):
        # What an editable names may come later, and python passes over what is not there.
        return True
    below = target.startswith(directory + "/")
    return os.path.exists(target) or (below and os.path.exists(unfinished / line.rstrip()))
