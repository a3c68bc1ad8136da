"""A control plane in trouble can be healed: what restores sight comes before the fence, and nothing else does."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from control_plane import bare_ground
from fence_stage import EAST, WEST, Account, Stub, lab_on

from gameday.aws import Aws
from gameday.clock import HandClock
from gameday.errors import FaultError
from gameday.faults.acls import subnet_acl
from gameday.faults.control_plane import control_plane_calm
from gameday.faults.replay import WATCHED, fence_and_replay
from gameday.lab.local.gate import Rule, gate_routes
from gameday.lab.local.server import Server, serve
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

ROUTE = "calm-control-plane"


@dataclass
class Guarded(Stub):
    """Who asks for databases goes through the lab's own door first."""

    door: Aws

    def describe_db_instances(self, **of: Any) -> dict[str, Any]:
        self.door.client("rds", self.region, attempts=1).describe_db_instances()
        return super().describe_db_instances(**of)


class GuardedAccount(Account):
    door: Aws

    @property
    def endpoint_url(self) -> str:
        return self.door.endpoint_url or ""

    def client(self, service: str, region: str) -> Stub:
        return Guarded(self, region, self.door)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serve(bare_ground(tmp_path)) as server:
        server.routes.update(gate_routes(server.gate))
        yield server


@pytest.fixture
def account(server: Server) -> GuardedAccount:
    """The standby was promoted."""
    account = GuardedAccount(points_at=WEST)
    account.door = Aws(server.endpoint_url)
    return account


@pytest.mark.parametrize("rule", [Rule("*", EAST, error_share=1.0), Rule("rds", EAST, blackout=True)])
def test_databases_that_cannot_be_asked_for_are_healed_and_fenced(
    server: Server, account: GuardedAccount, undo: UndoJournal, timeline: Timeline, rule: Rule
) -> None:
    server.gate.apply(rule)
    for step in (subnet_acl(EAST, "subnet", "acl"), control_plane_calm(EAST, rule.service)):
        undo.before(step)
    assert fence_and_replay(undo, lab_on(account), timeline, HandClock()) == 2
    assert (server.gate.rules(), undo.open_steps()) == ((), [])
    assert (account.desired, account.ingress) == (0, [])


def test_a_trouble_that_cannot_be_ended_restores_nothing_else_and_says_why(
    server: Server, account: GuardedAccount, undo: UndoJournal, timeline: Timeline
) -> None:
    server.gate.apply(Rule("*", EAST, error_share=1.0))
    del server.routes[ROUTE]
    steps = [subnet_acl(EAST, "subnet", "acl"), control_plane_calm(EAST, "*")]
    for step in steps:
        undo.before(step)
    with pytest.raises((BotoCoreError, ClientError)) as told:
        fence_and_replay(undo, lab_on(account), timeline, HandClock())
    assert "not even sight was restored: step 2 (control_plane_calm" in told.value.__notes__[0]
    assert [step for _, step in reversed(undo.open_steps())] == [*steps, UndoStep(WATCHED, EAST)]


def test_a_trouble_that_cannot_be_ended_and_lets_all_be_seen_is_raised_after_the_rest(
    server: Server, account: GuardedAccount, undo: UndoJournal, timeline: Timeline
) -> None:
    del server.routes[ROUTE]
    for step in (subnet_acl(EAST, "subnet", "acl"), control_plane_calm(EAST, "ecs")):
        undo.before(step)
    with pytest.raises(FaultError, match=r"every step taken back.*control_plane_calm"):
        fence_and_replay(undo, lab_on(account), timeline, HandClock())
    assert [step.intent for _, step in undo.open_steps()] == ["control_plane_calm"]
