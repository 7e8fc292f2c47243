"""Write the bytecode of Python files where the interpreter that runs this looks for it.

Started by the launcher as ``PYTHON -I -S bytecode.py [times|unchecked HOME]``. With `unchecked` the
bytecode holds for whatever the source is (PEP 552); HOME is put before the paths for tracebacks.
Reads paths from stdin, each ended by a NUL; writes one JSON object to stdout when all are done:
`written`, `ready` (it was there and true) and `failed`, each a number of files. Syntax of Python
3.9, standard library only.
"""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import struct
import sys
import warnings


def is_ready(source: str, bytecode: str) -> bool:
    """Tell whether an import of `source` would take the file `bytecode`.

    As CPython's `_bootstrap_external._validate_timestamp_pyc`, for files with a time in them.
    """
    try:
        with open(bytecode, "rb") as file:
            start = file.read(16)
        info = os.stat(source)
    except OSError:
        return False
    low = 0xFFFFFFFF
    time_and_size = struct.pack("<III", 0, int(info.st_mtime) & low, info.st_size & low)
    return start == importlib.util.MAGIC_NUMBER + time_and_size


def write_bytecode(source: str, kind: str, home: str) -> str:
    """Write the bytecode of one file, as an import would; returns the name of what happened."""
    try:
        bytecode = importlib.util.cache_from_source(source)
        mode = py_compile.PycInvalidationMode.TIMESTAMP
        if kind == "unchecked":
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        elif is_ready(source, bytecode):
            return "ready"
        py_compile.compile(source, dfile=home + source, doraise=True, invalidation_mode=mode)
    except (py_compile.PyCompileError, OSError, ValueError, RecursionError, MemoryError):
        # What an import of it would say is said there; many a file is never meant to be imported.
        return "failed"
    return "written"


def main() -> int:
    """Do it for every path on stdin."""
    warnings.simplefilter("ignore")
    # Bytecode is for everybody who may read the source, whatever the umask is.
    os.umask(0o022)
    kind, home = sys.argv[1:] or ("times", "")
    counts = {"written": 0, "ready": 0, "failed": 0}
    for path in sys.stdin.buffer.read().split(b"\0"):
        if path:
            counts[write_bytecode(os.fsdecode(path), kind, home)] += 1
    json.dump(counts, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
