"""Many drills together: how often they held, how their figures are spread, whether it works within 5 attempts.

Pure: plan and finished drills go in, a measurement comes out. Every estimate takes the drills of one variation for
independent tries at one chance; each has a fresh lab, but one machine, so a slow day of that machine hits them all.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from gameday.facts import Measurement, Verdict
from gameday.facts.campaign import CampaignMeasurement, CampaignPlan, Chance, DrillDone, Spread, Tried, Turn
from gameday.facts.selftest import SelfTest
from gameday.measure.verdict import TOO_LATE, WEIGHTS

CONFIDENCE = 0.95
INTERVAL = (
    "Clopper-Pearson, two-sided, 95 % (C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits "
    "illustrated in the case of the binomial, Biometrika 26, 1934): it covers the truth in at least 95 % of cases "
    "however few the drills are"
)
PERCENTILE = "nearest rank: the smallest figure that at least 95 % do not exceed; of fewer than 20 that is the maximum"
COMPLETE, STOPPED, INTERRUPTED = "complete", "stopped at a BROKEN drill", "interrupted"
P95 = 95  # per cent
HALVINGS = 60  # of an interval of 1: closer than a double can tell


def turns(plan: CampaignPlan) -> tuple[Turn, ...]:
    """Every drill in the order in which it is run: round after round, each round with every variation once.

    So a machine that slows down, or warms up, hits every variation alike; and each round begins with the variation
    after the one that the round before began with, so that none is always the first.
    """
    count = len(plan.variations)
    order = [(place + begin) % count for begin in range(plan.times) for place in range(count)]
    return tuple(Turn(number, variation) for number, variation in enumerate(order, 1))


def measure(plan: CampaignPlan, drills: Sequence[DrillDone]) -> CampaignMeasurement:
    """Everything that the finished drills show; the verdict's rule stands in :func:`verdict_of_attempts`.

    Of the variations the heaviest counts (BROKEN beats UNKNOWN beats HELD). A campaign that did not run all its drills
    is never HELD: one that may be ended as soon as it looks well proves nothing.
    """
    drills = planned(plan, drills)
    tried = tuple(
        variation_of(plan, number, [each for each in drills if each.variation == number])
        for number in range(len(plan.variations))
    )
    ended = how_it_ended(plan, drills)
    verdict, why = _heaviest(tried)
    if ended != COMPLETE and verdict is not Verdict.BROKEN:
        verdict, why = Verdict.UNKNOWN, f"{ended} after {len(drills)} of {plan.drills} drills"
    return CampaignMeasurement(
        plan.name, verdict, why, plan.drills, len(drills), ended, plan.attempts_max, CONFIDENCE, INTERVAL, PERCENTILE,
        tried,
    )  # fmt: skip


def with_selftest(found: CampaignMeasurement, tested: SelfTest | None) -> CampaignMeasurement:
    """The same beside the tool's own test: what a tool found that was not tested, or failed it, is never HELD."""
    found = replace(found, selftest=tested)
    if found.verdict is not Verdict.HELD or (tested and tested.is_passed):
        return found
    why = f"the self-test missed {', '.join(tested.missed)}" if tested else "the tool was not tested on itself"
    return replace(found, verdict=Verdict.UNKNOWN, why=f"{why}, so nothing that it measured is proved")


def planned(plan: CampaignPlan, drills: Sequence[DrillDone]) -> list[DrillDone]:
    """The drills that the plan asked for, each number once, in their order; nothing else counts."""
    asked = set(turns(plan))
    mine = {each.number: each for each in drills if Turn(each.number, each.variation) in asked}
    return [mine[number] for number in sorted(mine)]


def _heaviest(tried: Sequence[Tried]) -> tuple[Verdict, str]:
    """The verdict of the variation that weighs most, or that needed most attempts, and why; it is named where it says
    something of its own."""
    if not tried:
        return Verdict.UNKNOWN, "nothing was to be tried"
    worst = max(tried, key=lambda each: (WEIGHTS.index(each.verdict), each.attempts_needed or 0))
    name = ", ".join(f"{key}={value}" for key, value in worst.parameters.items())
    if len(tried) > 1 and all(each.why == worst.why for each in tried):
        name = f"each of {len(tried)} variations"
    return worst.verdict, f"with {name}: {worst.why}" if name else worst.why


def how_it_ended(plan: CampaignPlan, drills: Sequence[DrillDone]) -> str:
    """All its drills were run; or it stopped at a BROKEN one, as it was asked to; or somebody ended it."""
    if len(drills) >= plan.drills:
        return COMPLETE
    return STOPPED if plan.stop_on_broken and any(each.verdict is Verdict.BROKEN for each in drills) else INTERRUPTED


def variation_of(plan: CampaignPlan, number: int, drills: Sequence[DrillDone]) -> Tried:
    """The drills of one variation, in order, taken together."""
    verdicts = [each.verdict for each in drills]
    held = verdicts.count(Verdict.HELD)
    success = chance(held, len(drills)) if drills else None
    verdict, why = verdict_of_attempts(drills, plan.attempts_max)
    lost = [each.lost for each in drills if each.lost is not None]
    return Tried(
        parameters=plan.variations[number],
        planned=plan.times,
        held=held,
        broken=verdicts.count(Verdict.BROKEN),
        unknown=verdicts.count(Verdict.UNKNOWN),
        first_held=verdicts.index(Verdict.HELD) + 1 if held else None,
        attempts_needed=max(needed(verdicts), default=None),
        longest_without=longest_without(verdicts),
        success=success,
        within_attempts=within(success, plan.attempts_max) if success else None,
        spreads=(
            spread("RTA", [each.rta_s for each in drills]),
            spread("RPA", [each.rpa_s for each in drills]),
            spread("excess", [each.excess_s for each in drills]),
        ),
        lost_max=max(lost, default=None),
        lost_unknown=len(drills) - len(lost),
        verdict=verdict,
        why=why,
    )


def verdict_of_attempts(drills: Sequence[DrillDone], attempts_max: int) -> tuple[Verdict, str]:
    """Whether failover works within 5 attempts, and why. The drills of a variation, in order, are the attempts.

    Only HELD is a success. **BROKEN**: one drill did what no further attempt takes back (:func:`harm`), or five in a
    row were BROKEN. **HELD**: wherever one begins to count, five attempts are enough: a drill was HELD, the first of
    them among the first five, and never are five in a row without one. **UNKNOWN**: everything else: no drill, fewer
    than five and none HELD, or five in a row without a success of which some are UNKNOWN themselves.

    HELD says what was seen. How sure one may be that it will be so again is another figure, and stands beside it: the
    chance of a success within five attempts, with the lower end of its confidence interval (:func:`within`).
    """
    verdicts = [each.verdict for each in drills]
    broken, open_ = _broken(drills, attempts_max), _open(verdicts, attempts_max)
    if broken:
        return Verdict.BROKEN, broken
    return (Verdict.UNKNOWN, open_) if open_ else (Verdict.HELD, _held(verdicts))


def _broken(drills: Sequence[DrillDone], attempts_max: int) -> str:
    """Why it is BROKEN; nothing when it is not."""
    harmed = next((each for each in drills if each.harm), None)
    if harmed:
        return f"drill {harmed.number}: {harmed.harm[0]}; no further attempt takes that back"
    row = _longest([each.verdict is Verdict.BROKEN for each in drills])
    return f"{attempts_max} drills in a row were BROKEN" if row >= attempts_max else ""


def _open(verdicts: Sequence[Verdict], attempts_max: int) -> str:
    """Why nothing is shown; nothing when something is."""
    if not verdicts:
        return "no drill of it has ended"
    if longest_without(verdicts) >= attempts_max:
        return f"{attempts_max} drills in a row without a success, some of them UNKNOWN"
    if Verdict.HELD not in verdicts:
        return f"no success in {len(verdicts)} of the {attempts_max} attempts that it may take"
    return ""


def _held(verdicts: Sequence[Verdict]) -> str:
    if all(each is Verdict.HELD for each in verdicts):
        return f"every attempt was a success, {len(verdicts)} of {len(verdicts)}"
    took = needed(verdicts)
    since = len(verdicts) - sum(took)
    told = f"wherever one begins to count, a success came within {max(took)} attempts"
    return f"{told}; of the last {since} none was one" if since else told


def harm(measurement: Measurement) -> tuple[str, ...]:
    """What a drill did that another attempt cannot mend: every BROKEN finding but one, a recovery that came too late.

    That one is a failed attempt, and may be repeated; lost, corrupted or diverged rows may not.
    """
    broken = [finding.what for finding in measurement.findings if finding.weight is Verdict.BROKEN]
    return tuple(what for what in broken if what != TOO_LATE)


def needed(verdicts: Sequence[Verdict]) -> list[int]:
    """How many attempts each success took, the first one counted from the beginning, each other from the one before."""
    at = [place for place, verdict in enumerate(verdicts, 1) if verdict is Verdict.HELD]
    return [place - before for before, place in zip([0, *at], at, strict=False)]


def longest_without(verdicts: Sequence[Verdict]) -> int:
    """The most drills in a row none of which was HELD."""
    return _longest([each is not Verdict.HELD for each in verdicts])


def _longest(marks: Sequence[bool]) -> int:
    longest = row = 0
    for mark in marks:
        row = row + 1 if mark else 0
        longest = max(longest, row)
    return longest


def spread(what: str, figures: Sequence[float | None]) -> Spread:
    """Median, 95th percentile (nearest rank) and maximum of the drills that have the figure, and how many have not.

    Of fewer than 20 figures the 95th percentile is the maximum, and says so. A figure that is missing is no 0: such a
    drill may have been worse than all the others.
    """
    known = sorted(each for each in figures if each is not None)
    missing = len(figures) - len(known)
    if not known:
        return Spread(what, 0, missing, None, None, False, None)
    rank = -(-len(known) * P95 // 100)  # rounded up
    return Spread(what, len(known), missing, median(known), known[rank - 1], rank == len(known), known[-1])


def chance(successes: int, tries: int) -> Chance:
    """The share of successes, with its two-sided 95 % Clopper-Pearson interval: ``INTERVAL`` tells the source.

    The lower end is the chance at which so many successes or more come with probability 2.5 %, the upper one that at
    which so many or fewer do. Chosen over Wilson's interval, which is narrower and for few tries may cover the truth
    in fewer than 95 % of cases (L. D. Brown, T. T. Cai, A. DasGupta, Interval Estimation for a Binomial Proportion,
    Statistical Science 16, 2001): who proves a recovery errs to the cautious side. Halving finds each end; no library
    that the project has knows the beta distribution, and SciPy for one call would be a hundred times this.
    """
    if not 0 <= successes <= tries or tries < 1:
        raise ValueError(f"{successes} successes of {tries} tries")
    tail = (1 - CONFIDENCE) / 2
    low = _where(lambda p: at_least(successes, tries, p) > tail) if successes else 0.0
    high = _where(lambda p: at_least(successes + 1, tries, p) > 1 - tail) if successes < tries else 1.0
    return Chance(successes / tries, low, high)


def at_least(successes: int, tries: int, p: float) -> float:
    """The probability of so many successes or more, in so many independent tries at ``p`` each."""
    counts = range(successes, tries + 1)
    return math.fsum(math.comb(tries, count) * p**count * (1 - p) ** (tries - count) for count in counts)


def _where(is_beyond: Callable[[float], bool]) -> float:
    """The point between 0 and 1 from which on ``is_beyond`` is true."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_beyond(middle) else (middle, high)
    return (low + high) / 2


def within(success: Chance, attempts: int) -> Chance:
    """The chance of at least one success in so many attempts: 1 − (1 − p)^attempts, of the estimate and of both ends.

    It grows with p, so the ends of p's interval give the ends of its own.
    """
    return Chance(*(1 - (1 - p) ** attempts for p in (success.estimate, success.low, success.high)))
