"""The hosted zone of the domain. It comes first: both regions put a name into it."""

import aws_cdk as cdk
from aws_cdk import aws_route53 as route53

from infra.settings import GLOBAL_REGION, Settings
from infra.stacks.base import GamedayStack


class Zone(GamedayStack):
    """A public zone. Who has one already leaves this stack out and gives its id to the others."""

    part = "zone"
    where = GLOBAL_REGION

    def __init__(self, app: cdk.App, region: str, settings: Settings) -> None:
        super().__init__(app, region, settings)
        zone = route53.CfnHostedZone(self, "Zone", name=f"{settings.domain}.")
        self.output("HostedZoneId", zone.ref)
