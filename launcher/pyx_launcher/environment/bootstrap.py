"""The bootstrap of one environment: the template with its facts, and where python finds it."""

from __future__ import annotations

import marshal
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyx_launcher.interpreters.finder import Interpreter
    from pyx_launcher.store.entry import Entry

_PLACEHOLDER = b"the facts of one environment"

PUBLIC = "_pyx"
"""The module in site-packages by which python's own `site` starts an environment."""
# Up to 3.14 `site` of a virtual environment runs each line twice.
_LINE = f"import sys; 'pyx' in sys._xoptions and __import__('{PUBLIC}').run()\n"
_ENTRY_POINT = f"{PUBLIC}:run\n"
NO_IMPORT_LINES = (3, 18)
"""The first version whose `site` does not run lines of ``.pth`` files (PEP 829).

From 3.15 on ``.start`` files are there as well, but `site` imports `pkgutil`, `re` and `importlib`
to run one, which every start would pay for and every program could see.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packages:
    """What `site` would have found out. Paths of a bundle are relative to it."""

    sys_path: Sequence[str]
    pth_lines: Sequence[tuple[str, list[str]]]
    """Directories with the `import` lines of their ``.pth`` files."""
    customized: str
    """Whose `sitecustomize` is imported: ``own`` (the interpreter's), ``foreign``, or empty."""
    site_packages: str
    """Where a program may install something later; empty where that is not looked at."""


def write_bootstrap(
    directory: Path, interpreter: Interpreter, *, prefix: str, packages: Packages
) -> None:
    """Write into `directory` the code of both ways to start, and what lets python find it.

    `prefix` is the directory of the environment; empty for a bundle, which finds out where it lies.
    What `site` reads lists the places of `packages`, too. Raises OSError.
    """
    site_packages = directory / "lib" / interpreter.lib_name / "site-packages"
    content = _fill_bootstrap(interpreter, prefix, packages, interpreter.pycompile_public, b"")
    (site_packages / f"{PUBLIC}.pyc").write_bytes(content)
    text = "".join(f"{place}\n" for place in packages.sys_path if place.startswith("/"))
    if interpreter.tag_facts.python >= NO_IMPORT_LINES:
        (site_packages / "pyx.start").write_text(_ENTRY_POINT, encoding="ascii")
    else:
        text += _LINE
    (site_packages / "pyx.pth").write_bytes(os.fsencode(text))
    if interpreter.encodings_file:
        code, encodings = interpreter.pycompile, interpreter.encodings_codes
        content = _fill_bootstrap(interpreter, prefix, packages, code, encodings)
        (directory / "bootstrap.pyc").write_bytes(content)
        _link_bootstrap(directory, interpreter)


def _fill_bootstrap(
    interpreter: Interpreter, prefix: str, packages: Packages, code: bytes, encodings: bytes
) -> bytes:
    """Return the `.pyc` of the template's `code` with one environment's facts in its constant.

    The constant is one bytes object in the marshalled code (CPython's Python/marshal.c: type
    ``s``, length as 4 bytes little-endian, content), so that no interpreter needs to run.
    """
    facts = (
        prefix,
        str(interpreter.path.parent),
        str(interpreter.path),
        f"{prefix}/boot" if prefix else "",
        interpreter.build,
        encodings,
        (
            list(packages.sys_path),
            list(packages.pth_lines),
            packages.customized,
            packages.site_packages,
        ),
    )
    # Version 2 has no references, and every supported interpreter reads it.
    filled = marshal.dumps(facts, 2)
    size = len(_PLACEHOLDER).to_bytes(4, "little")
    before, after = code.split(size + _PLACEHOLDER)
    code = before + len(filled).to_bytes(4, "little") + filled + after
    # Checked by nobody (PEP 552): the launch record vouches for it, whatever the stdlib's times.
    unchecked = (1).to_bytes(4, "little")
    return interpreter.magic + unchecked + (interpreter.encodings_hash or bytes(8)) + code


def _link_bootstrap(directory: Path, interpreter: Interpreter) -> None:
    """Put ``bootstrap.pyc`` of `directory` where python will look for bytecode of `encodings`.

    That is below ``boot``, which ``-X pycache_prefix`` names. Raises OSError.
    """
    source = Path(interpreter.encodings_file)
    place = directory / "boot" / source.parent.relative_to("/")
    place.mkdir(parents=True)
    target = os.path.relpath(directory / "bootstrap.pyc", place)
    # Python has two levels, and takes a third as the second with a name of its own.
    for level in ("", ".opt-1", ".opt-2", ".opt-3"):
        name = f"{source.stem}.{interpreter.cache_tag}{level}.pyc"
        os.symlink(target, place / name)


def find_customization(
    interpreter: Interpreter, entries: Iterable[Entry], sys_path: Sequence[str]
) -> str:
    """Return whose `sitecustomize` a start imports, as `Packages` has it (never the user's own)."""

    def lies_in(places: Iterable[str]) -> bool:
        return any(os.path.isfile(os.path.join(place, "sitecustomize.py")) for place in places)

    if lies_in(interpreter.stdlib):
        return "own"
    # What the entries hold is known from their facts: the files may not be in their places yet.
    owned = {name.partition(".")[0] for entry in entries for name in entry.facts.tops}
    return "foreign" if "sitecustomize" in owned or lies_in(sys_path) else ""
