"""Write the completion scripts, the manual page and docs/commands.md from the table of commands.

    PYTHONPATH=launcher:runtime python packaging/shell_files.py

Input: `pyx_launcher.cli.commands`, the version, and the general options below. Output: the files in
`packaging/shell`, which are kept in the repository; a test holds that they are what this program
writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pyx_launcher import __version__
from pyx_launcher.cli.commands import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
PROSE = Path(__file__).with_name("commands.md")
"""What docs/commands.md says beside the table, by command."""

GENERAL: Mapping[str, str] = {
    "--project DIR|LOCK": "take this project's lock",
    "--python VERSION|PATH": "take this interpreter",
    "--group NAME": "add a dependency group; also -G",
    "--only-group NAME": "take nothing but this dependency group",
    "--no-group NAME": "leave this dependency group out",
    "--extra NAME": "add an extra of the project",
    "--with @NAME": "add the packages of a named environment",
    "--all-groups": "add all dependency groups",
    "--all-extras": "add all extras of the project",
    "--no-default-groups": "leave out the groups that are there by default",
    "--no-dev": "leave out the group dev",
    "--offline": "fetch nothing",
    "--locked": "refuse a lock that no longer fits its project",
    "--allow-unhashed NAME": "take this package's file though no strong hash protects it",
    "--env-file FILE": "set the variables in FILE that are not set already",
}
"""Options that every start and most commands take."""

FINAL: Mapping[str, str] = {
    "--help": "say how it is called",
    "--version": "tell the version of pyx",
}

ENVIRONMENT: Mapping[str, str] = {
    "PYX_HOME": "The store, the environments, the named environments and the tools.",
    "PYX_CACHE_DIR": "Launch records, bytecode of scripts, facts about interpreters.",
    "PYX_STORES": "Read-only stores behind one's own, separated by colons. If it is not set: "
    "/var/lib/pyx/store, where that exists.",
    "PYX_PROJECT": "As --project.",
    "PYX_PYTHON": "As --python.",
    "PYX_OFFLINE": "As --offline, unless empty or 0.",
    "PYX_CYCLONEDX": "A python that has cyclonedx-python-lib, for info --sbom.",
    "PYX_VEGA": "A python that has vl-convert-python, for tree --graph and store report.",
    "PYX_MAX_UNPACKED": "How many bytes an archive may become, such as 32G.",
    "PYX_MAX_RATIO": "How many times its size an archive may become.",
    "PYX_MAX_FILES": "How many files an archive may have.",
    "PYX_DEBUG": "Set to 1: say every decision on stderr.",
}

STATUSES: Mapping[str, str] = {
    "64": "The command line cannot be understood.",
    "65": "A lock or project file is wrong.",
    "69": "Something is unavailable: an interpreter, a package, an index.",
    "70": "A library that pyx is installed with does not do what pyx expects of it.",
    "74": "The store or another file cannot be read or written.",
    "77": "Obeying would be unsafe.",
    "126, 127": "A program cannot be executed, or is not there.",
}

BASH = """\
# Completion of pyx for bash. Written by packaging/shell_files.py.

_pyx_named() {
    local home=${PYX_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/pyx} path
    for path in "$home"/named/*/; do
        path=${path%/}
        [[ -d $path ]] && printf '%s\\n' "${path##*/}"
    done
}

_pyx() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= action= word kind=
    local -a start=()
    local -i at
    COMPREPLY=()
    # Bash takes the @ for a word of its own here, but not in what it replaces.
    if [[ $cur == @ || $prev == @ ]]; then
        [[ $cur == @ ]] && cur=
        COMPREPLY=($(compgen -P @ -W "$(_pyx_named)" -- "$cur"))
        return
    fi
    for ((at = 1; at < COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        case $word in
            --project) ((at++)); start+=(--project "${COMP_WORDS[at]}") ;;
            --python|-G|@VALUED@) ((at++)); [[ ${COMP_WORDS[at]} == @ ]] && ((at++)) ;;
            @) ((at++)); [[ -z $verb ]] && start=("@${COMP_WORDS[at]}") ;;
            -*) ;;
            *)
                if [[ -z $verb ]]; then
                    verb=$word
                    # Behind a script or a program that is run, no word is pyx's.
                    [[ " @VERBS@ " == *" $verb "* ]] || return
                elif [[ -z $action ]]; then
                    action=$word
                fi
                ;;
        esac
    done
    case $prev in
        --project) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --python) COMPREPLY=($(compgen -c -X '!python3*' -- "$cur")); return ;;
        @GROUPS@) kind=groups ;;
        @EXTRAS@) kind=extras ;;
        @VALUED@) return ;;
        *)
            case $verb:$action:$cur in
                *:-*) ;;
                remove:*) kind=required ;;
                run::*) kind=programs ;;
                which::*) kind=importable ;;
            esac
            ;;
    esac
    if [[ -n $kind ]]; then
        word=$(command pyx "${start[@]}" --complete $kind 2>/dev/null)
        COMPREPLY=($(compgen -W "$word" -- "$cur"))
        return
    fi
    case $verb:$action in
        :) word="@VERBS@ @GENERAL@ @FINAL@" ;;
@CASES@
        *) return ;;
    esac
    COMPREPLY=($(compgen -W "$word" -- "$cur"))
}

complete -o bashdefault -o default -F _pyx pyx
"""

ZSH = """\
#compdef pyx
# Completion of pyx for zsh. Written by packaging/shell_files.py.

_pyx() {
    local -a general verbs start names
    local verb action index kind
    general=(
@GENERAL@
    )
    verbs=(
@VERBS@
    )
    names=(${verbs%%:*})
    for ((index = 2; index < CURRENT; index++)); do
        case $words[index] in
            --project) ((index++)); start+=(--project $words[index]) ;;
            --python|-G|@VALUED@) ((index++)) ;;
            @*) [[ -z $verb ]] && start=($words[index]) ;;
            -*) ;;
            *)
                if [[ -n $verb ]]; then
                    action=${action:-$words[index]}
                elif (( $names[(Ie)$words[index]] )); then
                    verb=$words[index]
                else
                    # Behind a script no word is pyx's.
                    _files
                    return
                fi
                ;;
        esac
    done
    case $verb in
@CASES@
    esac
    case $words[CURRENT-1] in
        --project) _directories; return ;;
        --with) compadd -P @ -- $(_pyx_named); return ;;
        @GROUPS@) kind=groups ;;
        @EXTRAS@) kind=extras ;;
        *)
            case $verb:$action:$words[CURRENT] in
                *:-*) ;;
                remove:*) kind=required ;;
                run::*) kind=programs ;;
                which::*) kind=importable ;;
            esac
            ;;
    esac
    if [[ -n $kind ]]; then
        names=(${(f)"$(command pyx $start --complete $kind 2>/dev/null)"})
        compadd -a names
    elif [[ $words[CURRENT] == @* && $CURRENT == 2 ]]; then
        compadd -P @ -- $(_pyx_named)
    elif [[ $words[CURRENT] == -* ]]; then
        _describe option general
    else
        [[ -z $action ]] && _describe command verbs
        _files
    fi
}

_pyx_named() {
    local home=${PYX_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/pyx}
    print -l -- $home/named/*(N/:t)
}

_pyx "$@"
"""

FISH = """\
# Completion of pyx for fish. Written by packaging/shell_files.py.

function __pyx_named
    set -l home $PYX_HOME
    set -q XDG_DATA_HOME; or set -l XDG_DATA_HOME $HOME/.local/share
    test -z "$home"; and set home $XDG_DATA_HOME/pyx
    for path in $home/named/*/
        echo @(basename $path)
    end
end

# The command, and how many words stand behind it; an empty line before there is one.
function __pyx_place
    set -l words (commandline -opc)[2..-1]
    set -l verb
    set -l count 0
    while set -q words[1]
        switch $words[1]
            case @VALUED@
                set -e words[1]
            case '-*' '@*'
            case '*'
                if test -z "$verb"
                    set verb $words[1]
                else
                    set count (math $count + 1)
                end
        end
        set -e words[1]
    end
    echo $verb
    echo $count
end

# Is the command the first argument, and stand as many words behind it as the second says?
function __pyx_at
    set -l place (__pyx_place)
    test "$place[1]" = "$argv[1]"; or return 1
    test (count $argv) -lt 2; or test $place[2] = $argv[2]
end

function __pyx_ask
    set -l words (commandline -opc)[2..-1]
    set -l start
    string match -q '@*' -- $words[1]; and set start $words[1]
    set -l at (contains -i -- --project $words)
    and set -a start --project $words[(math $at + 1)]
    command pyx $start --complete $argv[1] 2>/dev/null
end

set -l first "__pyx_at ''"
complete -c pyx -n "$first" -a '(__pyx_named)' -d 'named environment'
complete -c pyx -f -n '__pyx_at remove' -a '(__pyx_ask required)'
complete -c pyx -f -n '__pyx_at run 0' -a '(__pyx_ask programs)'
complete -c pyx -f -n '__pyx_at which 0' -a '(__pyx_ask importable)'
"""

ASKED: Mapping[str, Sequence[str]] = {
    "groups": ("--group", "--only-group", "--no-group"),
    "extras": ("--extra", "--optional"),
}
"""What a shell asks `pyx --complete` for, and the options whose values are of that kind."""


def split_option(option: str) -> tuple[str, str]:
    """Return the name of an option and the kind of its value, empty if it takes none."""
    name, _, value = option.partition(" ")
    return name, value


def names_of(options: Iterable[str]) -> list[str]:
    """Return the names of options alone."""
    return [split_option(option)[0] for option in options]


def make_bash() -> str:
    """Return the script for bash."""
    cases = []
    for name, verb in VERBS.items():
        options = [*names_of(verb.options), *names_of(GENERAL), "--help"]
        words = " ".join([*verb.actions, *options])
        cases.append(f'        {name}:) word="{words}" ;;')
        if verb.actions or name == "remove":
            cases.append(f'        {name}:*) word="{" ".join(options)}" ;;')
    return (
        _put_options(BASH)
        .replace("@VERBS@", " ".join(VERBS))
        .replace("@GENERAL@", " ".join(names_of(GENERAL)))
        .replace("@FINAL@", " ".join(FINAL))
        .replace("@CASES@", "\n".join(cases))
    )


def _list_valued() -> list[str]:
    """Return every option that takes a value."""
    own = (option for verb in VERBS.values() for option in verb.options)
    return [*dict.fromkeys(n for n, v in map(split_option, [*GENERAL, *own]) if v)]


def _put_options(text: str) -> str:
    valued = [name for name in _list_valued() if name not in ("--project", "--python")]
    return (
        text.replace("@VALUED@", "|".join(valued))
        .replace("@GROUPS@", "|".join((*ASKED["groups"], "-G")))
        .replace("@EXTRAS@", "|".join(ASKED["extras"]))
    )


def make_fish() -> str:
    """Return the script for fish."""
    lines = [FISH.replace("@VALUED@", " ".join((*_list_valued(), "-G"))).rstrip()]
    for option, text in {**GENERAL, **FINAL}.items():
        lines.append(f"complete -c pyx{_fish_option(option)} -d {_quote(text)}")
    for name, verb in VERBS.items():
        lines.append(f'complete -c pyx -n "$first" -a {name} -d {_quote(verb.summary)}')
        seen = f"-n '__pyx_at {name}'"
        if verb.actions:
            first = f"-n '__pyx_at {name} 0'"
            lines.append(f"complete -c pyx -f {first} -a '{' '.join(verb.actions)}'")
        for option, text in verb.options.items():
            lines.append(f"complete -c pyx {seen}{_fish_option(option)} -d {_quote(text)}")
    return "\n".join(lines) + "\n"


def _fish_option(option: str) -> str:
    name, value = split_option(option)
    kind = next((kind for kind, names in ASKED.items() if name in names), None)
    text = " -s G" if name == "--group" else ""
    text += f" -l {name.removeprefix('--')}" + (" -r" if value else "")
    return text + (f" -f -a '(__pyx_ask {kind})'" if kind else "")


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def make_zsh() -> str:
    """Return the script for zsh."""
    general = [f"        {_zsh_pair(n, t)}" for n, t in {**GENERAL, **FINAL}.items()]
    verbs = [f"        {_zsh_pair(name, verb.summary)}" for name, verb in VERBS.items()]
    cases = []
    for name, verb in VERBS.items():
        own = " ".join(_zsh_pair(option, text) for option, text in verb.options.items())
        cases.append(f"        {name})")
        if own:
            cases.append(f"            general+=({own})")
        actions = " ".join(verb.actions)
        cases += [f"            verbs=({actions})", "            ;;"]
    return (
        _put_options(ZSH)
        .replace("@GENERAL@", "\n".join(general))
        .replace("@VERBS@", "\n".join(verbs))
        .replace("@CASES@", "\n".join(cases))
    )


def _zsh_pair(option: str, text: str) -> str:
    plain = text.replace(":", "\\:").replace("'", "'\\''")
    return f"'{split_option(option)[0]}:{plain}'"


def make_man() -> str:
    """Return the manual page, in the macros of man(7)."""
    lines = [
        '.\\" Written by packaging/shell_files.py.',
        f'.TH PYX 1 "" "pyx {__version__}" "User commands"',
        ".SH NAME",
        "pyx \\- run Python programs with exactly the packages that their lock names",
        ".SH SYNOPSIS",
        ".B pyx",
        "[@NAME] [options] [python options] SCRIPT | \\-m MODULE | \\-c CODE | \\- [arguments]",
        ".br",
        ".B pyx",
        "[@NAME] [options] COMMAND ...",
        ".SH DESCRIPTION",
        "The nearest lock says which packages a program may import. The search starts at the",
        "directory of the script, or at the working directory for \\-m, \\-c, \\- and the prompt,",
        "and goes upwards; in one directory it looks for pylock.toml, uv.lock, poetry.lock,",
        "pdm.lock, Pipfile.lock and a requirements.txt with hashes, in this order.",
        ".PP",
        "@NAME, as the first word, takes the named environment in $PYX_HOME/named/NAME. Without",
        "any lock there is @default if it exists, else the standard library alone.",
        ".SH OPTIONS",
        "They come before those of python.",
    ]
    lines += _man_list({**GENERAL, **FINAL})
    lines += [".SH COMMANDS", "A command wins over a file of that name; ./sync runs the file."]
    for verb in VERBS.values():
        lines += [".SS " + _man(verb.summary[0].upper() + verb.summary[1:])]
        for form in verb.forms:
            lines += [".B pyx", _man(form), ".br"]
        lines += _man_list(verb.options)
        if verb.notes:
            lines += [".PP", _man(verb.notes)]
    lines += [".SH ENVIRONMENT", *_man_list(ENVIRONMENT)]
    lines += [".SH EXIT STATUS", "That of the program; of pyx itself:", *_man_list(STATUSES)]
    lines += [".SH SEE ALSO", ".BR python3 (1)"]
    return "\n".join(lines) + "\n"


def _man_list(entries: Mapping[str, str]) -> list[str]:
    return [
        line for key, text in entries.items() for line in (".TP", f".B {_man(key)}", _man(text))
    ]


def _man(text: str) -> str:
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


def make_page() -> str:
    """Return the page on the commands, in Markdown."""
    first, *parts = PROSE.read_text(encoding="utf-8").split("\n## ")
    prose = dict(part.split("\n", 1) for part in parts)
    text = f"{first.rstrip()}\n\n## Options\n\n{prose['Options'].strip()}\n\n"
    text += _table({**GENERAL, **FINAL})
    for name, verb in VERBS.items():
        forms = "\n".join(f"pyx [@NAME] [options] {form}" for form in verb.forms)
        text += f"\n## pyx {name}\n\n{verb.summary[0].upper()}{verb.summary[1:]}.\n\n"
        text += f"```text\n{forms}\n```\n"
        text += "\n" + _table(verb.options) if verb.options else ""
        text += f"\n{verb.notes}\n" if verb.notes else ""
        text += f"\n{prose[name].strip()}\n" if name in prose else ""
    return text


def _table(options: Mapping[str, str]) -> str:
    # As HTML, since those who read Markdown differ in how a bar stands in a table.
    shown = (f"<code>{key}</code>".replace("|", "&#124;") for key in options)
    cells = zip(shown, options.values(), strict=True)
    return "| option | |\n|---|---|\n" + "".join(f"| {key} | {text} |\n" for key, text in cells)


FILES = {
    "packaging/shell/pyx.bash": make_bash,
    "packaging/shell/_pyx": make_zsh,
    "packaging/shell/pyx.fish": make_fish,
    "packaging/shell/pyx.1": make_man,
    "docs/commands.md": make_page,
}


def main() -> None:
    """Write all files."""
    for name, make in FILES.items():
        (ROOT / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
