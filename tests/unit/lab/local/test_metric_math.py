"""Metric math: what is evaluated, what is missing, and what is refused."""

import pytest

from gameday.lab.local.metric_math import evaluated, metrics_of

SHARE = "100 * (FILL(targets, 0) + FILL(balancer, 0)) / requests"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("m1", 6),
        ("m1 + m2", 10),
        ("m1 - m2 - 1", 1),
        ("m1 * m2 / 3", 8),
        ("2 + m1 * m2", 26),
        ("(2 + m1) * m2", 32),
        ("-m1 + .5", -5.5),
        ("ABS(m2 - m1)", 2),
        ("FILL(m1, 0)", 6),
        ("  m1\n  +\n  m2  ", 10),
    ],
)
def test_arithmetic_is_arithmetic(expression: str, value: float) -> None:
    assert evaluated(expression, {"m1": 6, "m2": 4}) == value


@pytest.mark.parametrize("expression", ["m1", "-m1", "m1 + 1", "0 * m1", "m2 / m1", "ABS(m1)"])
def test_what_is_computed_from_a_missing_value_is_missing(expression: str) -> None:
    assert evaluated(expression, {"m1": None, "m2": 4}) is None


@pytest.mark.parametrize(("instead", "value"), [("0", 0), ("-1", -1), ("m2", 4), ("m3", None)])
def test_a_missing_value_can_be_filled(instead: str, value: float | None) -> None:
    assert evaluated(f"FILL(m1, {instead})", {"m1": None, "m2": 4, "m3": None}) == value


def test_a_division_by_zero_is_missing() -> None:
    assert evaluated("m1 / m2", {"m1": 1, "m2": 0}) is None


def test_a_share_of_errors() -> None:
    assert evaluated(SHARE, {"targets": None, "balancer": None, "requests": 40}) == 0
    assert evaluated(SHARE, {"targets": 2, "balancer": None, "requests": 40}) == 5
    assert evaluated(SHARE, {"targets": 2, "balancer": 6, "requests": 40}) == 20
    assert evaluated(SHARE, {"targets": None, "balancer": 6, "requests": None}) is None


def test_an_expression_names_its_metrics_and_not_its_functions() -> None:
    assert metrics_of(SHARE) == {"targets", "balancer", "requests"}
    assert metrics_of("5") == frozenset()


@pytest.mark.parametrize(
    "expression",
    [
        "", "m1 +", "m1 ^ 2", "m1 ** 2", "m1 // 2", "m1 % 2", "+m1", "m1 > 5", "IF(m1, 1, 0)", "SUM(METRICS())",
        "SEARCH('{AWS/ECS}', 'Sum')", "ABS(m1, m2)", "ABS(*m1)", "FILL(m1)", "FILL(m1, n=0)", "m1.real", "m1[0]",
        "m1 if m2 else 0", "[m1, m2]", "m1, m2", "True", "1j", "m1 # m2", "(lambda: m1)()", "in + 1",
        "ABS(m1)(m2)",
    ],
)  # fmt: skip
def test_anything_else_is_not_evaluated(expression: str) -> None:
    assert metrics_of(expression) is None


def test_words_of_cloudwatch_that_are_unknown_here_are_metrics_that_nobody_has() -> None:
    assert metrics_of("FILL(m1, REPEAT)") == {"m1", "REPEAT"}
    assert metrics_of("m1 + ABS") == {"m1", "ABS"}
