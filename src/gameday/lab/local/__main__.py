"""``python -m gameday.lab.local OPTIONS``: one lab as a process of its own, telling its owner how it goes.

OPTIONS is a :class:`LabOptions` as JSON. Standard output carries one :class:`Told` a line until the lab is ready.
"""

import sys

import msgspec

from gameday.lab.local.lab import LabOptions, LocalLab, failure_of
from gameday.lab.local.told import Told


def main(options: LabOptions) -> int:
    """Run the lab; exit code 1 when it did not come up."""

    def tell(told: Told) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()

    lab = LocalLab(options, lambda text: tell(Told("progress", text)))
    try:
        lab.run(lambda _: tell(Told("ready")))
    except Exception as cause:  # noqa: BLE001  told to the owner, whole
        failure = failure_of(cause)
        tell(Told("failed", type(failure).__name__, failure.expected, failure.seen, failure.next_step))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(msgspec.json.decode(sys.argv[1], type=LabOptions)))
