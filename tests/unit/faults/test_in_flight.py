"""A call that changes something, and that a stop or a kill cut off, may land after its undo step has looked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fence_stage import EAST, FAILING, WEST, Account, Stub, Turning, lab_on

from gameday.clock import NS, HandClock
from gameday.errors import FaultError
from gameday.faults import control_plane
from gameday.faults.acls import acl_gone, subnet_acl
from gameday.faults.replay import LANDS_WITHIN_S, SIGHT, WATCHED, fence_and_replay
from gameday.faults.task_loss import service_runs
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

STEP = subnet_acl(EAST, "subnet", "acl")


@dataclass
class Network(Account):
    """One subnet, whose ACL can be changed, and cannot while ``is_refused``."""

    acl: str = "acl"
    is_refused: bool = False
    is_blind: bool = False
    restored: list[str] = field(default_factory=list)
    when_restored: Callable[[], object] = lambda: None
    when_cleared: Callable[[], object] = lambda: None
    when_fenced: Callable[[], object] = lambda: None
    seen_when_restored: list[object] = field(default_factory=list)
    seen_when_cleared: list[object] = field(default_factory=list)

    def client(self, service: str, region: str) -> Stub:
        return Subnet(self, region)


class Subnet(Stub):
    account: Network

    def describe_network_acls(self, *, Filters: list[dict[str, Any]]) -> dict[str, Any]:
        if Filters[0]["Name"].startswith("tag:"):
            self.account.seen_when_cleared.append(self.account.when_cleared())
            return {"NetworkAcls": []}
        if self.account.is_refused:
            raise FaultError("an answer", "none", "ask again")
        one = {"SubnetId": "subnet", "NetworkAclId": self.account.acl, "NetworkAclAssociationId": "a"}
        return {"NetworkAcls": [{"Associations": [one]}]}

    def describe_db_instances(self, **of: Any) -> dict[str, Any]:
        if self.account.is_blind:
            raise ClientError({"Error": {"Code": "InternalFailure"}}, "DescribeDBInstances")
        return super().describe_db_instances(**of)

    def update_service(self, *, desiredCount: int, **_: Any) -> None:
        self.account.when_fenced()
        super().update_service(desiredCount=desiredCount)

    def replace_network_acl_association(self, *, NetworkAclId: str, **_: Any) -> None:
        self.account.restored.append(self.account.acl)
        self.account.seen_when_restored.append(self.account.when_restored())
        self.account.acl = NetworkAclId


@pytest.fixture
def of_the_dead(record: Record) -> Iterator[UndoJournal]:
    """The journal as the warden reads it, of a drill that was killed while it broke something."""
    theirs = UndoJournal(record.undo)
    theirs.before(STEP)
    theirs.close()
    ours = UndoJournal(record.undo)
    yield ours
    ours.close()


def test_a_mutation_that_lands_after_the_first_look_is_taken_back_too(
    of_the_dead: UndoJournal, timeline: Timeline
) -> None:
    network = Network()
    landing = Turning(LANDS_WITHIN_S - 0.5, partial(setattr, network, "acl", "deny"))
    fence_and_replay(of_the_dead, lab_on(network), timeline, landing)
    assert (network.acl, of_the_dead.open_steps()) == ("acl", [])
    assert "deny" in network.restored


def test_what_landed_before_is_taken_back_at_once_and_stays_open(of_the_dead: UndoJournal, timeline: Timeline) -> None:
    network = Network(acl="deny")
    seen: list[tuple[str, bool]] = []
    look = Turning(0, lambda: seen.append((network.acl, (1, STEP) in of_the_dead.open_steps())))
    fence_and_replay(of_the_dead, lab_on(network), timeline, look)
    assert set(seen) == {("acl", True)}
    assert of_the_dead.open_steps() == []


def test_a_second_try_that_fails_is_told_and_leaves_the_step_open(of_the_dead: UndoJournal, timeline: Timeline) -> None:
    network = Network()
    refusing = Turning(1, partial(setattr, network, "is_refused", True))
    with pytest.raises(FaultError, match="every step taken back"):
        fence_and_replay(of_the_dead, lab_on(network), timeline, refusing)
    assert of_the_dead.open_steps() == [(1, STEP)]


def test_a_first_try_that_fails_is_tried_again(of_the_dead: UndoJournal, timeline: Timeline) -> None:
    network = Network(acl="deny", is_refused=True)
    answering = Turning(1, partial(setattr, network, "is_refused", False))
    fence_and_replay(of_the_dead, lab_on(network), timeline, answering)
    assert (network.acl, of_the_dead.open_steps()) == ("acl", [])


def test_a_place_that_is_taken_while_it_waits_is_fenced_before_more_is_restored(
    of_the_dead: UndoJournal, timeline: Timeline
) -> None:
    network = Network()

    def landed_and_promoted() -> None:
        network.acl, network.points_at = "deny", WEST

    promoting = Turning(LANDS_WITHIN_S, landed_and_promoted)
    network.when_restored = lambda: (network.desired, list(network.ingress))
    fence_and_replay(of_the_dead, lab_on(network), timeline, promoting)
    assert network.seen_when_restored == [(0, [])]


def test_a_failover_that_follows_while_it_waits_is_fenced_for_at_once(
    of_the_dead: UndoJournal, timeline: Timeline
) -> None:
    network, fenced_after_s = Network(health=FAILING), list[float]()
    beginning = Turning(1, partial(setattr, network, "execution", "RUNNING"))
    network.when_fenced = lambda: fenced_after_s.append(beginning.now_ns / NS)
    fence_and_replay(of_the_dead, lab_on(network), timeline, beginning)
    assert 1 <= fenced_after_s[0] < LANDS_WITHIN_S


def test_a_failover_that_begins_and_decides_against_it_fences_nobody(
    of_the_dead: UndoJournal, timeline: Timeline
) -> None:
    """The network is back by then: it finds the primary healthy."""
    network = Network()

    def failover() -> None:
        is_over = deciding.now_ns > (LANDS_WITHIN_S + 2) * NS
        network.execution, network.state = ("SUCCEEDED", "Done") if is_over else ("RUNNING", "CheckPrimaryHealth")

    deciding = Turning(LANDS_WITHIN_S - 0.5, failover)
    fence_and_replay(of_the_dead, lab_on(network), timeline, deciding)
    assert (network.desired, network.execution) == (2, "SUCCEEDED")


def test_sight_is_given_back_twice_too(record: Record, timeline: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    undo, clock, calmed_at_ns = UndoJournal(record.undo), HandClock(), list[int]()
    monkeypatch.setitem(control_plane.TAKES_BACK, SIGHT, lambda lab, step: calmed_at_ns.append(clock.now_ns))
    undo.before(UndoStep(SIGHT, EAST))
    fence_and_replay(undo, lab_on(Network()), timeline, clock)
    assert (calmed_at_ns[0], calmed_at_ns[-1], undo.open_steps()) == (0, LANDS_WITHIN_S * NS, [])
    undo.close()


def test_who_is_blinded_while_it_waits_sees_again_before_anybody_is_fenced(
    record: Record, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    undo, network = UndoJournal(record.undo), Network()
    monkeypatch.setitem(control_plane.TAKES_BACK, SIGHT, lambda lab, step: setattr(network, "is_blind", False))
    undo.before(UndoStep(SIGHT, EAST))
    blinded = Turning(LANDS_WITHIN_S - 1, partial(setattr, network, "is_blind", True))
    fence_and_replay(undo, lab_on(network), timeline, blinded)
    assert (network.is_blind, undo.open_steps()) == (False, [])
    undo.close()


def test_nobody_clears_up_before_all_has_landed(record: Record, timeline: Timeline) -> None:
    """A subnet that is given an ACL which is gone meanwhile has none at all."""
    undo, network, clock = UndoJournal(record.undo), Network(), HandClock()
    undo.before(acl_gone(EAST, "vpc", "drill"))
    undo.before(STEP)
    network.when_cleared = clock.mono_ns
    fence_and_replay(undo, lab_on(network), timeline, clock)
    assert network.seen_when_cleared == [LANDS_WITHIN_S * NS]
    undo.close()


def test_what_was_answered_is_done_at_once(record: Record, timeline: Timeline) -> None:
    undo, network, clock = UndoJournal(record.undo), Network(acl="deny"), HandClock()
    undo.before(STEP)
    undo.answered()
    fence_and_replay(undo, lab_on(network), timeline, clock)
    assert (clock.now_ns, undo.open_steps()) == (0, [])
    undo.close()


def test_only_what_was_written_after_the_last_answer_is_unanswered(record: Record) -> None:
    undo = UndoJournal(record.undo)
    undo.before(STEP)
    undo.answered()
    undo.answered()
    undo.before(service_runs(EAST))
    assert undo.unanswered() == UndoJournal(record.undo).unanswered() == [(2, service_runs(EAST))]
    undo.done(2, service_runs(EAST))
    assert undo.unanswered() == []
    assert undo.open_steps() == [(1, STEP)]
    assert [line.ev for line in undo._read()] == ["before", "answered", "before", "done"]
    undo.close()


def test_a_watch_alone_has_nothing_under_way(record: Record, timeline: Timeline) -> None:
    undo, clock = UndoJournal(record.undo), HandClock()
    undo.before(UndoStep(WATCHED, EAST))
    fence_and_replay(undo, lab_on(Network()), timeline, clock)
    assert (clock.now_ns, undo.open_steps()) == (0, [])
    undo.close()
