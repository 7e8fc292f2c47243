"""The first code of every start: make the interpreter what a virtual environment's would be.

Before CPython runs any program it imports `encodings`, even under ``-I -S``, and with
``-X pycache_prefix`` it takes the bytecode for that from where the launcher put this. So all of it
has run, and no frame of it is left, when python itself starts the program, with its own words for
whatever is wrong with it. Nothing of ours stays: no finder, no hook, no module.

This is a template. The launcher has each interpreter compile it once, puts the facts of one
environment in place of FACTS, and stores the result as the environment's `bootstrap.pyc`.

Input: options ``-X pyx=CONTROL``, ``-X pyx.start=…``, ``-X pyx.code=…`` and ``-X pyx.N=WORD``
(launcher/native/RECORD.md), and FACTS, the marshalled tuple that `prepare` unpacks.

Syntax of Python 3.9, builtin modules only, no `from __future__`, and no import that a start can do
without: `os` costs a millisecond, `site` two.
"""


def prepare(namespace):
    import marshal
    import posix
    import sys

    (prefix, home, base_executable, boot, encodings, packages) = marshal.loads(FACTS)
    (entries, pth_lines, imports, site_packages) = packages
    options = sys._xoptions
    control, _, tail = options.pop("pyx").partition(",")
    mode, flags, tail = control[0], control[1:], int(tail)
    start, code = options.pop("pyx.start", ""), options.pop("pyx.code", "")
    words = [options.pop(f"pyx.{number}") for number in range(int(options.pop("pyx.words", 0)))]

    if not prefix:
        # A bundle lies anywhere: its `boot` is what stands before the directory of encodings.
        spec = namespace["__spec__"]
        library, _, _ = spec.origin.rpartition("/")
        boot = spec.cached.rpartition("/")[0][: -len(library)]
        prefix = boot[: -len("/boot")]
        entries = [place if place[:1] == "/" else prefix + "/" + place for place in entries]
        pth_lines = [(prefix + "/" + place, lines) for place, lines in pth_lines]

    def become_encodings():
        """Give python the module that it asked for, and its own place for bytecode."""
        asked = options.get("pycache_prefix")
        if asked == boot:
            del options["pycache_prefix"]
            asked = None
            if "a" in flags:
                given = posix.environ.get(b"PYTHONPYCACHEPREFIX", b"")
                asked = given.decode(sys.getfilesystemencoding(), "surrogateescape")
        elif "pycache_prefix" in "".join(words):
            # The first one counts for python, before its variable; the table has the last.
            first = next(word for word in words if "pycache_prefix" in word)
            asked = first.partition("pycache_prefix")[2][1:]
        sys.pycache_prefix = asked if asked and asked is not True else None
        spec = namespace["__spec__"]
        head, _, name = spec.cached.rpartition("/")
        real = head[len(boot) :] + "/__pycache__/" + name
        if sys.pycache_prefix:
            real = sys.pycache_prefix.rstrip("/") + head[len(boot) :] + "/" + name
        namespace["__cached__"] = spec.cached = real
        del namespace["prepare"], namespace["FACTS"]
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

    def wait_for_streams():
        """Have `set_up` called when python makes the last of its standard streams.

        That is when it would import `site`, and the last moment before the program at which it
        calls anything that can be replaced for the time being.
        """
        import io

        present = [number for number in range(3) if is_open(number)]
        if not present:
            wait_for_use_of(io)
            return
        make = io.TextIOWrapper
        forced, errors = asked_encoding()
        if forced:
            import codecs

            forced = codecs.lookup(forced).name

        def make_stream(buffer, encoding, handler, *rest):
            number = present.pop(0)
            if forced or errors:
                encoding = forced or encoding
                handler = "backslashreplace" if number == 2 else errors or handler
            if not present:
                io.TextIOWrapper = make
            stream = make(buffer, encoding, handler, *rest)
            if not present:
                names = ("stdin", "stdout", "stderr")
                for name in names[number:]:
                    setattr(sys, name, None)
                setattr(sys, names[number], stream)
                set_up()
                if number == 2 and sys.stderr is not stream and hasattr(sys.stderr, "mode"):
                    # What a line of a .pth file has put in its place stays there.
                    stream = sys.stderr
            return stream

        io.TextIOWrapper = make_stream

    def wait_for_use_of(module):
        """Have `set_up` called when python next asks `module` for anything: it makes no stream."""
        kind = type(module)

        class Waiting(kind):
            def __getattribute__(self, name):
                module.__class__ = kind
                sys.stdin = sys.stdout = sys.stderr = None
                set_up()
                return getattr(module, name)

        module.__class__ = Waiting

    def is_open(number):
        try:
            posix.fstat(number)
        except OSError:
            return False
        return True

    def asked_encoding():
        """Return encoding and error handler of PYTHONIOENCODING, which -I keeps from python."""
        asked = posix.environ.get(b"PYTHONIOENCODING")
        if not asked or "E" in flags or "a" in flags:
            return None, None
        encoding, _, errors = asked.decode("ascii", "replace").partition(":")
        # As in CPython's config_init_stdio_encoding: an encoding alone means strict errors.
        return encoding or None, errors or ("strict" if encoding else None)

    def set_up():
        """Do what `site` would have done, and what python does next but not under -I.

        As in python, nothing is imported from the program's directory before it begins.
        """
        if "S" not in flags:
            sys.path.extend(entries)
        set_names()
        if "E" not in flags and "a" not in flags and posix.environ.get(b"PYTHONBREAKPOINT"):
            sys.breakpointhook = break_as_asked
        if "S" not in flags:
            add_builtins()
            set_interactive_hook()
            run_site_lines()
        main = is_main_interpreter()
        if main or sys.version_info >= (3, 12):
            set_first_path()
        if main and mode == "s" and code:
            prepare_script()

    def set_names():
        sys.prefix = sys.exec_prefix = prefix
        # As python has it, PYTHONEXECUTABLE would act even under -I.
        sys.executable = prefix + "/bin/python"
        sys._home = home
        sys._base_executable = base_executable
        if "c" in flags:
            sys.argv[0] = words[-1]
        if hasattr(sys, "orig_argv"):
            given = sys.orig_argv
            sys.orig_argv = [sys.executable, *words, *given[len(given) - tail :]]

    def is_main_interpreter():
        import _signal

        try:
            _signal.set_wakeup_fd(-1)
        except ValueError:
            return False
        return True

    def set_first_path():
        """Put the program's directory first, where -I keeps python from it."""
        if "P" in flags or ("a" in flags and sys.version_info < (3, 11)):
            return
        if mode == "m":
            try:
                directory = posix.getcwd()
            except OSError:
                # Where the working directory is gone python adds nothing either.
                return
            sys.path.insert(0, directory)
        elif mode != "s":
            sys.path.insert(0, "")
        elif "c" in flags or find_importer(absolute(sys.argv[0])) is None:
            # A directory or an archive gets there by python's own hand.
            file = start or absolute(sys.argv[0])
            sys.path.insert(0, file.rpartition("/")[0] or "/")

    def find_importer(file):
        """Ask what python will ask next, and leave the answer where it looks."""
        if file not in sys.path_importer_cache:
            found = None
            for hook in sys.path_hooks:
                try:
                    found = hook(file)
                    break
                except ImportError:
                    pass
            sys.path_importer_cache[file] = found
        return sys.path_importer_cache[file]

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

    def set_interactive_hook():
        # With both letters the user asked for -I, where `site` leaves the hook out.
        hook = None if "E" in flags and "P" in flags else register_readline

        def greet():
            sys.stderr.write(
                'Type "help", "copyright", "credits" or "license" for more information.\n'
            )
            del sys.__interactivehook__
            if hook:
                sys.__interactivehook__ = hook
                hook()

        if hook:
            sys.__interactivehook__ = hook
        if mode == "i" and not sys.flags.quiet and (sys.flags.interactive or posix.isatty(0)):
            # Python leaves this line out under -S, and calls the hook right before the prompt.
            sys.__interactivehook__ = greet

    def register_readline():
        import site

        if hasattr(site, "register_readline"):
            site.register_readline()
        else:
            site.enablerlcompleter()
            sys.__interactivehook__()

    def break_as_asked(*args, **kwargs):
        """Follow PYTHONBREAKPOINT as sys.breakpointhook does (CPython's Python/sysmodule.c)."""
        import os

        wanted = os.environ.get("PYTHONBREAKPOINT") or "pdb.set_trace"
        if wanted == "0":
            return None
        module, _, name = wanted.rpartition(".")
        try:
            hook = getattr(__import__(module or "builtins", None, None, [name]), name)
        except (ImportError, AttributeError, ValueError):
            import warnings

            text = f'Ignoring unimportable $PYTHONBREAKPOINT: "{wanted}"'
            warnings.warn(text, RuntimeWarning, stacklevel=2)
            return None
        return hook(*args, **kwargs)

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

        stdlib = getattr(sys, "_stdlib_dir", None)
        if stdlib is None:
            stdlib = f"{sys.base_prefix}/{sys.platlibdir}/python%d.%d" % sys.version_info[:2]
        builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
        builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
        builtins.copyright = printer("copyright", sys.copyright)
        builtins.credits = printer(
            "credits",
            "    Thanks to CWI, CNRI, BeOpen.com, Zope Corporation and a cast of thousands\n"
            "    for supporting Python development.  See www.python.org for more information.",
        )
        builtins.license = printer(
            "license",
            "See https://www.python.org/psf/license/",
            ["LICENSE.txt", "LICENSE"],
            [stdlib + "/..", stdlib, "."],
        )
        builtins.help = _sitebuiltins._Helper()

    def run_site_lines():
        """Run the `import` lines of `.pth` files and the customizations, as `site` does."""
        try:
            changed = posix.stat(site_packages).st_mtime != 0
        except OSError:
            changed = False
        if not (changed or pth_lines or imports):
            return
        import builtins
        import io

        if changed and entries:
            # What was installed there later wins, as it would over what it had replaced.
            sys.path.insert(sys.path.index(entries[0]), site_packages)
        # Python makes both before it imports `site`.
        builtins.open = io.open
        sys.modules.setdefault("__main__", type(sys)("__main__"))
        for sitedir, lines in pth_lines:
            run_pth_lines(sitedir, lines)
        if changed:
            # A program has installed something there since the environment was made.
            import site

            site.addsitedir(site_packages)
        for name in imports:
            try:
                __import__(name)
            except Exception as error:
                if sys.flags.verbose:
                    sys.excepthook(type(error), error, error.__traceback__)
                    continue
                sys.stderr.write(f"Error in {name}; set PYTHONVERBOSE for traceback:\n")
                sys.stderr.write(f"{type(error).__name__}: {error}\n")

    def run_pth_lines(sitedir, lines):
        # Some lines look for `sitedir` in the frame that executes them, as site.addpackage has it.
        for line in lines:
            try:
                exec(line)
            except Exception:
                import traceback

                sys.stderr.write(f"Error processing line of a .pth file in {sitedir}:\n\n")
                for record in traceback.format_exc().splitlines():
                    sys.stderr.write("  " + record + "\n")
                sys.stderr.write("\nRemainder of file ignored\n")
                break

    def prepare_script():
        """Let bytecode stand for its script, or keep the script's bytecode for the next start.

        Python asks for the class of `__main__.__loader__` immediately before it runs a file.
        """
        import _frozen_importlib_external as external

        file = absolute(sys.argv[0])
        loader = external.SourceFileLoader

        def stand_for_script(*_):
            external.SourcelessFileLoader = sourceless
            del sys.path_importer_cache[code]
            sys.path_importer_cache[file] = None
            sys.modules["__main__"].__file__ = file
            return loader("__main__", file)

        def keep_code(name, path):
            external.SourceFileLoader = loader
            write_code(file)
            return loader(name, path)

        if "c" in flags:
            sourceless = external.SourcelessFileLoader
            external.SourcelessFileLoader = stand_for_script
            sys.path_importer_cache[code] = None
        elif sys.path_importer_cache.get(file) is None and may_be_kept(file):
            external.SourceFileLoader = keep_code

    def may_be_kept(file):
        """Is it a script that has settled?"""
        try:
            info = posix.stat(file)
        except OSError:
            return False
        if info.st_mode & 0o170000 != 0o100000 or file[-4:] == ".pyc":
            return False
        import time

        age = time.time() - max(info.st_mtime, info.st_ctime)
        return age >= 2 and posix.access(file, posix.R_OK)

    def write_code(file):
        """Keep the script's bytecode where `pyx.c` looks; no failure of that is the program's."""
        from _io import StringIO

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
        import _frozen_importlib_external as external

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

    become_encodings()
    wait_for_streams()


FACTS = b"the facts of one environment"
prepare(globals())
