"""Locks that are no locks, and values that would leave their place: one error for every format.

Each format's own mistakes are in `test_locks_FORMAT.py`; here are those that all have in common.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from targets import make_interpreter

from pyx_launcher.errors import LockError, StoreError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.common.content import LARGEST, TWO_SIDES
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.selection import select

if TYPE_CHECKING:
    from pathlib import Path

    from installed import Pyx

NAME, VERSION, DIGEST, MARKER = "pure", "1.0", "0123abcd", "os_name == 'posix'"

SECONDS = 1.0
"""Of processor time, for whatever is called a lock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A sound lock of one distribution, and where its parts are."""

    file: str
    text: str
    name: str
    """The place that an error about the name names; the others likewise."""

    version: str
    digest: str
    marker: str
    nonsense: str = "a = [[1, 2], {b = 1}]\n"
    """A line that the language of the format has a meaning for, and the format none."""


FORMATS = {
    "pylock": Format(
        file="pylock.toml",
        text=f"""\
lock-version = "1.0"
created-by = "hand"
[[packages]]
name = "{NAME}"
version = "{VERSION}"
marker = "{MARKER}"
[[packages.wheels]]
url = "https://example.org/pure-1.0-py3-none-any.whl"
hashes = {{ sha256 = "{DIGEST}" }}
""",
        name="packages[0]",
        version="packages[0]",
        digest="packages[0].wheels[0].hashes.sha256",
        marker="packages[0].marker",
    ),
    "uv": Format(
        file="uv.lock",
        text=f"""\
version = 1
[[package]]
name = "sample"
version = "0.1"
source = {{ virtual = "." }}
dependencies = [{{ name = "{NAME}", marker = "{MARKER}" }}]
[[package]]
name = "{NAME}"
version = "{VERSION}"
source = {{ registry = "https://example.org/simple" }}
wheels = [{{ url = "https://example.org/pure-1.0-py3-none-any.whl", hash = "sha256:{DIGEST}" }}]
""",
        name="package[1].name",
        version="package[1].version",
        digest="package[1].wheels[0].hash",
        marker="package[0].dependencies[0].marker",
    ),
    "poetry": Format(
        file="poetry.lock",
        text=f"""\
[[package]]
name = "{NAME}"
version = "{VERSION}"
groups = ["main"]
markers = "{MARKER}"
files = [{{ file = "pure-1.0-py3-none-any.whl", hash = "sha256:{DIGEST}" }}]
[metadata]
lock-version = "2.1"
python-versions = ">=3.9"
""",
        name="package[0].name",
        version="package[0].version",
        digest="package[0].files[0].hash",
        marker="package[0].markers",
    ),
    "pdm": Format(
        file="pdm.lock",
        text=f"""\
[metadata]
lock_version = "4.5.0"
strategy = ["inherit_metadata"]
groups = ["default"]
[[package]]
name = "{NAME}"
version = "{VERSION}"
groups = ["default"]
marker = "{MARKER}"
files = [{{ file = "pure-1.0-py3-none-any.whl", hash = "sha256:{DIGEST}" }}]
""",
        name="package[0].name",
        version="package[0].version",
        digest="package[0].files[0].hash",
        marker="package[0].marker",
    ),
    "pipenv": Format(
        file="Pipfile.lock",
        text=f"""\
{{"_meta": {{"pipfile-spec": 6, "requires": {{}}, "sources": []}}, "default": {{
"{NAME}": {{"version": "=={VERSION}", "markers": "{MARKER}", "hashes": ["sha256:{DIGEST}"]}}
}}}}
""",
        name="default.",
        version="default.pure.version",
        digest="default.pure.hashes[0]",
        marker="default.pure.markers",
        nonsense="[[1, 2], {}],\n",
    ),
    "requirements": Format(
        file="requirements.txt",
        text=f"{NAME}=={VERSION} ; {MARKER} --hash=sha256:{DIGEST}\n",
        name="line 1",
        version="line 1",
        digest="line 1",
        marker="line 1",
        nonsense="what is this\n",
    ),
}

# What becomes the name of a directory in the store.
NAMES = ("../../x", "/etc/passwd", "a/b", "..", "", "-x", "a" * 300, "é", "a b", "x" * 1_000_000)
VERSIONS = ("../../1.0", "1.0/../..", "latest", "", "1." * 200 + "1", "9" * 5000)
# So does the beginning of a digest.
DIGESTS = ("../../../etc", "zz", "", "01/23")
MARKERS = (
    "(" * 500 + MARKER + ")" * 500,
    "os_name",
    "planet == 'mars'",
    "python_full_version < '" + "9" * 5000 + "'",
    "os_name == 'posix' and " * 3,
)

ALL = pytest.mark.parametrize("kind", FORMATS)


def refuse(path: Path) -> LockError:
    """Return the error that a lock is refused with, which has to come soon and be well said."""
    begin = time.process_time()
    with pytest.raises(LockError) as caught:
        select(read_lock(path), make_interpreter("x86_64-manylinux_2_28"), Choice())
    assert time.process_time() - begin < SECONDS
    error = caught.value
    assert error.message.startswith(f"{path}: ")
    assert "\n" not in error.message
    assert len(error.message) < 1000 + len(str(path))
    assert error.hint
    return error


def write(directory: Path, kind: str, old: str, new: str) -> Path:
    """Write the sound lock of a format with something replaced wherever it stands."""
    text = FORMATS[kind].text
    assert old in text
    path = directory / FORMATS[kind].file
    path.write_text(text.replace(old, new))
    return path


@ALL
def test_the_sound_lock(tmp_path: Path, kind: str) -> None:
    """What the others break is read, so that it is their change that is refused."""
    path = write(tmp_path, kind, NAME, NAME)
    chosen = select(read_lock(path), make_interpreter("x86_64-manylinux_2_28"), Choice())
    assert [artifact.label for artifact in chosen.artifacts] == ["pure 1.0"]


@ALL
@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:12]))
def test_name(tmp_path: Path, kind: str, name: str) -> None:
    """A name that is none of a project is refused where it stands, for it names a directory."""
    if kind == "requirements" and name in ("a/b", "../../x", "/etc/passwd", "-x", "a b"):
        pytest.skip("a path or an option there, which have their own tests")
    quoted = f'"{NAME}"' if kind != "requirements" else NAME
    new = quoted.replace(NAME, name)
    error = refuse(write(tmp_path, kind, quoted, new))
    assert (error.where or "").startswith(FORMATS[kind].name)


@ALL
@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: repr(version[:12]))
def test_version(tmp_path: Path, kind: str, version: str) -> None:
    """So is a version that is none, or has more digits than Python reads."""
    if kind == "requirements" and not version:
        pytest.skip("the line then pins nothing, which has its own test")
    mark = f"=={VERSION}" if kind in ("pipenv", "requirements") else f'\nversion = "{VERSION}"'
    error = refuse(write(tmp_path, kind, mark, mark.replace(VERSION, version)))
    assert (error.where or "").startswith(FORMATS[kind].version)


@ALL
@pytest.mark.parametrize("digest", DIGESTS)
def test_digest(tmp_path: Path, kind: str, digest: str) -> None:
    """So is a digest that is not one, with which an entry in the store would lie elsewhere."""
    error = refuse(write(tmp_path, kind, DIGEST, digest))
    assert error.where == FORMATS[kind].digest


@ALL
@pytest.mark.parametrize("marker", MARKERS, ids=["nested", "half", "unknown", "number", "unended"])
def test_marker(tmp_path: Path, kind: str, marker: str) -> None:
    """A marker that cannot be evaluated is refused, be it only for its depth."""
    if "9" * 5000 in marker and not hasattr(sys, "set_int_max_str_digits"):
        pytest.skip("up to 3.10.6 python reads numbers of any length")
    error = refuse(write(tmp_path, kind, MARKER, marker))
    assert error.where == FORMATS[kind].marker


@pytest.mark.parametrize("kind", ["poetry", "pdm"])
@pytest.mark.parametrize(
    "filename",
    [
        "a/../../pure-1.0-py3-none-any.whl",
        "pure-1.0-py3-none-/../.any.whl",
        "pure-1.0-py3-none-any.whl/../../x.whl",
        "pure-1.0-" + "a." * 2000 + "b-none-any.whl",
        "/../../pure-1.0.tar.gz",
    ],
    ids=lambda name: name[:24],
)
def test_filename(tmp_path: Path, kind: str, filename: str) -> None:
    """The name of a file has no directory in it, and no more tags than can be counted.

    The other formats take it from a URL, where it is the last part.
    """
    refuse(write(tmp_path, kind, "pure-1.0-py3-none-any.whl", filename))


@ALL
def test_cut_anywhere(tmp_path: Path, kind: str) -> None:
    """A lock that ends too early is either refused or, at the end of a table, smaller."""
    text = FORMATS[kind].text
    path = tmp_path / FORMATS[kind].file
    refused = 0
    for end in range(len(text)):
        path.write_text(text[:end])
        try:
            select(read_lock(path), make_interpreter("x86_64-manylinux_2_28"), Choice())
        except LockError as error:
            refused += error.message.startswith(f"{path}: ")
    assert refused > len(text) // 4


@ALL
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not text: there is a NUL at byte 8"),
        (b"\xff\xfe\xfd\n", "not UTF-8 at byte 0"),
        (b"<<<<<<< ours\nx = 1\n=======\n>>>>>>> theirs\n", ""),
        (b"[" * 100_000, ""),
        (b"{" * 100_000, ""),
        (b"x = " + b"9" * 5000, ""),
        (b'"', ""),
    ],
    ids=["image", "bytes", "conflict", "brackets", "braces", "digits", "quote"],
)
def test_nonsense(tmp_path: Path, kind: str, content: bytes, problem: str) -> None:
    """What is no lock at all is refused at once."""
    path = tmp_path / FORMATS[kind].file
    path.write_bytes(content)
    assert problem in refuse(path).message


@ALL
def test_a_merge_conflict_is_told_as_one(tmp_path: Path, kind: str) -> None:
    """Whatever the format makes of its marks, and with what resolves it."""
    path = tmp_path / FORMATS[kind].file
    path.write_text("<<<<<<< ours\n\n=======\n\n>>>>>>> theirs\n")
    error = refuse(path)
    assert error.message.startswith(f"{path}: line 1")
    assert error.message.endswith(f": {TWO_SIDES}")
    assert error.hint is not None
    assert "checkout --ours" in error.hint


@ALL
def test_fifty_megabytes(tmp_path: Path, kind: str) -> None:
    """A file that is too large for a lock is not even read."""
    path = tmp_path / FORMATS[kind].file
    with path.open("wb") as file:
        file.truncate(50 << 20)
    assert refuse(path).message == f"{path}: it has 50 MB, and no lock has more than 16 MB"


@ALL
def test_as_much_nonsense_as_is_read(tmp_path: Path, kind: str) -> None:
    """Nonsense of the greatest size takes no longer than a second either."""
    path = tmp_path / FORMATS[kind].file
    line = FORMATS[kind].nonsense
    path.write_text(line * (LARGEST // len(line)))
    refuse(path)


@ALL
def test_escaped_nul(tmp_path: Path, kind: str) -> None:
    """A NUL that is escaped gets no further than one that is not."""
    if kind == "requirements":
        pytest.skip("it has no escapes")
    path = write(tmp_path, kind, MARKER, "a\\u0000b")
    place = FORMATS[kind].marker
    assert refuse(path).message == (
        f"{path}: {place}: holds a NUL or half a character, which no name, path or URL can"
    )


def test_half_a_character(tmp_path: Path) -> None:
    """JSON can write half of a character beyond the first 65,536, which no file name can have."""
    path = write(tmp_path, "pipenv", f'"{MARKER}"', '"\\ud83d"')
    assert "half a character" in refuse(path).message
    path = write(tmp_path, "pipenv", f'"{MARKER}"', "\"os_name != '\\ud83d\\ude00'\"")
    assert read_lock(path).kind == "pipenv"


@ALL
def test_not_a_file(tmp_path: Path, kind: str) -> None:
    """A directory under the name of a lock, or nothing, is an error of its own kind."""
    path = tmp_path / FORMATS[kind].file
    with pytest.raises(StoreError, match=r"cannot read .*: No such file"):
        read_lock(path)
    path.mkdir()
    with pytest.raises(StoreError, match=r"cannot read .*: Is a directory"):
        read_lock(path)


def test_url_that_is_none(tmp_path: Path) -> None:
    """A URL that cannot be split is refused where it stands."""
    for kind in ("pylock", "uv"):
        for url in ("https://[", "https://example.org:port"):
            path = write(tmp_path, kind, "https://example.org/pure", f"{url}/pure")
            assert "URL" in refuse(path).message


def test_files_that_include_one_another_many_times(tmp_path: Path) -> None:
    """Each is read once: sixty that include the next one twice would else take for ever."""
    for number in range(40):
        text = f"-r {number + 1}.txt\n" * 2
        (tmp_path / f"{number}.txt").write_text(text)
    (tmp_path / "40.txt").write_text("pure==1.0 --hash=sha256:00\n")
    path = tmp_path / "requirements.txt"
    path.write_text("-r 0.txt\n")
    chosen = select(read_lock(path), make_interpreter("x86_64-manylinux_2_28"), Choice())
    assert [artifact.label for artifact in chosen.artifacts] == ["pure 1.0"]


def test_files_that_include_one_another_too_deeply(tmp_path: Path) -> None:
    """A chain of includes has an end before Python's stack has one."""
    path = tmp_path / "requirements.txt"
    path.write_text("-r 0.txt\n")
    for number in range(2000):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    with pytest.raises(LockError, match="more than 50 files include one another"):
        read_lock(path)


@pytest.mark.parametrize(
    ("kind", "old", "new", "problem"),
    [
        ("uv", 'source = { virtual = "." }', "source = 1", "package[0].source: expected a table"),
        ("uv", "https://example.org/simple", "https://[", "package[1].source.registry: not a URL"),
        ("uv", "py3-none-any.whl", 'py3\\"-none-any.whl', "package[1].wheels: no wheel or sdist"),
        ("pdm", "pure-1.0-py3-none-any.whl", "a.whl", "package[0].files: no wheel or sdist"),
        ("pdm", "pure-1.0-py3", "pure-1.0+x.whl", "package[0].files: no wheel or sdist"),
        (
            "pipenv",
            '"sources": []',
            '"sources": [{"url": "http://["}]',
            "_meta.sources[0].url:",
        ),
        (
            "pipenv",
            '{"version"',
            '{"file": "https://[/a.whl", "version"',
            "default.pure.file:",
        ),
        ("requirements", f"{NAME}==", "-r file://[\npure==", "line 1: there is no file"),
        ("requirements", f"{NAME}==", f"-r {'a' * 5000}\npure==", "line 1: there is no file"),
        ("requirements", " ; ", f"{' ' * 100_000}x ; ", "not a requirement: "),
        ("requirements", " --hash", f" #{' #' * 50_000}", "line 1: pure==1.0 ; os_name"),
        ("pylock", MARKER, "os_name ~= 'b'", "packages[0].marker: "),
        ("pylock", '"1.0"\ncreated', '"2.0"\ncreated', "lock-version: version 2.0"),
    ],
)
def test_found_by_mutation(tmp_path: Path, kind: str, old: str, new: str, problem: str) -> None:
    """What tests/fuzz/locks.py has found stays an error that says where."""
    assert problem in refuse(write(tmp_path, kind, old, new)).message


def test_groups_that_include_one_another_many_times(tmp_path: Path) -> None:
    """Each is followed once, and not as often as there are ways to it; a circle is told."""
    path = write(tmp_path, "poetry", 'lock-version = "2.1"', 'lock-version = "2.0"')
    groups = [
        f'g{n} = [{{include-group = "g{n + 1}"}}, {{include-group = "g{n + 1}"}}]'
        for n in range(40)
    ]
    text = '[project]\nname = "sample"\n[dependency-groups]\n' + "\n".join(groups)
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(f'{text}\ng40 = ["pure"]\n')
    chosen = select(read_lock(path), make_interpreter("x86_64-manylinux_2_28"), Choice())
    assert [artifact.label for artifact in chosen.artifacts] == ["pure 1.0"]
    pyproject.write_text(f'{text}\ng40 = [{{include-group = "g0"}}]\n')
    with pytest.raises(LockError, match="includes itself"):
        select(read_lock(path), make_interpreter("x86_64-manylinux_2_28"), Choice())


@pytest.mark.parametrize("words", [("sync",), ("-c", "print(1)")], ids=["sync", "run"])
@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("pylock", DIGEST, "../../x"),
        ("uv", f'"{NAME}"', '"../../x"'),
        ("poetry", f'"{VERSION}"', '"latest"'),
        ("pdm", MARKER, "(" * 500),
        ("pipenv", "}", ""),
        ("requirements", "==", ">="),
    ],
)
def test_command(
    pyx: Pyx, tmp_path: Path, words: tuple[str, ...], kind: str, old: str, new: str
) -> None:
    """The command says it in one line, with a hint, and leaves nothing behind."""
    project = tmp_path / "project"
    project.mkdir()
    path = write(project, kind, old, new)
    done = pyx(*words, cwd=project)
    assert (done.returncode, done.stdout) == (65, "")
    problem, hint = done.stderr.splitlines()
    assert problem.startswith(f"pyx: {path}: ")
    assert hint.startswith("pyx: hint: ")
    assert not (tmp_path / "pyx-home" / "store").exists()
