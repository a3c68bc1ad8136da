"""Copies of the primary's daily snapshots in the standby's region, for when the replica is lost as well."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.parts.balanced_service import allow
from infra.parts.copy_states import COPY, CopyNames, copy, taken
from infra.parts.event_route import EventRoute
from infra.parts.logged_machine import LoggedMachine
from infra.settings import COPY_MACHINE, PRIMARY_DATABASE, Settings
from infra.stacks.base import GamedayStack
from infra.stacks.keys import Keys

PATIENCE_S = 3600  # a snapshot is as good an hour later


class Backups(GamedayStack):
    """In the primary's region a rule that tells of each snapshot; in the standby's the machine that copies it."""

    part = "backups"

    def __init__(self, app: cdk.App, region: str, settings: Settings, *, keys: Keys) -> None:
        super().__init__(app, region, settings)
        self.keys = keys
        there = self.arn("events", "event-bus/default", region=settings.secondary)
        EventRoute(
            self,
            "Taken",
            name="gameday-snapshot-taken",
            told="A daily snapshot of the primary, to be copied to the standby's region",
            pattern=taken(),
            to=there if self.is_primary else self._copier().arn,
            patience_s=PATIENCE_S,
        )

    def _copier(self) -> LoggedMachine:
        topic = self.arn("sns", "gameday-alerts")
        return LoggedMachine(
            self,
            "Copy",
            name=COPY_MACHINE,
            definition=copy(CopyNames(key=self.keys.key.arn, topic=topic)),
            may=self._may(topic),
            policy="copy",
            log_days=self.settings.log_days,
        )

    def _may(self, topic: str) -> list[iam.PolicyStatement]:
        """The key is one of two regions: the copy is read by the one and written by the other."""
        taken_there = self.arn("rds", f"snapshot:rds:{PRIMARY_DATABASE}-*", region=self.settings.primary)
        copies = self.arn("rds", f"snapshot:{COPY}{PRIMARY_DATABASE}-*")
        source_key = self.arn("kms", f"key/{self.keys.key.key_id}", region=self.settings.primary)
        return [
            allow(["rds:CopyDBSnapshot"], taken_there, copies),
            allow(["rds:AddTagsToResource", "rds:DeleteDBSnapshot"], copies),
            allow(["rds:DescribeDBSnapshots"], self.arn("rds", "snapshot:*"), self.arn("rds", "db:*")),
            allow(["kms:CreateGrant", "kms:DescribeKey"], self.keys.key.arn, source_key),
            allow(["sns:Publish"], topic),
        ]
