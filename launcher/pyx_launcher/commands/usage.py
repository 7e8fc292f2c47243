"""``pyx --help`` and ``pyx --version``."""

from __future__ import annotations

import pyx_launcher

USAGE = """\
usage: pyx [@NAME] [options] [python options] SCRIPT | -m MODULE | -c CODE | - [arguments]
       pyx [@NAME] [options] sync | info [SCRIPT]

Runs Python programs with exactly the distributions that the nearest lock names.
The lock is searched from the script's directory upwards, for -m, -c, - and the
prompt from the working directory: pylock.toml, uv.lock, poetry.lock, pdm.lock,
Pipfile.lock, requirements.txt with hashes. @NAME takes the lock in the directory
$PYX_HOME/named/NAME.

options, before python's own:
  --project DIR|LOCK    take this project's lock (also PYX_PROJECT)
  --python VERSION|PATH take this interpreter (also PYX_PYTHON, .python-version)
  --group NAME          add a dependency group          --all-groups
  --extra NAME          add an extra of the project     --all-extras
  --no-default-groups   leave out the groups that are there by default
  --offline             fetch nothing (also PYX_OFFLINE)
  --locked              a lock that no longer fits its project is an error

commands (./sync runs a file of that name):
  sync                  make everything ready, and say what was done; with --compile
                        also the bytecode that first imports would write
  info                  say which lock, interpreter and sys.path a start gets, and why

variables: PYX_HOME the store and environments, PYX_CACHE_DIR launch records and
bytecode, PYX_STORES read-only stores behind one's own, PYX_DEBUG=1 says on stderr
what is decided. pyx -V tells the version of python, pyx --version that of pyx.
"""


def version_line() -> str:
    """Return the line that ``pyx --version`` prints."""
    return f"pyx {pyx_launcher.__version__}\n"
