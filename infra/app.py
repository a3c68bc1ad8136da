"""The app: every stack, in the order in which they can be deployed."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk

from infra.settings import GLOBAL_REGION, Settings, settings_from
from infra.stacks.app import App
from infra.stacks.backups import Backups
from infra.stacks.base import GamedayStack
from infra.stacks.data import Data
from infra.stacks.drain import Drain
from infra.stacks.keys import Keys
from infra.stacks.network import Network
from infra.stacks.observability import Observability
from infra.stacks.orchestration import Orchestration
from infra.stacks.routing import Routing
from infra.stacks.storage import Storage
from infra.stacks.take_back import TakeBack
from infra.stacks.zone import Zone

TARGET_TAG = "gameday:target"  # a drill breaks only what carries it
TARGETS = [
    "AWS::EC2::VPC",
    "AWS::EC2::Subnet",
    "AWS::EC2::SecurityGroup",
    "AWS::RDS::DBInstance",
    "AWS::ECS::Cluster",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::KMS::ReplicaKey",
    "AWS::SecretsManager::Secret",
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
    "AWS::Route53::HealthCheck",
]
FLAGS = {"@aws-cdk/aws-iam:minimizePolicies": False}  # a statement for each purpose reads better than a merged one


@dataclass(frozen=True, slots=True)
class Deployment:
    """The app and its stacks in deploy order."""

    app: cdk.App
    settings: Settings
    stacks: tuple[GamedayStack, ...]


def build(outdir: str | None = None, context: dict[str, Any] | None = None) -> Deployment:
    """Build the app; ``context`` is what a caller chooses, the CDK's command line adds its own."""
    app = cdk.App(outdir=outdir, context=FLAGS | (context or {}), analytics_reporting=False)
    settings = settings_from(app.node.get_all_context())
    stacks = _stacks(app, settings)
    cdk.Tags.of(app).add(TARGET_TAG, "true", include_resource_types=TARGETS)
    return Deployment(app, settings, stacks)


def _stacks(app: cdk.App, settings: Settings) -> tuple[GamedayStack, ...]:
    """Keys before buckets, the replica bucket before the rule that fills it, the primary database before its replica.

    Everything that a later region needs of an earlier one is a name, or a parameter.
    """
    here, there = settings.regions
    zone = Zone(app, GLOBAL_REGION, settings)
    networks = {region: Network(app, region, settings) for region in (here, there)}
    keys = {region: Keys(app, region, settings) for region in (here, there)}
    storages = {region: Storage(app, region, settings, keys=keys[region]) for region in (there, here)}
    datas = {
        region: Data(app, region, settings, network=networks[region], keys=keys[region]) for region in (here, there)
    }
    apps = {
        region: App(
            app,
            region,
            settings,
            network=networks[region],
            keys=keys[region],
            storage=storages[region],
            data=datas[region],
        )
        for region in (here, there)
    }
    watched = {region: Observability(app, region, settings, service=apps[region]) for region in (here, there)}
    backups = {region: Backups(app, region, settings, keys=keys[region]) for region in (there, here)}
    drain = Drain(app, here, settings, network=networks[here], service=apps[here])
    taken_back = TakeBack(app, here, settings, network=networks[here])
    routing = Routing(app, GLOBAL_REGION, settings)
    orchestration = Orchestration(
        app, there, settings, network=networks[there], keys=keys[there], data=datas[there], service=apps[there]
    )
    by_region = (networks, keys, storages, datas, apps, watched, backups)
    return (
        zone,
        *(stack for stacks in by_region for stack in stacks.values()),
        drain,
        taken_back,
        routing,
        orchestration,
    )


if __name__ == "__main__":
    build().app.synth()
