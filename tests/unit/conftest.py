"""Which unit tests start servers or processes: marked ``parts``, so that ``make unit`` stays under a minute."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
WITH_PARTS = ("lab/local", "load", "service", "chaos", "bdd", "faults", "campaign")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.relative_to(HERE).as_posix().startswith(WITH_PARTS):
            item.add_marker("parts")
