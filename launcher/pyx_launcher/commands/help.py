"""``pyx --help`` and ``pyx --version``."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pyx_launcher
from pyx_launcher.cli.commands import VERBS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyx_launcher.cli.commands import Verb

USAGE = """\
usage: pyx [@NAME] [options] [python options] SCRIPT | -m MODULE | -c CODE | - [arguments]
       pyx [@NAME] [options] COMMAND …

Runs Python programs with exactly the packages that the nearest lock names.
The lock is searched from the script's directory upwards, for -m, -c, - and the
prompt from the working directory: pylock.toml, uv.lock, poetry.lock, pdm.lock,
Pipfile.lock, requirements.txt with hashes. @NAME takes the lock in the directory
$PYX_HOME/named/NAME.

options, before python's own:
  --project DIR|LOCK    take this project's lock (also PYX_PROJECT);
                        once for each of several requirements files
  --python VERSION|PATH take this interpreter (also PYX_PYTHON, .python-version)
  --group NAME, -G NAME add a dependency group          --all-groups
  --extra NAME          add an extra of the project     --all-extras
  --no-default-groups   leave out the groups that are there by default
  --no-group NAME       leave this group out            --no-dev
  --only-group NAME     take nothing but this group
  --with @NAME          add the packages of a named environment
  --offline             fetch nothing (also PYX_OFFLINE)
  --locked              a lock that no longer fits its project is an error
  --allow-unhashed NAME take this package's file although the lock has no strong hash
  --env-file FILE       set the variables in FILE that are not set already

commands (pyx COMMAND --help says more; ./sync runs a file of that name):
{commands}
variables: PYX_HOME the store and environments, PYX_CACHE_DIR launch records and
bytecode, PYX_STORES read-only stores behind your own, PYX_DEBUG=1 says on stderr
what is decided. pyx -V tells the version of python, pyx --version that of pyx.
"""


def format_usage(words: Sequence[str] = ()) -> str:
    """Return what ``pyx --help`` prints, or with a verb as the first of `words`, on that verb."""
    verb = VERBS.get(words[0]) if words else None
    if verb is None:
        commands = "".join(f"  {name:<22}{known.summary}\n" for name, known in VERBS.items())
        return USAGE.format(commands=commands)
    forms = "\n       ".join(format_form(verb, form) for form in verb.forms)
    lines = [f"usage: {forms}", "", f"{verb.summary[0].upper()}{verb.summary[1:]}."]
    if verb.options:
        lines += ["", "options (and those of pyx --help):"]
        lines += [f"  {option:<22}{text}" for option, text in verb.options.items()]
    if verb.notes:
        lines += ["", *textwrap.wrap(verb.notes, 78)]
    return "\n".join(lines) + "\n"


def format_form(verb: Verb, form: str) -> str:
    """Return the command line of one of the forms of `verb`."""
    action = next((word for word in form.split()[1:2] if word in verb.actions), "")
    named = "[@NAME] " if verb.takes_name(action) else ""
    return f"pyx {named}[options] {form}"


def version_line() -> str:
    """Return the line that ``pyx --version`` prints."""
    return f"pyx {pyx_launcher.__version__}\n"
