"""Tell what a program sees of its start, so that the launcher can compare two ways to start it.

Started by the launcher as the script, the module and the command of an environment that holds one
module, `pyx_trial`, and one import line, which sets `sys.pyx_trial_line`; with the word `outer` it
starts a child, and with `code` it tells the marshalled code of itself. Writes one JSON object to
stdout; `find_facts` describes its keys. Syntax of Python 3.9, standard library only.
"""

import sys

BEFORE = {name: type(module) is type(sys) for name, module in sys.modules.items()}
"""What had been imported when the program began, and whether it is an ordinary module."""


def find_facts() -> dict[str, object]:
    """Return what tells a program how it was started, as values that JSON can hold.

    Each key is one promise of a start: the packages and their import lines, `sys.path`, prefixes,
    words, options, flags and variables, the standard streams and `io`, hooks, builtins, and what
    must not be left: a replaced module, a name of ours, or a frame below the program's.
    """
    import builtins
    import encodings
    import os
    import subprocess
    from importlib import import_module

    main = sys.modules["__main__"]
    flags = (name for name in sorted(dir(sys.flags)) if name[0] != "_")
    values = {name: getattr(sys.flags, name) for name in flags}
    printers = ("copyright", "credits", "exit", "help", "license", "quit")
    variables = (name for name in os.environ if name.startswith(("PYTHON", "PYX_SHOWN")))
    return {
        "package": import_module("pyx_trial").__file__,
        "import line": getattr(sys, "pyx_trial_line", None),
        "path": sys.path,
        "prefix": [sys.prefix, sys.exec_prefix],
        "base": [sys.base_prefix, sys.base_exec_prefix, sys._base_executable, sys._home],
        "executable": sys.executable,
        "argv": sys.argv,
        "orig_argv": getattr(sys, "orig_argv", None),
        "options": sys._xoptions,
        "flags": {name: value for name, value in values.items() if not callable(value)},
        "options of children": subprocess._args_from_interpreter_flags(),
        "variables": {name: os.environ[name] for name in variables},
        "warnings": sys.warnoptions,
        "bytecode": [sys.pycache_prefix, sys.dont_write_bytecode],
        "streams": find_streams(),
        "hooks": find_hooks(),
        "builtins": [
            [type(getattr(builtins, name, None)).__name__, repr(getattr(builtins, name, None))]
            for name in printers
        ],
        "main": [
            getattr(main, "__file__", None),
            main.__name__,
            main.__spec__ and main.__spec__.name,
            type(main.__loader__).__name__,
        ],
        "encodings": [encodings.__file__, encodings.__spec__.origin, encodings.__spec__.cached],
        "replaced modules": sorted(name for name, ordinary in BEFORE.items() if not ordinary),
        "names of ours": find_leftovers(),
        "depth": find_depth(),
        "site": find_site(),
    }


def find_streams() -> list[object]:
    """Return what the standard streams are, and whether `io` is as it was."""
    import _io
    import builtins
    import io

    streams = (sys.stdin, sys.stdout, sys.stderr)
    kept = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    return [
        *(
            [type(one).__qualname__, one.encoding, one.errors, one is other]
            for one, other in zip(streams, kept)
            if one is not None
        ),
        io.TextIOWrapper is _io.TextIOWrapper,
        io.open is _io.open is builtins.open,
        type(io) is type(sys),
    ]


def find_hooks() -> list[object]:
    """Return who has a say in imports, at the prompt and at breakpoints."""
    external = sys.modules["_frozen_importlib_external"]
    return [
        [str(finder) for finder in sys.meta_path],
        len(sys.path_hooks),
        [place for place in sys.path_importer_cache if place.endswith(".pyc")],
        [type(external.SourceFileLoader).__name__, type(external.SourcelessFileLoader).__name__],
        callable(getattr(sys, "__interactivehook__", None)),
        sys.breakpointhook is sys.__breakpointhook__,
    ]


def find_leftovers() -> list[str]:
    """Return the names of ours in modules that every program has."""
    import builtins
    import encodings
    import io

    found = [name for name in ("prepare", "run", "FACTS") if hasattr(encodings, name)]
    for module in (io, sys, builtins, encodings):
        for name, value in vars(module).items():
            ours = getattr(value, "__qualname__", "").startswith("prepare.<locals>")
            if ours and name != "__interactivehook__":
                found.append(name)
    return found


def find_depth() -> int:
    """Return how many frames lie below this one."""
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def find_site() -> list[object]:
    """Return what the module `site` tells, which a start may not have run yet."""
    import site

    return [site.__file__, site.PREFIXES, site.ENABLE_USER_SITE, site.getsitepackages()]


def ask_subinterpreter() -> str:
    """Return what a subinterpreter sees, or nothing where no module here makes one."""
    import os
    from importlib import import_module
    from importlib.util import find_spec

    names = [name for name in ("_interpreters", "_xxsubinterpreters") if find_spec(name)]
    if not names:
        return ""
    interpreters = import_module(names[0])
    reading, writing = os.pipe()
    code = "import os, sys, pyx_trial; os.write({}, repr({}).encode())"
    what = "[pyx_trial.__file__, sys.path[-1:], sys.prefix, sys._xoptions]"
    inner = interpreters.create()
    interpreters.run_string(inner, code.format(writing, what))
    interpreters.destroy(inner)
    os.close(writing)
    with open(reading, encoding="utf-8") as stream:
        return stream.read()


def ask_child() -> str:
    """Return what a child sees that is started as programs start theirs."""
    import subprocess

    what = "[pyx_trial.__file__, sys.path, sys.prefix, getattr(sys, 'orig_argv', [])[1:]]"
    words = [*subprocess._args_from_interpreter_flags(), "-c"]
    line = [sys.executable, *words, f"import sys, pyx_trial; print({what})"]
    told = subprocess.run(line, stdout=subprocess.PIPE, check=True)
    return told.stdout.decode()


def main() -> None:
    """Print the facts."""
    import json

    facts = find_facts()
    if "outer" in sys.argv:
        facts["child"] = ask_child()
        facts["subinterpreter"] = ask_subinterpreter()
    if "code" in sys.argv:
        import marshal

        with open(__file__, "rb") as stream:
            code = compile(stream.read(), __file__, "exec", 0, True)
        facts["code"] = marshal.dumps(code).hex()
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
