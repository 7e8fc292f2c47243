#!/bin/sh
# uv 0.13.9 and pip 26.3: a wheel may be compressed in ways of which each takes what the other refuses.
#
# Expected: a wheel is a zip archive, so bzip2 and LZMA are as good as deflate, or both tools refuse them.
# Seen: pip installs both; uv says that it takes stored, deflate and zstd. (A zstd wheel is the reverse: pip can read one
# from Python 3.14 on alone.) Stored and deflate are what every tool reads.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pip==26.3 uv==0.13.9 2>/dev/null
export UV_CACHE_DIR="$ground/cache" UV_NO_CONFIG=1

env/bin/python - <<'PYTHON'
import zipfile

methods = {"plain": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED, "bzipped": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}
for name, method in methods.items():
    name = f"own_{name}"
    files = {
        f"{name}.py": "",
        f"{name}-1.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{name}-1.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}-1.dist-info/RECORD": f"{name}.py,,\n{name}-1.dist-info/METADATA,,\n{name}-1.dist-info/WHEEL,,\n{name}-1.dist-info/RECORD,,\n",
    }
    with zipfile.ZipFile(f"{name}-1-py3-none-any.whl", "w", method) as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
PYTHON
for wheel in own_*.whl; do
    pip=takes uv=takes
    env/bin/pip install --quiet --no-index --target "pip-$wheel" "./$wheel" >>log 2>&1 || pip=refuses
    env/bin/uv pip install --quiet --no-index --python env/bin/python --target "uv-$wheel" "./$wheel" >>log 2>&1 || uv=refuses
    echo "${wheel%%-*}: pip $pip it, uv $uv it"
done >seen
cat seen
grep -o "files must be compressed with .*" log | sort -u | tee -a seen
diff - seen <<'TEXT'
own_bzipped: pip takes it, uv refuses it
own_deflated: pip takes it, uv takes it
own_lzma: pip takes it, uv refuses it
own_plain: pip takes it, uv takes it
files must be compressed with 'stored', 'DEFLATE', or 'zstd'
TEXT
