"""Where nobody was promoted, it is said that one region alone took writes; and never where it did not."""

import pytest
from records import SECONDARY, DrillBuilder, told

from gameday.facts import Kind, Verdict
from gameday.measure.judge import judge

ONE = "no write was accepted by two primaries"


def partitioned(role="replica"):
    drill = DrillBuilder().probes().write("a", -5).write("b", 5)
    return drill.event(Kind.DATABASE, "available", -9, SECONDARY, role=role)


def test_one_region_took_every_write_and_the_other_stayed_a_replica(tmp_path):
    found = judge(partitioned().record(tmp_path))
    assert ONE in told(found, Verdict.HELD)


@pytest.mark.parametrize(
    "drill",
    [
        partitioned().write("c", 6, region=SECONDARY),
        partitioned().event(Kind.DATABASE, "available", 5, SECONDARY, role="primary"),
        partitioned("gone"),
        partitioned().event(Kind.DATABASE, "failed", 5, SECONDARY, role="replica"),
        DrillBuilder().probes().write("a", -5),  # nobody looked at the standby
    ],
)
def test_anything_else_is_not_called_one_primary(tmp_path, drill):
    assert ONE not in told(judge(drill.record(tmp_path)), Verdict.HELD)


def test_a_drill_that_failed_over_says_nothing_of_the_kind(tmp_path):
    drill = partitioned().promoted(3).write("c", 6, region=SECONDARY).commits()
    assert ONE not in told(judge(drill.record(tmp_path)), Verdict.HELD)
