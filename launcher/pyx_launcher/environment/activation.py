"""The scripts that a shell reads to have an environment's programs first on PATH, and to undo it.

They are the same in every environment, which many projects may share: each finds out by which path
it was named and takes that for `VIRTUAL_ENV`, so that a link stands for whatever it leads to later.

What they put aside has the names that CPython's scripts of a venv give it, so that each undoes what
another has done. A directory may be called anything, and shells run or expand what stands in a
prompt: no character that means something there gets into it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyx_launcher.files.atomic import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

_POSIX = r"""# Puts the programs of this environment first on PATH: `source .venv/bin/activate`.
# `deactivate` undoes it. A shell that does not say which file it reads takes the .venv beside it.
deactivate () {
    if [ -n "${_OLD_VIRTUAL_PATH-}" ]; then
        PATH=$_OLD_VIRTUAL_PATH
        export PATH
        unset _OLD_VIRTUAL_PATH
    fi
    if [ -n "${_OLD_VIRTUAL_PYTHONHOME-}" ]; then
        PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME
        export PYTHONHOME
        unset _OLD_VIRTUAL_PYTHONHOME
    fi
    if [ -n "${_OLD_VIRTUAL_PS1-}" ]; then
        PS1=$_OLD_VIRTUAL_PS1
        unset _OLD_VIRTUAL_PS1
    fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    hash -r 2>/dev/null
    [ "${1-}" = nondestructive ] || unset -f deactivate
}
deactivate nondestructive

if [ -n "${BASH_VERSION-}" ]; then
    eval '_PYX_SCRIPT=${BASH_SOURCE[0]}'
elif [ -n "${ZSH_VERSION-}" ]; then
    eval '_PYX_SCRIPT=${(%):-%x}'
elif [ -f .venv/bin/activate ]; then
    _PYX_SCRIPT=.venv/bin/activate
else
    _PYX_SCRIPT=
fi
case $_PYX_SCRIPT in
    /* | '') ;;
    *) _PYX_SCRIPT=$PWD/$_PYX_SCRIPT ;;
esac
VIRTUAL_ENV=${_PYX_SCRIPT%/*}
VIRTUAL_ENV=${VIRTUAL_ENV%/.}
VIRTUAL_ENV=${VIRTUAL_ENV%/bin}
unset _PYX_SCRIPT
if [ -x "$VIRTUAL_ENV/bin/python" ]; then
    VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV%/.venv}
    VIRTUAL_ENV_PROMPT=${VIRTUAL_ENV_PROMPT%/.}
    VIRTUAL_ENV_PROMPT=$(printf %s "${VIRTUAL_ENV_PROMPT##*/}" | LC_ALL=C tr -d '!$%\\^`[:cntrl:]')
    _OLD_VIRTUAL_PATH=$PATH
    PATH=$VIRTUAL_ENV/bin:$PATH
    export PATH VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    if [ -n "${PYTHONHOME-}" ]; then
        _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME
        unset PYTHONHOME
    fi
    if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ] && [ -n "${PS1-}" ]; then
        _OLD_VIRTUAL_PS1=$PS1
        PS1="($VIRTUAL_ENV_PROMPT) $PS1"
    fi
    hash -r 2>/dev/null
    true
else
    deactivate
    echo 'pyx: this shell cannot tell where the environment is: go to the directory of .venv' >&2
    false
fi
"""

_FISH = r"""# Puts the programs of this environment first on PATH: `source .venv/bin/activate.fish`.
# `deactivate` undoes it.
function deactivate
    if test -n "$_OLD_VIRTUAL_PATH"
        set -gx PATH $_OLD_VIRTUAL_PATH
        set -e _OLD_VIRTUAL_PATH
    end
    if test -n "$_OLD_VIRTUAL_PYTHONHOME"
        set -gx PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME
        set -e _OLD_VIRTUAL_PYTHONHOME
    end
    if test -n "$_OLD_FISH_PROMPT_OVERRIDE"
        set -e _OLD_FISH_PROMPT_OVERRIDE
        # A shell that this one was started from may have set it.
        if functions -q _old_fish_prompt
            functions -e fish_prompt
            functions -c _old_fish_prompt fish_prompt
            functions -e _old_fish_prompt
        end
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    if test "$argv[1]" != nondestructive
        functions -e deactivate
    end
end
deactivate nondestructive

set -gx VIRTUAL_ENV (status filename)
if not string match -q '/*' -- $VIRTUAL_ENV
    set VIRTUAL_ENV $PWD/$VIRTUAL_ENV
end
set VIRTUAL_ENV (string replace -r '(/\.)?/[^/]*$' '' -- $VIRTUAL_ENV)
set VIRTUAL_ENV (string replace -r '/bin$' '' -- $VIRTUAL_ENV)
set -gx VIRTUAL_ENV_PROMPT (string replace -r '(/\.)?/\.venv$' '' -- $VIRTUAL_ENV)
set VIRTUAL_ENV_PROMPT (string replace -r '.*/' '' -- $VIRTUAL_ENV_PROMPT)
set VIRTUAL_ENV_PROMPT (string replace -ra '[!$%\\\\^`[:cntrl:]]' '' -- $VIRTUAL_ENV_PROMPT)
set -gx _OLD_VIRTUAL_PATH $PATH
set -gx PATH $VIRTUAL_ENV/bin $PATH
if set -q PYTHONHOME
    set -gx _OLD_VIRTUAL_PYTHONHOME $PYTHONHOME
    set -e PYTHONHOME
end
if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and functions -q fish_prompt
    functions -c fish_prompt _old_fish_prompt
    function fish_prompt
        # What the user's prompt tells of a status is that of the last command.
        set -l last $status
        printf '(%s) ' $VIRTUAL_ENV_PROMPT
        echo "exit $last" | source
        _old_fish_prompt
    end
    set -gx _OLD_FISH_PROMPT_OVERRIDE $VIRTUAL_ENV
end
"""

_CSH_UNDO = (
    (
        'test $?_OLD_VIRTUAL_PATH != 0 && setenv PATH "$_OLD_VIRTUAL_PATH:q"'
        " && unset _OLD_VIRTUAL_PATH"
    ),
    "rehash",
    (
        'test $?_OLD_VIRTUAL_PROMPT != 0 && set prompt="$_OLD_VIRTUAL_PROMPT:q"'
        " && unset _OLD_VIRTUAL_PROMPT"
    ),
    "unsetenv VIRTUAL_ENV",
    "unsetenv VIRTUAL_ENV_PROMPT",
    r'test "\!:*" != nondestructive && unalias deactivate',
)
"""Commands, for an alias is all that csh has for them."""

_CSH_SPECIAL = r"\041\044\045\134\136\140[:cntrl:]"
"""What the other scripts leave out of a name, in octal, for csh would expand some of it."""

_CSH = r"""# Puts the programs of this environment first on PATH: `source .venv/bin/activate.csh`,
# in the directory of .venv, for csh does not say which file it reads. `deactivate` undoes it.
alias deactivate 'UNDO'
deactivate nondestructive
if (-e .venv/bin/activate.csh) then
    setenv VIRTUAL_ENV "$cwd:q/.venv"
    setenv VIRTUAL_ENV_PROMPT "$cwd:t:q"
    setenv VIRTUAL_ENV_PROMPT "`printenv VIRTUAL_ENV_PROMPT | env LC_ALL=C tr -d 'SPECIAL'`"
    set _OLD_VIRTUAL_PATH = "$PATH:q"
    setenv PATH "$VIRTUAL_ENV/bin:$PATH:q"
    if (! $?VIRTUAL_ENV_DISABLE_PROMPT && $?prompt) then
        set _OLD_VIRTUAL_PROMPT = "$prompt:q"
        set prompt = "($VIRTUAL_ENV_PROMPT) $prompt:q"
    endif
    rehash
else
    unalias deactivate
    sh -c "echo 'pyx: csh cannot tell where the environment is: go to the directory of .venv' >&2"
endif
""".replace("UNDO", "; ".join(_CSH_UNDO)).replace("SPECIAL", _CSH_SPECIAL)

SCRIPTS = {"activate": _POSIX, "activate.fish": _FISH, "activate.csh": _CSH}
"""By name, in `bin`. None of them is a program."""


def write_activation(environment: Path) -> None:
    """Write those that are not there, or are not as they should be. Raises OSError."""
    for name, text in SCRIPTS.items():
        place = environment / "bin" / name
        try:
            is_there = place.read_text(encoding="utf-8") == text
        except (OSError, ValueError):
            is_there = False
        if not is_there:
            write_atomic(place, text.encode(), mode=0o644)


def list_programs(environment: Path) -> list[str]:
    """Return the names of what can be started of an environment's `bin`."""
    return sorted({*os.listdir(environment / "bin")} - {*SCRIPTS})
