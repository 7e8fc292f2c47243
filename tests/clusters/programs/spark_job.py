"""A job for Spark: tells what the python workers of its executors see.

Input: as JSON ``config`` (Spark's own settings), ``upload`` (a file that the tasks import, or null)
and ``kill`` (a file that the task which ends its worker makes, or null). Output: a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import SparkSession

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Thing:
    """What travels to the workers and back; its class is in `__main__`."""

    number: int


def make_look(
    change: Callable[[int], int], module: str | None, mark: str | None
) -> Callable[[Thing], dict[str, Any]]:
    """Return a function that tells what a task finds."""

    def look(thing: Thing) -> dict[str, Any]:
        import importlib  # noqa: PLC0415  # this function is sent, and brings no import with it

        import humanize  # noqa: PLC0415  # the worker's, not the driver's
        import pyspark  # noqa: PLC0415

        if mark and not Path(mark).exists():
            Path(mark).touch()
            os.kill(os.getpid(), 9)
        return {
            "prefix": sys.prefix,
            "executable": sys.executable,
            "version": humanize.__version__,
            "pyspark": pyspark.__file__,
            "thing": Thing(change(thing.number)),
            "imported": module and importlib.import_module(module).__name__,
        }

    return look


def main() -> None:
    """Run the job and print what came of it."""
    asked = json.loads(sys.argv[1])
    builder = SparkSession.builder.appName("look")
    for name, value in asked.get("config", {}).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    upload = asked.get("upload")
    if upload:
        session.sparkContext.addPyFile(upload)
    step, module = 3, Path(upload).stem if upload else None
    things = session.sparkContext.parallelize([Thing(4)] * 4, 4)
    told = things.map(make_look(lambda number: number * step, module, asked.get("kill"))).collect()
    session.stop()
    tasks = [{**task, "thing": task["thing"] == Thing(12)} for task in told]
    sys.stdout.write(json.dumps({"own": sys.prefix, "tasks": tasks}) + "\n")


if __name__ == "__main__":
    main()
