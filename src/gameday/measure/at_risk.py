"""Was somebody called before the RPO was at risk? The rule over the lag's alarm and what a loss would have cost."""

from collections.abc import Iterator

from gameday.facts import AlarmSeen, Exposure, Finding, Verdict
from gameday.measure.case import Case

LAG_ALARM = "gameday-replica-lag"  # of infra/stacks/observability.py


def called_before_the_rpo_was_at_risk(case: Case) -> Iterator[Finding]:
    """Where the alarm on the lag is expected, it must fire before the loss of the region would exceed the RPO.

    Its threshold and its periods shrink with the timers, so the RPO is multiplied by the scale as well; between that
    and the RPO itself nothing is shown: UNKNOWN. Without a sample of the lag nobody knows what was at risk: UNKNOWN.
    """
    alarm = next((each for each in case.alarms if each.name == LAG_ALARM and each.expected), None)
    if alarm is None or case.evidence.fault is None:
        return
    rpo_s = case.plan.objectives.rpo_s
    scaled_s = rpo_s * case.plan.timers.scale
    expected = f"the alarm {LAG_ALARM} before the replica is {scaled_s:g} s behind (RPO × timer scale)"
    worst_s = _worst_before(alarm, case.exposures)
    if worst_s is None:
        yield Finding(Verdict.UNKNOWN, "nobody knows what was at risk", "samples of the replica's lag", "none")
    elif worst_s <= scaled_s:
        seen = (
            f"at most {worst_s:.1f} s behind {'when it fired' if _fired(alarm) else 'throughout, and it stayed silent'}"
        )
        yield Finding(Verdict.HELD, "somebody was called before the RPO was at risk", expected, seen)
    else:
        weight = Verdict.BROKEN if worst_s > rpo_s else Verdict.UNKNOWN
        seen = f"{worst_s:.1f} s behind {'before it fired' if _fired(alarm) else 'and it never fired'}"
        yield Finding(weight, "the RPO was at risk before anybody was called", expected, seen, "lower its threshold")


def _worst_before(alarm: AlarmSeen, exposures: tuple[Exposure, ...]) -> float | None:
    """The largest lag until the alarm fired, or of all when it did not."""
    until_s = alarm.fired_at_s if alarm.fired_at_s is not None else float("inf")
    return max((each.lag_s for each in exposures if each.at_s <= until_s), default=None)


def _fired(alarm: AlarmSeen) -> bool:
    return alarm.fired_at_s is not None
