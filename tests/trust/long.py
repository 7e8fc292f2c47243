"""The long part of the tests of trust: faults and crowds, for as long as one has time.

    python tests/trust/long.py --seconds 600 [--seed N] [kills changes faults crowd starts]

Prints a table of what was done, and a line for everything that was not right; exits 1 then.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent / "launcher"), str(TESTS.parent / "runtime")]

from installed import KINDS, Pyx, build_native  # noqa: E402 -- found now
from trust.changes import (  # noqa: E402 -- found now
    MAKING,
    WRITING,
    clear_output,
    find_wrong_files,
    judge_change,
    kill,
    list_bytes,
    make_changing_project,
)
from trust.ground import (  # noqa: E402 -- found now
    FULL,
    Shim,
    build_shim,
    expected,
    find_damage,
    make_project,
    make_wheels,
    start_and_kill,
    try_fault,
)
from wheelhouse import pylock_text  # noqa: E402 -- found now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARTS = 20
PROJECTS = 20
FOREIGN = ("PYX_", "PYTHON", "PIP_", "VIRTUAL_")


class Field:
    """A directory with an installation, wheels and projects, and what came out so far."""

    def __init__(self, directory: Path, seed: int) -> None:
        """Fill `directory`, which is there."""
        native = build_native(directory, *KINDS)
        if native is None:
            raise SystemExit("there is no C compiler")
        self.directory = directory
        self.home = directory / "home"
        self.order = random.Random(seed)  # noqa: S311 -- the same each time by purpose
        kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        places = {"PYX_HOME": str(self.home), "PYX_CACHE_DIR": str(directory / "cache")}
        self.pyx = Pyx(directory / "installed", native, kept | places)
        self.wheels = make_wheels(directory / "wheels", PARTS, seed=seed)
        self.projects = [self._make_project(number) for number in range(PROJECTS)]
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []

    def _make_project(self, number: int) -> tuple[Path, list[Path]]:
        chosen = self.order.sample(self.wheels, self.order.randrange(1, len(self.wheels)))
        return make_project(self.directory / f"project{number}", chosen), chosen

    def write_lock(self, project: Path) -> None:
        """Lock a project to the first wheel, where no tool can."""
        (project / "pylock.toml").write_text(pylock_text(self.wheels[:1]))

    def check(self, home: Path, label: str) -> None:
        """Note every damage that can be seen below `home`."""
        self.done["entries verified"] += len(list(home.glob("store/*/*/*")))
        self.wrong += [f"{label}: {line}" for line in find_damage(home)]

    def run_project(self, number: int, label: str, **env: str) -> None:
        """Run the program of a project, and note if it does not print what it should."""
        project, chosen = self.projects[number]
        told = self.pyx("main.py", cwd=project, env=env, timeout=300)
        if told.stdout != expected(chosen):
            self.wrong.append(f"{label}: {told.returncode} {told.stdout!r} {told.stderr!r}")


def kill_syncs(field: Field, end: float) -> None:
    """Kill a sync at a random moment, over and over; a third of them begin with nothing."""
    longest = 0.6
    while time.monotonic() < end:
        number = field.order.randrange(PROJECTS)
        if field.order.random() < 0.3:
            shutil.rmtree(field.home, ignore_errors=True)
        status = start_and_kill(
            field.pyx, field.projects[number][0], field.order.uniform(0.05, longest), {}
        )
        field.done["syncs killed" if status < 0 else "syncs that were done before"] += 1
        field.check(field.home, "after a kill")
        if field.done["syncs killed"] % 25 == 0:
            field.run_project(number, "after kills")
            field.done["starts after kills"] += 1


def kill_commands(field: Field, end: float) -> None:
    """Kill each command that writes, of pyx alone and of its group, and look what is left."""
    uv = shutil.which(os.environ.get("PYX_ORACLE_UV", "uv"))
    field.pyx.environ["PYX_UV"] = uv or ""
    field.pyx.environ["PIP_FIND_LINKS"] = str(field.directory / "wheels")
    field.pyx.environ["PIP_NO_INDEX"] = "1"
    project = make_changing_project(field.directory)
    commands = (*WRITING, *MAKING) if uv else MAKING
    field.done["commands"] = len(commands)
    if not uv:
        field.write_lock(project)
    usual: dict[str, float] = {}
    while time.monotonic() < end:
        words = field.order.choice(commands)
        label = " ".join(words)
        before = list_bytes(project)
        began = time.monotonic()
        killed = kill(field.pyx, project, words, field.order, usual.get(label, 1.0))
        if not killed:
            # Next time it is killed before it would end.
            usual[label] = max(0.2, time.monotonic() - began)
        field.done[f"{label}: {'killed' if killed else 'done before'}"] += 1
        field.done["commands killed"] += killed
        field.wrong += judge_change(field.pyx, project, before, label)
        if field.order.random() < 0.1:
            for again in MAKING[2:4]:
                clear_output(project)
                field.pyx(*again, cwd=project, timeout=300)
            left = clear_output(project)
            field.wrong += [f"left beside an output: {left}"] if left else []
            field.wrong += find_wrong_files(field.home / "store")
            field.done["times that all entries were hashed"] += 1


def let_calls_fail(field: Field, end: float) -> None:
    """Let each call of a sync fail in turn, in random order, with each error."""
    library = build_shim(field.directory)
    if library is None:
        raise SystemExit("there is no C compiler")
    shim = Shim(library, field.directory)
    project, _ = field.projects[0]
    fresh = field.directory / "faulty"
    told = field.pyx("sync", cwd=project, env={"PYX_HOME": str(fresh), **shim.variables(fresh)})
    if told.returncode:
        raise SystemExit(told.stderr)
    shutil.rmtree(fresh)
    cases = [(at, e, s) for at in range(1, shim.count()) for e in FULL for s in (False, True)]
    field.order.shuffle(cases)
    for at, error, stays in cases:
        if time.monotonic() >= end:
            return
        field.wrong += try_fault(field.pyx, shim, project, fresh, at=at, error=error, stays=stays)
        field.done[f"calls that failed with {errno.errorcode[error]}"] += 1


def start_at_once(field: Field, end: float) -> None:
    """Start the same program 64 times with nothing there, then 200 of all projects."""
    while time.monotonic() < end:
        shutil.rmtree(field.home, ignore_errors=True)
        _run_all([lambda: field.run_project(1, "64 cold starts")] * 64)
        field.done["rounds of 64 cold starts of one lock"] += 1
        field.check(field.home, "after 64 cold starts")
        shutil.rmtree(field.home, ignore_errors=True)
        jobs: list[Callable[[], None]] = [
            lambda number=number: field.run_project(number % PROJECTS, "200 starts")  # type: ignore[misc]
            for number in range(200)
        ]
        care = [("store", "gc", "--keep", "0"), ("store", "verify"), ("store", "gc")]
        jobs[20:20] = [lambda words=words: _care(field, words) for words in care * 3]  # type: ignore[misc]
        _run_all(jobs, workers=24)
        field.done["rounds of 200 starts of 20 locks beside gc and verify"] += 1
        field.check(field.home, "after 200 starts")


def _run_all(jobs: Sequence[Callable[[], None]], workers: int = 64) -> None:
    with ThreadPoolExecutor(max_workers=workers) as threads:
        for done in [threads.submit(job) for job in jobs]:
            done.result()


def _care(field: Field, words: Sequence[str]) -> None:
    told = field.pyx(*words, timeout=300)
    busy = "is in use" in told.stderr
    if told.returncode and not busy:
        field.wrong.append(f"{' '.join(words)}: {told.returncode} {told.stdout} {told.stderr}")
    field.done[f"{' '.join(words)}{': in use' if busy else ''}"] += 1


def mix(field: Field, end: float) -> None:
    """Start, sync, kill and care for one store at the same time, from several threads."""
    lock = threading.Lock()

    def work(seed: int) -> None:
        order = random.Random(seed)  # noqa: S311 -- the same each time by purpose
        while time.monotonic() < end:
            choice = order.random()
            number = order.randrange(PROJECTS)
            with lock:
                field.done["actions of the random mix"] += 1
            if choice < 0.55:
                field.run_project(number, "mix")
            elif choice < 0.75:
                start_and_kill(field.pyx, field.projects[number][0], order.uniform(0.05, 0.8), {})
            elif choice < 0.85:
                _care(field, ("store", "gc", "--keep", "0"))
            elif choice < 0.92:
                _care(field, ("store", "verify"))
            else:
                _care(field, ("store", "gc"))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=max(0, end - time.monotonic()) + 300)
        if thread.is_alive():
            field.wrong.append("mix: something waits for ever")
    field.check(field.home, "after the mix")


PARTS_OF_RUN = {
    "kills": kill_syncs,
    "changes": kill_commands,
    "faults": let_calls_fail,
    "starts": start_at_once,
    "crowd": mix,
}


def main() -> int:
    """Run the parts that were named, each for its share of the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("parts", nargs="*", choices=[*PARTS_OF_RUN, []], default=[])
    options = parser.parse_args()
    names = options.parts or [*PARTS_OF_RUN]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with (
        tempfile.TemporaryDirectory(prefix="pyx-trust.") as temporary,
        contextlib.suppress(KeyboardInterrupt),
    ):
        wrong = 0
        for name in names:
            directory = Path(temporary, name)
            directory.mkdir()
            field = Field(directory, options.seed)
            began = time.monotonic()
            PARTS_OF_RUN[name](field, began + options.seconds / len(names))
            print(f"\n{name}, {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201 -- what it is for
            for what, count in field.done.items():
                print(f"  {count:7}  {what}")  # noqa: T201 -- what it is for
            for line in field.wrong[:20]:
                print(f"  WRONG  {line}")  # noqa: T201 -- what it is for
            print(f"  {len(field.wrong):7}  wrong", flush=True)  # noqa: T201 -- what it is for
            wrong += len(field.wrong)
        return 1 if wrong else 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
