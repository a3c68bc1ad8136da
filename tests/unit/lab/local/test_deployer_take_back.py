"""The packaged machine that takes a fault back in an account, run on the patched control plane from its schedule."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from control_plane import aws_of, bare_ground, emptied
from test_deployer_failover import EAST, WEST, Stage, service_controller

from gameday.clock import NS, HandClock, eventually
from gameday.faults.account_warden import MACHINE_OUTPUT, ROLE_OUTPUT, as_it_was, schedule
from gameday.faults.acls import DRILL_TAG, associations, breakable_subnets, cut_off, deny_everything
from gameday.faults.replay import replay
from gameday.lab import status
from gameday.lab.fence import database_groups
from gameday.lab.local.deployer import deploy
from gameday.lab.local.moto_patches import apply_patches
from gameday.lab.local.schedules import ScheduleController
from gameday.lab.local.server import serve
from gameday.lab.model import Lab, read_outputs
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal


@dataclass
class Orphaned:
    """A deployment whose drill cuts the primary region off, and then is no more."""

    lab: Lab
    timeline: Timeline
    undo: UndoJournal
    schedules: ScheduleController
    clock: HandClock

    def cut_off(self) -> None:
        subnets = breakable_subnets(self.lab, EAST)
        cut_off(self.lab, EAST, subnets, self.undo, self.timeline, "outage")
        assert deny_everything(self.lab, EAST, subnets)

    def pause(self) -> str:
        """An experiment of this drill, as FIS shows it."""
        fis, tags = self.lab.client("fis", EAST), {DRILL_TAG: self.timeline.drill}
        actions = {"pause": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT12H"}}}
        made = fis.create_experiment_template(
            clientToken="one", description="pause", roleArn="arn:aws:iam::123456789012:role/fis", actions=actions,
            stopConditions=[{"source": "none"}], tags=tags,
        )  # fmt: skip
        id = made["experimentTemplate"]["id"]
        return str(fis.start_experiment(clientToken="two", experimentTemplateId=id, tags=tags)["experiment"]["id"])

    def ended(self, arn: str) -> str:
        """How that execution ended, once it has."""
        steps = self.lab.client("stepfunctions", EAST)

        def status_now() -> str:
            return str(steps.describe_execution(executionArn=arn)["status"])

        return eventually(status_now, lambda seen: seen != "RUNNING", what="the machine", within_s=60)

    def target(self) -> dict[str, Any]:
        outputs = self.lab.outputs.regions[EAST]
        return {"Arn": outputs[MACHINE_OUTPUT], "RoleArn": outputs[ROLE_OUTPUT], "Input": "{}"}

    def due(self, moment: datetime) -> list[Any]:
        """What the schedules have started by that moment, at which the lab's main thread ticks."""
        self.clock.now_ns = int(moment.timestamp()) * NS
        self.schedules.reconcile()
        machine = self.target()["Arn"]
        return list(self.lab.client("stepfunctions", EAST).list_executions(stateMachineArn=machine)["executions"])

    def run(self, name: str) -> list[str]:
        """What the schedule would start, to its end: the states that it entered."""
        target = self.lab.client("scheduler", EAST).get_schedule(Name=name)["Target"]
        steps = self.lab.client("stepfunctions", EAST)
        arn = steps.start_execution(stateMachineArn=target["Arn"], input=target["Input"])["executionArn"]
        self.ended(arn)
        history = steps.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        return [one["stateEnteredEventDetails"]["name"] for one in history if "stateEnteredEventDetails" in one]

    def schedule(self, name: str, at: datetime | None = None) -> dict[str, str]:
        """Scheduled before anything is broken; what the region was like then."""
        given = as_it_was(self.lab, EAST, self.timeline.drill, self.undo)
        schedule(self.lab, EAST, name, at or datetime.now(UTC) + timedelta(hours=1), given)
        return self.now()

    def now(self) -> dict[str, str]:
        """Subnet -> its network ACL."""
        found = associations(self.lab.client("ec2", EAST), self.lab.of(EAST, "VpcId"))
        return {subnet: one["NetworkAclId"] for subnet, one in found.items()}

    def acls_of_drills(self) -> list[Any]:
        filters = [{"Name": "tag-key", "Values": [DRILL_TAG]}]
        return list(self.lab.client("ec2", EAST).describe_network_acls(Filters=filters)["NetworkAcls"])


@pytest.fixture
def orphaned(tmp_path: Path) -> Iterator[Orphaned]:
    ground, stage, record = bare_ground(tmp_path), Stage(), Record.create(tmp_path, "region-outage")
    apply_patches(stage.hooks(ground))
    with serve(ground), emptied():
        aws = aws_of(ground)
        deploy(aws, {"ServicePort": "80", "DatabasePort": str(ground.ports.database)})
        timeline, undo = Timeline(record), UndoJournal(record.undo)
        lab = Lab("control", aws, EAST, WEST, read_outputs(aws, "gameday", EAST, WEST))
        clock = HandClock()
        with service_controller(stage), closing(ScheduleController(ground, aws, clock)) as schedules:
            yield Orphaned(lab, timeline, undo, schedules, clock)
        timeline.close()
        undo.close()


def test_the_network_is_given_back_and_nobody_is_fenced_while_the_record_names_the_primary(orphaned: Orphaned) -> None:
    before, pause = orphaned.schedule("first"), orphaned.pause()
    orphaned.cut_off()
    entered = orphaned.run("first")
    assert entered[-1] == "Done", entered
    assert orphaned.now() == before
    assert orphaned.acls_of_drills() == []
    experiment = orphaned.lab.client("fis", EAST).get_experiment(id=pause)["experiment"]
    assert experiment["state"]["status"] in ("stopping", "stopped")
    assert "StopTasks" not in entered
    assert status.service_of(orphaned.lab, EAST)["desiredCount"] == 2
    assert any(group["IpPermissions"] for group in database_groups(orphaned.lab, EAST))
    assert replay(orphaned.undo, orphaned.lab) > 0  # the journal knows nothing of it, and finds nothing left to do
    assert orphaned.now() == before


def test_where_the_record_names_the_standby_the_old_primary_is_fenced_first(orphaned: Orphaned) -> None:
    before = orphaned.schedule("second")
    orphaned.cut_off()
    latch(orphaned.lab)
    entered = orphaned.run("second")
    assert entered[-1] == "Done", entered
    assert entered.index("Fenced") < entered.index("RestoreAcl")
    assert orphaned.now() == before
    assert status.service_of(orphaned.lab, EAST)["desiredCount"] == 0
    assert not any(group["IpPermissions"] for group in database_groups(orphaned.lab, EAST))


def test_a_schedule_that_comes_due_gives_the_network_back_by_itself_and_is_gone(orphaned: Orphaned) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    before = orphaned.schedule("due", at)
    orphaned.schedule("later", at + timedelta(seconds=1))
    orphaned.cut_off()
    assert orphaned.now() != before
    assert orphaned.due(at - timedelta(seconds=1)) == []
    (execution,) = eventually(partial(orphaned.due, at), bool, what="executions", within_s=30)
    assert orphaned.ended(execution["executionArn"]) == "SUCCEEDED"
    assert orphaned.now() == before
    assert orphaned.acls_of_drills() == []
    assert [one["Name"] for one in orphaned.lab.client("scheduler", EAST).list_schedules()["Schedules"]] == ["later"]


def test_a_schedule_that_cannot_be_followed_is_said_and_starts_nothing(orphaned: Orphaned) -> None:
    scheduler, target = orphaned.lab.client("scheduler", EAST), orphaned.target()
    scheduler.create_schedule(
        Name="hourly", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    assert orphaned.due(datetime.now(UTC)) == []
    eventually(lambda: orphaned.schedules.failures, 1, what="failures", within_s=10)
    assert orphaned.due(datetime.now(UTC)) == []
    assert [one["Name"] for one in scheduler.list_schedules()["Schedules"]] == ["hourly"]


def latch(lab: Lab) -> None:
    """As the failover does it before it promotes."""
    zone, route53 = lab.shared("HostedZoneId"), lab.client("route53", "us-east-1")
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (primary,) = [one for one in records if one.get("Failover") == "PRIMARY"]
    primary["ResourceRecords"] = [{"Value": f"{WEST}.{lab.shared('ServiceName')}"}]
    change = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": primary}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
