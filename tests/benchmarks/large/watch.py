"""Run the program argv[1] as `__main__`, then tell in argv[2], as JSON, what was loaded twice.

Runs in the interpreter that is measured: the standard library only.
"""

import hashlib
import json
import runpy
import sys
from pathlib import Path

program, out = sys.argv[1:3]
sys.argv[1:] = []
runpy.run_path(program, run_name="__main__")

mapped = {}
for line in (
    Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
):
    address, _, offset, device, inode, *path = line.split(maxsplit=5)
    if path and ".so" in Path(path[0]).name:
        mapped[device, inode] = Path(path[0])
# Two packages may each have a `lib.so` of their own: a library is the same if its bytes are.
names = {}
for library in mapped.values():
    names.setdefault(hashlib.sha256(library.read_bytes()).digest(), []).append(library.name)
twice = sorted(found[0] for found in names.values() if len(found) > 1)
Path(out).write_text(json.dumps({"twice": twice}), encoding="utf-8")
