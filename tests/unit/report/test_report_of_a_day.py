"""However long a drill was, its report stays small: what is drawn and listed is chosen, and what is not is counted."""

import pytest
from records import SECONDARY, DrillBuilder

from gameday.facts import Kind
from gameday.measure.judge import judge
from gameday.report.charts import time_axis
from gameday.report.html import render

DAY_S = 86_400.0
LARGEST_BYTES = 2_500_000


def day() -> DrillBuilder:
    """Probes of every kind every 10 s for 24 h, an hour of outage, a lag sampled throughout, tasks that come and go."""
    drill = DrillBuilder(end_s=DAY_S).promoted(3_000.0)
    for client in ("fresh", "kept"):
        drill.probes(bad=(0.0, 3_600.0), client=client, span=(-90.0, DAY_S), every_s=10.0)
    for number in range(int(DAY_S / 60)):
        at_s = number * 60.0
        drill.event(Kind.LAG, "1", at_s, SECONDARY, lag_s=1.0 + number % 7)
        drill.event(Kind.TASKS, f"{number % 2 + 1}/2", at_s, SECONDARY, running=number % 2 + 1, desired=2)
    for number in range(1_500):
        drill.write(f"lost-{number:05}", -80.0 + number * 0.05, there=False)
    return drill


def test_the_report_of_a_day_is_small_and_tells_what_it_leaves_out(tmp_path):
    record = day().record(tmp_path)
    found = judge(record)
    record.write_measurement(found)
    page = render(record)
    assert len(found.buckets) <= 4 * 240
    assert found.buckets[-1].at_s >= DAY_S - 600  # drawn to its end
    assert sum(each.scheduled for each in found.buckets) == 4 * 8_649  # and no probe is left out of a slice
    assert page.stat().st_size <= LARGEST_BYTES
    assert "later events stand in the record only" in page.read_text()


@pytest.mark.parametrize("days", [1, 13, 15, 60, 106_751])
def test_however_far_a_damaged_stamp_reaches_an_axis_has_some_marks_and_not_one_for_each_day(days):
    marks = time_axis((-90.0, days * DAY_S), shown=True).to_dict()["axis"]["values"]
    assert 5 <= len(marks) <= 15
