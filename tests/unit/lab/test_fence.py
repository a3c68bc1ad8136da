"""Who is fenced: a region that lost the place of the primary, or may lose it at any moment; and nobody else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fence_stage import EAST, FAILING, GOOD, WEST, Account, ThrottledAccount, Turning, lab_on

from gameday.clock import NS, HandClock
from gameday.errors import FaultError
from gameday.lab import status
from gameday.lab.fence import NOT_NEEDED, fence, fence_if_a_failover_follows, was_replaced
from gameday.record.layout import Record
from gameday.record.timeline import Timeline


def test_a_primary_whose_standby_is_still_a_replica_was_not_replaced() -> None:
    assert not was_replaced(lab_on(Account()), EAST)


@pytest.mark.parametrize("standby", [("primary", "available"), ("replica", "modifying"), ("primary", "modifying")])
def test_a_primary_whose_standby_was_or_is_being_promoted_was_replaced(standby: tuple[str, str]) -> None:
    assert was_replaced(lab_on(Account({EAST: ("primary", "available"), WEST: standby})), EAST)


@pytest.mark.parametrize("standby", [("gone", "gone"), ("replica", "failed"), ("replica", "creating")])
def test_a_primary_whose_replica_was_lost_was_not_replaced_by_it(standby: tuple[str, str]) -> None:
    assert not was_replaced(lab_on(Account({EAST: ("primary", "available"), WEST: standby})), EAST)


def test_a_failover_that_runs_may_promote_at_any_moment() -> None:
    assert was_replaced(lab_on(Account(execution="RUNNING")), EAST)
    assert not was_replaced(lab_on(Account(execution="FAILED")), EAST)


@pytest.mark.parametrize("newer", ["SUCCEEDED", "FAILED", "RUNNING"])
def test_a_failover_that_runs_is_seen_behind_a_newer_one(newer: str) -> None:
    lab = lab_on(Account(execution="RUNNING", newer_execution=newer))
    assert was_replaced(lab, EAST)
    assert (seen := status.execution(lab))
    assert (seen.arn, seen.status) == ("arn", "RUNNING")


@pytest.mark.parametrize("state", NOT_NEEDED)
def test_a_failover_that_decided_against_it_promotes_nobody(state: str) -> None:
    assert not was_replaced(lab_on(Account(execution="RUNNING", state=state)), EAST)
    assert was_replaced(lab_on(Account(execution="RUNNING", state=state, points_at=WEST)), EAST)


def test_a_primary_record_that_points_at_the_standby_is_a_failover_begun() -> None:
    assert was_replaced(lab_on(Account(points_at=WEST)), EAST)


def test_a_standby_whose_replica_is_gone_has_no_place_to_lose_unless_it_took_the_primarys() -> None:
    roles = {EAST: ("primary", "available"), WEST: ("gone", "gone")}
    assert not was_replaced(lab_on(Account(roles=roles)), WEST)
    assert was_replaced(lab_on(Account(roles=roles, points_at=WEST)), WEST)


def test_a_healthy_standby_has_no_place_to_lose() -> None:
    assert not was_replaced(lab_on(Account()), WEST)
    assert not was_replaced(lab_on(Account(execution="RUNNING", points_at=WEST)), WEST)


def failed_over(**more: Any) -> Account:
    """The old primary says primary of itself for ever; its health check stays unhealthy."""
    roles = {EAST: ("primary", "available"), WEST: ("primary", "available")}
    return Account(roles=roles, points_at=WEST, health=FAILING, **more)


@pytest.mark.parametrize("execution", [None, "RUNNING", "SUCCEEDED"])
def test_the_region_that_took_the_place_and_has_it_was_not_replaced(execution: str | None) -> None:
    lab = lab_on(failed_over(execution=execution))
    assert not was_replaced(lab, WEST)
    assert was_replaced(lab, EAST)


@pytest.mark.parametrize("state", [{"desired": 0}, {"points_at": EAST}])
def test_a_failback_that_drained_it_or_led_the_clients_away_replaces_the_region_that_took_the_place(
    state: dict[str, Any],
) -> None:
    account = failed_over()
    for name, value in state.items():
        setattr(account, name, value)
    assert was_replaced(lab_on(account), WEST)


@pytest.fixture
def timeline(tmp_path: Path) -> Iterator[Timeline]:
    timeline = Timeline(Record.create(tmp_path, "fence"))
    yield timeline
    timeline.close()


def test_a_failover_that_begins_after_the_healing_finds_the_old_primary_fenced(timeline: Timeline) -> None:
    account = Account(health=FAILING)
    clock = Turning(20.0, lambda: setattr(account, "execution", "RUNNING"))
    assert fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert (account.desired, account.ingress) == (0, [])


def test_a_failover_that_begins_and_finds_the_primary_healthy_again_leaves_it_unfenced(timeline: Timeline) -> None:
    account = Account(health=FAILING, state="CheckPrimaryHealth")
    told = iter(
        [
            {"execution": "RUNNING"},
            {"health": GOOD},
            {"state": NOT_NEEDED[0]},
            {"state": NOT_NEEDED[1]},
            {"execution": "SUCCEEDED"},
        ]
    )
    clock = Turning(20.0, lambda: [setattr(account, *each) for each in next(told, {}).items()])
    assert not fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert (account.desired, account.ingress) == (2, ["5432 from the tasks"])


def test_nobody_waits_for_a_decision_where_the_standby_has_the_place_already(timeline: Timeline) -> None:
    account = Account(health=FAILING, execution="RUNNING", state="CheckPrimaryHealth", points_at=WEST)
    clock = HandClock()
    assert fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert clock.now_ns / NS < 1


def test_a_failover_that_cannot_decide_finds_the_old_primary_fenced_in_the_end(timeline: Timeline) -> None:
    account, clock = Account(health=FAILING, execution="RUNNING", state="CheckPrimaryHealth"), HandClock()
    assert fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert account.desired == 0
    assert clock.now_ns / NS >= 60


def test_once_the_health_check_is_good_again_nothing_is_fenced(timeline: Timeline) -> None:
    account = Account(health=FAILING)
    clock = Turning(20.0, lambda: setattr(account, "health", GOOD))
    assert not fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert account.desired == 2
    assert 20 <= clock.now_ns / NS < 21


def test_a_check_that_stays_unhealthy_is_watched_for_twice_its_time_and_told(
    timeline: Timeline, tmp_path: Path
) -> None:
    account, clock = Account(health=FAILING), HandClock()
    assert not fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert 60 <= clock.now_ns / NS < 70
    assert "a failover may follow" in next(tmp_path.rglob("timeline.ndjson")).read_text()


def test_nobody_watches_the_region_that_took_the_place_for_a_failover(timeline: Timeline) -> None:
    account, clock = failed_over(), HandClock()
    assert not fence_if_a_failover_follows(lab_on(account), WEST, timeline, clock)
    assert (account.desired, clock.now_ns) == (2, HandClock().now_ns)


def test_a_look_that_is_throttled_ends_no_watch(timeline: Timeline) -> None:
    account = ThrottledAccount(health=FAILING, answers_after=3)
    clock = Turning(20.0, lambda: setattr(account, "execution", "RUNNING"))
    assert fence_if_a_failover_follows(lab_on(account), EAST, timeline, clock)
    assert account.desired == 0


def test_a_watch_that_saw_nothing_to_its_end_is_an_error(timeline: Timeline) -> None:
    clock = HandClock()
    with pytest.raises(ClientError, match="Throttling"):
        fence_if_a_failover_follows(lab_on(ThrottledAccount()), EAST, timeline, clock)
    assert 60 <= clock.now_ns / NS < 70


def test_a_fence_that_cannot_be_verified_is_a_fault_error_that_says_not_to_heal(timeline: Timeline) -> None:
    account = Account()
    account.ingress = Unrevokable(account.ingress)
    with pytest.raises(FaultError, match=r"fencing ap-southeast-2.*database_open_to=1.*Next: do not heal"):
        fence(lab_on(account), EAST, timeline, HandClock())


class Unrevokable(list[str]):
    def clear(self) -> None:
        """A rule that somebody puts back at once."""
