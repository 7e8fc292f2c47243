"""What a person who comes from another tool types first, and is told."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from installed import SLOW_PATH
from wheelhouse import make_wheel, pylock_text

from pyx_launcher.cli.commands import VERBS
from pyx_launcher.cli.invocation import parse_invocation
from pyx_launcher.commands._suggest import _NO_DEACTIVATE, _NO_PIP, suggest
from pyx_launcher.commands._translate import COUNTERPARTS, OF_PIPX, Here, translate

if TYPE_CHECKING:
    from pathlib import Path

    from indexserver import IndexServer
    from installed import Pyx

NO_FILE = 2

RENAMED = "conda's {} is {} on the index; "
LEFT_OUT = "left out, because it is not a Python package: {}"
BESIDES = "`{}` makes an environment of it, then "


@pytest.fixture
def project(tmp_path: Path, wheels: Path, index: IndexServer) -> Path:
    """Give a project that locks tock, which has a program tick."""
    wheel = make_wheel(
        wheels,
        "tock",
        "1.0",
        files={"tock.py": "def main(): pass"},
        entry_points={"tick": "tock:main"},
    )
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "pylock.toml").write_text(pylock_text([wheel], index_url=index.url))
    return directory


def tell(pyx: Pyx, project: Path, command: str) -> str:
    """Return the hint of a command line that must fail in python's words with python's status."""
    name = next(word for word in command.split() if not word.startswith(("@", "-")))
    told = pyx(*command.split(), cwd=project)
    assert (told.returncode, told.stdout) == (NO_FILE, "")
    first, hint = told.stderr.splitlines()
    assert first == f"pyx: can't open file '{project}/{name}': [Errno 2] No such file or directory"
    return hint.removeprefix("pyx: hint: ")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("install rich", "pyx add rich"),
        ("install --upgrade rich", "pyx add rich"),
        ("install -r requirements.txt", "pyx add -r requirements.txt"),
        ("install -e .", "pyx sync"),
        ("install", "pyx sync"),
        # What follows an option is a group, an index or a directory, and no package.
        ("install --with dev,docs", "pyx sync --group dev,docs"),
        ("install --only main", "pyx sync --no-default-groups"),
        ("install --only=docs", "pyx sync --only-group docs"),
        ("install --without docs -E fast", "pyx sync --no-group docs --extra fast"),
        ("install --retries 3 rich", "pyx add rich"),
        ("install --target there rich", "pyx tool run pip install --target there rich"),
        (
            "uv export --no-hashes -o req.txt",
            "`pyx export --format requirements -o req.txt`; pyx has no --no-hashes",
        ),
        ("uv export --script s.py", "pyx export --format requirements s.py"),
        ("uv run --no-project x.py", "`pyx x.py`; pyx has no --no-project"),
        ("uv run --frozen s.py", "pyx s.py"),
        ("uv run --no-sync python -c 1", "pyx -c 1"),
        ("uv run --no-sync -m foo", "pyx -m foo"),
        ("uv run --link-mode copy s.py", "`pyx s.py`; pyx has no --link-mode"),
        ("uv run --no-project pytest", "`pyx run pytest`; pyx has no --no-project"),
        (
            "uv run --project d --no-config s.py",
            "`pyx --project d s.py`; pyx has no --no-config",
        ),
        ("pixi run --no-config s.py", "`pyx s.py`; pyx has no --no-config"),
        (
            "uv run --no-project --with six python -c 1",
            "`pyx add @six six` makes an environment of it, then `pyx --with @six -c 1`",
        ),
        ("uv export --format pylock.toml", "pyx export --format pylock"),
        ("uv tree --depth 1", "`pyx tree`; pyx has no --depth"),
        ("uv add requests --bounds exact", "`pyx add requests`; pyx has no --bounds"),
        ("uv add", "pyx add NAME"),
        ("uv run", "pyx run NAME"),
        ("uv run -- python -c 1", "pyx -c 1"),
        ("poetry add", "pyx add NAME"),
        ("poetry new --name bar foo", "pyx init --lib --name bar foo"),
        ("poetry new --src foo", "pyx init --lib foo"),
        ("poetry show --only dev", "pyx list --only-group dev"),
        ("poetry install --no-dev", "pyx sync --no-dev"),
        ("show --tree", "pyx tree"),
        ("show --outdated", "pyx list --outdated"),
        ("pip install rich httpx", "pyx add rich httpx"),
        ("pip install -r requirements.txt", "pyx add -r requirements.txt"),
        ("pip list", "pyx list"),
        ("pip uninstall -y rich", "pyx remove rich"),
        ("uv pip install rich", "pyx add rich"),
        ("uv tool install rich", "pyx tool install rich"),
        ("uv run script.py a", "pyx script.py a"),
        ("uv run -m rich.table", "pyx -m rich.table"),
        ("uv python install 3.13", "pyx tool run uv python install 3.13"),
        ("uv python pin 3.12", "pyx python pin 3.12"),
        ("uv build", "pyx tool run --from build pyproject-build"),
        ("uv version", "pyx tool run uv version"),
        ("poetry version patch", "pyx tool run uv version --frozen --bump patch"),
        ("pip --version", "`pyx add NAME` adds a package, `pyx list` shows what is there"),
        ("pip install -e gone", "pyx add -e gone"),
        (
            "pip install git+https://example.org/a/click.git@8.1 rich",
            "pyx add 'click @ git+https://example.org/a/click.git@8.1' rich",
        ),
        ("pip install --no-binary :all: rich", "`pyx add rich`; pyx has no --no-binary"),
        ("pip install --user rich", "pyx add rich --user"),
        ("pip install -e .[dev] -r wanted.txt", "pyx add -e '.[dev]' -r wanted.txt"),
        ("install -c conda-forge rich", "pyx add rich"),
        ("pip show -f rich", "pyx which rich"),
        ("poetry show --why rich", "pyx tree --invert rich"),
        ("uninstall --dev rich", "pyx remove --dev rich"),
        ("install --all-extras", "pyx sync --all-extras"),
        ("install --directory ../old", "pyx --project ../old sync"),
        ("uv run --directory there s.py", "`(cd there && pyx s.py)`"),
        ("virtualenv -p python3.12 .venv", "pyx --python 3.12 env --link"),
        ("install --project legacy --with docs", "pyx --project legacy sync --group docs"),
        ("install --no-root", "`pyx sync`; pyx has no --no-root"),
        ("install --package lib", "`pyx sync`; pyx has no --package"),
        ("install --locked --python 3.12", "pyx sync --locked --python 3.12"),
        ("install -n --with docs", "pyx sync --group docs"),
        ("install -n science", "pyx @science add NAME"),
        ("install -n science --update-all", "pyx @science lock --upgrade"),
        (
            "install -n science --revision 2",
            "pyx keeps no revisions; `pyx @science list` shows what there is",
        ),
        ("pip-compile --upgrade", "pyx lock --upgrade"),
        ("pip-compile -P rich requirements.in", "pyx lock --upgrade rich"),
        (
            "pip-compile dev.in -o dev.txt",
            "pyx tool run --from pip-tools pip-compile --generate-hashes dev.in -o dev.txt",
        ),
        (
            "uv pip compile -c limits.txt dev.in",
            "pyx tool run uv pip compile --generate-hashes -c limits.txt dev.in",
        ),
        ("uv pip compile -U", "pyx lock --upgrade"),
        ("pip-sync dev.txt", "pyx --project dev.txt sync"),
        (
            "poetry self add poetry-plugin-export",
            "pyx tool install --force poetry --with poetry-plugin-export",
        ),
        ("compare -n e other.yml", "`pyx diff @e @OTHER` shows what two environments differ in"),
        (
            "pip install --no-index -f wh rich",
            "`PIP_NO_INDEX=1 PIP_FIND_LINKS=wh pyx add rich`; for good, in pip's configuration",
        ),
        ("poetry run tick x", "pyx run tick x"),
        ("poetry run -P lib tick -P x", "pyx --project lib run tick -P x"),
        ("poetry run -C lib python x.py", "`(cd lib && pyx x.py)`"),
        ("uv run -q x.py -q", "pyx x.py -q"),
        ("uv run --quiet tick", "pyx run tick"),
        ("uv run --only-group docs x.py --group a", "pyx --only-group docs x.py --group a"),
        ("uv run --only-group docs -m tick", "pyx --only-group docs -m tick"),
        ("uv run --no-sync --group docs tick -x", "pyx run --group docs tick -x"),
        ("uv run -p 3.12 python -c pass", "pyx --python 3.12 -c pass"),
        ("poetry env use 3.12", "pyx python pin 3.12"),
        ("poetry publish", "pyx tool run twine upload dist/*"),
        ("format .", "pyx tool run ruff format ."),
        ("pipx install rich", "pyx tool install rich"),
        ("pipx run rich --wide", "pyx tool run rich --wide"),
        ("uninstall", "pyx remove NAME"),
        ("new there", "pyx init --lib there"),
        ("update", "pyx lock --upgrade"),
        ("upgrade rich", "pyx lock --upgrade rich"),
        ("shell", 'pyx run "$SHELL"'),
        ("activate", 'pyx run "$SHELL"'),
        ("freeze", "pyx export --format requirements"),
        ("pip3 download rich", "pyx tool run pip download rich"),
        ("pip config list", "pyx tool run pip config list"),
        ("poetry config --list", "pyx tool run poetry config --list"),
        ("pipx inject rich tick tock", "pyx tool install rich --with tick --with tock"),
        ("pipx ensurepath", "pyx tool ensurepath"),
        (
            "pip install -i file:///x rich",
            "`PIP_INDEX_URL=file:///x pyx add rich`; for good, in pip's configuration",
        ),
        ("pip install --no-deps rich==1", "`pyx add rich==1`; pyx has no --no-deps"),
        (
            "pip install --pre rich",
            "a pre-release is named by its version: `pyx add rich==VERSION`",
        ),
        ("outdated", "pyx list --outdated"),
        ("show", "pyx list"),
        ("show rich", "pyx which rich"),
        ("why rich", "pyx tree --invert rich"),
        ("version", "pyx tool run uv version"),
        ("version 2.0", "pyx tool run uv version --frozen 2.0"),
        ("cache dir", "pyx store path"),
        ("pip cache purge", "pyx store gc"),
        ("python3 -m rich", "pyx -m rich"),
        ("python3", "`pyx` alone starts the prompt"),
        ("check", "pyx lock --check"),
        ("uvx ruff check .", "pyx tool run ruff check ."),
        ("x ruff", "pyx tool run ruff"),
        ("create -n science", "pyx env create science"),
        ("create science", "pyx env create science"),
        (
            "create --name=science -c conda-forge -y python=3.11 numpy=1.26 conda-forge::rich>=13",
            "pyx add @science 'numpy==1.26.*' 'rich>=13' --python 3.11",
        ),
        (
            "create -n x numpy=1.26.0=py312_0 python>=3.10",
            "pyx add @x numpy==1.26.0 --python '>=3.10'",
        ),
        ("create -n x numpy==1.26 python", "pyx add @x numpy==1.26"),
        ("create -n x python=3.11.* numpy=1.2*", "pyx add @x 'numpy==1.2.*' --python 3.11"),
        (
            "create -n x python=3.11.5=h955ad1f_0 numpy=1.26.4=py311h_0 xz=5.4=h5eee18b_0",
            "`pyx add @x numpy==1.26.4 --python 3.11`; " + LEFT_OUT.format("xz=5.4=h5eee18b_0"),
        ),
        (
            "conda install -n x -c pytorch pytorch>=2 py-xgboost[scikit] cudatoolkit=11.8",
            "`pyx @x add 'torch>=2' 'xgboost[scikit]'`; "
            + RENAMED.format("pytorch", "torch")
            + RENAMED.format("py-xgboost", "xgboost")
            + LEFT_OUT.format("cudatoolkit=11.8"),
        ),
        ("conda install -n x python=3.12", "pyx @x python pin 3.12"),
        ("conda install -n x python=3.12 rich", "pyx @x add rich --python 3.12"),
        ("conda install python=3.12 rich", "`pyx python pin 3.12`, then `pyx add rich`"),
        ("conda update -n x python", "pyx @x python pin VERSION"),
        ("conda update conda", "pyx --version"),
        ("conda install -n x --dry-run rich", "pyx tool run pip install --dry-run rich"),
        ("conda create -p /srv/app/here rich", "pyx add @app-here rich"),
        ("conda rename -n x y", "`pyx env create y --clone x`, then `pyx env remove x`"),
        ("conda info --envs", "pyx env list"),
        ("conda list rich", "pyx which rich"),
        ("conda list -n x --export", "pyx @x export --format requirements"),
        ("conda clean --all", "pyx store gc"),
        ("mamba deactivate", _NO_DEACTIVATE),
        ("pixi add rich", "pyx add rich"),
        ("pixi run python x.py", "pyx x.py"),
        ("pixi global install ruff", "pyx tool install ruff"),
        ("pip install python==3.12", "pyx python pin 3.12"),
        ("poetry add python@^3.12 rich", "`pyx python pin '>=3.12'`, then `pyx add rich`"),
        ("pip index versions rich", "pyx tool run pip index versions rich"),
        ("pip install --dry-run rich -r a.txt", "pyx tool run pip install --dry-run rich -ra.txt"),
        ("pip install --dry-run -e .", "pyx tool run pip install --dry-run -e."),
        ("uv lock --dry-run", "pyx list --outdated"),
        ("uv sync --dry-run", "`pyx list` shows what a start gets, which `pyx sync` would fetch"),
        ("poetry remove --dry-run rich", "pyx tree --invert rich"),
        ("conda create python=3.12 rich", "pyx add @NAME rich --python 3.12"),
        ("jupyter lab", "`pyx add --dev jupyter` adds it, then `pyx run jupyter lab`"),
        ("conda create -n science python=3.11", "pyx env create science --python 3.11"),
        (
            "conda env create -f gone.yml -n science",
            "there is no file gone.yml; `pyx env create science` makes an environment without it",
        ),
        ("conda env remove -n science", "pyx env remove science"),
        ("conda remove -n science --all", "pyx env remove science"),
        ("conda env list", "pyx env list"),
        ("mamba install -n science rich", "pyx @science add rich"),
        ("conda install rich", "pyx add rich"),
        ("conda list -n science", "pyx @science list"),
        ("conda update -n science --all", "pyx @science lock --upgrade"),
        ("conda run -n science python script.py -x", "pyx @science script.py -x"),
        ("conda run -n science black --fast .", "pyx @science run black --fast ."),
        ("conda activate science", 'pyx @science run "$SHELL"'),
        ("activate science", 'pyx @science run "$SHELL"'),
        ("conda search rich>=13", "pyx tool run pip index versions rich"),
        ("install -n science -c conda-forge rich=13.0", "pyx @science add 'rich==13.0.*'"),
        ("uninstall --name=science -y rich", "pyx @science remove rich"),
        ("update -n science --all rich", "pyx @science lock --upgrade rich"),
        # As Poetry has it, it takes no value.
        ("install -n rich", "pyx @rich add NAME"),
        ("update -n", "pyx lock --upgrade"),
        ("python3.12 app.py -v", "pyx --python 3.12 app.py -v"),
        ("python3.13t", "`pyx --python 3.13t` alone starts the prompt"),
        ("py -3.12 app.py", "pyx --python 3.12 app.py"),
        ("py app.py", "pyx app.py"),
        ("use 3.12", "pyx python pin 3.12"),
        ("pip-compile requirements.in", "pyx lock"),
        ("poetry run python script.py", "pyx script.py"),
        (
            "pip install --upgrade pip",
            _NO_PIP,
        ),
        ("install -U pip wheel", _NO_PIP),
        ("deactivate", _NO_DEACTIVATE),
        ("pip install pip", "pyx add pip"),
        ("poetry lock --no-update", "pyx lock"),
        ("poetry add -y rich", "pyx add rich"),
        ("uv sync --frozen --package lib", "pyx sync --project DIR"),
        ("uv lock -P rich", "pyx lock --upgrade rich"),
        ("uv run -p 3.12 pytest -q", "pyx run --python 3.12 pytest -q"),
        (
            "uv run --isolated --with rich pytest",
            BESIDES.format("pyx add @rich rich") + "`pyx --with @rich run pytest`",
        ),
        (
            "uv run --with rich,httpx -p 3.12 --with=attrs x.py --with y",
            BESIDES.format("pyx add @rich rich httpx attrs")
            + "`pyx --with @rich --python 3.12 x.py --with y`",
        ),
        ("uv run --python 3.12 tick --with x", "pyx run --python 3.12 tick --with x"),
        # What conda's and pip's options are told is no package.
        ("conda create --name myclone --clone myenv", "pyx env create myclone --clone myenv"),
        ("conda create --clone=myenv -n myclone", "pyx env create myclone --clone myenv"),
        (
            "mamba create -n x --solver libmamba python=3.12",
            "pyx env create x --python 3.12",
        ),
        ("conda install --revision 3", "pyx keeps no revisions; `pyx list` shows what there is"),
        ("conda install --subdir linux-64 --repodata-fn r.json rich", "pyx add rich"),
        ("conda run -n sci --cwd /tmp python x.py", "cd /tmp && pyx @sci x.py"),
        ("conda run python", "`pyx` alone starts the prompt"),
        ("pip install --progress-bar off rich", "pyx add rich"),
        (
            "pip install --keyring-provider import --only-binary :all: rich",
            "`pyx add rich`; pyx has no --only-binary",
        ),
        # What pip builds with is a package like others where pip itself is not meant.
        ("pip install -U setuptools", "pyx add setuptools"),
        # A short word is like too many.
        ("usage a.py", "nothing else here has that name; `pyx --help` lists the commands"),
        ("ipy", "nothing else here has that name; `pyx --help` lists the commands"),
        ("uv", "nothing else here has that name; `pyx --help` lists the commands"),
        ("uv pip sync requirements.txt", "pyx sync"),
        ("uv pip compile requirements.in -o requirements.txt", "pyx lock"),
        ("isntall rich", "did you mean pyx add rich?"),
        ("lits", "did you mean pyx list?"),
        ("bleck .", "nothing else here has that name; `pyx --help` lists the commands"),
    ],
)
def test_a_command_of_another_tool_is_told_in_ours(typed: str, meant: str) -> None:
    """As one that can be typed."""
    name, *words = typed.split()
    assert suggest(name, words) == meant


def test_what_is_here_decides_the_hint() -> None:
    """What is locked is upgraded, and the version of a project of Poetry's is Poetry's to move."""
    here = Here(packages=frozenset({"rich"}), is_poetrys=True)
    assert suggest("pip", ["install", "-U", "Rich"], here=here) == "pyx lock --upgrade Rich"
    assert suggest("install", ["-U", "rich", "new"], here=here) == "pyx add rich new"
    builds = Here(packages=frozenset({"setuptools"}))
    for words in (["-U", "setuptools"], ["-U", "pip", "setuptools"]):
        assert suggest("pip", ["install", *words], here=builds) == "pyx lock --upgrade setuptools"
    for name, words in (("version", ["patch"]), ("poetry", ["version", "patch"])):
        assert suggest(name, words, here=here) == "pyx tool run poetry version patch"
    assert suggest("uv", ["version"], here=here) == "pyx tool run uv version"


@pytest.mark.parametrize("typed", ["x", "uvx", "exec", "pipx run"])
def test_a_script_that_is_there_is_no_program_of_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    """A package of its name would be a stranger's."""
    monkeypatch.chdir(tmp_path)
    name, *words = [*typed.split(), "manage.py", "migrate"]
    assert suggest(name, words) in ("pyx tool run manage.py migrate", "pyx run manage.py migrate")
    (tmp_path / "manage.py").touch()
    assert suggest(name, words) == "pyx manage.py migrate"


def test_poetrys_project_is_told_by_its_table(pyx: Pyx, tmp_path: Path) -> None:
    """That of the directory, or above it, or of the project that is named."""
    (tmp_path / "below").mkdir()
    (tmp_path / "pyproject.toml").write_text('[tool.poetry]\nname = "p"\nversion = "1"\n')
    assert tell(pyx, tmp_path / "below", "version patch") == "pyx tool run poetry version patch"
    (tmp_path / "below" / "pyproject.toml").write_text('[project]\nname = "b"\nversion = "1"\n')
    assert "uv version" in tell(pyx, tmp_path / "below", "version patch")


@pytest.mark.parametrize("typed", ["install", "pip list", "bleck .", "new"])
def test_the_hint_is_one_line_more(pyx: Pyx, tmp_path: Path, typed: str) -> None:
    """Behind what python says of a file that is not there, with python's status."""
    name, *words = typed.split()
    assert tell(pyx, tmp_path, typed) == suggest(name, words)


def test_what_the_hints_name_is_there() -> None:
    """Each is a command line that pyx can parse, of one of its commands."""
    for table in (COUNTERPARTS, OF_PIPX):
        for name in {*table} - {"python3", "py", "test", "audit"}:
            words = (translate(name, ["x"], table) or "").replace('"$SHELL"', "/bin/sh").split()
            assert parse_invocation(words, {}).verb in {*VERBS, "--version"}


def test_a_program_of_the_environment_is_run_by_run(pyx: Pyx, project: Path) -> None:
    """With its words as they were typed; by what the lock names until its wheel was fetched."""
    assert tell(pyx, project, "tock x") == "pyx run tock x"
    assert tell(pyx, project, "tikc a") == (
        "some locked packages have not been fetched yet; if one of them has it: `pyx run tikc a`"
    )
    assert pyx("sync", cwd=project).returncode == 0
    assert tell(pyx, project, "tick --fast .") == "pyx run tick --fast ."
    assert tell(pyx, project, "tikc") == "did you mean pyx run tick?"
    assert tell(pyx, project, "bpython") == (
        "nothing else here has that name; `pyx add PACKAGE` adds the package of a program,"
        " `pyx --help` lists the commands"
    )
    here = Here(programs=frozenset({"tick"}))
    assert suggest("tick", ["a;b"], ["--offline"], here) == "pyx --offline run tick 'a;b'"


def test_what_is_added_makes_the_project_that_it_needs(pyx: Pyx, tmp_path: Path) -> None:
    """Where there is none, or the command that was proposed would only propose another."""
    for typed, meant in {
        "install rich": "pyx add --init rich",
        "pip install -r wanted.txt": "pyx add --init -r wanted.txt",
        "conda create -n e rich": "pyx add @e rich",
        "@e install rich": "pyx @e add rich",
    }.items():
        assert tell(pyx, tmp_path, typed) == meant


def test_what_conda_exports_is_read(pyx: Pyx, tmp_path: Path) -> None:
    """A list of URLs, bounds with the build for one Python, and variables."""
    where = "https://example.org/linux-64"
    (tmp_path / "spec.txt").write_text(
        f"# platform: linux-64\n@EXPLICIT\n{where}/numpy-1.26.4-py311h24aa872_0.conda\n"
        f"{where}/libzlib-1.2.13-h123456_1.tar.bz2\n"
    )
    (tmp_path / "environment.yml").write_text(
        "name: e\ndependencies:\n  - numpy>=1.2=py311*\nvariables:\n  LEVEL: 3\n"
    )
    left_out = "; " + LEFT_OUT
    for typed, meant in {
        "create -n e --file spec.txt": "`pyx add @e numpy==1.26.4`"
        + left_out.format("libzlib (line 4)"),
        "conda env create": "`pyx add @e 'numpy>=1.2'`" + left_out.format("LEVEL: 3 (line 5)"),
    }.items():
        assert tell(pyx, tmp_path, typed) == meant


@pytest.mark.parametrize("place", ["dev", "list", "named", "nowhere"])
def test_a_known_program_is_added_by_its_name(pyx: Pyx, tmp_path: Path, place: str) -> None:
    """Where the project would have it; before the words that would end in "No module named"."""
    made = {"dev": "pyproject.toml", "list": "requirements.in"}.get(place)
    if made:
        (tmp_path / made).write_text("")
    at = "@mine " if place == "named" else ""
    if at:
        assert pyx("env", "create", "mine").returncode == 0
    adds = {
        "dev": "`pyx add --dev pytest` adds it",
        "list": "`pyx add pytest` adds it",
        "named": "`pyx @mine add pytest` adds it",
        "nowhere": "`pyx init` makes a project here, `pyx add --dev pytest` adds it",
    }[place]
    for typed, meant in {
        "pytest -x": "run pytest -x",
        "test -x": "-m pytest -x",
        "tests": "-m pytest",
    }.items():
        assert tell(pyx, tmp_path, at + typed) == f"{adds}, then `pyx {at}{meant}`"


def test_a_known_program_that_is_locked_is_started(pyx: Pyx, project: Path) -> None:
    """Nothing is to be added then."""
    here = Here(packages=frozenset({"pytest"}))
    assert suggest("test", ["-x"], here=here) == "pyx -m pytest -x"
    assert suggest("tests", [], here=here) == "did you mean pyx -m pytest?"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["install", "-U", "rich"], "pyx add rich"),
        (["install", "-U", "tock"], "pyx lock --upgrade tock"),
        (["install", "-U", "pip"], _NO_PIP),
        (["list"], "pyx list"),
        (["-q", "install", "rich", "-r", "r.txt", "-q"], "pyx add rich -r r.txt"),
        (
            ["-q", "install", "-U", "rich", "-r", "r.txt", "-q"],
            "`pyx add rich -r r.txt` adds what it lists, `pyx lock --upgrade` moves what is locked",
        ),
        (["install", "-e", "."], "pyx sync"),
        ([], "`pyx add NAME` adds a package, `pyx list` shows what is there"),
    ],
)
@pytest.mark.parametrize("start", [["-m", "pip"], ["run", "pip3"]])
def test_pip_that_is_not_locked_is_answered_before_a_start(
    pyx: Pyx, project: Path, start: list[str], words: list[str], hint: str
) -> None:
    """With the status of a module that is not there, whether or not another start came before."""
    if words:
        assert pyx("-c", "pass", cwd=project).returncode == 0
    told = pyx(*start, *words, cwd=project)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == (
        "pyx: pip is not locked here, and no program would see what it installs\n"
        f"pyx: hint: {hint}\n"
    )


def test_an_option_of_another_tool_is_told_however_often_one_starts(
    pyx: Pyx, project: Path, pyx_home: Path
) -> None:
    """Also where the native program knows starts in the directory; python's own go their way."""
    lock = project / "pylock.toml"
    os.utime(lock, (1, 1))
    time.sleep(2.1)
    records = pyx_home.with_name("pyx-cache") / "launch"
    for _ in range(2):
        assert pyx("-c", "pass", cwd=project).returncode == 0
    assert list(records.iterdir()) != []
    for words, hint in (
        (["-r", "a.txt"], "pyx add -r a.txt"),
        (["-p", "3.9", "-c", "pass"], "pyx --python 3.9 -c pass"),
    ):
        told = pyx(*words, cwd=project)
        assert (told.returncode, told.stdout) == (64, "")
        assert told.stderr == f"pyx: unknown option {words[0]}\npyx: hint: {hint}\n"
    pyx.break_slow_path()
    assert pyx("-c", "print(1)", cwd=project).stdout == "1\n"
    assert SLOW_PATH in pyx("-z", cwd=project).stdout


@pytest.fixture
def locked_pip(pyx: Pyx, project: Path, wheels: Path) -> Path:
    """Give the project with a pip in its lock, which says only that it was started."""
    wheel = make_wheel(
        wheels,
        "pip",
        "1.0",
        files={"pip.py": "def main(): print('pip itself')\nif __name__ == '__main__': main()"},
        entry_points={"pip": "pip:main"},
    )
    (project / "pylock.toml").write_text(pylock_text([wheel]))
    assert pyx("store", "add", wheel).returncode == 0
    return project


@pytest.mark.parametrize(
    "line",
    [
        "-Impip list",
        "run pip list",
        "-Impip install --target there rich",
        "run pip install --target there rich",
        "-m pip",
        "-m pip list",
        "-m pip --version",
        "-m pip download rich",
        "-m pip wheel .",
        "-m pip help install",
        "-m pip install --help",
        "-m pip install --dry-run rich",
        "-m pip install --target there rich",
        "-m pip install -tthere rich",
        "-m pip --python there install rich",
        "-m pip --log install list",
        "-m pip --log=install list",
        "-m pip --proxy install --cert uninstall list",
    ],
)
def test_pip_that_is_locked_is_started(pyx: Pyx, locked_pip: Path, line: str) -> None:
    """As any other module is, where it changes nothing or writes elsewhere."""
    told = pyx(*line.split(), cwd=locked_pip)
    assert (told.returncode, told.stdout) == (0, "pip itself\n")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("-I -mpip install rich", "pyx add rich"),
        ("run pip install rich", "pyx add rich"),
        ("-m pip install rich", "pyx add rich"),
        ("-m pip -q install -U rich", "pyx add rich"),
        ("-m pip install --upgrade pip", "pyx lock --upgrade pip"),
        ("-m pip uninstall -y rich", "pyx remove rich"),
        ("-m pip --cache-dir cache install rich", "pyx add rich"),
        ("-m pip --log list install rich", "pyx add rich"),
        ("-m pip --log install install rich", "pyx add rich"),
        ("-m pip --cache-d list -v install rich", "pyx add rich"),
    ],
)
def test_pip_that_is_locked_changes_no_environment(
    pyx: Pyx, locked_pip: Path, line: str, hint: str
) -> None:
    """Others may share it, and no lock would say so; whether or not a start came before."""
    assert pyx("-c", "pass", cwd=locked_pip).returncode == 0
    told = pyx(*line.split(), cwd=locked_pip)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == (
        "pyx: pip would change an environment that other projects may share, and leave the lock"
        f" as it is\npyx: hint: {hint}\n"
    )


@pytest.mark.parametrize("name", ["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"])
def test_a_variable_has_pip_write_elsewhere_as_its_option_does(
    pyx: Pyx, locked_pip: Path, name: str
) -> None:
    """It is pip's own way to say it; `uninstall` and `--isolated` do not heed it."""
    environ = {name: "there"}
    told = pyx("-m", "pip", "install", "rich", cwd=locked_pip, env=environ)
    assert (told.returncode, told.stdout) == (0, "pip itself\n")
    for words in (["uninstall", "rich"], ["--isolated", "install", "rich"]):
        assert pyx("-m", "pip", *words, cwd=locked_pip, env=environ).returncode == 1


@pytest.mark.parametrize("words", ["--version", "--help", "-h", "--root there"])
def test_ensurepip_that_changes_nothing_here_is_started(
    pyx: Pyx, project: Path, words: str
) -> None:
    """It tells of itself, or writes elsewhere."""
    told = pyx("-m", "ensurepip", *words.split(), cwd=project)
    assert "pyx: hint:" not in told.stderr
    assert told.stdout != ""


def test_ensurepip_is_answered_as_an_installation_of_pip(pyx: Pyx, project: Path) -> None:
    """It would put one into the environment, past the lock."""
    assert pyx("-c", "pass", cwd=project).returncode == 0
    told = pyx("-m", "ensurepip", cwd=project)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.endswith("pyx: hint: pyx add pip\n")


def test_pip_as_a_tool_changes_no_tool(pyx: Pyx, project: Path) -> None:
    """What it would install, only it would see."""
    told = pyx("tool", "run", "pip", "install", "rich", cwd=project)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.endswith("pyx: hint: pyx add rich\n")


def test_a_named_environment_stays_in_the_hint(pyx: Pyx, project: Path, pyx_home: Path) -> None:
    """What was typed before the mistaken word is typed again."""
    (pyx_home / "named").mkdir(parents=True)
    (pyx_home / "named" / "clock").symlink_to(project)
    assert pyx("@clock", "sync").returncode == 0
    assert tell(pyx, pyx_home, "@clock tick") == "pyx @clock run tick"
    assert tell(pyx, pyx_home, "@clock install rich") == "pyx @clock add rich"


def test_an_environment_that_was_typed_without_its_mark(
    pyx: Pyx, project: Path, tmp_path: Path
) -> None:
    """It is told before anything else, unless the word is a command of another tool."""
    for name in ("science", "test"):
        assert pyx("env", "create", name).returncode == 0
    assert tell(pyx, project, "science") == "pyx @science"
    assert tell(pyx, project, "science list") == "pyx @science list"
    assert tell(pyx, project, "test -x").endswith("`pyx -m pytest -x`")
    (project / "plot.py").touch()
    assert tell(pyx, project, "test plot.py") == "pyx @test plot.py"


@pytest.mark.parametrize("name", ["install", "help", "tick"])
def test_a_file_of_that_name_wins(pyx: Pyx, project: Path, name: str) -> None:
    """As for python, it is a script, whatever it is called."""
    (project / name).write_text("import sys; print('ran', sys.argv[1:])")
    for _ in range(2):
        told = pyx(name, "x", cwd=project)
        assert (told.returncode, told.stdout, told.stderr) == (0, "ran ['x']\n", "")


@pytest.mark.parametrize("name", ["none.py", "./black"])
def test_what_is_no_word_of_a_command_gets_no_hint(pyx: Pyx, tmp_path: Path, name: str) -> None:
    """A path is a path."""
    told = pyx(name, cwd=tmp_path)
    assert (told.returncode, told.stdout, len(told.stderr.splitlines())) == (NO_FILE, "", 1)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("repotr.py", "report.py"), ("report", "report.py"), ("./Report.py", "./report.py")],
)
def test_a_script_that_lies_there_is_told(pyx: Pyx, tmp_path: Path, typed: str, meant: str) -> None:
    """Where the name is a slip for it, or lacks the suffix."""
    (tmp_path / "report.py").touch()
    told = pyx(typed, cwd=tmp_path)
    assert told.returncode == NO_FILE
    assert told.stderr.splitlines()[1] == f"pyx: hint: did you mean pyx {meant}?"


def test_a_link_that_leads_nowhere_is_not_proposed(pyx: Pyx, tmp_path: Path) -> None:
    """Neither for its own name nor for one like it."""
    (tmp_path / "report.py").symlink_to("nowhere")
    for name in ("report.py", "repotr.py"):
        told = pyx(name, cwd=tmp_path)
        assert (told.returncode, len(told.stderr.splitlines())) == (NO_FILE, 1)


def test_a_lock_that_cannot_be_read_is_no_answer(pyx: Pyx, project: Path) -> None:
    """The hint is for what was typed, and must not fail."""
    (project / "pylock.toml").write_text("broken")
    assert tell(pyx, project, "install rich") == "pyx add rich"
    assert tell(pyx, project, "tick").startswith("nothing else here has that name;")


def test_a_mistake_leaves_nothing_behind(pyx: Pyx, project: Path, tmp_path: Path) -> None:
    """No record is written, nothing fetched."""
    tell(pyx, project, "tock")
    assert not list((tmp_path / "pyx-cache").glob("launch/*"))
    assert not list((tmp_path / "pyx-home").glob("store/*/*/*"))


@pytest.mark.parametrize("words", [("help",), ("help", "add"), ("help", "nothing")])
def test_help_is_answered(pyx: Pyx, tmp_path: Path, words: tuple[str, ...]) -> None:
    """On stdout, as by `--help`."""
    told = pyx(*words, cwd=tmp_path)
    known = [word for word in words if word in VERBS]
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == pyx(*known, "--help").stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (
            "add -i https://a --extra-index-url https://b --extra-index-url=https://c foo",
            "`PIP_INDEX_URL=https://a PIP_EXTRA_INDEX_URL='https://b https://c' pyx add foo`",
        ),
        (
            "pip install --dry-run --index-url https://a.invalid foo",
            "pyx tool run pip install --dry-run --index-url https://a.invalid foo",
        ),
        ("poetry add --dry-run foo@^2", "pyx tool run pip install --dry-run 'foo>=2,<3'"),
        ("conda env remove -p /somewhere/venv/", "pyx env list"),
        ("self update", "pyx is upgraded as it was installed: "),
        ("remove -n science --all", "pyx env remove science"),
        ("remove --all --name=science", "pyx env remove science"),
        ("remove -p /somewhere/venv/ --all", "pyx env list"),
        ("add foo[a]>=2 ./lib --extras b,c", "pyx add 'foo[a,b,c]>=2' './lib[b,c]'"),
        ("add --dev foo -E b", "pyx add --dev 'foo[b]'"),
        ("conda install -c bioconda samtools pandas", "`pyx add --init pandas`; left out"),
    ],
)
def test_where_from_and_what_for_are_not_lost(
    pyx: Pyx, tmp_path: Path, typed: str, meant: str
) -> None:
    """A hint asks no other index, deletes nothing that was not named, and asks for no stranger."""
    done = pyx(*typed.split(), cwd=tmp_path)
    assert done.returncode != 0
    assert f"hint: {meant}" in done.stderr


def test_an_old_project_elsewhere_gets_its_list_there(pyx: Pyx, tmp_path: Path) -> None:
    """What the hint writes, when typed, is in the project and not where the user is."""
    project, here = tmp_path / "old", tmp_path / "here"
    for directory in (project, here):
        directory.mkdir()
    (project / "setup.py").write_text("from setuptools import setup\nsetup(name='old')\n")
    (here / "requirements.txt").write_text("kept\n")
    done = pyx("--project", "../old", "add", "black", cwd=here)
    command = done.stderr.split("`")[1]
    assert command.endswith("&& pyx add black")
    pyx.run(["sh", "-c", command.removesuffix(" && pyx add black")], cwd=here)
    assert (here / "requirements.txt").read_text() == "kept\n"
    assert (project / "requirements.txt").read_text() == "-e .\n"


def test_a_copy_has_all_or_is_refused(pyx: Pyx, pyx_home: Path, tmp_path: Path) -> None:
    """An environment with files of another kind, or without a lock, is not copied in part."""
    assert pyx("env", "create", "one", cwd=tmp_path).returncode == 0
    assert pyx("env", "create", "two", "--clone", "one", cwd=tmp_path).returncode == 0
    (pyx_home / "named" / "one" / "wheels").mkdir()
    done = pyx("env", "create", "three", "--clone", "one", cwd=tmp_path)
    assert "holds more than a project and its lock: wheels" in done.stderr
    (pyx_home / "named" / "two" / "pylock.toml").unlink()
    done = pyx("env", "create", "three", "--clone", "two", cwd=tmp_path)
    assert "pyx @two lock" in done.stderr
    assert not (pyx_home / "named" / "three").exists()
