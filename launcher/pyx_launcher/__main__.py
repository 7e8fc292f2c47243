"""The slow path as a program: `pyx-launcher`, started by the native `pyx`."""

from __future__ import annotations

import sys

from pyx_launcher.launch import main

if __name__ == "__main__":
    sys.exit(main())
