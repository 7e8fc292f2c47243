"""The first code a program runs: make the interpreter what a virtual environment's would be.

This is a template. The launcher has each interpreter compile it once, puts the facts of one
environment in place of FACTS, and stores the result as the environment's `bootstrap.pyc`.

Input: `sys.argv` is ``[bootstrap, CONTROL, START, CODE, *WORDS]`` (launcher/native/RECORD.md):
CONTROL says what WORDS mean, START is the resolved script, CODE the file for its bytecode, and
WORDS are what the user typed for python. FACTS is the marshalled tuple that `prepare` unpacks.
Output: `prepare` returns a call of ``exec`` or of runpy, which the last lines make, so that one
frame of ours lies below the program and its errors.

Syntax of Python 3.9, builtin modules only, no `from __future__` (``exec`` would inherit it), and
no import that a start can do without: `os` costs a millisecond, `site` two.
"""


def prepare():
    import marshal
    import posix
    import sys
    from _functools import partial

    (entries, prefix, home, base_executable, pth_lines, imports) = marshal.loads(FACTS)
    main = sys.modules["__main__"].__dict__
    bootstrap, control, start, cache = sys.argv[:4]
    words = sys.argv[4:]
    mode_and_flags, skip, offset = control.split(",")
    mode, flags = mode_and_flags[0], mode_and_flags[1:]
    skip, offset = int(skip), int(offset)
    started_with = getattr(sys, "orig_argv", None)

    def set_up(first):
        """Do what `site` would have done, and then put `first` before all of sys.path.

        As in python, nothing is imported from there before the program begins.
        """
        if "a" in flags and sys.version_info < (3, 11):
            del sys.path[0]
        if "S" not in flags:
            sys.path.extend(entries)
        sys.path_importer_cache.pop(bootstrap, None)
        set_site()
        if first is not None and "P" not in flags:
            sys.path.insert(0, first)

    def set_site():
        """Do what `site` does besides the path."""
        sys.prefix = sys.exec_prefix = prefix
        # As python has it, PYTHONEXECUTABLE would act even under -I.
        sys.executable = prefix + "/bin/python"
        sys._home = home
        sys._base_executable = base_executable
        if hasattr(sys, "orig_argv"):
            sys.orig_argv = [sys.executable, *words]
        if "E" not in flags:
            obey_variables()
        if "S" in flags:
            return
        add_builtins()

        def register_readline():
            import site

            if hasattr(site, "register_readline"):
                site.register_readline()
            else:
                site.enablerlcompleter()
                sys.__interactivehook__()

        if not ("E" in flags and "P" in flags):
            # That is what -I means, where `site` leaves the hook out.
            sys.__interactivehook__ = register_readline
        for sitedir, lines in pth_lines:
            run_pth_lines(sitedir, lines)
        for name in imports:
            try:
                __import__(name)
            except Exception as error:
                if sys.flags.verbose:
                    sys.excepthook(type(error), error, error.__traceback__)
                    continue
                sys.stderr.write(f"Error in {name}; set PYTHONVERBOSE for traceback:\n")
                sys.stderr.write(f"{type(error).__name__}: {error}\n")

    def obey_variables():
        """Do what the variables ask for that -I dropped and that no option says."""
        encoding = posix.environ.get(b"PYTHONIOENCODING")
        if encoding:
            encoding, _, errors = encoding.decode("ascii", "replace").partition(":")
            if encoding:
                import codecs

                encoding = codecs.lookup(encoding).name
            errors = errors or ("strict" if encoding else None)
            for stream in (sys.stdin, sys.stdout):
                if stream is not None:
                    stream.reconfigure(encoding=encoding or None, errors=errors)
            if sys.stderr is not None:
                sys.stderr.reconfigure(encoding=encoding or None, errors="backslashreplace")
        if posix.environ.get(b"PYTHONBREAKPOINT"):
            sys.breakpointhook = break_as_asked

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

    def forget_ourselves():
        for name in ("prepare", "FACTS"):
            main.pop(name, None)

    def set_main(file, loader):
        """Leave in ``__main__`` exactly what python leaves there before it starts a program."""
        forget_ourselves()
        for name in ("__file__", "__cached__"):
            main.pop(name, None)
        main["__doc__"] = None
        main["__loader__"] = loader
        if file is not None:
            main["__file__"] = file
            if sys.version_info < (3, 15):
                main["__cached__"] = None

    def builtin_importer():
        import _frozen_importlib

        return _frozen_importlib.BuiltinImporter

    def compile_source(source, file):
        return compile(source, file, "exec", 0, True)

    def run_source(source, file, descriptor):
        """Return what runs `source`, which was read from `descriptor`, and whether that warns."""
        from _io import StringIO

        # A failure is told by python itself, and the compiler's warnings again with it.
        stderr, sys.stderr = sys.stderr, StringIO()
        try:
            if python_would_not_read(source):
                raise SyntaxError
            code = compile_source(source, file)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            sys.stderr = stderr
            let_python_say(source, file, descriptor)
            # It fails again below, where no frame of ours is in its traceback.
            return partial(compile, source, file, "exec", 0, True), True
        warnings, sys.stderr = sys.stderr.getvalue(), stderr
        if warnings and stderr is not None:
            stderr.write(warnings)
        return partial(exec, code, main), bool(warnings)

    def python_would_not_read(source):
        """Is there, in a comment for example, what is not UTF-8, which compile() would let pass?"""
        if source.isascii():
            return False
        try:
            source.decode()
        except UnicodeDecodeError:
            # No comment of the first two lines may name another encoding.
            return b"coding" not in b"".join(source.split(b"\n", 2)[:2])
        return False

    def let_python_say(source, file, descriptor):
        """Become a python that reads `file` itself, for nothing of it has run and nothing can.

        Its own reader of files has words for some defects of a file that compile() has not.
        """
        if sys.flags.inspect or sys.excepthook is not sys.__excepthook__:
            return
        options = [
            "-I",
            "-S",
            f"-Xutf8={sys.flags.utf8_mode}",
            *("-W" + w for w in sys.warnoptions),
        ]
        if started_with:
            options = started_with[1 : started_with.index(bootstrap)]
        if "x" in flags:
            options.append("-x")
        try:
            if descriptor is not None:
                if not hasattr(posix, "memfd_create"):
                    return
                # What was read is gone from a pipe, so it is given again.
                copy = posix.memfd_create("program")
                posix.write(copy, source)
                posix.lseek(copy, 0, 0)
                posix.dup2(copy, descriptor)
            elif posix.stat(file).st_mode & 0o170000 != 0o100000:
                return
            words = [] if file == "<stdin>" else ["--", file]
            posix.execv(base_executable, [sys.executable, *options, *words])
        except OSError:
            return

    def run_module(name, alter_argv):
        import runpy

        return partial(runpy._run_module_as_main, name, alter_argv)

    def run_command():
        code = words[skip][offset:]
        sys.argv = ["-c", *words[skip + 1 :]]
        set_up("")
        set_main(None, builtin_importer())
        try:
            code.encode()
        except UnicodeEncodeError:
            sys.stderr.write("Unable to decode the command from the command line:\n")
            return partial(code.encode)
        if sys.version_info >= (3, 13):
            keep_lines(code + "\n")
        # Up to 3.9 a cookie counts in a command too, whose bytes are UTF-8 whatever it says.
        return partial(exec, code if sys.version_info >= (3, 10) else code.encode(), main)

    def keep_lines(code):
        """Let tracebacks show the lines of a command, as python does from 3.13 on."""
        import linecache

        by_code = hasattr(linecache, "_interactive_cache")

        def register(frame, event, _):
            # It happens between compilation and start. compile() would give the code object too,
            # at the price of setting up the types of the syntax tree.
            if frame.f_code.co_filename == "<string>":
                sys.setprofile(None)
                linecache._register_code(frame.f_code if by_code else "<string>", code, "<string>")

        sys.setprofile(register)

    def run_standard_input():
        sys.argv = words[skip:] or [""]
        set_up("")
        main["__loader__"] = builtin_importer()
        interactive = posix.isatty(0) or sys.flags.interactive
        if interactive:
            set_main(None, builtin_importer())
            if not sys.flags.quiet:
                sys.stderr.write(f"Python {sys.version} on {sys.platform}\n")
                if "S" not in flags:
                    sys.stderr.write(
                        'Type "help", "copyright", "credits" or "license" for more information.\n'
                    )
            return bool
        source = b"" if sys.stdin is None else read_descriptor(0)
        # Python leaves the loader alone where the program is its standard input.
        set_main("<stdin>", main["__loader__"])
        return run_source(source, "<stdin>", 0)[0]

    def read_descriptor(descriptor):
        parts = []
        while True:
            part = posix.read(descriptor, 1 << 20)
            if not part:
                return b"".join(parts)
            parts.append(part)

    def run_script():
        import _frozen_importlib_external as external

        name = words[skip]
        file = name
        if name[:1] != "/":
            file = make_absolute(name)
        sys.argv = words[skip:]
        code = None
        if cache and not flags_change_code():
            code = read_code(cache_name(), file)
        if code is None:
            importer = find_importer(file)
            if importer is not None:
                # A directory or an archive is run as the module __main__ in it.
                set_up(None)
                forget_ourselves()
                sys.path.insert(0, file)
                return run_module("__main__", False)
        set_up((start or file).rpartition("/")[0] or "/")
        set_main(file, external.SourceFileLoader("__main__", file))
        if code is not None:
            return partial(exec, code, main)
        return run_file(file)

    def make_absolute(name):
        try:
            directory = posix.getcwd()
        except OSError:
            return name
        if name in ("", ".") and sys.version_info >= (3, 11):
            return directory
        return directory + "/" + name

    def find_importer(file):
        for hook in sys.path_hooks:
            try:
                return hook(file)
            except ImportError:
                pass
        return None

    def run_file(file):
        try:
            descriptor = posix.open(file, posix.O_RDONLY | posix.O_CLOEXEC)
        except OSError as error:
            problem = f"[Errno {error.errno}] {error.strerror}"
            sys.stderr.write(f"{sys.executable}: can't open file {file!r}: {problem}\n")
            raise SystemExit(2) from None
        try:
            before = posix.fstat(descriptor)
            source = read_descriptor(descriptor)
        finally:
            posix.close(descriptor)
        import _frozen_importlib_external as external

        if file[-4:] == ".pyc" or source[:2] == external.MAGIC_NUMBER[:2]:
            main["__loader__"] = external.SourcelessFileLoader("__main__", file)
            return partial(exec, load_pyc(source, file), main)
        if "x" in flags:
            # The newline stays, and with it the numbers of the lines.
            source = b"\n" + source.partition(b"\n")[2]
        start, warns = run_source(source, file, None)
        # A warning of the compiler is shown at every start, so such a script is not cached.
        if cache and not warns and not flags_change_code():
            write_code(cache_name(), start.args[0], before, file)
        return start

    def load_pyc(data, file):
        import _frozen_importlib_external as external

        try:
            if data[:4] == external.MAGIC_NUMBER:
                code = marshal.loads(data[16:])
                if type(code) is type(load_pyc.__code__):
                    return code
        except (EOFError, ValueError, TypeError):
            pass
        let_python_say(data, file, None)
        # Raised here, it would have frames of ours in its traceback.
        problem = "code object" if data[:4] == external.MAGIC_NUMBER else "magic number"
        sys.stderr.write(f"RuntimeError: Bad {problem} in .pyc file\n")
        raise SystemExit(1)

    def flags_change_code():
        """Could these options make other code of the script, or let the compiler warn?"""
        return (
            sys.dont_write_bytecode
            or sys.warnoptions
            or "x" in flags
            or "no_debug_ranges" in sys._xoptions
        )

    def cache_name():
        return cache + (f".opt-{sys.flags.optimize}" if sys.flags.optimize else "")

    def identity(info):
        # The times as integers, as floats lose nanoseconds.
        return (info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino)

    def read_code(path, file):
        """Return the script's cached code if it is exactly for the script as it is now."""
        try:
            descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NOFOLLOW)
        except OSError:
            return None
        try:
            info = posix.fstat(descriptor)
            if info.st_uid != posix.geteuid() or info.st_mode & 0o022:
                return None
            data = read_descriptor(descriptor)
            script = posix.stat(file)
            (magic, made_for, made_file), code = marshal.loads(data)
        except (OSError, ValueError, EOFError, TypeError):
            return None
        finally:
            posix.close(descriptor)
        if made_for != identity(script) or made_file != file:
            return None
        return code if magic == sys.implementation.cache_tag + sys.version else None

    def write_code(path, code, before, file):
        """Cache the code of a script that has settled."""
        import time

        age = time.time() - max(before.st_mtime, before.st_ctime)
        try:
            if age < 2 or identity(posix.stat(file)) != identity(before):
                return
            magic = sys.implementation.cache_tag + sys.version
            data = marshal.dumps(((magic, identity(before), file), code))
            temporary = f"{path}.{posix.getpid()}"
            flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC
            descriptor = posix.open(temporary, flags, 0o600)
            try:
                complete = posix.write(descriptor, data) == len(data)
            finally:
                posix.close(descriptor)
            if complete:
                posix.rename(temporary, path)
            else:
                posix.unlink(temporary)
        except (OSError, ValueError):
            pass

    if mode == "s":
        return run_script()
    if mode == "c":
        return run_command()
    if mode == "m":
        name = words[skip][offset:]
        sys.argv = ["-m", *words[skip + 1 :]]
        set_up(posix.getcwd())
        set_main(None, main["__loader__"])
        return run_module(name, True)
    return run_standard_input()


FACTS = b"the facts of one environment"
try:
    prepare()()
except BaseException:
    # This frame leaves the traceback. No name may be bound here: the namespace is the program's.
    if __import__("sys").version_info >= (3, 11):
        __import__("sys").exc_info()[1].__traceback__ = (
            __import__("sys").exc_info()[1].__traceback__.tb_next
        )
    elif hasattr(__import__("sys"), "excepthook"):
        # A bare raise would add the frame again, so it goes when the traceback is shown.
        __import__("sys").excepthook = (
            lambda sys, hook: (
                lambda kind, error, trace: (
                    setattr(sys, "excepthook", hook),
                    setattr(sys, "last_traceback", trace.tb_next),
                    setattr(error, "__traceback__", trace.tb_next),
                    hook(kind, error, trace.tb_next),
                )
            )
        )(__import__("sys"), __import__("sys").excepthook)
    raise
