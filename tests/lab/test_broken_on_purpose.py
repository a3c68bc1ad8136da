"""One recovery step is broken on purpose: the drill that meets it is BROKEN or UNKNOWN, and never HELD.

The lab is the drill's own; between its coming up and the fault its deployment is altered by the same AWS call that an
operator's mistake would be: another definition of the state machine. A rule that is disabled is in test_bad_input.py.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gameday.drill import Drill
from gameday.facts import Event, Kind, Measurement, Objectives, Verdict
from gameday.faults import RegionOutage
from gameday.lab.model import Lab
from gameday.load.plan import LoadPlan
from gameday.preparing import LabChoice
from gameday.record.layout import Record
from gameday.record.lines import Damage, LineWriter
from gameday.seen import Awaited
from gameday.world import RealWorld

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]

PRIMARY = "ap-southeast-2"
NOWHERE = {"host": "nobody.invalid", "port": 5432, "dbname": "app"}
LOAD = LoadPlan(users=5, writes_per_s=40, reads_per_s=40, patience_s=1)  # a window of 200 probes takes 5 s
READ_BACK_WITHIN_S = 2.0  # where no database takes writes, waiting longer for one shows nothing more

type States = dict[str, Any]
type Sabotage = Callable[[Lab], None]

FAILOVER_ENDED = Awaited("the failover to end", lambda seen: bool(seen.executions) and not seen.failing_over)


@dataclass
class Sabotaged(RealWorld):
    """The real world, but for one thing that is broken in the lab before the drill begins."""

    sabotage: Sabotage

    def lab(self, choice: LabChoice, stack: ExitStack, progress: Callable[[str], None]) -> Lab:
        lab = super().lab(choice, stack, progress)
        self.sabotage(lab)
        return lab

    def read_back(self, lab: Lab, record: Record, writer: LineWriter, within_s: float) -> int:
        return super().read_back(lab, record, writer, min(within_s, READ_BACK_WITHIN_S))


@dataclass(frozen=True)
class Told:
    """What a drill with a broken step measured, and what happened in it."""

    measurement: Measurement
    events: list[Event]

    def seen(self, kind: Kind) -> list[str]:
        return [event.what for event in self.events if event.kind is kind]

    def whats(self, weight: Verdict) -> set[str]:
        return {finding.what for finding in self.measurement.findings if finding.weight is weight}


def passed(**next_of: str) -> Sabotage:
    """States of the failover that do nothing any more, each with the state that follows it."""

    def alter(states: States) -> None:
        for name, following in next_of.items():
            assert states[name]["Type"] != "Pass", name
            states[name] = {"Type": "Pass", "Next": following}

    return lambda lab: redefine(lab, alter)


def redefine(lab: Lab, alter: Callable[[States], None]) -> None:
    machines, arn = lab.client("stepfunctions", lab.secondary), lab.shared("StateMachineArn")
    definition = json.loads(machines.describe_state_machine(stateMachineArn=arn)["definition"])
    alter(definition["States"])
    machines.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))


def drilled(reports: Path, sabotage: Sabotage) -> Told:
    """A region outage against the sabotaged deployment, observed once the failover has ended."""
    drill = Drill(
        LabChoice(timer_scale=0.05, port_base=25200), Objectives(1800, 600), name="broken-on-purpose", load=LOAD,
        reports=reports, world=Sabotaged(sabotage),
    )  # fmt: skip
    with drill:
        drill.baseline()
        with drill.injected(RegionOutage(PRIMARY)):
            drill.until(FAILOVER_ENDED, within_s=1800)
    assert drill.measurement is not None
    return Told(drill.measurement, list(drill.record.read_events(Damage())))


def test_a_failover_that_promotes_nobody_is_not_held(tmp_path: Path) -> None:
    skipped = passed(**{"PromoteReplica": "WaitForPromotion", "Promoted?": "ReadEndpointSecret"})
    told = drilled(tmp_path, skipped)
    assert told.measurement.verdict is not Verdict.HELD
    assert {"PromoteReplica", "PostCheck", "NotifyFailure"} <= set(told.seen(Kind.STATE))
    assert told.seen(Kind.EXECUTION)[-1] == "FAILED"  # its own post-check noticed
    assert {"the recovery time is unknown", "the failover did not succeed"} <= told.whats(Verdict.UNKNOWN)


def test_a_failover_that_does_not_latch_dns_is_not_held_though_the_fence_kept_every_client(tmp_path: Path) -> None:
    told = drilled(tmp_path, passed(LatchDns="DescribeReplica"))
    assert told.measurement.verdict is not Verdict.HELD
    assert told.seen(Kind.EXECUTION)[-1] == "SUCCEEDED"
    assert "DNS was not latched to the standby" in told.whats(Verdict.UNKNOWN)
    assert told.measurement.rta_s  # clients were served: nothing else would have told


def test_a_failover_that_sends_the_service_nowhere_and_checks_nothing_is_not_held(tmp_path: Path) -> None:
    def alter(states: States) -> None:
        states["EndpointNeeded?"] = {"Type": "Pass", "Next": "RewriteEndpoint"}
        rewrite = states["RewriteEndpoint"]["Parameters"]
        del rewrite["SecretString.$"]
        rewrite["SecretString"] = json.dumps(NOWHERE)
        states["PostCheck"] = {"Type": "Pass", "Next": states["PostCheck"]["Next"]}

    told = drilled(tmp_path, lambda lab: redefine(lab, alter))
    assert told.measurement.verdict is not Verdict.HELD
    assert told.seen(Kind.EXECUTION)[-1] == "SUCCEEDED"  # so it says, and nobody can write
    assert "the recovery time is unknown" in told.whats(Verdict.UNKNOWN)
