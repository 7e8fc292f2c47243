"""The probe: one JSON object, from every interpreter, the same as that interpreter says itself."""

from __future__ import annotations

import ast
import base64
import json
import marshal
import platform
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from told import ask

from pyx_runtime import probe

PROBE = Path(probe.__file__)


def run_probe(python: Path, *arguments: str | Path) -> dict[str, Any]:
    """Run the probe as the launcher does, and return what it says."""
    answer = subprocess.run(
        [python, "-I", "-S", PROBE, *arguments], capture_output=True, text=True, check=True
    )
    assert answer.stderr == ""
    facts = json.loads(answer.stdout)
    assert isinstance(facts, dict)
    return facts


def test_the_markers_are_those_of_the_interpreter(interpreters: dict[str, Path]) -> None:
    """Every marker has the value that `packaging` finds inside that interpreter."""
    assert interpreters
    for python in interpreters.values():
        told = ask(python)
        facts = run_probe(python)
        assert facts["markers"] == told["markers"]
        assert facts["magic"] == told["magic"]
        assert [facts["prefix"], facts["exec_prefix"]] == told["prefixes"]


def test_the_standard_library_is_the_whole_path(interpreters: dict[str, Path]) -> None:
    """`stdlib` is what `sys.path` is under -I -S: neither site-packages nor the probe's folder."""
    for python in interpreters.values():
        path = subprocess.run(
            [python, "-I", "-S", "-c", "import sys; print(*sys.path, sep='\\n')"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        assert run_probe(python)["stdlib"] == path
        assert str(PROBE.parent) not in path


def test_the_template_is_compiled_by_that_interpreter(
    interpreters: dict[str, Path], tmp_path: Path
) -> None:
    """`pycompile` is code that the interpreter itself loads, named <pyx>, without docstrings."""
    template = tmp_path / "template.py"
    template.write_text('"""Not kept."""\nprint(__doc__, end="")\n', encoding="utf-8")
    load = "import binascii, marshal, sys; code = marshal.loads(binascii.a2b_base64(sys.argv[1])); "
    for python in interpreters.values():
        compiled = run_probe(python, template)["pycompile"]
        said = subprocess.run(
            [python, "-I", "-S", "-c", load + "exec(code); print(code.co_filename)", compiled],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert said == "None<pyx>\n"


def test_encodings_is_where_an_environment_finds_it(interpreters: dict[str, Path]) -> None:
    """File, hash and code of `encodings` are those of the interpreter's own bytecode."""
    ask = (
        "import encodings, importlib.util as u, json, sys\n"
        "source = open(encodings.__file__, 'rb').read()\n"
        "print(json.dumps([encodings.__file__, u.source_hash(source).hex()]))"
    )
    load = (
        "import binascii, marshal, sys; codes = marshal.loads(binascii.a2b_base64(sys.argv[1]))\n"
        "import encodings; space = {'__name__': 'encodings', '__path__': encodings.__path__}\n"
        "exec(codes[''], space); print(codes[''].co_filename, space['search_function'].__code__"
        " == encodings.search_function.__code__)"
    )
    for python in interpreters.values():
        facts = run_probe(python)
        said = subprocess.run([python, "-I", "-S", "-c", ask], capture_output=True, check=True)
        assert [facts["encodings_file"], facts["encodings_hash"]] == json.loads(said.stdout)
        told = subprocess.run(
            [python, "-I", "-S", "-c", load, facts["encodings_codes"]],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert told == f"{facts['encodings_file']} True\n"


def test_without_a_template_nothing_is_compiled() -> None:
    """The template is optional."""
    assert run_probe(Path(sys.executable))["pycompile"] == ""


def test_each_way_of_a_start_has_what_it_needs(
    interpreters: dict[str, Path], tmp_path: Path
) -> None:
    """What one way does is not in the code of the other, nor a function that only it calls."""
    template = tmp_path / "template.py"
    template.write_text(TWO_WAYS, encoding="utf-8")
    load = (
        "import binascii, marshal, sys; space = {'__name__': sys.argv[2]}\n"
        "exec(marshal.loads(binascii.a2b_base64(sys.argv[1])), space)\n"
        "code = space['prepare'].__code__\n"
        "inner = [each.co_name for each in code.co_consts if hasattr(each, 'co_name')]\n"
        "print(space['prepare'](space), sorted(inner))"
    )
    for python in interpreters.values():
        facts = run_probe(python, template)
        for key, name, told in (
            ("pycompile", "encodings", "fast shared ['fast', 'inner', 'shared']\n"),
            ("pycompile_public", "other", "public shared ['public', 'shared']\n"),
        ):
            line = [python, "-I", "-S", "-c", load, facts[key], name]
            said = subprocess.run(line, capture_output=True, text=True, check=True)
            assert said.stdout == told


def test_a_function_that_few_starts_need_is_a_constant_where_it_is_named(
    interpreters: dict[str, Path], tmp_path: Path
) -> None:
    """It is not unmarshalled with the rest of the template, and works when it is executed."""
    template = tmp_path / "template.py"
    template.write_text(SELDOM, encoding="utf-8")
    load = (
        "import binascii, marshal, sys; space = {'__name__': 'encodings'}\n"
        "exec(marshal.loads(binascii.a2b_base64(sys.argv[1])), space)\n"
        "print('other' in space, type(space['prepare']()).__name__, space['run']())"
    )
    for python in interpreters.values():
        line = [python, "-I", "-S", "-c", load, run_probe(python, template)["pycompile"]]
        said = subprocess.run(line, capture_output=True, text=True, check=True)
        assert said.stdout == "False bytes inner of other\n"


def test_a_template_does_not_inherit_the_probes_future(tmp_path: Path) -> None:
    """The `annotations` future of the probe must not change what a template means."""
    template = tmp_path / "template.py"
    template.write_text("def f(x: int): pass\n", encoding="utf-8")
    compiled = base64.b64decode(probe.compile_template(str(template), fast=True))
    code = marshal.loads(compiled)  # noqa: S302 -- the bytes were made on the line above.
    namespace: dict[str, Any] = {}
    exec(code, namespace)  # noqa: S102 -- what the code does is what is tested.
    assert namespace["f"].__annotations__ == {"x": int}


def test_the_probe_keeps_to_the_syntax_of_the_oldest_interpreter() -> None:
    """The probe is read by every interpreter that pyx runs, from 3.9 on."""
    ast.parse(PROBE.read_text(encoding="utf-8"), feature_version=(3, 9))


TWO_WAYS = """\
def prepare(namespace):
    def fast():
        return inner()
    def public():
        return 'public ' + shared()
    def inner():
        return 'fast ' + shared()
    def shared():
        return 'shared'
    def nobody():
        return public()
    if namespace["__name__"] == "encodings":
        return fast()
    else:
        return public()
"""


SELDOM = """\
def prepare():
    return other
def other():
    def inner():
        return 'inner of other'
    return inner()
def run():
    import marshal
    space = {}
    exec(marshal.loads(prepare()), space)
    return space.popitem()[1]()
"""


def elf_header(*, bits: int, order: str, machine: int, flags: int = 0, loader: str = "") -> bytes:
    """Return the beginning of an ELF file, with one program header if it has a `loader`."""
    ident = b"\x7fELF" + bytes([1 if bits == 32 else 2, 1 if order == "<" else 2]) + bytes(10)
    header, entry = ("HHIIIIIHHH", "IIIIIIII") if bits == 32 else ("HHIQQQIHHH", "IIQQQQQQ")
    size, step = 16 + struct.calcsize(order + header), struct.calcsize(order + entry)
    count = 2 if loader else 0
    fields = struct.pack(order + header, 2, machine, 1, 0, size, 0, flags, size, step, count)
    text = loader.encode() + b"\0"
    place = size + 2 * step
    load = (
        (3, place, 0, 0, len(text), 0, 0, 0) if bits == 32 else (3, 0, place, 0, 0, len(text), 0, 0)
    )
    other = struct.pack(order + entry, 1, *[0] * 7)
    return ident + fields + other + struct.pack(order + entry, *load) + text


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_loader_of_an_elf_file(tmp_path: Path, bits: int, order: str) -> None:
    """The loader is read from files of both sizes and both byte orders."""
    binary = tmp_path / "python"
    binary.write_bytes(elf_header(bits=bits, order=order, machine=62, loader="/lib/ld-musl.so.1"))
    assert probe.find_loader(str(binary)) == "/lib/ld-musl.so.1"


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF\x09\x09" + bytes(99)]
)
def test_what_is_no_elf_file_has_no_loader(tmp_path: Path, content: bytes) -> None:
    """A file that cannot be understood is a file without a loader and without an ABI."""
    binary = tmp_path / "python"
    binary.write_bytes(content)
    assert probe.find_loader(str(binary)) == ""
    assert probe.find_32_bit_abi(str(binary)) == ""


@pytest.mark.parametrize(
    ("bits", "machine", "flags", "abi"),
    [
        (32, 3, 0, "i686"),
        (32, 40, 0x05000400, "armhf"),
        (32, 40, 0x05000200, ""),
        (32, 8, 0, ""),
        (64, 62, 0, ""),
    ],
)
def test_the_abi_of_a_32_bit_elf_file(
    tmp_path: Path, bits: int, machine: int, flags: int, abi: str
) -> None:
    """Only x86 and ARM with hard floats are ABIs that 32-bit wheels are built for."""
    binary = tmp_path / "python"
    binary.write_bytes(elf_header(bits=bits, order="<", machine=machine, flags=flags))
    assert probe.find_32_bit_abi(str(binary)) == abi


def write_loader(path: Path, says: str) -> Path:
    """Write a program that says on stderr what a loader would."""
    path.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{says}\nEND\nexit 1\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_musl_tells_its_version(tmp_path: Path) -> None:
    """The loader of musl is run to be asked, and says its version on stderr."""
    says = "musl libc (x86_64)\nVersion 1.2.4\nDynamic Program Loader"
    loader = write_loader(tmp_path / "ld-musl-x86_64.so.1", says)
    assert probe.find_musl(str(loader)) == ("musl", [1, 2])


def test_a_loader_that_is_not_musl(tmp_path: Path) -> None:
    """Whatever else a loader says is no version of musl."""
    loader = write_loader(tmp_path / "ld-musl-x86_64.so.1", "glibc\nVersion 2.36")
    assert probe.find_musl(str(loader)) == ("", [])


@pytest.mark.skipif(platform.system() != "Linux", reason="only Linux has several C libraries")
def test_the_c_library_is_found() -> None:
    """On Linux the C library has a name and a version of two parts."""
    name, version = probe.find_libc(sys.executable)
    assert name in {"glibc", "musl"}
    assert len(version) == 2
