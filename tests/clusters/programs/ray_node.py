"""Join a Ray cluster as one more machine, and stay until a signal: ADDRESS NAME.

`ray start` does the same, but starts a second machine only where all of them listen everywhere.
"""

from __future__ import annotations

import signal
import sys
import threading

from ray._private.node import Node
from ray._private.parameter import RayParams


def main() -> None:
    """Start the machine's processes, and end them when this one ends."""
    address, name = sys.argv[1:3]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parameters = RayParams(
        gcs_address=address,
        node_ip_address="127.0.0.1",
        num_cpus=4,
        num_gpus=0,
        resources={name: 100},
        object_store_memory=100 << 20,
        min_worker_port=0,
        max_worker_port=0,
        node_manager_port=0,
    )
    Node(parameters, head=False, shutdown_at_exit=True, spawn_reaper=True)
    sys.stdout.write("joined\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
