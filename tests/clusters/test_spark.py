"""Spark with a master, two workers and their executors, whose python processes pyx starts."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from clusters.conftest import FIRST, SECOND, prepare
from clusters.machines import PROGRAMS, Machine, Site, end_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(900)]

CONFIG = {
    "spark.master": "local-cluster[2,1,1024]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
}
PARTS = ("bin", "jars", "python", "sbin")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A machine where jobs are sent from; each brings up master, workers and executors."""

    site: Site
    machine: Machine
    home: Path
    """`SPARK_HOME`: Spark writes below it, so it is not the entry of the store."""

    @property
    def project(self) -> Path:
        """What the driver is locked by."""
        return self.site.find_project("spark-one")

    @property
    def settings(self) -> dict[str, str]:
        """The variables of a driver."""
        quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
        home = {"SPARK_HOME": str(self.home), "SPARK_LOCAL_DIRS": str(self.home / "local")}
        return {**home, "SPARK_LOCAL_IP": "127.0.0.1", "JAVA_TOOL_OPTIONS": quick}


@pytest.fixture(scope="module")
def cluster(site: Site, place: Path) -> Iterator[Cluster]:
    """Prepare a machine, and a `SPARK_HOME` of links."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs a java, and there is none on PATH")
    prepare(site, "spark")
    shutil.copy(PROGRAMS / "spark_job.py", site.find_project("spark-one"))
    home = place / "spark"
    home.mkdir()
    (entry,) = (site.store / "pyspark").glob("*/*/pyspark")
    for part in PARTS:
        (home / part).symlink_to(entry / part)
    machine = Machine(site=site, directory=place / "one")
    yield Cluster(site=site, machine=machine, home=home)
    end_all(place)


def tasks_of(cluster: Cluster, told: dict[str, Any]) -> dict[str, Any]:
    """Return what every task told, which must be the same."""
    first, *others = told["tasks"]
    assert others == [first] * 3
    assert first["prefix"].startswith(f"{cluster.machine.home}/environments/")
    assert first["executable"] == f"{first['prefix']}/bin/python"
    assert first["thing"]
    task: dict[str, Any] = first
    return task


def test_submitted_programs_and_their_workers_have_the_packages_of_the_lock(
    cluster: Cluster, tmp_path: Path
) -> None:
    """`pyx run spark-submit` is enough: driver, workers and the worker after a killed one."""
    (tmp_path / "shipped.py").write_text("import humanize\n")
    asked = {"upload": str(tmp_path / "shipped.py"), "kill": str(tmp_path / "killed")}
    options = (word for name, value in CONFIG.items() for word in ("--conf", f"{name}={value}"))
    words = ("pyx", "run", "spark-submit", *options, "spark_job.py", json.dumps(asked))
    told = cluster.machine.ask(*words, cwd=cluster.project, env=cluster.settings)
    assert (tmp_path / "killed").exists()
    task = tasks_of(cluster, told)
    assert (task["version"], task["imported"]) == (FIRST, "shipped")
    assert task["prefix"] == told["own"]


def test_a_job_brings_its_lock(cluster: Cluster) -> None:
    """Executors get a lock as a file, and pyx takes it: no machine was prepared for it."""
    before = cluster.site.look()
    lock = cluster.site.find_project("spark-two") / "pylock.toml"
    words = ("pyx", "spark_job.py", json.dumps({"config": {**CONFIG, "spark.files": str(lock)}}))
    settings = {**cluster.settings, "PYSPARK_PYTHON": "pyx"}
    told = cluster.machine.ask(*words, cwd=cluster.project, env=settings)
    task = tasks_of(cluster, told)
    assert (task["version"], task["prefix"] != told["own"]) == (SECOND, True)
    assert task["pyspark"].startswith(str(cluster.site.store))
    assert cluster.machine.list_fetched() == ["humanize"]
    assert cluster.site.look() == before


def test_what_goes_wrong_is_told_in_one_line(cluster: Cluster, tmp_path: Path) -> None:
    """A worker that cannot start says why, and Spark hands it to the driver."""
    (tmp_path / "pylock.toml").write_text("lock-version = 1\n")
    files = {"spark.files": str(tmp_path / "pylock.toml"), "spark.task.maxFailures": "1"}
    told = subprocess.run(
        ["pyx", "spark_job.py", json.dumps({"config": {**CONFIG, **files}})],
        cwd=cluster.project,
        env=cluster.machine.variables({**cluster.settings, "PYSPARK_PYTHON": "pyx"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert told.returncode == 1
    said = told.stderr.partition("Error from python worker:\n")[2].splitlines()
    assert said[0].strip().startswith("pyx: ")
    assert "/pylock.toml: " in said[0]
    assert said[1].strip().startswith("pyx: hint: ")
