"""What a program finds of its distributions is what one site-packages would give it.

Few entries stand on `sys.path` by themselves (direct); else one tree of links does (farm).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed import PLAIN_PYTHON
from wheelhouse import make_wheel, pylock_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from installed import Pyx

PKGUTIL = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
PKG_RESOURCES = "__import__('pkg_resources').declare_namespace(__name__)\n"
# A stand-in for setuptools' pkg_resources, which does the same with the parts it finds.
DECLARE = (
    "import sys, pkgutil\n"
    "def declare_namespace(name):\n"
    "    module = sys.modules[name]\n"
    "    module.__path__ = pkgutil.extend_path(module.__path__, name)\n"
)
# What setuptools writes into NAME-nspkg.pth for `namespace_packages`.
NSPKG = (
    "import sys, types, os;has_mfs = sys.version_info > (3, 5);"
    "p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('spread',));"
    "importlib = has_mfs and __import__('importlib.util');"
    "has_mfs and __import__('importlib.machinery');"
    "m = has_mfs and sys.modules.setdefault('spread', importlib.util.module_from_spec("
    "importlib.machinery.PathFinder.find_spec('spread', [os.path.dirname(p)])));"
    "m = m or sys.modules.setdefault('spread', types.ModuleType('spread'));"
    "mp = (m or []) and m.__dict__.setdefault('__path__',[]);"
    "(p not in mp) and mp.append(p)\n"
)


@dataclass(frozen=True, kw_only=True)
class World:
    """A project and a place for its wheels."""

    pyx: Pyx
    project: Path
    wheels: Path
    python: Path

    def lock(self, *artifacts: Path) -> None:
        """Lock `artifacts`, in this order."""
        (self.project / "pylock.toml").write_text(pylock_text(artifacts))

    def run(self, code: str) -> str:
        """Return what `code` prints; it may print no error."""
        told = self.pyx("--python", self.python, "-c", code, cwd=self.project)
        assert (told.returncode, told.stderr) == (0, "")
        return told.stdout.strip()

    def info(self, name: str) -> list[str]:
        """Return the lines that `pyx info` prints for `name`."""
        told = self.pyx("--python", self.python, "info", cwd=self.project)
        lines: dict[str, list[str]] = {}
        item = ""
        for line in told.stdout.splitlines():
            named = not line.startswith(" ")
            item = line.partition(":")[0] if named else item
            value = line.partition(":")[2] if named else line
            lines.setdefault(item, []).append(value.strip())
        return lines.get(name, [])


@pytest.fixture
def world(pyx: Pyx, tmp_path: Path, wheels: Path, interpreters: dict[str, Path]) -> World:
    """Give an empty project for the newest interpreter."""
    project = tmp_path / "project"
    project.mkdir()
    python = list(interpreters.values())[-1]
    return World(pyx=pyx, project=project, wheels=wheels, python=python)


@pytest.fixture(params=["direct", "farm"])
def layout(request: pytest.FixtureRequest, world: World) -> list[Path]:
    """Give further wheels to lock that bring about one layout or the other."""
    if request.param == "direct":
        return []
    return [make_wheel(world.wheels, f"filler{number}", "1.0") for number in range(17)]


def test_few_distributions_stand_on_the_path_themselves(world: World) -> None:
    """Sixteen entries are direct, and the file of a module tells name and version."""
    wheels = [make_wheel(world.wheels, f"number{n}", f"{n}.5") for n in range(16)]
    world.lock(*wheels)
    told = world.run("import sys, number3; print(number3.__file__, len(sys.path))")
    assert "/store/number3/3.5/" in told
    assert world.info("layout") == ["direct"]


def test_many_distributions_share_one_tree_of_links(world: World) -> None:
    """Seventeen entries are one directory on `sys.path`, in which everything is importable."""
    wheels = [make_wheel(world.wheels, f"number{n}", f"{n}.5") for n in range(17)]
    world.lock(*wheels)
    code = (
        "import sys, importlib as i\n"
        "print([i.import_module(f'number{n}').__version__ for n in range(17)],"
        " sum('site-packages' in p for p in sys.path), sum('/store/' in p for p in sys.path))"
    )
    assert world.run(code) == f"{[f'{n}.5' for n in range(17)]} 1 0"
    assert world.info("layout") == ["farm"]


def test_what_one_distribution_has_twice_hides_nothing(world: World) -> None:
    """A module beside its `.pth` file, its stub or its compiled form is nobody else's."""
    files = {"single.py": "x = 1\n", "single.pth": "import single\n", "single.pyi": "x: int\n"}
    world.lock(make_wheel(world.wheels, "single", "1.0", files=files))
    told = world.run("import sys; print('/store/' in sys.modules['single'].__file__)")
    assert told == "True"
    assert world.info("layout") == ["direct"]


LONG = "x = 1\n" * 10_000
"""A module that is compiled once for all environments."""


@pytest.mark.parametrize("text", [LONG, "x = 1\n"])
def test_only_long_modules_stand_by_themselves(world: World, text: str) -> None:
    """A short one costs less to compile than every import costs that looks in one more place."""
    single = make_wheel(world.wheels, "single", "1.0", files={"single.py": text})
    world.lock(single, *_crowd(world, 17))
    code = "import sys, single; print(single.x, sum('/store/' in place for place in sys.path))"
    assert world.run(code) == f"1 {int(text is LONG)}"


def test_bytecode_of_long_modules_is_for_all_environments(world: World) -> None:
    """Among many, too: what one environment has compiled, the next one finds."""
    crowd = _crowd(world, 18)
    single = make_wheel(world.wheels, "single", "1.0", files={"single.py": LONG})
    code = (
        "import importlib.util as u, os, sys; spec = u.find_spec('single')\n"
        "print(os.path.exists(spec.cached), sys.prefix, spec.origin); import single"
    )
    prefixes = []
    for compiled, wheels in ((False, crowd[:17]), (True, crowd)):
        world.lock(single, *wheels)
        there, prefix, origin = world.run(code).split()
        assert there == str(compiled)
        assert "/store/single/1.0/" in origin
        assert world.info("layout") == ["farm"]
        prefixes.append(prefix)
    assert len(set(prefixes)) == 2


@pytest.mark.parametrize("other", ["single.py", "single/__init__.py", "license.txt"])
def test_a_single_module_of_two_distributions_is_in_the_tree(world: World, other: str) -> None:
    """A name that another distribution has, too, needs one directory in which the later wins."""
    files = {"single.py": "who = 'first'\n", "license.txt": ""}
    first = make_wheel(world.wheels, "first", "1.0", files=files)
    second = make_wheel(world.wheels, "second", "1.0", files={other: "who = 'second'\n"})
    world.lock(first, second, *_crowd(world, 17))
    told = world.run("import sys, single; print(single.who, '/store/' in single.__file__)")
    assert told == f"{'first' if other == 'license.txt' else 'second'} False"


def test_metadata_of_every_distribution_is_found(world: World, layout: list[Path]) -> None:
    """`importlib.metadata` lists exactly the locked distributions, each once, with entry points."""
    tick = make_wheel(
        world.wheels,
        "Tick.Tock",
        "1.0",
        entry_points={"tick": "tick_tock:main"},
        metadata=["Summary: What a clock says"],
    )
    world.lock(tick, make_wheel(world.wheels, "tack", "2.0"), *layout)
    code = (
        "import importlib.metadata as m, json\n"
        "found = sorted((d.metadata['Name'], d.version) for d in m.distributions())\n"
        "points = m.entry_points()\n"
        "scripts = points.select(group='console_scripts') if hasattr(points, 'select')"
        " else points.get('console_scripts', [])\n"
        "print(json.dumps([found, m.version('tick-tock'), m.metadata('tick_tock')['Summary'],"
        " [p.value for p in scripts], len(m.files('tack')), all(f.locate().exists()"
        " for f in m.files('tack'))]))"
    )
    found, version, summary, points, files, exist = json.loads(world.run(code))
    assert ["Tick.Tock", "1.0"] in found
    assert ["tack", "2.0"] in found
    assert len(found) == 2 + len(layout)
    assert (version, summary, points) == ("1.0", "What a clock says", ["tick_tock:main"])
    assert files >= 4
    assert exist


def test_resources_are_found(world: World, layout: list[Path]) -> None:
    """`importlib.resources` and `pkgutil` read data files inside packages."""
    files = {"tick/__init__.py": "", "tick/data/text.txt": "some text"}
    world.lock(make_wheel(world.wheels, "tick", "1.0", files=files), *layout)
    code = (
        "import importlib.resources as r, pkgutil\n"
        "print((r.files('tick') / 'data' / 'text.txt').read_text(),"
        " pkgutil.get_data('tick', 'data/text.txt').decode())"
    )
    assert world.run(code) == "some text some text"


def _namespace(
    world: World, kind: str, init: str | None, versions: Mapping[str, str]
) -> list[Path]:
    made = []
    for name, version in versions.items():
        files = {f"spread/{name}/__init__.py": f"__version__ = {version!r}\n"}
        if init is not None:
            files["spread/__init__.py"] = init
        if kind == "nspkg":
            files[f"spread_{name}-nspkg.pth"] = NSPKG
        made.append(make_wheel(world.wheels, f"spread-{name}", version, files=files))
    return made


@pytest.mark.parametrize(
    ("kind", "init"),
    [
        ("implicit", None),
        ("pkgutil", PKGUTIL),
        ("pkg_resources", PKG_RESOURCES),
        ("nspkg", None),
    ],
)
def test_namespace_packages(world: World, layout: list[Path], kind: str, init: str | None) -> None:
    """Distributions that share a namespace of any kind are all importable together."""
    versions = {"one": "1.0", "two": "2.0", "three": "3.0"}
    artifacts = _namespace(world, kind, init, versions)
    if kind == "pkg_resources":
        files = {"pkg_resources/__init__.py": DECLARE}
        artifacts.append(make_wheel(world.wheels, "resources", "1.0", files=files))
    world.lock(*artifacts, *layout)
    code = (
        "import spread.one, spread.two, spread.three, pkgutil\n"
        "print(spread.one.__version__, spread.two.__version__, spread.three.__version__,"
        " sorted(m.name for m in pkgutil.iter_modules(spread.__path__)))"
    )
    assert world.run(code) == "1.0 2.0 3.0 ['one', 'three', 'two']"


def test_a_regular_package_that_two_distributions_share(world: World) -> None:
    """Where one distribution adds modules to another's package, the tree of links joins them."""
    base = make_wheel(
        world.wheels, "base", "1.0", files={"base/__init__.py": "", "base/core.py": "x = 1\n"}
    )
    plugin = make_wheel(
        world.wheels, "base-plugin", "1.0", files={"base/plugins/extra.py": "x = 2\n"}
    )
    world.lock(base, plugin)
    assert world.run("import base.core, base.plugins.extra as e; print(base.core.x, e.x)") == "1 2"
    assert world.info("layout") == ["farm"]


def test_path_lines_of_pth_files(world: World, layout: list[Path]) -> None:
    """A relative path line of a `.pth` file extends `sys.path`, if it exists, once."""
    files = {
        "tick.pth": "# a comment\n\ntick_lib\nnot_there\ntick_lib\n",
        "tick_lib/hidden.py": "x = 5\n",
    }
    world.lock(make_wheel(world.wheels, "tick", "1.0", files=files), *layout)
    code = "import sys, hidden; print(hidden.x, sum(p.endswith('tick_lib') for p in sys.path))"
    assert world.run(code) == "5 1"


def test_import_lines_of_pth_files(world: World, layout: list[Path]) -> None:
    """An `import` line runs before the program, with `sitedir` where such lines look for it."""
    line = "import sys; sys.from_pth = sys._getframe(1).f_locals['sitedir']; import tick_early\n"
    files = {"tick.pth": line, "tick_early.py": "import sys\nsys.early = __file__\n"}
    world.lock(make_wheel(world.wheels, "tick", "1.0", files=files), *layout)
    told = world.run(
        "import sys, os\n"
        "print(sys.from_pth in sys.path, os.path.dirname(sys.early) == sys.from_pth)"
    )
    assert told == "True True"


def test_a_pth_line_that_fails_is_reported(world: World) -> None:
    """The program starts all the same, as it does with `site`."""
    files = {"tick.pth": "import nothing_of_that_name\n", "tick.py": "x = 1\n"}
    world.lock(make_wheel(world.wheels, "tick", "1.0", files=files))
    told = world.pyx(
        "--python", world.python, "-c", "import tick; print(tick.x)", cwd=world.project
    )
    assert told.stdout == "1\n"
    assert "nothing_of_that_name" in told.stderr
    assert told.returncode == 0


def test_a_sitecustomize_of_a_distribution(world: World, layout: list[Path]) -> None:
    """`sitecustomize` of a distribution is imported before the program."""
    files = {"sitecustomize.py": "import sys\nsys.customized = True\n"}
    world.lock(make_wheel(world.wheels, "custom", "1.0", files=files), *layout)
    assert world.run("import sys; print(sys.customized)") == "True"


def test_what_a_sitecustomize_hooks_in_finds_the_real_loaders(
    world: World, layout: list[Path]
) -> None:
    """It is called back when python is about to run the script, whose bytecode is then kept."""
    hook = (
        "import sys\n"
        "def look(event, _):\n"
        "    if event == 'cpython.run_file':\n"
        "        import importlib.machinery\n"
        "sys.addaudithook(look)\n"
    )
    wheel = make_wheel(world.wheels, "custom", "1.0", files={"sitecustomize.py": hook})
    world.lock(wheel, *layout)
    script = world.project / "script.py"
    script.write_text(
        "# " + "x" * 500 + "\nimport importlib.machinery as m\n"
        "print(type(m.SourceFileLoader), type(m.SourcelessFileLoader))\n"
    )
    os.utime(script, (1, 1))
    time.sleep(2.1)
    for _ in range(3):
        told = world.pyx("--python", world.python, script, cwd=world.project)
        assert (told.stdout, told.stderr) == ("<class 'type'> <class 'type'>\n", "")


def test_data_files_headers_and_scripts(world: World, layout: list[Path]) -> None:
    """The wheel's other parts lie where they would lie in a virtual environment."""
    wheel = make_wheel(
        world.wheels,
        "tick",
        "1.0",
        data={
            "data/share/tick/file.txt": "shared",
            "data/etc/tick.conf": "configured",
            "headers/tick.h": "#define TICK\n",
            "scripts/tick-py": "#!python\nimport tick; print('python script', tick.__version__)\n",
            "scripts/tick-sh": "#!/bin/sh\necho shell script\n",
        },
        executable=["scripts/tick-py", "scripts/tick-sh"],
    )
    other = make_wheel(world.wheels, "other", "1.0", data={"data/share/other/x": "other"})
    world.lock(wheel, other, *layout)
    code = (
        "import sys, os, subprocess, glob\n"
        "read = lambda *p: open(os.path.join(sys.prefix, *p)).read().strip()\n"
        "print(read('share', 'tick', 'file.txt'), read('share', 'other', 'x'),"
        " read('etc', 'tick.conf'), sep='\\n')\n"
        "print(open(glob.glob(sys.prefix + '/include/site/*/tick/tick.h')[0]).read().strip())\n"
        "for name in ('tick-py', 'tick-sh'):\n"
        "    script = os.path.join(sys.prefix, 'bin', name)\n"
        "    told = subprocess.run([script], stdout=subprocess.PIPE)\n"
        "    print(told.stdout.decode().strip())\n"
    )
    assert world.run(code).splitlines() == [
        "shared",
        "other",
        "configured",
        "#define TICK",
        "python script 1.0",
        "shell script",
    ]


def test_the_last_of_two_owners_of_a_file_wins(world: World, layout: list[Path]) -> None:
    """As with pip, the later distribution's file is used; `pyx info` tells of the conflict."""
    wheels = [
        make_wheel(
            world.wheels,
            name,
            "1.0",
            files={"common.py": f"x = {name!r}\n", f"{name}.py": "", f"both/{name}.py": ""},
            entry_points={"command": f"{name}:main"},
            data={"data/share/common.txt": name},
        )
        for name in ("first", "second")
    ]
    code = (
        "import sys, common, both.first, both.second\n"
        "print(common.x, open(sys.prefix + '/share/common.txt').read(),"
        " 'second' in open(sys.prefix + '/bin/command').read())"
    )
    world.lock(*wheels, *layout)
    assert world.run(code) == "second second True"
    conflicts = "\n".join(world.info("conflicts"))
    for name in ("common.py", "share/common.txt", "bin/command"):
        assert f"{name}: second 1.0 wins over first 1.0" in conflicts
    world.lock(*reversed(wheels), *layout)
    assert world.run(code) == "first first False"


def test_a_script_may_not_hide_the_interpreter(world: World) -> None:
    """A distribution with a script called `python` does not get that name, and `info` says so."""
    wheel = make_wheel(
        world.wheels, "tick", "1.0", entry_points={"python": "tick:main", "tick": "tick:main"}
    )
    world.lock(wheel)
    assert world.run("import sys, os; print(os.path.basename(sys.executable))") == "python"
    assert any("bin/python: left out" in line for line in world.info("conflicts"))


@pytest.fixture
def build(world: World) -> Path:
    """Give a directory for what a compiler makes, where there is one."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    directory = world.project.parent / "build"
    directory.mkdir()
    return directory


def _compile(target: Path, source: str, *options: str) -> None:
    file = target.with_suffix(".c")
    file.write_text(source)
    command = ["cc", "-shared", "-fPIC", "-o", str(target), str(file), *options]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("crowd", [0, 17], ids=["few", "many"])
def test_libraries_that_look_into_another_distribution(
    world: World, build: Path, crowd: int
) -> None:
    """A library whose RPATH leads into another distribution loads, as do all of its kind.

    Wheels of CUDA are made so: `$ORIGIN/../../nvidia/cublas/lib`.
    """
    _compile(build / "libdeep.so.1", "int deep(void) { return 42; }", "-Wl,-soname,libdeep.so.1")
    (build / "libdeep.so").symlink_to("libdeep.so.1")
    _compile(
        build / "libuser.so",
        "int deep(void); int user(void) { return deep() + 1; }",
        f"-L{build}",
        "-ldeep",
        "-Wl,-rpath,$ORIGIN/../../vendor/deep/lib",
    )
    deep = make_wheel(
        world.wheels,
        "vendor-deep",
        "1.0",
        files={"vendor/deep/lib/libdeep.so.1": (build / "libdeep.so.1").read_bytes()},
    )
    user = make_wheel(
        world.wheels,
        "user",
        "1.0",
        files={"user/__init__.py": "", "user/lib/libuser.so": (build / "libuser.so").read_bytes()},
    )
    more = make_wheel(world.wheels, "vendor-more", "1.0", files={"vendor/more/x.py": ""})
    single = make_wheel(world.wheels, "single", "1.0", files={"single.py": LONG})
    world.lock(deep, user, more, single, *_crowd(world, crowd))
    code = (
        "import ctypes, os, user, vendor.more.x\n"
        "library = ctypes.CDLL(os.path.join(os.path.dirname(user.__file__), 'lib', 'libuser.so'))\n"
        "print(library.user())"
    )
    assert world.run(code) == "43"
    assert world.info("layout") == ["farm"]
    # A module that no library can be looking for stands by itself all the same.
    assert "/store/single/1.0/" in world.run("import single; print(single.__file__)")


def test_only_libraries_that_look_elsewhere_are_linked_one_by_one(
    world: World, build: Path
) -> None:
    """Their neighbours are reached through one link, and libraries that load them come right.

    So the bytecode of nearly all of a large distribution is there for every environment.
    """
    needs = {
        "deep": ("int deep(void) { return 42; }",),
        "user": (
            "int deep(void); int user(void) { return deep() + 1; }",
            "-ldeep",
            "-Wl,-rpath,$ORIGIN/../../vendor/deep/lib",
        ),
        "outer": (
            "int user(void); int outer(void) { return user() + 1; }",
            "-luser",
            "-Wl,--allow-shlib-undefined,-rpath,$ORIGIN/../lib",
        ),
    }
    for name, (source, *options) in needs.items():
        soname = f"-Wl,-soname,lib{name}.so"
        _compile(build / f"lib{name}.so", source, f"-L{build}", soname, *options)
    deep = {"vendor/deep/lib/libdeep.so": (build / "libdeep.so").read_bytes()}
    files: dict[str, str | bytes] = {
        "user/__init__.py": "",
        "user/lib/libuser.so": (build / "libuser.so").read_bytes(),
        "user/outer/libouter.so": (build / "libouter.so").read_bytes(),
        "user/plain/__init__.py": "",
    }
    world.lock(
        make_wheel(world.wheels, "vendor-deep", "1.0", files=deep),
        make_wheel(world.wheels, "user", "1.0", files=files),
    )
    code = (
        "import ctypes, os, user, user.plain\n"
        "place = os.path.dirname(user.__file__)\n"
        "print(ctypes.CDLL(os.path.join(place, 'outer', 'libouter.so')).outer(),"
        " [os.path.islink(os.path.join(place, name)) for name in ('lib', 'outer', 'plain')])"
    )
    assert world.run(code) == "44 [False, False, True]"


def test_libraries_of_one_directory_that_several_fill(world: World, build: Path) -> None:
    """What two distributions put into one directory finds the other's there, few as they are.

    Wheels of CUDA (`nvidia/cu13/lib`) and Qt are made so. A plugin that looks into such a
    directory finds all of it, and so does a program.
    """
    needs = {
        "deep": ("int deep(void) { return 42; }",),
        "user": ("int deep(void); int user(void) { return deep() + 1; }", "-ldeep"),
        "plug": ("int deep(void); int plug(void) { return deep() + 2; }", "-ldeep"),
    }
    for name, (source, *options) in needs.items():
        run_path = "$ORIGIN/../lib" if name == "plug" else "$ORIGIN"
        soname = f"-Wl,-soname,lib{name}.so,-rpath,{run_path}"
        _compile(build / f"lib{name}.so", source, f"-L{build}", soname, *options)
    (build / "main.c").write_text("int deep(void); int main(void) { return deep(); }")
    command = ["cc", "-o", "main", "main.c", "-L.", "-ldeep", "-Wl,-rpath,$ORIGIN/../lib"]
    subprocess.run(command, check=True, cwd=build)
    deep: dict[str, str | bytes] = {"qt/lib/libdeep.so": (build / "libdeep.so").read_bytes()}
    files: dict[str, str | bytes] = {
        "qt/lib/libuser.so": (build / "libuser.so").read_bytes(),
        "qt/plugins/libplug.so": (build / "libplug.so").read_bytes(),
        "qt/libexec/main": (build / "main").read_bytes(),
    }
    world.lock(
        make_wheel(world.wheels, "deep", "1.0", files=deep),
        make_wheel(world.wheels, "user", "1.0", files=files, executable=["qt/libexec/main"]),
    )
    code = (
        "import ctypes, os, subprocess, sys, qt\n"
        "(place,) = qt.__path__\n"
        "print([getattr(ctypes.CDLL(f'{place}/{file}'), name)() for file, name in"
        " (('plugins/libplug.so', 'plug'), ('lib/libuser.so', 'user'))],"
        " subprocess.call([place + '/libexec/main']))"
    )
    assert world.run(code) == "[44, 43] 42"
    assert world.info("layout") == ["farm"]


def _crowd(world: World, count: int) -> Sequence[Path]:
    return [make_wheel(world.wheels, f"filler{number}", "1.0") for number in range(count)]


def test_extension_modules_that_bring_their_own_libraries_stay_direct(
    world: World, build: Path
) -> None:
    """An RPATH inside the distribution (`tick.libs`, as auditwheel has it) needs no farm."""
    _compile(build / "libdeep.so.1", "int deep(void) { return 42; }", "-Wl,-soname,libdeep.so.1")
    (build / "libdeep.so").symlink_to("libdeep.so.1")
    _compile(
        build / "libuser.so",
        "int deep(void); int user(void) { return deep() + 1; }",
        f"-L{build}",
        "-ldeep",
        "-Wl,-rpath,$ORIGIN/../tick.libs",
    )
    files: dict[str, str | bytes] = {
        "tick/__init__.py": "",
        "tick/libuser.so": (build / "libuser.so").read_bytes(),
        "tick.libs/libdeep.so.1": (build / "libdeep.so.1").read_bytes(),
    }
    world.lock(make_wheel(world.wheels, "tick", "1.0", files=files))
    code = (
        "import ctypes, os, tick\n"
        "print(ctypes.CDLL(os.path.join(os.path.dirname(tick.__file__), 'libuser.so')).user())"
    )
    assert world.run(code) == "43"
    assert world.info("layout") == ["direct"]


def test_what_pip_installs_does_not_reach_the_store(
    world: World, layout: list[Path], tmp_path: Path
) -> None:
    """It is the environment's, where it wins; other projects keep what they have locked."""
    subprocess.run([PLAIN_PYTHON, "-m", "venv", tmp_path / "venv"], check=True)
    (pip,) = (tmp_path / "venv").glob("lib/python3*/site-packages/pip")
    files = {"tick/__init__.py": "", "tick/deep/old.py": "", "space/tick.py": ""}
    version = {"tick/version.py": "here = '1.0'\n"}
    tick = make_wheel(world.wheels, "tick", "1.0", files=files | version)
    tock = make_wheel(world.wheels, "tock", "1.0", files={"space/tock.py": "", "tock.py": ""})
    (tmp_path / "newer").mkdir()
    version = {"tick/version.py": "here = '2.0'\n", "tick/deep/new.py": ""}
    make_wheel(tmp_path / "newer", "tick", "2.0", files=files | version)
    make_wheel(tmp_path / "newer", "tock", "2.0", files={"space/tock.py": "new = 1\n"})
    other = tmp_path / "other"
    other.mkdir()
    (other / "pylock.toml").write_text(pylock_text([tick, *layout]))
    world = replace(world, python=Path(PLAIN_PYTHON))
    world.lock(tick, tock, *layout)
    ask = "import sys, tick.version, tock, space.tock; print(tick.version.here, sys.prefix)"
    here, prefix = world.run(ask).split()
    assert here == "1.0"
    assert world.pyx("store", "verify").returncode == 0
    options = ("--no-index", "--no-deps", "--upgrade", "--find-links", tmp_path / "newer")
    told = world.pyx.run(
        [f"{prefix}/bin/python", pip, "install", *options, "tick", "tock"], cwd=world.project
    )
    assert "Successfully installed tick-2.0 tock-2.0" in told.stdout, told.stderr
    code = (
        "import tick.version, tick.deep.new, space.tock; print(tick.version.here, space.tock.new)"
    )
    assert world.run(code) == "2.0 1"
    verified = world.pyx("store", "verify")
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout
    code = "import tick.version, tick.deep.old; print(tick.version.here)"
    told = world.pyx("--python", world.python, "-c", code, cwd=other)
    assert (told.stdout, told.stderr) == ("1.0\n", "")


def test_what_programs_put_among_data_files_does_not_reach_the_store(world: World) -> None:
    """As `ipykernel install --sys-prefix` replaces its kernel: only the environment has that."""
    data = {"data/share/kernels/python/kernel.json": "{}", "headers/tick.h": "#define TICK\n"}
    world.lock(make_wheel(world.wheels, "tick", "1.0", data=data))
    code = (
        "import glob, os, shutil, sys\n"
        "kernels = sys.prefix + '/share/kernels'\n"
        "print(open(kernels + '/python/kernel.json').read(), end=' ')\n"
        "shutil.rmtree(kernels + '/python')\n"
        "os.mkdir(kernels + '/python')\n"
        "open(kernels + '/python/kernel.json', 'w').write('new')\n"
        "open(kernels + '/more.json', 'w').close()\n"
        "(header,) = glob.glob(sys.prefix + '/include/site/python*/tick/tick.h')\n"
        "os.unlink(header)\n"
        "open(os.path.dirname(header) + '/new.h', 'w').close()\n"
    )
    assert world.run(code) == "{}"
    verified = world.pyx("store", "verify")
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout
    assert (
        world.run(
            "import sys; print(open(sys.prefix + '/share/kernels/python/kernel.json').read())"
        )
        == "new"
    )


def test_entries_are_shared_and_read_only(world: World, tmp_path: Path) -> None:
    """Two projects import the same file, and a program cannot change it by accident."""
    wheel = make_wheel(world.wheels, "tick", "1.0")
    world.lock(wheel)
    first = world.run("import tick; print(tick.__file__)")
    other = tmp_path / "other"
    other.mkdir()
    (other / "pylock.toml").write_text(pylock_text([wheel]))
    told = world.pyx("--python", world.python, "-c", "import tick; print(tick.__file__)", cwd=other)
    assert told.stdout.strip() == first
    mode = "import os, tick; print(oct(os.stat(tick.__file__).st_mode & 0o777))"
    assert world.run(mode) == "0o444"


def test_bytecode_of_entries_is_kept(world: World, layout: list[Path]) -> None:
    """The interpreter's `__pycache__` goes into the entry, so that it is written once for all."""
    world.lock(make_wheel(world.wheels, "tick", "1.0"), *layout)
    cached = world.run("import tick; print(tick.__cached__)")
    assert world.run(f"import os; print(os.path.exists({cached!r}))") == "True"


def test_equal_locks_share_an_environment(world: World, tmp_path: Path) -> None:
    """The directory of an environment follows from its content, not from the project."""
    wheel = make_wheel(world.wheels, "tick", "1.0")
    world.lock(wheel)
    first = world.run("import sys; print(sys.prefix)")
    other = tmp_path / "other"
    other.mkdir()
    (other / "pylock.toml").write_text(pylock_text([wheel]) + "\n# Another text.\n")
    told = world.pyx("--python", world.python, "-c", "import sys; print(sys.prefix)", cwd=other)
    assert told.stdout.strip() == first
    wheel = make_wheel(world.wheels, "tick", "2.0")
    world.lock(wheel)
    assert world.run("import sys; print(sys.prefix)") != first
