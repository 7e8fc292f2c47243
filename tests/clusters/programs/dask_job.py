"""A job for Dask: tells what its tasks see on each machine.

Input: the scheduler's address, or ``local`` or ``subprocess`` for a cluster of its own, and as JSON
``machines`` (names of the workers' resources), ``kill`` (one of them whose worker is to be
killed, or null) and ``upload`` (a file that the tasks import, or null). Output: a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Client, LocalCluster
from distributed.deploy.subprocess import SubprocessCluster

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
        "thing": Thing(change(thing.number)),
        "imported": module and importlib.import_module(module).__name__,
        "pid": os.getpid(),
    }


def find_client(address: str, stack: ExitStack) -> Client:
    """Return a client of the cluster at `address`, or of one that is made for it."""
    if address == "local":
        made = LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        )
    elif address == "subprocess":
        made = SubprocessCluster(
            host="127.0.0.1",
            n_workers=2,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            worker_kwargs={"dashboard_address": "127.0.0.1:0"},
        )
    else:
        return stack.enter_context(Client(address, timeout=PATIENCE))
    return stack.enter_context(Client(stack.enter_context(made), timeout=PATIENCE))


def main() -> None:
    """Run the job and print what came of it."""
    asked = json.loads(sys.argv[2])
    answer: dict[str, Any] = {"own": sys.prefix}
    with ExitStack() as stack:
        client = find_client(sys.argv[1], stack)
        upload = asked.get("upload")
        if upload:
            client.upload_file(upload)
        step, module = 3, Path(upload).stem if upload else None

        def run(name: str | None) -> dict[str, Any]:
            resources = {name: 1} if name else None
            words = (Thing(4), lambda number: number * step, module)
            told = client.submit(look, *words, resources=resources, pure=False).result(PATIENCE)
            return {**told, "thing": told["thing"] == Thing(12)}

        for name in asked["machines"] or [None]:
            answer[name or "any"] = run(name)
        if asked.get("kill"):
            os.kill(answer[asked["kill"]]["pid"], 9)
            answer["after"] = run(asked["kill"])
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
