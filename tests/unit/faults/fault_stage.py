"""What the faults' tests stand on: a network in moto's EC2 with a database and a service, and a lab of it."""

from typing import Any

from beside import WORKER

from gameday.aws import Aws
from gameday.lab.model import Lab, Outputs

REGION, OTHER, ACCOUNT = "ap-southeast-2", "us-west-2", "123456789012"
DNS_PORT = 25811 + 10 * WORKER
SERVED = "127.210.9.9"


def lab_of(vpc: str, *, live: bool = True, allowed: bool = True, port: int = 80) -> Lab:
    """A lab outside this machine: the guard is in force, and effects are inferred from the ACLs."""
    shared = {
        "ServiceName": "app.gameday.invalid",
        "Resolver": f"127.210.0.2:{DNS_PORT}",
        "ServiceUrl": f"http://app.gameday.invalid:{port}",
    }
    names = {
        region: {"VpcId": vpc, "DatabaseId": "db", "EndpointSecret": "endpoint"}
        | {"ClusterName": "gameday", "EcsServiceName": "gameday"}
        for region in (REGION, OTHER)
    }
    return Lab(
        "aws", Aws(), REGION, OTHER, Outputs(shared, names, ()),
        allowed_accounts=frozenset({ACCOUNT} if allowed else ()),
        live=frozenset({f"{ACCOUNT}:{REGION}"} if live else ()),
    )  # fmt: skip


def vpc_of(ec2: Any, *, tagged: bool = True, subnets: int = 3) -> str:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    database_and_service(ec2, vpc)
    for number in range(subnets):
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"]
        if tagged:
            ec2.create_tags(Resources=[made], Tags=[{"Key": "gameday:target", "Value": "true"}])
    return str(vpc)


def database_and_service(ec2: Any, vpc: str, aws: Aws | None = None) -> None:
    """What fencing would change, so what the guard asks about as well."""
    aws = aws or Aws()
    group = ec2.create_security_group(GroupName="db", Description="db", VpcId=vpc)["GroupId"]
    ec2.create_tags(Resources=[group], Tags=[{"Key": "gameday:target", "Value": "true"}])
    aws.client("rds", REGION).create_db_instance(
        DBInstanceIdentifier="db", DBInstanceClass="db.t4g.micro", Engine="postgres", VpcSecurityGroupIds=[group],
        MasterUsername="app", MasterUserPassword="not-a-secret", AllocatedStorage=20,
    )  # fmt: skip
    ecs = aws.client("ecs", REGION)
    ecs.create_cluster(clusterName="gameday")
    ecs.register_task_definition(family="gameday", containerDefinitions=[{"name": "app", "image": "app", "memory": 1}])
    ecs.create_service(
        cluster="gameday", serviceName="gameday", taskDefinition="gameday", desiredCount=0,
        tags=[{"key": "gameday:target", "value": "true"}],
    )  # fmt: skip


def acl_by_subnet(ec2: Any, vpc: str) -> dict[str, str]:
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    return {one["SubnetId"]: acl["NetworkAclId"] for acl in acls for one in acl["Associations"]}


def service_beside(aws: Aws) -> None:
    """A database and a service on a control plane that has none."""
    ec2 = aws.client("ec2", REGION)
    database_and_service(ec2, ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"], aws)


def without_tag_on_the_service() -> None:
    """What fencing would scale to 0 is no target."""
    ecs = Aws().client("ecs", REGION)
    (service,) = ecs.describe_services(cluster="gameday", services=["gameday"])["services"]
    ecs.untag_resource(resourceArn=service["serviceArn"], tagKeys=["gameday:target"])
