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
            case --project --python --group --only-group --no-group --extra --with --allow-unhashed --env-file --name --script --optional --requirements --constraints --editable --clone --from --package --invert --graph --keep --format --output -G
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
complete -c pyx -l project -r -d 'take this project\'s lock'
complete -c pyx -l python -r -d 'take this interpreter'
complete -c pyx -s G -l group -r -f -a '(__pyx_ask groups)' -d 'add a dependency group; also -G'
complete -c pyx -l only-group -r -f -a '(__pyx_ask groups)' -d 'take nothing but this dependency group'
complete -c pyx -l no-group -r -f -a '(__pyx_ask groups)' -d 'leave this dependency group out'
complete -c pyx -l extra -r -f -a '(__pyx_ask extras)' -d 'add an extra of the project'
complete -c pyx -l with -r -d 'add the packages of a named environment'
complete -c pyx -l all-groups -d 'add all dependency groups'
complete -c pyx -l all-extras -d 'add all extras of the project'
complete -c pyx -l no-default-groups -d 'leave out the groups that are there by default'
complete -c pyx -l no-dev -d 'leave out the group dev'
complete -c pyx -l offline -d 'fetch nothing'
complete -c pyx -l locked -d 'refuse a lock that no longer fits its project'
complete -c pyx -l allow-unhashed -r -d 'take this package\'s file though no strong hash protects it'
complete -c pyx -l env-file -r -d 'set the variables in FILE that are not set already'
complete -c pyx -l help -d 'say how it is called'
complete -c pyx -l version -d 'tell the version of pyx'
complete -c pyx -n "$first" -a init -d 'make a new project or a new script'
complete -c pyx -n '__pyx_at init' -l lib -d 'a library, in src, that others can install'
complete -c pyx -n '__pyx_at init' -l name -r -d 'the name of the project, if not that of its directory'
complete -c pyx -n '__pyx_at init' -l script -r -d 'a script that names its own requirements'
complete -c pyx -n "$first" -a sync -d 'fetch what the lock names, make everything ready, and say what was done'
complete -c pyx -n '__pyx_at sync' -l compile -d 'also write the bytecode that first imports would write'
complete -c pyx -n "$first" -a info -d 'say which lock, interpreter and sys.path a start gets, and why'
complete -c pyx -n '__pyx_at info' -l json -d 'print JSON'
complete -c pyx -n '__pyx_at info' -l sbom -d 'print the bill of materials instead: CycloneDX, as JSON'
complete -c pyx -n "$first" -a add -d 'add packages to a project or a script, and lock it again'
complete -c pyx -n '__pyx_at add' -l optional -r -f -a '(__pyx_ask extras)' -d 'as a requirement of an extra of the project'
complete -c pyx -n '__pyx_at add' -l dev -d 'as a requirement of the group dev; --group GROUP: of any other'
complete -c pyx -n '__pyx_at add' -l user -d 'in the environment @default'
complete -c pyx -n '__pyx_at add' -l script -r -d 'in the inline block of a script'
complete -c pyx -n '__pyx_at add' -l requirements -r -d 'require what a requirements file names (also -r)'
complete -c pyx -n '__pyx_at add' -l constraints -r -d 'this time, keep to the versions that a file allows (also -c)'
complete -c pyx -n '__pyx_at add' -l editable -r -d 'require the project in a directory, as it is there (also -e)'
complete -c pyx -n '__pyx_at add' -l init -d 'make a project here if there is none'
complete -c pyx -n '__pyx_at add' -l follow -d 'write through links that lead out of the project, to files of your own'
complete -c pyx -n "$first" -a remove -d 'remove packages, and lock again'
complete -c pyx -n '__pyx_at remove' -l optional -r -f -a '(__pyx_ask extras)' -d 'as a requirement of an extra of the project'
complete -c pyx -n '__pyx_at remove' -l dev -d 'as a requirement of the group dev; --group GROUP: of any other'
complete -c pyx -n '__pyx_at remove' -l user -d 'in the environment @default'
complete -c pyx -n '__pyx_at remove' -l script -r -d 'in the inline block of a script'
complete -c pyx -n '__pyx_at remove' -l requirements -r -d 'what a requirements file lists and is required (also -r)'
complete -c pyx -n '__pyx_at remove' -l follow -d 'write through links that lead out of the project, to files of your own'
complete -c pyx -n "$first" -a lock -d 'lock the project with its own tool, or a script\'s inline block beside it'
complete -c pyx -n '__pyx_at lock' -l upgrade -d 'upgrade all packages, or only those that are named (also -U)'
complete -c pyx -n '__pyx_at lock' -l check -d 'only check whether the lock is up to date; exit status 65 if it is not'
complete -c pyx -n '__pyx_at lock' -l follow -d 'write through links that lead out of the project, to files of your own'
complete -c pyx -n "$first" -a run -d 'run a console script of the environment, its bin first on PATH'
complete -c pyx -n "$first" -a env -d 'named environments, and what editors and Jupyter need'
complete -c pyx -f -n '__pyx_at env 0' -a 'list create remove show'
complete -c pyx -n '__pyx_at env' -l json -d 'print JSON'
complete -c pyx -n '__pyx_at env' -l link -d 'make .venv a link to the project\'s environment'
complete -c pyx -n '__pyx_at env' -l file -d 'with --link: make it a file that holds the path (PEP 832, a draft)'
complete -c pyx -n '__pyx_at env' -l unlink -d 'remove that link'
complete -c pyx -n '__pyx_at env' -l kernel -d 'offer the environment to Jupyter as a kernel'
complete -c pyx -n '__pyx_at env' -l clone -r -d 'create: with all that another environment has'
complete -c pyx -n "$first" -a tool -d 'programs in locked environments of their own, on PATH or run once'
complete -c pyx -f -n '__pyx_at tool 0' -a 'install list upgrade uninstall run ensurepath'
complete -c pyx -n '__pyx_at tool' -l with -r -d 'add a package to the program\'s environment'
complete -c pyx -n '__pyx_at tool' -l from -r -d 'the package that has the program, if its name is another'
complete -c pyx -n '__pyx_at tool' -l editable -d 'install: use the directory itself, not a copy of it (also -e)'
complete -c pyx -n '__pyx_at tool' -l force -d 'install: reinstall, and replace other programs of those names on PATH'
complete -c pyx -n '__pyx_at tool' -l outdated -d 'list: ask the index, show only what has newer versions'
complete -c pyx -n '__pyx_at tool' -l json -d 'print JSON'
complete -c pyx -n "$first" -a python -d 'the interpreters that are there, and which one a start takes'
complete -c pyx -f -n '__pyx_at python 0' -a 'list find pin'
complete -c pyx -n '__pyx_at python' -l json -d 'print JSON'
complete -c pyx -n "$first" -a list -d 'list the packages that a start gets'
complete -c pyx -n '__pyx_at list' -l outdated -d 'ask the index, show only what has newer versions'
complete -c pyx -n '__pyx_at list' -l attestations -d 'ask the index who is claimed to have published the locked files'
complete -c pyx -n '__pyx_at list' -l json -d 'print JSON'
complete -c pyx -n "$first" -a tree -d 'show which package requires which'
complete -c pyx -n '__pyx_at tree' -l package -r -d 'show only NAME and what it requires'
complete -c pyx -n '__pyx_at tree' -l invert -r -d 'show what requires NAME'
complete -c pyx -n '__pyx_at tree' -l json -d 'print JSON'
complete -c pyx -n '__pyx_at tree' -l graph -r -d 'draw it instead, in FILE.svg, or as a page in FILE.html'
complete -c pyx -n "$first" -a which -d 'say where an import comes from, and what locked it'
complete -c pyx -n '__pyx_at which' -l json -d 'print JSON'
complete -c pyx -n "$first" -a diff -d 'compare what two locks mean; exit status 1 if they differ'
complete -c pyx -n '__pyx_at diff' -l json -d 'print JSON'
complete -c pyx -n "$first" -a store -d 'look after the unpacked wheels that all projects share'
complete -c pyx -f -n '__pyx_at store 0' -a 'verify gc list size report path add'
complete -c pyx -n '__pyx_at store' -l repair -d 'verify: fetch what is damaged again'
complete -c pyx -n '__pyx_at store' -l keep -r -d 'gc, report: keep what was used in so many days (30); 0 keeps what runs'
complete -c pyx -n '__pyx_at store' -l dry-run -d 'gc: say what would go, and delete nothing'
complete -c pyx -n '__pyx_at store' -l json -d 'print JSON'
complete -c pyx -n "$first" -a bundle -d 'write a directory or tar archive that runs without pyx, store and network'
complete -c pyx -n '__pyx_at bundle' -l no-compile -d 'leave the bytecode out: smaller, and slower to start'
complete -c pyx -n '__pyx_at bundle' -l relocatable -d 'does nothing: every bundle can be moved'
complete -c pyx -n "$first" -a export -d 'write the lock for other tools, or as a virtual environment'
complete -c pyx -n '__pyx_at export' -l format -r -d 'pylock, requirements or venv'
complete -c pyx -n '__pyx_at export' -l output -r -d 'the file, else stdout; for venv the new directory; also -o'
