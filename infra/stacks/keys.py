"""The multi-region key, and its replica: before anything that is encrypted."""

import aws_cdk as cdk

from infra.parts.multi_region_key import MultiRegionKey, ReplicaKey
from infra.settings import Settings
from infra.stacks.base import GamedayStack


class Keys(GamedayStack):
    """A stack of its own, because a replica bucket needs the replica key, and the primary bucket the replica bucket."""

    part = "keys"

    def __init__(self, app: cdk.App, region: str, settings: Settings) -> None:
        super().__init__(app, region, settings)
        self.key = self._primary() if self.is_primary else self._replica()
        self.output("KeyArn", self.key.arn)

    def _primary(self) -> MultiRegionKey:
        return MultiRegionKey(self, "Data", description="gameday: database, objects and secrets")

    def _replica(self) -> ReplicaKey:
        primary_arn = self.fed("PrimaryKeyArn", Keys, self.settings.primary, "KeyArn")
        return ReplicaKey(self, "Data", primary_arn=primary_arn, description="gameday: the standby's copy")
