"""The sweeper: holds the lab's pipe, and when the lab dies, ends what is left of it and removes its folder.

``python -m gameday.lab.local.sweeper FOLDER`` with the pipe as standard input. It does nothing while the lab lives.
A lab that ends in good order writes ``done`` into the pipe first, and has removed its folder itself. A lab that was
killed may have a successor of the same name already: that one has swept the folder, and it is its own now.
"""

import os
import signal
import sys
from pathlib import Path

from gameday.lab.local.home import sweep_unless_held

LET_GO_WITHIN_S = 2.0  # the kernel closes the dead lab's pipe and gives its name back one after the other


def main(folder: Path) -> int:
    """Wait for the end of the pipe; returns when nothing is left that is not a successor's."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    said = b""
    while piece := os.read(0, 64):
        said += piece
    if said != b"done":
        sweep_unless_held(folder.name, let_go_within_s=LET_GO_WITHIN_S)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
