"""``make bench`` or ``python -m benchmarks [PART …] [--times N]``: every figure, or some parts' own, in one table."""

import argparse
from functools import partial

from benchmarks import (
    drills,
    failback,
    fuzz,
    kills,
    lab_cost,
    ledger,
    objects,
    restores,
    scale,
    startup,
    stops,
    truth,
    witness,
)
from benchmarks.figures import print_table

PARTS = {
    "startup": (startup.figures, 10),
    "scale": (scale.figures, 1),
    "lab": (lab_cost.figures, 5),
    "truth": (truth.figures, 10),
    "ledger": (ledger.figures, ledger.PAIRS),
    "objects": (objects.figures, 5),
    "failback": (failback.figures, 5),
    "restores": (restores.figures, 5),
    "database": (drills.database_figures, 5),
    "quick": (drills.quick_figures, 1),
    "fuzz": (fuzz.figures, fuzz.INPUTS),
    "stops": (stops.figures, 5),
    "witness": (witness.figures, 20),
    "drills": (drills.figures, 10),
}
LARGE = {"scale": (scale.all_figures, 1)}  # with --all
KILLS = "kills"  # takes an option of its own


def main() -> None:
    """Measure the named parts, or all."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("parts", nargs="*", choices=[[], *PARTS, KILLS], default=[])
    asked.add_argument("--times", type=int, default=None, help="how often each; each part has its own default")
    asked.add_argument(
        "--all",
        action="store_true",
        help="the largest size as well: 110 GB of disk in TMPDIR",
    )
    asked.add_argument(
        "--kills",
        default="0/1",
        metavar="N/OF [WORD …]",
        help="some cells of the kill matrix: every OF-th from N on, of those with these words",
    )
    said = asked.parse_args()
    parts = (PARTS | LARGE if said.all else PARTS) | {KILLS: (partial(kills.figures, chosen=said.kills), 1)}
    chosen = said.parts or list(parts)
    print_table(figure for name in chosen for figure in parts[name][0](said.times or parts[name][1]))


if __name__ == "__main__":
    main()
