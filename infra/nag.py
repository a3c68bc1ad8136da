"""cdk-nag's AwsSolutions rules over the app: ``python -m infra.nag``. What it may object to stands here, and why."""

import contextlib
import sys
import tempfile

from infra.synth import use_packaged_node

PREFIX = "AwsSolutions::AwsSolutions-"
DATA_BUCKET = "arn:<AWS::Partition>:s3:::gameday-app-data-<AWS::AccountId>"
TASKS = "arn:<AWS::Partition>:ecs:us-west-2:<AWS::AccountId>"
RDS = "arn:<AWS::Partition>:rds:us-west-2:<AWS::AccountId>"
PRIMARY_RDS = "arn:<AWS::Partition>:rds:ap-southeast-2:<AWS::AccountId>"
ONE_A_DAY = "each daily snapshot has a name of its own"
PRIMARY_TASKS = "arn:<AWS::Partition>:ecs:ap-southeast-2:<AWS::AccountId>"
PRIMARY_OWN = "arn:<AWS::Partition>:{}:ap-southeast-2:<AWS::AccountId>:{}"
OF_THE_VPC, OF_DRILLS = "those of one VPC: its id is a condition", "those that carry a drill's tag: it is a condition"
EXECUTIONS = "arn:<AWS::Partition>:states:us-west-2:<AWS::AccountId>:execution:gameday-failover"
EVERY_REVISION = "every revision of one family: it changes with each image"
NOT_KNOWN_YET = "of one cluster or machine: their ids are not known before they run"
IMPORTED_BUCKET = "gameday-storage:ExportsOutputFnGetAttAppDataBucket2466329DArnC959EE77"
EVERY_OBJECT = "every object of one bucket: keys are the clients' own"

REASONS = {
    "EC23": "the balancer is public: clients and Route 53's health checkers come from anywhere",
    "ECS2": "these are names, a port and a scale; username and password are `secrets`",
    "ELB2": "a drill keeps its own ledger of every request; flow logs are on",
    "RDS2": "a replica is encrypted because its source is; CloudFormation refuses the property beside a source",
    "RDS3": "the standby is in another region; multi_az is context, off for cost",
    "RDS10": "a deployment for drills is deleted on purpose, and deleting takes a snapshot",
    "RDS11": "the port is a parameter, which the rule cannot read: the lab deploys on ports of its own",
    "SMG4": "rotation needs a Lambda, and the endpoint secret holds no secret, only a place",
    "SF2": "the whole history is logged; tracing would need a permission on every resource",
    "IAM5[Resource::*]": "AWS knows no narrower resource for ecr:GetAuthorizationToken, log delivery, task tokens, "
    "finding buckets by tag, looking at ACLs, groups and experiments, and ecs:ListTasks (its cluster is a condition)",
    f"IAM5[Resource::{DATA_BUCKET}-ap-southeast-2/*]": EVERY_OBJECT,
    f"IAM5[Resource::{DATA_BUCKET}-us-west-2/*]": EVERY_OBJECT,
    f"IAM5[Resource::{IMPORTED_BUCKET}/*]": EVERY_OBJECT,
    f"IAM5[Resource::{TASKS}:task-definition/gameday:*]": EVERY_REVISION,
    f"IAM5[Resource::{PRIMARY_TASKS}:task-definition/gameday:*]": EVERY_REVISION,
    f"IAM5[Resource::{TASKS}:task/gameday/*]": NOT_KNOWN_YET,
    f"IAM5[Resource::{PRIMARY_TASKS}:task/gameday/*]": NOT_KNOWN_YET,
    f"IAM5[Resource::{EXECUTIONS}:*]": NOT_KNOWN_YET,
    f"IAM5[Resource::{RDS}:db:*]": "which database the endpoint's secret names is found by looking at all: read only",
    f"IAM5[Resource::{RDS}:db:gameday-restored-*]": "each restore makes a database of a new name",
    f"IAM5[Resource::{RDS}:snapshot:copy-of-gameday-primary-*]": ONE_A_DAY,
    f"IAM5[Resource::{PRIMARY_RDS}:snapshot:rds:gameday-primary-*]": ONE_A_DAY,
    f"IAM5[Resource::{PRIMARY_OWN.format('ec2', 'network-acl/*')}]": f"{OF_THE_VPC}; or {OF_DRILLS}",
    f"IAM5[Resource::{PRIMARY_OWN.format('ec2', 'subnet/*')}]": OF_THE_VPC,
    f"IAM5[Resource::{PRIMARY_OWN.format('fis', 'experiment/*')}]": OF_DRILLS,
    f"IAM5[Resource::{RDS}:snapshot:*]": "the newest snapshot, whatever its name",
}


def main() -> int:
    """0 when nothing is objected to but what stands above, else 1 with cdk-nag's own report."""
    use_packaged_node()
    import aws_cdk as cdk
    from cdk_nag import AwsSolutionsChecks

    from infra.app import build

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        app = build(folder).app
        checked = cdk.Validations.of(app)
        checked.acknowledge(*(cdk.Acknowledgment(id=PREFIX + rule, reason=why) for rule, why in REASONS.items()))
        checked.add_plugins(AwsSolutionsChecks(verbose=False))
        try:
            app.synth()
        except RuntimeError as objection:
            sys.stderr.write(f"expected no objection but those of infra/nag.py; saw: {objection}\n")
            sys.stderr.write("Next: change what it objects to, or add the rule with its reason to REASONS\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
