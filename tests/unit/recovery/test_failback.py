"""The failback's steps on two regions in memory: what it calls, in which order, and what stops it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pair_stage import EAST, WEST, Pair, reachable

from gameday.clock import HandClock
from gameday.errors import RunbookError
from gameday.record.layout import Record
from gameday.record.timeline import Timeline, UnwrittenTimeline
from gameday.recovery import RUNBOOKS, runbook
from gameday.recovery.resuming import steps_from
from gameday.recovery.runbook import Check, Scene, walk
from gameday.recovery.shown import NOT_LOOKED_AT, seen_now

pytestmark = pytest.mark.parts
BOOK = runbook("failback")
IN_ORDER = [
    f"delete in {EAST}", f"replicate in {EAST}", f"open sg-db-{EAST} in {EAST}", f"scale to 2 in {EAST}",
    f"scale to 0 in {WEST}", f"promote in {EAST}", "return the name in us-east-1", f"delete in {WEST}",
    f"replicate in {WEST}", f"scale to 1 in {WEST}",
]  # fmt: skip


@pytest.fixture
def pair() -> Iterator[Pair]:
    with reachable(Pair()) as regions:
        yield regions


@pytest.fixture
def walked(pair: Pair, tmp_path: Path) -> Callable[..., Scene]:
    def go(start: str | None = None, **options: str) -> Scene:
        timeline = Timeline(Record.create(tmp_path, "failback"))
        scene = Scene.of(BOOK, pair.lab(), timeline, options)
        try:
            walk(BOOK, scene, steps_from(BOOK, start), HandClock())
        finally:
            timeline.close()
        return scene

    return go


def test_it_rebuilds_switches_and_protects_in_this_order(pair: Pair, walked: Callable[..., Scene]) -> None:
    walked()
    assert pair.called == IN_ORDER
    assert pair.points_at == EAST
    east, west = pair.regions[EAST], pair.regions[WEST]
    assert (east.tasks, west.tasks, east.writes, west.writes) == (2, 1, True, False)


def test_what_was_rebuilt_is_as_it_was(pair: Pair, walked: Callable[..., Scene]) -> None:
    before = {region: dict(one.database or {}) for region, one in pair.regions.items()}
    walked()
    for region, one in pair.regions.items():
        assert one.database is not None
        for key in ("DBInstanceIdentifier", "KmsKeyId", "VpcSecurityGroups", "Endpoint"):
            assert one.database[key] == before[region][key]
        assert one.database["TagList"] == [{"Key": "gameday:target", "Value": "true"}]
        assert len(one.snapshots) == 1
    assert pair.regions[EAST].database["BackupRetentionPeriod"] == 7
    follows = pair.regions[WEST].database["ReadReplicaSourceDBInstanceIdentifier"]
    assert follows == f"arn:aws:rds:{EAST}:1:db:gameday-primary"


def test_the_number_of_tasks_may_be_said(pair: Pair, walked: Callable[..., Scene]) -> None:
    walked(tasks="4", standby_tasks="3")
    assert (pair.regions[EAST].tasks, pair.regions[WEST].tasks) == (4, 3)


def test_an_endpoint_that_changed_is_rewritten(pair: Pair, walked: Callable[..., Scene]) -> None:
    pair.regions[EAST].secret["host"] = "elsewhere"
    walked()
    assert f"rewrite the endpoint in {EAST}" in pair.called
    assert pair.regions[EAST].secret == {"host": f"gameday-primary.{EAST}", "port": 5432, "dbname": "app"}


def dark(pair: Pair) -> None:
    pair.regions[EAST].is_dark = True


def unfenced(pair: Pair) -> None:
    pair.regions[EAST].tasks = 1


def unlatched(pair: Pair) -> None:
    pair.points_at = EAST


def failing_over(pair: Pair) -> None:
    pair.execution = "RUNNING"


def about_to_fail_over(pair: Pair) -> None:
    pair.alarm = "OK"


def just_went_off(pair: Pair) -> None:
    pair.alarm_age_s = -600  # whatever the wait, it went off a moment ago


def standby_is_down(pair: Pair) -> None:
    pair.regions[WEST].tasks = 0


def dead_database(pair: Pair) -> None:
    pair.regions[EAST].database["DBInstanceStatus"] = "failed"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (dark, "the primary region answers"),
        (dead_database, "its database runs, and is not a replica"),
        (unfenced, "it is fenced"),
        (standby_is_down, "the standby region serves"),
        (unlatched, "the PRIMARY record is latched"),
        (failing_over, "no failover runs, and none will start"),
        (about_to_fail_over, "no failover runs, and none will start"),
        (just_went_off, "no failover runs, and none will start"),
    ],
)
def test_it_does_not_begin_while_the_outage_or_its_failover_lasts(
    pair: Pair, walked: Callable[..., Scene], spoil: Callable[[Pair], None], told: str
) -> None:
    spoil(pair)
    with pytest.raises(RunbookError) as stopped:
        walked()
    assert stopped.value.expected.startswith(told)
    assert "nothing was called" in stopped.value.seen
    assert pair.called == []


def test_what_is_no_replica_is_not_promoted(pair: Pair, walked: Callable[..., Scene]) -> None:
    with pytest.raises(RunbookError, match="it is a replica; saw gameday-primary is primary"):
        walked("promote-the-primary")
    assert pair.called == []


def test_a_database_that_parted_from_the_truth_is_not_opened(pair: Pair, walked: Callable[..., Scene]) -> None:
    with pytest.raises(RunbookError, match="do not open it"):
        walked("open-the-primarys-database")
    assert pair.called == []


def test_while_the_replica_is_behind_nobody_is_drained(pair: Pair, walked: Callable[..., Scene]) -> None:
    pair.lag_s = 30.0
    with pytest.raises(RunbookError, match="lag is 1 s at most"):
        walked()
    assert pair.called == IN_ORDER[:2]


def test_a_lag_that_was_sampled_before_the_replica_was_made_is_another_ones(
    pair: Pair, walked: Callable[..., Scene]
) -> None:
    pair.sample_age_s = 600
    with pytest.raises(RunbookError, match="no sample of its lag since it was made"):
        walked()
    assert pair.called == IN_ORDER[:2]


def test_a_replica_that_does_not_hold_everything_is_not_promoted(pair: Pair) -> None:
    """The stub's last task stopped 30 s ago, so a lag of 40 s proves too little, and one of 20 s enough."""
    pair.regions[WEST].tasks = 0
    drained, replayed = next(step.after for step in BOOK.steps if step.name == "drain-the-standby")
    for lag_s, is_met in ((40.0, False), (20.0, True)):
        pair.lag_s = lag_s
        scene = Scene(pair.lab(), Timeline(Record(Path("nowhere"))))
        drained.look(scene)
        assert replayed.is_met(replayed.look(scene)) == is_met


def test_a_protected_database_is_not_deleted(pair: Pair, walked: Callable[..., Scene]) -> None:
    pair.regions[EAST].database["DeletionProtection"] = True
    with pytest.raises(RunbookError, match="protected from deletion"):
        walked()
    assert pair.called == []


def looks_of(name: str) -> list[Check]:
    return [check for step in runbook(name).steps for check in (*step.before, *step.after)]


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_look_that_says_nothing_of_writing_writes_nothing(name: str, pair: Pair) -> None:
    """/dbcheck counts one write more; everything else only reads, and may be looked at where nothing may be changed."""
    options = {one.name: one.usual or "" for one in runbook(name).options}
    scene = Scene(pair.lab(), UnwrittenTimeline(), options)
    for check in looks_of(name):
        with contextlib.suppress(Exception):  # the pair in memory answers what a failback asks, and little else
            seen_now(check, scene)
    asked = [path for region in pair.regions.values() for path in region.asked]
    assert "/dbcheck" not in asked
    assert pair.called == []
    assert ("/healthz" in asked) == (name == "failback"), "it was looked at"


def test_where_a_failback_is_only_shown_the_checks_that_write_say_when_they_are_looked_at(pair: Pair) -> None:
    scene = Scene(pair.lab(), UnwrittenTimeline(), {"tasks": "2", "standby_tasks": "1"})
    told = {check.what: seen_now(check, scene) for check in looks_of("failback")}
    assert [what for what, seen in told.items() if seen == NOT_LOOKED_AT] == [
        "the standby region serves",
        "the primary region's service writes and reads it (/dbcheck)",
        "its service writes and reads (/dbcheck)",
    ]
    assert told["the primary region answers"] == "HTTP 503 (met)"
