"""Pausing S3 replication while a region is lost, through FIS: what waits is copied when the pause ends.

Never by disabling the rule, which would never replicate the gap (DESIGN §6). The action finds its buckets by tag, and
in AWS what is there already may go on being copied for up to an hour (FIS user guide, "AWS FIS actions reference").
"""

import uuid
from typing import Any

from gameday.clock import eventually
from gameday.errors import DeadlineError, FaultError
from gameday.faults.acls import DRILL_TAG
from gameday.faults.guard import TARGET_TAG
from gameday.faults.replay import Verb
from gameday.lab.model import Lab
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep

ROLE_OUTPUT = "PauseRoleArn"
LASTS = "PT12H"  # FIS allows no more; healing stops it
RUNS_WITHIN_S = 60.0
ENDED = ("completed", "stopped", "failed", "cancelled")


def replication_flows(region: str, drill: str) -> UndoStep:
    """No FIS experiment of this drill runs in the region, and no template of it is left."""
    return UndoStep("replication_flows", region, {"drill": drill})


def pause_replication(lab: Lab, region: str, undo: UndoJournal, timeline: Timeline) -> bool:
    """Pause what leaves the region's bucket, and see that the experiment runs; its undo step is on the disk first.

    False, with nothing done, where the stacks name no role for it: nothing is replicated out of that region.
    """
    role = lab.outputs.regions[region].get(ROLE_OUTPUT)
    if not role:
        return False
    fis, tags = lab.client("fis", region), {DRILL_TAG: timeline.drill}
    undo.before(replication_flows(region, timeline.drill))
    made = fis.create_experiment_template(clientToken=str(uuid.uuid4()), tags=tags, **_template(lab, region, role))
    started = fis.start_experiment(
        clientToken=str(uuid.uuid4()), experimentTemplateId=made["experimentTemplate"]["id"], tags=tags
    )
    if timeline.is_rehearsal:
        return True
    id = str(started["experiment"]["id"])
    try:
        eventually(lambda: _status(fis, id), "running", what="the pause of replication", within_s=RUNS_WITHIN_S)
    except DeadlineError as cause:
        raise FaultError(cause.expected, cause.seen, "look at the FIS experiment's own reason") from cause
    return True


def _template(lab: Lab, region: str, role: str) -> dict[str, Any]:
    key, value = TARGET_TAG
    other = lab.other(region)
    parameters = {"duration": LASTS, "region": other, "destinationBuckets": lab.of(other, "BucketName")}
    return {
        "description": f"gameday: no object leaves {region}",
        "roleArn": role,
        "stopConditions": [{"source": "none"}],
        "targets": {"buckets": {"resourceType": "aws:s3:bucket", "resourceTags": {key: value}, "selectionMode": "ALL"}},
        "actions": {
            "pause": {
                "actionId": "aws:s3:bucket-pause-replication",
                "parameters": parameters,
                "targets": {"Buckets": "buckets"},
            }
        },
    }


def _status(fis: Any, id: str) -> str:
    return str(fis.get_experiment(id=id)["experiment"]["state"]["status"])


def _replication_flows_again(lab: Lab, step: UndoStep) -> None:
    """Stopping is asked for; FIS then resumes replication by itself. One that ended already needs nothing."""
    fis, drill = lab.client("fis", step.region), step.args["drill"]
    for page in fis.get_paginator("list_experiments").paginate():
        for each in page["experiments"]:
            if each.get("tags", {}).get(DRILL_TAG) == drill and each["state"]["status"] not in ENDED:
                fis.stop_experiment(id=each["id"])
    for page in fis.get_paginator("list_experiment_templates").paginate():
        for each in page["experimentTemplates"]:
            if each.get("tags", {}).get(DRILL_TAG) == drill:
                fis.delete_experiment_template(id=each["id"])


TAKES_BACK: dict[str, Verb] = {"replication_flows": _replication_flows_again}
