"""How an alarm is judged: windows, statistics, missing data, m of n."""

from datetime import UTC, datetime, timedelta

import pytest

from gameday.lab.local.evaluation import Query, Rule, State, datapoints, judged, told
from gameday.lab.local.metrics import Sample

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=1)
OK, ALARM, NO_DATA = State.OK, State.ALARM, State.INSUFFICIENT_DATA
SERIES = ("AWS/Route53", "HealthCheckStatus", frozenset[tuple[str, str]]())
HEALTH = Query("m1", SERIES, "Maximum", 60)
DARK = Rule((HEALTH,), "m1", periods=2, to_alarm=2, comparison="LessThanThreshold", threshold=1)


def at(seconds_ago: float, value: float) -> Sample:
    return Sample(NOON - timedelta(seconds=seconds_ago), value, value, value, 1)


def state(rule: Rule, *samples: Sample, before: State = OK, born: datetime = LONG_AGO) -> State:
    return judged(rule, datapoints(rule, {"m1": samples}, NOON, born), before)


def with_(rule: Rule, **changed: object) -> Rule:
    import dataclasses

    return dataclasses.replace(rule, **changed)  # type: ignore[arg-type]


def test_two_windows_of_only_failures_are_an_alarm() -> None:
    assert state(DARK, at(119, 0), at(61, 0), at(1, 0)) is ALARM


def test_one_healthy_sample_in_either_window_is_none() -> None:
    assert state(DARK, at(119, 1), at(61, 0), at(1, 0), before=ALARM) is OK
    assert state(DARK, at(61, 0), at(30, 1), at(1, 0), before=ALARM) is OK


def test_a_sample_exactly_as_old_as_all_windows_no_longer_matters() -> None:
    assert state(DARK, at(120, 1), at(119, 0), at(1, 0)) is ALARM


@pytest.mark.parametrize(
    ("statistic", "value"), [("Maximum", 4), ("Minimum", 1), ("Average", 2.5), ("Sum", 5), ("SampleCount", 2)]
)
def test_every_plain_statistic_is_known(statistic: str, value: float) -> None:
    rule = with_(DARK, periods=1, to_alarm=1, queries=(Query("m1", SERIES, statistic, 60),))
    assert [point.value for point in datapoints(rule, {"m1": (at(2, 1), at(1, 4))}, NOON, LONG_AGO)] == [value]


@pytest.mark.parametrize(
    ("comparison", "value", "breaches"),
    [
        ("GreaterThanThreshold", 300, False),
        ("GreaterThanOrEqualToThreshold", 300, True),
        ("LessThanThreshold", 300, False),
        ("LessThanOrEqualToThreshold", 300, True),
    ],
)
def test_every_comparison_minds_its_border(comparison: str, value: float, breaches: bool) -> None:
    rule = with_(DARK, periods=1, to_alarm=1, comparison=comparison, threshold=300)
    assert (state(rule, at(1, value)) is ALARM) is breaches


@pytest.mark.parametrize(
    ("missing", "after"), [("breaching", ALARM), ("notBreaching", OK), ("missing", NO_DATA), ("ignore", ALARM)]
)
def test_silence_means_what_the_alarm_says_it_means(missing: str, after: State) -> None:
    assert state(with_(DARK, missing=missing), before=ALARM) is after


def test_what_half_the_windows_leave_open_stays_as_it_was() -> None:
    for before in (OK, ALARM, NO_DATA):
        assert state(DARK, at(1, 0), before=before) is before


def test_m_of_n_needs_only_m() -> None:
    rule = with_(DARK, periods=3, to_alarm=2)
    assert state(rule, at(170, 0), at(100, 1), at(10, 0)) is ALARM
    assert state(rule, at(170, 1), at(100, 1), at(10, 0)) is OK


def test_a_new_alarm_does_not_fire_for_having_no_past() -> None:
    rule = with_(DARK, missing="breaching")
    assert state(rule, before=NO_DATA, born=NOON - timedelta(seconds=119)) is NO_DATA
    assert state(rule, before=NO_DATA, born=NOON - timedelta(seconds=121)) is ALARM


def test_the_reason_names_the_windows_and_the_threshold() -> None:
    points = datapoints(DARK, {"m1": (at(61, 0), at(1, 0))}, NOON, LONG_AGO)
    assert told(DARK, points, OK, ALARM) == (
        "Threshold Crossed: 2 out of the last 2 datapoints [0 (23/11/26 11:58:00), 0 (23/11/26 11:59:00)] were "
        "less than the threshold (1) (minimum 2 datapoints for OK -> ALARM transition)."
    )
    assert told(DARK, points, OK, NO_DATA) == "Insufficient Data: 2 datapoints were unknown."


SHARE = Rule(
    (Query("errors", SERIES, "Sum", 60), Query("all", SERIES, "Sum", 60)), "100 * FILL(errors, 0) / all",
    periods=3, to_alarm=2, comparison="GreaterThanThreshold", threshold=5, missing="notBreaching",
)  # fmt: skip


def values(rule: Rule, **samples: tuple[Sample, ...]) -> list[float | None]:
    return [point.value for point in datapoints(rule, samples, NOON, LONG_AGO)]


def test_a_formula_is_evaluated_over_each_window() -> None:
    errors, all_ = (at(100, 1), at(95, 1), at(10, 5)), (at(170, 10), at(100, 20), at(10, 40), at(5, 10))
    assert values(SHARE, errors=errors, all=all_) == [0, 10, 10]


def test_a_formula_without_a_value_is_an_empty_window() -> None:
    assert values(SHARE, errors=(at(10, 5),), all=(at(170, 10),)) == [0, None, None]


@pytest.mark.parametrize(
    ("missing", "after"), [("breaching", ALARM), ("notBreaching", OK), ("missing", NO_DATA), ("ignore", ALARM)]
)
def test_a_formula_without_values_means_what_the_alarm_says_it_means(missing: str, after: State) -> None:
    rule = with_(SHARE, missing=missing)
    assert judged(rule, datapoints(rule, {"errors": (), "all": ()}, NOON, LONG_AGO), ALARM) is after


def test_each_metric_of_a_formula_has_its_own_statistic_and_period() -> None:
    queries = (Query("a", SERIES, "Sum", 60), Query("b", SERIES, "Maximum", 10))
    rule = with_(SHARE, queries=queries, expression="a - b", periods=1, to_alarm=1)
    samples = (at(59, 8), at(11, 4), at(9, 1), at(1, 2))
    assert values(rule, a=samples, b=samples) == [15 - 2]
    assert rule.range_s == 60
