"""Tolerances for probes that answer with a number: Chaos Toolkit refuses fractions as tolerances of its own."""

__all__ = ["at_least", "at_most"]


def at_least(least: float, value: float | None = None) -> bool:
    """Whether the probe's value is ``least`` or more; without a value it is not."""
    return value is not None and float(value) >= float(least)


def at_most(most: float, value: float | None = None) -> bool:
    """Whether the probe's value is ``most`` or less; without a value it is not."""
    return value is not None and float(value) <= float(most)
