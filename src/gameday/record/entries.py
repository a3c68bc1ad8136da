"""What lies in the folder of a record: its names, spelled so that every one can be written down."""

import os
from pathlib import Path


def name_in(folder: Path, path: Path) -> str:
    """A file's name in ``folder`` as manifest, note and findings spell it: two files never have the same one.

    A byte that is no UTF-8 is told in hex, as ``\\xff``, and a backslash is doubled.
    """
    name = os.fsencode(path.relative_to(folder))
    return name.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
