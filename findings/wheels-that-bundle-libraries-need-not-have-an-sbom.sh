#!/bin/sh
# pillow 13.0.0 and numpy 2.5.5: both bundle compiled libraries, one tells of them in its metadata and the other does not.
#
# Expected: wheels of today that carry libraries of others name these in `.dist-info/sboms` (PEP 770), as auditwheel
# writes it for what it copies in; or none does yet.
# Seen: pillow has two such files, one by auditwheel and one of its own. numpy has none, and bundles its BLAS. So
# a bill of materials made from these files is no full list, and a wheel without them need not be free of other code.
set -eu
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT
cd "$ground"
"${PYTHON:-python3}" -m venv env
env/bin/pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.12 \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 pillow==13.0.0 numpy==2.5.5 2>/dev/null

env/bin/python - >seen <<'PYTHON'
import zipfile
from pathlib import Path

for wheel in sorted(Path().glob("*.whl")):
    names = zipfile.ZipFile(wheel).namelist()
    bundled = [name for name in names if ".libs/" in name and ".so" in name]
    told = sorted(name.rpartition("/")[2] for name in names if ".dist-info/sboms/" in name and not name.endswith("/"))
    print(f"{wheel.name.partition('-')[0]}: bundles {len(bundled)} librar{'y' if len(bundled) == 1 else 'ies'}, told in {', '.join(told) or 'no file'}")
PYTHON
cat seen
diff - seen <<'TEXT'
numpy: bundles 1 library, told in no file
pillow: bundles 18 libraries, told in auditwheel.cdx.json, pillow-13.0.0.cdx.json
TEXT
