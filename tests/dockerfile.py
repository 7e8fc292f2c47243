"""Do what a Dockerfile says without Docker: each stage is a directory, each step runs in a chroot.

Understands what `examples/container/Dockerfile` uses: FROM, RUN with cache mounts, COPY, WORKDIR,
ENV, USER, EXPOSE and an ENTRYPOINT that is a list. Needs root. An image is the machine's own
``/usr`` with an interpreter in the place of ``/usr/local``, both read-only.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGE_PATH = "/usr/local/bin:/usr/bin:/bin"
_CACHE = re.compile(r"--mount=type=cache,target=(\S+)\s+")

ENTER = """\
set -e
root=$1; shift
mount --bind /usr "$root/usr"
mount -o remount,ro,bind "$root/usr"
mount --bind "$PREFIX" "$root/usr/local"
mount -o remount,ro,bind "$root/usr/local"
mount --bind /dev "$root/dev"
mount --bind /proc "$root/proc"
# As in the images of Python, where its library may lie below /usr/local.
echo /usr/local/lib > "$root/etc/ld.so.conf"
chroot "$root" /usr/sbin/ldconfig
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done
shift
if [ "$CONTAINED" = yes ]; then
    mount --bind "$root/app" "$root/app"
    mount -o remount,ro,bind "$root/app"
    exec unshare -n chroot --userspec="$RUN_AS" "$root" "$@"
fi
exec chroot --userspec="$RUN_AS" "$root" "$@"
"""


@dataclass(kw_only=True, slots=True)
class Stage:
    """One stage while it is being built, and afterwards the image that it is."""

    root: Path
    image: str
    variables: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = "0:0"
    entry: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class Builder:
    """Where everything lies that the steps of a Dockerfile need."""

    context: Path
    place: Path
    """Roots and caches are made here; caches outlive a build."""
    prefix: Path
    """What is ``/usr/local`` in every image."""
    shared: dict[str, Path]
    """Further directories for the steps that run, by their place in the image."""
    variables: dict[str, str]
    """Further variables for the steps that run, as ``docker build`` would pass them."""

    def build(self, dockerfile: Path) -> Stage:
        """Carry out every step, and return the last stage. Raises CalledProcessError."""
        stages: dict[str, Stage] = {}
        stage: Stage | None = None
        for word, rest in read_steps(dockerfile):
            if word == "FROM":
                image, _, name = rest.partition(" AS ")
                stage = self._make_stage(len(stages), image)
                stages[name or str(len(stages))] = stage
            elif stage is not None:
                self._take_step(stage, stages, word, rest)
        if stage is None:
            raise ValueError(f"{dockerfile} has no stage")
        return stage

    def run(self, stage: Stage, *words: str) -> subprocess.CompletedProcess[str]:
        """Start a container of an image: its entry point, its user, and no network."""
        variables = {"PATH": IMAGE_PATH, **stage.variables}
        command = [*stage.entry, *words]
        return self._enter(stage, command, variables, {}, contained=True)

    def _make_stage(self, number: int, image: str) -> Stage:
        root = self.place / f"stage{number}"
        shutil.rmtree(root, ignore_errors=True)
        for name in ("usr", "dev", "proc", "mnt", "opt", "etc", "root", "tmp", "var"):
            (root / name).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        root.chmod(0o755)
        for name in ("bin", "lib", "lib64"):
            if Path("/", name).exists():
                (root / name).symlink_to(f"usr/{name}")
        return Stage(root=root, image=image)

    def _take_step(self, stage: Stage, stages: dict[str, Stage], word: str, rest: str) -> None:
        if word == "RUN":
            self._run_step(stage, rest)
        elif word == "COPY":
            self._copy(stage, stages, shlex.split(rest))
        elif word == "WORKDIR":
            stage.directory = rest
            (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "ENV":
            stage.variables |= dict(part.split("=", 1) for part in shlex.split(rest))
        elif word == "USER":
            stage.user = rest
        elif word == "ENTRYPOINT":
            stage.entry = tuple(json.loads(rest))
        elif word != "EXPOSE":
            raise ValueError(f"{word} is not understood")

    def _run_step(self, stage: Stage, text: str) -> None:
        mounts = dict(self.shared)
        for target in _CACHE.findall(text):
            cache = self.place / "caches" / target.strip("/").replace("/", "-")
            cache.mkdir(parents=True, exist_ok=True)
            mounts[target] = cache
        variables = {"PATH": IMAGE_PATH, "HOME": "/root", **self.variables, **stage.variables}
        line = f"cd {shlex.quote(stage.directory)} && {_CACHE.sub('', text)}"
        done = self._enter(stage, ["/bin/sh", "-c", line], variables, mounts, contained=False)
        if done.returncode != 0:
            raise RuntimeError(f"RUN {text}: {done.stdout}{done.stderr}")

    def _copy(self, stage: Stage, stages: dict[str, Stage], words: Sequence[str]) -> None:
        source_root = self.context
        if words[0].startswith("--from="):
            source_root = stages[words[0].partition("=")[2]].root
            words = words[1:]
        source, target = words
        origin = source_root / source.lstrip("/")
        place = stage.root / str(Path(stage.directory, target)).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        # Of a directory its content is copied, times are kept, and everything becomes root's.
        command = ["cp", "-R", "--preserve=mode,timestamps", f"{origin}/.", place]
        place.mkdir(exist_ok=True)
        subprocess.run(command, check=True)

    def _enter(
        self,
        stage: Stage,
        command: Sequence[str],
        variables: dict[str, str],
        mounts: dict[str, Path],
        *,
        contained: bool,
    ) -> subprocess.CompletedProcess[str]:
        places = []
        for target, source in mounts.items():
            (stage.root / target.lstrip("/")).mkdir(parents=True, exist_ok=True)
            places += [str(source), target]
        settings = {
            "PREFIX": str(self.prefix),
            "RUN_AS": stage.user,
            "CONTAINED": "yes" if contained else "",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        }
        inside = ["env", "-i", *(f"{name}={value}" for name, value in variables.items()), *command]
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", ENTER, "-", stage.root, *places, "--", *inside],
            env=settings,
            capture_output=True,
            text=True,
            check=False,
        )


def read_steps(dockerfile: Path) -> list[tuple[str, str]]:
    """Return the instructions in order, each as its first word and the rest on one line."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    steps = [line.strip().split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [(word, " ".join(rest.split())) for word, rest in steps]
