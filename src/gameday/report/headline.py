"""The verdict against its objectives, in words: what a reader takes in within five seconds.

Also the terminal's closing summary is made of these. An *objective* is the RTO or the RPO; what was measured is an
*actual* (RTA, RPA), and the words never mix.
"""

from gameday.facts import Finding, Measurement, RecoveryTime, Verdict
from gameday.report import words
from gameday.report.parts import Figure, Headline, Point, Tone
from gameday.report.special import special

TONES = {Verdict.HELD: Tone.GOOD, Verdict.BROKEN: Tone.BAD, Verdict.UNKNOWN: Tone.DOUBT}
MEANINGS = {
    Verdict.HELD: "the objectives held",
    Verdict.BROKEN: "an objective or a promise was broken",
    Verdict.UNKNOWN: "evidence is missing, so nothing is proved",
}
POINTS_MAX = 4


def headline(measurement: Measurement) -> Headline:
    """The verdict's word, one sentence why, and the reasons that ask for something to be done."""
    told = reasons(measurement)
    reason = told[0] if told and measurement.verdict is not Verdict.HELD else None
    points = told[1:] if reason else told
    left_out = len(points) - POINTS_MAX
    return Headline(
        measurement.verdict.value,
        TONES[measurement.verdict],
        MEANINGS[measurement.verdict],
        why(measurement),
        reason,
        points[:POINTS_MAX],
        f"{words.counted(left_out, 'more reason')} under Findings" if left_out > 0 else "",
    )


def reasons(measurement: Measurement) -> tuple[Point, ...]:
    """The findings that broke the drill or left it open, those of the verdict's own weight first."""
    grave = [each for each in measurement.findings if each.weight is not Verdict.HELD]
    grave.sort(key=lambda each: each.weight is not measurement.verdict)
    return tuple(Point(words.sentence(each.what), evidence(each), next_step(each)) for each in grave)


def why(measurement: Measurement) -> str:
    """The one sentence: of HELD what was shown, else the heaviest finding."""
    if measurement.verdict is Verdict.HELD:
        return _held(measurement)
    told = reasons(measurement)
    return told[0].what if told else "No finding names the reason; judge the record again."


def _held(measurement: Measurement) -> str:
    served = "No probe failed"
    if measurement.rta_s:
        took = words.against(measurement.rta_s, allowed_s(measurement))
        served = f"Clients were served again {took} after {measurement.since}"
    return f"{served}, and {lost_words(measurement)}."


def lost_words(measurement: Measurement) -> str:
    """``37 acknowledged writes are lost, within the RPO``; ``no acknowledged write is lost``."""
    point = measurement.recovery_point
    if point.rpa_s is None:
        return "what was lost is not known"
    if not point.lost:
        return "no acknowledged write is lost"
    within = "within" if point.rpa_s <= measurement.objectives.rpo_s else "beyond"
    return f"{words.counted(point.lost, 'acknowledged write is', 'acknowledged writes are')} lost, {within} the RPO"


def evidence(finding: Finding) -> str:
    """What was expected, and what was seen instead."""
    return words.sentence(f"expected {finding.expected}; saw {finding.seen}")


def next_step(finding: Finding) -> str:
    """What to do about a finding; evidence that is missing can always be had by another drill."""
    if finding.next_step or finding.weight is not Verdict.UNKNOWN:
        return words.sentence(finding.next_step)
    return "Mend what kept the evidence away, then run the drill again."


def allowed_s(measurement: Measurement) -> float:
    """The longest RTA that can be HELD: the RTO, and at scaled timers also RTO × scale."""
    return min(measurement.objectives.rto_s, measurement.objectives.rto_s * measurement.timer_scale)


def rto_words(measurement: Measurement) -> str:
    """``RTO 30 min``, and with scaled timers what that comes to: ``RTO 30 min × 0.1 = 3 min``."""
    rto = f"RTO {words.span(measurement.objectives.rto_s)}"
    if allowed_s(measurement) == measurement.objectives.rto_s:
        return rto
    return f"{rto} × {measurement.timer_scale:g} = {words.span(allowed_s(measurement))}"


def figures(measurement: Measurement) -> tuple[Figure, ...]:
    """The large figures: RTA, RPA, lost writes; then what the drill is about, or else floor and excess."""
    usual = recovery_time(measurement), recovery_point(measurement), lost_writes(measurement)
    return (*usual, *(special(measurement) or (floor(measurement),)))


def recovery_time(measurement: Measurement) -> Figure:
    """RTA against RTO, with the bounds of the probe that was judged."""
    label, rta_s, asked = "Recovery time actual (RTA)", measurement.rta_s, rto_words(measurement)
    judged = judged_time(measurement)
    if rta_s is None:
        missing = words.sentence(judged.why) if judged and judged.why else "No probe tells it."
        beyond = judged is not None and (judged.lower_s or 0) > measurement.objectives.rto_s
        tone = Tone.BAD if beyond else Tone.DOUBT
        return Figure(label, "unknown", tone, f"cannot be held against {asked}", (missing, *_bounds(judged)))
    value = words.against(rta_s, allowed_s(measurement))
    if rta_s <= allowed_s(measurement):
        return Figure(label, value, Tone.GOOD, f"within {asked}", _bounds(judged) or ("no probe failed",))
    if rta_s <= measurement.objectives.rto_s:
        return Figure(label, value, Tone.DOUBT, f"longer than {asked}: not shown to hold", _bounds(judged))
    return Figure(label, value, Tone.BAD, f"misses {asked}", _bounds(judged))


def judged_time(measurement: Measurement) -> RecoveryTime | None:
    """The recovery time that the RTO judges: of fresh writes and fresh reads the unknown one, else the later."""
    fresh = [each for each in measurement.recovery_times if each.client == "fresh"]
    unknown = next((each for each in fresh if each.rta_s is None), None)
    return unknown or max(fresh, key=lambda each: each.rta_s or 0, default=None)


def _bounds(judged: RecoveryTime | None) -> tuple[str, ...]:
    if judged is None or judged.rta_s == 0 or judged.lower_s is None:
        return ()
    upper = f"at most {words.duration(judged.upper_s, 1)}" if judged.upper_s is not None else "with no upper bound"
    return (f"at least {words.duration(judged.lower_s, 1)}, {upper}", f"told by {judged.target} probes")


def recovery_point(measurement: Measurement) -> Figure:
    """RPA against RPO, with what the other witnesses say of it."""
    point, rpo_s = measurement.recovery_point, measurement.objectives.rpo_s
    label, asked = "Recovery point actual (RPA)", f"RPO {words.span(rpo_s)}"
    witnesses = f"WAL {point.wal.value}, replica lag {point.lag.value}"
    if point.rpa_s is None:
        missing = words.sentence(point.why or "the ledger does not tell it")
        return Figure(label, "unknown", Tone.DOUBT, f"cannot be held against {asked}", (missing, witnesses))
    within = point.rpa_s <= rpo_s
    value = words.against(point.rpa_s, rpo_s)
    tone, standing = (Tone.GOOD, f"within {asked}") if within else (Tone.BAD, f"misses {asked}")
    return Figure(label, value, tone, standing, (witnesses, *_straddling(point.straddling)))


def _straddling(writes: int) -> tuple[str, ...]:
    return (f"{words.counted(writes, 'write')} at the very edge, listed and not called exact",) if writes else ()


def lost_writes(measurement: Measurement) -> Figure:
    """How many acknowledged writes are not there any more; as long as the RPA is unknown, that number is too."""
    point, label = measurement.recovery_point, "Acknowledged writes lost"
    of = f"of {words.count(measurement.acknowledged)} acknowledged"
    if point.rpa_s is None:
        missing = (f"{words.count(point.lost)} were not found, which proves nothing",) if point.lost else ()
        return Figure(label, "unknown", Tone.DOUBT, "the survivor does not tell", (of, *missing))
    if not point.lost:
        return Figure(label, "none", Tone.GOOD, of)
    tone = Tone.PLAIN if point.rpa_s <= measurement.objectives.rpo_s else Tone.BAD
    part = (words.share(point.lost, measurement.acknowledged),) if measurement.acknowledged else ()
    weigh = () if point.lost_bytes is None else (f"{words.size(point.lost_bytes)} of payload",)
    return Figure(label, words.count(point.lost), tone, of, (*part, *weigh))


def floor(measurement: Measurement) -> Figure:
    """The least that the configuration dictates, and what the RTA is above it."""
    label, least = "Floor, set by configuration", measurement.floor
    if least.floor_s is None:
        return Figure(label, "unknown", Tone.QUIET, words.sentence(least.why or "the plan does not tell it"))
    if measurement.excess_s is None:
        return Figure(label, words.duration(least.floor_s), Tone.PLAIN, "no RTA to hold it against")
    above = "below it" if measurement.excess_s < 0 else "above it (excess)"
    excess = f"{words.duration(abs(measurement.excess_s))} {above}" if measurement.excess_s else "equal to it"
    return Figure(label, words.duration(least.floor_s), Tone.PLAIN, f"RTA is {excess}")
