"""What conda is to install, by its specs and its lists, as requirements of packages of Python."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pyx_launcher.values import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ON_BOTH = frozenset(("tensorflow-cpu",))
"""What an index has by conda's name as well, from those who make the other."""

_RENAMED: Mapping[str, str] = {
    **dict.fromkeys(("pytorch", "pytorch-cpu", "pytorch-gpu"), "torch"),
    **dict.fromkeys(("tensorflow-base", "tensorflow-cpu", "tensorflow-gpu"), "tensorflow"),
    **dict.fromkeys(("py-xgboost", "py-xgboost-cpu", "py-xgboost-gpu"), "xgboost"),
    **dict.fromkeys(("opencv", "py-opencv"), "opencv-python"),
    **dict.fromkeys(("ray-core", "ray-default"), "ray"),
    "airflow": "apache-airflow",
    "brotli-python": "brotli",
    "cython-blis": "blis",
    "dask-core": "dask",
    "docker-py": "docker",
    "geopandas-base": "geopandas",
    "google-cloud-bigquery-core": "google-cloud-bigquery",
    "h3-py": "h3",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "nbconvert-core": "nbconvert",
    "numpy-base": "numpy",
    "ortools-python": "ortools",
    "pvlib-python": "pvlib",
    "pyarrow-core": "pyarrow",
    "pyqt": "pyqt5",
    "pysoundfile": "soundfile",
    "pytables": "tables",
    "python-build": "build",
    "python-duckdb": "duckdb",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kaleido": "kaleido",
    "python-lmdb": "lmdb",
    "python-xxhash": "xxhash",
    "pytorch-cluster": "torch-cluster",
    "pytorch-geometric": "torch-geometric",
    "pytorch-scatter": "torch-scatter",
    "pytorch-sparse": "torch-sparse",
    "redis-py": "redis",
    "seaborn-base": "seaborn",
    "sentencepiece-python": "sentencepiece",
    "tiledb-py": "tiledb",
}
"""Names that conda has for packages of other names, which an index has for a stranger's or not.

From what is published for that: ``grayskull/strategy/config.yaml`` of conda/grayskull, and
``files/v0/conda-forge/compressed_mapping.json`` of prefix-dev/parselmouth.
"""

_NO_PACKAGES = frozenset(
    {
        *("blas", "libblas", "libcblas", "liblapack", "openblas", "libopenblas", "nomkl"),
        *("cudatoolkit", "cudnn", "nccl", "cuda", "cuda-toolkit", "cuda-version", "cuda-runtime"),
        *("cuda-libraries", "cuda-libraries-dev", "cuda-nvcc", "cuda-cudart", "cuda-compiler"),
        *("pytorch-cuda", "pytorch-mutex", "cpuonly", "libtorch", "libxgboost", "magma"),
        *("gcc", "gxx", "gfortran", "clang", "clangxx", "llvm", "compilers", "make", "swig"),
        *("c-compiler", "cxx-compiler", "fortran-compiler", "rust", "go", "openjdk", "nodejs"),
        *("git", "git-lfs", "curl", "wget", "bash", "vim", "tmux", "htop", "tar", "unzip", "jq"),
        *("openssl", "ca-certificates", "zlib", "bzip2", "xz", "zstd", "lz4-c", "readline", "tk"),
        *("ncurses", "libffi", "sqlite", "expat", "icu", "krb5", "libcurl", "libuv", "zeromq"),
        *("hdf5", "geos", "proj", "libgdal", "libspatialindex", "arrow-cpp", "boost", "boost-cpp"),
        *("eigen", "gmp", "mpfr", "mpc", "ffmpeg", "lame", "openh264", "libsndfile", "portaudio"),
        *("sox", "jpeg", "libjpeg-turbo", "libpng", "libtiff", "lerc", "freetype", "fontconfig"),
        *("cairo", "pango", "pixman", "glib", "qt", "qt-main", "sdl2", "graphviz", "imagemagick"),
        *("ghostscript", "poppler", "tesseract", "texlive-core", "pandoc", "firefox"),
        *("geckodriver", "openmpi", "mpich", "unixodbc", "mysql", "postgresql", "redis-server"),
        *("nginx", "octave", "julia", "snappy", "libxml2", "libopencv", "python_abi", "tensorrt"),
        *("libgcc", "libstdcxx", "libgfortran", "libgfortran5", "libgomp", "perl", "binutils"),
        *("pkg-config", "autoconf", "automake", "libtool", "samtools", "bwa", "salmon", "bedtools"),
        *("bcftools", "htslib", "blast", "bowtie2", "star", "fastqc", "minimap2", "sra-tools"),
        *("vc", "ucrt", "vs2015_runtime", "jsonschema-with-format-nongpl"),
    }
)
"""What conda has besides packages of Python; on an index it is a stranger's name, or nobody's.

By the same mapping, in which these have none.
"""

_NO_PACKAGE = re.compile(r"_.*|r-.*|lib.*-ng|(?:gcc|gxx|gfortran|ld|ld_impl|binutils|sysroot)_.*")
_BUILT = re.compile(r"(?:h[0-9a-f]{6,}_)?\d+")
"""The build of what conda has for no Python: that of a package has its version, as py312."""

INDEXES: Mapping[str, str] = {
    **dict.fromkeys(("-i", "--index-url"), "PIP_INDEX_URL"),
    "--extra-index-url": "PIP_EXTRA_INDEX_URL",
    **dict.fromkeys(("-f", "--find-links"), "PIP_FIND_LINKS"),
}
"""Options of pip's that say where packages are, with its variables for the same."""

_SPEC = re.compile(
    r"(?:[^\s:]*::)?(?P<name>[A-Za-z0-9_][\w.-]*)(?P<extras>\[[^]=]*\])?\s*(?P<rest>.*)"
)
_EXACT = re.compile(
    r"(?P<fuzzy>=?)(?P<same>=?)\s*(?P<version>[\d*][\w.!+*-]*)(?:(?:=|\s+)(?P<build>\S*))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What an environment is to have."""

    name: str = ""
    python: str | None = None
    """As ``--python`` takes it."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """The requirements, by normalised name."""
    files: tuple[str, ...] = ()
    """Lists of requirements."""
    editables: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    """What conda calls otherwise."""
    left_out: tuple[str, ...] = ()
    """What no index has, or pyx does not take, each with its line."""
    indexes: Mapping[str, str] = field(default_factory=dict)
    """The variables of pip's that say where the packages are."""

    @property
    def words(self) -> list[str]:
        """What follows ``pyx add``."""
        files = [word for file in self.files for word in ("-r", file)]
        directories = [word for directory in self.editables for word in ("-e", directory)]
        return [*self.packages.values(), *files, *directories]

    def tell(self, command: str) -> str:
        """Return a hint with `command` that says what is different from what was asked for."""
        notes = [f"conda's {one} is {other} on the index" for one, other in self.renamed.items()]
        settings = [f"{name}={shlex.quote(value)}" for name, value in self.indexes.items()]
        command = " ".join([*settings, command])
        if self.left_out:
            are = "it is not a Python package"
            are = "they are not Python packages" if len(self.left_out) > 1 else are
            notes.append(f"left out, because {are}: {', '.join(self.left_out)}")
        return "; ".join([f"`{command}`", *notes]) if notes else command


NOTHING_WANTED = Wanted()


def collect(specs: Iterable[str], wanted: Wanted = NOTHING_WANTED) -> Wanted:
    """Return `wanted` with what conda calls `specs`."""
    for spec in specs:
        wanted = _add_spec(wanted, spec, spec)
    return wanted


def _add_spec(wanted: Wanted, spec: str, place: str) -> Wanted:
    """Return `wanted` with `spec`; `place` names it where it is left out."""
    found = _SPEC.fullmatch(spec.strip())
    if found is None:
        return replace(wanted, left_out=(*wanted.left_out, place))
    name, version, build = found["name"].lower(), *_read_version(found["rest"])
    if name == "python":
        python = _name_python(version, build)
        return replace(wanted, python=python or wanted.python)
    if name == "pip":
        return wanted
    is_foreign = name in _NO_PACKAGES or _NO_PACKAGE.fullmatch(name) or _BUILT.fullmatch(build)
    if is_foreign:
        return replace(wanted, left_out=(*wanted.left_out, place))
    meant = _RENAMED.get(canonicalize_name(name))
    if meant is not None:
        wanted = replace(wanted, renamed={**wanted.renamed, name: meant})
    return _add_package(wanted, f"{meant or found['name']}{found['extras'] or ''}{version}")


def _add_package(wanted: Wanted, requirement: str) -> Wanted:
    name = canonicalize_name(re.split(r"[\s\[<>=!~;@]", requirement, maxsplit=1)[0])
    if wanted.packages.get(name, name) != name:
        # What says more than a name is there already.
        return wanted
    return replace(wanted, packages={**wanted.packages, name: requirement})


def _read_version(rest: str) -> tuple[str, str]:
    """Return the version of a spec as a specifier, and its build."""
    rest = re.sub(r"\[version=(['\"]?)([^'\"\]]*)\1\]", r"\2", rest).strip()
    found = _EXACT.fullmatch(rest)
    if found is None:
        # A build behind bounds says for which Python.
        rest = re.sub(r"(?<=[\w*])=[^=<>!~,|]+\Z", "", re.sub(r"\s+", "", rest))
        return re.sub(r"(?<=[<>]=)([\d.]*\d)\.\*|(?<=[<>])([\d.]*\d)\.\*", r"\1\2", rest), ""
    version, build = found["version"], found["build"] or ""
    if version == "*":
        return "", build
    is_fuzzy = found["fuzzy"] and not found["same"] and not build
    if is_fuzzy and version.count(".") < 2 and re.fullmatch(r"\d[\d.]*", version):
        # Any version that begins so.
        version += ".*"
    version = re.sub(r"(?<=\d)\*\Z", ".*", version)
    return f"=={version}", build


def _name_python(version: str, build: str) -> str:
    exact = re.fullmatch(r"==(\d+(?:\.\d+)*)(?:\.\*)?", version)
    if exact is None:
        return version
    # Of an environment that is written out, each machine has another release.
    return ".".join(exact[1].split(".")[:2]) if build else exact[1]


def read_file(path: str) -> Wanted:
    """Return what conda's environment.yml asks for; nothing of what is none."""
    wanted, key, depth = NOTHING_WANTED, "", None
    for number, line in enumerate(_read_lines(path), 1):
        text = re.sub(r"(?:\A|\s)#.*", "", line).rstrip()
        found = re.fullmatch(r"(\w+):\s*(.*)", text)
        item = re.fullmatch(r"(\s*)-\s+(['\"]?)(.*?)\2", text)
        if found:
            key, depth = found[1], None
            wanted = replace(wanted, name=found[2].strip("'\"")) if key == "name" else wanted
        elif key == "variables" and text.strip():
            said = text.strip().removeprefix("- ")
            wanted = replace(wanted, left_out=(*wanted.left_out, f"{said} (line {number})"))
        elif item and key == "dependencies" and item[3].rstrip() == "pip:":
            depth = len(item[1])
        elif item and key == "dependencies":
            depth = depth if depth is not None and len(item[1]) > depth else None
            add = _add_spec if depth is None else _add_line
            wanted = add(wanted, item[3], f"{_shorten(item[3])} (line {number})")
    directory = os.path.dirname(path)
    return replace(
        wanted,
        files=tuple(os.path.join(directory, file) for file in wanted.files),
        editables=tuple(os.path.join(directory, place) for place in wanted.editables),
    )


def add_file(wanted: Wanted, file: str) -> Wanted:
    """Return `wanted` with what `file` lists: an environment.yml, conda's own list, or pip's."""
    if file.endswith((".yml", ".yaml")):
        found = read_file(file)
        return replace(found, packages={**wanted.packages, **found.packages})
    lines = [_read_url(line.partition("#")[0].strip()) for line in _read_lines(file)]
    if any(re.fullmatch(r"\w[\w.-]*=[^=]\S*", line) for line in lines):
        # As conda writes it: name=version=build.
        for number, line in enumerate(lines, 1):
            wanted = (
                _add_spec(wanted, line, f"{_shorten(line)} (line {number})") if line else wanted
            )
        return wanted
    return replace(wanted, files=(*wanted.files, file))


def _read_url(line: str) -> str:
    """Return a line that names a file of conda's by its URL as name=version=build."""
    if line == "@EXPLICIT":
        return ""
    found = re.fullmatch(r"\w+://\S*/([^/]+)-([^/-]+)-([^/-]+)\.(?:conda|tar\.bz2)", line)
    return "=".join(found.groups()) if found else line


def _shorten(item: str) -> str:
    return re.split(r"(?<=\w)[\s<>=!~]", item, maxsplit=1)[0] if item[:1] != "-" else item


def _read_lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _add_line(wanted: Wanted, line: str, place: str) -> Wanted:
    """Return `wanted` with a line as pip reads it."""
    option, _, value = re.sub(r"\A(--[\w-]+)[=\s]\s*|\A(-\w)\s*", r"\1\2 ", line).partition(" ")
    if option in ("-r", "--requirement"):
        return replace(wanted, files=(*wanted.files, value.strip()))
    if option in ("-e", "--editable") and "://" not in value:
        return replace(wanted, editables=(*wanted.editables, value.strip()))
    if option in INDEXES:
        variable = INDEXES[option]
        known = wanted.indexes.get(variable, "")
        urls = f"{known} {value}".strip() if variable != "PIP_INDEX_URL" else value.strip()
        return replace(wanted, indexes={**wanted.indexes, variable: urls})
    if option.startswith("-"):
        return replace(wanted, left_out=(*wanted.left_out, place))
    if line.startswith((".", "/")):
        return replace(wanted, editables=(*wanted.editables, line))
    if re.match(r"\w+\+\w+://", line):
        named = re.search(r"#egg=([\w.-]+)", line)
        bare = re.sub(r"(?:\.git)?(?:@[^/]*)?(?:#.*)?\Z", "", line)
        name = named[1] if named else bare.rpartition("/")[2]
        return _add_package(wanted, f"{name} @ {line}")
    is_plain = ";" not in line and "@" not in line
    return _add_package(wanted, re.sub(r"\s+", "", line) if is_plain else line)


def find_index_name(name: str) -> str | None:
    """Return how an index calls what conda has as `name`, which is normalised; None for the same.

    What an index has of that name, if anything, is a stranger's.
    """
    return None if name in _ON_BOTH else _RENAMED.get(name)


def write_requirement(spec: str) -> str:
    """Return what conda calls `spec`, such as ``conda-forge::numpy=1.26``, as a requirement."""
    wanted = collect([spec])
    return next(iter(wanted.packages.values()), spec)


def write_creation(name: str, wanted: Wanted, python: str | None = None) -> str:
    """Return the command that makes the environment `name`, or gives it what is `wanted`.

    `python` is the version that it is to have if that says none.
    """
    version = wanted.python or python
    words = ["add", f"@{name}", *wanted.words] if wanted.words else ["env", "create", name]
    return shlex.join(["pyx", *words, *(["--python", version] if version else [])])
