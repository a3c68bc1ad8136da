"""A call that changes something, and that a stop or a kill cut off, may land after its undo step has looked."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from fence_stage import EAST, Account, Stub, Turning, lab_on

from gameday.clock import HandClock
from gameday.errors import FaultError
from gameday.faults.acls import subnet_acl
from gameday.faults.replay import fence_and_replay, replay
from gameday.faults.task_loss import service_runs
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import LANDS_WITHIN_S, UndoJournal, UndoStep

STEP = subnet_acl(EAST, "subnet", "acl")


@dataclass
class Network(Account):
    """One subnet, whose ACL can be changed, and cannot while ``is_refused``."""

    acl: str = "acl"
    is_refused: bool = False
    restored: list[str] = field(default_factory=list)

    def client(self, service: str, region: str) -> Stub:
        return Subnet(self, region)


class Subnet(Stub):
    account: Network

    def describe_network_acls(self, **_: Any) -> dict[str, Any]:
        if self.account.is_refused:
            raise FaultError("an answer", "none", "ask again")
        one = {"SubnetId": "subnet", "NetworkAclId": self.account.acl, "NetworkAclAssociationId": "a"}
        return {"NetworkAcls": [{"Associations": [one]}]}

    def replace_network_acl_association(self, *, NetworkAclId: str, **_: Any) -> None:
        self.account.restored.append(self.account.acl)
        self.account.acl = NetworkAclId


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def of_the_dead(record: Record, clock: HandClock) -> Iterator[UndoJournal]:
    """The journal as the warden reads it a second after a drill wrote a step and was killed."""
    theirs = UndoJournal(record.undo, clock)
    theirs.before(STEP)
    theirs.close()
    clock.sleep(1)
    ours = UndoJournal(record.undo, clock)
    yield ours
    ours.close()


def test_a_mutation_that_lands_after_the_first_look_is_taken_back_too(
    of_the_dead: UndoJournal, timeline: Timeline
) -> None:
    network = Network()
    landing = Turning(1.5, partial(setattr, network, "acl", "deny"))
    fence_and_replay(of_the_dead, lab_on(network), timeline, landing)
    assert (network.acl, network.restored, of_the_dead.open_steps()) == ("acl", ["deny"], [])


def test_what_landed_before_is_taken_back_at_once(of_the_dead: UndoJournal) -> None:
    network = Network(acl="deny")
    while_it_waits: list[str] = []
    replay(of_the_dead, lab_on(network), Turning(0, lambda: while_it_waits.append(network.acl)))
    assert while_it_waits[0] == "acl"


def test_a_step_stays_open_until_its_mutation_has_surely_landed(of_the_dead: UndoJournal) -> None:
    network = Network(acl="deny")
    seen: list[list[tuple[int, UndoStep]]] = []
    replay(of_the_dead, lab_on(network), Turning(0, lambda: seen.append(of_the_dead.open_steps())))
    assert set(map(len, seen)) == {1}
    assert of_the_dead.open_steps() == []


def test_a_second_try_that_fails_is_told_and_leaves_the_step_open(of_the_dead: UndoJournal) -> None:
    network = Network()
    refusing = Turning(1, partial(setattr, network, "is_refused", True))
    with pytest.raises(FaultError, match="every step taken back"):
        replay(of_the_dead, lab_on(network), refusing)
    assert len(of_the_dead.open_steps()) == 1


def test_a_first_try_that_fails_is_tried_again(of_the_dead: UndoJournal) -> None:
    network = Network(acl="deny", is_refused=True)
    replay(of_the_dead, lab_on(network), Turning(1, partial(setattr, network, "is_refused", False)))
    assert (network.acl, of_the_dead.open_steps()) == ("acl", [])


def test_who_was_killed_long_ago_has_nothing_in_flight(of_the_dead: UndoJournal, clock: HandClock) -> None:
    assert of_the_dead.in_flight() == {1: LANDS_WITHIN_S - 1}
    clock.sleep(LANDS_WITHIN_S - 1)
    assert of_the_dead.in_flight() == {}


def test_the_steps_of_another_boot_have_landed(of_the_dead: UndoJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.record.undo.boot_id", lambda: "another")
    assert of_the_dead.in_flight() == {}


def test_only_what_was_cut_off_is_in_flight_for_its_own_writer(record: Record, clock: HandClock) -> None:
    undo = UndoJournal(record.undo, clock)
    with undo.mutating():
        undo.before(STEP)
    with pytest.raises(KeyboardInterrupt), undo.mutating():
        undo.before(service_runs(EAST))
        raise KeyboardInterrupt
    assert undo.in_flight() == {2: LANDS_WITHIN_S}
    undo.done(2, service_runs(EAST))
    assert undo.in_flight() == {}
    undo.close()


def test_what_was_answered_is_done_at_once(record: Record, clock: HandClock) -> None:
    undo, network = UndoJournal(record.undo, clock), Network(acl="deny")
    undo.before(STEP)
    replay(undo, lab_on(network), clock)
    assert (clock.now_ns, undo.open_steps()) == (0, [])
    undo.close()
