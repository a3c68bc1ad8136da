"""``make bench`` or ``python -m benchmarks [PART …] [--times N]``: every figure, or some parts' own, in one table."""

import argparse

from benchmarks import drills, failback, fuzz, lab_cost, objects, restores, startup, witness
from benchmarks.figures import print_table

PARTS = {
    "startup": (startup.figures, 10),
    "lab": (lab_cost.figures, 5),
    "objects": (objects.figures, 5),
    "failback": (failback.figures, 5),
    "restores": (restores.figures, 5),
    "database": (drills.database_figures, 5),
    "quick": (drills.quick_figures, 1),
    "fuzz": (fuzz.figures, fuzz.INPUTS),
    "witness": (witness.figures, 20),
    "drills": (drills.figures, 10),
}


def main() -> None:
    """Measure the named parts, or all."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    asked.add_argument("--times", type=int, default=None, help="how often each; each part has its own default")
    said = asked.parse_args()
    chosen = said.parts or list(PARTS)
    print_table(figure for name in chosen for figure in PARTS[name][0](said.times or PARTS[name][1]))


if __name__ == "__main__":
    main()
