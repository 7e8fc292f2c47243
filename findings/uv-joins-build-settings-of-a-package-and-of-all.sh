#!/bin/sh
# uv 0.13.9: what `config-settings-package` says is added to `config-settings`, and takes the place of nothing.
#
# Expected: the more specific table wins for a key that both have, as it does for every other `…-package` setting.
# Seen: the build backend gets both values as a list, the package's first, so a backend that takes one word gets two. To
# have a value for one package alone, no value for all may be set.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check uv==0.13.9 2>/dev/null
export UV_CACHE_DIR="$ground/cache" UV_PYTHON_DOWNLOADS=never

mkdir own project
cat >own/pyproject.toml <<'TOML'
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "own"
version = "1"
TOML
cat >own/backend.py <<'PYTHON'
import zipfile


def build_wheel(directory, config_settings=None, metadata_directory=None):
    files = {
        "own.py": f"TOLD = {config_settings!r}\n",
        "own-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: own\nVersion: 1\n",
        "own-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files["own-1.dist-info/RECORD"] = "".join(f"{path},,\n" for path in (*files, "own-1.dist-info/RECORD"))
    with zipfile.ZipFile(f"{directory}/own-1-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return "own-1-py3-none-any.whl"
PYTHON
ask() {
    cat >project/pyproject.toml <<TOML
[project]
name = "example"
version = "1"
requires-python = ">=3.9"
dependencies = ["own"]
[tool.uv.sources]
own = { path = "../own" }
[tool.uv]
$1
TOML
    rm -rf project/.venv project/uv.lock cache
    env/bin/uv run --quiet --project project --python env/bin/python \
        python -c 'import own; print(sorted((own.TOLD or {}).items()))'
}
{
    ask 'config-settings = { level = "1" }'
    ask 'config-settings = { level = "1" }
config-settings-package = { own = { level = "2" } }'
} >seen
cat seen
diff - seen <<'TEXT'
[('level', '1')]
[('level', ['2', '1'])]
TEXT
