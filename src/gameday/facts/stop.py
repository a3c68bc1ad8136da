"""What a drill must not go on without: stop conditions, as they stand in ``plan.json``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StopCondition:
    """A drill is stopped, and healed, as soon as this no longer holds, or can no longer be read.

    Either ``alarm``: a CloudWatch alarm by name, which must be OK; in ``region``, or wherever one is called so. Any
    other state stops the drill: ``INSUFFICIENT_DATA`` shows nothing. Or ``probe``: one of :mod:`gameday.probing`, with
    its ``arguments``, whose answer must lie within ``at_least`` and ``at_most``, or be ``equals``. Or ``elsewhere``: a
    probe of another Chaos Toolkit extension, whole, with the tolerance that it has there.
    """

    alarm: str = ""
    region: str = ""
    probe: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    at_least: float | None = None
    at_most: float | None = None
    equals: str | float | None = None
    elsewhere: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from gameday.errors import InputError

        if sum(map(bool, (self.alarm, self.probe, self.elsewhere))) != 1:
            raise InputError("a stop condition of one alarm or one probe", self.what or "neither", "name one")
        if isinstance(self.equals, bool):
            raise InputError("a probe that equals a text or a number", repr(self.equals), "no probe answers so")
        bounds = (self.at_least, self.at_most, self.equals)
        if bool(self.probe) == all(bound is None for bound in bounds):
            then = "give it at_least, at_most or equals" if self.probe else "those bounds belong to a probe of gameday"
            raise InputError("bounds for a probe, and for nothing else", self.what, then)

    @property
    def what(self) -> str:
        """In words: ``write_success_rate at least 0.5``, or ``the alarm gameday-5xx OK``."""
        if self.alarm:
            return f"the alarm {self.alarm} OK{f' in {self.region}' if self.region else ''}"
        if self.elsewhere:
            return f"the probe {self.elsewhere.get('name', 'without a name')} within its tolerance"
        told = {"at least": self.at_least, "at most": self.at_most, "being": self.equals}
        asked = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        bounds = " and ".join(f"{word} {value}" for word, value in told.items() if value is not None)
        return f"{self.probe}{f'({asked})' if asked else ''} {bounds}"

    def holds(self, seen: Any) -> bool:
        """Whether an answer of its probe lies within its bounds; an answer that cannot be compared does not."""
        if self.equals is not None and seen != self.equals:
            return False
        if self.at_least is None and self.at_most is None:
            return True
        if isinstance(seen, bool) or not isinstance(seen, int | float):
            return False
        low = self.at_least is None or seen >= self.at_least
        return low and (self.at_most is None or seen <= self.at_most)
