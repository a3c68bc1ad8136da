"""One primary: where nobody was promoted, only one region may have taken writes, and the other stayed a replica."""

from collections.abc import Iterator

from gameday.facts import Finding, Kind, Verdict
from gameday.measure.case import Case
from gameday.measure.missing import WORKING


def one_primary_throughout(case: Case) -> Iterator[Finding]:
    """No write was accepted by two primaries, because there was one: told where a fault led to no promotion.

    The standby must have been seen as a replica that works, and as nothing else, and every acknowledgement must be the
    primary region's. What else there is, :mod:`gameday.measure.missing` and the split brain's rule have told already.
    """
    evidence, plan = case.evidence, case.plan
    if evidence.fault is None or evidence.promotion is not None:
        return
    roles = [e for e in evidence.events if e.kind is Kind.DATABASE and e.region == plan.secondary]
    acks = evidence.ledger.only_acknowledged_by_the_primary()
    stayed = all(e.detail.get("role") == "replica" and e.what in WORKING for e in roles)
    if roles and stayed and acks:
        yield Finding(
            Verdict.HELD,
            "no write was accepted by two primaries",
            f"{plan.primary} alone to acknowledge writes, and {plan.secondary}'s database to stay a replica",
            f"{acks} acknowledgements of {plan.primary}, and a replica throughout",
        )
