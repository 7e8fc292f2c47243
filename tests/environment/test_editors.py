"""What editors and Jupyter find: the link `.venv`, and kernels."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import make_environ
from installed import PLAIN_PYTHON, Pyx
from wheelhouse import make_wheel, pylock_text

from pyx_launcher.dirs import Dirs
from pyx_launcher.environment.editors import link_environment, unlink_environment
from pyx_launcher.errors import RefusedError

if TYPE_CHECKING:
    from indexserver import IndexServer

TYPED = {"tick/__init__.py": "def size() -> int: ...\n", "tick/py.typed": ""}


BOTH_LAYOUTS = pytest.mark.parametrize("project", [1, 20], ids=["direct", "farm"], indirect=True)
"""For what looks into an environment, or keeps one: it has one package, or links to many."""


@pytest.fixture
def project(
    request: pytest.FixtureRequest, tmp_path: Path, wheels: Path, index: IndexServer
) -> Path:
    """Give a project that locks tick 1.0, which has types, with others where that is asked for."""
    artifacts = [make_wheel(wheels, "tick", "1.0", files=TYPED)]
    count = getattr(request, "param", 1)
    artifacts += [make_wheel(wheels, f"more{n}", "1.0") for n in range(1, count)]
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pylock.toml").write_text(pylock_text(artifacts, index_url=index.url))
    return directory


@BOTH_LAYOUTS
def test_the_link_is_a_virtual_environment(pyx: Pyx, project: Path) -> None:
    """What VS Code and others look for is there: pyvenv.cfg with a version, and bin/python.

    They run that python isolated, with a script of their own, and ask it for its prefix and path.
    """
    told = pyx("env", "--link", cwd=project)
    assert (told.returncode, told.stderr) == (0, "")
    link = project / ".venv"
    target = link.readlink()
    assert told.stdout == f"{link} -> {target}\n"
    config = (link / "pyvenv.cfg").read_text()
    facts = dict(line.split(" = ", 1) for line in config.splitlines())
    ask = project / "ask.py"
    ask.write_text(
        "import json, sys, tick; print(json.dumps([sys.prefix, sys.base_prefix, "
        "'%d.%d.%d' % sys.version_info[:3], tick.__file__]))"
    )
    answer = pyx.run([link / "bin" / "python", "-I", ask], cwd=Path("/"))
    prefix, base, version, file = json.loads(answer.stdout)
    assert (prefix, version) == (str(target), facts["version"])
    assert prefix != base
    assert file.endswith("/tick/__init__.py")
    (site_packages,) = link.glob("lib/python3.*/site-packages")
    assert any(site_packages.iterdir())


@BOTH_LAYOUTS
def test_the_link_follows_the_lock(
    pyx: Pyx, project: Path, wheels: Path, index: IndexServer
) -> None:
    """`sync` lets it lead to the new environment; it makes none where nobody asked for one."""
    lock = project / "pylock.toml"
    first = lock.read_text()
    assert ".venv" not in pyx("sync", cwd=project).stdout
    assert not os.path.lexists(project / ".venv")
    pyx("env", "--link", cwd=project)
    before = (project / ".venv").readlink()
    lock.write_text(pylock_text([make_wheel(wheels, "tick", "2.0")], index_url=index.url))
    told = pyx("sync", cwd=project)
    after = (project / ".venv").readlink()
    assert before != after
    assert told.stdout.splitlines()[-1] == f"{project}/.venv -> {after}"
    assert ".venv" not in pyx("sync", cwd=project).stdout
    lock.write_text(first)
    pyx("sync", cwd=project)
    assert (project / ".venv").readlink() == before


def test_what_pyx_did_not_make_stays(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """A real virtual environment, a link to one and a file are refused, and never refreshed."""
    link = project / ".venv"
    other = tmp_path / "other"
    other.mkdir()
    for make in (link.mkdir, lambda: link.symlink_to(other), link.touch):
        make()
        told = pyx("env", "--link", cwd=project)
        assert (told.returncode, told.stdout) == (77, "")
        hint = f"`mv {link} {link}.old`, then `pyx env --link`"
        assert told.stderr.splitlines()[1] == f"pyx: hint: {hint}"
        assert pyx("env", "--unlink", cwd=project).returncode == 77
        before = link.lstat().st_ino
        assert pyx("sync", cwd=project).returncode == 0
        assert link.lstat().st_ino == before
        link.rmdir() if link.is_dir() and not link.is_symlink() else link.unlink()


def test_a_hint_can_be_typed_whatever_the_project_is_called(tmp_path: Path) -> None:
    """A directory with a space in its name is one word of the command, and not two."""
    dirs, project = Dirs(home=tmp_path / "home", cache=tmp_path), tmp_path / "my project"
    link = project / ".venv"
    link.mkdir(parents=True)
    with pytest.raises(RefusedError) as caught:
        link_environment(project, dirs, dirs.environments / "some", again="pyx @a env --link")
    move, again = (caught.value.hint or "").split(", then ")
    assert shlex.split(move.strip("`")) == ["mv", str(link), f"{link}.old"]
    assert again == "`pyx @a env --link`"
    with pytest.raises(RefusedError) as caught:
        unlink_environment(project, dirs)
    assert shlex.split(caught.value.hint or "") == ["rm", "-r", str(link)]


TELL = """
{begin} || exit 9
echo "$VIRTUAL_ENV:$VIRTUAL_ENV_PROMPT"
python -c 'import sys, tick; print(sys.prefix)'
tick
pip install tock
deactivate
echo "after:$VIRTUAL_ENV"
[ "$PATH" = "$before" ] && echo same
"""

TELL_FISH = """
{begin}; or exit 9
echo "$VIRTUAL_ENV:$VIRTUAL_ENV_PROMPT"
python -c 'import sys, tick; print(sys.prefix)'
tick
pip install tock
deactivate
echo "after:$VIRTUAL_ENV"
test "$PATH" = "$before"; and echo same
"""

TELL_CSH = r"""
{begin} || exit 9
echo "${VIRTUAL_ENV}:$VIRTUAL_ENV_PROMPT"
python -c 'import sys, tick; print(sys.prefix)'
tick
pip install tock
deactivate
echo after:$?VIRTUAL_ENV | sed s/0//
if ("$PATH" == "$before") echo same
"""

SHELLS = {
    "bash": TELL.replace("{begin}", "before=$PATH; source .venv/bin/activate"),
    "bash, strict": "set -eu\nVIRTUAL_ENV=\n"
    + TELL.replace("{begin}", "before=$PATH; . .venv/bin/activate")
    .replace('$VIRTUAL_ENV"', '${VIRTUAL_ENV-}"')
    .replace("pip install tock", "pip install tock || true"),
    "bash, elsewhere": TELL.replace("{begin}", "before=$PATH; cd /; . {link}/bin/activate"),
    "bash, inside": TELL.replace("{begin}", "before=$PATH; cd .venv/bin; . ./activate"),
    "zsh": TELL.replace("{begin}", "before=$PATH; source .venv/bin/activate"),
    "zsh, elsewhere": TELL.replace("{begin}", "before=$PATH; cd /; . {link}/bin/activate"),
    "dash": TELL.replace("{begin}", "before=$PATH; . .venv/bin/activate"),
    "fish": TELL_FISH.replace("{begin}", 'set before "$PATH"; source .venv/bin/activate.fish'),
    "fish, elsewhere": TELL_FISH.replace(
        "{begin}", 'set before "$PATH"; cd /; source {link}/bin/activate.fish'
    ),
    "tcsh": TELL_CSH.replace("{begin}", 'set before = "$PATH"; source .venv/bin/activate.csh'),
}


@pytest.fixture(scope="module")
def ticking(
    tmp_path_factory: pytest.TempPathFactory, native: Path, probed: Path
) -> tuple[Pyx, Path]:
    """Give a pyx and a project whose environment, with a program tick, is ready and linked."""
    base = tmp_path_factory.mktemp("ticking")
    program = {"tick.py": "def main():\n    print('tick runs')\n"}
    wheel = make_wheel(base, "tick", "1.0", files=program, entry_points={"tick": "tick:main"})
    project = base / "project"
    project.mkdir()
    (project / "pylock.toml").write_text(pylock_text([wheel]))
    environ = make_environ(base, base / "pyx-home", "http://127.0.0.1:9/simple/", probed)
    pyx = Pyx(base / "installed", native, environ)
    assert pyx("env", "--link", cwd=project).returncode == 0
    return pyx, project


@pytest.fixture
def shared_pyx(ticking: tuple[Pyx, Path]) -> Pyx:
    """Give the pyx whose environment `linked` leads to."""
    return ticking[0]


@pytest.fixture
def linked(ticking: tuple[Pyx, Path], tmp_path: Path) -> Path:
    """Give the link of a project with a blank in its name, which has a program tick."""
    return copy_project(ticking[1], tmp_path / "my project")


def copy_project(project: Path, copy: Path) -> Path:
    """Make a copy of a project, whose link leads where that of the project does; the link."""
    return shutil.copytree(project, copy, symlinks=True) / ".venv"


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a virtual environment, which nobody changes."""
    directory = tmp_path_factory.mktemp("venv") / "other"
    subprocess.run([PLAIN_PYTHON, "-m", "venv", "--without-pip", directory], check=True)
    return directory


@pytest.mark.parametrize("case", SHELLS)
def test_the_environment_can_be_activated(shared_pyx: Pyx, linked: Path, case: str) -> None:
    """By each shell, as a virtual environment can; `VIRTUAL_ENV` is the link.

    What pip is told by habit is answered, rather than done to another python.
    """
    shell = shutil.which(case.partition(",")[0])
    if shell is None:
        pytest.skip(f"no {case} here")
    script = SHELLS[case].replace("{link}", shlex.quote(str(linked)))
    options = ["-f"] if case == "tcsh" else []
    told = shared_pyx.run([shell, *options, "-c", script], cwd=linked.parent)
    assert told.stdout.splitlines() == [
        f"{linked}:my project",
        str(linked.readlink()),
        "tick runs",
        "after:",
        "same",
    ], told.stderr
    assert "pyx: hint: `pyx add tock`" in told.stderr


STATE = 'echo "$PATH|$PS1|${PYTHONHOME-none}|${VIRTUAL_ENV-none}"\n'
STATE_FISH = """
set -q PYTHONHOME; and set home $PYTHONHOME; or set home none
set -q VIRTUAL_ENV; and set env $VIRTUAL_ENV; or set env none
echo (string join : $PATH)"|"(fish_prompt)"|$home|$env"
"""
STATE_CSH = 'echo "$PATH|$prompt|"; env printenv VIRTUAL_ENV\n'
BEGIN = "PS1='> '; export PYTHONHOME=/old\n"
IN_TURN = {
    "bash": (BEGIN, "source {}/bin/activate\n", STATE),
    "zsh": (BEGIN, "source {}/bin/activate\n", STATE),
    "fish": (
        "function fish_prompt; echo -n '> '; end; set -gx PYTHONHOME /old\n",
        "source {}/bin/activate.fish\n",
        STATE_FISH,
    ),
    # CPython's script for it leaves PYTHONHOME alone.
    "tcsh": ("set prompt = '> '\n", "source {}/bin/activate.csh\n", STATE_CSH),
}
"""By shell: how it begins, how it activates, and how it tells what has changed."""


@pytest.mark.parametrize("first", ["venv", "pyx"])
@pytest.mark.parametrize("case", IN_TURN)
def test_it_takes_turns_with_a_virtual_environment(
    shared_pyx: Pyx, linked: Path, venv: Path, case: str, first: str
) -> None:
    """The second replaces the first, whichever that is; one `deactivate` restores everything."""
    shell = shutil.which(case)
    if shell is None:
        pytest.skip(f"no {case} here")
    both = (venv, linked) if first == "venv" else (linked, venv)
    begin, activate, state = IN_TURN[case]
    enter = [activate.format(shlex.quote(str(name))) for name in both]
    script = "echo ---\n".join((begin + state, "".join(enter) + state, "deactivate\n" + state))
    options = ["-f"] if case == "tcsh" else []
    told = shared_pyx.run([shell, *options, "-c", script], cwd=linked.parent)
    before, within, after = told.stdout.split("---\n")
    assert after == before, told.stderr
    path, *_ = before.split("|")
    entered, prompt, others = within.split("|", 2)
    assert entered == f"{both[1]}/bin:{path}"
    assert prompt.count(") ") == 1
    assert prompt.endswith("> ")
    assert str(both[1]) in others
    assert "/old" not in within


PROMPTS = {
    "bash": "PS1='> '; . .venv/bin/activate; printf '%s\n' \"${PS1@P}\"",
    "zsh": "PS1='> '; . .venv/bin/activate; setopt prompt_subst prompt_bang; print -P \"$PS1\"",
    "dash": "PS1='> '; . .venv/bin/activate; printf '%s\n' \"$PS1\"",
    "fish": "function fish_prompt; echo '> '; end; source .venv/bin/activate.fish; fish_prompt",
    "tcsh": "set prompt = '> '; source .venv/bin/activate.csh; echo \"$prompt:q\"",
}


@pytest.mark.parametrize("case", PROMPTS)
def test_a_prompt_runs_nothing_of_a_directory_name(
    ticking: tuple[Pyx, Path], tmp_path: Path, case: str
) -> None:
    """Nothing is expanded either: what means something to any shell is left out of the name."""
    shell = shutil.which(case)
    if shell is None:
        pytest.skip(f"no {case} here")
    pyx, project = ticking
    project = copy_project(project, tmp_path / "é $(echo X)`echo Y`\\u%n!1^a").parent
    options = ["-f"] if case == "tcsh" else []
    told = pyx.run([shell, *options, "-c", PROMPTS[case]], cwd=project)
    assert told.stdout == "(é (echo X)echo Yun1a) > \n", told.stderr


def test_a_shell_that_cannot_tell_the_place_says_so(shared_pyx: Pyx, linked: Path) -> None:
    """It is not led to whatever lies in the working directory, and nothing is left of it."""
    shell = shutil.which("dash")
    if shell is None:
        pytest.skip("no dash here")
    script = f'. {shlex.quote(str(linked))}/bin/activate; echo "$?:$VIRTUAL_ENV"'
    told = shared_pyx.run([shell, "-c", script], cwd=Path("/"))
    assert told.stdout == "1:\n"
    assert "go to the directory of .venv" in told.stderr


def test_the_scripts_of_shells_are_no_programs(shared_pyx: Pyx, linked: Path) -> None:
    """They are written for a link, again where they are gone, and `run` offers none of them."""
    script = linked / "bin" / "activate"
    assert "did you mean" not in shared_pyx("run", "activat", cwd=linked.parent).stderr
    script.unlink()
    assert shared_pyx("sync", cwd=linked.parent).returncode == 0
    assert script.is_file()


def test_the_link_can_be_taken_back(pyx: Pyx, project: Path) -> None:
    """Only the link goes; a second time there is nothing to do."""
    pyx("env", "--link", cwd=project)
    target = (project / ".venv").readlink()
    assert pyx("env", "--unlink", cwd=project).stdout == f"{project}/.venv removed\n"
    assert target.is_dir()
    assert sorted(os.listdir(project)) == ["pylock.toml"]  # noqa: PTH208
    assert pyx("env", "--unlink", cwd=project).stdout == "there was no link\n"


@pytest.mark.parametrize("lock", ["gone", "damaged"])
def test_the_link_can_be_taken_back_without_a_lock(
    pyx: Pyx, project: Path, pyx_home: Path, lock: str
) -> None:
    """From below as well; where another project begins, the link of the one above is not meant."""
    pyx("env", "--link", cwd=project)
    if lock == "gone":
        (project / "pylock.toml").unlink()
    else:
        (project / "pylock.toml").write_text("<<<<<<< ours\n")
    (project / "other").mkdir()
    (project / "other" / "pyproject.toml").touch()
    told = pyx("env", "--unlink", cwd=project / "other")
    assert (told.returncode, told.stdout) == (0, "there was no link\n")
    (project / "other" / "pyproject.toml").unlink()
    told = pyx("env", "--unlink", cwd=project / "other")
    assert (told.returncode, told.stdout, told.stderr) == (0, f"{project}/.venv removed\n", "")
    assert not os.path.lexists(project / ".venv")
    told = pyx("env", "--unlink", cwd=project)
    assert (told.returncode, told.stdout, told.stderr) == (0, "there was no link\n", "")
    (project / ".venv").symlink_to(pyx_home / "environments" / "gone")
    told = pyx("--project", project, "env", "--unlink", cwd=project.parent)
    assert (told.returncode, told.stdout) == (0, f"{project}/.venv removed\n")
    (project / ".venv").mkdir()
    assert pyx("env", "--unlink", cwd=project).returncode == 77


@BOTH_LAYOUTS
def test_gc_keeps_what_a_link_leads_to(pyx: Pyx, project: Path, pyx_home: Path) -> None:
    """However long it is unused; also where the project moved, until the link is gone."""

    def collect() -> int:
        told = pyx("store", "gc", "--keep", "0")
        assert told.returncode == 0, told.stderr
        return int(told.stdout.splitlines()[-1].split()[0])

    def succeeds(directory: Path) -> bool:
        return pyx.run([directory / ".venv/bin/python", "-c", "import tick"]).returncode == 0

    records = pyx_home / "linked"
    pyx("env", "--link", cwd=project)
    assert collect() == 0
    assert succeeds(project)
    moved = project.with_name("moved")
    project.rename(moved)
    assert pyx("sync", cwd=moved).returncode == 0
    assert len(list(records.iterdir())) == 2
    assert collect() == 0
    assert len(list(records.iterdir())) == 1, "the place where it was counts no more"
    assert succeeds(moved)
    assert pyx("env", "--unlink", cwd=moved).returncode == 0
    assert list(records.iterdir()) == []
    assert collect() == 1
    pyx("env", "--link", cwd=moved)
    (moved / ".venv").unlink()
    assert collect() == 1
    pyx("env", "--link", cwd=moved)
    (moved / ".venv").unlink()
    (moved / ".venv").mkdir()
    assert collect() == 1
    assert list(records.iterdir()) == []


def test_the_link_can_be_a_file_that_holds_the_path(
    pyx: Pyx, project: Path, wheels: Path, index: IndexServer
) -> None:
    """As PEP 832 has it: it follows the lock, keeps the environment, and can be taken back."""
    link = project / ".venv"
    told = pyx("env", "--link", "--file", cwd=project)
    assert told.returncode == 0, told.stderr
    assert not link.is_symlink()
    before = Path(link.read_text().removesuffix("\n"))
    assert told.stdout == f"{link} -> {before}\n"
    assert (before / "pyvenv.cfg").is_file()
    pyx("store", "gc", "--keep", "0")
    assert pyx.run([before / "bin/python", "-c", "import tick"]).returncode == 0
    text = pylock_text([make_wheel(wheels, "tick", "2.0")], index_url=index.url)
    (project / "pylock.toml").write_text(text)
    assert pyx("sync", cwd=project).returncode == 0
    assert Path(link.read_text().strip()) != before
    # Without being asked it stays what it is, and the other way round.
    pyx("env", "--link", cwd=project)
    assert link.is_file()
    assert not link.is_symlink()
    assert pyx("env", "--unlink", cwd=project).returncode == 0
    pyx("env", "--link", cwd=project)
    assert link.is_symlink()
    pyx("env", "--link", "--file", cwd=project)
    assert not link.is_symlink()


def test_a_file_of_somebody_else_is_left_alone(pyx: Pyx, project: Path) -> None:
    """A path that leads elsewhere, or none at all, is not pyx's to replace or to remove."""
    for content in ("/usr", "\n", "elsewhere\nmore\n", "x" * 5000):
        (project / ".venv").write_text(content)
        for words in (["--link"], ["--link", "--file"], ["--unlink"]):
            told = pyx("env", *words, cwd=project)
            assert (told.returncode, "is no link of pyx" in told.stderr) == (77, True)
        assert (project / ".venv").read_text() == content
    assert pyx("env", "--file", cwd=project).returncode == 64
    assert pyx("env", "--kernel", "--file", cwd=project).returncode == 64


def test_gc_deletes_what_a_link_led_to_before(
    pyx: Pyx, project: Path, wheels: Path, index: IndexServer
) -> None:
    """A link that leads to another environment now keeps that one alone."""
    pyx("env", "--link", cwd=project)
    before = (project / ".venv").readlink()
    text = pylock_text([make_wheel(wheels, "tick", "2.0")], index_url=index.url)
    (project / "pylock.toml").write_text(text)
    pyx("sync", cwd=project)
    pyx("store", "gc", "--keep", "0")
    assert not before.exists()
    assert (project / ".venv" / "bin" / "python").exists()


def test_without_a_lock_there_is_nothing_to_link(pyx: Pyx, tmp_path: Path) -> None:
    """One line and a hint, and no file is made, in the environment @default neither."""
    before = pyx("env", "--link", cwd=tmp_path)
    default = Path(pyx("env", "create", "default").stdout.split()[-1])
    for told in (
        before,
        pyx("env", "--link", cwd=tmp_path),
        pyx("env", "--kernel", cwd=tmp_path),
    ):
        assert (told.returncode, told.stdout) == (64, "")
        assert "there is no lock" in told.stderr
    assert not os.path.lexists(default / ".venv")
    assert pyx("@default", "env", "--link", cwd=tmp_path).returncode == 0
    assert (default / ".venv").is_symlink()


@BOTH_LAYOUTS
def test_mypy_finds_the_distributions(pyx: Pyx, project: Path) -> None:
    """It asks the python it is given where its packages are, and reads their types."""
    pytest.importorskip("mypy")
    pyx("env", "--link", cwd=project)
    (project / "x.py").write_text("import tick\nreveal_type(tick.size())\n")
    command = [sys.executable, "-m", "mypy", "--python-executable", ".venv/bin/python", "x.py"]
    told = subprocess.run(
        [*command, "--cache-dir", os.devnull, "--config-file", os.devnull],
        cwd=project,
        env=pyx.variables({"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Revealed type is "int"' in told.stdout.replace("builtins.", ""), told


def test_a_kernel_needs_ipykernel(pyx: Pyx, project: Path) -> None:
    """Without it nothing could be started; the hint says how to get it."""
    told = pyx("env", "--kernel", cwd=project)
    assert (told.returncode, told.stdout) == (64, "")
    assert told.stderr.endswith("hint: pyx add ipykernel\n")
    assert pyx("env", "create", "some").returncode == 0
    told = pyx("@some", "env", "--kernel", cwd=project)
    assert told.stderr.endswith("hint: pyx @some add ipykernel\n")


def test_the_name_of_an_environment_stands_before_the_command(pyx: Pyx, project: Path) -> None:
    """Typed behind it, it is told where it goes, if there is one of that name."""
    assert pyx("env", "create", "some").returncode == 0
    for typed, hint in (("some", "pyx @some env --kernel"), ("@some", "pyx @some env --kernel")):
        told = pyx("env", "--kernel", typed, cwd=project)
        assert told.stderr.endswith(f"does not take {typed}\npyx: hint: {hint}\n")
    told = pyx("env", "--link", "none", cwd=project)
    assert told.stderr.endswith("pyx: hint: pyx env --link\n")


def test_a_kernel_of_ipykernels_own_is_told_of_ours(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """It names the environment of today; whether or not another start came before."""
    files = {"ipykernel/__init__.py": "", "ipykernel/__main__.py": "print('installed')"}
    lock = pylock_text([make_wheel(wheels, "ipykernel", "6.0", files=files)], index_url=index.url)
    (tmp_path / "pylock.toml").write_text(lock)
    for _ in range(2):
        told = pyx("-m", "ipykernel", "install", "--user", cwd=tmp_path)
        assert told.stdout == "installed\n"
        assert told.stderr == (
            "pyx: this kernel keeps to the packages of today;"
            " `pyx env --kernel` makes one that follows the lock\n"
        )
    assert pyx("-m", "ipykernel", "--help-all", cwd=tmp_path).stderr == ""


@pytest.mark.parametrize("named", [False, True])
def test_a_kernel_starts_by_the_lock(
    pyx: Pyx, tmp_path: Path, pyx_home: Path, wheels: Path, index: IndexServer, *, named: bool
) -> None:
    """The specification's command runs ipykernel as the lock has it then, from any directory."""
    project = pyx_home / "named" / "science" if named else tmp_path / "Some Project"
    project.mkdir(parents=True)
    files = {"ipykernel_launcher.py": "import sys, tick; print(tick.__version__, sys.argv[1:])"}
    kernel = make_wheel(wheels, "ipykernel", "6.0", files=files)
    for version in ("1.0", "2.0"):
        artifacts = [kernel, make_wheel(wheels, "tick", version)]
        (project / "pylock.toml").write_text(pylock_text(artifacts, index_url=index.url))
        if version == "1.0":
            words = ["@science", "env", "--kernel"] if named else ["env", "--kernel"]
            made = pyx(*words, cwd=tmp_path if named else project)
            assert made.returncode == 0, made.stderr
            directory = Path(made.stdout.strip())
        spec = json.loads((directory / "kernel.json").read_text())
        command = [word.format(connection_file="c.json") for word in spec["argv"]]
        assert pyx.run(command, cwd=Path("/")).stdout == f"{version} ['-f', 'c.json']\n"
    name = "science" if named else "Some Project"
    assert (spec["display_name"], spec["language"]) == (f"{name} (pyx)", "python")
    kernels = Path(pyx.environ["HOME"]) / ".local" / "share" / "jupyter" / "kernels"
    assert directory.parent == kernels
    assert directory.name == f"pyx-{name.lower().replace(' ', '-')}"


def test_a_kernel_goes_with_its_environment(
    pyx: Pyx, tmp_path: Path, pyx_home: Path, wheels: Path, index: IndexServer
) -> None:
    """Only that of the environment itself, and not what somebody has put beside it."""
    kernels = Path(pyx.environ["HOME"]) / ".local" / "share" / "jupyter" / "kernels"
    lock = pylock_text([make_wheel(wheels, "ipykernel", "6.0")], index_url=index.url)
    project = tmp_path / "other"
    project.mkdir()
    (project / "pylock.toml").write_text(lock)
    for name in ("science", "other", "physics"):
        assert pyx("env", "create", name).returncode == 0
        (pyx_home / "named" / name / "pylock.toml").write_text(lock)
        assert pyx(f"@{name}", "env", "--kernel").returncode == 0
    # Notebooks that name a kernel go on with what they had, whatever else has its name.
    for _ in range(2):
        assert pyx("env", "--kernel", cwd=project).stdout == f"{kernels}/pyx-other-2\n"
    spec = json.loads((kernels / "pyx-other-2" / "kernel.json").read_text())
    assert spec["display_name"] == "other-2 (pyx)"
    # It is made again where the project has moved to.
    moved = project.rename(tmp_path / "elsewhere")
    moved = moved.rename((tmp_path / "deep").mkdir() or tmp_path / "deep" / "other")
    assert pyx("env", "--kernel", cwd=moved).stdout == f"{kernels}/pyx-other-2\n"
    (kernels / "pyx-physics" / "logo-64x64.png").touch()
    told = pyx("env", "remove", "science")
    assert told.stdout.endswith(f"\nits kernel removed: {kernels}/pyx-science\n")
    assert not (kernels / "pyx-science").exists()
    assert "kernel removed" in pyx("env", "remove", "other").stdout
    assert not (kernels / "pyx-other").exists()
    assert (kernels / "pyx-other-2" / "kernel.json").is_file()
    assert pyx("env", "remove", "physics").returncode == 0
    assert [path.name for path in (kernels / "pyx-physics").iterdir()] == ["logo-64x64.png"]


def test_a_kernel_gets_what_was_asked_for_and_its_programs(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """Its groups and variables as they were typed; its PATH as under `pyx run`."""
    code = (
        "import os, shutil, subprocess, tick\n"
        "print(shutil.which('tick'), os.environ['GIVEN'], flush=True)\n"
        "subprocess.run('tick; pip list', shell=True)\n"
    )
    artifacts = [
        make_wheel(wheels, "ipykernel", "6.0", files={"ipykernel_launcher.py": code}),
        make_wheel(
            wheels,
            "tick",
            "1.0",
            files={"tick.py": "def main(): print('ticked')"},
            entry_points={"tick": "tick:main"},
        ),
    ]
    text = pylock_text(
        artifacts,
        index_url=index.url,
        markers={"tick": "'more' in dependency_groups"},
        groups=["more"],
    )
    (tmp_path / "pylock.toml").write_text(text)
    (tmp_path / "variables").write_text("GIVEN=yes\n")
    (tmp_path / "python").symlink_to(PLAIN_PYTHON)
    words = ["-G", "more", "env", "--kernel", "--env-file=variables", "--project", "."]
    made = pyx(*words, "--python=./python", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    spec = json.loads(Path(made.stdout.strip(), "kernel.json").read_text())
    told = pyx.run(spec["argv"], cwd=Path("/"))
    program, *said = told.stdout.splitlines()
    assert program.startswith(f"{pyx.environ['PYX_HOME']}/environments/")
    assert (program.split("/bin/")[1], said) == ("tick yes", ["ticked"])
    assert told.stderr == (
        "pyx: pip is not locked here, and no program would see what it installs\n"
        "pyx: hint: `pyx list`, in a named environment `pyx @NAME list`\n"
    )


def test_the_kernel_of_a_project_that_moved_says_so(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """In one line, where Jupyter shows what a kernel says, with how it is made again."""
    project = tmp_path / "before"
    project.mkdir()
    wheel = make_wheel(wheels, "ipykernel", "6.0")
    (project / "pylock.toml").write_text(pylock_text([wheel], index_url=index.url))
    spec = Path(pyx("env", "--kernel", cwd=project).stdout.strip(), "kernel.json")
    project.rename(tmp_path / "after")
    told = pyx.run(json.loads(spec.read_text())["argv"], cwd=tmp_path / "after")
    assert (told.returncode, told.stdout) == (64, "")
    assert told.stderr == (
        f"pyx: there is no project {project}\n"
        "pyx: hint: if it has moved, make its kernel again there: `pyx env --kernel`\n"
    )


def test_kernels_go_where_jupyter_is_told_to_look(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """`JUPYTER_DATA_DIR` wins over the user's data directory."""
    wheel = make_wheel(wheels, "ipykernel", "6.0")
    (tmp_path / "pylock.toml").write_text(pylock_text([wheel], index_url=index.url))
    data = tmp_path / "data"
    told = pyx("env", "--kernel", cwd=tmp_path, env={"JUPYTER_DATA_DIR": str(data)})
    assert Path(told.stdout.strip()).parent == data / "kernels"


def test_a_kernel_outlives_an_upgrade_of_pyx(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """Where PATH leads to this pyx by a link, the link is what the kernel is started by."""
    wheel = make_wheel(wheels, "ipykernel", "6.0")
    (tmp_path / "pylock.toml").write_text(pylock_text([wheel], index_url=index.url))
    link = tmp_path / "bin" / "pyx"
    link.parent.mkdir()
    link.symlink_to(pyx.path)
    path = f"{link.parent}{os.pathsep}{pyx.environ['PATH']}"
    told = pyx("env", "--kernel", cwd=tmp_path, env={"PATH": path})
    spec = json.loads(Path(told.stdout.strip(), "kernel.json").read_text())
    assert spec["argv"][0] == str(link)
