"""Tools tell library code from the user's own, whichever way they go about it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.environment.library_code import tell_coverage

if TYPE_CHECKING:
    from pathlib import Path

    from workshop import Workshop

ASK_SYSCONFIG = """\
import json, sysconfig
import lib
print(json.dumps([lib.__file__, sorted(
    sysconfig.get_paths(scheme)[name]
    for scheme in sysconfig.get_scheme_names() if "posix" in scheme.split("_")
    for name in ("purelib", "platlib")
)]))
"""


def ask(workshop: Workshop, *, farm: bool, name: str) -> tuple[str, list[str]]:
    """Return the place of a library, and where `sysconfig` says that libraries are."""
    entries = [workshop.entry("lib", {"lib/__init__.py": ""}), workshop.entry(name)]
    environment = workshop.build_farm(*entries) if farm else workshop.build(*entries)
    place, known = json.loads(workshop.run(environment, "-c", ASK_SYSCONFIG))
    return place, known


@pytest.mark.parametrize("farm", [False, True], ids=["direct", "farm"])
def test_sysconfig_knows_the_store_where_coverage_is_locked(
    workshop: Workshop, tmp_path: Path, *, farm: bool
) -> None:
    """By the path that a file has once its links are resolved, which is what coverage compares."""
    place, known = ask(workshop, farm=farm, name="coverage")
    resolved = subprocess.run(
        ["readlink", "-f", place], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert any(resolved.startswith(f"{path}/") for path in known)
    assert "/site-packages/" in place
    assert "/lib/1.0/" in resolved
    assert resolved.endswith("/site-packages/lib/__init__.py")
    # The user's own code is not among it.
    assert not any(str(tmp_path / "project").startswith(f"{path}/") for path in known)


def test_sysconfig_is_as_it_was_elsewhere(workshop: Workshop) -> None:
    """No environment without coverage pays for the import of `sysconfig`."""
    place, known = ask(workshop, farm=False, name="other")
    assert not any(place.startswith(f"{path}/") for path in known)


def test_a_store_whose_path_looks_like_a_template(workshop: Workshop, tmp_path: Path) -> None:
    """The schemes of `sysconfig` are templates, and each store has one."""
    one, two = workshop.entry("one"), workshop.entry("two")
    odd = tmp_path / "a {base} 'b'" / "one" / "1.0" / "build" / "site-packages"
    line = tell_coverage([replace(one, path=odd), two])
    ask = "[sysconfig.get_path('purelib', s) for s in ('posix_pyx', 'posix_pyx_1')]"
    program = f"{line}\nprint(*{ask}, sep='\\n')"
    told = subprocess.run(
        [workshop.interpreter.path, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines() == [
        str(tmp_path / "a {base} 'b'"),
        str(workshop.dirs.store.resolve()),
    ]


def test_the_line_does_nothing_where_sysconfig_has_no_such_table(workshop: Workshop) -> None:
    """It is no public name of CPython's."""
    line = tell_coverage([workshop.entry("coverage")])
    program = f"import sysconfig; del sysconfig._INSTALL_SCHEMES\n{line}"
    told = subprocess.run(
        [workshop.interpreter.path, "-c", program], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (0, "")
