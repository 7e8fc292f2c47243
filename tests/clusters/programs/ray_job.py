"""A job for Ray: tells what its tasks see on each machine.

Input: the cluster's address and, as JSON, ``runtime_env`` of the job, ``follow`` (bool) to have
workers obey PYTHONPATH, ``import`` (a module's name or null), ``kill`` (a file that the task which
ends its worker makes, or null), ``machines`` and ``others`` (name → runtime environment of one
task). Output: a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 200


@dataclass(frozen=True)
class Thing:
    """What travels to the workers and back; its class is in `__main__`."""

    number: int


def look(thing: Thing, change: Callable[[int], int], module: str | None) -> dict[str, Any]:
    """Return what a task finds, and the thing changed by a lambda of the driver's."""
    import importlib  # noqa: PLC0415  # this function is sent, and brings no import with it

    import humanize  # noqa: PLC0415  # the worker's, not the driver's

    return {
        "prefix": sys.prefix,
        "executable": sys.executable,
        "version": humanize.__version__,
        "ray": ray.__version__,
        "thing": Thing(change(thing.number)),
        "imported": module and importlib.import_module(module).__file__,
        "parent": os.getppid(),
        "pid": os.getpid(),
    }


def kill_once(mark: str) -> int:
    """End the worker the first time, and return the id of the process the second time."""
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), 9)
    return os.getpid()


def follow_pythonpath() -> None:
    """Put what Ray has put into PYTHONPATH where python itself would have put it."""
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))


def main() -> None:
    """Run the job and print what came of it."""
    asked = json.loads(sys.argv[2])
    environment = dict(asked.get("runtime_env") or {})
    if asked.get("follow"):
        environment["worker_process_setup_hook"] = follow_pythonpath
    ray.init(sys.argv[1], runtime_env=environment, logging_level="ERROR")
    task, step = ray.remote(look), 3
    words = (Thing(4), lambda number: number * step, asked.get("import"))
    places = {name: task.options(resources={name: 1}) for name in asked["machines"]}
    for name, other in (asked.get("others") or {}).items():
        places[name] = task.options(resources={asked["machines"][0]: 1}, runtime_env=other)
    running = {name: options.remote(*words) for name, options in places.items()}
    answer: dict[str, Any] = {"own": sys.prefix}
    for name, reference in running.items():
        answer[name] = ray.get(reference, timeout=PATIENCE)
        answer[name]["thing"] = answer[name]["thing"] == Thing(12)
    if asked.get("kill"):
        again = ray.remote(kill_once).options(resources={asked["machines"][0]: 1}, max_retries=2)
        ray.get(again.remote(asked["kill"]), timeout=PATIENCE)
        answer["after"] = ray.get(places[asked["machines"][0]].remote(*words), timeout=PATIENCE)
        del answer["after"]["thing"]
    ray.shutdown()
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
