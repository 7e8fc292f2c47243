"""Tell coverage which code is a library's, where the path of a file does not tell it.

Coverage leaves out what lies where `sysconfig` says that packages are installed, and compares paths
whose links are resolved. The store is no such place, and the links of a farm lead into it. Newer
versions leave out what `sys.path` names if there is a `pyvenv.cfg` above it, which helps no farm.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.store.entry import find_build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyx_launcher.store.entry import Entry

_SCHEME = "posix_pyx"
"""Older versions of coverage look only at schemes of this operating system."""


def tell_coverage(entries: Sequence[Entry]) -> str:
    """Return the line of a ``.pth`` file that adds the stores of `entries` to `sysconfig`.

    Its table of schemes is no public name: where there is none, the line does nothing.
    """
    stores = {os.path.realpath(find_build(entry.path).parents[2]): None for entry in entries}
    table = "getattr(sysconfig, '_INSTALL_SCHEMES', {})"
    lines = ["import sysconfig"]
    for number, store in enumerate(stores):
        suffix = f"_{number}" if number else ""
        # The values are templates for `str.format`.
        place = store.replace("{", "{{").replace("}", "}}")
        like = f"dict({table}.get('posix_prefix', {{}}), purelib={place!r}, platlib={place!r})"
        lines.append(f"{table}.update({_SCHEME}{suffix}={like})")
    return "; ".join(lines)
