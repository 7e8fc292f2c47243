"""The projects of the corpus: those of `projects`, and more that only one of the tools can express.

Every file is data, as TOML is read, so that `edits` can change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomli

from oracle.projects import PROJECTS
from oracle.tools import FORMATS, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOCK_FILES = {
    "uv": "uv.lock",
    "poetry": "poetry.lock",
    "pdm": "pdm.lock",
    "pipenv": "Pipfile.lock",
}

BUILD = {"requires": [], "build-backend": "treebackend", "backend-path": ["."]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """A project as one tool has it."""

    name: str
    tool: str
    files: dict[str, dict[str, Any]]
    """The project files by path, the one at the top first."""
    commands: tuple[tuple[str, ...], ...] = ()
    """What makes the lock, one after the other; the tool's plain command where there is none."""
    places: tuple[str, ...] = (".",)
    """The directories in which a start is tried."""

    @property
    def lock(self) -> str:
        """The name of the lock."""
        return LOCK_FILES[self.tool]


def make_specs(tool: str, urls: Mapping[str, str]) -> Iterator[Spec]:
    """Yield every project of one tool, given the URLs of the indexes."""
    form = next(form for form in FORMATS if form.tool == tool and form.lock == LOCK_FILES[tool])
    for project in PROJECTS:
        if form.find_lack(project) is None:
            rendered = render(form, project, urls)
            files = {path: tomli.loads(text) for path, text in rendered.items()}
            categories = ["packages"] + [
                "dev-packages" if name == "dev" else name for name in project.groups
            ]
            commands = {
                "pdm": tuple(
                    ("lock", "-G:all")
                    + ((f"--python={python}", f"--platform={platform}") if python else ())
                    + (("--append",) if number else ())
                    for number, (python, platform) in enumerate(project.targets)
                ),
                "pipenv": (("lock", "--categories", " ".join(categories)),),
            }
            yield Spec(
                name=project.name,
                tool=tool,
                files=files,
                commands=commands.get(tool, ()),
                places=(".", *(f"packages/{name}" for name in project.members)),
            )
    for name, documents, places in MORE.get(tool, ()):
        files = {path: _complete(tool, path, data, urls) for path, data in documents.items()}
        commands = COMMANDS.get((tool, name), ())
        yield Spec(name=name, tool=tool, files=files, commands=commands, places=places)


def _complete(
    tool: str, path: str, data: dict[str, Any], urls: Mapping[str, str]
) -> dict[str, Any]:
    """Return a project file with the index of the corpus in it."""
    if path == "Pipfile":
        source = {"name": "index", "url": urls["index"], "verify_ssl": False}
        return {"source": [source], **data}
    if "/" in path:
        return data
    tables: dict[str, Any] = data.get("tool", {})
    own = dict(tables.get(tool, {}))
    if tool == "uv":
        index = {"name": "loopback", "url": urls["index"], "default": True}
        own["index"] = [*own.get("index", []), index]
    elif tool == "poetry":
        own["source"] = [{"name": "loopback", "url": urls["index"], "priority": "primary"}]
    else:
        own["source"] = [{"name": "pypi", "url": urls["index"]}]
    return {**data, "tool": {**tables, tool: own}}


def _project(name: str = "sample", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": "0.1.0",
        "requires-python": ">=3.10",
        "dependencies": [],
        **{key.replace("_", "-"): value for key, value in more.items()},
    }


def _member(name: str, **more: Any) -> dict[str, Any]:
    return {"project": _project(name, **more), "build-system": BUILD}


_HERE = ((".",),)

_UV: list[tuple[str, dict[str, dict[str, Any]], tuple[str, ...]]] = [
    (
        "bounds on members and trees",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=["member-a>=0.0.1", "path-tree<2", "terminal>=8,<9", "edit-tree"],
                    optional_dependencies={"more": ["member-b==0.1.0"]},
                ),
                "dependency-groups": {"dev": ["member-b>0", "plug~=1.4"]},
                "tool": {
                    "uv": {
                        "sources": {
                            "member-a": {"workspace": True},
                            "member-b": {"workspace": True},
                            "path-tree": {"path": "libs/tree"},
                            "edit-tree": {"path": "libs/edit", "editable": True},
                        },
                        "workspace": {"members": ["packages/*"]},
                    }
                },
            },
            "packages/member-a/pyproject.toml": {
                **_member("member-a", dependencies=["member-b>=0.1,<1", "zipper>3.15"]),
                "tool": {"uv": {"sources": {"member-b": {"workspace": True}}}},
            },
            "packages/member-b/pyproject.toml": _member(
                "member-b",
                dependencies=["plug"],
                optional_dependencies={"own": ["six-ways"]},
            ),
        },
        (".", "packages/member-a", "packages/member-b"),
    ),
    (
        "workspace without a project",
        {
            "pyproject.toml": {
                "dependency-groups": {"dev": ["plug"], "docs": ["html-render"]},
                "tool": {"uv": {"workspace": {"members": ["packages/*"]}}},
            },
            "packages/member-a/pyproject.toml": {
                **_member("member-a", dependencies=["terminal"]),
                "dependency-groups": {"dev": ["zipper"], "own": ["ini-reader<2"]},
            },
            "packages/member-b/pyproject.toml": _member("member-b", dependencies=["plug"]),
        },
        (".", "packages/member-a", "packages/member-b"),
    ),
    (
        "members with extras and groups",
        {
            "pyproject.toml": {
                "project": _project(dependencies=["member-a[net]"]),
                "dependency-groups": {"docs": ["html-render"], "dev": [{"include-group": "docs"}]},
                "tool": {
                    "uv": {
                        "sources": {"member-a": {"workspace": True}},
                        "workspace": {"members": ["packages/*"]},
                        "default-groups": ["docs"],
                    }
                },
            },
            "packages/member-a/pyproject.toml": {
                **_member(
                    "member-a",
                    dependencies=["plug"],
                    optional_dependencies={
                        "net": ["web-client[socks]"],
                        "all": ["member-a[net]", "everything[all]"],
                    },
                ),
                "dependency-groups": {"dev": ["zipper"], "late": ["ini-reader<2"]},
                "tool": {"uv": {"default-groups": ["late"]}},
            },
        },
        (".", "packages/member-a"),
    ),
    (
        "overrides, constraints and exclusions",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=["metadata-reader", "test-runner", "web-client", "everything[one]"]
                ),
                "tool": {
                    "uv": {
                        "override-dependencies": ["zipper==3.15.0", "ini-reader<2"],
                        "constraint-dependencies": ["metadata-reader<7"],
                        "exclude-dependencies": ["charset"],
                    }
                },
            }
        },
        (".",),
    ),
    (
        "environments",
        {
            "pyproject.toml": {
                "project": _project(dependencies=["terminal", "test-runner"]),
                "tool": {
                    "uv": {
                        "environments": ["sys_platform == 'linux'", "sys_platform == 'darwin'"],
                        "required-environments": [
                            "sys_platform == 'linux' and platform_machine == 'x86_64'"
                        ],
                    }
                },
            }
        },
        (".",),
    ),
    (
        "groups that exclude one another",
        {
            "pyproject.toml": {
                "project": _project(dependencies=["plug"]),
                "dependency-groups": {
                    "dev": ["zipper==3.19.0"],
                    "old": ["zipper==3.15.0"],
                    "docs": ["html-render"],
                },
                "tool": {"uv": {"conflicts": [[{"group": "dev"}, {"group": "old"}]]}},
            }
        },
        (".",),
    ),
    (
        "an extra and a group that exclude one another",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=["plug"],
                    optional_dependencies={"fast": ["engine==1.0+cpu"], "net": ["web-client"]},
                ),
                "dependency-groups": {"slow": ["engine==1.0"], "dev": ["six-ways"]},
                "tool": {"uv": {"conflicts": [[{"extra": "fast"}, {"group": "slow"}]]}},
            }
        },
        (".",),
    ),
    (
        "sources of every kind",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=[
                        "path-tree>=0.1",
                        "edit-tree",
                        "local-wheel",
                        "local-sdist>0",
                        "git-tree>=0.1",
                        "url-wheel<9",
                        "secret-sauce",
                    ]
                ),
                "tool": {
                    "uv": {
                        "sources": {
                            "path-tree": {"path": "libs/tree"},
                            "edit-tree": {"path": "libs/edit", "editable": True},
                            "local-wheel": {"path": "libs/local_wheel-0.5-py3-none-any.whl"},
                            "local-sdist": {"path": "libs/local_sdist-0.6.tar.gz"},
                            "git-tree": {"git": "https://example.org/git-tree.git", "tag": "v1"},
                            "url-wheel": {"url": "{files}url_wheel-0.9-py3-none-any.whl"},
                            "secret-sauce": {"index": "private"},
                        },
                        "index": [{"name": "private", "url": "{private}", "explicit": True}],
                    }
                },
            }
        },
        (".",),
    ),
    (
        "not before a day",
        {
            "pyproject.toml": {
                "project": _project(dependencies=["terminal", "zipper<3.18"]),
                "tool": {"uv": {"exclude-newer": "2031-01-01T00:00:00Z"}},
            }
        },
        (".",),
    ),
    (
        "no dependencies",
        {"pyproject.toml": {"project": _project()}},
        (".",),
    ),
    (
        "a source by marker",
        {
            "pyproject.toml": {
                "project": _project(dependencies=["path-tree", "plug"]),
                "tool": {
                    "uv": {
                        "sources": {
                            "plug": [
                                {"path": "libs/plug", "marker": "sys_platform == 'win32'"},
                                {"index": "loopback", "marker": "sys_platform != 'win32'"},
                            ],
                            "path-tree": [{"path": "libs/tree"}],
                        }
                    }
                },
            }
        },
        (".",),
    ),
    (
        "extras of extras",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=["plug"],
                    optional_dependencies={
                        "net": ["web-client[socks]"],
                        "cache": ["sample[net]", "http-cache[filecache]"],
                        "all": ["sample[net,cache]", "everything[all]"],
                    },
                ),
                "dependency-groups": {"dev": ["sample[net]", "zipper"]},
            }
        },
        (".",),
    ),
    (
        "sources by extra and by group",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=["terminal"],
                    optional_dependencies={"tree": ["plug"], "index": ["plug"]},
                ),
                "dependency-groups": {"dev": ["zipper<3.18"], "git": ["git-tree"]},
                "tool": {
                    "uv": {
                        "sources": {
                            "plug": [
                                {"path": "libs/plug", "extra": "tree"},
                                {"index": "loopback", "extra": "index"},
                            ],
                            "git-tree": {
                                "git": "https://example.org/git-tree.git",
                                "branch": "main",
                                "group": "git",
                            },
                        },
                        "conflicts": [[{"extra": "tree"}, {"extra": "index"}]],
                    }
                },
            }
        },
        (".",),
    ),
    (
        "members that exclude one another",
        {
            "pyproject.toml": {
                "project": _project(dependencies=["terminal"]),
                "tool": {
                    "uv": {
                        "sources": {
                            "member-a": {"workspace": True},
                            "member-b": {"workspace": True},
                        },
                        "workspace": {"members": ["packages/*"]},
                        "conflicts": [
                            [
                                {"package": "member-a", "extra": "old"},
                                {"package": "member-b", "extra": "fresh"},
                            ]
                        ],
                    }
                },
            },
            "packages/member-a/pyproject.toml": _member(
                "member-a",
                dependencies=["plug"],
                optional_dependencies={"old": ["zipper==3.15.0"]},
            ),
            "packages/member-b/pyproject.toml": _member(
                "member-b",
                dependencies=["six-ways"],
                optional_dependencies={"fresh": ["zipper==3.19.0"]},
            ),
        },
        (".", "packages/member-a", "packages/member-b"),
    ),
    (
        "trees that are no packages",
        {
            "pyproject.toml": {
                "project": _project(dependencies=["path-tree", "zipper<3.18"]),
                "dependency-groups": {
                    "dev": [{"include-group": "lint"}, "ini-reader<2"],
                    "lint": ["style-check"],
                },
                "tool": {
                    "uv": {
                        "package": False,
                        "sources": {"path-tree": {"path": "libs/tree", "package": False}},
                        "dependency-groups": {"lint": {"requires-python": ">=3.12"}},
                    }
                },
            }
        },
        (".",),
    ),
]

_POETRY: list[tuple[str, dict[str, dict[str, Any]], tuple[str, ...]]] = [
    (
        "optional groups",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=["terminal"],
                    optional_dependencies={"net": ["web-client[socks]"], "full": ["plug"]},
                ),
                "tool": {
                    "poetry": {
                        "package-mode": False,
                        "group": {
                            "dev": {"dependencies": {"ini-reader": "<2"}},
                            "docs": {
                                "optional": True,
                                "dependencies": {"html-render": "*"},
                            },
                            "ci": {"optional": True, "dependencies": {"test-runner": "^7"}},
                        },
                    }
                },
            }
        },
        (".",),
    ),
    (
        "Poetry's own tables",
        {
            "pyproject.toml": {
                "tool": {
                    "poetry": {
                        "name": "sample",
                        "version": "0.1.0",
                        "description": "",
                        "authors": [],
                        "package-mode": False,
                        "dependencies": {
                            "python": ">=3.10,<4",
                            "terminal": "^8",
                            "zipper": [
                                {"version": "<3.18", "python": "<3.12"},
                                {"version": ">=3.18", "python": ">=3.12"},
                            ],
                            "web-client": {"version": "*", "optional": True, "extras": ["socks"]},
                        },
                        "extras": {"net": ["web-client"]},
                        "group": {
                            "main": {"dependencies": {"six-ways": "*"}},
                            "dev": {"dependencies": {"plug": "*"}},
                        },
                    }
                },
            }
        },
        (".",),
    ),
    (
        "Poetry's groups that include groups",
        {
            "pyproject.toml": {
                "project": _project(dependencies=["terminal"]),
                "tool": {
                    "poetry": {
                        "package-mode": False,
                        "group": {
                            "lint": {"optional": True, "dependencies": {"style-check": "*"}},
                            "dev": {
                                "include-groups": ["lint"],
                                "dependencies": {"ini-reader": "<2"},
                            },
                            "all": {"optional": True, "include-groups": ["dev", "lint"]},
                        },
                    }
                },
            }
        },
        (".",),
    ),
    (
        "Poetry's sources of every kind",
        {
            "pyproject.toml": {
                "tool": {
                    "poetry": {
                        "name": "sample",
                        "version": "0.1.0",
                        "package-mode": False,
                        "dependencies": {
                            "python": ">=3.10,<4",
                            "path-tree": {"path": "libs/tree"},
                            "edit-tree": {"path": "libs/edit", "develop": True},
                            "local-wheel": {"path": "libs/local_wheel-0.5-py3-none-any.whl"},
                            "local-sdist": {"path": "libs/local_sdist-0.6.tar.gz"},
                            "git-tree": {
                                "git": "https://example.org/git-tree.git",
                                "branch": "main",
                                "optional": True,
                            },
                            "url-wheel": {"url": "{files}url_wheel-0.9-py3-none-any.whl"},
                            "plug": [
                                {"path": "libs/plug", "markers": "sys_platform == 'win32'"},
                                {"version": "*", "markers": "sys_platform != 'win32'"},
                            ],
                        },
                        "extras": {"git": ["git-tree"]},
                        "group": {
                            "dev": {
                                "dependencies": {"six-ways": {"version": "*", "python": "<3.12"}}
                            }
                        },
                    }
                },
            }
        },
        (".",),
    ),
]

_PDM: list[tuple[str, dict[str, dict[str, Any]], tuple[str, ...]]] = [
    (
        "overrides and exclusions",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=["metadata-reader", "test-runner"],
                    optional_dependencies={"net": ["web-client"]},
                ),
                "dependency-groups": {"dev": ["ini-reader"], "docs": ["html-render"]},
                "tool": {
                    "pdm": {
                        "distribution": False,
                        "resolution": {
                            "excludes": ["toml-reader"],
                            "overrides": {"zipper": "3.15.0"},
                        },
                    }
                },
            }
        },
        (".",),
    ),
    (
        "extras of extras",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=["plug"],
                    optional_dependencies={
                        "net": ["web-client[socks]"],
                        "all": ["sample[net]", "everything[all]"],
                    },
                ),
                "dependency-groups": {"dev": ["zipper"]},
                "tool": {"pdm": {"distribution": False}},
            }
        },
        (".",),
    ),
    (
        "PDM's sources of every kind",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=[
                        "path-tree @ file:///${PROJECT_ROOT}/libs/tree",
                        "local-wheel @ file:///${PROJECT_ROOT}/libs/local_wheel-0.5-py3-none-any.whl",
                        "git-tree @ git+https://example.org/git-tree.git@main",
                        "url-wheel @ {files}url_wheel-0.9-py3-none-any.whl",
                        "six-ways; python_version < '3.12'",
                    ],
                ),
                "dependency-groups": {"dev": [{"include-group": "lint"}], "lint": ["style-check"]},
                "tool": {
                    "pdm": {
                        "distribution": False,
                        "dev-dependencies": {
                            "edit": ["-e file:///${PROJECT_ROOT}/libs/edit#egg=edit-tree"]
                        },
                    }
                },
            }
        },
        (".",),
    ),
    (
        "a lock that does not say what its packages are for",
        {
            "pyproject.toml": {
                "project": _project(
                    dependencies=["terminal", "zipper<3.18; python_version < '3.12'", "plug"],
                    optional_dependencies={
                        "net": ["web-client[socks]", "six-ways; python_version < '3.12'"],
                        "all": ["sample[net]", "everything[all]"],
                    },
                ),
                "dependency-groups": {
                    "lint": ["style-check"],
                    "dev": [{"include-group": "lint"}, "test-runner"],
                },
                "tool": {
                    "pdm": {
                        "distribution": False,
                        "resolution": {"overrides": {"plug": "1.4.0"}},
                    }
                },
            }
        },
        (".",),
    ),
]

_PIPENV: list[tuple[str, dict[str, dict[str, Any]], tuple[str, ...]]] = [
    (
        "a Pipfile's own keys",
        {
            "Pipfile": {
                "packages": {
                    "terminal": {"version": "*", "sys_platform": "== 'linux'"},
                    "charset": {"version": "*", "python_version": ">= '3.10'"},
                    "web-client": {"version": "*", "extras": ["socks"], "os_name": "== 'posix'"},
                    "edit-tree": {"path": "./libs/edit", "editable": True},
                    "path-tree": {"path": "./libs/tree"},
                    "git-tree": {"git": "https://example.org/git-tree.git", "ref": "main"},
                },
                "dev-packages": {"zipper": "<3.18", "ini-reader": "==2.0.0"},
            }
        },
        (".",),
    ),
]

MORE = {"uv": _UV, "poetry": _POETRY, "pdm": _PDM, "pipenv": _PIPENV}

COMMANDS = {
    ("pdm", "a lock that does not say what its packages are for"): (
        ("lock", "-G:all", "-S", "no_inherit_metadata,static_urls"),
    ),
}
"""What makes the locks of some of them, by tool and name."""
