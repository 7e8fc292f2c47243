# Completion of pyx for fish. Written by packaging/shell_files.py.

function __pyx_named
    set -l home $PYX_HOME
    set -q XDG_DATA_HOME; or set -l XDG_DATA_HOME $HOME/.local/share
    test -z "$home"; and set home $XDG_DATA_HOME/pyx
    for path in $home/named/*/
        echo @(basename $path)
    end
end

set -l verbs sync info add remove lock run env tool list tree which diff
set -l first "not __fish_seen_subcommand_from $verbs"
complete -c pyx -n "$first" -a '(__pyx_named)' -d 'named environment'
complete -c pyx -l project -r -d 'take this project\'s lock'
complete -c pyx -l python -r -d 'take this interpreter'
complete -c pyx -l group -r -d 'add a dependency group'
complete -c pyx -l extra -r -d 'add an extra of the project'
complete -c pyx -l with -r -d 'append the distributions of a named environment'
complete -c pyx -l all-groups -d 'add all dependency groups'
complete -c pyx -l all-extras -d 'add all extras of the project'
complete -c pyx -l no-default-groups -d 'leave out the groups that are there by default'
complete -c pyx -l offline -d 'fetch nothing'
complete -c pyx -l locked -d 'refuse a lock that no longer fits its project'
complete -c pyx -l allow-unhashed -r -d 'take this project\'s file though its only hash is MD5 or SHA-1'
complete -c pyx -l help -d 'say how it is called'
complete -c pyx -l version -d 'tell the version of pyx'
complete -c pyx -n "$first" -a sync -d 'make everything ready, and say what was done'
complete -c pyx -n '__fish_seen_subcommand_from sync' -l compile -d 'also write the bytecode that first imports would write'
complete -c pyx -n "$first" -a info -d 'say which lock, interpreter and sys.path a start gets, and why'
complete -c pyx -n "$first" -a add -d 'require distributions, and lock the project or the script anew'
complete -c pyx -n '__fish_seen_subcommand_from add' -l optional -r -d 'as a requirement of an extra of the project'
complete -c pyx -n '__fish_seen_subcommand_from add' -l dev -d 'as one of the group dev; --group GROUP: of any other'
complete -c pyx -n '__fish_seen_subcommand_from add' -l user -d 'in the environment @default'
complete -c pyx -n '__fish_seen_subcommand_from add' -l script -r -d 'in the inline block of a script'
complete -c pyx -n '__fish_seen_subcommand_from add' -l init -d 'make the project where there is none'
complete -c pyx -n "$first" -a remove -d 'require distributions no longer, and lock anew'
complete -c pyx -n '__fish_seen_subcommand_from remove' -l optional -r -d 'as a requirement of an extra of the project'
complete -c pyx -n '__fish_seen_subcommand_from remove' -l dev -d 'as one of the group dev; --group GROUP: of any other'
complete -c pyx -n '__fish_seen_subcommand_from remove' -l user -d 'in the environment @default'
complete -c pyx -n '__fish_seen_subcommand_from remove' -l script -r -d 'in the inline block of a script'
complete -c pyx -n "$first" -a lock -d 'lock the project by its own tool, or a script\'s inline block beside it'
complete -c pyx -n '__fish_seen_subcommand_from lock' -l upgrade -d 'move all pins, or those of the named distributions'
complete -c pyx -n "$first" -a run -d 'run a console script of the environment, its bin first on PATH'
complete -c pyx -n "$first" -a env -d 'named environments, and what editors and Jupyter need'
complete -c pyx -f -n '__fish_seen_subcommand_from env' -a 'list create remove show'
complete -c pyx -n '__fish_seen_subcommand_from env' -l json -d 'print JSON'
complete -c pyx -n '__fish_seen_subcommand_from env' -l link -d 'make .venv a link to the project\'s environment'
complete -c pyx -n '__fish_seen_subcommand_from env' -l unlink -d 'remove that link'
complete -c pyx -n '__fish_seen_subcommand_from env' -l kernel -d 'offer the environment to Jupyter as a kernel'
complete -c pyx -n "$first" -a tool -d 'programs in locked environments of their own, on PATH or run once'
complete -c pyx -f -n '__fish_seen_subcommand_from tool' -a 'install list upgrade uninstall run'
complete -c pyx -n '__fish_seen_subcommand_from tool' -l with -r -d 'add a distribution to the program\'s environment'
complete -c pyx -n '__fish_seen_subcommand_from tool' -l from -r -d 'the distribution that has the program, if named otherwise'
complete -c pyx -n '__fish_seen_subcommand_from tool' -l json -d 'print JSON'
complete -c pyx -n "$first" -a list -d 'list the distributions that a start gets'
complete -c pyx -n '__fish_seen_subcommand_from list' -l outdated -d 'ask the index, show only what has newer versions'
complete -c pyx -n '__fish_seen_subcommand_from list' -l json -d 'print JSON'
complete -c pyx -n "$first" -a tree -d 'show which distribution requires which'
complete -c pyx -n '__fish_seen_subcommand_from tree' -l invert -r -d 'show what requires NAME'
complete -c pyx -n '__fish_seen_subcommand_from tree' -l json -d 'print JSON'
complete -c pyx -n "$first" -a which -d 'say where an import comes from, and what locked it'
complete -c pyx -n '__fish_seen_subcommand_from which' -l json -d 'print JSON'
complete -c pyx -n "$first" -a diff -d 'compare what two locks mean; exit status 1 if they differ'
complete -c pyx -n '__fish_seen_subcommand_from diff' -l json -d 'print JSON'
