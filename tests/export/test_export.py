"""What `pyx export` writes: each kind is held against the tool that it is for."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import tomli
from installed import PLAIN_PYTHON
from packaging.pylock import Pylock
from wheelhouse import (
    make_sdist,
    make_source_tree,
    make_wheel,
    poetry_lock_text,
    pylock_text,
    sha256,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

    Write = Callable[[Path, Sequence[Path], IndexServer], None]

MARKERS = {"only-elsewhere": "sys_platform == 'nowhere'"}


def write_poetry(directory: Path, artifacts: Sequence[Path], _: IndexServer) -> None:
    """Lock without any URL."""
    (directory / "poetry.lock").write_text(poetry_lock_text(artifacts, markers=MARKERS))


def write_pylock(directory: Path, artifacts: Sequence[Path], index: IndexServer) -> None:
    """Lock with URLs, and with what uv writes of a file besides."""
    text = pylock_text(artifacts, index_url=index.url, markers=MARKERS)
    text = text.replace("size = ", "upload-time = 2026-01-02T03:04:05Z\nsize = ")
    (directory / "pylock.toml").write_text(text)


def write_requirements(directory: Path, artifacts: Sequence[Path], _: IndexServer) -> None:
    """Lock by hashes alone."""
    lines = []
    for artifact in artifacts:
        name, version = artifact.name.split("-")[:2]
        marker = MARKERS.get(name.replace("_", "-"))
        what = f"{name}=={version}" + (f" ; {marker}" if marker else "")
        lines.append(f"{what} --hash=sha256:{sha256(artifact)}\n")
    (directory / "requirements.txt").write_text("".join(lines))


def write_pipfile(directory: Path, artifacts: Sequence[Path], _: IndexServer) -> None:
    """Lock by hashes alone, too."""
    default = {}
    for artifact in artifacts:
        name, version = artifact.name.split("-")[:2]
        name = name.replace("_", "-")
        default[name] = {"hashes": [f"sha256:{sha256(artifact)}"], "version": f"=={version}"}
        if name in MARKERS:
            default[name]["markers"] = MARKERS[name]
    meta = {"hash": {"sha256": "0" * 64}, "pipfile-spec": 6, "requires": {}, "sources": []}
    lock = {"_meta": meta, "default": default, "develop": {}}
    (directory / "Pipfile.lock").write_text(json.dumps(lock))


FORMATS: dict[str, Write] = {
    "poetry.lock": write_poetry,
    "pylock.toml": write_pylock,
    "requirements.txt": write_requirements,
    "Pipfile.lock": write_pipfile,
}


@pytest.fixture
def artifacts(wheels: Path) -> list[Path]:
    """Give what the locks name: a wheel with a program, another, and one for another platform."""
    files = {"tick/__init__.py": "def main():\n    print('tick runs')\n"}
    return [
        make_wheel(
            wheels,
            "tick",
            "1.0",
            files=files,
            entry_points={"tick": "tick:main"},
            requires=["talk"],
        ),
        make_wheel(wheels, "talk", "2.0"),
        make_wheel(wheels, "only-elsewhere", "3.0"),
    ]


@pytest.fixture(params=FORMATS)
def project(
    request: pytest.FixtureRequest, tmp_path: Path, artifacts: list[Path], index: IndexServer
) -> Path:
    """Give a project that has them locked in each format."""
    directory = tmp_path / "project"
    directory.mkdir()
    FORMATS[request.param](directory, artifacts, index)
    return directory


def list_versions(pyx: Pyx, *words: str | Path, cwd: Path) -> dict[str, str]:
    """Return what a start gets."""
    told = pyx(*words, "list", "--json", cwd=cwd)
    assert told.returncode == 0, told.stderr
    return {one["name"]: one["version"] for one in json.loads(told.stdout)}


def test_a_pylock_means_what_the_lock_means(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """It is sound by the specification, and a start under it gets the same from the same index."""
    target = tmp_path / "elsewhere" / "pylock.toml"
    target.parent.mkdir()
    told = pyx("export", "--format", "pylock", "-o", target, cwd=project)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    printed = pyx("export", "--format", "pylock", cwd=project)
    assert printed.stdout == target.read_text()
    lock = Pylock.from_dict(tomli.loads(target.read_text()))
    assert all(package.wheels and package.wheels[0].hashes for package in lock.packages)
    names = [package.name for package in lock.packages]
    if (project / "pylock.toml").exists():
        # What is for other platforms is still in it.
        assert sorted(names) == ["only-elsewhere", "talk", "tick"]
        assert lock.environments is None
    else:
        assert names == ["talk", "tick"]
        assert lock.environments is not None
    started = pyx("-c", "import tick; tick.main()", cwd=target.parent)
    assert (started.stdout, started.stderr) == ("tick runs\n", "")
    assert list_versions(pyx, cwd=target.parent) == list_versions(pyx, cwd=project)


@pytest.mark.oracle
def test_a_pylock_satisfies_uv(pyx: Pyx, project: Path, tmp_path: Path, uv: Path) -> None:
    """Uv installs exactly the same from it."""
    target = tmp_path / "pylock.toml"
    assert pyx("export", "--format", "pylock", "-o", target, cwd=project).returncode == 0
    venv = tmp_path / "venv"
    variables = {"UV_CACHE_DIR": str(tmp_path / "uv-cache"), "VIRTUAL_ENV": str(venv)}
    for words in (
        ("venv", "--quiet", "--python", PLAIN_PYTHON, venv),
        ("pip", "sync", "--preview", "--no-config", target),
    ):
        done = pyx.run([uv, *words], cwd=tmp_path, env=variables)
        assert done.returncode == 0, done.stderr
    there = {path.name for path in venv.glob("lib/python3*/site-packages/*.dist-info")}
    assert there == {"tick-1.0.dist-info", "talk-2.0.dist-info"}


def test_a_script_has_its_own(
    pyx: Pyx, tmp_path: Path, wheels: Path, artifacts: list[Path], index: IndexServer
) -> None:
    """Of a script its own lock is exported, from wherever that is done."""
    project = tmp_path / "project"
    project.mkdir()
    write_pylock(project, artifacts, index)
    newer = make_wheel(wheels, "tick", "2.0")
    (project / "pylock.start.toml").write_text(pylock_text([newer], index_url=index.url))
    (project / "start.py").touch()
    told = pyx("export", "--format", "requirements", project / "start.py", cwd=tmp_path)
    assert (told.stdout.partition(" ")[0], told.stderr) == ("tick==2.0", "")


def test_requirements_satisfy_pip(
    pyx: Pyx, project: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    """Pip installs exactly the same, and insists on the hashes."""
    if subprocess.run([PLAIN_PYTHON, "-m", "pip", "-V"], check=False).returncode:
        pytest.skip("the interpreter has no pip")
    target = tmp_path / "requirements.txt"
    assert pyx("export", "--format", "requirements", "-o", target, cwd=project).returncode == 0
    assert "only-elsewhere" not in target.read_text()
    words = ["install", "--require-hashes", "--no-deps", "--target", str(tmp_path / "site")]
    installed = pyx.run([PLAIN_PYTHON, "-m", "pip", *words, "-r", target], cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr
    there = {path.name for path in (tmp_path / "site").glob("*.dist-info")}
    assert there == {"tick-1.0.dist-info", "talk-2.0.dist-info"}
    wrong = re.sub(r"[0-9a-f]{64}", "0" * 64, target.read_text())
    target.write_text(wrong)
    refused = pyx.run([PLAIN_PYTHON, "-m", "pip", *words, "-r", target], cwd=tmp_path)
    assert refused.returncode != 0


def test_formats_have_the_names_of_other_tools(pyx: Pyx, project: Path) -> None:
    """`-f requirements.txt` is Poetry's and uv's word for the same."""
    for ours, theirs in (("requirements", "requirements.txt"), ("pylock", "pylock.toml")):
        expected = pyx("export", "--format", ours, cwd=project)
        told = pyx("export", "-f", theirs, cwd=project)
        assert (told.returncode, told.stdout) == (0, expected.stdout)
        assert expected.stdout


def test_all_files_of_a_release_are_among_the_hashes(
    pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer
) -> None:
    """Another platform takes another file of the same release."""
    files = [
        make_wheel(wheels, "tick", "1.0"),
        make_wheel(wheels, "tick", "1.0", tag="cp39-none-win_amd64"),
        make_sdist(wheels, "tick", "1.0"),
    ]
    (tmp_path / "pylock.toml").write_text(pylock_text(files, index_url=index.url))
    told = pyx("export", "--format", "requirements", cwd=tmp_path)
    digests = sorted(sha256(file) for file in files)
    hashes = "".join(f" \\\n    --hash=sha256:{digest}" for digest in digests)
    assert told.stdout == f"tick==1.0{hashes}\n"


def test_groups_and_extras_are_chosen(
    pyx: Pyx, tmp_path: Path, artifacts: list[Path], index: IndexServer
) -> None:
    """What a start with these options would get, whatever the lock has besides."""
    text = poetry_lock_text(artifacts[:2], groups={"talk": ["dev"]})
    (tmp_path / "poetry.lock").write_text(text)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.poetry]\npackage-mode = false\n[tool.poetry.group.dev]\noptional = true\n"
    )
    plain = pyx("export", "--format", "requirements", cwd=tmp_path)
    assert re.findall(r"^\w+", plain.stdout, re.MULTILINE) == ["tick"]
    more = pyx("--group", "dev", "export", "--format", "requirements", cwd=tmp_path)
    assert re.findall(r"^\w+", more.stdout, re.MULTILINE) == ["talk", "tick"]


def test_groups_that_poetry_would_leave_out_are_told_of(
    pyx: Pyx, tmp_path: Path, artifacts: list[Path], index: IndexServer
) -> None:
    """An export has what a start has, which is more than that of Poetry."""
    text = poetry_lock_text(artifacts[:2], groups={"talk": ["dev"]})
    (tmp_path / "poetry.lock").write_text(text)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.poetry]\npackage-mode = false\n[tool.poetry.group.dev.dependencies]\ntalk = '*'\n"
    )
    line = "pyx: with dev, as a start has; --no-default-groups leaves that out"
    told = pyx("export", "--format", "requirements", cwd=tmp_path)
    assert line in told.stderr.splitlines()
    assert "talk==" in told.stdout
    told = pyx("export", "--format", "requirements", "--no-default-groups", cwd=tmp_path)
    assert line not in told.stderr
    assert "talk==" not in told.stdout


def test_source_trees_keep_their_place(
    pyx: Pyx, tmp_path: Path, artifacts: list[Path], index: IndexServer
) -> None:
    """A pylock names them from where it lies; requirements say what they leave out."""
    project = tmp_path / "a" / "project"
    make_source_tree(project / "tree", "mine", "0.1")
    text = pylock_text(artifacts, index_url=index.url)
    text += '\n[[packages]]\nname = "mine"\ndirectory = {path = "tree"}\n'
    (project / "pylock.toml").write_text(text)
    target = tmp_path / "b" / "pylock.toml"
    target.parent.mkdir()
    assert pyx("export", "--format", "pylock", "-o", target, cwd=project).returncode == 0
    assert pyx("-c", "import mine", cwd=target.parent).returncode == 0
    lock = Pylock.from_dict(tomli.loads(target.read_text()))
    (tree,) = [p.directory.path for p in lock.packages if p.directory is not None]
    assert tree == "../a/project/tree"
    told = pyx("export", "--format", "requirements", cwd=project)
    assert "mine" not in told.stdout
    assert told.stderr == (
        "pyx: warning: left out, since pip checks hashes of files only: mine (tree)\n"
    )


@pytest.mark.parametrize("kind", ["requirements", "pylock"])
def test_the_project_itself_is_told_of(
    pyx: Pyx, tmp_path: Path, artifacts: list[Path], index: IndexServer, kind: str
) -> None:
    """Where a start has it and what is written has not, pip's command for it is named."""
    project = make_source_tree(tmp_path / "a b", "mine", "0.1")
    FORMATS["poetry.lock"](project, artifacts, index)
    told = pyx("--project", "a b", "export", "--format", kind, cwd=tmp_path)
    assert "mine" not in told.stdout
    line = told.stderr.splitlines()[-1]
    assert line == (
        "pyx: mine itself is left out; `pip install --no-deps './a b'` installs it after the rest"
    )
    command = shlex.split(line.split("`")[1])
    subprocess.run(
        [PLAIN_PYTHON, "-m", *command, "--quiet", "--target", "there"],
        cwd=tmp_path,
        env=pyx.environ,
        check=True,
    )
    assert (tmp_path / "there" / "mine" / "__init__.py").is_file()


def test_a_pylock_that_names_the_project_says_nothing_of_it(
    pyx: Pyx, tmp_path: Path, artifacts: list[Path], index: IndexServer
) -> None:
    """The lock is written as it is, and the project with it."""
    make_source_tree(tmp_path, "mine", "0.1")
    text = pylock_text(artifacts, index_url=index.url)
    text += '\n[[packages]]\nname = "mine"\ndirectory = {path = ".", editable = true}\n'
    (tmp_path / "pylock.toml").write_text(text)
    told = pyx("export", "--format", "pylock", cwd=tmp_path)
    assert 'name = "mine"' in told.stdout
    assert told.stderr == ""


def test_a_virtual_environment_needs_nothing_of_pyx(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """Its scripts, its packages and what tools read of them are there when all else is gone."""
    out = tmp_path / "environment"
    told = pyx("export", "--format", "venv", "-o", "../environment", cwd=project)
    assert told.stderr == ""
    assert re.fullmatch(rf"{out}: 2 packages, for Python 3\.\S+\n", told.stdout)
    for gone in (project, tmp_path / "pyx-home", tmp_path / "pyx-cache", tmp_path / "installed"):
        shutil.rmtree(gone)
    assert sorted(tmp_path.glob(".*")) == []
    code = (
        "import sys, tick, importlib.metadata as m; print(sys.prefix, tick.__file__, "
        "m.distribution('tick').read_text('INSTALLER').strip(), "
        "[str(f) for d in m.distributions() for f in d.files if not f.locate().exists()])"
    )
    prefix, file, installer, missing = subprocess.run(
        [out / "bin" / "python", "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split(maxsplit=3)
    assert (prefix, installer, missing) == (str(out), "pyx", "[]\n")
    assert file.startswith(f"{out}/lib/")
    script = (out / "bin" / "tick").read_text()
    assert script.startswith(f"#!{out}/bin/python\n")
    assert subprocess.check_output([out / "bin" / "tick"], env={}, text=True) == "tick runs\n"
    activated = f'. "{out}/bin/activate" && command -v tick && echo "$VIRTUAL_ENV"'
    shell = subprocess.check_output(["sh", "-c", activated], text=True)
    assert shell == f"{out}/bin/tick\n{out}\n"
    assert all(".new." not in path.read_text(errors="replace") for path in list_texts(out))


def list_texts(directory: Path) -> list[Path]:
    """Return all files below `directory`, bytecode among them."""
    return [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]


def quotes_places(python: str) -> bool:
    """Tell whether an interpreter's `venv` quotes what it writes into scripts for shells."""
    code = "import inspect, sys, venv; sys.exit('shlex' not in inspect.getsource(venv))"
    try:
        return subprocess.run([python, "-I", "-c", code], check=False).returncode == 0
    except OSError:
        return False


def test_the_name_of_a_virtual_environment_is_anything(
    pyx: Pyx, tmp_path: Path, artifacts: list[Path], index: IndexServer
) -> None:
    """What its scripts for shells have to quote names the place where it lies, too."""
    pythons = [path for path in (PLAIN_PYTHON, "/usr/bin/python3") if quotes_places(path)]
    if not pythons:
        pytest.skip("there is no interpreter whose venv quotes: 3.13.1, or a patched older one")
    write_pylock(tmp_path, artifacts, index)
    out = tmp_path / "it's mine'"
    words = ("--python", pythons[0], "export", "--format", "venv", "-o", out)
    told = pyx(*words, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    activated = '. "$1/bin/activate" && command -v tick && tick && echo "$VIRTUAL_ENV"'
    shell = subprocess.check_output(["sh", "-c", activated, "-", out], text=True)
    assert shell == f"{out}/bin/tick\ntick runs\n{out}\n"
    assert all(".new." not in path.read_text(errors="replace") for path in list_texts(out))


def test_pip_manages_it(pyx: Pyx, tmp_path: Path, wheels: Path, index: IndexServer) -> None:
    """Pip lists, checks and uninstalls as if it had installed everything itself."""
    asked = [PLAIN_PYTHON, "-m", "pip", "--python", PLAIN_PYTHON, "-V"]
    if subprocess.run(asked, check=False, capture_output=True).returncode:
        pytest.skip("the interpreter has no pip, or one that knows only its own environment")
    tick = make_wheel(
        wheels,
        "tick",
        "1.0",
        entry_points={"tick": "tick:main"},
        data={
            "scripts/old-tick": "#!python\nprint('old')\n",
            "data/share/tick/more.txt": "more",
            "headers/tick.h": "",
        },
    )
    (tmp_path / "pylock.toml").write_text(pylock_text([tick], index_url=index.url))
    out = tmp_path / "out"
    empty = tmp_path / "empty"
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "pylock.toml").write_text(pylock_text([]) + "packages = []\n")
    for directory, place in ((tmp_path, out), (tmp_path / "none", empty)):
        told = pyx("export", "--format", "venv", "-o", place, cwd=directory)
        assert told.returncode == 0, told.stderr

    def pip(*words: str) -> str:
        command = [PLAIN_PYTHON, "-m", "pip", "--python", out / "bin" / "python", *words]
        done = pyx.run(command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert json.loads(pip("list", "--format", "json")) == [{"name": "tick", "version": "1.0"}]
    assert pip("check") == "No broken requirements found.\n"
    pip("uninstall", "-y", "tick")
    left = {path.relative_to(out) for path in list_texts(out)}
    assert left == {path.relative_to(empty) for path in list_texts(empty)}


REFUSED = {
    "no format": ((), 64, "pyx export needs a format", "or pylock, or venv"),
    "format": (
        ("--format", "conda"),
        64,
        "pyx export does not know the format conda",
        "or pylock, or venv",
    ),
    "no place": (("--format", "venv"), 64, "needs a directory", "-o DIR"),
    "there": (("--format", "venv", "-o", "there"), 64, "/there exists", "pyx export --help"),
    "itself": (
        ("--format", "pylock", "-o", "pylock.toml"),
        64,
        "/pylock.toml is the lock itself",
        "-o FILE",
    ),
    "unwritable": (("--format", "pylock", "-o", "no/x"), 74, "cannot write ", ""),
    "directory": (("--format", "pylock", "-o", "there"), 74, "cannot write ", ""),
    "long": (("--format", "pylock", "-o", "x" * 300), 74, "cannot write ", ""),
    "no lock": (("--format", "pylock", "/nowhere.py"), 2, "can't open file", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_leaves_nothing(
    pyx: Pyx, tmp_path: Path, artifacts: list[Path], index: IndexServer, case: str
) -> None:
    """One line says what, another what to type, and no file is new."""
    words, status, message, hint = REFUSED[case]
    project = tmp_path / "project"
    (project / "there").mkdir(parents=True)
    write_pylock(project, artifacts, index)
    before = sorted(project.rglob("*"))
    told = pyx("export", *words, cwd=project)
    assert (told.returncode, told.stdout) == (status, "")
    lines = told.stderr.splitlines()
    assert message in lines[0]
    assert hint in (lines[1] if len(lines) > 1 else "")
    assert sorted(project.rglob("*")) == before


LOGIN = "https://me:secret@example.org"
WITH_LOGINS = {
    "pylock.toml": f"""\
lock-version = "1.0"
created-by = "somebody"
[[packages]]
name = "tick"
version = "1.0"
index = "{LOGIN}/simple/"
wheels = [{{ url = "{LOGIN}/tick-1.0-py3-none-any.whl", hashes = {{ sha256 = "{"0" * 64}" }} }}]
[[packages]]
name = "talk"
version = "1.0"
archive = {{ url = "{LOGIN}/talk.zip", hashes = {{ sha256 = "{"0" * 64}" }} }}
[[packages]]
name = "tock"
vcs = {{ type = "git", url = "ssh://git@example.org/tock", commit-id = "{"0" * 40}" }}
""",
    "uv.lock": f"""\
version = 1
requires-python = ">=3.9"
[[package]]
name = "tick"
version = "1.0"
source = {{ registry = "{LOGIN}/simple" }}
wheels = [{{ url = "{LOGIN}/tick-1.0-py3-none-any.whl", hash = "sha256:{"0" * 64}" }}]
[[package]]
name = "project"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "tick" }}]
""",
}


@pytest.mark.parametrize("kind", ["pylock", "requirements"])
@pytest.mark.parametrize("lock", WITH_LOGINS)
def test_credentials_of_the_lock_are_not_handed_on(
    pyx: Pyx, tmp_path: Path, lock: str, kind: str
) -> None:
    """URLs of indexes and files have no user and no password; a user of ssh's stays."""
    (tmp_path / lock).write_text(WITH_LOGINS[lock])
    told = pyx("--offline", "export", "--format", kind, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "secret" not in told.stdout
    assert "me:" not in told.stdout
    if lock == "pylock.toml":
        assert "https://example.org/talk.zip" in told.stdout
    if (lock, kind) == ("pylock.toml", "pylock"):
        assert '"ssh://git@example.org/tock"' in told.stdout


def test_what_is_no_file_of_its_own_stays(
    pyx: Pyx, tmp_path: Path, artifacts: list[Path], index: IndexServer
) -> None:
    """A pipe, as a device would be, is written into; so is what a link points at."""
    write_pylock(tmp_path, artifacts, index)
    words = ("export", "--format", "requirements", "-o")
    text = pyx(*words[:-1], cwd=tmp_path).stdout
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "file"
    os.mkfifo(pipe)
    # Opened for both, so that neither side waits for the other.
    handle = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    assert pyx(*words, "pipe", cwd=tmp_path).returncode == 0
    assert pipe.is_fifo()
    assert os.read(handle, 1 << 16).decode() == text
    os.close(handle)
    file.write_text("old")
    link.symlink_to("file")
    assert pyx(*words, "link", cwd=tmp_path).returncode == 0
    assert (link.readlink(), file.read_text()) == (type(link)("file"), text)


def test_a_file_that_no_index_has_is_named(pyx: Pyx, tmp_path: Path, wheels: Path) -> None:
    """Where a lock has hashes alone, a pylock needs what only an index can tell."""
    (tmp_path / "poetry.lock").write_text(poetry_lock_text([make_wheel(wheels, "tick", "1.0")]))
    for wheel in wheels.iterdir():
        wheel.unlink()
    told = pyx("export", "--format", "pylock", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (69, "")
    assert told.stderr.startswith("pyx: tick 1.0: the lock does not say where its files are")
