#!/bin/sh
# pip 26.3 and uv 0.13.9: one variant wheel (PEP 825) in a pylock.toml spoils the whole lock for pip.
#
# Expected: variant wheels have names that older tools pass over, as pip does on an index, so a lock may list them beside
# a plain wheel.
# Seen: from a directory both take the plain wheel. In a lock pip refuses the file for the variant's name, wherever it
# stands and even if the package is not for this machine; uv takes the plain one. A lock that everybody is to install
# names no variant.
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

listed = ""
for label in ("", "-x86_64_v3"):
    name = f"own-1-py3-none-any{label}.whl"
    files = {
        "own.py": f"FILE = {name!r}\n",
        "own-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: own\nVersion: 1\n",
        "own-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files["own-1.dist-info/RECORD"] = "".join(f"{path},,\n" for path in (*files, "own-1.dist-info/RECORD"))
    path = Path("wheels", name)
    with zipfile.ZipFile(path, "w") as wheel:
        for place, text in files.items():
            wheel.writestr(place, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    listed += f'[[packages.wheels]]\npath = "wheels/{name}"\nhashes = {{ sha256 = "{digest}" }}\n'
head = 'lock-version = "1.0"\ncreated-by = "hand"\n\n[[packages]]\nname = "own"\nversion = "1"\n'
Path("pylock.toml").write_text(head + listed, encoding="utf-8")
elsewhere = head + "marker = \"sys_platform == 'win32'\"\n" + listed
Path("pylock.elsewhere.toml").write_text(elsewhere, encoding="utf-8")
PYTHON
tell() {
    what=$1
    shift
    rm -rf there
    if "$@" >log 2>&1; then
        [ -e there/own.py ] && result="takes $(sed "s/FILE = //" there/own.py)" || result="takes nothing"
    else
        result="refuses it"
        grep -q "nvalid wheel filename" log || cat log >&2
    fi
    echo "$what: $result"
}
{
    tell "pip, from a directory" env/bin/pip install --no-index --find-links wheels --target there own
    tell "uv, from a directory" env/bin/uv pip install --no-index --find-links wheels --python env/bin/python --target there own
    for lock in pylock.toml pylock.elsewhere.toml; do
        tell "pip, $lock" env/bin/pip install --no-index --target there -r "$lock"
        tell "uv, $lock" env/bin/uv pip install --no-index --python env/bin/python --target there -r "$lock"
    done
} >seen
cat seen
diff - seen <<'TEXT'
pip, from a directory: takes 'own-1-py3-none-any.whl'
uv, from a directory: takes 'own-1-py3-none-any.whl'
pip, pylock.toml: refuses it
uv, pylock.toml: takes 'own-1-py3-none-any.whl'
pip, pylock.elsewhere.toml: refuses it
uv, pylock.elsewhere.toml: takes nothing
TEXT
