"""The slow path as a program: `pyx-launcher`, which the native `pyx` starts when in doubt."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

INTERRUPTED = 130
"""The status of a command that Ctrl-C ended, as shells give it."""

# Imports and the reading of a lock make many small things that live as long as this process, which
# is not long.
gc.set_threshold(100_000)

try:
    from pyx_launcher.cli.invocation import parse_invocation
    from pyx_launcher.console import print_error, tell
    from pyx_launcher.dirs import check_variables, doubt_variables, resolve_dirs
    from pyx_launcher.errors import PyxError, explain_fault, is_fault_of_machine
    from pyx_launcher.files.ownership import check_dirs, check_process
    from pyx_launcher.installation import is_standalone
    from pyx_launcher.start.execution import become_python
    from pyx_launcher.start.recall import recall_start
except ImportError as mismatch:
    from pyx_launcher.console import print_error
    from pyx_launcher.libraries import find_mismatch

    named = find_mismatch(mismatch)
    if named is None:
        raise
    print_error(named)
    sys.exit(named.exit_code)
except KeyboardInterrupt:
    # Importing all this takes longer than a finger does, and `main` is not there yet.
    if sys.stderr is not None:
        sys.stderr.write("pyx: interrupted\n")
    os._exit(INTERRUPTED)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def main() -> int:
    """Do what the command line of this process asks for; the entry point of `pyx-launcher`.

    Returns an exit status where it does not become another program.
    """
    give_back_variables()
    try:
        return run(sys.argv[1:], os.environ)
    except PyxError as error:
        print_error(error)
        return error.exit_code
    except OSError as error:
        if not is_fault_of_machine(error):
            raise
        told = explain_fault(error)
        print_error(told)
        return told.exit_code
    except (AttributeError, ImportError) as error:
        from pyx_launcher.libraries import find_mismatch

        named = find_mismatch(error)
        if named is None:
            raise
        print_error(named)
        return named.exit_code
    except KeyboardInterrupt:
        tell("interrupted")
        # Threads that wait for a server would be waited for at a regular end.
        os._exit(INTERRUPTED)


def give_back_variables() -> None:
    """Undo what `pyx.c` did so that the user's ``PYTHON…`` variables do not act on this process.

    In a standalone pyx, what its start-up has set for itself goes as well.
    """
    kept = b"PYX_KEPT_"
    own = [b"PYTHONCOERCECLOCALE", b"PYTHONUTF8"]
    if is_standalone():
        own += [name for name in os.environb if name.startswith((b"LD_LIBRARY_PATH", b"_PYI_"))]
    for name in own:
        os.environb.pop(name, None)
    for name in [name for name in os.environb if name.startswith(kept)]:
        os.environb[name.removeprefix(kept)] = os.environb.pop(name)


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one of pyx's own commands, or become the program that `arguments` name."""
    invocation = parse_invocation(arguments, environ)
    if invocation.verb not in ("--help", "--version", "-h"):
        check_process()
        dirs = resolve_dirs(environ)
        check_variables(dirs, environ)
        check_dirs(dirs, environ)
        for line in doubt_variables(dirs, environ):
            tell(f"warning: {line}")
    try:
        if invocation.verb is None:
            target = invocation.program.target or ""
            if target == "ipykernel" or target.endswith(".ipynb"):
                from pyx_launcher.commands._notebook import look_at_notebook

                look_at_notebook(invocation)
            known = recall_start(invocation, dirs)
            if known is not None:
                python = known.product.environment / "bin" / "python"
                return become_python(python, invocation.program.words, environ)
            from pyx_launcher.launch import run_program

            return run_program(invocation, environ)
        from pyx_launcher.commands._dispatch import run_verb

        return run_verb(invocation, environ)
    except PyxError as error:
        from pyx_launcher.start.context import NoSuchScriptError
        from pyx_launcher.start.pip import PipError

        if isinstance(error, NoSuchScriptError) and invocation.verb is None:
            from pyx_launcher.commands._suggest import answer_mistake

            return answer_mistake(invocation, environ, error)
        if isinstance(error, PipError):
            from pyx_launcher.commands._suggest import advise_pip

            error.hint = advise_pip(error.words, invocation, environ)
        from pyx_launcher.commands._target import aim_hint

        aim_hint(error, invocation)
        raise


if __name__ == "__main__":
    sys.exit(main())
