"""The projects of the lock oracle: each described once, whatever tool locks it.

A requirement is written as in PEP 508. What a requirement comes from, where that is not the
index, stands in `sources`; `tools` renders both for uv, Poetry, PDM and Pipenv.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a requirement comes from, one of: a place below the project, a URL, git, an index."""

    path: str = ""
    editable: bool = False
    url: str = ""
    git: str = ""
    tag: str = ""
    index: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """One habit of writing a project."""

    name: str
    about: str
    """What is special about it, for a person."""
    dependencies: tuple[str, ...] = ()
    extras: dict[str, tuple[str, ...]] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """An entry ``include NAME`` stands for another group."""
    sources: dict[str, Source] = field(default_factory=dict)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The further projects of a workspace with their dependencies."""
    conflicts: tuple[str, ...] = ()
    """Extras that cannot be installed together."""
    alternatives: tuple[tuple[str, ...], ...] = (("--all-extras", "--all-groups"),)
    """The options, as pyx has them, that are compared beside none where there is a choice."""
    targets: tuple[tuple[str, str], ...] = (("", ""),)
    """The ranges of Python and platforms that PDM has to resolve one after the other."""
    lacking: dict[str, str] = field(default_factory=dict)
    """The formats, or the tools, that cannot express it, each with what they lack."""

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """Every set of options that is compared, first that of a start without any."""
        return ((), *self.alternatives) if self.extras or self.groups else ((),)


NO_EXTRAS = "a Pipfile has no extras"
NO_HASH = "what has no hash cannot be there"
NO_WORKSPACE = "knows no workspaces"
ONE_EACH = "a Pipfile has one line for each name"

PROJECTS = (
    Project(
        name="markers",
        about="markers by platform, Python and implementation",
        dependencies=(
            "terminal",
            "test-runner",
            "html-render; sys_platform == 'win32'",
            "charset; platform_machine != 'nothing' and python_version >= '3.11'",
            "six-ways; implementation_name == 'cpython' or python_version < '3.12'",
        ),
        groups={"dev": ("typing-backport; python_version < '3.11'",)},
    ),
    Project(
        name="extras",
        about="extras of the project, extras of dependencies, extras with extras",
        dependencies=("everything[one]",),
        extras={
            "net": ("web-client[socks]",),
            "Full_Set": ("http-two[http2]", "http-cache[filecache]", "everything[all]"),
            "late": ("bytes-pack; python_version >= '3.12'",),
        },
        lacking={"pipenv": NO_EXTRAS},
    ),
    Project(
        name="groups",
        about="groups that include groups",
        dependencies=("plug",),
        groups={
            "dev": ("include Lint_Tools", "ini-reader==2.0.0"),
            "Lint_Tools": ("style-check",),
            "docs": ("html-render", "include dev", "cycle-a"),
        },
        lacking={"pipenv": "a category of a Pipfile includes no other"},
    ),
    Project(
        name="categories",
        about="groups that stand for themselves",
        dependencies=("terminal==8.1.7",),
        groups={"dev": ("test-runner",), "docs": ("html-render", "terminal")},
    ),
    Project(
        name="forks",
        about="other versions for other Pythons and platforms",
        dependencies=(
            "zipper==3.15.0; python_version < '3.11'",
            "zipper==3.19.0; python_version >= '3.11'",
            "metadata-reader==6.0.0; sys_platform == 'win32'",
            "metadata-reader==7.0.0; sys_platform != 'win32'",
        ),
        targets=(("<3.11", "linux"), (">=3.11", "linux"), (">=3.11", "windows")),
        lacking={"pipenv": ONE_EACH},
    ),
    Project(
        name="conflicts",
        about="extras that cannot be installed together",
        dependencies=("metadata-reader",),
        extras={
            "cpu": ("engine==1.0+cpu", "zipper==3.15.0"),
            "old": ("engine==1.0", "zipper==3.17.0"),
        },
        conflicts=("cpu", "old"),
        alternatives=(("--extra", "cpu"), ("--extra", "old")),
        lacking={
            "poetry": "resolves all extras together",
            "pdm": "resolves all extras together",
            "pipenv": NO_EXTRAS,
            "pylock.toml (uv)": "holds one choice of extras",
            "requirements.txt (uv)": "holds one choice of extras",
            "requirements.txt (compiled)": "holds one choice of extras",
        },
    ),
    Project(
        name="workspace",
        about="several projects that share one lock",
        dependencies=("member-a", "zipper"),
        members={"member-a": ("member-b", "plug"), "member-b": ("certificates",)},
        groups={"dev": ("file-lock",)},
        lacking={
            "poetry": NO_WORKSPACE,
            "pdm": NO_WORKSPACE,
            "pipenv": NO_WORKSPACE,
            "requirements.txt (uv)": NO_HASH,
            "requirements.txt (compiled)": NO_WORKSPACE,
        },
    ),
    Project(
        name="sdists",
        about="a package without wheels, which has to be built",
        dependencies=("slow-build", "terminal"),
    ),
    Project(
        name="git",
        about="a dependency from a tag of a git repository",
        dependencies=("git-tree", "terminal"),
        sources={"git-tree": Source(git="https://example.org/git-tree.git", tag="v1")},
        lacking={"requirements.txt (uv)": NO_HASH, "requirements.txt (compiled)": NO_HASH},
    ),
    Project(
        name="places",
        about="source trees, wheels and sdists on this machine",
        dependencies=("path-tree", "local-wheel", "local-sdist"),
        sources={
            "path-tree": Source(path="libs/tree"),
            "local-wheel": Source(path="libs/local_wheel-0.5-py3-none-any.whl"),
            "local-sdist": Source(path="libs/local_sdist-0.6.tar.gz"),
        },
        lacking={"requirements.txt (uv)": NO_HASH, "requirements.txt (compiled)": NO_HASH},
    ),
    Project(
        name="editables",
        about="a source tree that is imported where it lies",
        groups={"dev": ("edit-tree", "plug")},
        sources={"edit-tree": Source(path="libs/edit", editable=True)},
        lacking={"requirements.txt (uv)": NO_HASH, "requirements.txt (compiled)": NO_HASH},
    ),
    Project(
        name="links",
        about="a wheel at a URL of its own",
        dependencies=("url-wheel", "plug"),
        sources={"url-wheel": Source(url="{files}url_wheel-0.9-py3-none-any.whl")},
        lacking={"pipenv": "Pipenv records no hash of it, and pyx takes nothing unchecked"},
    ),
    Project(
        name="two indexes",
        about="a dependency from an index that serves nothing else",
        dependencies=("secret-sauce", "plug"),
        sources={"secret-sauce": Source(index="private")},
        lacking={"requirements.txt (compiled)": "takes one index for all"},
    ),
    Project(
        name="namespaces",
        about="packages that share one import package",
        dependencies=("space-one", "space.two", "Google.cloud_STORE"),
    ),
    Project(
        name="versions",
        about="yanked releases, local versions and epochs",
        dependencies=("withdrawn==1.1", "engine==1.0+cpu", "epochal"),
    ),
    Project(
        name="names",
        about="names that are written in another way than they are normalised",
        dependencies=("SIX.ways", "Web_Client[SOCKS]", "google--core"),
        groups={"Type_Checks": ("Typing.Backport",)},
    ),
    Project(
        name="circle",
        about="packages that need one another",
        dependencies=("cycle-b",),
        extras={"whole": ("everything[all]", "cycle-a")},
        lacking={"pipenv": NO_EXTRAS},
    ),
)
