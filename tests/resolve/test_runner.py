"""How the tools that lock are called, and what they are told of the user's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tomli

from pyx_launcher.index.pip_config import read_settings
from pyx_launcher.project.pyproject import MAIN, RequirementList
from pyx_launcher.resolve.runner import (
    NO_UPGRADE,
    Upgrade,
    compile_arguments,
    connection_variables,
    forget_pins,
    list_pdm_groups,
    names_index,
    pdm_arguments,
    pipenv_arguments,
    poetry_arguments,
    uv_arguments,
    uv_index_variables,
)

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = Upgrade(everything=True)
SOME = Upgrade(names=("a", "b"))


def test_pips_configuration_becomes_uvs(tmp_path: Path) -> None:
    """Its files and variables say which indexes uv asks, and how it reaches them."""
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://example.org/simple\nproxy = http://example.org:8080\n"
        "extra-index-url = https://example.org/a https://example.org/b\ntrusted-host = x y\n"
    )
    environ = {"PIP_CONFIG_FILE": str(config), "HOME": str(tmp_path), "PIP_CERT": "/c.pem"}
    settings = read_settings(environ)
    assert uv_index_variables(settings) == {
        "UV_DEFAULT_INDEX": "https://example.org/simple",
        "UV_INDEX": "https://example.org/a https://example.org/b",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "x y",
    }
    assert connection_variables(settings)["HTTPS_PROXY"] == "http://example.org:8080"
    assert connection_variables(settings)["SSL_CERT_FILE"] == "/c.pem"


def test_a_directory_of_wheels_counts_only_as_an_index(tmp_path: Path) -> None:
    """A lock must not name a directory of this machine for what an index has."""
    environ = {"HOME": str(tmp_path), "PIP_FIND_LINKS": "/wheels", "PIP_CONFIG_FILE": "/dev/null"}
    assert uv_index_variables(read_settings(environ)) == {}
    found = uv_index_variables(read_settings(environ | {"PIP_NO_INDEX": "1"}))
    assert found == {"UV_FIND_LINKS": "/wheels"}


@pytest.mark.parametrize(
    ("upgrade", "uv", "poetry", "pdm"),
    [
        (NO_UPGRADE, "lock", ["lock"], "lock --update-reuse"),
        (EVERYTHING, "lock --upgrade", ["lock --regenerate"], "lock"),
        (
            SOME,
            "lock --upgrade-package a --upgrade-package b",
            ["lock", "update --lock -- a b"],
            "lock --update-reuse",
        ),
    ],
)
def test_pins_stay_but_for_those_that_are_named(
    upgrade: Upgrade, uv: str, poetry: list[str], pdm: str
) -> None:
    """Each tool has its own words for that."""
    quiet = {"--no-interaction", "--no-ansi"}
    assert " ".join(uv_arguments(upgrade)) == uv
    lines = [[word for word in line if word not in quiet] for line in poetry_arguments(upgrade)]
    assert [" ".join(line) for line in lines] == poetry
    assert " ".join(pdm_arguments([], upgrade)) == pdm


def test_pipenv_locks_in_a_category() -> None:
    """Of all that a Pipfile has, only what is named moves."""
    assert pipenv_arguments(MAIN, []) == ["lock"]
    assert pipenv_arguments(MAIN, ["a"]) == ["upgrade", "--lock-only", "a"]
    assert pipenv_arguments(RequirementList(group="dev"), ["a"]) == [
        "upgrade",
        "--lock-only",
        "--dev",
        "a",
    ]
    found = pipenv_arguments(RequirementList(group="docs"), ["a"])
    assert found == ["upgrade", "--lock-only", "--categories", "docs", "a"]


def test_a_compiled_list_has_hashes_and_no_url() -> None:
    """It is for every platform, and says how it was made."""
    words = compile_arguments("requirements.in", "requirements.txt", EVERYTHING)
    assert {"--universal", "--generate-hashes", "--no-emit-index-url", "--upgrade"} <= {*words}


PDM = """\
[metadata]
groups = ["default", "dev"]

[[package]]
name = "a"
version = "1"

[[package]]
name = "C.d"
version = "2"
"""


def test_pdm_locks_a_new_group_beside_the_old_ones() -> None:
    """Otherwise it would keep to those in its lock, or drop them."""
    assert list_pdm_groups(PDM.encode(), RequirementList(group="docs")) == ["dev", "docs"]
    assert list_pdm_groups(PDM.encode(), MAIN) == []
    assert list_pdm_groups(b"", RequirementList(group="docs")) == []
    assert list_pdm_groups(None, RequirementList(extra="docs")) == []
    assert pdm_arguments(["dev"], NO_UPGRADE) == ["lock", "--update-reuse", "-G", "dev"]


def test_pdm_forgets_what_is_to_move() -> None:
    """All else stays as PDM wrote it."""
    left = tomli.loads(forget_pins(PDM.encode(), ["c-D"]).decode())
    assert left == {**tomli.loads(PDM), "package": [{"name": "a", "version": "1"}]}


def test_a_project_may_name_its_own_index() -> None:
    """Then the user's configuration of pip does not speak for it."""
    data = tomli.loads("[[tool.uv.index]]\nurl = 'https://example.org'\n")
    assert names_index(data, [("tool", "uv", "index")])
    assert not names_index(data, [("tool", "uv", "index-url"), ("tool", "x", "y")])
