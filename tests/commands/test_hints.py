"""Every hint that pyx can print is typed, and leads where it says.

A case brings about a mistake, takes what is in backticks from the hint (or the whole hint, where
that is a command), and gives it to a shell. No text of pyx's may name a command that no case has
seen.
"""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import ROOT
from wheelhouse import BACKEND, make_sdist, make_wheel

from pyx_launcher.cli.commands import ACTIONS_OF_OTHERS, OPTIONS_OF_OTHERS, VERBS
from pyx_launcher.commands._translate import COUNTERPARTS, INTERPRETERS, OF_PIPX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from indexserver import IndexServer
    from installed import Pyx

# Where no uv is installed, it comes from the index that pip is configured for.
pytestmark = pytest.mark.network

MAIN = "import sys\ndef main():\n    print({name!r}, *sys.argv[1:])\n"
TOOLS = ("tick", "twine", "ruff", "pip", "pip-audit", "uv", "poetry", "ipykernel")
PROJECT = '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.9"\n'
SCRIPT = "# /// script\n# dependencies = ['tick']\n# ///\nimport tick\nprint('script ran')\n"
OWN = '[build-system]\nrequires = []\n[project.scripts]\nown = "mine:main"\n'


@dataclass(frozen=True, kw_only=True)
class Case:
    """A mistake, and where its hint leads."""

    typed: str
    files: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    """Commands that make the ground."""
    hint: str
    """What the hint must have in it."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What a person puts in the place of the words in capitals."""
    says: tuple[str, ...] = ("",)
    """What each of the commands prints, in their order, on either stream."""
    status: int = 0
    """That of the last command of the hint."""


EXTRA = '[project.optional-dependencies]\nmore = ["tick"]\n'

LAYERS = {
    "requirements.txt": "tick\n",
    "requirements-dev.txt": "-r requirements.txt\ntock\n",
}

SETUP = "from setuptools import setup\nsetup(name='mine')\n"
LIBRARY = (
    '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    '[project]\nname = "lib"\nversion = "1"\n'
)
LOCKED = {"pyproject.toml": PROJECT + 'dependencies = ["tick"]\n'}
GROUPED = {"pyproject.toml": PROJECT + '[dependency-groups]\ndocs = ["tick"]\n'}
LAYERED = {
    "requirements.txt": "tick\n",
    "requirements-dev.txt": "-r requirements.txt\nruff\n",
}
LOCK = ("pyx lock",)
CONDA = """\
name: science
channels:
  - conda-forge
dependencies:
  - python>=3.9
  - conda-forge::tick=1.0=py312_0  # exactly
  - pip
  - pip:
      - -r more.txt
      - "tock >=1"
"""
LISTED = {"environment.yml": CONDA, "more.txt": "early==1.0\n"}
HERE = {"NAME": "tick", "PACKAGE": "tick", "SCRIPT": "run.py", "VERSION": "3"}
RUN = {"run.py": "print('ran')\n"}

CASES: Mapping[str, Case] = {
    # What is not there, and must not be fetched from a stranger.
    "own program, unlocked": Case(
        typed="pyx run own",
        files={"pyproject.toml": PROJECT + OWN},
        hint="the project itself has own: run `pyx lock`",
        says=("pylock.toml",),
    ),
    "program of the project's own name": Case(
        typed="pyx run mine",
        files=LOCKED,
        before=LOCK,
        hint="mine, and names no such program: [build-system], [project.scripts] in",
        says=("1 package, no version changed",),
    ),
    "program of a package not fetched": Case(
        typed="pyx tick2 a",
        files=LOCKED,
        before=LOCK,
        hint="if one of them has it: `pyx run tick2 a`",
        says=("tick a",),
    ),
    "own program, not installed": Case(
        typed="pyx run own",
        files={"pyproject.toml": PROJECT + OWN.partition("[project")[2].join(("[project", ""))},
        hint="give its pyproject.toml a [build-system] table, then run `pyx lock`",
    ),
    "in the shell of an environment": Case(
        typed="pyx @science run /bin/sh -c 'pyx add tock'",
        before=("pyx env create science",),
        hint="`pyx @science add tock` changes the environment that this was started in",
        says=("+ tock 1.0",),
    ),
    "what the shell of an environment has": Case(
        typed="pyx @science run /bin/sh -c 'pyx list'",
        before=("pyx env create science", "pyx @science add tock"),
        hint="`pyx @science list` is about the environment that this was started in",
        says=("tock",),
    ),
    "a directory, in the shell of an environment": Case(
        typed="pyx @science run /bin/sh -c 'pyx add -e ./lib'",
        files={"lib/pyproject.toml": LIBRARY, "lib/lib.py": ""},
        before=("pyx env create science",),
        hint="`pyx @science add -e ./lib` changes the environment that this was started in",
        says=("+ lib",),
    ),
    "the lock of the environment of a shell": Case(
        typed="pyx @science run /bin/sh -c 'pyx lock --upgrade tock'",
        before=("pyx env create science", "pyx @science add tock"),
        hint="`pyx @science lock --upgrade tock` changes the environment that this was started in",
        says=("no version changed",),
    ),
    "a program of the environment of a shell": Case(
        typed="pyx @science run /bin/sh -c 'pyx run tick a'",
        before=("pyx env create science", "pyx @science add tick"),
        hint="`pyx @science run tick a` is about the environment that this was started in",
        says=("tick a",),
    ),
    "all of the environment of a shell": Case(
        typed="pyx @science run /bin/sh -c 'pyx sync'",
        before=("pyx env create science", "pyx @science add tick"),
        hint="`pyx @science sync` is about the environment that this was started in",
        says=("1 already in the store",),
    ),
    "what the shell of an environment starts": Case(
        typed="pyx @science run /bin/sh -c 'pyx info | grep started'",
        before=("pyx env create science", "pyx @science add tick"),
        hint="`pyx @science info` is about the environment that this was started in",
        says=("pylock.toml",),
    ),
    "a script with options, as uv runs it": Case(
        typed="pyx run --env-file f.env --python 3 run.py a 'b c'",
        files={
            "run.py": "import os, sys; print(os.environ['N'], sys.argv[1:])\n",
            "f.env": "N=7\n",
        },
        hint="hint: pyx --env-file f.env --python 3 run.py a 'b c'",
        says=("7 ['a', 'b c']",),
    ),
    "a module, as uv runs it": Case(
        typed="pyx run --module tick a 'b c'",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx -m tick a 'b c'",
    ),
    "a script with a list of packages, as uv runs it": Case(
        typed="pyx run --with-requirements more.txt run.py a",
        files={"run.py": "import tock; print('script ran')\n", "more.txt": "tock\n"},
        hint="`pyx add @more -r more.txt` makes an environment of it, then `pyx --with @more run",
        says=("+ tock 1.0", "script ran"),
    ),
    "a project that is installed, as uv begins it": Case(
        typed="pyx init --app --package tock",
        hint="hint: pyx init --lib tock",
        says=("tock",),
    ),
    "a program in an environment, as conda runs it": Case(
        typed="pyx run -n science python -c 'import sys; print(\"a b\", sys.argv[1:])' 'c d'",
        before=("pyx env create science",),
        hint="hint: pyx @science run python -c 'import sys; print(\"a b\", sys.argv[1:])' 'c d'",
        says=("a b ['c d']",),
    ),
    "a version of conda's": Case(
        typed="pyx install tock=1",
        files=LOCKED,
        hint="hint: pyx add 'tock==1.*'",
        says=("+ tock 1.0",),
    ),
    "an environment is compared, as others are asked": Case(
        typed="pyx @science diff .",
        files=LOCKED,
        before=(*LOCK, "pyx env create science", "pyx @science add tick"),
        hint="hint: pyx diff @science .",
    ),
    "a list of other packages": Case(
        typed="pyx --project more.txt lock",
        files={**LOCKED, "more.in": "tick\n", "more.txt": "tick==1.0\n"},
        hint="`pyx tool run --from pip-tools pip-compile --generate-hashes more.in -o more.txt`",
        # The index of the tests has no such tool.
        says=("could not lock pip-tools",),
        status=69,
    ),
    "an upgrade of a list of other packages": Case(
        typed="pyx --project more.txt lock --upgrade tick",
        files={**LOCKED, "more.in": "tick\n", "more.txt": "tick==1.0\n"},
        hint="pip-compile --generate-hashes -P tick more.in -o more.txt`",
        says=("could not lock pip-tools",),
        status=69,
    ),
    "a package for a list of other packages": Case(
        typed="pyx --project more.txt add tock",
        files={**LOCKED, "more.in": "tick\n", "more.txt": "tick==1.0\n"},
        hint="`echo tock >> more.in && pyx tool run --from pip-tools pip-compile",
        says=("could not lock pip-tools",),
        status=69,
    ),
    "conda's name of an environment beside a file": Case(
        typed="pyx install -n chem --file r.txt",
        files={"r.txt": "tock\n"},
        hint="pyx add @chem -r r.txt",
        says=("+ tock 1.0",),
    ),
    "a version that no index has, in a new project": Case(
        typed="pyx add --init 'build>=99'",
        hint="there is build==1.0: `pyx add --init build`, without a version, takes one",
        says=("+ build 1.0",),
    ),
    "an optional package, as Poetry has it": Case(
        typed="pyx add --optional tock",
        files=LOCKED,
        hint="hint: pyx add --optional EXTRA tock",
        words={"EXTRA": "more"},
        says=("+ tock 1.0",),
    ),
    "python as a tool, as uv has it": Case(
        typed="pyx tool run python@3 run.py",
        files={"run.py": "print('script ran')\n"},
        hint="hint: pyx --python 3 run.py",
        says=("script ran",),
    ),
    "python as a tool, with a package": Case(
        typed="pyx tool run --with tock python run.py",
        files={"run.py": "import tock; print('script ran')\n"},
        hint="`pyx add @tock tock` makes an environment of it, then `pyx --with @tock run.py`",
        says=("+ tock 1.0", "script ran"),
    ),
    "python is installed as a tool": Case(
        typed="pyx tool install python@3.12",
        hint="hint: pyx tool run uv python install 3.12",
    ),
    "an environment behind what is added": Case(
        typed="pyx add tock @science",
        before=("pyx env create science",),
        hint="hint: pyx @science add tock",
        says=("+ tock 1.0",),
    ),
    "a tree of one package, as uv has it": Case(
        typed="pyx tree --invert --package tick",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx tree --invert tick",
        says=("tick",),
    ),
    "a tree of one package and what requires it": Case(
        typed="pyx tree --invert tick --package tick",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx tree --invert tick",
        says=("tick",),
    ),
    "a path that is to be editable, as uv has it": Case(
        typed="pyx add ./lib --editable",
        files={**LOCKED, "lib/pyproject.toml": LIBRARY, "lib/lib.py": ""},
        hint="hint: pyx add -e ./lib",
        says=("+ lib",),
    ),
    "a lock without its project": Case(
        typed="pyx add --init tock",
        files=LOCKED,
        before=("pyx lock", "rm pyproject.toml"),
        hint=(
            "`pyx export --format requirements -o wanted.txt"
            " && mv {cwd}/pylock.toml {cwd}/pylock.toml.old"
            " && pyx add --init -r wanted.txt` makes one of what it has"
        ),
        says=("+ tick 1.0",),
    ),
    "what another tool has installed through the link": Case(
        typed="pyx sync",
        files=LOCKED,
        before=(
            *LOCK,
            "pyx env --link",
            '"$PYX_UV" pip install --python .venv --default-index "$PIP_INDEX_URL" tock',
        ),
        hint="which other projects may share; `rm -r",
        says=("environment made",),
    ),
    "lists in a directory of their own": Case(
        typed="pyx -c 'import tick'",
        files={"requirements/base.txt": "tick\n", "requirements/dev.txt": "-r base.txt\ntock\n"},
        hint="only the standard library; run `pyx add --init -r requirements/base.txt`",
        says=("+ tick 1.0",),
    ),
    "lists in a directory of their own, from elsewhere": Case(
        typed="cd requirements && pyx -c 'import tick'",
        files={"requirements/prod.txt": "tick\n"},
        hint="run `pyx --project {cwd} add --init -r {cwd}/requirements/prod.txt`",
        says=("+ tick 1.0",),
    ),
    "what a tool has installed into its own environment": Case(
        typed="pyx tool list",
        before=(
            "pyx tool install tick",
            "ln -s $PYX_HOME/tools/tick/environment .venv",
            '"$PYX_UV" pip install --python .venv --default-index "$PIP_INDEX_URL" tock',
        ),
        hint="`pyx tool install --with PACKAGE tick` keeps a package",
        words={"PACKAGE": "tock"},
        says=("tick 1.0: tick",),
    ),
    "a project of a setup.py with an extra, as pip installs it": Case(
        typed="pyx pip install -e '.[more]'",
        files={"setup.py": SETUP.replace(")", ", extras_require={'more': ['tick']})")},
        hint="`echo '-e .[more]' >> requirements.txt && pyx lock` locks it with what it requires",
        # The index of the tests has no setuptools, which builds it.
        status=69,
    ),
    "lists in a directory of their own, to be compiled": Case(
        typed="pyx -c 'import tick'",
        files={
            "requirements/base.in": "tick\n",
            "requirements/constraints.txt": "tock<2\n",
            "requirements/dev.in": "-r base.in\ntock\n",
        },
        hint="only the standard library; run `pyx add --init -r requirements/base.in`",
        says=("+ tick 1.0",),
    ),
    "groups that are left out, as Poetry exports": Case(
        typed="pyx export --without dev -o locked.txt",
        files={
            "pyproject.toml": PROJECT + "[dependency-groups]\ndev = ['tick']\n",
        },
        before=LOCK,
        hint="hint: pyx export --format requirements --no-group dev -o locked.txt",
    ),
    "dependencies, unlocked": Case(
        typed="pyx run tick",
        files=LOCKED,
        hint="there is no lock: a start has only the standard library; run `pyx lock`",
        says=("+ tick 1.0",),
    ),
    "installed tool": Case(
        typed="pyx run tick",
        before=("pyx tool install tick",),
        hint="it is an installed tool: `pyx tool run tick`",
        says=("tick",),
    ),
    "on PATH": Case(
        typed="pyx run env",
        files=LOCKED,
        before=LOCK,
        hint='`pyx run "$(command -v env)"`',
        words={"PACKAGE": "tock"},
        says=("+ tock 1.0", "PATH="),
    ),
    "program of nobody": Case(
        typed="pyx run nosuchprogram",
        files=LOCKED,
        before=LOCK,
        hint="`pyx add PACKAGE`",
        words={"PACKAGE": "tock"},
        says=("+ tock 1.0",),
    ),
    "program without a project": Case(
        typed="pyx run nosuchprogram",
        before=("mkdir there", "cd there && pyx add --init tick"),
        hint="`pyx --project DIR run NAME`",
        words={"DIR": "there", "NAME": "tick"},
        says=("tick",),
    ),
    "known program that is not locked": Case(
        typed="pyx run ruff .",
        files=LOCKED,
        before=LOCK,
        hint="`pyx add --dev ruff` adds it",
        says=("+ ruff 1.0",),
    ),
    "known program of another start": Case(
        typed="pyx ruff .",
        files=LOCKED,
        before=LOCK,
        hint="`pyx add --dev ruff` adds it, then `pyx run ruff .`",
        says=("+ ruff 1.0", "ruff ."),
    ),
    "known program, without a project": Case(
        typed="pyx ruff .",
        hint="`pyx init` makes a project here, `pyx add --dev ruff` adds it, then `pyx run ruff .`",
        says=("main.py", "+ ruff 1.0", "ruff ."),
    ),
    "known program of a named environment": Case(
        typed="pyx @tick run ruff",
        before=("pyx env create tick", "pyx @tick lock"),
        hint="`pyx @tick add ruff` adds it",
        says=("+ ruff 1.0",),
    ),
    "known program, by a list": Case(
        typed="pyx run ruff",
        files={"requirements.in": "tick\n"},
        before=LOCK,
        hint="`pyx add ruff` adds it",
        says=("+ ruff 1.0",),
    ),
    "program of a package that is required since the lock": Case(
        typed="pyx run ruff",
        files=LOCKED,
        before=(*LOCK, "sed -i s/tick/ruff/ pyproject.toml"),
        hint="hint: run `pyx lock`, which may bring it",
        says=("+ ruff",),
    ),
    "package of a script without its option": Case(
        typed="pyx remove run.py tick",
        files={"run.py": SCRIPT},
        before=("pyx lock run.py",),
        hint="hint: pyx remove --script run.py tick",
        says=("- tick 1.0",),
    ),
    "program of a list beside that of the project": Case(
        typed="pyx run ruff",
        files=LAYERED,
        before=LOCK,
        hint="add --init -r requirements.txt && pyx add --group dev -r requirements-dev.txt` makes",
        says=("+ ruff 1.0",),
    ),
    "a list beside that of the project, in a new project": Case(
        typed="pyx add --init -r requirements-dev.txt",
        files=LAYERED,
        hint="add --init -r requirements.txt && pyx add --group dev -r requirements-dev.txt` makes",
        says=("+ ruff 1.0",),
    ),
    "program of a group that is not chosen": Case(
        typed="pyx run tick a",
        files=GROUPED,
        before=LOCK,
        hint="an extra or a group has it: `pyx --all-extras --all-groups run tick a`",
        says=("tick a",),
    ),
    "no lock of a new project": Case(
        typed="pyx list",
        before=("pyx init",),
        hint="`pyx lock` makes one, `pyx add NAME` adds a package",
        words={"NAME": "tick"},
        says=("pylock.toml", "+ tick 1.0"),
    ),
    "no lock beside a script": Case(
        typed="pyx list there/main.py",
        before=("pyx init there",),
        hint="`pyx --project {cwd}/there lock` makes one",
        words={"NAME": "tick"},
        says=("pylock.toml", "+ tick 1.0"),
    ),
    "module of nobody": Case(
        typed="pyx which nosuchmodule",
        files=LOCKED,
        before=("pyx lock", "pyx sync"),
        hint="`pyx add PACKAGE`",
        words={"PACKAGE": "tock"},
        says=("+ tock 1.0",),
    ),
    "module not fetched": Case(
        typed="pyx which nosuchmodule",
        files=LOCKED,
        before=LOCK,
        hint="`pyx sync` first",
        says=("tick 1.0",),
    ),
    "script as a program": Case(
        typed="pyx run run.py", files=RUN, hint="hint: pyx run.py", says=("ran",)
    ),
    "group by Poetry's option": Case(
        typed="pyx sync --with docs",
        files=GROUPED | RUN,
        before=("pyx lock", "pyx env create NAME"),
        hint="`--group docs`, a named environment `--with @NAME`; `pyx add PACKAGE`",
        words={"PACKAGE": "tock"},
        says=("", "+ tock 1.0"),
    ),
    "program of another version": Case(
        typed="pyx run --offline python3.1 run.py",
        files=RUN,
        hint="hint: pyx --offline --python 3.1 run.py",
        status=69,
    ),
    "module of a program": Case(
        typed="pyx run -m tick a", files=LOCKED, before=LOCK, hint="hint: pyx -m tick a"
    ),
    # Without a lock, a project or a script.
    "nothing to list": Case(
        typed="pyx list",
        before=("mkdir there", "cd there && pyx add --init tick"),
        hint="`pyx init` makes a project here; `pyx --project DIR list` takes another",
        words={"DIR": "there"},
        says=("pyproject.toml", "tick"),
    ),
    "nothing to look into": Case(
        typed="pyx which tick",
        before=("mkdir there", "cd there && pyx add --init tick"),
        hint="`pyx init` makes a project here; `pyx --project DIR which tick` takes another",
        words={"DIR": "there"},
        says=("pyproject.toml", "tick"),
    ),
    "nothing to link": Case(
        typed="pyx env --link",
        before=("pyx env create NAME",),
        hint="`pyx init` makes a project here; `pyx @NAME env --link` takes another",
        says=("pyproject.toml", ".venv"),
    ),
    "a file of no link": Case(
        typed="pyx env --file",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx env --link --file",
        says=(".venv",),
    ),
    "nothing to export": Case(
        typed="pyx export --format requirements",
        before=("mkdir there", "cd there && pyx add --init tick"),
        hint="`pyx lock` makes one; `pyx --project DIR export` takes another",
        words={
            "DIR": "there",
            "pyx lock": "cd there && pyx lock",
            "export": "export --format pylock",
        },
        says=("no version changed", "tick"),
    ),
    "export without a format": Case(
        typed="pyx export",
        files=LOCKED,
        before=LOCK,
        hint="hint: `pyx export --format requirements`, or pylock, or venv",
        says=("tick",),
    ),
    "nothing to add to": Case(
        typed="pyx add tick",
        hint="`pyx add --init tick` makes one here",
        says=("+ tick 1.0",),
    ),
    "nothing to add a file to": Case(
        typed="pyx add -r r.txt",
        files={"r.txt": "tick\n"},
        hint="`pyx add --init -r r.txt` makes one here",
        says=("+ tick 1.0",),
    ),
    "nothing to add to a group": Case(
        typed="pyx --python 3 add --dev tick -c c.txt",
        files={"c.txt": "tick<2\n"},
        hint="`pyx --python 3 add --init --group dev -c c.txt tick` makes one here",
        says=("+ tick 1.0",),
    ),
    "nothing to lock": Case(
        typed="pyx lock", hint="`pyx init` makes one here", says=("pyproject.toml",)
    ),
    "nothing to remove from": Case(
        typed="pyx remove tick",
        before=("mkdir there", "cd there && pyx add --init tick"),
        hint="name it: `pyx --project DIR remove tick`",
        words={"DIR": "there"},
        says=("- tick 1.0",),
    ),
    "no project table": Case(
        typed="pyx add tick",
        files={"pyproject.toml": "[tool.x]\n"},
        hint="`pyx add --init tick` makes one",
        words=HERE,
        says=("+ tick 1.0",),
    ),
    "a list with hashes and nothing it is made of": Case(
        typed="pyx add tick",
        files={"requirements.txt": "tick==1.0 --hash=sha256:" + "0" * 64 + "\n"},
        hint="`pyx add --init -r requirements.txt` makes one of it",
        says=("+ tick 1.0",),
    ),
    "an upgrade where nothing is": Case(
        typed="pyx add x",
        files={"poetry.lock": ""},
        hint="`pyx init` makes a project here",
        status=64,
    ),
    "no lock to check": Case(
        typed="pyx lock --check", files=LOCKED, hint="run `pyx lock`", says=("+ tick 1.0",)
    ),
    "a lock that is old": Case(
        typed="pyx --locked -c pass",
        files=LOCKED,
        before=("pyx lock", "sed -i s/tick/tock/ pyproject.toml"),
        hint="run `pyx lock`",
        says=("+ tock 1.0",),
    ),
    "a lock that is old, from elsewhere": Case(
        typed="pyx --project there --locked -c pass",
        before=(
            "mkdir there",
            "cd there && pyx add --init tick && sed -i 's/tick>=1.0/tock/' pyproject.toml",
        ),
        hint="there lock`",
        says=("+ tock 1.0",),
    ),
    "a damaged lock": Case(
        typed="pyx -c pass",
        files={**LOCKED, "pylock.toml": "damaged\n"},
        hint="run `pyx lock`",
        says=("+ tick 1.0",),
    ),
    "an environment without a lock": Case(
        typed="pyx @e -c pass",
        before=("pyx env create e", 'rm "$PYX_HOME/named/e/pylock.toml"'),
        hint="hint: pyx @e lock",
        says=("pylock.toml",),
    ),
    "an environment that is not there": Case(
        typed="pyx @e -c pass", hint="hint: pyx env create e", says=("@e",)
    ),
    "an environment that is not there to be changed": Case(
        typed="pyx remove @e tick", hint="hint: pyx env list"
    ),
    "an environment that is not there to be removed": Case(
        typed="pyx env remove e", hint="hint: pyx env list"
    ),
    "an environment that is named as a script is": Case(
        typed="pyx science run.py",
        files=RUN,
        before=("pyx env create science",),
        hint="hint: pyx @science run.py",
        says=("ran",),
    ),
    "an environment as conda's update names it": Case(
        typed="pyx update -n science tick",
        before=("pyx add @science tick",),
        hint="hint: pyx @science lock --upgrade tick",
        says=("no version changed",),
    ),
    "an environment that is to be made by conda's install": Case(
        typed="pyx install --name science -c conda-forge tick=1.0",
        hint="hint: pyx @science add 'tick==1.0.*'",
        says=("+ tick 1.0",),
    ),
    "an environment for add, as conda names it": Case(
        typed="pyx add -c conda-forge -n science tick=1.0",
        hint="hint: pyx @science add 'tick==1.0.*'",
        says=("+ tick 1.0",),
    ),
    "an environment for run, as conda names it": Case(
        typed="pyx run -n science tick",
        before=("pyx add @science tick",),
        hint="hint: pyx @science run tick",
        says=("tick",),
    ),
    "an environment behind the command": Case(
        typed="pyx list @science --json",
        before=("pyx add @science tick",),
        hint="hint: pyx @science list --json",
        says=('"tick"',),
    ),
    "an environment behind run": Case(
        typed="pyx --locked run @science tick -x",
        before=("pyx add @science tick",),
        hint="hint: pyx @science --locked run tick -x",
        says=("tick -x",),
    ),
    "an environment of another name": Case(
        typed="pyx env rename science @physics",
        before=("pyx add @science tick",),
        hint="`pyx env create physics --clone science`, then `pyx env remove science`",
        says=("@physics", "@science removed"),
    ),
    "another name that is taken": Case(
        typed="pyx env rename science physics",
        before=("pyx env create science", "pyx env create physics"),
        hint="hint: pyx env show physics",
        says=("physics",),
    ),
    "another name for what is not there": Case(
        typed="pyx env rename sciense physics",
        before=("pyx env create other",),
        hint="hint: pyx env list",
        says=("@other",),
    ),
    "an environment without a name": Case(
        typed="pyx list @",
        before=("pyx env create science",),
        hint="`pyx env list` shows",
        says=("@science",),
    ),
    "a script in an environment of conda's option": Case(
        typed="pyx run -n science --script run.py",
        files=RUN,
        before=("pyx env create science",),
        hint="hint: pyx @science run.py",
        says=("ran",),
    ),
    "conda's list with a quoted name": Case(
        typed="pyx conda env create -f environment.yml",
        files=LISTED
        | {"environment.yml": CONDA.replace("name: science", 'name: "my env"  # mine')},
        hint="hint: pyx add @my-env tick==1.0",
        says=("+ tick 1.0",),
    ),
    "an environment of another case": Case(
        typed="pyx add @Science tick",
        before=("pyx env create science",),
        hint="hint: pyx env show science",
        says=("pylock.toml",),
    ),
    "a version for an environment, as conda has it": Case(
        typed="pyx @science add python=3",
        before=("pyx env create science",),
        hint="hint: pyx @science python pin 3\n",
        says=(".python-version: 3",),
    ),
    "a version for an environment that is not there": Case(
        typed="pyx add @science python==3", hint="hint: pyx env create science --python 3\n"
    ),
    "a version of a project, as a package": Case(
        typed="pyx --project . add 'python>=3.9' tock",
        files=LOCKED,
        hint="`pyx --project . python pin '>=3.9'`, then `pyx --project . add tock`",
        says=(".python-version", "+ tock 1.0"),
    ),
    "a version that nothing of an environment pins": Case(
        typed="pyx @science python pin",
        before=("pyx env create science",),
        hint="hint: pyx @science python pin VERSION",
        words=HERE,
        says=(".python-version: 3",),
    ),
    "an environment of a version, as conda makes it": Case(
        typed="pyx env create -n science -c conda-forge -y python=3 tick",
        hint="hint: pyx add @science tick --python 3\n",
        says=("+ tick 1.0",),
    ),
    "an environment of a list, as conda makes it": Case(
        typed="pyx env create science --file r.txt",
        files={"r.txt": "tick\n"},
        hint="hint: pyx add @science -r r.txt",
        says=("+ tick 1.0",),
    ),
    "an environment of conda's own list": Case(
        typed="pyx conda create --name science --file spec.txt",
        files={"spec.txt": "# platform: linux-64\nxz=5.4=h5eee18b_0\ntick=1.0=py312_0\n"},
        hint="`pyx add @science tick==1.0`; left out, because it is not a Python package:"
        " xz (line 2)",
        says=("+ tick 1.0",),
    ),
    "a copy of an environment, as conda makes it": Case(
        typed="pyx env create -n physics --clone science",
        before=("pyx add @science tick",),
        hint="hint: pyx env create physics --clone science",
        says=("@physics",),
    ),
    "a copy of an environment": Case(
        typed="pyx env copy science physics",
        before=("pyx add @science tick",),
        hint="hint: pyx env create physics --clone science",
        says=("@physics",),
    ),
    "a copy for another version": Case(
        typed="pyx env create physics --clone science --python 3",
        before=("pyx add @science tick",),
        hint="hint: pyx env create physics --clone science\n",
        says=("@physics",),
    ),
    "a copy of a link": Case(
        typed="pyx env create physics --clone science",
        before=(
            "mkdir there",
            'cd there && pyx add --init tick && mkdir -p "$PYX_HOME/named"',
            'ln -s "$PWD/there" "$PYX_HOME/named/science"',
        ),
        hint="another link: `ln -s {cwd}/there ",
    ),
    "a copy without a name": Case(
        typed="pyx env create --clone science",
        before=("pyx add @science tick",),
        hint="hint: pyx env create NAME --clone science",
        words=HERE,
        says=("@tick",),
    ),
    "where an environment is, as Poetry tells it": Case(
        typed="pyx env info -p",
        files=LOCKED,
        before=("pyx lock", "pyx sync"),
        hint="hint: pyx env show",
        says=("/environments/",),
    ),
    "a kernel of an environment, as a word": Case(
        typed="pyx env kernel science",
        before=("pyx add @science ipykernel",),
        hint="hint: pyx @science env --kernel",
        says=("kernels/pyx-science",),
    ),
    "a package besides, as uv has it": Case(
        typed="pyx run --with tock run.py",
        files=RUN,
        hint="`pyx add @tock tock` makes an environment of it, then `pyx --with @tock run.py`",
        says=("+ tock 1.0", "ran"),
    ),
    "packages besides a program": Case(
        typed="pyx run --all-groups --with tock,tick==1.0 tick a",
        files=LOCKED,
        before=LOCK,
        hint="`pyx add @tock tock tick==1.0` makes an environment of it,"
        " then `pyx --with @tock --all-groups run tick a`",
        says=("+ tock 1.0", "tick a"),
    ),
    "what would be added": Case(
        typed="pyx @science add --dry-run tock -r r.txt",
        files={"r.txt": "tick\n"},
        hint="hint: pyx tool run pip install --dry-run tock -rr.txt",
        says=("pip install --dry-run tock -rr.txt",),
    ),
    "what an index has": Case(
        typed="pyx conda search tick",
        hint="hint: pyx tool run pip index versions tick",
        says=("pip index versions tick",),
    ),
    "what conda is, here": Case(
        typed="pyx conda info",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx info\n",
        says=("pylock.toml",),
    ),
    "what requires what would be removed": Case(
        typed="pyx remove --dry-run tick",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx tree\n",
        says=("tick 1.0",),
    ),
    "what would be upgraded": Case(
        typed="pyx lock --upgrade-package tick --dry-run",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx list --outdated",
        says=("",),
    ),
    "what would be fetched": Case(
        typed="pyx sync --dry-run",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx list\n",
        says=("tick",),
    ),
    "what would be fetched for pip": Case(
        typed="pyx install --dry-run",
        files=LOCKED,
        before=LOCK,
        hint="`pyx list` shows what a start gets, which `pyx sync` would fetch",
        says=("tick", "tick"),
    ),
    "what cannot be built": Case(
        typed="pyx @science -c pass",
        before=(
            "pyx add @science tick broken",
            "pyx @science -c pass || true",
        ),
        hint="; to start without it: `pyx @science remove broken`",
        says=("- broken 1.0",),
    ),
    # What was meant stays in the hint.
    "an upgrade of what @NAME has not": Case(
        typed="pyx @e lock --upgrade early",
        before=("pyx add @e tick",),
        hint="`pyx @e add early` adds it, `pyx @e list` shows what there is",
        says=("+ early 1.0", "tick"),
    ),
    "an upgrade of what a script has not": Case(
        typed="pyx lock s.py --upgrade tik",
        files={"s.py": SCRIPT},
        before=("pyx lock s.py",),
        hint="did you mean `pyx lock s.py --upgrade tick`?",
        says=("no version changed",),
    ),
    "an upgrade in a script by add": Case(
        typed="pyx add --script s.py -U tick",
        files={"s.py": SCRIPT},
        before=("pyx lock s.py",),
        hint="hint: pyx lock s.py --upgrade tick",
        says=("no version changed",),
    ),
    "an upgrade by add, of the project behind it": Case(
        typed="pyx add --project there -U tick",
        before=("mkdir there", "cd there && pyx add --init tick"),
        hint="hint: pyx --project there lock --upgrade tick",
        says=("no version changed",),
    ),
    "an upgrade by add, of an environment behind it": Case(
        typed="pyx add @e -U tick",
        before=("pyx add @e tick",),
        hint="hint: pyx @e lock --upgrade tick",
        says=("no version changed",),
    ),
    "what nobody wrote down in @NAME": Case(
        typed="pyx remove @e zzzz",
        before=("pyx add @e tick",),
        hint="`pyx @e tree` shows what there is",
        says=("tick",),
    ),
    "a script as a program of @NAME": Case(
        typed="pyx @e run run.py",
        files=RUN,
        before=("pyx env create e",),
        hint="hint: pyx @e run.py",
        says=("ran",),
    ),
    "an export of @NAME": Case(
        typed="pyx @e env export",
        before=("pyx add @e tick",),
        hint="hint: pyx @e export --format requirements",
        says=("tick==1.0",),
    ),
    "a module that a script has not": Case(
        typed="pyx which nosuchmodule s.py",
        files={"s.py": SCRIPT},
        before=("pyx lock s.py", "pyx sync s.py"),
        hint="`pyx add --script s.py PACKAGE`",
        words={"PACKAGE": "tock"},
        says=("+ tock 1.0",),
    ),
    "a program that a project elsewhere has not": Case(
        typed="pyx --project there run nosuch",
        before=("mkdir there", "cd there && pyx add --init tick"),
        hint="`pyx --project there add PACKAGE`",
        words={"PACKAGE": "tock"},
        says=("+ tock 1.0",),
    ),
    "an environment that is spelt wrong": Case(
        typed="pyx env remove scinece",
        before=("pyx env create science",),
        hint="hint: pyx env list",
        says=("@science",),
    ),
    "an environment with packages": Case(
        typed="pyx env create science tick=1.0",
        hint="hint: pyx add @science 'tick==1.0.*'",
        says=("+ tick 1.0",),
    ),
    "an environment of a version with packages": Case(
        typed="pyx env create science --python 3 tick",
        hint="hint: pyx add @science tick --python 3",
        says=("+ tick 1.0",),
    ),
    "an environment as conda names it": Case(
        typed="pyx env create -n science", hint="hint: pyx env create science", says=("@science",)
    ),
    "an environment as conda takes it": Case(
        typed="pyx -n science run.py",
        files=RUN,
        before=("pyx env create science",),
        hint="hint: pyx @science run.py",
        says=("ran",),
    ),
    "an environment that is there": Case(
        typed="pyx env create e", before=("pyx env create e",), hint="hint: pyx env show e"
    ),
    "an environment of an impossible name": Case(
        typed="pyx env create 'a b'", hint="`pyx env create a-b`: letters", says=("@a-b",)
    ),
    "a start in an environment of an impossible name": Case(
        typed="pyx @../x -c pass", hint="hint: pyx env list"
    ),
    "an environment for a path": Case(
        typed="pyx --python /usr/bin/env env create e",
        hint="",
        status=0,
    ),
    "no environment named": Case(
        typed="pyx env create", hint="hint: pyx env create NAME", words=HERE, says=("@tick",)
    ),
    "two wishes of env": Case(
        typed="pyx env --link x", files=LOCKED, before=LOCK, hint="hint: pyx env --link"
    ),
    "an environment before what has none": Case(
        typed="pyx @x tool list", hint="hint: pyx tool list"
    ),
    # Scripts.
    "script never locked": Case(
        typed="pyx --locked s.py",
        files={"s.py": SCRIPT},
        hint="`pyx sync {cwd}/s.py`, or `pyx lock {cwd}/s.py` to have the lock beside it",
        says=("1 fetched", "tick"),
    ),
    "script never locked, checked": Case(
        typed="pyx lock --check s.py",
        files={"s.py": SCRIPT},
        hint="hint: pyx lock {cwd}/s.py",
        says=("+ tick 1.0",),
    ),
    "script whose block has changed": Case(
        typed="pyx --locked s.py",
        files={"s.py": SCRIPT},
        before=("pyx lock s.py", "sed -i s/\\'tick\\'/\\'tock\\'/ s.py"),
        hint="run `pyx lock {cwd}/s.py`",
        says=("+ tock 1.0",),
    ),
    "script without a block": Case(
        typed="pyx lock run.py",
        files=RUN,
        hint="`pyx add --script {cwd}/run.py NAME` makes one",
        words=HERE,
        says=("+ tick 1.0",),
    ),
    "script without a block, checked": Case(
        typed="pyx lock --check run.py", files=RUN, hint="hint: pyx lock --help", says=("usage",)
    ),
    "script that is not there": Case(
        typed="pyx add --script gone.py tick",
        hint="`touch {cwd}/gone.py` makes an empty one",
    ),
    "two scripts": Case(
        typed="pyx lock s.py t.py",
        files={"s.py": SCRIPT, "t.py": SCRIPT},
        hint="hint: pyx lock s.py",
        says=("+ tick 1.0",),
    ),
    "manifest as a script": Case(
        typed="pyx lock pyproject.toml",
        files=LOCKED,
        hint="`pyx lock` locks its project",
        says=("+ tick 1.0",),
    ),
    "requirements as a script": Case(
        typed="pyx lock requirements-dev.txt",
        files={**LOCKED, "requirements-dev.txt": "tock\n"},
        hint="`pyx add --group dev -r requirements-dev.txt`",
        says=("+ tock 1.0",),
    ),
    "export without a format, with a choice": Case(
        typed="pyx export --no-dev -o wanted.txt",
        files=LOCKED,
        before=("pyx add --group dev tock",),
        hint="hint: pyx --no-dev export --format requirements -o wanted.txt",
    ),
    "export of another kind": Case(
        typed="pyx export --format cyclonedx1.5",
        files=LOCKED,
        before=LOCK,
        hint="`pyx info --sbom`",
        # The index here has not what writes it.
        says=("cyclonedx",),
        status=69,
    ),
    "all tools to uninstall": Case(
        typed="pyx tool uninstall --all", hint="`pyx tool list` shows all of them", says=("",)
    ),
    "an index by its name": Case(
        typed="pyx add tock --index corp",
        files=LOCKED,
        hint='write PACKAGE = {{ index = "corp" }} into [tool.uv.sources], then `pyx add tock`',
        says=("+ tock 1.0",),
    ),
    "an extra as Poetry has it": Case(
        typed="pyx sync -E more",
        files={"pyproject.toml": PROJECT + EXTRA},
        before=LOCK,
        hint="hint: pyx sync --extra more",
        says=("1 fetched",),
    ),
    "extras as pip has them": Case(
        typed="pyx sync '.[more]'",
        files={"pyproject.toml": PROJECT + EXTRA},
        before=LOCK,
        hint="hint: pyx sync --extra more",
        says=("1 fetched",),
    ),
    "what a list shows of directories": Case(
        typed="pyx list --editable",
        files=LOCKED,
        before=LOCK,
        hint="`pyx list` says which are editable",
        says=("tick", "tick"),
    ),
    "an environment from a file of conda's": Case(
        typed="pyx env create environment.yml",
        files={"environment.yml": "name: science\ndependencies:\n  - tick\n"},
        hint="hint: pyx add @science tick",
        says=("+ tick 1.0",),
    ),
    "packages as conda writes them": Case(
        typed="pyx add conda-forge::tick tock=1.0=py_0",
        files={"requirements.txt": ""},
        hint="hint: pyx add tick tock==1.0",
        says=("+ tick 1.0",),
    ),
    "a notebook as a program": Case(
        typed="pyx run n.ipynb",
        files={"n.ipynb": "{}"},
        hint="`pyx add --init jupyterlab` adds what opens it, then `pyx run jupyter lab n.ipynb`",
        says=("+ jupyterlab 1.0", "jupyter"),
    ),
    "no table to remove from": Case(
        typed="pyx remove tick",
        files={"pyproject.toml": "[tool.black]\n"},
        hint="`pyx add --init NAME` makes one",
        words=HERE,
        says=("+ tick 1.0",),
    ),
    "a package where no table is for it": Case(
        typed="pyx add tick tock",
        files={"pyproject.toml": "[tool.black]\n"},
        hint="`pyx add --init tick tock` makes one",
        says=("+ tock 1.0",),
    ),
    "an index in a list of conda's": Case(
        typed="pyx env create -f environment.yml",
        files={
            "environment.yml": "name: e\ndependencies:\n  - pip:\n"
            "    - --find-links=http://127.0.0.1:1/\n    - tick\n"
        },
        hint="hint: PIP_FIND_LINKS=http://127.0.0.1:1/ pyx add @e tick",
        says=("+ tick 1.0",),
    ),
    "a lock for an environment": Case(
        typed="pyx env create e -f pylock.toml",
        files=LOCKED,
        before=LOCK,
        hint="`pyx --project pylock.toml export --format requirements -o wanted.txt && pyx add @e",
        words={"SCRIPT": "-c pass"},
        says=("+ tick 1.0",),
    ),
    "a lock behind add": Case(
        typed="pyx add @e -r pylock.toml",
        files=LOCKED,
        before=LOCK,
        hint="`pyx --project pylock.toml SCRIPT` starts with it as it is",
        words={"SCRIPT": "-c pass"},
        says=("+ tick 1.0",),
    ),
    "an environment of a project": Case(
        typed="pyx --project pylock.toml env create e",
        files=LOCKED,
        before=LOCK,
        hint="`pyx --project pylock.toml export --format requirements -o wanted.txt && pyx add @e",
        words={"SCRIPT": "-c pass"},
        says=("+ tick 1.0",),
    ),
    "what a list of conda's no longer has": Case(
        typed="pyx env update -n e -f environment.yml --prune",
        files={"environment.yml": "dependencies:\n  - tick\n"},
        before=("pyx add @e tick tock",),
        hint="`pyx add @e tick`; what is no longer wanted stays until `pyx remove @e PACKAGE`",
        words={"PACKAGE": "tock"},
        says=("no version changed", "- tock 1.0"),
    ),
    "a file of pixi's": Case(
        typed="pyx env create -f pixi.toml",
        files={"pixi.toml": "[dependencies]\ntick = '*'\n"},
        hint="pyx does not read pixi.toml; `pyx add @NAME PACKAGE` adds packages one by one",
        words={"NAME": "e", "PACKAGE": "tick"},
        says=("+ tick 1.0",),
    ),
    "a list of conda's behind add": Case(
        typed="pyx add -r list.txt",
        files={**LOCKED, "list.txt": "tick=1.0=py312_0\nlibzlib=1.2=h123456_0\n"},
        hint="`pyx add tick==1.0`; left out",
        says=("tick",),
    ),
    "export over the project": Case(
        typed="pyx export --format requirements -o pyproject.toml",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx export --format requirements -o locked-1.txt",
    ),
    "a tool for another Python": Case(
        typed="pyx tool upgrade --python 3 tick",
        before=("pyx tool install tick --with tock",),
        hint="hint: pyx tool install --python 3 tick --with tock",
        says=("tick",),
    ),
    "another directory": Case(
        typed="pyx --offline run --directory there tick a",
        files={**LOCKED, "there/x.txt": ""},
        before=("pyx lock", "pyx sync"),
        hint="`(cd there && pyx --offline run tick a)`",
        says=("tick a",),
    ),
    "a version to upgrade to": Case(
        typed="pyx lock s.py --upgrade tick==1.0",
        files={"s.py": SCRIPT},
        before=("pyx lock s.py",),
        hint="hint: pyx lock s.py --upgrade tick",
        says=("no version changed",),
    ),
    "a script by an option, to be checked": Case(
        typed="pyx lock --script s.py --check",
        files={"s.py": SCRIPT},
        before=("pyx lock s.py",),
        hint="hint: pyx lock s.py --check",
    ),
    "a script by an option, to be upgraded": Case(
        typed="pyx lock --upgrade-package tick --script s.py",
        files={"s.py": SCRIPT},
        before=("pyx lock s.py",),
        hint="hint: pyx lock s.py --upgrade tick",
        says=("no version changed",),
    ),
    "a list as the lock of a project": Case(
        typed="pyx add tock",
        files={
            "pyproject.toml": "[tool.pyx]\nlocks = ['more.txt']\n",
            "more.in": "tick\n",
            "more.txt": "tick==1.0\n",
        },
        hint="`pyx tool run --from pip-tools pip-compile --generate-hashes more.in -o more.txt`",
        says=("could not lock pip-tools",),
        status=69,
    ),
    "two that are to go, one mistyped": Case(
        typed="pyx remove tick tockk",
        files=LOCKED,
        before=("pyx add --group dev tock",),
        hint="did you mean `pyx remove --group dev tock`?; then `pyx remove tick`",
        says=("- tock 1.0", "- tick 1.0"),
    ),
    "an environment that is not made": Case(
        typed="pyx @e env show",
        before=("pyx add @e tick",),
        hint="not made yet; `pyx @e sync` makes it",
        says=("made for",),
    ),
    "the newest version": Case(
        typed="pyx add tick@latest",
        files=LOCKED,
        before=LOCK,
        hint="hint: did you mean tick, or `pyx lock --upgrade tick` for what is locked already?",
        says=("no version changed",),
    ),
    "init beside a list": Case(
        typed="pyx init",
        files={"requirements.txt": "tick\n"},
        hint="`pyx add --init -r requirements.txt` makes a pyproject.toml of it",
        says=("+ tick 1.0",),
    ),
    "a virtual environment of another Python": Case(
        typed="pyx venv --python 3",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx --python 3 env --link",
        says=(".venv",),
    ),
    "an environment from a list": Case(
        typed="pyx env create early -r wanted.txt",
        files={"wanted.txt": "tock\n"},
        hint="hint: pyx add @early -r wanted.txt",
        says=("+ tock 1.0",),
    ),
    "conda's file behind add": Case(
        typed="pyx @e add -f environment.yml",
        files={"environment.yml": "dependencies:\n  - tick\n"},
        hint="hint: pyx @e add tick",
        says=("+ tick 1.0",),
    ),
    "a prefix of conda's": Case(
        typed="pyx create -p ./env tick", hint="hint: pyx add @ground-env tick", says=("+ tick",)
    ),
    "what two environments differ in": Case(
        typed="pyx compare -n e other.yml",
        before=("pyx add @e tick", "pyx add @f tock"),
        hint="`pyx diff @e @OTHER`",
        words={"OTHER": "f"},
        says=("tock",),
        status=1,
    ),
    "variables of an environment": Case(
        typed="pyx env config vars set A=1 -n e",
        files={".env": "A=b c\n", "s.py": "import os\nprint(os.environ['A'])\n"},
        before=("pyx add @e tick",),
        hint="hint: pyx @e --env-file .env SCRIPT",
        words={"SCRIPT": "s.py"},
        says=("b c",),
    ),
    "python from a package": Case(
        typed="pyx tool run --from tick python -c 'import tick; print(tick.__name__)'",
        hint="`pyx add @tick tick` makes an environment of it, then `pyx --with @tick -c",
        says=("+ tick 1.0", "tick"),
    ),
    "a program that a group has": Case(
        typed="pyx ruff --version",
        files={**LOCKED, "pyproject.toml": PROJECT + '[dependency-groups]\nlint = ["ruff"]\n'},
        before=LOCK,
        hint="`pyx --all-extras --all-groups run ruff --version`",
        says=("ruff",),
    ),
    "Poetry's word for a start without questions": Case(
        typed="pyx -n list", files=LOCKED, before=LOCK, hint="hint: pyx list", says=("tick",)
    ),
    "run of standard input": Case(
        typed="echo 'print(6 * 7)' | pyx run -", hint="hint: pyx -", says=("",)
    ),
    "settings of another tool": Case(
        typed="pyx config list", hint="`pyx tool run pip config list`", says=("pip",)
    ),
    "a list beside that of the project": Case(
        typed="pyx add -r requirements-dev.txt",
        files=LAYERS,
        hint="`pyx add --init -r requirements.txt && pyx add --group dev -r requirements-dev.txt`",
        says=("+ tock 1.0",),
    ),
    "a list beside that of the project, to sync": Case(
        typed="pyx sync requirements-dev.txt",
        files=LAYERS,
        hint="`pyx add --init -r requirements.txt && pyx add --group dev -r requirements-dev.txt`",
        says=("+ tock 1.0",),
    ),
    "a list beside that of another project": Case(
        typed="pyx --project there add -r there/dev-requirements.txt",
        files={"there/requirements.txt": "tick\n", "there/dev-requirements.txt": "tock\n"},
        hint="`pyx --project there add --init -r there/requirements.txt && pyx --project there"
        " add --group dev -r there/dev-requirements.txt`",
        says=("+ tock 1.0",),
    ),
    "a list where there is no project": Case(
        typed="pyx lock requirements-dev.txt",
        files={"requirements-dev.txt": "tock\n"},
        hint="`pyx add --init -r requirements-dev.txt` makes a project of it",
        says=("+ tock 1.0",),
    ),
    "a list that is mistyped": Case(
        typed="pyx add -r requirments.txt tock",
        files={"requirements.txt": "tick\n"},
        hint="did you mean `pyx add -r requirements.txt tock`?",
        says=("+ tock 1.0",),
    ),
    "a list to remove that is mistyped": Case(
        typed="pyx remove -r wantd.txt",
        files={**LOCKED, "wanted.txt": "tick\n"},
        hint="did you mean `pyx remove -r wanted.txt`?",
        says=("0 packages",),
    ),
    "a group of a list": Case(
        typed="pyx add --group dev tock",
        files={"requirements.txt": "tick\n"},
        hint="`pyx add --init -r requirements.txt` makes a project of it",
        says=("+ tick 1.0",),
    ),
    "the directory itself, where no project is": Case(
        typed="pyx add -e .", hint="`pyx init` makes one here", says=("pyproject.toml",)
    ),
    "sync where nothing is": Case(
        typed="pyx sync",
        hint="`pyx init` makes a project here",
        words={"DIR": "."},
        says=("pyproject.toml", "there is no lock"),
        status=64,
    ),
    "sync of a project without a lock": Case(
        typed="pyx sync", files=LOCKED, hint="run `pyx lock`", says=("+ tick 1.0",)
    ),
    "what a group has and is mistyped": Case(
        typed="pyx remove toc",
        files=LOCKED,
        before=("pyx add --group dev tock",),
        hint="did you mean `pyx remove --group dev tock`?",
        says=("- tock 1.0",),
    ),
    "an environment of nearly the same name": Case(
        typed="pyx @sciense add tick",
        before=("pyx env create science",),
        hint="`pyx env remove sciense` removes it again",
        says=("sciense",),
    ),
    "something else as a script": Case(
        typed="pyx lock x.yml", files={"x.yml": ""}, hint="hint: pyx lock --help", says=("usage",)
    ),
    "script in two places": Case(
        typed="pyx add --script s.py --dev tock",
        files={"s.py": SCRIPT},
        hint="hint: pyx add --script {cwd}/s.py tock",
        says=("+ tock 1.0",),
    ),
    "no script named": Case(typed="pyx list s", hint="`pyx which s` shows one package", status=64),
    "no script for a tree": Case(
        typed="pyx tree tick",
        files=LOCKED,
        before=LOCK,
        hint="`pyx tree --invert tick` shows one package",
        says=("tick 1.0",),
    ),
    "no script to look into": Case(
        typed="pyx which tick s",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx which tick",
        says=("tick",),
    ),
    "init of a script that is there": Case(
        typed="pyx init --script s.py",
        files={"s.py": SCRIPT},
        hint="`pyx add --script {cwd}/s.py NAME` adds a package to it",
        words={"NAME": "tock"},
        says=("+ tock 1.0",),
    ),
    "init of a script in a directory": Case(
        typed="pyx init --script new.py there",
        hint="hint: pyx init --script new.py",
        says=("new.py",),
    ),
    "init of a project that is there": Case(
        typed="pyx init",
        files=LOCKED,
        hint="`pyx add NAME` adds a package",
        words={"NAME": "tock"},
        says=("+ tock 1.0",),
    ),
    "init by an impossible name": Case(
        typed="pyx init --name 'a b' there", hint="hint: pyx init --name a-b there", says=("there",)
    ),
    # Requirements.
    "Poetry's constraint": Case(
        typed="pyx add tick@^1.0",
        files={"pyproject.toml": PROJECT},
        hint="hint: pyx add 'tick>=1.0,<2'",
        says=("+ tick 1.0",),
    ),
    "Poetry's constraint in a script": Case(
        typed="pyx add --script run.py tick@^1.0 'tock>=1'",
        files=RUN,
        hint="hint: pyx add --script {cwd}/run.py 'tick>=1.0,<2' 'tock>=1'",
        says=("+ tick 1.0",),
    ),
    "a file as a requirement": Case(
        typed="pyx add --group dev requirements.txt",
        files={**LOCKED, "requirements.txt": "tock\n"},
        hint="hint: pyx add --group dev -r requirements.txt",
        says=("+ tock 1.0",),
    ),
    "a script as a requirement": Case(
        typed="pyx add run.py tock",
        files=RUN,
        hint="hint: pyx add --script run.py tock",
        says=("+ tock 1.0",),
    ),
    "what nobody wrote down in a script": Case(
        typed="pyx remove --script s.py zzzz",
        files={"s.py": SCRIPT},
        hint="`pyx tree {cwd}/s.py` shows what there is",
        says=("tick 1.0",),
    ),
    "an export to a file without a format": Case(
        typed="pyx export -o locked.txt",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx export --format requirements -o locked.txt",
    ),
    "an upgrade by add": Case(
        typed="pyx add -U tick",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx lock --upgrade tick",
        says=("no version changed",),
    ),
    "an upgrade by add, with a group": Case(
        typed="pyx --project there add -U --group dev tick",
        before=("mkdir there", "cd there && pyx add --init tick"),
        hint="hint: pyx --project there lock --upgrade tick",
        says=("no version changed",),
    ),
    "a list of requirements as a package": Case(
        typed="pyx --project there add r.txt --group dev",
        files={"r.txt": "tock\n"},
        before=("mkdir there", "cd there && pyx add --init tick"),
        hint="hint: pyx --project there add --group dev -r r.txt",
        says=("+ tock 1.0",),
    ),
    "a list of requirements by pip's option": Case(
        typed="pyx @e -r r.txt",
        files={"r.txt": "tock\n"},
        before=("pyx env create e",),
        hint="hint: pyx @e add -r r.txt",
        says=("+ tock 1.0",),
    ),
    "no upgrade": Case(
        typed="pyx lock --no-update",
        files=LOCKED,
        hint="`pyx lock` moves no version unless it has to",
        says=("+ tick 1.0",),
    ),
    "a manifest as a requirement": Case(
        typed="pyx --project . add ./pyproject.toml",
        files=LOCKED,
        hint="`pyx --project . lock` locks its project",
        says=("+ tick 1.0",),
    ),
    "a lock as a list of requirements": Case(
        typed="pyx add -r pylock.toml",
        files=LOCKED,
        before=LOCK,
        hint="`pyx lock` locks its project",
        says=("no version changed",),
    ),
    "conda's list as a requirement": Case(
        typed="pyx add --dev environment.yml",
        files={**LOCKED, **LISTED},
        hint="hint: pyx add --group dev tick==1.0 'tock>=1' -r more.txt",
        says=("+ tock 1.0",),
    ),
    "conda's list as a list of requirements": Case(
        typed="pyx add --init -r environment.yml",
        files=LISTED,
        hint="hint: pyx add --init tick==1.0 'tock>=1' -r more.txt",
        says=("+ tick 1.0",),
    ),
    "conda's list of nothing": Case(
        typed="pyx add environment.yml",
        files={**LOCKED, "environment.yml": "name: x\n"},
        hint="`pyx add PACKAGE` adds a package by its name",
        words={"PACKAGE": "tock"},
        says=("+ tock 1.0",),
    ),
    "an environment of conda's list": Case(
        typed="pyx conda env create -f environment.yml",
        files=LISTED,
        hint="hint: pyx add @science tick==1.0 'tock>=1' -r more.txt --python '>=3.9'",
        says=("+ early 1.0",),
    ),
    "an environment that is to have what conda's list has": Case(
        typed="pyx env update -n physics --file environment.yml --prune",
        files=LISTED,
        before=("pyx env create physics",),
        hint="`pyx add @physics tick==1.0 'tock>=1' -r more.txt --python '>=3.9'`; what is",
        words={"PACKAGE": "early"},
        says=("+ early 1.0",),
    ),
    "what conda calls otherwise, and what no index has": Case(
        typed="pyx env create -f environment.yml",
        files={
            "environment.yml": "name: ds\ndependencies:\n  - python=3.*\n  - tick 1.0\n"
            "  - python-build\n  - blas=*=openblas\n  - nodejs\n  - pip:\n    - -e ./there\n"
            "    - --no-deps\n"
        },
        before=("pyx init there", "sed -i s/3.[0-9]*/3.9/ there/pyproject.toml"),
        hint="`pyx add @ds tick==1.0 build -e ./there --python 3`; conda's python-build is build"
        " on the index; left out, because they are not Python packages: blas (line 6),"
        " nodejs (line 7), --no-deps (line 10)",
        says=("+ build 1.0",),
    ),
    "data as a requirement": Case(
        typed="pyx add data.csv",
        files={**LOCKED, "data.csv": ""},
        hint="`pyx add PACKAGE` adds a package by its name",
        words={"PACKAGE": "tock"},
        says=("+ tock 1.0",),
    ),
    "a directory that is not there": Case(
        typed="pyx @e add ./nothere",
        before=("pyx env create e",),
        hint="`pyx @e add PACKAGE` adds a package by its name",
        words={"PACKAGE": "tock"},
        says=("+ tock 1.0",),
    ),
    "a channel of conda's": Case(
        typed="pyx add -c conda-forge tock",
        files=LOCKED,
        hint="if it is a channel of conda's, leave it out: `pyx add tock`",
        says=("+ tock 1.0",),
    ),
    "a package twice": Case(
        typed="pyx add tock==1.0 'Tock<1' --dev",
        files=LOCKED,
        hint="hint: pyx add --group dev tock==1.0\n",
        says=("+ tock 1.0",),
    ),
    "an upgrade as a command of lock": Case(
        typed="pyx lock upgrade tick",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx lock --upgrade tick\n",
        says=("no version changed",),
    ),
    "an upgrade of a list": Case(
        typed="pyx add -U -r r.txt",
        files={**LOCKED, "r.txt": "tock\n"},
        before=LOCK,
        hint="leave it out: `pyx lock --upgrade NAME` moves what is locked already",
        words=HERE,
        says=("no version changed",),
    ),
    "what is released before its time": Case(
        typed="pyx add --pre early --dev",
        files=LOCKED,
        before=LOCK,
        hint="a pre-release is named by its version: `pyx add early==VERSION --dev`",
        words={"VERSION": "2.0b1"},
        says=("+ early 2.0b1",),
    ),
    "another index": Case(
        typed='pyx add --index-url=file:///gone -f "$WHEELS" tick',
        files={"pyproject.toml": PROJECT},
        hint="`PIP_INDEX_URL=file:///gone PIP_FIND_LINKS=",
        status=69,
    ),
    "links to what an index has": Case(
        typed='pyx --project . add -f "$WHEELS" tick',
        files={"pyproject.toml": PROJECT},
        hint=" pyx --project . add tick`; for good, in pip's configuration",
        says=("+ tick 1.0",),
    ),
    "another program's option behind python": Case(
        typed="pyx python -p 3 run.py", files=RUN, hint="hint: pyx --python 3 run.py", says=("ran",)
    ),
    "an upgrade of a tool": Case(
        typed="pyx tool update tick",
        before=("pyx tool install tick",),
        hint="hint: pyx tool upgrade tick",
        says=("tick 1.0 is the newest",),
    ),
    "a project with a setup.py that is to be made anew": Case(
        typed="pyx add --init tick",
        files={"setup.py": SETUP, "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'},
        hint="`echo '-e .' >> requirements.txt && pyx add tick`",
        words={"'-e .'": "tock"},
        says=("+ tick 1.0",),
    ),
    "a project with a setup.py that is to be begun": Case(
        typed="pyx init",
        files={"setup.py": SETUP},
        hint="`echo '-e .' >> requirements.txt && pyx lock`",
        words={"'-e .'": "tock"},
        says=("+ tock 1.0",),
    ),
    "the extra of a project with a setup.py": Case(
        typed="pyx add -e '.[dev]'",
        files={"setup.py": SETUP},
        hint="`echo '-e .[dev]' >> requirements.txt && pyx lock`",
        words={"'-e .[dev]'": "tock"},
        says=("+ tock 1.0",),
    ),
    "a list for a project with a setup.py": Case(
        typed="pyx add -r requirements/dev.txt",
        files={"setup.py": SETUP, "requirements/dev.txt": "tick\n"},
        hint="`echo '-e .' >> requirements.txt && echo '-r requirements/dev.txt' >>",
        words={"'-e .'": "tock"},
        says=("+ tick 1.0",),
    ),
    "a list that a setup.py reads itself": Case(
        typed="pyx add -e '.[dev]' tick",
        files={"setup.py": SETUP + "open('requirements.txt')\n", "requirements.txt": "tick\n"},
        hint="`pyx add @mine -e '.[dev]' tick`",
        words={"-e '.[dev]'": "tock"},
        says=("+ tock 1.0",),
    ),
    "a list beside that of a project with a setup.py": Case(
        typed="pyx add -r requirements-dev.txt",
        files={"setup.py": SETUP, "requirements.txt": "tick\n", "requirements-dev.txt": "tock\n"},
        hint="`echo '-r requirements-dev.txt' >> requirements.txt && pyx lock` includes it",
        says=("+ tock 1.0",),
    ),
    "a list that includes that of a project with a setup.py": Case(
        typed="pyx add -r requirements-dev.txt",
        files={"setup.py": SETUP, **LAYERS},
        hint="`pyx add @mine -r requirements-dev.txt` makes an environment of it",
        says=("+ tock 1.0",),
    ),
    "a project that only a setup.py tells of": Case(
        typed="pyx add -e .",
        files={"setup.py": "from setuptools import setup\nsetup(name='mine')\n"},
        hint="`echo '-e .' >> requirements.txt && pyx lock` locks it",
        words={"'-e .'": "tick"},
        says=("+ tick 1.0",),
    ),
    "an archive that does not say its name": Case(
        typed="pyx add ./wheel.whl",
        files={**LOCKED, "wheel.whl": ""},
        hint="name it: `pyx add 'NAME @ file://{cwd}/wheel.whl'`",
        words={"pyx add": "true"},
    ),
    "the project itself, by pip": Case(
        typed="pyx pip install -e '.[more]'",
        files={
            "pyproject.toml": PROJECT
            + 'dependencies = ["tick"]\n[project.optional-dependencies]\nmore = ["tock"]\n'
        },
        hint="hint: pyx lock && pyx sync --extra more",
        says=("+ tock 1.0",),
    ),
    "the project itself, by pip, in its lock": Case(
        typed="pyx pip install .",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx sync",
        says=("tick 1.0",),
    ),
    "another project, by pip": Case(
        typed="pyx pip install -e ./there",
        files=LOCKED,
        before=("pyx init there", "sed -i s/3.[0-9]*/3.9/ there/pyproject.toml"),
        hint="hint: pyx add -e ./there",
        says=("+ there",),
    ),
    "the project itself, with an extra": Case(
        typed="pyx add '.[more]'",
        files={
            "pyproject.toml": PROJECT
            + 'dependencies = ["tick"]\n[project.optional-dependencies]\nmore = ["tock"]\n'
            "[build-system]\nrequires = []\n"
        },
        before=LOCK,
        hint="`pyx lock`, if it is not in the lock yet; `pyx sync --extra more` for the extra",
        words={"sync": "list"},
        says=("no version changed", "tock"),
    ),
    "what a file lists, by pip": Case(
        typed="pyx pip uninstall -y -r r.txt",
        files={**LOCKED, "r.txt": "tick\nnever\n"},
        before=LOCK,
        hint="hint: pyx remove -r r.txt",
        says=("- tick 1.0",),
    ),
    "what the project goes by is to be removed": Case(
        typed="pyx remove -r requirements.txt",
        files={"requirements.txt": "tick\ntock\n"},
        before=LOCK,
        hint="`pyx remove NAME` removes a package from it",
        words={"NAME": "tock"},
        says=("- tock 1.0",),
    ),
    "a file without packages is to be removed": Case(
        typed="pyx remove -r r.txt",
        files={**LOCKED, "r.txt": "# none\n"},
        before=LOCK,
        hint="`pyx list` shows what there is",
        says=("tick",),
    ),
    "a new project without a name": Case(
        typed="pyx add --init",
        hint="hint: pyx add --init click",
        words={"click": "tick"},
        says=("+ tick 1.0",),
    ),
    "a lock as a list": Case(
        typed="pyx add -r requirements.txt",
        files={"requirements.in": "tick\n"},
        before=LOCK,
        hint="copy it first: `cp requirements.txt wanted.txt && pyx add -r wanted.txt`",
        says=("no version changed",),
    ),
    "a picture of no kind": Case(
        typed="pyx tree --graph tree.png",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx tree --graph tree.svg",
        says=("tree.svg: 1 package\n",),
    ),
    "a page of no kind": Case(
        typed="pyx store report store.txt",
        hint="hint: pyx store report store.html",
        says=("store.html: 0 builds",),
    ),
    "no name": Case(typed="pyx add", hint="hint: pyx add --help", says=("usage",)),
    "no file of requirements": Case(
        typed="pyx add -r gone.txt", files=LOCKED, hint="hint: pyx add --help", says=("usage",)
    ),
    "two places": Case(
        typed="pyx add tock --dev --optional x",
        files=LOCKED,
        hint="hint: pyx add tock --optional x",
        says=("+ tock 1.0",),
    ),
    "an extra of a package": Case(
        typed="pyx add build --extra uv",
        files=LOCKED,
        hint="hint: pyx add 'build[uv]'",
        says=("+ build 1.0",),
    ),
    "an extra of a package, as Poetry has it": Case(
        typed="pyx add build --extras uv",
        files=LOCKED,
        hint="hint: pyx add 'build[uv]'",
        says=("+ build 1.0",),
    ),
    "a version that no index has": Case(
        typed="pyx add 'build>=99'",
        files=LOCKED,
        hint="there is build==1.0: `pyx add build`, without a version, takes one that there is",
        says=("+ build 1.0",),
    ),
    "an environment is removed as conda does it": Case(
        typed="pyx remove -n science --all",
        before=("pyx env create science",),
        hint="hint: pyx env remove science",
        says=("@science removed: ",),
    ),
    "another place": Case(
        typed="pyx remove tick",
        files=GROUPED,
        before=LOCK,
        hint="it is in the group docs: `pyx remove --group docs tick`",
        says=("- tick 1.0",),
    ),
    "what nobody wrote down": Case(
        typed="pyx remove tock", files=LOCKED, before=LOCK, hint="`pyx tree` shows", says=("tick",)
    ),
    "dependencies of a backend": Case(
        typed="pyx add tock",
        files={"pyproject.toml": PROJECT + 'dynamic = ["dependencies"]\n'},
        hint="then `pyx lock`",
        status=69,
    ),
    "constraints on what a list has not": Case(
        typed="pyx add tock -c c.txt",
        files={"requirements.in": "early\n", "c.txt": "tock<3\nearly==2.0b1\n"},
        before=LOCK,
        hint="`pyx add early==2.0b1` requires that; then this again",
        says=("~ early 1.0 → 2.0b1",),
    ),
    "locking that is forbidden": Case(
        typed="pyx --locked add tick",
        files=LOCKED,
        before=LOCK,
        hint="`pyx lock --check` tells whether a lock fits its project",
    ),
    "an upgrade of a name": Case(
        typed="pyx lock tick",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx lock --upgrade tick",
        says=("no version changed",),
    ),
    "an upgrade of a value": Case(
        typed="pyx lock --upgrade=tick",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx lock --upgrade tick\n",
        says=("no version changed",),
    ),
    "an upgrade of what is spelt wrong": Case(
        typed="pyx lock --upgrade tik",
        files=LOCKED,
        before=LOCK,
        hint="did you mean `pyx lock --upgrade tick`?",
        says=("no version changed",),
    ),
    "an upgrade of what is not there": Case(
        typed="pyx lock --upgrade early",
        files=LOCKED,
        before=LOCK,
        hint="`pyx add early` adds it, `pyx list` shows what there is",
        says=("+ early 1.0", "tick"),
    ),
    "a check that upgrades": Case(
        typed="pyx lock --check --upgrade",
        files=LOCKED,
        hint="hint: pyx lock --help",
        says=("usage",),
    ),
    "a name that the lock has not": Case(
        typed="pyx tree --invert zzzz",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx list",
        says=("tick",),
    ),
    # Interpreters.
    "a version twice": Case(
        typed="pyx --python 3 python find 3.9",
        hint="hint: pyx python find 3",
        says=("python3",),
    ),
    "a pinned path": Case(
        typed='pyx python pin "$(pyx python find)"', hint="hint: pyx python pin 3.", says=("3.",)
    ),
    "a version that is not there": Case(
        typed="pyx --python 3.29 -c pass",
        hint="install one: `pyx tool run uv python install 3.29`, or name it: --python PATH",
        says=("uv python install 3.29",),
    ),
    "a version that is too old": Case(
        typed="pyx --python 3.7 -c pass", hint="`pyx python list` shows what is here", says=("3.",)
    ),
    "a version by another option": Case(
        typed="pyx -p 3 run.py", files=RUN, hint="hint: pyx --python 3 run.py", says=("ran",)
    ),
    "a script for python": Case(
        typed="pyx python run.py", files=RUN, hint="hint: pyx run.py", says=("ran",)
    ),
    "a script for a version of python": Case(
        typed="pyx python3.1 run.py", files=RUN, hint="hint: pyx --python 3.1 run.py", status=69
    ),
    "nothing pinned": Case(
        typed="pyx python pin", hint="hint: pyx python pin VERSION", words=HERE, says=("3",)
    ),
    "a release that is not there": Case(
        typed="pyx --python 3.12.99 -c pass",
        hint="install one: `pyx tool run uv python install 3.12.99`, or name it: --python PATH",
        says=("uv python install 3.12.99",),
    ),
    "a version that is found nowhere": Case(
        typed="pyx python find 3.7",
        hint="`pyx python find VERSION`; `pyx python list` shows what is here",
        words=HERE,
        says=("python3", "3."),
    ),
    "a script by an option": Case(
        typed="pyx run --script run.py", files=RUN, hint="hint: pyx run.py", says=("ran",)
    ),
    "a notebook": Case(
        typed="pyx a.ipynb",
        files={**LOCKED, "a.ipynb": '{"cells": []}'},
        before=LOCK,
        hint="`pyx add jupyterlab` adds what opens it, then `pyx run jupyter lab a.ipynb`",
        says=("+ jupyterlab 1.0", "jupyter lab a.ipynb"),
    ),
    "the extra of the project itself, in a list": Case(
        typed="pyx add -r r.txt",
        files={
            "pyproject.toml": PROJECT + '[project.optional-dependencies]\ndev = ["tock"]\n',
            "r.txt": "-e .[dev]\ntick\n",
            **RUN,
        },
        hint=".[dev] is the project itself; `pyx --extra dev SCRIPT` starts with its extras",
        words=HERE,
        says=("ran",),
    ),
    "what only a group has, upside down": Case(
        typed="pyx tree --invert tick",
        files=GROUPED,
        before=LOCK,
        hint="an extra or a group has it: `pyx --all-extras --all-groups tree --invert tick`",
        says=("tick 1.0",),
    ),
    "a notebook that is to be a script": Case(
        typed="pyx add --script a.ipynb tick",
        files={**LOCKED, "a.ipynb": '{"cells": []}'},
        hint="`pyx add jupyterlab` adds what opens it, then `pyx run jupyter lab a.ipynb`",
        says=("+ jupyterlab 1.0", "jupyter lab a.ipynb"),
    ),
    "a notebook where no project is": Case(
        typed="pyx lock a.ipynb",
        files={"a.ipynb": '{"cells": []}'},
        hint="`pyx add --init jupyterlab` adds what opens it, then `pyx run jupyter lab a.ipynb`",
        says=("+ jupyterlab 1.0", "jupyter lab a.ipynb"),
    ),
    "a new script with the name of something else": Case(
        typed="pyx init --script new.csv", hint="hint: pyx init --script new.py", says=("new.py",)
    ),
    "a kernel of a named environment": Case(
        typed="pyx env --kernel tick",
        before=("pyx env create tick", "pyx @tick add ipykernel"),
        hint="hint: pyx @tick env --kernel",
        says=("kernels/pyx-tick",),
    ),
    "a link of a named environment": Case(
        typed="pyx env --link tick",
        before=("pyx env create tick", "pyx @tick add tick"),
        hint="hint: pyx @tick env --link",
        says=("-> ",),
    ),
    "a link in place of another": Case(
        typed="pyx env --link",
        files=LOCKED,
        before=("pyx lock", "mkdir .venv"),
        hint="`mv {cwd}/.venv {cwd}/.venv.old`, then `pyx env --link`",
        says=("", "-> "),
    ),
    # Tools.
    "a tool that is not installed": Case(typed="pyx tool uninstall x", hint="hint: pyx tool list"),
    "a tool that is spelt wrong": Case(
        typed="pyx tool uninstall tikc",
        before=("pyx tool install tick",),
        hint="hint: did you mean tick?",
        words={"did you mean tick?": "pyx tool uninstall tick"},
        says=("tick removed",),
    ),
    "a tool without programs": Case(
        typed="pyx tool install tock",
        hint="a library goes into an environment: `pyx add @default tock`",
        says=("+ tock 1.0",),
    ),
    "a program of another name": Case(
        typed="pyx tool run --from tick nothere",
        hint="`pyx tool run --from tick tick` or `pyx tool run --from tick tick2`",
        says=("tick", "tick"),
    ),
    "a program that is not named as its package": Case(
        typed="pyx tool run build --wheel",
        hint="hint: `pyx tool run --from build pyproject-build --wheel`",
        says=("build --wheel",),
    ),
    "an environment beside a tool": Case(
        typed="pyx tool install tick --with @NAME",
        files=RUN,
        before=("pyx env create tick",),
        hint="`pyx --with @NAME SCRIPT` starts a program with an environment",
        words=HERE,
        says=("ran",),
    ),
    "options behind the program": Case(
        typed="pyx tool run nosuch --from tick a",
        hint="`pyx tool run --from tick nosuch a`",
        status=127,
    ),
    "tools with others beside": Case(
        typed="pyx tool install tick ruff --with tock",
        hint="hint: pyx tool install --with=tock tick",
        says=("tick 1.0",),
    ),
    "links that are not on PATH": Case(
        typed="pyx tool install tick",
        hint="`pyx tool ensurepath` puts it there",
        says=("export PATH",),
    ),
    "a kernel of a project that moved": Case(
        typed="pyx --project gone run python -m ipykernel_launcher",
        before=("pyx add --init ipykernel",),
        hint="if it has moved, make its kernel again there: `pyx env --kernel`",
        says=("kernels/pyx-ground",),
    ),
    # Bundles, the store, forms.
    "a module to bundle": Case(
        typed="pyx bundle out -m",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx bundle OUT -m MODULE",
        words={"OUT": "out", "MODULE": "tick"},
        says=("1 package",),
    ),
    "a module that is not there to bundle": Case(
        typed="pyx bundle out -m zzzz",
        files=LOCKED,
        before=LOCK,
        hint="hint: pyx list",
        says=("tick",),
    ),
    "a bundle in the place of a file": Case(
        typed="pyx bundle run.py",
        files={**LOCKED, **RUN},
        before=LOCK,
        hint="see `pyx bundle --help` or `pyx export --help`",
        says=("usage", "usage"),
    ),
    "days that are none": Case(
        typed="pyx store gc --keep x", hint="hint: pyx store gc --keep 30", says=("0",)
    ),
    "no wheel": Case(
        typed="pyx store add",
        before=("mkdir dist", 'cp "$WHEELS"/tock-*.whl dist'),
        hint="hint: pyx store add dist/*.whl",
        says=("+ tock 1.0",),
    ),
    "an unknown option": Case(
        typed="pyx list --zzz", hint="hint: pyx list --help", says=("usage",)
    ),
    "an unknown action": Case(
        typed="pyx store zzzz", hint="hint: pyx store --help", says=("usage",)
    ),
    "a script spelt wrong behind run": Case(
        typed="pyx run rnu.py",
        files={**LOCKED, **RUN},
        before=LOCK,
        hint="did you mean pyx run.py?",
        words={"did you mean ": "", "?": ""},
    ),
    "an action spelt wrong": Case(
        typed="pyx store lits",
        hint="did you mean pyx store list?",
        words={"did you mean ": "", "?": ""},
    ),
    "an action that is like one that deletes": Case(
        typed="pyx env move a b", hint="hint: pyx env --help", says=("usage",)
    ),
    "a slip for an action that deletes": Case(
        typed="pyx env remvoe",
        hint="did you mean pyx env remove?",
        words={"did you mean ": "", "?": ""},
        status=64,
    ),
    "no action": Case(typed="pyx store", hint="hint: pyx store --help", says=("usage",)),
    "an option of another action": Case(
        typed="pyx store gc --repair", hint="hint: pyx store --help", says=("usage",)
    ),
    "a word too many": Case(
        typed="pyx store path x", hint="hint: pyx store --help", says=("usage",)
    ),
    "a word that is nothing": Case(typed="pyx zzzzzz", hint="`pyx --help`", says=("usage",)),
    "python itself": Case(typed="pyx python3", hint="`pyx` alone starts the prompt"),
    "pip as a program of a named environment": Case(
        typed="pyx @tick run pip install tock",
        before=("pyx env create tick",),
        hint="hint: pyx @tick add tock",
        says=("+ tock 1.0",),
    ),
    "a project that is to require itself": Case(
        typed="pyx add -e .",
        files={"pyproject.toml": PROJECT + OWN},
        before=LOCK,
        hint=". is mine itself, which is installed with what it requires",
        says=("no version changed",),
    ),
    "a project that is not installed is to require itself": Case(
        typed="pyx add -e .",
        files=LOCKED,
        hint="[build-system] table, then run `pyx lock`",
        says=("+ tick 1.0",),
    ),
    "a list of a named environment, as conda calls it": Case(
        typed="pyx env export -n tick",
        before=("pyx add @tick tock",),
        hint="hint: pyx @tick export --format requirements",
        says=("tock==1.0",),
    ),
    "a file of an environment that is to be made, in full": Case(
        typed="pyx env create --file environment.yml",
        files={"environment.yml": "name: sci\ndependencies:\n  - tock=1.0\n"},
        hint="hint: pyx add @sci 'tock==1.0.*'",
        says=("+ tock 1.0",),
    ),
    "a file of an environment that is to be made": Case(
        typed="pyx env create -f environment.yml",
        files={"environment.yml": "name: sci\ndependencies:\n  - tock=1.0\n"},
        hint="hint: pyx add @sci 'tock==1.0.*'",
        says=("+ tock 1.0",),
    ),
    "a file of an environment that is not there": Case(
        typed="pyx env create --file environment.yml",
        hint="there is no file environment.yml; `pyx env create NAME` makes an environment without",
        words=HERE,
        says=("@tick",),
    ),
    "a program of another project of the workspace": Case(
        typed="pyx run own",
        files={
            "pyproject.toml": PROJECT + '[tool.uv.workspace]\nmembers = ["app"]\n',
            "own.toml": PROJECT.replace("mine", "own")
            + '[project.scripts]\nown = "own:main"\n[build-system]\nrequires = []\n'
            + 'build-backend = "treebackend"\nbackend-path = ["."]\n',
            "PKG-INFO": "Name: own\nVersion: 1\n",
            "own.py": "def main(): print('ran own')\n",
            "entry_points.txt": "[console_scripts]\nown = own:main\n",
            "treebackend.py": BACKEND.read_text() + "\nbuild_editable = build_wheel\n",
        },
        before=(
            "mkdir -p app/src/own-1.dist-info && mv own.toml app/pyproject.toml",
            "mv own.py app/src && mv entry_points.txt app/src/own-1.dist-info",
            "mv PKG-INFO treebackend.py app",
            '"$PYX_UV" lock',
        ),
        hint="another project of the workspace has own: `pyx --project app run own`",
        says=("ran own",),
    ),
    "a script as a tool": Case(
        typed="pyx tool run run.py", files=RUN, hint="hint: pyx run.py", says=("ran",)
    ),
    "a script to be installed": Case(
        typed="pyx tool install run.py", files=RUN, hint="hint: pyx run.py", says=("ran",)
    ),
    "all tools": Case(typed="pyx tool upgrade --all", hint="`pyx tool upgrade` upgrades all"),
    "a script to be locked, by an option": Case(
        typed="pyx lock --script run.py",
        files={"run.py": SCRIPT},
        hint="hint: pyx lock run.py",
        says=("tick",),
    ),
    "a requirement in a group of Poetry's": Case(
        typed="pyx remove tick",
        files={
            "pyproject.toml": '[tool.poetry]\nname = "mine"\nversion = "1"\n'
            '[tool.poetry.dependencies]\npython = ">=3.9"\n'
            '[tool.poetry.group.dev.dependencies]\ntick = "*"\n'
        },
        hint="it is in the group dev: `pyx remove --group dev tick`",
        status=69,
    ),
    "pip": Case(
        typed="pyx -m pip",
        files=LOCKED,
        before=LOCK,
        hint="`pyx add NAME` adds a package, `pyx list` shows what is there",
        words={"NAME": "tock"},
        says=("+ tock 1.0", "tock"),
    ),
}


@pytest.fixture
def ground(
    tmp_path: Path, wheels: Path, index: IndexServer, pyx: Pyx, uv: Path, vega: Path
) -> Path:
    """Give an empty directory, and an index that has what the cases install."""
    make_wheel(wheels, "tock", "1.0")
    make_wheel(wheels, "early", "1.0")
    make_wheel(wheels, "early", "2.0b1")
    for name in TOOLS:
        module = name.replace("-", "_")
        points = {name: f"{module}:main"} | ({"tick2": "tick:main"} if name == "tick" else {})
        make_wheel(
            wheels, name, "1.0", files={f"{module}.py": MAIN.format(name=name)}, entry_points=points
        )
    make_sdist(wheels, "broken", "1.0", fail="error: it cannot be built")
    points = {"jupyter": "jupyterlab:main"}
    text = MAIN.format(name="jupyter")
    make_wheel(wheels, "jupyterlab", "1.0", files={"jupyterlab.py": text}, entry_points=points)
    points = {"pyproject-build": "build:main"}
    make_wheel(
        wheels, "build", "1.0", files={"build.py": MAIN.format(name="build")}, entry_points=points
    )
    pyx.environ |= {
        "PYX_UV": str(uv),
        "PYX_VEGA": str(vega),
        "PATH": f"{pyx.path.parent}:{pyx.environ['PATH']}",
        "WHEELS": str(wheels),
        "SHELL": "/bin/sh",
    }
    directory = tmp_path / "ground"
    directory.mkdir()
    return directory


def commands_of(hint: str) -> list[str]:
    """Return the commands of a hint: those in backticks, else all of it if that is one."""
    quoted = [found for found in re.findall(r"`([^`]+)`", hint) if not found.startswith("-")]
    return quoted or ([hint] if "pyx " in hint or hint.startswith("did you mean ") else [])


def put_words(command: str, words: Mapping[str, str]) -> str:
    """Return a command with what a person puts in the place of its words."""
    for word, meant in words.items():
        command = command.replace(word, meant)
    return command


LOCKS: dict[tuple[tuple[str, str], ...], str] = {}
"""The lock that ``pyx lock`` makes of some files, with a mark where the index is: one of many
cases, each of which has an index of its own."""
MARK = "http://index.invalid"


def lock_once(pyx: Pyx, ground: Path, index: IndexServer, case: Case) -> None:
    """Have the files of the case locked, as ``pyx lock`` did it for the first that has them."""
    key = tuple(sorted(case.files.items()))
    lock = ground / "pylock.toml"
    if key in LOCKS:
        lock.write_text(LOCKS[key].replace(MARK, index.url))
        return
    told = pyx("lock", cwd=ground)
    assert told.returncode == 0, told.stderr
    LOCKS[key] = lock.read_text().replace(index.url, MARK)


@pytest.mark.parametrize("name", CASES)
def test_a_hint_leads_where_it_says(pyx: Pyx, ground: Path, index: IndexServer, name: str) -> None:
    """Its commands succeed, in their order, and print what the case expects of them."""
    case = CASES[name]
    for path, text in case.files.items():
        (ground / path).parent.mkdir(exist_ok=True)
        (ground / path).write_text(text)

    def type_in(command: str) -> tuple[int, str]:
        told = pyx.run(["/bin/sh", "-c", command], cwd=ground, timeout=240)
        return told.returncode, told.stdout + told.stderr

    before = case.before
    if before[:1] == LOCK and {*case.files} == {"pyproject.toml"}:
        lock_once(pyx, ground, index, case)
        before = before[1:]
    for command in before:
        status, text = type_in(command)
        assert status == 0, text
    _, text = type_in(case.typed)
    assert case.hint.format(cwd=ground) in text
    if not case.hint:
        return
    lines = [line for line in text.splitlines() if "hint: " in line or "`" in line]
    hint = lines[-1].partition("hint: ")[2] or lines[-1]
    commands = [put_words(command, case.words) for command in commands_of(hint)]
    assert commands
    statuses = []
    for command, said in zip(commands, (*case.says, *[""] * len(commands)), strict=False):
        status, text = type_in(command)
        statuses.append(status)
        assert said in text, (command, text)
        assert "Traceback" not in text
    assert statuses[-1] == case.status, (commands, text)
    assert set(statuses[:-1]) <= {0}


def list_texts() -> Iterator[tuple[str, str]]:
    """Yield every text of the launcher in which a command stands, as a pattern, and its place."""
    for path in sorted((ROOT / "launcher" / "pyx_launcher").rglob("*.py")):
        tree = ast.parse(path.read_bytes())
        docs, inner = set(), set()
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            for statement in body if isinstance(body, list) else ():
                if isinstance(statement, ast.Expr):
                    docs.add(id(statement.value))
            if isinstance(node, ast.JoinedStr):
                inner |= {id(part) for part in ast.walk(node)} - {id(node)}
        for node in ast.walk(tree):
            if id(node) in docs | inner:
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = re.escape(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (
                    re.escape(part.value) if isinstance(part, ast.Constant) else ".*"
                    for part in node.values
                )
                text = "".join(parts)
            else:
                continue
            plain = text.replace("\\ ", " ").replace("\\-", "-")
            # What speaks of a command, rather than to have it typed.
            if re.match(r"pyx (?:\S+ ){1,2}(?:needs|takes|locks|does not)", plain):
                continue
            if re.search(rf"(?:^|[`' ])pyx (?:{'|'.join(VERBS)}|--|@|\.\*)(?![a-z])", plain):
                yield plain, f"{path.name}:{node.lineno}"


TABLES = ("commands.py", "_suggest.py", "_translate.py")
"""Where the answers to other tools lie: `test_what_others_call_it_leads_there` types those."""

NO_HINTS = {
    "provision.py": "a damaged store: tests/store has the command that mends it",
    "help.py": "how commands are called",
    "_arguments.py": "how a command is called, beside a hint that is typed above",
    "init.py": "what comes next, which tests/commands/test_init.py types",
    "named.py": "the first line of a lock, and a path that an environment cannot keep",
    "ownership.py": "only another user's lock says so: tests/start/test_context.py",
    "scripts.py": "what pip is answered by: tests/environment/test_directory.py",
}


def test_no_text_names_a_command_that_was_not_typed() -> None:
    """Each is in the hint of a case, or its module is excused above."""
    hints = [case.hint for case in CASES.values()]
    missing = []
    for text, place in list_texts():
        module = place.partition(":")[0]
        if module in TABLES or module in NO_HINTS:
            continue
        commands = re.findall(r"pyx [^`;]*", text)
        commands = [re.sub(r"(?: ?\.\*)+$", "", command.strip()) for command in commands]
        fits = (re.search(command, hint) for command in commands for hint in hints)
        if not any(fits):
            missing.append(f"{place}: {text}")
    assert missing == []


ANSWERS = (
    *(f"pyx {name}" for name in COUNTERPARTS),
    *(f"pyx pipx {name}" for name in OF_PIPX),
    *(f"pyx uv python {name}" for name in INTERPRETERS),
    *(f"pyx {verb} {action}" for verb, table in ACTIONS_OF_OTHERS.items() for action in table),
    *(f"pyx list {option}" for option in OPTIONS_OF_OTHERS if option != "--outdated"),
)
"""What is typed by habit."""

FULL = (
    PROJECT
    + 'dependencies = ["tick"]\n[project.optional-dependencies]\ntick = ["tock"]\n'
    + '[dependency-groups]\ndev = ["tock"]\ntick = ["tock"]\n'
)
"""A project that has an extra and groups of the names that are typed."""

ELSEWHERE = {
    "DIR": ".",
    "FILE": "r.txt",
    "NAME": "tick",
    "PACKAGE": "tock",
    "VERSION": "3",
    "SCRIPT": "run.py",
}
NEEDS = (
    *("NAME", "install", "uninstall", "rm", "show", "why", "exec", "inject", "pin", "use"),
    *("create", "x", "uvx"),
)
MAY_FAIL = {
    "pyx env remove tick": "there is no environment of that name here",
    "pyx tool uninstall tick": "it is not installed here",
    "pyx tool upgrade tick": "it is not installed here",
    "pyx init": "there is a project already",
    "pyx init --lib": "there is a project already",
    "pyx add -e .": "no project requires itself; DIR is meant to be another",
    "pyx env --kernel": "ipykernel is not locked here",
    "pyx @tick lock --upgrade": "there is no environment of that name here",
    "pyx --env-file .env run.py": "there is no such file here",
    'pyx @tick run "$SHELL"': "there is no environment of that name here",
}


PARTS = 8
"""So many workers can share what follows."""


@pytest.mark.parametrize("part", range(PARTS))
def test_what_others_call_it_leads_there(pyx: Pyx, ground: Path, tmp_path: Path, part: int) -> None:
    """The answer to a command of another tool is one that can be typed, in a project as it is.

    Where several of a part have the same answer, it is typed once.
    """
    (ground / "pyproject.toml").write_text(FULL)
    (ground / "r.txt").write_text("tock\n")
    (ground / "run.py").write_text("print('ran')\n")
    assert pyx("lock", cwd=ground).returncode == 0
    size = -(-len(ANSWERS) // PARTS)
    answers = {}
    for typed in ANSWERS[part * size : (part + 1) * size]:
        words = shlex.split(typed)[1:]
        if typed.rsplit(maxsplit=1)[-1] in NEEDS and not typed.startswith(
            ("pyx env", "pyx tool", "pyx python")
        ):
            words.append("3" if words[-1] in ("pin", "use") else "tick")
        told = pyx(*words, cwd=ground)
        assert told.returncode != 0, typed
        hint = told.stderr.splitlines()[-1].partition("hint: ")[2]
        if hint.startswith("pyx "):
            answers[put_words(hint, ELSEWHERE)] = typed
        else:
            # A variable, or what is there already.
            known = ("PYX_DEBUG=1", "2>/dev/null", "did", "`pyx`", "`pyx", "`(cd", "leave", "no")
            assert hint.split()[0] in known, typed
    for number, (command, typed) in enumerate(answers.items()):
        there = shutil.copytree(ground, tmp_path / f"there{number}")
        fresh = {"PYX_HOME": str(tmp_path / f"home{number}")}
        # A tool of one answer is in the way of another's.
        for program in Path(pyx.environ["HOME"]).glob(".local/bin/tick*"):
            program.unlink()
        told = pyx.run(["/bin/sh", "-c", command], cwd=there, env=fresh, timeout=240)
        assert "Traceback" not in told.stderr, (typed, command, told.stderr)
        assert told.returncode == 0 or command in MAY_FAIL, (typed, command, told.stderr)
