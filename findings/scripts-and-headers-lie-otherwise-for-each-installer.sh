#!/bin/sh
# pip 26.3, uv 0.13.9, installer 1.1.0: the scripts and headers of one wheel come out in three ways.
#
# Expected: what lies in a wheel's `.data/scripts` can be run once it is installed, and `.data/headers` has one place.
# Seen: many archives record no x bit (zipfile's writestr does not). uv sets it, as the wheel specification says an
# installer may need to; pip and installer leave a script that cannot be run. pip and uv put headers into
# include/site/pythonX.Y/NAME, a place that sysconfig does not name; installer into include/pythonX.Y/NAME.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pip==26.3 uv==0.13.9 installer==1.1.0 2>/dev/null
export UV_CACHE_DIR="$ground/cache" UV_NO_CONFIG=1

env/bin/python - <<'PYTHON'
import zipfile

files = {
    "own.py": "",
    "own-1.data/scripts/own-script": "#!python\nprint('ran')\n",
    "own-1.data/headers/own.h": "",
    "own-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: own\nVersion: 1\n",
    "own-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
files["own-1.dist-info/RECORD"] = "".join(f"{name},,\n" for name in (*files, "own-1.dist-info/RECORD"))
with zipfile.ZipFile("own-1-py3-none-any.whl", "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
PYTHON
for tool in pip uv installer; do "${PYTHON:-python3}" -m venv --without-pip "by-$tool"; done
env/bin/pip --python by-pip/bin/python install --quiet --no-index ./own-1-py3-none-any.whl
env/bin/uv pip install --quiet --no-index --python by-uv/bin/python ./own-1-py3-none-any.whl
env/bin/python -m installer --prefix "$ground/by-installer" --compile-bytecode 0 own-1-py3-none-any.whl
for tool in pip uv installer; do
    by-$tool/bin/own-script >/dev/null 2>&1 && script=runs || script="does not run"
    echo "$tool: the script $script, $(cd "by-$tool" && find include -name own.h | sed 's/python3\.[0-9]*/pythonX.Y/')"
done >seen
cat seen
diff - seen <<'TEXT'
pip: the script does not run, include/site/pythonX.Y/own/own.h
uv: the script runs, include/site/pythonX.Y/own/own.h
installer: the script does not run, include/pythonX.Y/own/own.h
TEXT
