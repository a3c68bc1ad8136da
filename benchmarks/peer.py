"""``make bench-peer``: the outage that clients of the lab see next to that of Patroni's clients, at equal detection.

Runs alternate (ours, theirs, ours, …), so that whatever else the machine does meets both. Each loses everything where
its primary is, service, agent and PostgreSQL, with what was under way on the link; killing only the postmaster would
have Patroni start it again where it was, which recovers no lost host.

*Equal detection.* Patroni: ttl 20 s, loop_wait 1 s (the least it accepts of each), so the leader's key runs out between
ttl − loop_wait and ttl after the kill, and etcd looks each half second: 19 to 20.5 s. Ours: the health check turns at
its third look without an answer, 24 to 34 s × scale after the cut, and its alarm wants two periods of 60 s less one
look's 10 s: 134 to 144 s × scale, and the rule's event. A scale of 0.14 makes 18.8 to 20.2 s of it. Both are measured
and printed.

*Where the peer is better.* With ``--only-database`` ours keeps its region and loses the database alone, and somebody
starts the failover by hand when the alarm on errors calls (two periods with more than 5 % errors: equal at 0.275). It
moves the clients to the other region, and they go when their cached name runs out; Patroni's clients stay where
they are.
"""

import argparse
import os
import signal
import statistics
from collections.abc import Iterator

from benchmarks.figures import Figure, print_table
from benchmarks.peer_runs import Outage, ours, ours_of_the_database, theirs

SCALE, DATABASE_SCALE = 0.14, 0.275


def main() -> None:
    """Measure both, so many times each, and print them side by side."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--times", type=int, default=5, help="runs of each (5)")
    asked.add_argument("--only-database", action="store_true", help="ours loses its database alone")
    scales = f"our timer scale (equal detection: {SCALE:g}, {DATABASE_SCALE:g} with --only-database)"
    asked.add_argument("--scale", type=float, help=scales)
    said = asked.parse_args()
    run_ours, scale = (ours_of_the_database, DATABASE_SCALE) if said.only_database else (ours, SCALE)
    arms = {"ours": run_ours, "Patroni": theirs}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended early, it still tells what it saw
    seen: dict[str, list[Outage]] = {name: [] for name in arms}
    try:
        for number in range(said.times):
            for name, run in arms.items():
                seen[name].append(run(said.scale or scale))
                print(f"{number + 1} {name}: {seen[name][-1]}, load {os.getloadavg()[0]:.2f}", flush=True)
    finally:
        print_table(figures(seen["ours"], seen["Patroni"]))


def figures(mine: list[Outage], peers: list[Outage]) -> Iterator[Figure]:
    """Side by side; a run without an outage that could be told is in the lines above the table, and in no figure."""
    for name, runs in (("ours", mine), ("Patroni", peers)):
        yield Figure(f"outage, {name}", "s", _known(one.outage_s for one in runs))
        yield Figure(f"kill → decision, {name}", "s", tuple(one.detection_s for one in runs))
        yield Figure(f"decision → served again, {name}", "s", _known(one.after_detection_s for one in runs))
        yield Figure(f"acknowledged writes lost, {name}", "writes", _known(one.lost for one in runs))
    excess = [one.outage_s - one.floor_s for one in mine if one.outage_s is not None and one.floor_s is not None]
    yield Figure("outage − floor, ours", "s", tuple(excess), at_most=1.0)
    mine_s, peers_s = (_known(one.outage_s for one in runs) for runs in (mine, peers))
    ratio = (statistics.median(mine_s) / statistics.median(peers_s),) if mine_s and peers_s else ()
    yield Figure("outage, ours / Patroni's (of the medians)", "×", ratio, at_most=1.0)


def _known(values: Iterator[float | None]) -> tuple[float, ...]:
    return tuple(float(value) for value in values if value is not None)


if __name__ == "__main__":
    main()
