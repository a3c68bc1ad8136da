"""A runbook as text: commands that can be copied, documents that are those of docs/runbooks/."""

from pathlib import Path

import pytest

from gameday.facts import Kind
from gameday.record.timeline import UnwrittenTimeline
from gameday.recovery import RUNBOOKS, runbook
from gameday.recovery.documents import documents
from gameday.recovery.runbook import Call, Calls, Check, Option, Runbook, Step
from gameday.recovery.shown import command_of, document
from gameday.recovery.sight import listed, whole

FOLDER = Path(__file__).parents[3] / "docs" / "runbooks"


@pytest.mark.parametrize(
    ("call", "command"),
    [
        (
            Call("rds", "promote_read_replica", "us-west-2", {"DBInstanceIdentifier": "r", "BackupRetentionPeriod": 7}),
            "aws rds promote-read-replica --region us-west-2 --db-instance-identifier r --backup-retention-period 7",
        ),
        (
            Call("rds", "delete_db_instance", "us-west-2", {"DBInstanceIdentifier": "r", "SkipFinalSnapshot": False}),
            "aws rds delete-db-instance --region us-west-2 --db-instance-identifier r --no-skip-final-snapshot",
        ),
        (
            Call("rds", "create_db_instance_read_replica", "x", {"VpcSecurityGroupIds": ["sg-1", "sg-2"]}),
            "aws rds create-db-instance-read-replica --region x --vpc-security-group-ids sg-1 sg-2",
        ),
        (
            Call("ec2", "authorize_security_group_ingress", "x", {"IpPermissions": [{"FromPort": 5432}]}),
            """aws ec2 authorize-security-group-ingress --region x --ip-permissions '[{"FromPort": 5432}]'""",
        ),
        (Call("s3", "put_object", "x", {"Key": "it's"}), """aws s3api put-object --region x --key 'it'"'"'s'"""),
    ],
    ids=lambda value: value.operation if isinstance(value, Call) else "",
)
def test_a_call_is_shown_as_a_command_of_the_aws_cli(call, command):
    assert command_of(call) == command


def test_many_calls_of_one_kind_are_shown_as_the_first_and_a_number():
    (calls,) = Calls.of("s3", "delete_object", "x", [{"Key": "a"}, {"Key": "b"}, {"Key": "c"}])
    assert command_of(calls) == "aws s3api delete-object --region x --key a  # and 2 more like it"


def test_a_document_tells_options_checks_calls_and_the_way_back():
    def calls(scene):
        arguments = {"cluster": scene.lab.of("us-west-2", "ClusterName"), "desiredCount": whole(scene.options["tasks"])}
        return (Call("ecs", "update_service", "us-west-2", {**arguments, "tags": listed(scene.found["tags"])}),)

    full = Check("it is night", lambda scene: True, bool, within_s=90, next_step="wait for it")
    step = Step("paint", "Paint the moon.", "wash it", calls, before=(full,), after=(full,))
    look = Step("look", "Look up.", "nothing to take back", changes=False)
    book = Runbook("moon", "Paint the moon", "at night", (look, step), (Option("tasks", "how many", "2"),))
    text = document(book)
    for line in (
        "# Paint the moon", "**When**: at night", "| `tasks` | `2` | how many |", "Look up. It changes nothing.",
        "## 2. `paint`", "* it is night, within 90 s. If not: wait for it", "**To take it back**: wash it",
        "aws ecs update-service --region us-west-2 --cluster '<ClusterName of us-west-2>' --desired-count 2 "
        "--tags '<tags>'",
    ):  # fmt: skip
        assert line in text.split("\n"), text


def test_what_only_a_lab_can_tell_is_said_to_be_so():
    def calls(scene):
        return (Call("rds", scene.lab.client("rds", "us-west-2").describe_db_instances(), "us-west-2"),)

    text = document(Runbook("moon", "Paint the moon", "at night", (Step("paint", "Paint.", "wash it", calls),)))
    assert "`gameday runbook run moon --only-show`" in text


def test_the_documents_are_those_that_the_runbooks_make():
    assert {path.name: path.read_text() for path in FOLDER.glob("*.md")} == dict(documents()), "make runbooks"


@pytest.mark.parametrize("name", RUNBOOKS)
def test_every_step_can_be_named_told_and_shown(name):
    book = runbook(name)
    assert book.name == name
    names = [step.name for step in book.steps]
    assert len(set(names)) == len(names)
    assert [step.name for step in book.steps if not (step.text and step.undo)] == []


def test_looking_leaves_no_file_behind_whatever_a_check_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    noted = UnwrittenTimeline().add(Kind.NOTE, "the newest snapshot", age_s=6.0)
    assert (noted.what, noted.detail) == ("the newest snapshot", {"age_s": 6.0})
    assert list(tmp_path.iterdir()) == []
