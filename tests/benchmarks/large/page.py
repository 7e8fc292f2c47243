"""A server starts by its console script, answers, and serves the files of its page."""

import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
with tempfile.TemporaryDirectory() as directory:
    page = Path(directory) / "page.py"
    page.write_text("import streamlit\nstreamlit.write('here')\n", encoding="utf-8")
    options = [
        "--server.headless=true",
        "--server.address=127.0.0.1",
        f"--server.port={port}",
        "--browser.gatherUsageStats=false",
    ]
    with subprocess.Popen(
        [Path(sys.executable).parent / "streamlit", "run", page, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                    html = answer.read().decode()
                break
            except urllib.error.URLError:
                time.sleep(0.2)
        script = re.search(r'src="\./(static/js/[^"]+\.js)"', html)[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{script}") as answer:
            print(
                answer.status,
                "javascript" in answer.headers["content-type"],
                len(answer.read()) > 1000,
            )
        server.terminate()
