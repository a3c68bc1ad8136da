"""An experiment, rehearsed: its own actions on a drill that changes nothing."""

from dataclasses import replace

import pytest
from fault_stage import ACCOUNT, OTHER, REGION, lab_of, vpc_of
from moto import mock_aws
from test_account_warden import deployed
from test_database_loss import tagged
from test_guard import without_tags

from gameday.aws import Aws
from gameday.chaos.experiment import check_said_aloud
from gameday.chaos.planned import Earlier, PlannedActivity, Rehearsal, planned, refuse_what_would_be_refused
from gameday.chaos.token import TOKEN
from gameday.cli_plan import ending_lines, lines_of
from gameday.errors import ExperimentError, GamedayError, GuardError, InputError, RunbookError
from gameday.lab.rehearsing import PlannedCall
from gameday.preparing import LabChoice
from gameday.record.undo import UndoStep
from gameday.recovery.endpoint_secret import rewrite
from gameday.recovery.runbook import Calls, Check, Runbook, Step


def action(func, module="gameday.chaos.actions", **arguments):
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": "action", "name": func, "provider": provider}


ISOLATE = action("inject_database_loss", region="${region}", how="isolate")
CONFIGURATION = {"region": REGION}


@pytest.fixture
def ec2(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Aws().client("ec2", REGION)


def a_lab(ec2, **changed):
    vpc = vpc_of(ec2)
    tagged(ec2, vpc)
    return lab_of(vpc, **changed)


def both_said_aloud(lab):
    lab.outputs.shared["StateMachineArn"] = "arn:aws:states:us-west-2:123456789012:stateMachine:x"
    return replace(lab, live=frozenset({f"{ACCOUNT}:{REGION}", f"{ACCOUNT}:{OTHER}"}))


def plan_of(lab, *method, rollbacks=()):
    return list(planned({"method": method, "rollbacks": rollbacks}, CONFIGURATION, {}, lab))


def operations(each):
    return [line.operation for line in each.lines if isinstance(line, PlannedCall)]


def test_each_action_is_called_with_its_own_arguments_and_the_drill_is_forgotten_again(ec2):
    fault, wait, heal = plan_of(a_lab(ec2), ISOLATE, action("hold", seconds=3600), rollbacks=[action("heal")])
    assert fault.what == f"inject_database_loss(region={REGION!r}, how='isolate')"
    assert operations(fault) == ["create_network_acl", *["replace_network_acl_association"] * 2]
    assert (wait.lines, wait.is_known) == ((), True)
    assert operations(heal)[0] == "update_service"
    assert heal.note.startswith("only where the other region took its place")
    assert TOKEN.drill is None


def test_a_snapshot_and_a_failover_by_hand_are_told_too(ec2):
    lab = both_said_aloud(a_lab(ec2))
    snapshot, failover = plan_of(lab, action("take_snapshot", region=REGION), action("fail_over"))
    assert operations(snapshot) == ["create_db_snapshot"]
    assert [(line.operation, line.region) for line in failover.lines] == [("start_execution", OTHER)]
    assert Aws().client("rds", REGION).describe_db_snapshots(SnapshotType="manual")["DBSnapshots"] == []


def test_what_another_extension_calls_is_not_known(ec2):
    (other,) = plan_of(a_lab(ec2), action("stop_instances", "chaosaws.ec2.actions"))
    assert (other.is_known, other.lines) == (False, ())


def test_the_last_lines_tell_a_refusal_from_what_depends_on_earlier_actions(ec2):
    seen = plan_of(
        a_lab(ec2, allowed=False), ISOLATE, action("stop_instances", "chaosaws.ec2.actions"), action("hold", seconds=1)
    )
    assert [each.is_refused for each in seen] == [True, True, False]
    assert list(ending_lines(seen)) == ["\nREFUSED or not known: inject_database_loss, stop_instances"]
    waits = PlannedActivity("walk", "run_runbook()", is_known=False, depends=("break",))
    assert list(ending_lines([waits])) == [
        "\nNo action would be refused now.",
        "Planned without what comes before them, so their calls may be others then: walk",
    ]


@pytest.mark.parametrize(
    ("cause", "depends"),
    [(RunbookError("a snapshot", "none"), ("break",)), (GuardError("live", "not"), ()), (InputError("to", "x"), ())],
)
def test_only_a_step_of_a_runbook_that_cannot_be_taken_yet_waits_for_the_actions_before_it(cause, depends):
    assert Earlier(0, ("break",)).awaited(cause) == depends


def test_for_people_each_undo_step_stands_before_its_calls(ec2):
    (fault,) = plan_of(a_lab(ec2), ISOLATE)
    told = [line.split()[:2] for line in "\n".join(lines_of(fault)).splitlines() if line.startswith("    ")]
    assert [first for first, _ in told] == ["undo", "call", "undo", "undo", "call", "call"]
    assert "aws ec2 create-network-acl --region ap-southeast-2" in "\n".join(lines_of(fault))


def test_an_argument_that_is_a_secret_is_told_to_nobody(ec2):
    pin = "canary-of-a-pager-3c5d"
    method = [action("run_runbook", name="database-restore", options={"to": "${pin}"})]
    (walk,) = planned({"method": method}, {"pin": pin}, {}, a_lab(ec2))
    assert pin in walk.what
    told = "\n".join(lines_of(walk, {pin}))
    assert "[redacted]" in told
    assert pin not in told


def test_a_call_without_an_undo_step_says_so(ec2):
    (fault,) = plan_of(a_lab(ec2), action("take_snapshot", region=REGION))
    assert "no undo step" in "\n".join(lines_of(fault))


TO_SWITCH = action("fail_over", mode="planned")
TO_WALK_A_SWITCH = action("run_runbook", name="planned-failover")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (action("fail_over"), f"{ACCOUNT}:{OTHER}"),
        (TO_SWITCH, f"{ACCOUNT}:{OTHER}"),
        (action("run_runbook", name="failback"), f"{ACCOUNT}:{OTHER}"),
        (action("take_snapshot", region=OTHER), f"{ACCOUNT}:{OTHER}"),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_what_is_no_fault_is_refused_too_in_a_region_that_was_not_said_aloud(asked, told, ec2):
    """Before the baseline, as a fault is; and the plan says so."""
    lab = a_lab(ec2)
    (each,) = plan_of(lab, asked)
    assert (each.is_refused, operations(each)) == (True, [])
    with pytest.raises(GamedayError, match=told):
        refuse_what_would_be_refused({"method": [asked]}, CONFIGURATION, {}, lab)


@pytest.mark.parametrize("asked", [TO_SWITCH, TO_WALK_A_SWITCH, action("fence")], ids=lambda each: each["name"])
def test_a_switch_and_a_fence_are_refused_where_what_they_close_has_no_tag(asked, ec2):
    lab = both_said_aloud(without_tags(ec2, a_lab(ec2)))
    (each,) = plan_of(lab, asked)
    assert list(ending_lines([each])) == [f"\nREFUSED or not known: {asked['name']}"]
    with pytest.raises(GamedayError, match="gameday:target"):
        refuse_what_would_be_refused({"method": [asked]}, CONFIGURATION, {}, lab)


def test_what_a_runbook_misses_before_the_drill_has_begun_refuses_nothing(ec2):
    """No documents yet, so no moment to go back to; it looks again when it is walked."""
    lab = both_said_aloud(a_lab(ec2))
    for region in lab.regions:
        place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        lab.client("s3", region).create_bucket(Bucket=f"documents-{region}", **place)
        lab.outputs.regions[region]["BucketName"] = f"documents-{region}"
    walk = action("run_runbook", name="object-recovery", options={"from": "versions"})
    (each,) = plan_of(lab, walk)
    assert (each.is_known, each.refusal) == (False, None)
    refuse_what_would_be_refused({"method": [walk]}, CONFIGURATION, {}, lab)


def test_a_plan_does_not_look_where_looking_writes_and_says_so(ec2):
    looked = []
    look = Check("it answers", lambda scene: looked.append("read"), bool)
    write = Check("it writes", lambda scene: looked.append("written"), bool, writes=True)
    rehearsal = Rehearsal(both_said_aloud(a_lab(ec2)))
    rehearsal.run(Runbook("moon", "Paint it", "at night", (Step("paint", "Paint.", "wash it", before=(look, write)),)))
    assert looked == ["read"]
    assert rehearsal.note.endswith("looked at when it is run, since looking writes: it writes")


def test_of_a_step_of_a_runbook_every_call_is_planned_and_what_it_does_besides(ec2):
    lab = both_said_aloud(a_lab(ec2))
    lab.outputs.regions[REGION]["EndpointSecret"] = "endpoint"
    puts = Calls.of("s3", "copy_object", REGION, [{"Bucket": "b", "Key": key} for key in "xyz"])
    calls = (*puts, *rewrite(lab, REGION, '{"host":"h"}'))
    rehearsal = Rehearsal(lab)
    rehearsal.run(Runbook("moon", "Paint it", "at night", (Step("paint", "Paint.", "wash it", lambda scene: calls),)))
    told = list(lines_of(PlannedActivity("paint", "run_runbook()", rehearsal.script.taken())))
    assert [line.split("--key ")[1] for line in told if "copy-object" in line] == ["x", "y", "z"]
    (put,) = [line for line in told if "put-secret-value" in line]
    assert put.endswith("  # and keep whatever else the secret holds")


def test_healing_is_never_refused(ec2):
    lab = without_tags(ec2, a_lab(ec2))
    fault, heal = plan_of(lab, ISOLATE, rollbacks=[action("heal")])
    assert (fault.is_refused, heal.is_refused) == (True, False)
    lab.outputs.regions[REGION]["DatabaseId"] = "gone"
    _, heal = plan_of(lab, ISOLATE, rollbacks=[action("heal")])
    assert heal.refusal is None


def test_in_an_account_the_schedule_that_takes_a_fault_back_stands_first_with_its_undo(ec2):
    (fault,) = planned({"method": [ISOLATE]}, CONFIGURATION, {}, deployed(a_lab(ec2)), max_duration_s=600)
    step, call, *others = fault.lines
    assert (step.intent, call.operation) == ("schedule_gone", "create_schedule")
    assert isinstance(step, UndoStep)
    assert step.args["name"] == call.arguments["Name"]
    assert [one.intent for one in others if isinstance(one, UndoStep)] == ["acl_gone", "subnet_acl", "subnet_acl"]
    assert Aws().client("scheduler", REGION).list_schedules()["Schedules"] == []


@pytest.mark.parametrize(("changed", "told"), [({"live": False}, "`live`"), ({"allowed": False}, "allow-list")])
def test_what_a_fault_would_be_refused_for_is_raised_before_the_baseline(changed, told, ec2):
    with pytest.raises(GamedayError, match=told):
        refuse_what_would_be_refused({"method": [ISOLATE]}, CONFIGURATION, {}, a_lab(ec2, **changed))


def test_tags_that_cannot_be_read_refuse_too(ec2):
    lab = a_lab(ec2)
    lab.outputs.regions[REGION]["ClusterName"] = "gone"
    with pytest.raises(GamedayError, match="ClusterNotFound"):
        refuse_what_would_be_refused({"method": [ISOLATE]}, CONFIGURATION, {}, lab)


@pytest.mark.parametrize(
    ("written", "given", "is_fine"),
    [
        (["1:a"], {}, False), ([], {}, False), ([], {"live": "1:a"}, True),
        ({"type": "env", "key": "GAMEDAY_LIVE"}, {}, True),
        ({"type": "env", "key": "GAMEDAY_LIVE", "default": "1:a"}, {}, False),
    ],
)  # fmt: skip
def test_in_an_account_live_is_said_for_this_run_and_not_in_the_file(written, given, is_fine):
    experiment = {"configuration": {"live": written}}
    check_said_aloud(experiment, given, LabChoice("local"))
    if is_fine:
        check_said_aloud(experiment, given, LabChoice("aws"))
        return
    with pytest.raises(ExperimentError, match="said for this run"):
        check_said_aloud(experiment, given, LabChoice("aws"))
