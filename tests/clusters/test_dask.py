"""A Dask cluster of several machines whose workers pyx starts, each below its nanny."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from clusters.conftest import FIRST, SECOND, prepare
from clusters.machines import PROGRAMS, Machine, Service, Site, ended_at_last, find_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(900)]

LOOPBACK = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A machine with the shared store, and a fresh one, whose project has another lock."""

    site: Site
    place: Path
    address: str
    one: Machine
    fresh: Machine

    def run(self, address: str, *, lock: str = "one", **asked: object) -> dict[str, Any]:
        """Run a job, and return what its tasks told."""
        words = ("pyx", "dask_job.py", address, json.dumps({"machines": [], **asked}))
        return self.one.ask(*words, cwd=self.site.find_project(f"dask-{lock}"))


def worker_words(address: str, name: str, place: Path) -> tuple[str, ...]:
    """Return the command line of a machine's worker."""
    return (
        *("pyx", "-m", "dask", "worker", address, *LOOPBACK, "--nthreads", "1", "--name", name),
        *("--resources", f"{name}=9", "--local-directory", str(place / "scratch")),
    )


@pytest.fixture(scope="module")
def cluster(site: Site, place: Path) -> Iterator[Cluster]:
    """Start a scheduler and two workers."""
    prepare(site, "dask")
    first, second = (site.find_project(f"dask-{number}") for number in ("one", "two"))
    for project in (first, second):
        shutil.copy(PROGRAMS / "dask_job.py", project)
    one = Machine(site=site, directory=place / "one")
    fresh = Machine(site=site, directory=place / "fresh", is_fresh=True)
    port = find_port()
    address = f"tcp://127.0.0.1:{port}"
    services: list[Service] = []
    with ended_at_last(place, services):
        words = ("pyx", "-m", "dask", "scheduler", *LOOPBACK, "--port", str(port), "--no-jupyter")
        services.append(one.start(*words, cwd=first, name="scheduler"))
        services[-1].await_text("Scheduler at")
        words = worker_words(address, "one", place)
        services.append(one.start(*words, cwd=first, name="worker"))
        words = worker_words(address, "fresh", place)
        services.append(fresh.start(*words, cwd=second, name="worker"))
        for service in services[1:]:
            service.await_text("Registered to")
        yield Cluster(site=site, place=place, address=address, one=one, fresh=fresh)


def test_tasks_have_the_packages_of_their_worker(cluster: Cluster) -> None:
    """On every machine: its own environment, the pinned version; lambdas and classes arrive."""
    told = cluster.run(cluster.address, machines=["one", "fresh"])
    for machine, version in ((cluster.one, FIRST), (cluster.fresh, SECOND)):
        task = told[machine.directory.name]
        assert task["prefix"].startswith(f"{machine.home}/environments/")
        assert task["executable"] == f"{task['prefix']}/bin/python"
        assert (task["version"], task["thing"]) == (version, True)


def test_a_fresh_machine_fills_its_store_and_no_other(cluster: Cluster) -> None:
    """It has fetched all that its lock names; who has a store behind fetches and writes nothing."""
    before = cluster.site.look()
    cluster.run(cluster.address, machines=["one", "fresh"])
    listed = cluster.site.pyx("list", "--json", cwd=cluster.site.find_project("dask-two"))
    names = sorted(one["name"] for one in json.loads(listed.stdout))
    assert cluster.fresh.list_fetched() == names
    assert cluster.one.list_fetched() == []
    assert cluster.site.look() == before


def test_the_nanny_replaces_a_killed_worker_by_an_equal_one(cluster: Cluster) -> None:
    """The worker after the killed one is another process with the same packages."""
    told = cluster.run(cluster.address, machines=["one", "fresh"], kill="fresh")
    assert told["after"]["pid"] != told["fresh"]["pid"]
    assert told["after"]["prefix"] == told["fresh"]["prefix"]
    assert told["after"]["version"] == SECOND


def test_a_module_is_sent_to_the_workers(cluster: Cluster, tmp_path: Path) -> None:
    """`upload_file` reaches workers of either lock, without PYTHONPATH."""
    (tmp_path / "shipped.py").write_text("import humanize\n")
    upload = str(tmp_path / "shipped.py")
    told = cluster.run(cluster.address, machines=["one", "fresh"], upload=upload)
    assert [told[name]["imported"] for name in ("one", "fresh")] == ["shipped"] * 2


@pytest.mark.parametrize("kind", ["local", "subprocess"])
def test_clusters_that_a_program_makes(cluster: Cluster, kind: str) -> None:
    """The workers of `LocalCluster` and `SubprocessCluster` are in the program's environment."""
    for lock, version in (("one", FIRST), ("two", SECOND)):
        told = cluster.run(kind, lock=lock)
        assert told["any"]["prefix"] == told["own"]
        assert (told["any"]["version"], told["any"]["thing"]) == (version, True)


def test_later_workers_start_from_the_launch_record(cluster: Cluster, slow_path: None) -> None:
    """A worker and its nanny need no launcher once one has started with the same lock."""
    project = cluster.site.find_project("dask-one")
    words = worker_words(cluster.address, "again", cluster.place)
    cluster.site.pyx.break_slow_path()
    service = cluster.one.start(*words, cwd=project, name="again")
    try:
        service.await_text("Registered to")
    finally:
        service.end()


def test_what_goes_wrong_is_told_in_one_line(cluster: Cluster, tmp_path: Path) -> None:
    """A worker that cannot start says why on stderr and ends, and there is one hint."""
    project = tmp_path / "project"
    shutil.copytree(cluster.site.find_project("dask-one"), project)
    lock = project / "pylock.toml"
    lock.write_text(lock.read_text().replace("sha256 = ", "sha256 = 0"))
    words = worker_words(cluster.address, "wrong", cluster.place)
    service = cluster.fresh.start(*words, cwd=project, name="wrong")
    assert service.process.wait(120) == 65
    lines = service.log.read_text().splitlines()
    assert lines[0].startswith(f"pyx: {lock}: ")
    assert len(lines) <= 2
