"""The facts of a campaign, the same drill again and again: frozen records, beside those of one drill in ``facts``."""

from collections.abc import Mapping
from dataclasses import dataclass

from gameday.facts import Objectives, Verdict
from gameday.facts.bounds import Tries
from gameday.facts.selftest import SelfTest

ATTEMPTS_MAX = 5  # failover must work within so many attempts (the objective that a campaign is judged by)


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What a campaign set out to do: its ``plan.json``, written before the first drill."""

    name: str  # of the drill; the folder is ``campaign-<name>``
    title: str
    experiment: str  # the file, as it was named
    experiment_sha256: str  # of that file: a campaign that is resumed must run the same
    times: Tries  # drills of each variation
    variations: tuple[Mapping[str, str], ...]  # every combination of the varied keys; one empty mapping varies nothing
    fixed: Mapping[str, str]  # given to every drill alike
    stop_on_broken: bool
    attached: bool  # a lab that was up is allowed: what one drill leaves there is the next one's beginning
    objectives: Objectives  # of the first variation
    started_utc: str
    who: str
    versions: Mapping[str, str]
    limits: tuple[str, ...]  # what the lab cannot prove
    attempts_max: Tries = ATTEMPTS_MAX

    @property
    def drills(self) -> int:
        """How many drills were to be run."""
        return self.times * len(self.variations)


@dataclass(frozen=True, slots=True)
class Turn:
    """One drill that is to be run: its number from 1, and which variation of the plan it tries."""

    number: int
    variation: int


@dataclass(frozen=True, slots=True)
class DrillDone:
    """One drill that ended: a line of ``runs.ndjson``. Every figure is its record's own.

    ``verdict`` is that of the record's ``measurement.json``; UNKNOWN, with ``why``, where there is none that can be
    read, or where ``chaos run`` did not end as the record says. ``lost`` is None as long as the RPA is unknown.
    ``harm`` names what no further attempt takes back (:func:`gameday.measure.campaign.harm`).
    """

    number: int
    variation: int
    parameters: Mapping[str, str]
    started_utc: str
    duration_s: float  # from the start of ``chaos run`` to its end, the lab's coming up included
    exit_code: int
    verdict: Verdict
    why: str = ""  # of UNKNOWN and BROKEN
    record: str | None = None  # the record's folder, from the reports' folder on
    measurement_sha256: str | None = None
    timer_scale: float | None = None
    rta_s: float | None = None
    rpa_s: float | None = None
    lost: int | None = None
    acknowledged: int | None = None
    floor_s: float | None = None
    excess_s: float | None = None
    rto_s: float | None = None
    rpo_s: float | None = None
    harm: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """How one figure is spread over the drills of a variation. Meaning: :func:`gameday.measure.campaign.spread`."""

    what: str  # RTA | RPA | excess
    n: int  # drills that have the figure
    missing: int  # and that have not: it is unknown there, and may lie beyond any of the others
    median_s: float | None
    p95_s: float | None
    p95_is_max: bool
    max_s: float | None


@dataclass(frozen=True, slots=True)
class Chance:
    """A chance as it was estimated, with the ends of its confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tried:
    """What the drills of one variation showed together."""

    parameters: Mapping[str, str]
    planned: int
    held: int
    broken: int
    unknown: int
    first_held: int | None  # which attempt of this variation was the first to be HELD, from 1
    attempts_needed: int | None  # the most attempts that a success took, wherever one begins to count
    longest_without: int  # the most drills in a row none of which was HELD; those after the last HELD one included
    success: Chance | None  # of one drill being HELD; None without a drill
    within_attempts: Chance | None  # of at least one HELD within ``attempts_max`` drills
    spreads: tuple[Spread, ...]
    lost_max: int | None  # the most acknowledged writes that one drill lost, where it is known
    lost_unknown: int  # drills that do not tell what was lost
    verdict: Verdict
    why: str

    @property
    def done(self) -> int:
        """Drills of this variation that ended."""
        return self.held + self.broken + self.unknown


@dataclass(frozen=True, slots=True)
class CampaignMeasurement:
    """What a campaign showed: its ``campaign.json``."""

    name: str
    verdict: Verdict
    why: str
    planned: int
    done: int
    ended: str  # complete | stopped at a BROKEN drill | interrupted
    attempts_max: int
    confidence: float
    interval: str  # how the confidence intervals were computed
    percentile: str  # and how the percentiles
    tried: tuple[Tried, ...]
    selftest: SelfTest | None = None  # of the tool itself, on this machine, before the first drill
