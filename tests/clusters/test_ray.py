"""A Ray cluster of several machines whose workers pyx starts."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from clusters.conftest import FIRST, SECOND, prepare
from clusters.machines import PROGRAMS, Machine, Service, Site, ended_at_last, find_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(900)]

SETTINGS = {
    # Without this Ray listens everywhere, or connects to itself by another address than loopback.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_register_timeout_seconds": "60",
    "RAY_DEDUP_LOGS": "0",
}
MODULE = "import humanize\n\n\ndef version():\n    return humanize.__version__\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Two machines under pyx; jobs are sent from the first."""

    site: Site
    place: Path
    address: str
    one: Machine
    two: Machine
    services: list[Service]

    @property
    def project(self) -> Path:
        """What the machines' own processes are locked by."""
        return self.site.find_project("ray-one")

    def run(self, **asked: object) -> dict[str, Any]:
        """Run a job, and return what its tasks told."""
        words = ("pyx", "ray_job.py", self.address, json.dumps({"machines": [], **asked}))
        return self.one.ask(*words, cwd=self.project, env=SETTINGS)

    def read_errors(self) -> list[str]:
        """Return what the processes that start workers have on stderr."""
        logs = self.place.glob("session_2*/logs/raylet*.err")
        return [line for log in logs for line in log.read_text(errors="replace").splitlines()]


@pytest.fixture(scope="module")
def cluster(site: Site, place: Path) -> Iterator[Cluster]:
    """Start a head, by `ray start`, and a second machine."""
    prepare(site, "ray")
    project = site.find_project("ray-one")
    for program in ("ray_node.py", "ray_job.py"):
        shutil.copy(PROGRAMS / program, project)
    address = f"127.0.0.1:{find_port()}"
    one, two = (Machine(site=site, directory=place / name) for name in ("one", "two"))
    cluster = Cluster(
        site=site, place=place, address=address, one=one, two=two, services=(services := [])
    )
    with ended_at_last(place, services):
        services.append(one.start(*_head(address, place), cwd=project, name="head", env=SETTINGS))
        services[-1].await_text("Ray runtime started")
        words = ("pyx", "ray_node.py", address, "two")
        services.append(two.start(*words, cwd=project, name="node", env=SETTINGS))
        services[-1].await_text("joined")
        yield cluster


def _head(address: str, place: Path) -> tuple[str, ...]:
    return (
        *("pyx", "-m", "ray.scripts.scripts", "start", "--head", "--block"),
        *("--node-ip-address=127.0.0.1", f"--port={address.rpartition(':')[2]}"),
        *("--num-cpus=4", '--resources={"one": 100}', "--include-dashboard=false"),
        *(
            f"--ray-client-server-port={find_port()}",
            f"--temp-dir={place}",
            "--object-store-memory=100000000",
        ),
    )


def job_project(cluster: Cluster, name: str) -> Path:
    """Make a directory as a job would bring it: the second lock, and a module beside it."""
    directory = cluster.place / name
    directory.mkdir()
    for file in ("pyproject.toml", "pylock.toml"):
        shutil.copy(cluster.site.find_project("ray-two") / file, directory)
    (directory / "shipped.py").write_text(MODULE)
    return directory


def list_changed(cluster: Cluster) -> list[str]:
    """Return the names of what the second lock has otherwise than the first."""
    locks = [
        cluster.site.find_project(f"ray-{number}") / "pylock.toml" for number in ("one", "two")
    ]
    told = cluster.site.pyx("diff", *locks, "--json")
    return sorted(one["name"] for one in json.loads(told.stdout))


def test_tasks_have_the_packages_of_the_lock(cluster: Cluster) -> None:
    """On every machine: its own environment, the pinned version; lambdas and classes arrive."""
    told = cluster.run(machines=["one", "two"])
    for machine in (cluster.one, cluster.two):
        task = told[machine.directory.name]
        assert task["prefix"].startswith(f"{machine.home}/environments/")
        assert task["executable"] == f"{task['prefix']}/bin/python"
        assert (task["version"], task["thing"]) == (FIRST, True)
    assert told["own"] == told["one"]["prefix"] != told["two"]["prefix"]


def test_a_killed_worker_is_replaced_by_an_equal_one(cluster: Cluster, tmp_path: Path) -> None:
    """A task whose worker is killed runs again, in a process with the same packages."""
    told = cluster.run(machines=["two"], kill=str(tmp_path / "killed"))
    assert (tmp_path / "killed").exists()
    assert told["after"]["prefix"] == told["two"]["prefix"]
    assert told["after"]["version"] == FIRST


def test_a_job_brings_its_lock_and_its_modules(cluster: Cluster) -> None:
    """A directory with another lock is sent with the job; machines fetch what they do not have."""
    before = cluster.site.look()
    directory = job_project(cluster, "job")
    environment = {"working_dir": str(directory), "py_executable": "pyx --project ."}
    told = cluster.run(
        machines=["one", "two"], runtime_env=environment, follow=True, **{"import": "shipped"}
    )
    for machine in (cluster.one, cluster.two):
        task = told[machine.directory.name]
        assert task["prefix"].startswith(f"{machine.home}/environments/")
        assert (task["version"], task["thing"]) == (SECOND, True)
        assert task["imported"].startswith(str(cluster.place))
        assert machine.list_fetched() == list_changed(cluster)
    assert cluster.site.look() == before


def test_tasks_of_one_job_have_different_locks(cluster: Cluster) -> None:
    """Each task names its interpreter, whose path may have a blank in it."""
    directory = job_project(cluster, "a job")
    second = f"pyx --project '{directory}'"
    others = {
        "second": {"py_executable": second},
        "lock": {"py_executable": f"{second}/pylock.toml"},
    }
    told = cluster.run(machines=["one"], others=others)
    assert told["one"]["version"] == FIRST
    assert told["second"]["version"] == told["lock"]["version"] == SECOND
    assert told["second"]["prefix"] == told["lock"]["prefix"]


def test_later_workers_start_from_the_launch_record(cluster: Cluster, slow_path: None) -> None:
    """Once a worker of a lock has started on a machine, none of them needs the launcher."""
    directory = job_project(cluster, "recorded")
    asked: dict[str, Any] = {
        "machines": ["one", "two"],
        "runtime_env": {"py_executable": f"pyx --project {directory}"},
    }
    first = cluster.run(**asked)
    cluster.site.pyx.break_slow_path()
    second = cluster.run(**asked)
    for name in asked["machines"]:
        assert second[name]["prefix"] == first[name]["prefix"]
        assert second[name]["pid"] != first[name]["pid"]


def test_what_goes_wrong_is_told_in_one_line(cluster: Cluster, tmp_path: Path) -> None:
    """A worker that cannot start says why on stderr, where Ray shows it to the job."""
    wrong = {
        "missing": (f"{tmp_path}/missing", f"pyx: there is no project {tmp_path}/missing"),
        "broken": (f"{tmp_path}/broken", f"pyx: {tmp_path}/broken/pylock.toml: "),
    }
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pylock.toml").write_text("lock-version = 1\n")
    for project, message in wrong.values():
        said = len(cluster.read_errors())
        asked = {"machines": ["one"], "runtime_env": {"py_executable": f"pyx --project {project}"}}
        words = ("pyx", "ray_job.py", cluster.address, json.dumps(asked))
        job = cluster.one.start(*words, cwd=cluster.project, name="wrong", env=SETTINGS)
        try:
            job.await_text(message)
        finally:
            job.end()
        lines = [line for line in cluster.read_errors()[said:] if line.startswith("pyx:")]
        assert lines[0].startswith(message)
        assert {line.partition(": ")[2].partition(":")[0] for line in lines[1::2]} == {"hint"}


def test_machines_of_a_virtual_environment_start_workers_under_pyx(
    cluster: Cluster, tmp_path: Path
) -> None:
    """A cluster that exists already needs nothing but pyx on the machines' PATH."""
    told = cluster.run(machines=["one"])
    python = _make_venv(cluster, tmp_path / "venv", told["one"]["prefix"])
    third = Machine(site=cluster.site, directory=cluster.place / "three")
    words = (python, PROGRAMS / "ray_node.py", cluster.address, "three")
    service = third.start(*words, cwd=cluster.project, name="node", env=SETTINGS)
    try:
        service.await_text("joined")
        second = f"pyx --project {cluster.site.find_project('ray-two')}"
        others = {"second": {"py_executable": second}}
        told = cluster.run(machines=["three"], others=others)
    finally:
        service.end()
    assert (told["three"]["prefix"], told["three"]["version"]) == (str(tmp_path / "venv"), FIRST)
    assert told["second"]["prefix"].startswith(f"{third.home}/environments/")
    assert told["second"]["version"] == SECOND


def _make_venv(cluster: Cluster, directory: Path, prefix: str) -> Path:
    """Make a virtual environment that has what the environment at `prefix` has."""
    base = cluster.site.pyx.environ["PYX_PYTHON"]
    subprocess.run([base, "-I", "-m", "venv", "--without-pip", directory], check=True)
    (packages,) = directory.glob("lib/python3*/site-packages")
    (there,) = type(directory)(prefix).glob("lib/python3*/site-packages")
    # It names everything that is on the path of that environment.
    (packages / "there.pth").write_text((there / "pyx.pth").read_text())
    return directory / "bin" / "python"
