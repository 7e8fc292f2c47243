"""The steps behind the download, for tests that begin there: entries and environments of wheels."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wheelhouse import make_wheel, normalised, sha256

import pyx_runtime
from pyx_launcher.dirs import Dirs
from pyx_launcher.environment.directory import DIRECT_LIMIT, Environment
from pyx_launcher.environment.writer import build_environment
from pyx_launcher.interpreters.finder import Interpreter, Way, probe_interpreter
from pyx_launcher.store.entry import Entry, EntryFacts, locked_place, name_entry
from pyx_launcher.store.unpack import unpack_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "0123456789abcdef" * 4
"""The SHA-256 of an entry that `make_facts` describes."""

TEMPLATE = Path(pyx_runtime.__file__).with_name("bootstrap.py")


def probe(path: Path, cache: Path) -> Interpreter:
    """Return the facts about an interpreter, with the bootstrap compiled by it.

    It starts the fast way, without the trial that test_proof.py is about.
    """
    found = probe_interpreter(path, cache=cache, template=TEMPLATE)
    return replace(found, way=Way(fast=True, code=True, reason="the tests say so"))


class Workshop:
    """One `PYX_HOME` in which wheels become entries and entries environments."""

    def __init__(self, root: Path, interpreter: Interpreter, native: Path) -> None:
        self.dirs = Dirs(home=root / "home", cache=root / "cache")
        self.wheels = root / "workshop-wheels"
        self.interpreter = interpreter
        self.native = native

    def entry(
        self,
        name: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        data: Mapping[str, str | bytes] | None = None,
        entry_points: Mapping[str, str] | None = None,
    ) -> Entry:
        """Unpack a new wheel, by default with one import package."""
        wheel = make_wheel(
            self.wheels, name, "1.0", files=files, data=data, entry_points=entry_points
        )
        return unpack(self.dirs.store, wheel)

    def entries(self, count: int) -> list[Entry]:
        """Unpack as many wheels."""
        return [self.entry(f"filler{number}") for number in range(count)]

    def build(self, *entries: Entry) -> Environment:
        """Build the environment of `entries`, or find it."""
        return build_environment(self.dirs, self.interpreter, entries, self.native)[0]

    def build_farm(self, *entries: Entry) -> Environment:
        """Build an environment with so many further entries that it becomes a farm."""
        environment = self.build(*entries, *self.entries(DIRECT_LIMIT))
        assert environment.layout == "farm"
        return environment

    def run(self, environment: Environment, *words: str) -> str:
        """Return what python of the environment prints when it is run with `words`."""
        told = subprocess.run(
            [environment.python, *words], capture_output=True, text=True, check=False, env={}
        )
        assert told.stderr == ""
        return told.stdout.strip()


def unpack(store: Path, wheel: Path) -> Entry:
    """Unpack `wheel` into `store` at the place where the launcher would put it."""
    name, version = wheel.name.split("-")[:2]
    key = sha256(wheel)
    place = name_entry(normalised(name), version, wheel.name, key)
    with locked_place(store, place) as final:
        return unpack_wheel(
            wheel,
            final,
            name=normalised(name),
            version=version,
            key=key,
            hashes={"sha256": key},
        )


def make_facts(**changed: Any) -> EntryFacts:
    """Return the facts of a small entry with some of them changed."""
    facts = EntryFacts(
        name="pack",
        version="1.0",
        key=KEY,
        hashes={"sha256": KEY},
        tops={"pack": "package"},
        pth={},
        scripts={},
        data={},
        outward=[],
        inward={},
        programs=[],
        size=1,
        files=1,
    )
    return replace(facts, **changed)
