"""What all stacks have in common: a name, a region, parameters and outputs."""

from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from infra.settings import NAME, Settings


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a deployer finds the value of a parameter: another stack's output, in whichever region."""

    stack: str
    region: str
    output: str


class GamedayStack(cdk.Stack):
    """A stack of one region, without account, assets, bootstrap or metadata: its template is the same for everybody."""

    part = ""

    def __init__(self, app: cdk.App, region: str, settings: Settings) -> None:
        super().__init__(
            app,
            f"{self.part}-{region}",
            stack_name=f"{NAME}-{self.part}",
            env=cdk.Environment(region=region),
            synthesizer=cdk.LegacyStackSynthesizer(),
        )
        self.settings = settings
        self.here = region
        self.is_primary = settings.is_primary(region)
        self.feeds: dict[str, Feed] = {}
        self.outputs = Construct(self, "Outputs")  # a scope of their own: a parameter may have an output's name

    def port(self, name: str, default: int) -> int:
        """A port as a parameter: the local lab deploys the same template on ports of its own."""
        parameter = cdk.CfnParameter(self, name, type="Number", default=default, min_value=1, max_value=65535)
        return parameter.value_as_number

    def text(self, name: str, default: str, description: str) -> str:
        """A text as a parameter."""
        parameter = cdk.CfnParameter(self, name, type="String", default=default, description=description)
        return parameter.value_as_string

    def fed(self, name: str, stack: type["GamedayStack"], region: str, output: str) -> str:
        """A parameter that every deployer fills from another stack's output; only names and ids cross regions."""
        feed = Feed(f"{NAME}-{stack.part}", region, output)
        self.feeds[name] = feed
        told = f"{output} of {feed.stack} in {region}"
        return cdk.CfnParameter(self, name, type="String", description=told).value_as_string

    def output(self, key: str, value: str) -> None:
        """An output that a drill, or another stack's parameter, reads by this very key."""
        cdk.CfnOutput(self.outputs, key, value=value).override_logical_id(key)

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """An ARN of this account, by name."""
        return f"arn:{cdk.Aws.PARTITION}:{service}:{region or self.here}:{cdk.Aws.ACCOUNT_ID}:{resource}"
