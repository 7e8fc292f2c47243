"""Measure workers of engines: ``pyx tests/benchmarks/clusters.py [ray] [dask] [spark]``.

Needs the index that pip is configured for, a uv, and about a gigabyte below the temporary
directory; `--tools DIR` says where the uv is. What is compared is started in turn; `--rounds` says
how often (5 for Ray, 9).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ground import Ground, prepare_ground
from measure import Row, format_results, format_table, measure, measure_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAMS = Path(__file__).parent / "engines"
ENGINES = {
    "ray": "ray[default]==2.59.0",
    "dask": "distributed==2026.8.0",
    "spark": "pyspark==4.3.0",
}
ASKED, NODES_OWN = "4.12.0", "4.11.0"
NETWORK = ("PIP_", "SSL_", "REQUESTS_", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
"""How the variables begin that pip, uv and pyx need to reach an index, and to believe it."""
RAY_SETTINGS: Mapping[str, str] = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
ROUNDS, MORE_ROUNDS = 5, 9


def make_environ(ground: Ground) -> dict[str, str]:
    """Return the variables of every process: here the index is that of the user's pip."""
    pip = {key: value for key, value in os.environ.items() if key.startswith(NETWORK)}
    own = Path.home() / ".config" / "pip" / "pip.conf"
    if own.exists():
        pip.setdefault("PIP_CONFIG_FILE", str(own))
    beside = f"{Path(ground.pyx).parent}{os.pathsep}{ground.path}"
    return {**ground.environ(), **pip, "PATH": beside, "PYX_UV": str(ground.find("uv"))}


def make_project(ground: Ground, engine: str) -> Path:
    """Lock an engine, for pyx and for uv, and make everything ready for both; returns its place."""
    project = ground.directory / f"{engine}-project"
    project.mkdir()
    environ = make_environ(ground)
    words = ("add", "--init", ENGINES[engine], f"humanize=={ASKED}")
    ground.call(ground.pyx, *words, directory=project, environ=environ)
    ground.call(ground.pyx, "sync", "--compile", directory=project, environ=environ)
    # In a place of its own, for a uv.lock would be another lock of the same project.
    beside = ground.directory / f"{engine}-uv"
    beside.mkdir()
    shutil.copy(project / "pyproject.toml", beside)
    uv = str(ground.find("uv"))
    ground.call(uv, "lock", "--quiet", directory=beside, environ=environ)
    ground.call(uv, "sync", "--quiet", "--compile-bytecode", directory=beside, environ=environ)
    return project


def ray_environ(ground: Ground) -> dict[str, str]:
    """Return the variables of Ray's processes.

    By the variable that names an interpreter uv would install there what Ray means for its own
    copy of the node's environment.
    """
    environ = {**make_environ(ground), **RAY_SETTINGS}
    return {key: value for key, value in environ.items() if key != "UV_PYTHON"}


@contextlib.contextmanager
def ray_node(ground: Ground, python: Path) -> Iterator[str]:
    """Run a Ray node of one machine by `python`, and yield its address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    words = [python, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={port}"]
    words += ["--node-ip-address=127.0.0.1", "--num-cpus=2", "--include-dashboard=false"]
    words += [f"--temp-dir={ground.directory}/ray", "--object-store-memory=100000000"]
    log = ground.directory / "ray.log"
    with log.open("w") as stream:
        node = subprocess.Popen(
            list(map(str, words)),
            cwd=ground.directory,
            env=ray_environ(ground),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + 120
        while "Ray runtime started" not in log.read_text():
            if node.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"ray: {log.read_text()[-600:]}")
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        node.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            node.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(node.pid, signal.SIGKILL)


def measure_ray(ground: Ground) -> str:
    """Return a table of first and second jobs: pyx, `uv run` and what Ray itself offers."""
    project = make_project(ground, "ray")
    environ = make_environ(ground)
    beside = ground.directory / "ray-uv"
    python = make_venv(ground, beside)
    older = ("pip", "install", "--quiet", "--python", python, f"humanize=={NODES_OWN}")
    ground.call(str(ground.find("uv")), *older, directory=beside, environ=environ)
    there = f"--project {beside} --python {ground.python} --frozen"
    contenders = {
        "the node's own python": {"runtime_env": {}, "forget": []},
        "`pyx --project`": {
            "runtime_env": {"py_executable": f"{ground.pyx} --project {project}"},
            "forget": [f"{environ['PYX_HOME']}/environments", environ["PYX_CACHE_DIR"]],
        },
        "`uv run`": {
            "runtime_env": {"py_executable": f"{ground.find('uv')} run {there} --offline"},
            "forget": [f"{beside}/.venv"],
        },
        # A blank more is another environment for Ray, and the same requirement for pip and uv.
        "Ray's `uv`": {"runtime_env": {"uv": [f"humanize=={ASKED}", "six!=0.ROUND"]}, "forget": []},
        "Ray's `pip`": {
            "runtime_env": {"pip": [f"humanize=={ASKED}", "six!=0.ROUND"]},
            "forget": [],
        },
    }
    with ray_node(ground, python) as address:
        words = (python, PROGRAMS / "ray_starts.py", address, json.dumps(contenders))
        told = subprocess.run(
            [*map(str, words), str(min(ground.rounds, ROUNDS))],
            cwd=ground.directory,
            env=ray_environ(ground),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if told.returncode != 0:
        raise RuntimeError("the job for Ray failed")
    rows = [
        [name, *(f"{statistics.median(jobs):.1f}" for jobs in times)]
        for name, times in json.loads(told.stdout.splitlines()[-1]).items()
    ]
    head = ("a task of Ray in a new worker", "first job, s", "second job, s")
    return "### Ray\n\n" + format_table(head, rows)


def make_venv(ground: Ground, beside: Path) -> Path:
    """Make another virtual environment of a project that uv has locked; returns its python."""
    directory = ground.directory / f"{beside.name}-venv"
    environ = make_environ(ground) | {"UV_PROJECT_ENVIRONMENT": str(directory)}
    # With pip, which Ray's own runtime environments are made by.
    ground.call(ground.python, "-I", "-m", "venv", directory, directory=beside, environ=environ)
    words = (str(ground.find("uv")), "sync", "--quiet", "--frozen", "--inexact")
    ground.call(*words, "--compile-bytecode", directory=beside, environ=environ)
    return directory / "bin" / "python"


def measure_dask(ground: Ground) -> str:
    """Return a table of programs that start a cluster of one worker process."""
    project = make_project(ground, "dask")
    beside = ground.directory / "dask-uv"
    shutil.copy(PROGRAMS / "dask_start.py", project)
    shutil.copy(PROGRAMS / "dask_start.py", beside)
    environ = make_environ(ground)
    there = {"directory": project, "environ": environ}
    venv = make_venv(ground, beside)
    run = (str(ground.find("uv")), "run", "--project", beside, "--frozen", "--offline")
    row = Row(
        name="`LocalCluster`, one worker, one task",
        subject=ground.command("pyx", ground.pyx, "dask_start.py", **there),
        peers=(
            ground.command("venv", venv, "dask_start.py", **there),
            ground.command("`uv run`", *run, "dask_start.py", **there),
        ),
    )
    return "### Dask\n\n" + format_results([measure(row, min(ground.rounds, MORE_ROUNDS))])


def measure_spark(ground: Ground) -> str:
    """Return a table of starts of the process that an executor forks its python workers from.

    It comes as far as it would before it listens for its executor.
    """
    project = make_project(ground, "spark")
    environ = make_environ(ground)
    venv = make_venv(ground, ground.directory / "spark-uv")
    tell = (ground.pyx, "-c", "import sys; print(sys.executable)")
    python = ground.call(*tell, directory=project, environ=environ).strip()
    there = {"directory": project, "environ": environ}
    daemon = ("-c", "import pyspark.daemon, pyspark.worker")
    peers = (ground.command("venv", venv, *daemon, **there),)
    rows = [
        Row(
            name="`PYSPARK_PYTHON=pyx`",
            subject=ground.command("pyx", ground.pyx, *daemon, **there),
            peers=peers,
        ),
        Row(
            name="`PYSPARK_PYTHON=…/bin/python` of pyx",
            subject=ground.command("bin/python", python, *daemon, **there),
            peers=peers,
        ),
    ]
    results = measure_rows(rows, min(ground.rounds, MORE_ROUNDS))
    return "### Spark\n\n" + format_results(results)


def main() -> int:
    """Measure what can be, and print; returns 1 if something was left out."""
    parts = {"dask": measure_dask, "spark": measure_spark, "ray": measure_ray}
    named = [word for word in sys.argv[1:] if word in parts]
    left_out = 0
    with prepare_ground([word for word in sys.argv[1:] if word not in parts]) as ground:
        if ground.find("uv") is None:
            sys.stderr.write("there is no uv on PATH; name its directory: --tools DIR\n")
            return 64
        for name in named or parts:
            load = os.getloadavg()[0]
            try:
                text = parts[name](ground)
            except (OSError, RuntimeError) as error:
                sys.stderr.write(f"left out {name}: {error}\n")
                left_out = 1
                continue
            sys.stdout.write(f"{text}\nLoad {load:.0f} before and {os.getloadavg()[0]:.0f} after, ")
            sys.stdout.write(f"on {os.cpu_count()} processors.\n\n")
            sys.stdout.flush()
    return left_out


if __name__ == "__main__":
    sys.exit(main())
