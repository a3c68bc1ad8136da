"""A Fargate service behind a balancer of its own."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.settings import CONTAINER, NAME

HEALTH_PATH = "/healthz"
CPU, MEMORY_MIB = "512", "1024"


@dataclass(frozen=True, slots=True)
class ServicePlace:
    """Where the tiers of a region are."""

    vpc_id: str
    balancer_subnets: list[str]
    balancer_group: str
    task_subnets: list[str]
    task_group: str


class Balancer(Construct):
    """An internet-facing application load balancer; a target is healthy when ``/healthz`` says so twice."""

    def __init__(self, scope: Construct, id: str, *, place: ServicePlace, service_port: int, task_port: int) -> None:
        super().__init__(scope, id)
        self.balancer = elb.CfnLoadBalancer(
            self,
            "Balancer",
            name=NAME,
            type="application",
            scheme="internet-facing",
            subnets=place.balancer_subnets,
            security_groups=[place.balancer_group],
            load_balancer_attributes=[_attribute("routing.http.drop_invalid_header_fields.enabled", "true")],
        )
        self.targets = elb.CfnTargetGroup(
            self,
            "Targets",
            name=NAME,
            vpc_id=place.vpc_id,
            target_type="ip",
            protocol="HTTP",
            port=task_port,
            health_check_path=HEALTH_PATH,
            health_check_interval_seconds=10,
            health_check_timeout_seconds=5,
            healthy_threshold_count=2,
            unhealthy_threshold_count=2,
            matcher=elb.CfnTargetGroup.MatcherProperty(http_code="200"),
            target_group_attributes=[
                elb.CfnTargetGroup.TargetGroupAttributeProperty(key="deregistration_delay.timeout_seconds", value="30")
            ],
        )
        forward = elb.CfnListener.ActionProperty(type="forward", target_group_arn=self.targets.ref)
        self.listener = elb.CfnListener(
            self,
            "Listener",
            load_balancer_arn=self.balancer.ref,
            protocol="HTTP",
            port=service_port,
            default_actions=[forward],
        )


class ServiceTask(Construct):
    """What one task is: the service's container, what it may do, and where it logs."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        image: str,
        repository_arn: str,
        port: int,
        environment: dict[str, str],
        credentials_arn: str,
        key_arn: str,
        may: list[iam.PolicyStatement],
        log_days: int,
    ) -> None:
        super().__init__(scope, id)
        self.logs = logs.CfnLogGroup(self, "Logs", log_group_name="/gameday/service", retention_in_days=log_days)
        self.logs.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.task_role = _task_role(self, "TaskRole", may)
        starts = _may_start(repository_arn, self.logs.attr_arn, credentials_arn, key_arn)
        self.execution_role = _task_role(self, "ExecutionRole", starts)
        self.definition = ecs.CfnTaskDefinition(
            self,
            "Definition",
            family=NAME,
            cpu=CPU,
            memory=MEMORY_MIB,
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            execution_role_arn=self.execution_role.role_arn,
            task_role_arn=self.task_role.role_arn,
            container_definitions=[self._container(image, port, environment, credentials_arn)],
        )

    def _container(
        self, image: str, port: int, environment: dict[str, str], credentials_arn: str
    ) -> ecs.CfnTaskDefinition.ContainerDefinitionProperty:
        definition = ecs.CfnTaskDefinition
        secrets = {"DB_USERNAME": f"{credentials_arn}:username::", "DB_PASSWORD": f"{credentials_arn}:password::"}
        log_options = {
            "awslogs-group": self.logs.ref,
            "awslogs-region": cdk.Aws.REGION,
            "awslogs-stream-prefix": CONTAINER,
        }
        return definition.ContainerDefinitionProperty(
            name=CONTAINER,
            image=image,
            essential=True,
            command=["python", "-m", "gameday.service"],
            port_mappings=[definition.PortMappingProperty(container_port=port, protocol="tcp")],
            environment=[
                definition.KeyValuePairProperty(name=name, value=value) for name, value in environment.items()
            ],
            secrets=[definition.SecretProperty(name=name, value_from=source) for name, source in secrets.items()],
            log_configuration=definition.LogConfigurationProperty(log_driver="awslogs", options=log_options),
            stop_timeout=30,
        )


class BalancedService(Construct):
    """The service itself: so many tasks, replaced when they die, registered with the balancer."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        place: ServicePlace,
        balancer: Balancer,
        task: ServiceTask,
        port: int,
        tasks: int,
    ) -> None:
        super().__init__(scope, id)
        insights = ecs.CfnCluster.ClusterSettingsProperty(name="containerInsights", value="enabled")
        self.cluster = ecs.CfnCluster(self, "Cluster", cluster_name=NAME, cluster_settings=[insights])
        service = ecs.CfnService
        breaker = service.DeploymentCircuitBreakerProperty(enable=True, rollback=True)
        network = service.AwsVpcConfigurationProperty(
            subnets=place.task_subnets, security_groups=[place.task_group], assign_public_ip="DISABLED"
        )
        self.service = service(
            self,
            "Service",
            cluster=self.cluster.ref,
            service_name=NAME,
            task_definition=task.definition.ref,
            desired_count=tasks,
            launch_type="FARGATE",
            network_configuration=service.NetworkConfigurationProperty(awsvpc_configuration=network),
            load_balancers=[
                service.LoadBalancerProperty(
                    container_name=CONTAINER, container_port=port, target_group_arn=balancer.targets.ref
                )
            ],
            deployment_configuration=service.DeploymentConfigurationProperty(
                deployment_circuit_breaker=breaker, maximum_percent=200, minimum_healthy_percent=100
            ),
            health_check_grace_period_seconds=30,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
        )
        self.service.node.add_dependency(balancer.listener)  # ECS takes only a target group that a balancer uses


def _may_start(
    repository_arn: str, log_group_arn: str, credentials_arn: str, key_arn: str
) -> list[iam.PolicyStatement]:
    """What ECS needs to start a task: pull the image, read the credentials, open a log stream."""
    pull = ["BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage"]
    return [
        allow(["ecr:GetAuthorizationToken"], "*"),  # AWS offers no narrower resource
        allow([f"ecr:{action}" for action in pull], repository_arn),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group_arn),
        allow(["secretsmanager:GetSecretValue"], credentials_arn),
        allow(["kms:Decrypt"], key_arn),
    ]


def allow(actions: list[str], *resources: str) -> iam.PolicyStatement:
    """One statement of a policy."""
    return iam.PolicyStatement(actions=actions, resources=list(resources))


def _task_role(scope: Construct, id: str, may: list[iam.PolicyStatement]) -> iam.Role:
    document = iam.PolicyDocument(statements=may)
    principal = iam.ServicePrincipal("ecs-tasks.amazonaws.com")
    return iam.Role(scope, id, assumed_by=principal, inline_policies={"service": document})


def _attribute(key: str, value: str) -> elb.CfnLoadBalancer.LoadBalancerAttributeProperty:
    return elb.CfnLoadBalancer.LoadBalancerAttributeProperty(key=key, value=value)
