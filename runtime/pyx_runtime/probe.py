"""Tell the facts about the interpreter that runs this file.

Started by the launcher as ``PYTHON -I -S probe.py [TEMPLATE]``, where PYTHON is the real binary
and TEMPLATE a Python source file. Writes one JSON object, ASCII only, to stdout and nothing else;
`facts` describes its keys. Syntax of Python 3.9, standard library only, and never `site`.
"""

from __future__ import annotations

import ast
import binascii
import importlib.util
import json
import marshal
import os
import platform
import re
import struct
import sys
import sysconfig

EI_CLASS_32 = 1
EI_DATA_LITTLE = 1
EM_386 = 3
EM_ARM = 40
PT_INTERP = 3
# The fifth version of the ARM EABI with hard floats: all that armv7l wheels may rely on.
ARM_ABI_MASK = 0xFF000400
ARM_HARD_FLOAT = 0x05000400

# Where a header keeps what is read here: its format, then that of a program header and the
# positions of type, offset and size in it. Byte order is put in front of each.
ELF_LAYOUTS = {1: ("HHIIIIIHHH", "IIIIIIII", (0, 1, 4)), 2: ("HHIQQQIHHH", "IIQQQQQQ", (0, 2, 5))}


def facts(template: str | None) -> dict[str, object]:
    """Return every fact, as values that JSON can hold.

    `markers` is the environment of the dependency specifiers specification, `stdlib` the whole
    `sys.path` of ``-I -S``, `magic` in hexadecimal. `pycompile` is in base64 the marshalled code
    object of what `template` has for the fast way of a start, without its docstrings, or empty;
    `pycompile_public` that for the public way. `build` is `sys.version`. `files` are
    those beside the binary that decide how it starts: its shared library, `encodings`, `site`, and
    the customization, which need not be there. `encodings_file` is the source that an
    environment's python imports `encodings` from, empty if it comes from no file, `encodings_hash`
    its hash as a `.pyc` holds it, in hexadecimal, and `encodings_codes` in base64 the marshalled
    code objects of the package and of its submodules that nearly every start imports, by name.
    `platform` is `sysconfig.get_platform()`; `libc` is the name and version of the C library,
    `elf` the 32-bit ABI of the binary, `mac_version` and `mac_arch` are empty elsewhere than on
    macOS.
    """
    libc, libc_version = find_libc(sys.executable)
    mac_version, mac_arch = find_mac()
    variable = sysconfig.get_config_var
    encodings = find_encodings()
    return {
        "version": platform.python_version(),
        "version_info": list(sys.version_info[:2]),
        "implementation": sys.implementation.name,
        "markers": marker_environment(),
        "stdlib": sys.path,
        "prefix": sys.base_prefix,
        "exec_prefix": sys.base_exec_prefix,
        "cache_tag": sys.implementation.cache_tag or "",
        "magic": importlib.util.MAGIC_NUMBER.hex(),
        "pycompile": compile_template(template, fast=True) if template else "",
        "pycompile_public": compile_template(template, fast=False) if template else "",
        "build": sys.version,
        "files": find_files(encodings),
        "encodings_file": encodings,
        "encodings_hash": hash_source(encodings).hex() if encodings else "",
        "encodings_codes": compile_encodings(encodings) if encodings else "",
        "abiflags": getattr(sys, "abiflags", ""),
        "soabi": variable("SOABI") or "",
        "ext_suffix": variable("EXT_SUFFIX") or "",
        "free_threaded": bool(variable("Py_GIL_DISABLED")),
        "debug": is_debug_build(),
        "platform": sysconfig.get_platform(),
        "system": platform.system(),
        "bits": struct.calcsize("P") * 8,
        "elf": find_32_bit_abi(sys.executable),
        "libc": libc,
        "libc_version": libc_version,
        "mac_version": mac_version,
        "mac_arch": mac_arch,
    }


def marker_environment() -> dict[str, str]:
    """Return the values of every environment marker except `extra` and its like."""
    implementation = sys.implementation.version
    version = ".".join(str(part) for part in implementation[:3])
    if implementation.releaselevel != "final":
        version += f"{implementation.releaselevel[0]}{implementation.serial}"
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": version,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "platform_python_implementation": platform.python_implementation(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def compile_template(path: str, *, fast: bool) -> str:
    """Return in base64 the marshalled code of one way to start: every start reads all of it."""
    tree = OneWay(fast=fast).visit(ast.parse(read_source(path)))
    return binascii.b2a_base64(marshal_tree(tree), newline=False).decode("ascii")


def marshal_tree(tree: ast.Module) -> bytes:
    """Return the marshalled code of a module."""
    return marshal.dumps(compile(tree, "<pyx>", "exec", dont_inherit=True, optimize=2))


class OneWay(ast.NodeTransformer):
    """Decide each `if` that compares with ``"encodings"``, and drop functions nobody then calls.

    A function of the module that `prepare` names becomes a constant there, the marshalled code that
    defines it: to unmarshal what is not called would be a good part of a start.
    """

    def __init__(self, *, fast: bool) -> None:
        self.fast = fast
        self.constants: dict[str, ast.Constant] = {}

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """Leave of the functions those that `prepare` does not name."""
        own = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
        named = find_names([own["prepare"]]) if "prepare" in own else set()
        for name in named & own.keys():
            code = marshal_tree(ast.Module(body=[self.visit(own[name])], type_ignores=[]))
            self.constants[name] = ast.Constant(code)
            node.body.remove(own[name])
        self.generic_visit(node)
        return ast.fix_missing_locations(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put the code of a function in place of its name."""
        return self.constants.get(node.id, node)

    def visit_If(self, node: ast.If) -> object:
        """Leave of the statement what one way does."""
        self.generic_visit(node)
        test = node.test
        if not isinstance(test, ast.Compare) or not is_name_of_package(test.comparators[0]):
            return node
        return node.body if self.fast == isinstance(test.ops[0], ast.Eq) else node.orelse

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Leave those of its functions that it calls, or that these call."""
        self.generic_visit(node)
        own = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
        wanted: set[str] = set()
        new = find_names([each for each in node.body if not isinstance(each, ast.FunctionDef)])
        while new:
            wanted |= new
            new = find_names([own[name] for name in new if name in own]) - wanted
        dropped = {name for name in own if name not in wanted}
        node.body = [each for each in node.body if getattr(each, "name", "") not in dropped]
        return node


def is_name_of_package(node: ast.expr) -> bool:
    """Tell whether an expression is the constant ``"encodings"``."""
    return isinstance(node, ast.Constant) and node.value == "encodings"


def find_names(nodes: list[ast.stmt]) -> set[str]:
    """Return the names that statements use."""
    every = (each for node in nodes for each in ast.walk(node))
    return {each.id for each in every if isinstance(each, ast.Name)}


def compile_encodings(path: str) -> str:
    """Return the marshalled codes, in base64, of `encodings` ("") and what every start imports."""
    codes = {}
    for name in ("", "aliases", "utf_8"):
        file = os.path.join(os.path.dirname(path), f"{name or '__init__'}.py")
        codes[name] = compile(read_source(file), file, "exec", dont_inherit=True, optimize=0)
    return binascii.b2a_base64(marshal.dumps(codes), newline=False).decode("ascii")


def hash_source(path: str) -> bytes:
    """Return the hash of the source file `path`, as a `.pyc` holds it."""
    return importlib.util.source_hash(read_source(path))


def find_files(encodings: str) -> list[str]:
    """Return the files beside the binary that decide how this interpreter starts."""
    library = os.path.dirname(os.__file__)
    found = [os.path.join(library, name) for name in ("site.py", "sitecustomize.py")]
    return [*find_shared_library(), *([encodings] if encodings else []), *found]


def find_shared_library() -> list[str]:
    """Return the shared library that has the interpreter itself, if the binary has not."""
    try:
        with open("/proc/self/maps", "rb") as file:
            maps = file.read()
    except OSError:
        # Where the kernel does not tell, the build does.
        place = sysconfig.get_config_var("LIBDIR") or ""
        shared = os.path.join(place, sysconfig.get_config_var("INSTSONAME") or "")
        return [shared] if sysconfig.get_config_var("Py_ENABLE_SHARED") and place else []
    found = re.findall(rb" (/.*/libpython[^/\n]*)$", maps, re.MULTILINE)
    return [os.fsdecode(name) for name in dict.fromkeys(found)]


def read_source(path: str) -> bytes:
    """Return the bytes of the file `path`."""
    with open(path, "rb") as file:
        return file.read()


def find_encodings() -> str:
    """Return the file that `encodings` comes from where this interpreter serves an environment.

    It finds its library by the `home` of a ``pyvenv.cfg`` then, which may spell it otherwise.
    """
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "pyvenv.cfg"), "w", encoding="utf-8") as file:
            file.write(f"home = {os.path.dirname(sys.executable)}\n")
        answer = subprocess.run(
            [
                os.path.join(directory, "bin", "python"),
                *(
                    "-I",
                    "-S",
                    "-c",
                    "import encodings as e; print(ascii(getattr(e, '__file__', '') or ''))",
                ),
            ],
            executable=sys.executable,
            check=True,
            stdout=subprocess.PIPE,
        )
    found = str(ast.literal_eval(answer.stdout.decode("ascii")))
    return found if found.endswith(".py") and os.path.isfile(found) else ""


def is_debug_build() -> bool:
    """Return whether this build loads extension modules built with ``Py_DEBUG``."""
    configured = sysconfig.get_config_var("Py_DEBUG")
    if configured is None:
        # Windows records no such variable; only a debug build counts references.
        return hasattr(sys, "gettotalrefcount")
    return bool(configured)


def find_libc(executable: str) -> tuple[str, list[int]]:
    """Return ``glibc`` or ``musl`` and its ``[major, minor]``, or two empty values."""
    if platform.system() != "Linux":
        return "", []
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (OSError, ValueError):
        name = ""
    # Patched builds put more behind the minor version, such as "2.20-2014.11".
    found = re.match(r"glibc (\d+)\.(\d+)", name)
    if found:
        return "glibc", [int(found[1]), int(found[2])]
    loader = find_loader(executable)
    return find_musl(loader) if "musl" in loader else ("", [])


def find_musl(loader: str) -> tuple[str, list[int]]:
    """Ask the musl `loader`, which names itself on stderr when it is run by itself."""
    import subprocess

    answer = subprocess.run([loader], check=False, stderr=subprocess.PIPE, text=True).stderr
    found = re.match(r"\s*musl.*\n\s*Version (\d+)\.(\d+)", answer)
    return ("musl", [int(found[1]), int(found[2])]) if found else ("", [])


def find_loader(executable: str) -> str:
    """Return the dynamic loader that the ELF file `executable` asks for, or an empty string."""
    try:
        with open(executable, "rb") as file:
            ident = file.read(16)
            order, (header, entry, (kind, offset, size)) = elf_layout(ident)
            fields = struct.unpack(order + header, file.read(struct.calcsize(order + header)))
            start, step, count = fields[4], fields[8], fields[9]
            for index in range(count):
                file.seek(start + step * index)
                values = struct.unpack(order + entry, file.read(struct.calcsize(order + entry)))
                if values[kind] == PT_INTERP:
                    file.seek(values[offset])
                    return os.fsdecode(file.read(values[size])).strip("\0")
    except (OSError, KeyError, struct.error):
        pass
    return ""


def find_32_bit_abi(executable: str) -> str:
    """Return ``i686`` or ``armhf`` for a 32-bit ELF file of that ABI, else an empty string."""
    try:
        with open(executable, "rb") as file:
            ident = file.read(16)
            order, (header, _, _) = elf_layout(ident)
            fields = struct.unpack(order + header, file.read(struct.calcsize(order + header)))
    except (OSError, KeyError, struct.error):
        return ""
    if ident[4] != EI_CLASS_32 or ident[5] != EI_DATA_LITTLE:
        return ""
    machine, flags = fields[1], fields[6]
    if machine == EM_386:
        return "i686"
    return "armhf" if machine == EM_ARM and flags & ARM_ABI_MASK == ARM_HARD_FLOAT else ""


def elf_layout(ident: bytes) -> tuple[str, tuple[str, str, tuple[int, int, int]]]:
    """Return byte order and layout of an ELF file that begins with `ident`, or raise KeyError."""
    if ident[:4] != b"\x7fELF" or len(ident) < 16:
        raise KeyError(ident)
    return {1: "<", 2: ">"}[ident[5]], ELF_LAYOUTS[ident[4]]


def find_mac() -> tuple[list[int], str]:
    """Return the version of macOS as ``[major, minor]`` and the machine, or two empty values."""
    if platform.system() != "Darwin":
        return [], ""
    version, _, machine = platform.mac_ver()
    if version.startswith("10.16"):
        # A Python built against an old SDK is told 10.16 on every later macOS.
        import subprocess

        version = subprocess.run(
            [sys.executable, "-I", "-S", "-c", "import platform; print(platform.mac_ver()[0])"],
            check=True,
            env={"SYSTEM_VERSION_COMPAT": "0"},
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.strip()
    return [int(part) for part in version.split(".")[:2]], machine


if __name__ == "__main__":
    print(json.dumps(facts(sys.argv[1] if len(sys.argv) > 1 else None)))
