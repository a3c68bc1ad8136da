"""A figure: what was measured, how often, against which bound; and the table that prints them."""

import platform
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: its values in ``unit``, and the bound that the issue sets (``at_most`` or ``at_least``)."""

    name: str
    unit: str
    values: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None

    @property
    def bound(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""

    @property
    def holds(self) -> str:
        if not self.values:
            return "not measured"
        median = statistics.median(self.values)
        if self.at_most is not None:
            return "yes" if median <= self.at_most else "NO"
        if self.at_least is not None:
            return "yes" if median >= self.at_least else "NO"
        return ""

    @property
    def told(self) -> str:
        if not self.values:
            return "–"
        low, high = min(self.values), max(self.values)
        return f"{statistics.median(self.values):.3g} ({low:.3g}–{high:.3g}, n={len(self.values)})"


def print_table(figures: Iterable[Figure]) -> None:
    """Print median (minimum–maximum, count), the bound, and whether the median holds it; with date and machine."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d")
    gib = round(psutil.virtual_memory().total / 2**30)
    machine = f"{psutil.cpu_count()} cores, {gib} GiB, Python {platform.python_version()}, {platform.system()}"
    table = Table(title=f"gameday, {stamp}, {machine}")
    for column in ("figure", "unit", "median (min–max, n)", "bound", "holds"):
        table.add_column(column, justify="right" if column.startswith("median") else "left")
    for figure in figures:
        table.add_row(figure.name, figure.unit, figure.told, figure.bound, figure.holds)
    Console(width=140).print(table)
