"""``python -m benchmarks.peer_keeper COMMAND …``: runs a program whose children leave it, and never outlives its owner.

Patroni starts PostgreSQL's postmaster so that it belongs to nobody. Here it comes to this process (a subreaper), which
reaps what died, and kills whatever is left as soon as its standard input closes: with its owner at the latest, however
that one ended.
"""

import ctypes
import os
import select
import sys

from gameday.lab.local.pg_user import disguise
from gameday.processes import descendants, kill_all, spawn

PR_SET_CHILD_SUBREAPER = 36
REAP_EVERY_S = 0.1


def main(command: list[str]) -> int:
    """Keep until the owner is gone; the exit code is 0 then."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1) != 0:
        raise OSError(ctypes.get_errno(), "could not become the parent of orphans")
    spawn(command, before_exec=disguise().before_exec, stdout=sys.stdout.fileno(), env=dict(os.environ))
    while not select.select([sys.stdin], [], [], REAP_EVERY_S)[0]:
        _reap()
    while family := descendants(os.getpid()):
        kill_all(family)
        _reap()
    return 0


def _reap() -> None:
    """Take every child that died: one that nobody takes looks alive to Patroni."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
