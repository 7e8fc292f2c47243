"""Time how long a task waits for a worker of each runtime environment: ADDRESS CONTENDERS ROUNDS.

CONTENDERS is JSON: name → ``runtime_env``, in which ``ROUND`` stands for the number of the round,
and ``forget``, directories that are put aside before a first job. Output, as JSON: name → seconds
of the first and of the second job in each round. No worker is used twice, as each job has a
variable of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import ray

PATIENCE = 300
NODES_OWN = "4.11.0"
"""The version of humanize in the node's own environment, and in no other."""


@ray.remote
def find_version() -> str:
    """Return the version that was asked for."""
    import humanize  # noqa: PLC0415  # the worker's, not the driver's

    return str(humanize.__version__)


def time_job(environment: dict[str, Any], mark: str) -> float:
    """Return how many seconds a task takes in an environment that no worker has yet.

    Raises RuntimeError where that is not the environment that was asked for.
    """
    variables = {**environment.get("env_vars", {}), "MARK": mark}
    task = find_version.options(runtime_env={**environment, "env_vars": variables})
    start = time.perf_counter()
    version = ray.get(task.remote(), timeout=PATIENCE)
    taken = time.perf_counter() - start
    if (version == NODES_OWN) != (not environment):
        raise RuntimeError(f"{environment} has humanize {version}")
    return taken


def main() -> None:
    """Run the rounds, each contender first as often as last."""
    contenders, rounds = json.loads(sys.argv[2]), int(sys.argv[3])
    ray.init(sys.argv[1], logging_level="ERROR")
    times: dict[str, list[list[float]]] = {name: [[], []] for name in contenders}
    for number in range(rounds):
        for name in contenders if number % 2 else reversed(contenders):
            text = json.dumps(contenders[name]["runtime_env"]).replace("ROUND", str(number))
            for directory in map(Path, contenders[name]["forget"]):
                if directory.exists():
                    directory.rename(f"{directory}.{number}.{os.getpid()}")
            for job in range(2):
                taken = time_job(json.loads(text), f"{number}.{job}")
                times[name][job].append(taken)
                sys.stderr.write(f"{name}, job {job + 1}: {taken:.1f} s\n")
    ray.shutdown()
    sys.stdout.write(json.dumps(times) + "\n")


if __name__ == "__main__":
    main()
