"""What editors ask of an environment, by the protocols that they speak, beside a virtual one.

    pyx -m pytest -m "network" tests/test_editors.py

An editor starts debugpy's adapter and a language server with the interpreter that it has found,
which is ``.venv/bin/python``, and talks to them in messages of JSON.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import pytest
from conformance.library_code import MAIN, MINE, Ground
from installed import PLAIN_PYTHON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]

LAYOUTS = pytest.mark.parametrize("links", [False, True], ids=["direct", "links"])
MISSING = "there_is_no_such_module"
IMPORTS = (
    "flask",
    "attrs",
    "attr",
    "markupsafe._speedups",
    "click.core",
    "idna",
    "jinja2",
)
USES = ("flask.Flask", "attrs.define", "jinja2.Template", "idna.encode")


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """One side of a protocol whose messages are JSON below a header with their length."""

    reader: IO[bytes]
    writer: IO[bytes]
    answer: Callable[[dict[str, Any]], Any] = lambda _: None
    """Gives the result of what a language server asks for."""
    unread: list[dict[str, Any]] = field(default_factory=list)

    def send(self, message: dict[str, Any]) -> None:
        """Send one message."""
        body = json.dumps(message).encode()
        self.writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.writer.flush()

    def read(self) -> dict[str, Any]:
        """Return the next message, after an answer to it if it is a server's question."""
        length = 0
        while (line := self.reader.readline()) != b"\r\n":
            assert line, "the other side has ended"
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self.reader.read(length))
        if "method" in message and "id" in message:
            result = self.answer(message)
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        return message

    def wait(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first message of this kind that has not been returned yet."""
        for message in self.unread:
            if is_it(message):
                self.unread.remove(message)
                return message
        while not is_it(message := self.read()):
            self.unread.append(message)
        return message


@contextmanager
def started(words: Sequence[str | Path], ground: Ground, project: Path) -> Iterator[Conversation]:
    """Start a process, and talk to it by its standard input and output."""
    process = subprocess.Popen(
        words, cwd=project, env=ground.pyx.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield Conversation(
            reader=cast("IO[bytes]", process.stdout), writer=cast("IO[bytes]", process.stdin)
        )
    finally:
        process.kill()
        process.communicate()


@dataclass(slots=True)
class Debugger:
    """An editor that debugs a program by an adapter."""

    talk: Conversation
    number: int = 0

    def request(self, command: str, **arguments: Any) -> int:
        """Send a request; return its number."""
        self.number += 1
        self.talk.send(
            {"seq": self.number, "type": "request", "command": command, "arguments": arguments}
        )
        return self.number

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        number = self.request(command, **arguments)
        told = self.talk.wait(lambda message: message.get("request_seq") == number)
        assert told["success"], told
        return dict(told.get("body") or {})

    def wait_for(self, event: str) -> dict[str, Any]:
        """Wait for an event."""
        return dict(self.talk.wait(lambda message: message.get("event") == event)["body"])

    def begin(self, how: str, project: Path, **arguments: Any) -> int:
        """Launch or attach; return the thread that stops at a breakpoint in ``main.py``."""
        self.ask("initialize", adapterID="debugpy", pathFormat="path", linesStartAt1=True)
        self.request(how, **arguments)
        self.talk.wait(lambda message: message.get("event") == "initialized")
        source = {"path": str(project / "main.py")}
        self.ask("setBreakpoints", source=source, breakpoints=[{"line": 2}])
        self.ask("configurationDone")
        return int(self.wait_for("stopped")["threadId"])

    def step_in(self, thread: int) -> tuple[str, int]:
        """Step into what is called; return the file and the line where the program is then."""
        self.ask("stepIn", threadId=thread)
        self.wait_for("stopped")
        frame = self.ask("stackTrace", threadId=thread)["stackFrames"][0]
        return frame["source"]["path"], frame["line"]


def make_project(
    ground: Ground, requires: Sequence[str], *, links: bool
) -> tuple[Path, Path, Path]:
    """Return a project and two pythons for it: the one behind the link, and a virtual one."""
    project, plain = ground.prepare("editor", requires, links=links)
    told = ground.pyx("env", "--link", cwd=project)
    assert told.returncode == 0, told.stderr
    return project, project / ".venv" / "bin" / "python", plain


def tell(path: str) -> str:
    """Return a path without what lies before the project or the packages."""
    return path.rpartition("/site-packages/")[2] if "/site-packages/" in path else path


@pytest.fixture
def ground(tmp_path: Path, uv: Path) -> Ground:
    """Give a place to make projects in."""
    return Ground.make(tmp_path / "ground", python=PLAIN_PYTHON, uv=str(uv))


@pytest.mark.parametrize(
    ("how", "links"),
    [
        ("launch", True),
        ("attach", False),
        pytest.param("launch", False, marks=pytest.mark.slow),
        pytest.param("attach", True, marks=pytest.mark.slow),
    ],
)
def test_a_step_does_not_enter_a_library(ground: Ground, how: str, *, links: bool) -> None:
    """With `justMyCode` it goes on in the user's code; without, it enters the library."""
    project, ours, plain = make_project(ground, ["idna", "debugpy"], links=links)
    (project / "mine.py").write_text(MINE, encoding="utf-8")
    (project / "main.py").write_text(MAIN + "print('done')\n", encoding="utf-8")
    for just_mine in (True, False):
        there, here = (
            debug(ground, project, python, how, just_mine=just_mine) for python in (plain, ours)
        )
        assert [(tell(path), line) for path, line in here] == [
            (tell(path), line) for path, line in there
        ]
        assert here[0] == (str(project / "mine.py"), 4)
        path = here[1][0]
        assert path == str(project / "main.py") if just_mine else "/idna/" in path


def debug(
    ground: Ground, project: Path, python: Path, how: str, *, just_mine: bool
) -> list[tuple[str, int]]:
    """Return where two steps lead, out of ``main.py`` and then out of ``mine.py``."""
    if how == "launch":
        with started([python, "-m", "debugpy.adapter"], ground, project) as talk:
            debugger = Debugger(talk)
            thread = debugger.begin(
                "launch",
                project,
                program=str(project / "main.py"),
                python=[str(python)],
                cwd=str(project),
                console="internalConsole",
                justMyCode=just_mine,
            )
            return leave(debugger, [debugger.step_in(thread) for _ in range(2)])
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    words = ["-m", "debugpy", "--listen", f"127.0.0.1:{port}", "--wait-for-client", "main.py"]
    with started([python, *words], ground, project), connect(port) as stream:
        debugger = Debugger(Conversation(reader=stream, writer=stream))
        thread = debugger.begin("attach", project, justMyCode=just_mine)
        return leave(debugger, [debugger.step_in(thread) for _ in range(2)])


def leave(debugger: Debugger, seen: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """End the program; return what was seen."""
    debugger.ask("disconnect", terminateDebuggee=True)
    return seen


@contextmanager
def connect(port: int) -> Iterator[IO[bytes]]:
    """Connect to a server on loopback, once it listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.05)
    with client, client.makefile("rwb") as stream:
        yield cast("IO[bytes]", stream)


@pytest.mark.slow
@LAYOUTS
def test_a_language_server_finds_every_import(ground: Ground, *, links: bool) -> None:
    """Nothing is missing but what is not there, and a definition lies in the store."""
    requires = ["flask", "attrs", "idna"]
    project, ours, plain = make_project(ground, requires, links=links)
    server = install_server(ground)
    here, there = (look_up(ground, project, server, python) for python in (ours, plain))
    assert here[0] == there[0] == {MISSING}
    assert set(here[1]) == {*USES, *IMPORTS}
    assert {name: tell(path) for name, path in here[1].items()} == {
        name: tell(path) for name, path in there[1].items()
    }
    store = os.path.realpath(ground.directory / "home" / "store")
    for name, path in here[1].items():
        assert os.path.realpath(path).startswith(f"{store}/"), f"{name}: {path}"


def install_server(ground: Ground) -> Path:
    """Return a language server, which is installed beside the projects."""
    directory = ground.directory / "server"
    ground.run(
        [ground.uv, "venv", "--quiet", "--python", PLAIN_PYTHON, directory], ground.directory
    )
    words = ["pip", "install", "--quiet", "--python", directory / "bin" / "python", "basedpyright"]
    ground.run([ground.uv, *words], ground.directory)
    return directory / "bin" / "basedpyright-langserver"


def look_up(
    ground: Ground, project: Path, server: Path, python: Path
) -> tuple[set[str], dict[str, str]]:
    """Return the imports that the server misses, and the files where names are defined."""
    lines = [f"import {name}" for name in (*IMPORTS, MISSING)] + list(USES)
    text = "\n".join(lines) + "\n"
    uri = (project / "program.py").as_uri()
    (project / "program.py").write_text(text, encoding="utf-8")

    def answer(question: dict[str, Any]) -> Any:
        if question["method"] != "workspace/configuration":
            return None
        settings = {"python": {"pythonPath": str(python)}}
        return [settings.get(item.get("section")) for item in question["params"]["items"]]

    with started([server, "--stdio"], ground, project) as pipes:
        talk = replace(pipes, answer=answer)

        def ask(number: int, method: str, **params: Any) -> Any:
            talk.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            told = talk.wait(lambda each: each.get("id") == number and "method" not in each)
            return told["result"]

        folder = {"uri": project.as_uri(), "name": "project"}
        able = {"workspace": {"configuration": True, "workspaceFolders": True}}
        ask(
            -1,
            "initialize",
            processId=None,
            rootUri=folder["uri"],
            workspaceFolders=[folder],
            capabilities=able,
        )
        talk.send({"jsonrpc": "2.0", "method": "initialized", "params": {}})
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        opened = "textDocument/didOpen"
        talk.send({"jsonrpc": "2.0", "method": opened, "params": {"textDocument": document}})
        told = talk.wait(
            lambda each: (
                each.get("method") == "textDocument/publishDiagnostics"
                and bool(each["params"]["diagnostics"])
            )
        )
        missing = {
            lines[each["range"]["start"]["line"]].partition(" ")[2]
            for each in told["params"]["diagnostics"]
            if str(each.get("code")).startswith("reportMissing")
        }
        found = {}
        for number, line in enumerate(lines):
            name = line.removeprefix("import ")
            if name == MISSING:
                continue
            place = {"line": number, "character": len(line) - 1}
            (where, *_) = ask(
                number, "textDocument/definition", textDocument={"uri": uri}, position=place
            )
            found[name] = unquote(urlsplit(where["uri"]).path)
    return missing, found
