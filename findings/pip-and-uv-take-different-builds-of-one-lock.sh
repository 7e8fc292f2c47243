#!/bin/sh
# pip 26.3 and uv 0.13.9: from one pylock.toml they install different files of the same version.
#
# Expected: where a lock lists several builds of one version, all installers take the highest build number, as each does
# when it chooses from an index.
# Seen: from an index both take build 10. From the lock pip takes the wheel that is listed first, here build 1; uv takes
# build 10. PEP 751 leaves the choice among equal tags open, so a lock should list one build, or the highest first.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pip==26.3 uv==0.13.9 2>/dev/null
export UV_CACHE_DIR="$ground/cache" UV_NO_CONFIG=1

mkdir wheels
env/bin/python - <<'PYTHON'
import hashlib
import zipfile
from pathlib import Path

lock = 'lock-version = "1.0"\ncreated-by = "hand"\n\n[[packages]]\nname = "own"\nversion = "1"\n'
for build in ("1", "2", "10"):
    files = {
        "own.py": f"BUILD = {build}\n",
        "own-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: own\nVersion: 1\n",
        "own-1.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\nBuild: {build}\n",
    }
    files["own-1.dist-info/RECORD"] = "".join(f"{name},,\n" for name in (*files, "own-1.dist-info/RECORD"))
    path = Path("wheels", f"own-1-{build}-py3-none-any.whl")
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lock += f'[[packages.wheels]]\npath = "{path}"\nhashes = {{ sha256 = "{digest}" }}\n'
Path("pylock.toml").write_text(lock, encoding="utf-8")
PYTHON
tell() { echo "$1: build $(env/bin/python -c 'import sys; sys.path.insert(0, sys.argv[1]); import own; print(own.BUILD)' "$2")"; }
{
    env/bin/pip install --quiet --no-index --find-links wheels --target a own >&2
    tell "pip, from an index" a
    env/bin/uv pip install --quiet --no-index --find-links wheels --python env/bin/python --target b own >&2
    tell "uv, from an index" b
    env/bin/pip install --quiet --no-index --target c -r pylock.toml 2>log || { cat log >&2; exit 1; }
    tell "pip, from the lock" c
    env/bin/uv pip install --quiet --no-index --python env/bin/python --target d -r pylock.toml >&2
    tell "uv, from the lock" d
} >seen
cat seen
diff - seen <<'TEXT'
pip, from an index: build 10
uv, from an index: build 10
pip, from the lock: build 1
uv, from the lock: build 10
TEXT
