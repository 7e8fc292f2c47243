#!/bin/sh
# Install this checkout of pyx for one user, or remove it again.
#
#   sh packaging/install.sh [--uninstall] [PYTHON]
#
# The launcher gets a private environment under ${XDG_DATA_HOME:-~/.local/share}/pyx/launcher, and
# ~/.local/bin/pyx becomes a link to it. An environment cannot be moved once it is made, so each
# installation is a new one beside the old, and renaming the link `current` is what puts it to use:
# an installation that is interrupted leaves the previous one as it was.
# Exit status: 0, 64 usage, 69 something is missing, 74 it could not be written, 77 refused.

set -eu

say() { printf 'pyx: %s\n' "$1" >&2; }

fail() {
    say "$2"
    exit "$1"
}

# What the caller has set up for other Python programs must not leak into this environment. The
# settings that say where distributions come from (index, proxy, certificates) stay.
ignore_foreign_settings() {
    unset PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE PYTHONPLATLIBDIR PYTHONSAFEPATH
    unset PYTHONINSPECT PYTHONWARNINGS
    unset VIRTUAL_ENV CONDA_PREFIX __PYVENV_LAUNCHER__
    unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_DRY_RUN PIP_NO_DEPS PIP_CONSTRAINT
    unset PIP_REQUIREMENT PIP_NO_BINARY PIP_PLATFORM PIP_PYTHON_VERSION PIP_IMPLEMENTATION PIP_ABI
    unset PIP_UPGRADE PIP_QUIET PIP_VERBOSE PIP_REPORT PIP_ISOLATED
    # These are set rather than unset, since pip's configuration file may hold them as well.
    export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_REQUIRE_HASHES=0
}

# Print the interpreter behind a command, or nothing if it is not a Python that pyx runs on. This
# sees through the shims of version managers, and through virtual environments, which come and go.
# Its name has the version: behind a plain python3 there may be another one after an upgrade.
resolve_python() {
    "$1" -I -c '
import os, sys
if sys.version_info >= (3, 10):
    python = getattr(sys, "_base_executable", None) or sys.executable
    if python == sys.executable and sys.prefix != sys.base_prefix:
        # Up to 3.10 a virtual environment takes its own for it.
        python = os.path.realpath(python)
    named = os.path.join(os.path.dirname(python), "python%d.%d" % sys.version_info[:2])
    same = os.path.exists(named) and os.path.samefile(named, python)
    print(named if same else python)
' 2>/dev/null || true
}

has_venv() { "$1" -I -c 'import ensurepip, venv' 2>/dev/null; }

# Set `python` to the interpreter the launcher shall run on.
find_python() {
    python=
    without_venv=
    for candidate in "$@"; do
        resolved=$(resolve_python "$candidate")
        [ -n "$resolved" ] || continue
        if has_venv "$resolved"; then
            python=$resolved
            return
        fi
        without_venv=${without_venv:-$resolved}
    done
    if [ -n "$without_venv" ]; then
        fail 69 "$without_venv has no module venv; install it: apt install python3-venv (Debian, Ubuntu), or name another Python: sh $0 PYTHON"
    elif [ $# -eq 1 ]; then
        fail 69 "$1 is not a Python 3.10 or newer; name another: sh $0 PYTHON"
    fi
    fail 69 "no Python 3.10 or newer on PATH; install one (apt install python3 python3-venv, dnf install python3, brew install python), or name it: sh $0 PYTHON"
}

# A link is ours if it leads into a launcher environment, wherever XDG_DATA_HOME was at the time.
is_ours() {
    case $(readlink "$1" 2>/dev/null) in
        */pyx/launcher/current/bin/pyx) return 0 ;;
        *) return 1 ;;
    esac
}

refuse_foreign_command() {
    if { [ -e "$command" ] || [ -L "$command" ]; } && ! is_ours "$command"; then
        fail 77 "$command exists and was not made by this script; move it away first: mv $command $command.old"
    fi
}

# Make the link $2 lead to $1 in one step; plain `mv` would move into a directory that $2 leads to.
link() {
    rm -f "$2.$$"
    ln -s "$1" "$2.$$"
    "$python" -I -c 'import os, sys; os.replace(sys.argv[1], sys.argv[2])' "$2.$$" "$2"
}

# What shells and man(1) look for in a user's own directories.
shell_files='bash-completion/completions/pyx zsh/site-functions/_pyx fish/vendor_completions.d/pyx.fish man/man1/pyx.1'

# Link these files, except where somebody else's file has the place; pyx works without them, too.
link_shell_files() {
    for file in $shell_files; do
        if [ -f "$launcher/current/share/$file" ] && { [ ! -e "$data/$file" ] || is_share "$data/$file"; }; then
            mkdir -p "$data/${file%/*}" && link "$launcher/current/share/$file" "$data/$file" || return 0
        fi
    done
}

is_share() {
    case $(readlink "$1" 2>/dev/null) in
        */pyx/launcher/current/share/*) return 0 ;;
        *) return 1 ;;
    esac
}

# Remove every environment but the one in use and those that other installations are making now;
# the number at the end of a name is the process that made it.
remove_old_environments() {
    in_use=$(readlink "$launcher/current")
    for old in "$launcher"/env-*; do
        if [ "${old##*/}" = "$in_use" ]; then
            continue
        fi
        maker=${old##*-}
        if [ "$maker" = "$$" ] || ! kill -0 "$maker" 2>/dev/null; then
            rm -rf "$old"
        fi
    done
}

install() {
    refuse_foreign_command
    ignore_foreign_settings
    if [ $# -eq 0 ]; then
        set -- python3 python3.14 python3.13 python3.12 python3.11 python3.10
    fi
    find_python "$@"
    say "installing with $python"

    mkdir -p "$launcher" "$bin" || fail 74 "cannot create $launcher and $bin"
    name=env-$(date +%Y%m%d%H%M%S)-$$
    new=$launcher/$name
    trap 'rm -rf "$new"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    "$python" -I -m venv "$new" >&2 || fail 69 "$python -m venv $new failed"
    "$new/bin/python" -I "$checkout/packaging/install_locked.py" >&2 || exit $?
    version=$("$new/bin/python" -I -c 'import pyx_launcher; print(pyx_launcher.__version__)') &&
        [ -x "$new/bin/pyx" ] && [ -x "$new/bin/pyx-launcher" ] ||
        fail 69 "pip put the launcher somewhere other than $new; look for 'target' or 'prefix' in: pip config list"

    link "$name" "$launcher/current" || fail 74 "cannot write $launcher/current"
    trap - EXIT
    refuse_foreign_command
    link "$launcher/current/bin/pyx" "$command" || fail 74 "cannot write $command"
    link_shell_files
    remove_old_environments
    case :$PATH: in
        *:"$bin":*) ;;
        *) say "$bin is not on PATH; add it to your shell's profile: export PATH=\"$bin:\$PATH\"" ;;
    esac
    printf 'pyx %s installed: %s\n' "$version" "$command" >&2
}

uninstall() {
    if is_ours "$command"; then
        rm -f "$command"
        say "removed $command"
    elif [ -e "$command" ]; then
        say "left $command alone: it was not made by this script"
    fi
    for file in $shell_files; do
        if is_share "$data/$file"; then rm -f "$data/$file"; fi
    done
    if [ -d "$launcher" ]; then
        rm -rf "$launcher"
        say "removed $launcher"
    fi
    name_what_stays
}

# Say where the store and the caches are, which may hold much and may be wanted again.
name_what_stays() {
    home=${PYX_HOME:-$data/pyx}
    cache=${PYX_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pyx}
    if [ "$(uname)" = Darwin ]; then
        home=${PYX_HOME:-$HOME/Library/Application Support/pyx}
        cache=${PYX_CACHE_DIR:-$HOME/Library/Caches/pyx}
    fi
    say "the store and the caches stay; to remove them as well: rm -rf '$home' '$cache'"
}

action=install
if [ "${1-}" = --uninstall ]; then
    action=uninstall
    shift
fi
case ${1-} in
    -*) fail 64 "unknown option $1; usage: sh $0 [--uninstall] [PYTHON]" ;;
esac
[ $# -le 1 ] || fail 64 "one PYTHON at most; usage: sh $0 [--uninstall] [PYTHON]"
[ -n "${HOME-}" ] || fail 64 "HOME is not set; set it: HOME=~ sh $0"

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# The base directory specification has relative values ignored.
case ${XDG_DATA_HOME-} in
    /*) data=$XDG_DATA_HOME ;;
    *) data=$HOME/.local/share ;;
esac
launcher=$data/pyx/launcher
bin=$HOME/.local/bin
command=$bin/pyx

"$action" "$@"
