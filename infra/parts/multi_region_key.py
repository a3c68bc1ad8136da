"""One KMS key in two regions: what one encrypts the other can decrypt."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

WINDOW_DAYS = 30  # how long a deletion can be taken back


class MultiRegionKey(Construct):
    """The primary key, rotated each year. Rotation is shared with its replicas."""

    def __init__(self, scope: Construct, id: str, *, description: str) -> None:
        super().__init__(scope, id)
        self.key = kms.CfnKey(
            self,
            "Key",
            description=description,
            multi_region=True,
            enable_key_rotation=True,
            key_policy=account_owns(),
            pending_window_in_days=WINDOW_DAYS,
        )
        self.key.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self.arn, self.key_id = self.key.attr_arn, self.key.ref


class ReplicaKey(Construct):
    """The same key material in another region, under the same key id."""

    def __init__(self, scope: Construct, id: str, *, primary_arn: str, description: str) -> None:
        super().__init__(scope, id)
        self.key = kms.CfnReplicaKey(
            self,
            "Key",
            description=description,
            primary_key_arn=primary_arn,
            key_policy=account_owns(),
            pending_window_in_days=WINDOW_DAYS,
        )
        self.key.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self.arn, self.key_id = self.key.attr_arn, self.key.ref


def account_owns() -> iam.PolicyDocument:
    """A key's policy: the account's own IAM policies decide. `*` is the key itself, as KMS asks for."""
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid="TheAccountsPoliciesDecide",
                principals=[iam.AccountRootPrincipal()],
                actions=["kms:*"],
                resources=["*"],
            )
        ]
    )
