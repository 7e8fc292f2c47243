"""Console scripts: what is written for them, whose they are, and which names are not taken."""

from __future__ import annotations

import ast
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from wheelhouse import make_wheel
from workshop import make_facts, unpack

from pyx_launcher.environment.scripts import write_scripts
from pyx_launcher.store.entry import Entry

MAIN = "import sys\ndef main():\n    print('main', sys.argv[1:])\n    return 3\n"

# Runs a script with one more directory on the path, as an environment would.
RUN = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def entry_with(tmp_path: Path, *names: str, name: str = "pack") -> Entry:
    """Return an entry, known by its facts alone, that has console scripts of these names."""
    facts = make_facts(name=name, scripts=dict.fromkeys(names, "pack:main"))
    return Entry(path=tmp_path / "entry", facts=facts)


@pytest.fixture
def bin_directory(tmp_path: Path) -> Path:
    """Give an empty directory for scripts."""
    directory = tmp_path / "bin"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("together", [False, True], ids=["own", "shared"])
def test_a_console_script_calls_its_function(
    tmp_path: Path,
    wheels: Path,
    bin_directory: Path,
    together: bool,  # noqa: FBT001 -- a case of a table.
) -> None:
    """It runs with its interpreter, and its status is what the function returns."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -E "$@"\n')
    python.chmod(0o755)
    points = {"walk": "platform:machine", "run": "pack:main", "stay": "os:path.basename"}
    wheel = make_wheel(wheels, "pack", "1.0", files={"pack.py": MAIN}, entry_points=points)
    entry = unpack(tmp_path / "store", wheel)
    assert write_scripts(bin_directory, python, [entry], together=together) == []
    told = subprocess.run(
        [python, "-I", "-c", RUN, entry.path, bin_directory / "run", "a b"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.stdout, told.returncode) == ("main ['a b']\n", 3)
    assert stat.S_IMODE((bin_directory / "run").stat().st_mode) & 0o111
    assert (bin_directory / "run").read_bytes().startswith(b"#!" + os.fsencode(python))


def test_scripts_together_are_one_file(tmp_path: Path, bin_directory: Path) -> None:
    """Each name calls what is its own, through links as well; a copy under another name says so."""
    points = {"one": "os:path.basename", "o.n-e": "platform:machine", "on": "os:getcwd"}
    odd = {'o"""ne': "platform:node", "o e": "platform:node"}
    entry = Entry(path=tmp_path, facts=make_facts(scripts=points | odd))
    python = Path(sys.executable)
    assert write_scripts(bin_directory, python, [entry], together=True) == []
    inodes = {path.name: path.stat().st_ino for path in bin_directory.iterdir()}
    assert len({inodes[name] for name in points}) == 1
    assert len(set(inodes.values())) == 1 + len(odd)

    def said(path: Path) -> str:
        return subprocess.run([path], capture_output=True, text=True, check=False).stderr.strip()

    (tmp_path / "link").symlink_to(bin_directory / "o.n-e")
    (tmp_path / "on").symlink_to(tmp_path / "link")
    assert said(bin_directory / "on") == said(tmp_path / "on") == os.getcwd()  # noqa: PTH109
    assert said(bin_directory / "o.n-e") == said(tmp_path / "link") == os.uname().machine
    assert "missing 1 required positional argument" in said(bin_directory / "one")
    assert said(bin_directory / 'o"""ne') == said(bin_directory / "o e") == os.uname().nodename
    shutil.copy2(bin_directory / "one", tmp_path / "two")
    assert said(tmp_path / "two") == (
        f"{tmp_path / 'two'}: the environment that it is from has no script of that name"
    )


def test_scripts_together_give_way_as_others_do(tmp_path: Path, bin_directory: Path) -> None:
    """The later of two distributions wins, whatever kind of script each has."""
    calls = [
        Entry(path=tmp_path / "entry", facts=make_facts(name=name, scripts={"run": call}))
        for name, call in (("one", "os:getcwd"), ("two", "platform:machine"))
    ]
    data = tmp_path / "data" / ".data" / "scripts"
    data.mkdir(parents=True)
    (data / "run").write_text("#!python\nprint('file')\n")
    file = Entry(path=tmp_path / "data", facts=make_facts(name="three", data={"scripts": ["run"]}))
    for entries, expected in ((calls, "platform:machine"), ([*calls, file], "file")):
        write_scripts(bin_directory, Path(sys.executable), entries, together=True)
        assert expected in (bin_directory / "run").read_text()
        assert "os:getcwd" not in (bin_directory / "run").read_text()
    write_scripts(bin_directory, Path(sys.executable), [file, calls[1]], together=True)
    assert "platform:machine" in (bin_directory / "run").read_text()


@pytest.mark.parametrize("name", ["python", "python3", "python3.12", "python3.13t", "pythonw"])
def test_no_script_hides_the_interpreter(tmp_path: Path, bin_directory: Path, name: str) -> None:
    """Such a script is left out, and that is said."""
    (problem,) = write_scripts(bin_directory, tmp_path / "p", [entry_with(tmp_path, name, "run")])
    assert problem.startswith(f"bin/{name}: left out")
    assert [p.name for p in (bin_directory).iterdir()] == ["run"]


@pytest.mark.parametrize(
    "name", ["python-argcomplete-check", "pythonic", "python3-config", "py", "a b", "é"]
)
def test_names_that_only_look_like_it_are_taken(
    tmp_path: Path, bin_directory: Path, name: str
) -> None:
    """A name that no interpreter has is a name like any other."""
    assert write_scripts(bin_directory, tmp_path / "p", [entry_with(tmp_path, name)]) == []
    assert [p.name for p in (bin_directory).iterdir()] == [name]


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", "../x", "/etc/x", "a/b", ".hidden", "a\nb", "a\0b", "a\x1b[2J", "x" * 300],
)
def test_a_name_that_is_no_file_name_is_left_out(
    tmp_path: Path, bin_directory: Path, name: str
) -> None:
    """It harms neither the other scripts nor anything outside the directory."""
    entry = entry_with(tmp_path, "first", name, "last")
    (problem,) = write_scripts(bin_directory, tmp_path / "p", [entry])
    assert "left out, pack 1.0 may not have that name" in problem
    assert sorted([p.name for p in (bin_directory).iterdir()]) == ["first", "last"]


def test_of_two_owners_the_later_wins_and_that_is_said(tmp_path: Path, bin_directory: Path) -> None:
    """As when pip installs one after the other."""
    one, two = (entry_with(tmp_path, "run", name=name) for name in ("one", "two"))
    problems = write_scripts(bin_directory, tmp_path / "p", [one, two])
    assert problems == ["bin/run: two 1.0 wins over one 1.0"]


def test_scripts_of_a_wheel_are_rewritten_or_linked(
    tmp_path: Path, wheels: Path, bin_directory: Path
) -> None:
    """Only `#!python` asks for the interpreter; anything else that is executable is linked."""
    data: dict[str, str | bytes] = {
        "scripts/plain": "#!python\nprint(1)\n",
        "scripts/gui": "#!pythonw -x\r\nprint(2)\n",
        "scripts/shell": "#!/bin/sh\necho 3\n",
        "scripts/binary": b"\x7fELF\xff\n\x00",
        "scripts/empty": "",
        "scripts/folder/below": "x",
    }
    wheel = make_wheel(wheels, "pack", "1.0", data=data, executable=["scripts/shell"])
    entry = unpack(tmp_path / "store", wheel)
    assert write_scripts(bin_directory, tmp_path / "p", [entry]) == []
    first = b"#!" + os.fsencode(tmp_path / "p") + b"\n"
    assert (bin_directory / "plain").read_bytes() == first + b"print(1)\n"
    assert (bin_directory / "gui").read_bytes() == first + b"print(2)\n"
    linked = [path.name for path in bin_directory.iterdir() if path.is_symlink()]
    assert sorted(linked) == ["folder", "shell"]
    # A wheel that was made where files have no such bit leaves it to the installer.
    for name in ("binary", "empty"):
        assert (bin_directory / name).stat().st_mode & 0o777 == 0o755
    assert (bin_directory / "binary").read_bytes() == b"\x7fELF\xff\n\x00"
    assert (bin_directory / "folder" / "below").read_text() == "x"
    assert subprocess.check_output([bin_directory / "shell"]) == b"3\n"


@pytest.mark.parametrize("place", ["a b", "it's", "x" * 120, "new\nline", os.fsdecode(b"\xff")])
def test_a_path_that_no_shebang_can_hold_works(
    tmp_path: Path, wheels: Path, bin_directory: Path, place: str
) -> None:
    """A shell reads what the kernel would cut, and to python the same lines are a string."""
    python = tmp_path / place / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    data = {"scripts/plain": "#!python\nprint('ran')\n"}
    wheel = make_wheel(wheels, "pack", "1.0", data=data, entry_points={"run": "platform:machine"})
    write_scripts(bin_directory, python, [unpack(tmp_path / "store", wheel)])
    assert subprocess.check_output([bin_directory / "plain"]) == b"ran\n"
    ran = subprocess.run([bin_directory / "run"], capture_output=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.decode().strip() == os.uname().machine
    if "\udcff" not in place:
        ast.parse((bin_directory / "run").read_bytes())


def test_a_script_is_never_written_through_a_link(tmp_path: Path, bin_directory: Path) -> None:
    """What lies there under the name is replaced, not followed."""
    (tmp_path / "victim").write_text("mine")
    (bin_directory / "run").symlink_to(tmp_path / "victim")
    write_scripts(bin_directory, tmp_path / "p", [entry_with(tmp_path, "run")])
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (bin_directory / "run").is_symlink()
