"""Start programs by known tools, and see which modules beside them they find, under pyx and not.

    pyx tests/conformance/neighbours.py --python PATH…            # prints the table
    pyx tests/conformance/neighbours.py --python PATH… --write    # and writes it into the documents

Each program lies in ``app`` below the working directory; one module lies beside it and one in the
working directory. It tells which it can import, its arguments and the flags that decide it. The
tool runs by pyx and by the python of a virtual environment into which pip has installed the same
wheels, which are fetched first. ``$PYX_TEST_FORKY`` names a Debian root, whose two newest Pythons
are tried as well; what does not install there is left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from conformance.beside import LEFT_OUT, make_table, prepare
from installed import KINDS, build_native

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.beside import Pair


TELL = """\
import sys
def tried(name):
    try:
        __import__(name)
        return True
    except ImportError:
        return False
beside, below = tried("near_script"), tried("near_directory")
flags = sys.flags.isolated, sys.flags.ignore_environment, getattr(sys.flags, "safe_path", 0)
print("TOLD", beside, below, *map(int, flags), sys.argv[1:], flush=True)
"""
TOLD = re.compile(r"TOLD (True|False) (True|False) (.*?)(?:\\n|\n|\"|$)")
WEB = TELL + "def application(environ, start): start('200 OK', []); return [b'']\n"
CELERY = (
    "import os, signal\nfrom celery import Celery, signals\n"
    "app = Celery('tasks', broker='memory://')\n" + TELL + "@signals.worker_ready.connect\n"
    "def stop(**_): os.kill(os.getpid(), signal.SIGTERM)\n"
)
BOOK = {
    "cells": [
        {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
        | {"source": TELL.replace("sys.argv[1:]", "[]")}
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
# What an editor does: it starts the program with an adapter that waits, and attaches to it.
ATTACH = """\
import json, socket, subprocess, sys, time
port = socket.create_server(("127.0.0.1", 0)).getsockname()[1]
words = ["-m", "debugpy", "--listen", f"127.0.0.1:{port}", "--wait-for-client", "app/run.py"]
with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
    for _ in range(200):
        try:
            client = socket.create_connection(("127.0.0.1", port))
            break
        except OSError:
            time.sleep(0.1)
    stream = client.makefile("rwb")
    for number, name in enumerate(["initialize", "attach", "configurationDone"], 1):
        body = json.dumps({"seq": number, "type": "request", "command": name,
                           "arguments": {"adapterID": "x"}}).encode()
        stream.write(b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
        stream.flush()
        while name != "configurationDone":
            length = int(stream.readline().split()[1])
            stream.readline()
            event = json.loads(stream.read(length))
            if event.get("command") == name or event.get("event") == "initialized":
                break
    # Whoever leaves lets the program go on to its end.
    print(process.stdout.readline())
    client.close()
"""
# What a browser does: it asks the server for a kernel for the notebook, and has it run the cell.
LAB = """\
import asyncio, json, os, pathlib, subprocess, sys, urllib.request
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect
runtime = pathlib.Path(os.environ["JUPYTER_RUNTIME_DIR"])
words = ["-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
async def main():
    while not (files := list(runtime.glob("jpserver-*.json"))):
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    server = json.loads(files[0].read_text())
    token = {"Authorization": "token " + server["token"], "Content-Type": "application/json"}
    asked = {"path": "app/book.ipynb", "name": "book", "type": "notebook",
             "kernel": {"name": "python3"}}
    request = urllib.request.Request(server["url"] + "api/sessions", json.dumps(asked).encode(),
                                     token)
    with urllib.request.urlopen(request) as answer:
        kernel = json.load(answer)["kernel"]["id"]
    url = f"ws{server['url'][4:]}api/kernels/{kernel}/channels"
    socket = await websocket_connect(HTTPRequest(url, headers=token))
    cell = json.loads(pathlib.Path("app/book.ipynb").read_text())["cells"][0]["source"]
    header = {"msg_id": "one", "msg_type": "execute_request", "username": "", "session": "one",
              "version": "5.3"}
    content = {"code": cell, "silent": False, "store_history": True, "user_expressions": {},
               "allow_stdin": False, "stop_on_error": True}
    await socket.write_message(json.dumps({"header": header, "parent_header": {}, "metadata": {},
                                           "content": content, "channel": "shell"}))
    while True:
        message = json.loads(await socket.read_message())
        if message["msg_type"] in ("stream", "error"):
            return message["content"]
with subprocess.Popen([sys.executable, *words]) as process:
    try:
        print(asyncio.run(asyncio.wait_for(main(), 60)).get("text"), flush=True)
    finally:
        process.terminate()
"""
# A task of an engine tells, and the driver prints it.
TASK = f"""\
def told():
    import contextlib, io
    with contextlib.redirect_stdout(io.StringIO()) as text:
        exec({TELL.replace("sys.argv[1:]", "[]")!r}, {{}})
    return text.getvalue()
"""
SPARK = (
    TASK
    + """\
from pyspark.sql import SparkSession
session = SparkSession.builder.master("local[1]").getOrCreate()
print(*session.sparkContext.parallelize([1], 1).map(lambda _: told()).collect())
session.stop()
"""
)
RAY = (
    TASK
    + """\
import os, ray
ray.init(num_cpus=1, include_dashboard=False, _temp_dir=os.environ["RAY"],
         object_store_memory=100000000)
print(ray.get(ray.remote(told).remote(), timeout=120))
ray.shutdown()
"""
)
BESIDE = (
    "import os, subprocess, sys; program = os.path.join(os.path.dirname(sys.executable), "
    "sys.argv[1]); sys.exit(subprocess.call([program, *sys.argv[2:]]))"
)
PROFILED = ["py-spy", "record", "--duration", "1", "--format", "raw", "--output", os.devnull]
GUNICORN = ["--check-config", "--bind", "127.0.0.1:0", "app.web:application"]
SPARK_SETTINGS = {
    "PYSPARK_PYTHON": "{python}",
    "SPARK_LOCAL_IP": "127.0.0.1",
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
RAY_SETTINGS = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
WORKER = ["worker", "--pool", "prefork", "--concurrency", "1", "--without-gossip"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One way to start a program by a tool. `words` follow python; `{python}` names it."""

    name: str
    words: tuple[str, ...]
    needs: str = ""
    """The package that pip installs, if it is none of the library."""
    environ: Mapping[str, str] = field(default_factory=dict)


def row(name: str, *words: str, needs: str = "", **environ: str) -> Row:
    """Return a row."""
    return Row(name=name, words=words, needs=needs, environ=environ)


KERNEL = ["nbconvert", "--to", "notebook", "--execute", "--stdout", "app/book.ipynb"]
ROWS = (
    row("a script", "app/run.py", "x"),
    row("a module", "-m", "app.run", "x"),
    row("runpy, a path", "-c", "import runpy; runpy.run_path('app/run.py')"),
    row("runpy, a module", "-c", "import runpy; runpy.run_module('app.run')"),
    row("pdb, a script", "-m", "pdb", "-c", "continue", "-c", "quit", "app/run.py", "x"),
    row("pdb, a module", "-m", "pdb", "-c", "continue", "-c", "quit", "-m", "app.run", "x"),
    row("unittest", "-m", "unittest", "app.test_tell"),
    row("unittest discover", "-m", "unittest", "discover", "-s", "app"),
    row("Jupyter, nbconvert", "-m", "jupyter", *KERNEL, needs="nbconvert ipykernel"),
    row("Jupyter, `pyx env --kernel`", needs="nbconvert ipykernel"),
    row("Jupyter lab", "-c", LAB, needs="jupyterlab"),
    row("IPython, a script", "-m", "IPython", "app/run.py", "x", needs="ipython"),
    row("IPython, `%run`", "-m", "IPython", "-c", "%run app/run.py x", needs="ipython"),
    row("debugpy, a script", "-m", "debugpy", "--listen", "0", "app/run.py", needs="debugpy"),
    row("debugpy, a module", "-m", "debugpy", "--listen", "0", "-m", "app.run", needs="debugpy"),
    row("debugpy, attach", "-c", ATTACH, needs="debugpy"),
    row("coverage, a script", "-m", "coverage", "run", "app/run.py", "x", needs="coverage"),
    row("coverage, a module", "-m", "coverage", "run", "-m", "app.run", "x", needs="coverage"),
    row("scalene", "-m", "scalene", "run", "--outfile", "out", "app/run.py", needs="scalene"),
    row("py-spy", "-c", BESIDE, *PROFILED, "--", "{python}", "app/run.py", needs="py-spy"),
    row("pytest", "-m", "pytest", "-q", "-s", "app", needs="pytest"),
    row("gunicorn", "-m", "gunicorn", *GUNICORN, needs="gunicorn"),
    row("celery", "-m", "celery", "-A", "app.tasks", *WORKER, needs="celery", C_FORCE_ROOT="1"),
    row("a worker of Spark", "app/engine_spark.py", needs="pyspark", **SPARK_SETTINGS),
    row("a worker of Ray", "app/engine_ray.py", needs="ray", **RAY_SETTINGS),
)


def write_programs(directory: Path) -> None:
    """Write what the rows start into a project."""
    app = directory / "app"
    app.mkdir()
    for name, text in {
        "near_script.py": "",
        "run.py": TELL,
        "test_tell.py": "import unittest\n"
        + TELL.replace("sys.argv[1:]", "[]")
        + "class T(unittest.TestCase):\n    def test_it(self): pass\n",
        "web.py": WEB,
        "tasks.py": CELERY,
        "book.ipynb": json.dumps(BOOK),
        "engine_spark.py": SPARK,
        "engine_ray.py": RAY,
    }.items():
        (app / name).write_text(text, encoding="utf-8")
    (directory / "near_directory.py").touch()


def start(pair: Pair, row: Row, *, by_pyx: bool) -> str:
    """Return what the program told, or how the start failed."""
    python = [pair.pyx.path] if by_pyx else [pair.venv / "bin" / "python"]
    named = str(pair.pyx.path if by_pyx else python[0])
    words = [word.replace("{python}", named) for word in row.words]
    with tempfile.TemporaryDirectory(prefix="pyx-n.") as own:
        # Paths of sockets may have no more than 107 bytes.
        environ = {name: value.replace("{python}", named) for name, value in row.environ.items()}
        environ |= {"IPYTHONDIR": f"{own}/ipython", "JUPYTER_RUNTIME_DIR": own, "RAY": own}
        return find_told(pair, python, words, environ, by_pyx=by_pyx)


def find_told(
    pair: Pair,
    python: list[Path],
    words: list[str],
    environ: dict[str, str],
    *,
    by_pyx: bool,
) -> str:
    """Return what the command tells; without `words` it is Jupyter, from outside of pyx."""
    if not words:
        python, words = [pair.venv / "bin" / "python"], ["-m", "jupyter", *KERNEL]
        if by_pyx:
            pair.pyx("env", "--kernel", cwd=pair.directory, env=environ)
            words.append(f"--ExecutePreprocessor.kernel_name=pyx-{pair.directory.name}")
    try:
        done = pair.pyx.run([*python, *words], cwd=pair.directory, env=environ)
    except subprocess.TimeoutExpired:
        return "came to no end"
    told = TOLD.search(done.stdout)
    return " ".join(told.groups()) if told else f"failed: {done.stderr.strip()[-300:]}"


def compare(python: str, root: Path, names: Sequence[str]) -> dict[str, str]:
    """Return what each row comes to: the neighbours that are found, or how the two differ."""
    rows = [row for row in ROWS if row.name in names]
    native = build_native(root, *KINDS)
    if native is None:
        sys.exit("there is no C compiler, and PYX_TEST_PROGRAM names no native program")
    cells: dict[str, str] = {}
    for number, needs in enumerate(dict.fromkeys(row.needs for row in rows)):
        pair = prepare(python, needs, root / str(number), native)
        if pair is not None:
            write_programs(pair.directory)
        for each in (row for row in rows if row.needs == needs):
            if pair is None:
                cells[each.name] = LEFT_OUT
                continue
            plain, found = start(pair, each, by_pyx=False), start(pair, each, by_pyx=True)
            cells[each.name] = describe(plain) if plain == found else f"pyx {found}, venv {plain}"
            sys.stderr.write(f"{each.name}: {cells[each.name]}\n")
    return cells


def describe(told: str) -> str:
    """Return the neighbours that a program found, in the words of the table."""
    beside, below, *_ = told.split()
    names = {("True", "True"): "both", ("True", "False"): "script", ("False", "True"): "directory"}
    return names.get((beside, below), "neither" if beside == "False" else told)


if __name__ == "__main__":
    names = [row.name for row in ROWS]
    sys.exit(make_table(Path(__file__), __doc__ or "", names, compare, "started by"))
