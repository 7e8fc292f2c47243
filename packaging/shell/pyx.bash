# Completion of pyx for bash. Written by packaging/shell_files.py.

_pyx_named() {
    local home=${PYX_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/pyx} path
    for path in "$home"/named/*/; do
        path=${path%/}
        [[ -d $path ]] && printf '%s\n' "${path##*/}"
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
            --python|-G|--group|--only-group|--no-group|--extra|--with|--allow-unhashed|--env-file|--name|--script|--optional|--requirements|--constraints|--editable|--clone|--from|--package|--invert|--graph|--keep|--format|--output) ((at++)); [[ ${COMP_WORDS[at]} == @ ]] && ((at++)) ;;
            @) ((at++)); [[ -z $verb ]] && start=("@${COMP_WORDS[at]}") ;;
            -*) ;;
            *)
                if [[ -z $verb ]]; then
                    verb=$word
                    # Behind a script or a program that is run, no word is pyx's.
                    [[ " init sync info add remove lock run env tool python list tree which diff store bundle export " == *" $verb "* ]] || return
                elif [[ -z $action ]]; then
                    action=$word
                fi
                ;;
        esac
    done
    case $prev in
        --project) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --python) COMPREPLY=($(compgen -c -X '!python3*' -- "$cur")); return ;;
        --group|--only-group|--no-group|-G) kind=groups ;;
        --extra|--optional) kind=extras ;;
        --group|--only-group|--no-group|--extra|--with|--allow-unhashed|--env-file|--name|--script|--optional|--requirements|--constraints|--editable|--clone|--from|--package|--invert|--graph|--keep|--format|--output) return ;;
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
        :) word="init sync info add remove lock run env tool python list tree which diff store bundle export --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help --version" ;;
        init:) word="--lib --name --script --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        sync:) word="--compile --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        info:) word="--json --sbom --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        add:) word="--optional --dev --user --script --requirements --constraints --editable --init --follow --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        remove:) word="--optional --dev --user --script --requirements --follow --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        remove:*) word="--optional --dev --user --script --requirements --follow --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        lock:) word="--upgrade --check --follow --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        run:) word="--project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        env:) word="list create remove show --json --link --file --unlink --kernel --clone --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        env:*) word="--json --link --file --unlink --kernel --clone --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        tool:) word="install list upgrade uninstall run ensurepath --with --from --editable --force --outdated --json --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        tool:*) word="--with --from --editable --force --outdated --json --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        python:) word="list find pin --json --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        python:*) word="--json --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        list:) word="--outdated --attestations --json --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        tree:) word="--package --invert --json --graph --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        which:) word="--json --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        diff:) word="--json --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        store:) word="verify gc list size report path add --repair --keep --dry-run --json --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        store:*) word="--repair --keep --dry-run --json --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        bundle:) word="--no-compile --relocatable --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        export:) word="--format --output --project --python --group --only-group --no-group --extra --with --all-groups --all-extras --no-default-groups --no-dev --offline --locked --allow-unhashed --env-file --help" ;;
        *) return ;;
    esac
    COMPREPLY=($(compgen -W "$word" -- "$cur"))
}

complete -o bashdefault -o default -F _pyx pyx
