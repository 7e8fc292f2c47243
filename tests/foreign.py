"""A machine with another processor, emulated: programs for aarch64 that start one another.

`Emulator` runs a command in namespaces of its own, where the kernel hands programs for aarch64 to
qemu, be they started by us or by one another. Nothing of that is seen outside of them. This needs
Linux 6.7 or newer, where each user namespace may have its own `binfmt_misc`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# For aarch64, whatever the system: an executable or a position-independent one. The emulator is
# opened now (F), for it is not to be found from within another root, and gets argv[0] (P).
BINFMT = (
    r":aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:%s:POCF"
)
MISC = "/proc/sys/fs/binfmt_misc"

# It waits for its users to be mapped, and then is the root of what follows.
INSIDE = f"""\
read -r _ && mount -t binfmt_misc none {MISC} && printf %s "$1" >{MISC}/register || exit 125
shift
exec "$@"
"""
INSIDE_ROOT = """\
mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" || exit 125
exec "$(PATH=$PATH:/usr/sbin:/sbin && command -v chroot)" "$@"
"""


class Emulator:
    """Runs commands where programs for aarch64 are programs like any other."""

    def __init__(self, emulator: Path) -> None:
        """Emulate with `emulator`, a qemu for user programs; statically linked for another root."""
        self.emulator = emulator

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` and return its status and what it printed; standard input is empty."""
        inside = ["sh", "-c", INSIDE, "sh", BINFMT % self.emulator, *command]
        process = subprocess.Popen(
            ["unshare", "--user", "--keep-caps", "--mount", *inside],
            cwd=cwd,
            env=None if env is None else {"PATH": os.environ["PATH"], **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            _map_users(process)
            stdout, stderr = process.communicate("\n")
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def run_in_root(
        self, root: Path, command: Sequence[str | Path], env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` with `root` for the root directory."""
        for name in ("proc", "dev"):
            (root / name).mkdir(exist_ok=True)
        return self.run(["sh", "-c", INSIDE_ROOT, "sh", root, *command], env=env)

    def works(self) -> bool:
        """Tell whether this kernel and this user can do it."""
        return shutil.which("unshare") is not None and self.run(["true"]).returncode == 0


def _map_users(process: subprocess.Popen[str]) -> None:
    """Make all users known within the namespace of `process`; not being root, us alone as root."""
    place = Path("/proc", str(process.pid))
    ours = Path("/proc/self/ns/user").readlink()
    while process.poll() is None and (place / "ns" / "user").readlink() == ours:
        time.sleep(0.001)
    if process.poll() is not None:
        return
    everyone = "0 0 4294967295"
    if os.geteuid():
        (place / "setgroups").write_text("deny")
    (place / "uid_map").write_text(everyone if not os.geteuid() else f"0 {os.geteuid()} 1")
    (place / "gid_map").write_text(everyone if not os.geteuid() else f"0 {os.getegid()} 1")
