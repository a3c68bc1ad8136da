"""What a planned failover must show beside its recovery: that it was asked for, and that the standby was promoted.

Nothing was broken, so any loss is BROKEN whatever the RPO (``gameday.measure.verdict.loss_without_fault``). A switch
that was taken back lost nothing and has switched nothing: UNKNOWN.
"""

from collections.abc import Iterator

from gameday.facts import Finding, Kind
from gameday.measure.case import Case, unknown
from gameday.measure.moments import first

READ_THE_HISTORY = "read the execution's history: it says why, and what it undid"


def switch_not_made(case: Case) -> Iterator[Finding]:
    """A planned failover that was never asked for, or after which nobody saw a promoted standby."""
    evidence = case.evidence
    if not case.plan.switches:
        return
    if first(evidence.events, Kind.SWITCH) is None:
        yield unknown(
            "the planned failover was never asked for", "the switch on the timeline", "none", READ_THE_HISTORY
        )
    elif evidence.promotion is None:
        yield unknown(
            "the planned failover promoted nothing", "the standby's database promoted", "it was not", READ_THE_HISTORY
        )
