"""What a lab process tells its owner while it comes up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """``ev`` is progress (``text``), ready, or failed (``text`` is the error's class; then its three parts)."""

    ev: str
    text: str = ""
    expected: str = ""
    seen: str = ""
    next_step: str = ""
