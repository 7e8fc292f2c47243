"""The first code of every start: make the interpreter what a virtual environment's would be.

There are two ways to it, which docs/design.md explains. By the *public* way python's own `site`
imports this from the environment's site-packages, as a line of a `.pth` file or a `.start` file
says. By the *fast* way python takes it for the bytecode of `encodings`, which it imports before all
else, and by ``-X pycache_prefix`` looks for where the launcher put this; what `site` would do is
then done at the moment when python imports `site`, without the cost of it. Nothing of ours stays:
no finder, no hook, no module, no frame.

This is a template. The launcher has each interpreter compile it once for either way, puts the facts
of one environment in place of FACTS, and stores the result as the environment's `bootstrap.pyc`. An
`if` that compares with "encodings" is decided then, and what nobody calls is left out. What stands
beside `prepare` is what few starts need: `prepare` has its marshalled code in place of its name.

Input: options ``-X pyx=CONTROL``, ``-X pyx.start=…``, ``-X pyx.code=…`` and ``-X pyx.N=WORD``, and
variables ``PYX_SHOWN_…`` (launcher/native/RECORD.md), and FACTS, the marshalled tuple that
`prepare` unpacks.

Syntax of Python 3.9, builtin modules only, no `from __future__`, and no import that a fast start
can do without: `os` costs a millisecond, `site` two.
"""


def prepare(namespace):
    import marshal
    import posix
    import sys

    (prefix, home, base_executable, boot, proven, encodings, packages) = marshal.loads(FACTS)
    (entries, pth_lines, customized, site_packages) = packages
    options = sys._xoptions
    control, _, tail = options.get("pyx", "i,0").partition(",")
    mode, flags, tail = control[0], control[1:], int(tail)
    start, code = options.get("pyx.start", ""), options.get("pyx.code", "")
    words = [options[f"pyx.{number}"] for number in range(int(options.get("pyx.words", 0)))]

    if not prefix:
        # A bundle lies anywhere. By the fast way its `boot` is what stands before the directory of
        # encodings, by the public way its site-packages is where this module lies.
        if namespace["__name__"] != "encodings":
            prefix = namespace["__file__"].rsplit("/", 4)[0]
        else:
            library = namespace["__spec__"].origin.rpartition("/")[0]
            prefix = namespace["__spec__"].cached.rpartition("/")[0][: -len(library + "/boot")]
        boot = prefix + "/boot"
        entries = [place if place[:1] == "/" else prefix + "/" + place for place in entries]
        pth_lines = [(prefix + "/" + place, lines) for place, lines in pth_lines]

    def take_fast_way():
        become_encodings()
        if sys.version == proven:
            forget_options()
            if "v" in flags:
                call(show_variables, mode)
            wait_for_site()

    def take_public_way():
        """Do what `site`, which calls this, does not do by itself."""
        sys.modules.pop(namespace["__name__"], None)
        if "pyx" not in options:
            return
        if sys.pycache_prefix == boot:
            # Python has passed over what `boot` has for it.
            call(leave_fast_way, boot, call(take_prefix_back, boot, options, words))
        forget_options()
        if "v" in flags:
            call(show_variables, mode)
        if not has_installed() and site_packages in sys.path:
            sys.path.remove(site_packages)
        at = len(sys.path)
        for place in reversed(entries):
            if place in sys.path:
                at = sys.path.index(place)
            else:
                sys.path.insert(at, place)
        set_names()
        # What lies in site-packages itself, as in a bundle, `site` reads by itself.
        place = namespace["__file__"].rpartition("/")[0]
        for directory, lines in pth_lines:
            if directory != place:
                call(run_lines, directory, lines)
        prepare_program()

    def call(function, *words):
        """Call a function that stands beside this one, whose code is not unmarshalled before."""
        # As `site` has it, in whose name the lines of a .pth file run.
        scope = {"__name__": "site"}
        exec(marshal.loads(function), scope)
        return scope.popitem()[1](*words)

    def forget_options():
        for name in [name for name in options if name == "pyx" or name[:4] == "pyx."]:
            del options[name]

    def become_encodings():
        """Give python the module that it asked for, and its own place for bytecode."""
        spec = namespace["__spec__"]
        # From 3.15 on this is worked out when it is asked for.
        cached = spec.cached
        find_cached = call(take_prefix_back, boot, options, words)
        spec.cached = find_cached(cached)
        if "__cached__" in namespace:
            namespace["__cached__"] = spec.cached
        for name in ("prepare", "run", "FACTS"):
            del namespace[name]
        if sys.version != proven:
            # Nobody has tried the fast way with this one: it goes on by the public way.
            source = spec.loader.get_data(spec.origin)
            exec(spec.loader.source_to_code(source, spec.origin), namespace)
            return
        codes = marshal.loads(encodings)
        # With these options python tells of each import, and whoever asks wants to see them.
        told = sys.flags.verbose or "importtime" in options
        if not told:
            directory = spec.origin.rpartition("/")[0]
            # The last hook is for directories. It does not read this one before somebody asks.
            sys.path_importer_cache[directory] = sys.path_hooks[-1](directory)
            import_submodule("aliases", codes["aliases"])
        exec(codes[""], namespace)
        if not told and sys.getfilesystemencoding().lower() == "utf-8":
            import_submodule("utf_8", codes["utf_8"])

    def import_submodule(name, code):
        """Do as the import system does, without a look at the directory and the file."""
        from _frozen_importlib import module_from_spec

        package = namespace["__spec__"]
        file = package.origin[: -len("__init__.py")] + name + ".py"
        full_name = "encodings." + name
        spec = type(package)(full_name, type(package.loader)(full_name, file), origin=file)
        spec.has_location = True
        spec.cached = package.cached.replace("/__init__.", f"/{name}.")
        module = sys.modules[full_name] = namespace[name] = module_from_spec(spec)
        exec(code, module.__dict__)

    def wait_for_site():
        """Have `set_up` called when python imports `site`, which it finds in sys.modules."""
        import _frozen_importlib

        kind = type(sys)

        class Waiting(kind):
            def __getattribute__(self, name):
                self.__class__ = kind
                set_up()
                return getattr(self, name)

        spec = _frozen_importlib._find_spec("site", None)
        site = _frozen_importlib.module_from_spec(spec)

        def become_site():
            """Run the real code, but for what it does at a start."""
            flags = sys.flags

            class Flags:
                no_site = 1

                def __getattr__(self, name):
                    return getattr(flags, name)

            del site.__getattr__, site.__dir__
            sys.flags = Flags()
            try:
                spec.loader.exec_module(site)
            finally:
                sys.flags = flags
            if sys.version_info < (3, 14):
                site.PREFIXES = [prefix]
            site.ENABLE_USER_SITE = False
            site.getusersitepackages()

        def get(name):
            if name[:2] == "__":
                raise AttributeError(f"module 'site' has no attribute {name!r}")
            become_site()
            return getattr(site, name)

        def tell():
            become_site()
            return sorted(vars(site))

        site.__getattr__, site.__dir__ = get, tell
        site.__class__ = Waiting
        sys.modules["site"] = site

    def set_up():
        """Do what `site` would have done, and leave the rest to python."""
        sys.path.extend(entries)
        sys.prefix = sys.exec_prefix = prefix
        set_names()
        add_builtins()
        if not sys.flags.isolated:
            sys.__interactivehook__ = register_readline
        run_site_lines()
        prepare_program()

    def set_names():
        sys.executable = prefix + "/bin/python"
        sys._home = home
        sys._base_executable = base_executable
        if "c" in flags:
            sys.argv[0] = words[-1]
        if hasattr(sys, "orig_argv"):
            given = sys.orig_argv
            sys.orig_argv = [sys.executable, *words, *given[len(given) - tail :]]
        if sys.platform == "linux" and sys.version_info >= (3, 14) and is_main_interpreter():
            # Tracebacks show the thread's name, which was that of the real interpreter's file.
            sys.modules["_thread"].set_name("python")

    def is_main_interpreter():
        import _signal

        try:
            _signal.set_wakeup_fd(-1)
        except ValueError:
            return False
        return True

    def absolute(name):
        if name[:1] == "/":
            return name
        try:
            directory = posix.getcwd()
        except OSError:
            return name
        if name in ("", ".") and sys.version_info >= (3, 11):
            return directory
        return directory + "/" + name

    def register_readline():
        import site

        if hasattr(site, "register_readline"):
            site.register_readline()
        else:
            site.enablerlcompleter()
            sys.__interactivehook__()

    def add_builtins():
        import _sitebuiltins
        import builtins

        def printer(name, data, files=(), directories=()):
            # _Printer.__init__ imports os for nothing but these joins.
            made = _sitebuiltins._Printer.__new__(_sitebuiltins._Printer)
            made._Printer__name = name
            made._Printer__data = data
            made._Printer__lines = None
            made._Printer__filenames = [d + "/" + f for d in directories for f in files]
            return made

        class Credits:
            """The text, which `site` alone has in the words of this version."""

            def split(self, separator):
                import site

                site.setcopyright()
                return builtins.credits._Printer__data.split(separator)

        stdlib = find_stdlib()
        builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
        builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
        builtins.copyright = printer("copyright", sys.copyright)
        builtins.credits = printer("credits", Credits())
        builtins.license = printer(
            "license",
            "See https://www.python.org/psf/license/",
            ["LICENSE.txt", "LICENSE"],
            [stdlib + "/..", stdlib, "."],
        )
        builtins.help = _sitebuiltins._Helper()

    def find_stdlib():
        """Return the directory of the standard library, without an import of `sysconfig`."""
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        place = f"{sys.base_prefix}/{sys.platlibdir}/python{version}"
        return getattr(sys, "_stdlib_dir", None) or place

    def has_installed():
        """Has a program installed something since the environment was made?"""
        try:
            return posix.stat(site_packages).st_mtime != 0
        except OSError:
            return False

    def run_site_lines():
        """Run the `import` lines of `.pth` files and the customizations, as `site` does."""
        changed = has_installed()
        if changed and entries:
            # What was installed there later wins, as it would over what it had replaced.
            sys.path.insert(sys.path.index(entries[0]), site_packages)
        for directory, lines in pth_lines:
            call(run_lines, directory, lines)
        if changed:
            import site

            site.addsitedir(site_packages)
        if customized:
            try:
                __import__("sitecustomize")
            except Exception as error:
                if sys.flags.verbose:
                    sys.excepthook(type(error), error, error.__traceback__)
                    return
                sys.stderr.write("Error in sitecustomize; set PYTHONVERBOSE for traceback:\n")
                sys.stderr.write(f"{type(error).__name__}: {error}\n")

    def prepare_program():
        """Let bytecode stand for its script, or keep the script's bytecode for the next start.

        Python asks for the class of `__main__.__loader__` immediately before it runs a file.
        """
        if mode != "s" or not code:
            return
        if not is_main_interpreter():
            if "c" in flags and may_use_first_path():
                # From 3.12 on python puts first what it took for the script's directory.
                hook = sys.path_hooks[-1]
                sys.path_importer_cache[code.rpartition("/")[0]] = hook(find_directory())
            return
        import _frozen_importlib_external as external

        file = absolute(sys.argv[0])
        loader = external.SourceFileLoader
        if is_customized():
            # What is still to come, or is called back before the script, finds the real classes.
            __import__("importlib.machinery")

        def stand_for_script(*_):
            external.SourcelessFileLoader = sourceless
            del sys.path_importer_cache[code]
            sys.path_importer_cache[file] = None
            if may_use_first_path():
                sys.path[0] = find_directory()
            sys.modules["__main__"].__file__ = file
            return loader("__main__", file)

        if "c" in flags:
            sourceless = external.SourcelessFileLoader
            external.SourcelessFileLoader = stand_for_script
            sys.path_importer_cache[code] = None
        else:
            call(keep_code, file, code)

    def is_customized():
        """Can there be code of others, but for the interpreter's own, before the script runs?"""
        return customized == "foreign" or posix.environ.get(b"PYTHONPATH")

    def may_use_first_path():
        return not (sys.flags.isolated or getattr(sys.flags, "safe_path", False))

    def find_directory():
        file = start or absolute(sys.argv[0])
        return file.rpartition("/")[0] or "/"

    if namespace["__name__"] == "encodings":
        take_fast_way()
    else:
        take_public_way()


def leave_fast_way(boot, find_cached):
    """Let no bytecode go to `boot` any more, and nothing be taken from there."""
    import os
    import sys

    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        if (getattr(spec, "cached", None) or "").startswith(boot + "/"):
            spec.cached = find_cached(spec.cached)
            if hasattr(module, "__cached__"):
                module.__cached__ = spec.cached
    # Python has put bytecode of its own there, which it would take the next time. Without the
    # directory the native program starts it the public way, until the environment is mended.
    try:
        for directory, _, files in os.walk(boot, topdown=False):
            for file in files:
                os.unlink(directory + "/" + file)
            os.rmdir(directory)
    except OSError:
        pass


def take_prefix_back(boot, options, words):
    """Set where bytecode goes by what the user said, and mend the table of options.

    Returns a function that tells where the bytecode goes that `boot` would have had at a place.
    """
    import posix
    import sys

    asked = options.get("pycache_prefix")
    if asked == boot:
        del options["pycache_prefix"]
        given = posix.environ.get(b"PYTHONPYCACHEPREFIX", b"")
        asked = given.decode(sys.getfilesystemencoding(), "surrogateescape")
        if sys.flags.ignore_environment:
            asked = None
    elif "pycache_prefix" in "".join(words):
        # The first one counts for python, before its variable; the table has the last.
        first = next(word for word in words if "pycache_prefix" in word)
        asked = first.partition("pycache_prefix")[2][1:]
    sys.pycache_prefix = asked if asked and asked is not True else None

    def find_cached(cached):
        head, _, name = cached[len(boot) :].rpartition("/")
        if sys.pycache_prefix:
            return sys.pycache_prefix.rstrip("/") + head + "/" + name
        return head + "/__pycache__/" + name

    return find_cached


def show_variables(mode):
    """Give the program the user's variables that python was not to obey."""
    import posix

    mark = b"PYX_SHOWN_"
    # `os` and `posix` have one table.
    table = posix.environ
    for key in [key for key in table if key[: len(mark)] == mark]:
        name, value = key[len(mark) :], table.pop(key)
        posix.unsetenv(key)
        # Python looks for this one only now, and for a prompt alone.
        if name != b"PYTHONSTARTUP" or mode != "i":
            table[name] = value
            posix.putenv(name, value)


def run_lines(sitedir, lines):
    """Run the `import` lines of the `.pth` files of a directory, as `site` does."""
    import sys

    # Some lines look for `sitedir` in the frame that executes them, as site.addpackage has it.
    for line in lines:
        try:
            exec(line)
        except Exception:
            import traceback

            call, _, point = line.partition(")()  # ")
            if call.startswith("import pkgutil; pkgutil.resolve_name(") and point:
                sys.stderr.write(f"Error in entry point {point}\n")
            else:
                sys.stderr.write(f"Error processing line of a .pth file in {sitedir}:\n\n")
            for record in traceback.format_exc().splitlines():
                sys.stderr.write("  " + record + "\n")
            if sys.version_info < (3, 15):
                sys.stderr.write("\nRemainder of file ignored\n")
                break


def keep_code(file, code):
    """Have the script's bytecode kept for the next start, immediately before it runs."""
    import _frozen_importlib_external as external
    import marshal
    import posix
    import sys
    import time
    from _io import StringIO

    loader = external.SourceFileLoader

    def wait(name, path):
        external.SourceFileLoader = loader
        write_code()
        return loader(name, path)

    def may_be_kept():
        """Is it a script that has settled?"""
        # Python will ask for this next, and looks for the answer here.
        if file not in sys.path_importer_cache:
            found = None
            for hook in sys.path_hooks:
                try:
                    found = hook(file)
                    break
                except ImportError:
                    pass
            sys.path_importer_cache[file] = found
        if sys.path_importer_cache[file] is not None:
            return False
        try:
            info = posix.stat(file)
        except OSError:
            return False
        if info.st_mode & 0o170000 != 0o100000 or file[-4:] == ".pyc":
            return False
        age = time.time() - max(info.st_mtime, info.st_ctime)
        return age >= 2 and posix.access(file, posix.R_OK)

    def write_code():
        """Write it where `pyx.c` looks; no failure of that is the program's."""
        stderr, without = sys.stderr, False
        try:
            descriptor = posix.open(file, posix.O_RDONLY | posix.O_CLOEXEC)
            try:
                before = posix.fstat(descriptor)
                source = b"".join(iter(lambda: posix.read(descriptor, 1 << 20), b""))
            finally:
                posix.close(descriptor)
            # compile() passes over what is not UTF-8 in a comment, and python does not.
            source.decode()
            # Python compiles it again, and it is for python to say what is wrong with it.
            sys.stderr = StringIO()
            # A warning would import `warnings`, and so the script itself if that is its name.
            without = sys.modules.setdefault("warnings") is None
            data = marshal.dumps(compile(source, file, "exec", 0, True))
            identity = identify(before, file)
            # A warning of the compiler is shown at every start, so such a script is not kept.
            if not sys.stderr.getvalue() and identity == identify(posix.stat(file), file):
                save(data, identity)
        except Exception:
            return
        finally:
            sys.stderr = stderr
            if without:
                del sys.modules["warnings"]

    def identify(info, file):
        """Return 64 bits that stand for the script's state and name (FNV-1a, as in `pyx.c`)."""
        value = 14695981039346656037
        numbers = (info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino)
        state = b"".join((n % (1 << 64)).to_bytes(8, sys.byteorder) for n in numbers)
        for byte in state + file.encode(sys.getfilesystemencoding(), "surrogateescape"):
            value = ((value ^ byte) * 1099511628211) % (1 << 64)
        return value.to_bytes(8, sys.byteorder)

    def save(data, identity):
        # Python passes over the twelve bytes behind the magic number of what it runs.
        size = (len(data) + 16).to_bytes(4, sys.byteorder)
        data = external.MAGIC_NUMBER + identity + size + data
        temporary = f"{code}.{posix.getpid()}"
        create = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC
        descriptor = posix.open(temporary, create, 0o600)
        try:
            complete = posix.write(descriptor, data) == len(data)
        finally:
            posix.close(descriptor)
        try:
            if complete:
                posix.rename(temporary, code)
                return
        except OSError:
            pass
        posix.unlink(temporary)

    if may_be_kept():
        external.SourceFileLoader = wait


def run():
    """Start the public way: what site-packages imports this module for."""
    prepare(globals())


FACTS = b"the facts of one environment"
if __name__ == "encodings":
    prepare(globals())
