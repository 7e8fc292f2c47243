"""Reading pip's configuration: which file or variable wins, and what is refused."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyx_launcher.errors import StoreError, UsageError
from pyx_launcher.index.pip_config import IndexSettings, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file below the test's directory."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """Give variables that lead to no file but those the test writes, and /etc/pip.conf."""
    return {
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CONFIG_DIRS": str(tmp_path / "xdg"),
    }


def test_nothing_configured_gives_pips_defaults() -> None:
    """No file and no variable leave the default index, three retries and fifteen seconds."""
    assert read_settings({"PIP_CONFIG_FILE": os.devnull}) == IndexSettings()


def test_every_setting_is_read_from_variables() -> None:
    """Each option has a variable; lists are separated by white space."""
    settings = read_settings(
        {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": "https://a.example.org/simple",
            "PIP_EXTRA_INDEX_URL": "https://b.example.org/simple\n https://c.example.org/simple",
            "PIP_FIND_LINKS": "wheels https://d.example.org/links",
            "PIP_NO_INDEX": "on",
            "PIP_TRUSTED_HOST": "a.example.org b.example.org:8080",
            "PIP_CERT": "ca.pem",
            "PIP_CLIENT_CERT": "me.pem",
            "PIP_PROXY": "proxy.example.org:3128",
            "PIP_TIMEOUT": "2.5",
            "PIP_RETRIES": "1",
        }
    )
    assert settings == IndexSettings(
        index_url="https://a.example.org/simple",
        extra_index_urls=("https://b.example.org/simple", "https://c.example.org/simple"),
        find_links=("wheels", "https://d.example.org/links"),
        no_index=True,
        trusted_hosts=("a.example.org", "b.example.org:8080"),
        cert=Path("ca.pem"),
        client_cert=Path("me.pem"),
        proxy="proxy.example.org:3128",
        timeout=2.5,
        connect_timeout=2.5,
        retries=1,
    )


def test_the_nearer_file_wins(write: Callable[[str, str], Path], variables: dict[str, str]) -> None:
    """A user's file beats the system's, the new user's file the old one, a variable all of them."""
    write("xdg/pip/pip.conf", "[global]\nretries = 1\n")
    assert read_settings(variables).retries == 1
    write("home/.pip/pip.conf", "[global]\nretries = 2\n")
    assert read_settings(variables).retries == 2
    write("config/pip/pip.conf", "[global]\nretries = 3\n")
    assert read_settings(variables).retries == 3
    assert read_settings(variables | {"PIP_RETRIES": "4"}).retries == 4


def test_without_xdg_config_home_the_file_is_below_home(
    write: Callable[[str, str], Path], variables: dict[str, str]
) -> None:
    """The directory defaults to ``~/.config`` of the variables given, not of this process."""
    del variables["XDG_CONFIG_HOME"]
    write("home/.config/pip/pip.conf", "[global]\nindex-url = https://example.org/simple\n")
    assert read_settings(variables).index_url == "https://example.org/simple"


def test_a_named_file_takes_the_place_of_the_users(
    write: Callable[[str, str], Path], variables: dict[str, str]
) -> None:
    """`PIP_CONFIG_FILE` beats every file, and an existing one hides the user's files."""
    write("xdg/pip/pip.conf", "[global]\nretries = 1\n")
    write("config/pip/pip.conf", "[global]\nretries = 3\nproxy = http://p.example.org\n")
    named = write("named.conf", "[global]\nretries = 7\n")
    settings = read_settings(variables | {"PIP_CONFIG_FILE": str(named)})
    assert (settings.retries, settings.proxy) == (7, None)
    settings = read_settings(variables | {"PIP_CONFIG_FILE": str(named) + ".missing"})
    assert (settings.retries, settings.proxy) == (3, "http://p.example.org")


def test_the_null_device_turns_all_files_off(
    write: Callable[[str, str], Path], variables: dict[str, str]
) -> None:
    """`PIP_CONFIG_FILE=/dev/null` leaves only variables, as it does for pip."""
    write("config/pip/pip.conf", "[global]\nretries = 3\n")
    write("xdg/pip/pip.conf", "[global]\nretries = 1\n")
    assert read_settings(variables | {"PIP_CONFIG_FILE": os.devnull}).retries == 3


def test_a_commands_section_beats_the_global_one(
    write: Callable[[str, str], Path], variables: dict[str, str]
) -> None:
    """``[install]`` wins over ``[global]`` even where the latter stands in a nearer file."""
    write("xdg/pip/pip.conf", "[install]\nindex-url = https://install.example.org/\n")
    write(
        "config/pip/pip.conf",
        "[global]\nindex-url = https://global.example.org/\n"
        "[list]\nindex-url = https://list.example.org/\n",
    )
    assert read_settings(variables).index_url == "https://install.example.org/"


@pytest.mark.parametrize("key", ["index-url", "index_url", "INDEX-URL", "--index-url"])
def test_keys_have_several_spellings(
    write: Callable[[str, str], Path], variables: dict[str, str], key: str
) -> None:
    """Capitals, underscores and leading hyphens of a key do not matter."""
    write("config/pip/pip.conf", f"[global]\n{key} = https://example.org/simple\n")
    assert read_settings(variables).index_url == "https://example.org/simple"


def test_default_timeout_is_another_name_of_timeout() -> None:
    """The option ``--timeout`` of pip is also called ``--default-timeout``."""
    environ = {"PIP_CONFIG_FILE": os.devnull, "PIP_DEFAULT_TIMEOUT": "180"}
    assert read_settings(environ).timeout == 180
    assert read_settings(environ).connect_timeout == 180


def test_an_empty_value_undoes_an_earlier_one(
    write: Callable[[str, str], Path], variables: dict[str, str]
) -> None:
    """An empty key in a nearer file takes the option back; an empty variable says nothing."""
    write("xdg/pip/pip.conf", "[global]\nproxy = http://p.example.org\nretries = 1\n")
    write("config/pip/pip.conf", "[global]\nproxy =\n")
    settings = read_settings(variables | {"PIP_RETRIES": ""})
    assert (settings.proxy, settings.retries) == (None, 1)


def test_a_tilde_means_the_home_of_the_variables(tmp_path: Path) -> None:
    """Paths may start with ``~``."""
    environ = {
        "PIP_CONFIG_FILE": os.devnull,
        "HOME": str(tmp_path),
        "PIP_CERT": "~/ca.pem",
        "PIP_FIND_LINKS": "~/wheels",
    }
    settings = read_settings(environ)
    assert settings.cert == tmp_path / "ca.pem"
    assert settings.find_links == (str(tmp_path / "wheels"),)


def test_the_bundle_of_requests_is_taken_as_pip_does() -> None:
    """`REQUESTS_CA_BUNDLE` holds where pip itself is told of no certificates."""
    environ = {"PIP_CONFIG_FILE": os.devnull, "REQUESTS_CA_BUNDLE": "requests.pem"}
    assert read_settings(environ).cert == Path("requests.pem")
    assert read_settings(environ | {"PIP_CERT": "pip.pem"}).cert == Path("pip.pem")


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("PIP_NO_INDEX", "perhaps", "PIP_NO_INDEX: 'perhaps' is neither yes nor no"),
        ("PIP_TIMEOUT", "soon", "PIP_TIMEOUT: 'soon' is not a number"),
        ("PIP_RETRIES", "-1", "PIP_RETRIES: '-1' is not a number"),
        ("PIP_TIMEOUT", "nan", "PIP_TIMEOUT: 'nan' is not a number"),
    ],
)
def test_a_senseless_value_is_refused_by_name(variable: str, text: str, problem: str) -> None:
    """The error names the variable and what it says."""
    with pytest.raises(UsageError, match=f"^{re.escape(problem)}$"):
        read_settings({"PIP_CONFIG_FILE": os.devnull, variable: text})


def test_a_senseless_value_in_a_file_is_refused_by_place(
    write: Callable[[str, str], Path], variables: dict[str, str]
) -> None:
    """The error names the file, the section and the key."""
    path = write("config/pip/pip.conf", "[install]\ntimeout = soon\n")
    with pytest.raises(UsageError) as caught:
        read_settings(variables)
    assert caught.value.message == f"{path}: [install] timeout: 'soon' is not a number"


@pytest.mark.parametrize("content", [b"index-url = no section\n", b"[global]\n\xff = 1\n"])
def test_a_broken_file_is_one_line(
    tmp_path: Path, variables: dict[str, str], content: bytes
) -> None:
    """A file that cannot be parsed is named in one line, without a traceback."""
    path = tmp_path / "broken.conf"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        read_settings(variables | {"PIP_CONFIG_FILE": str(path)})
    assert caught.value.message.startswith(f"{path}: pip's configuration cannot be read: ")
    assert "\n" not in caught.value.message
