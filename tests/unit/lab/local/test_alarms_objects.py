"""The reference deployment's alarms on replication, as its templates write them, over what replication really did."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from control_plane import bare_ground
from object_stage import EAST, REPLICA, SOURCE, WEST, ObjectStage, object_stage

from gameday.lab.local.alarms import AlarmController
from gameday.lab.local.deployer.run import PACKAGED

pytestmark = pytest.mark.parts
SCALE = 0.1  # a minute is six seconds
OF = {"SourceBucket": SOURCE, "DestinationBucket": REPLICA, "RuleId": "everything"}


class Watched:
    """The stage with one alarm of a template on its buckets."""

    def __init__(self, stage: ObjectStage, folder: Path) -> None:
        self.stage = stage
        self.alarms = AlarmController(
            bare_ground(folder, scale=SCALE), lambda *_: None, lambda *_: None, stage.clock
        )  # fmt: skip

    def deploy(self, region: str, name: str) -> None:
        self.cloudwatch = self.stage.aws.client("cloudwatch", region)
        resources = json.loads((PACKAGED / f"observability.{region}.json").read_text())["Resources"].values()
        [found] = [each["Properties"] for each in resources if each["Properties"].get("AlarmName") == name]
        assert {each["Name"] for each in found["Dimensions"]} == set(OF)
        given: dict[str, Any] = {key: value for key, value in found.items() if key not in ("AlarmActions", "OKActions")}
        dimensions = [{"Name": key, "Value": value} for key, value in OF.items()]
        self.cloudwatch.put_metric_alarm(**given | {"Dimensions": dimensions})

    def after(self, lab_s: int) -> str:
        for _ in range(lab_s // 20):
            self.stage.settle(20 * SCALE)
            self.alarms.reconcile()
        [alarm] = self.cloudwatch.describe_alarms()["MetricAlarms"]
        return str(alarm["StateValue"])


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with object_stage(tmp_path, scale=SCALE) as stage:
        stage.replicate()
        yield Watched(stage, tmp_path)


def test_objects_that_wait_a_quarter_of_an_hour_for_their_copy_are_an_alarm_until_they_are_there(watched: Watched):
    from test_objects import pause

    watched.deploy(WEST, "gameday-objects-late")
    watched.stage.put("early")
    assert watched.after(180) == "OK"
    fis, experiment = pause(watched.stage, duration="PT12H")
    watched.stage.put("late")
    assert watched.after(840) == "OK"
    assert watched.after(180) == "ALARM"
    fis.stop_experiment(id=experiment)
    assert watched.after(240) == "OK"


def test_an_object_that_cannot_be_copied_is_an_alarm_until_another_can(watched: Watched):
    watched.deploy(EAST, "gameday-objects-failed")
    watched.stage.put("good")
    assert watched.after(180) == "OK"
    kms = watched.stage.aws.client("kms", WEST)
    kms.disable_key(KeyId=watched.stage.keys[WEST])
    watched.stage.put("bad")
    assert watched.after(180) == "ALARM"
    assert watched.after(300) == "ALARM"
    kms.enable_key(KeyId=watched.stage.keys[WEST])
    watched.stage.put("good again")
    assert watched.after(180) == "OK"
