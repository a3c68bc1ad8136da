"""The sweeper: holds the lab's pipe, and when the lab dies, ends what is left of it and removes its folder.

``python -m gameday.lab.local.sweeper FOLDER`` with the pipe as standard input. It does nothing while the lab lives.
A lab that ends in good order writes ``done`` into the pipe first, and has removed its folder itself.
"""

import os
import signal
import sys
from pathlib import Path

from gameday.lab.local.home import sweep


def main(folder: Path) -> int:
    """Wait for the end of the pipe; returns 0 when nothing is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    said = b""
    while piece := os.read(0, 64):
        said += piece
    if said != b"done":
        sweep(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
