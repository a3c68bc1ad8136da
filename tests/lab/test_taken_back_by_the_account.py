"""When the drill's machine has died: what the account's schedule starts fences and restores, without a drill."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gameday.clock import eventually
from gameday.faults import RegionOutage
from gameday.faults.account_warden import as_it_is, schedule
from gameday.faults.replay import replay
from gameday.lab import status
from gameday.lab.fence import is_fenced, seen
from gameday.lab.local import extras
from gameday.lab.local.launch import RunningLab
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


def test_after_a_failover_the_machine_fences_the_old_primary_and_gives_its_network_back(
    launch: Callable[[str], RunningLab], tmp_path: Path
) -> None:
    lab = launch("orphaned").lab
    region, record = lab.primary, Record.create(tmp_path, "region-outage")
    timeline, undo = Timeline(record), UndoJournal(record.undo)
    before = as_it_is(lab, region, timeline.drill)
    schedule(lab, region, "gameday-orphaned", datetime.now(UTC) + timedelta(hours=1), timeline.drill)
    RegionOutage(region).inject(lab, undo, timeline)
    eventually(lambda: (now := status.execution(lab)) and now.status, "SUCCEEDED", what="failover", within_s=90)

    target = lab.client("scheduler", region).get_schedule(Name="gameday-orphaned")["Target"]
    steps = lab.client("stepfunctions", region)
    run = steps.start_execution(stateMachineArn=target["Arn"], input=target["Input"])["executionArn"]
    eventually(lambda: steps.describe_execution(executionArn=run)["status"], "SUCCEEDED", what="machine", within_s=60)

    assert is_fenced(seen(lab, region))
    assert as_it_is(lab, region, timeline.drill) == before
    eventually(lambda: [link.name for link in extras.links(lab) if link.is_cut], [], what="links cut", within_s=5)
    experiments = lab.client("fis", region).list_experiments()["experiments"]
    assert {one["state"]["status"] for one in experiments} == {"stopped"}
    assert replay(undo, lab) > 0  # the journal knows nothing of it, and its steps find nothing left to do
    assert as_it_is(lab, region, timeline.drill) == before
    timeline.close()
    undo.close()
