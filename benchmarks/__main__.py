"""``make bench`` or ``python -m benchmarks [PART …] [--times N]``: every figure, or some parts' own, in one table."""

import argparse

from benchmarks import drills, failback, lab_cost, objects, restores, scale, startup
from benchmarks.figures import print_table

PARTS = {
    "startup": (startup.figures, 10),
    "scale": (scale.figures, 1),
    "lab": (lab_cost.figures, 5),
    "objects": (objects.figures, 5),
    "failback": (failback.figures, 5),
    "restores": (restores.figures, 5),
    "database": (drills.database_figures, 5),
    "quick": (drills.quick_figures, 1),
    "drills": (drills.figures, 10),
}
LARGE = {"scale": (scale.all_figures, 1)}  # with --all


def main() -> None:
    """Measure the named parts, or all."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    asked.add_argument("--times", type=int, default=None, help="how often each; each part has its own default")
    asked.add_argument("--all", action="store_true", help="the largest size as well: 30 GB of disk")
    said = asked.parse_args()
    parts = PARTS | LARGE if said.all else PARTS
    chosen = said.parts or list(parts)
    print_table(figure for name in chosen for figure in parts[name][0](said.times or parts[name][1]))


if __name__ == "__main__":
    main()
