"""What a self-test planted and what the tool found of it: frozen records, the content of ``selftest.json``."""

from collections.abc import Mapping
from dataclasses import dataclass

NOTHING = "nothing planted"  # the truth of a copy that is as the record is


@dataclass(frozen=True, slots=True)
class PlantedTruth:
    """One truth that was planted, as words, beside what was found; ``exact`` says whether they are the same."""

    name: str
    planted: str
    found: str
    exact: bool
    error_s: float | None = None  # of a time: what was found minus what was planted


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Every truth of one self-test. It is passed when there is one at least, and each was found exactly."""

    started_utc: str
    took_s: float
    probes_per_s: float
    versions: Mapping[str, str]
    truths: tuple[PlantedTruth, ...]

    @property
    def is_passed(self) -> bool:
        return bool(self.truths) and all(truth.exact for truth in self.truths)

    @property
    def missed(self) -> tuple[str, ...]:
        """The names of the truths that were not found exactly."""
        return tuple(truth.name for truth in self.truths if not truth.exact)


@dataclass(frozen=True, slots=True)
class RecordSelfTest:
    """Truths planted into copies of one drill's own record, judged again: the content of a drill's ``selftest.json``.

    ``left_out`` says in words what this record had no place for; ``not_run`` why not everything that it had a place for
    was tried: then ``truths`` are those that were, often none.
    """

    truths: tuple[PlantedTruth, ...] = ()
    left_out: tuple[str, ...] = ()
    not_run: str = ""

    @property
    def missed(self) -> tuple[PlantedTruth, ...]:
        """The truths that were not found exactly."""
        return tuple(truth for truth in self.truths if not truth.exact)

    @property
    def has_planted(self) -> bool:
        """Whether anything was planted: that a copy is measured alike shows of no truth that it would be found."""
        return any(truth.name != NOTHING for truth in self.truths)
