"""Which of several locks is meant: in one directory, and in a member of a workspace."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest
import tomli
from lockcases import LOCKS, environment
from wheelhouse import make_wheel, sha256

from pyx_launcher.cli.invocation import parse_invocation
from pyx_launcher.dirs import Dirs
from pyx_launcher.errors import LockError, UsageError
from pyx_launcher.locks.common.choice import Choice
from pyx_launcher.locks.reader import read_lock
from pyx_launcher.resolve.project import read_project
from pyx_launcher.start.context import Context, find_context, name_preferred

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

PYLOCK = 'lock-version = "1.0"\ncreated-by = "{by}"\npackages = []\n'

UV_LOCK = """\
version = 1
revision = 3
requires-python = ">=3.10"
[[package]]
name = "sample"
version = "0.1.0"
source = {{ virtual = "{place}" }}
"""


PROJECT = '[project]\nname = "sample"\nversion = "0.1.0"\nrequires-python = ">=3.10"\n'


def look(directory: Path, *words: str) -> Context:
    """Return what a start in `directory` obeys."""
    dirs = Dirs(home=directory / "home", cache=directory / "cache")
    return find_context(parse_invocation([*words, "-c", "0"], {}), dirs, directory)


def write(directory: Path, **files: str) -> Path:
    """Write files whose names are given with an underscore for the dot."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("_", ".")).write_text(text)
    return directory


@pytest.mark.parametrize(
    ("tables", "by", "taken", "reason"),
    [
        ("[tool.uv]\n", "hand", "uv.lock", "pyproject.toml has [tool.uv] and it fits the project"),
        ("", "hand", "uv.lock", "it fits the project"),
        ("[tool.pdm]\n", "pdm", "pylock.toml", "pyproject.toml has [tool.pdm]"),
        ("[tool.uv]\n", "uv", "uv.lock", "pyproject.toml has [tool.uv] and it fits the project"),
    ],
)
def test_the_evidence_decides_between_two_locks(
    tmp_path: Path, *, tables: str, by: str, taken: str, reason: str
) -> None:
    """The table of a tool, who wrote a pylock.toml, and which of them fits pyproject.toml."""
    stale = "" if taken == "uv.lock" else 'dependencies = ["plug"]\n'
    write(
        tmp_path,
        pyproject_toml=f"{PROJECT}{stale}{tables}",
        pylock_toml=PYLOCK.format(by=by),
        uv_lock=UV_LOCK.format(place="."),
    )
    found = look(tmp_path)
    other = ({"pylock.toml", "uv.lock"} - {taken}).pop()
    assert found.lock == tmp_path / taken
    assert found.reason == f"nearest lock; {reason}"
    assert found.preference is not None
    assert found.preference.ignored == (tmp_path / other,)


def test_an_old_lock_is_better_than_a_list_of_which_nothing_tells(pyx: Pyx, tmp_path: Path) -> None:
    """An export beside its lock does not take over, unnoticed, once the project is edited."""
    digest = "0" * 64
    write(
        tmp_path,
        pyproject_toml=f'{PROJECT}dependencies = ["plug"]\n',
        uv_lock=UV_LOCK.format(place="."),
        requirements_txt=f"tick==1.0 --hash=sha256:{digest}\n",
        pylock_toml=PYLOCK.format(by="pyx"),
    )
    found = look(tmp_path)
    assert found.lock == tmp_path / "uv.lock"
    assert found.reason == "nearest lock; only it tells what it was made from"
    refused = pyx("--locked", "-c", "pass", cwd=tmp_path)
    assert (refused.returncode, "uv.lock: out of date" in refused.stderr) == (65, True)


def test_without_evidence_the_order_decides(tmp_path: Path) -> None:
    """Two locks of which nothing tells: the one that is looked for first is taken."""
    write(tmp_path, pylock_toml=PYLOCK.format(by="hand"), uv_lock=UV_LOCK.format(place="."))
    found = look(tmp_path)
    assert found.lock == tmp_path / "pylock.toml"
    assert found.reason == "nearest lock; it is looked for first"


def test_a_project_may_name_its_lock(tmp_path: Path) -> None:
    """``[tool.pyx] lock`` settles it, for a name of any kind; one that is not there is an error."""
    write(
        tmp_path,
        pyproject_toml=f'{PROJECT}[tool.pyx]\nlock = "pylock.deploy.toml"\n[tool.uv]\n',
        pylock_toml=PYLOCK.format(by="hand"),
        uv_lock=UV_LOCK.format(place="."),
    )
    with pytest.raises(LockError) as caught:
        look(tmp_path)
    assert caught.value.message == (
        f"{tmp_path}/pyproject.toml: tool.pyx.lock: there is no pylock.deploy.toml beside it"
    )
    (tmp_path / "pylock.deploy.toml").write_text(PYLOCK.format(by="hand"))
    found = look(tmp_path)
    assert found.lock == tmp_path / "pylock.deploy.toml"
    assert found.reason == "nearest lock; [tool.pyx] lock in pyproject.toml"


def test_a_broken_lock_hints_at_the_other(tmp_path: Path) -> None:
    """A preferred lock that cannot be read is not passed over, and the way out is named."""
    write(
        tmp_path,
        pyproject_toml=f"{PROJECT}[tool.uv]\n",
        pylock_toml=PYLOCK.format(by="hand"),
        uv_lock="version = 1\n[[package]]\n",
    )
    with pytest.raises(LockError) as caught:
        look(tmp_path)
    assert caught.value.message.startswith(f"{tmp_path}/uv.lock: package[0]")
    assert str(caught.value.hint).endswith(f"take pylock.toml: --project {tmp_path}/pylock.toml")


@pytest.mark.parametrize("pattern", ["packages/*", "packages/[a-z]"])
def test_a_member_obeys_the_lock_of_its_workspace(tmp_path: Path, pattern: str) -> None:
    """A lock that was left in a member is not used; where the member is excluded, it is."""
    directory = shutil.copytree(LOCKS / "uv" / "workspace", tmp_path / "project")
    text = (directory / "pyproject.toml").read_text()
    (directory / "pyproject.toml").write_text(text.replace('"packages/*"', f'"{pattern}"'))
    member = next(iter(sorted((directory / "packages").iterdir())))
    (member / "uv.lock").write_text(UV_LOCK.format(place="."))
    (member / "src").mkdir(exist_ok=True)
    for start in (member, member / "src"):
        found = look(start)
        assert found.lock == directory / "uv.lock"
        assert found.preference is not None
        assert found.preference.ignored == (member / "uv.lock",)
    place = f'exclude = ["packages/{member.name}"]\n'
    text = (directory / "pyproject.toml").read_text()
    (directory / "pyproject.toml").write_text(
        text.replace("[tool.uv.workspace]\n", f"[tool.uv.workspace]\n{place}")
    )
    assert look(member).lock == member / "uv.lock"


def test_a_member_that_is_named_obeys_the_lock_of_its_workspace(tmp_path: Path) -> None:
    """From anywhere, and as that member; the workspace itself means its own project."""
    directory = shutil.copytree(LOCKS / "uv" / "workspace", tmp_path / "project")
    member = directory / "packages" / "a"
    for start, words in (
        (tmp_path, ["--project", str(member)]),
        (directory, ["--project", str(member)]),
        (directory / "packages" / "b", ["--project", f"{directory}/packages/b/../a"]),
    ):
        found = look(start, *words)
        assert (found.lock, found.project, found.home) == (directory / "uv.lock", member, member)
        assert found.preference is not None
        assert found.preference.ignored == ()
        assert look(member).lock == found.lock
    assert look(member, "--project", str(directory)).project == directory
    # An old lock of its own counts for nothing, by whatever way the member is named.
    (member / "uv.lock").write_text(UV_LOCK.format(place="."))
    for name in (str(member), f"{directory}/packages/b/../a"):
        assert look(tmp_path, "--project", name).lock == directory / "uv.lock"
    outside = write(tmp_path / "outside", pyproject_toml=PROJECT)
    with pytest.raises(UsageError, match="there is no lock in"):
        look(directory, "--project", str(outside))


def test_the_choice_is_said_once_and_remembered(pyx: Pyx, tmp_path: Path) -> None:
    """The first start says which lock is not used; a change of either is noticed."""
    project = write(
        tmp_path / "project",
        pyproject_toml=f"{PROJECT}[tool.uv]\n",
        pylock_toml=PYLOCK.format(by="hand"),
        uv_lock=UV_LOCK.format(place="."),
    )
    first = pyx("-c", "print(1)", cwd=project)
    assert (first.returncode, first.stdout) == (0, "1\n")
    assert first.stderr == (
        f"pyx: takes {project}/uv.lock, not {project}/pylock.toml, since pyproject.toml has "
        "[tool.uv] and it fits the project; `lock` in the table [tool.pyx] chooses one\n"
    )
    again = pyx("-c", "print(2)", cwd=project)
    assert (again.stdout, again.stderr) == ("2\n", "")
    (project / "uv.lock").unlink()
    told = pyx("info", cwd=project)
    assert f"{project}/pylock.toml" in told.stdout


@pytest.mark.parametrize("fits", [True, False])
def test_a_pylock_that_pipenv_made_is_a_copy(tmp_path: Path, *, fits: bool) -> None:
    """Pipfile.lock has its categories, and says whether it fits; the copy never hides that."""
    pipfile = "[packages]\n"
    digest = sha256_of_pipfile(pipfile)
    content = {
        "_meta": {"hash": {"sha256": digest if fits else "0"}, "pipfile-spec": 6, "sources": []},
        "default": {},
    }
    write(tmp_path, Pipfile=pipfile, Pipfile_lock=json.dumps(content))
    write(tmp_path, pylock_toml=PYLOCK.format(by="pipenv"))
    found = look(tmp_path)
    assert found.lock == tmp_path / "Pipfile.lock"
    assert found.preference is not None
    assert found.preference.ignored == (tmp_path / "pylock.toml",)
    # One of another tool is no copy.
    write(tmp_path, pylock_toml=PYLOCK.format(by="uv"), pyproject_toml=f"{PROJECT}[tool.uv]\n")
    assert look(tmp_path).lock == tmp_path / "Pipfile.lock"
    (tmp_path / "Pipfile").unlink()
    assert look(tmp_path).lock == tmp_path / "pylock.toml"


def sha256_of_pipfile(text: str) -> str:
    """Return the hash that Pipenv has for a Pipfile of `text`."""
    data = {"_meta": {"sources": [], "requires": {}}, "default": {}, "develop": {}}
    data.update({k: v for k, v in tomli.loads(text).items() if k != "packages"})
    written = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


HASHED = "{}==1.0 --hash=sha256:00\n"


def test_a_set_of_requirements_files_is_obeyed_together(tmp_path: Path) -> None:
    """``--project`` for each of them, or one array in the project's file, from anywhere below."""
    files = [tmp_path / "requirements" / name for name in ("main.txt", "dev.pip")]
    write(tmp_path / "requirements", main_txt=HASHED.format("a"), dev_pip=HASHED.format("b"))
    words = [word for file in files for word in ("--project", str(file))]
    found = look(tmp_path, *words)
    assert (found.lock, found.more_locks, found.trusted) == (files[0], (files[1],), True)
    names = '["requirements/main.txt", "requirements/dev.pip", "requirements/main.txt"]'
    write(tmp_path, pyproject_toml=f"[tool.pyx]\nlocks = {names}\n", uv_lock="version = 1\n")
    found = look(write(tmp_path / "src"))
    assert (found.lock, found.more_locks, found.trusted) == (files[0], (files[1],), False)
    assert found.preference is not None
    assert found.preference.ignored == (tmp_path / "uv.lock",)
    assert found.reason.endswith("; [tool.pyx] locks in pyproject.toml")
    lock = read_lock(files[0], tmp_path, found.more_locks)
    assert [p.name for p in lock.choose_packages(environment("3.12.1"), Choice()).packages] == [
        "a",
        "b",
    ]


def test_only_requirements_files_are_taken_together(tmp_path: Path) -> None:
    """What pip could not read together either is refused, and so are directories."""
    write(tmp_path, uv_lock="version = 1\n", dev_txt=HASHED.format("b"))
    with pytest.raises(LockError) as told:
        read_lock(tmp_path / "dev.txt", tmp_path, [tmp_path / "uv.lock"])
    assert (
        told.value.message == f"{tmp_path}/uv.lock: only requirements files can be taken together"
    )
    with pytest.raises(UsageError, match="with several --project, each is a requirements file"):
        look(tmp_path, "--project", str(tmp_path), "--project", str(tmp_path / "dev.txt"))
    write(tmp_path, pyproject_toml='[tool.pyx]\nlocks = ["dev.txt", "none.txt"]\n')
    with pytest.raises(LockError, match=r"tool\.pyx\.locks: there is no none\.txt beside it"):
        look(tmp_path)


def test_requirements_that_include_a_lock_are_one(tmp_path: Path) -> None:
    """The hashes may stand in a file that requirements.txt includes, at any depth."""
    write(tmp_path, requirements_txt="-r layers/dev.txt\n")
    write(tmp_path / "layers", dev_txt="--requirement=main.txt\nb\n", main_txt="a\n")
    found = look(tmp_path)
    assert found.lock is None
    included = [tmp_path / "layers" / "dev.txt", tmp_path / "layers" / "main.txt"]
    assert [path for path in found.looked if path in included] == included
    write(tmp_path / "layers", main_txt=HASHED.format("a"))
    assert look(tmp_path).lock == tmp_path / "requirements.txt"


def test_a_start_notices_every_file_of_a_set(
    tmp_path: Path, wheels: Path, index: IndexServer, pyx: Pyx
) -> None:
    """The second start needs no slow path, until one of the files is another."""
    layers = tmp_path / "layers"
    layers.mkdir()
    lines = {}
    for label in ("tick-1.0", "tock-1.0", "tock-2.0"):
        name, version = label.split("-")
        lines[label] = (
            f"{name}=={version} --hash=sha256:{sha256(make_wheel(wheels, name, version))}\n"
        )
    (layers / "main.txt").write_text(lines["tick-1.0"])
    (layers / "dev.txt").write_text("-r main.txt\n" + lines["tock-1.0"])
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pyx]\nlocks = ["layers/main.txt", "layers/dev.txt"]\n'
    )
    code = "import tick, tock; print(tick.__version__, tock.__version__)"
    time.sleep(2.1)
    told = pyx("-c", code, cwd=tmp_path, env={"PYX_INDEX_URL": index.url})
    assert told.stdout == "1.0 1.0\n", told.stderr
    pyx.break_slow_path()
    assert pyx("-c", code, cwd=tmp_path, env={"PYX_INDEX_URL": index.url}).stdout == told.stdout
    pyx.repair_slow_path()
    (layers / "dev.txt").write_text(lines["tock-2.0"])
    told = pyx("-c", code, cwd=tmp_path, env={"PYX_INDEX_URL": index.url})
    assert told.stdout == "1.0 2.0\n", told.stderr
    told = pyx("lock", "--project=a.txt", "--project=b.txt", cwd=tmp_path)
    assert (told.returncode, told.stderr.splitlines()[0]) == (
        64,
        "pyx: only one project can be given",
    )


def test_the_lock_that_a_start_takes_is_the_one_that_is_written(tmp_path: Path) -> None:
    """`pyx lock` and `pyx add` never lock again what nobody obeys, be it broken or not."""
    write(tmp_path, pyproject_toml=f"{PROJECT}[tool.uv]\n", pylock_toml=PYLOCK.format(by="hand"))
    assert read_project(tmp_path, lock_name=name_preferred(tmp_path)).kind == "pylock"
    write(tmp_path, uv_lock=UV_LOCK.format(place="."))
    assert name_preferred(tmp_path) == "uv.lock"
    assert read_project(tmp_path, lock_name="uv.lock").kind == "uv"
    write(tmp_path, uv_lock="<<<<<<<\n")
    assert name_preferred(tmp_path) == "uv.lock"
    write(tmp_path / "pipenv", Pipfile="[packages]\n", pylock_toml=PYLOCK.format(by="pipenv"))
    write(tmp_path / "pipenv", Pipfile_lock="{}")
    name = name_preferred(tmp_path / "pipenv")
    project = read_project(tmp_path / "pipenv", lock_name=name)
    assert (name, project.kind, project.manifest.name) == ("Pipfile.lock", "pipenv", "Pipfile")
