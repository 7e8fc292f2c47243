"""Tell that a library does not do what pyx takes it to do: which one, and in which version.

Looked at only once something has failed. A release may rename what is called here, or refuse what
it took; then neither the lock nor the index is at fault, and no message may say so.
"""

from __future__ import annotations

import sys
from types import ModuleType

from pyx_launcher.errors import LibraryError

HINT = (
    "install pyx again with the versions it was tested with: "
    "sh packaging/install.sh in a checkout, or the standalone archive"
)


def find_mismatch(error: BaseException) -> LibraryError | None:
    """Return what to tell where `error` shows that a library has another interface than is used.

    That is a module or a name that cannot be imported, and an attribute that a module or an object
    of a library does not have. None for everything else.
    """
    if isinstance(error, ImportError):
        module = error.name or ""
    elif isinstance(error, AttributeError):
        module = _find_owner(error)
    else:
        return None
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("", "__main__", "pyx_launcher", "pyx_runtime"):
        return None
    return refuse(top, str(error))


def refuse(top: str, problem: str) -> LibraryError:
    """Return what to tell of the library that is imported as `top`: its version, and `problem`."""
    return LibraryError(f"{name_library(top)} does not do what pyx expects: {problem}", hint=HINT)


def name_library(top: str) -> str:
    """Return name and version of the distribution that the import package `top` comes from."""
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    name = packages_distributions().get(top, [top])[0]
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        # As in a standalone pyx, where a distribution is nothing but its modules.
        return f"{name} {getattr(sys.modules.get(top), '__version__', '')}".rstrip()


def _find_owner(error: AttributeError) -> str:
    """Return the module that an attribute was looked for in, or that its object's class is of."""
    owner = error.obj
    if isinstance(owner, ModuleType):
        return owner.__name__
    if owner is not None:
        return str((owner if isinstance(owner, type) else type(owner)).__module__)
    # A module's own __getattr__ need not tell; then it is the module that raised this.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__", "")) if trace else ""
