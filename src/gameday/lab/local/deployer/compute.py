"""ECS, its balancers and its images."""

from typing import Any

from gameday.lab.local.deployer.making import Made, Make, Maker, Simple, split


def service(maker: Maker, properties: dict[str, Any]) -> Made:
    properties.setdefault("ServiceName", maker.generated())
    made = maker.call("ecs", "CreateService", properties)["service"]
    return Made(made["serviceArn"], {"Name": made["serviceName"], "ServiceArn": made["serviceArn"]})


def balancer(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(properties, "LoadBalancerAttributes")
    first.setdefault("Name", maker.generated(32))
    made = maker.call("elbv2", "CreateLoadBalancer", first)["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    if later:
        chosen = {"LoadBalancerArn": arn, "Attributes": later["LoadBalancerAttributes"]}
        maker.call("elbv2", "ModifyLoadBalancerAttributes", chosen)
    return Made(
        arn,
        {
            "LoadBalancerArn": arn,
            "LoadBalancerName": made["LoadBalancerName"],
            "LoadBalancerFullName": arn.partition("loadbalancer/")[2],
            "DNSName": made["DNSName"],
            "CanonicalHostedZoneID": made["CanonicalHostedZoneId"],
        },
    )


def target_group(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(properties, "TargetGroupAttributes", "Targets")
    first.setdefault("Name", maker.generated(32))
    made = maker.call("elbv2", "CreateTargetGroup", first)["TargetGroups"][0]
    arn = made["TargetGroupArn"]
    if "TargetGroupAttributes" in later:
        chosen = {"TargetGroupArn": arn, "Attributes": later["TargetGroupAttributes"]}
        maker.call("elbv2", "ModifyTargetGroupAttributes", chosen)
    if "Targets" in later:
        maker.call("elbv2", "RegisterTargets", {"TargetGroupArn": arn, "Targets": later["Targets"]})
    known = {"TargetGroupArn": arn, "TargetGroupName": made["TargetGroupName"]}
    return Made(arn, known | {"TargetGroupFullName": arn.rpartition(":")[2]})


KINDS: dict[str, Make] = {
    "AWS::ECS::Cluster": Simple(
        "ecs", "CreateCluster", "cluster.clusterName", {"Arn": "cluster.clusterArn"}, named="ClusterName",
        renamed={"ClusterSettings": "settings"},
    ),
    "AWS::ECS::TaskDefinition": Simple(
        "ecs", "RegisterTaskDefinition", "taskDefinition.taskDefinitionArn",
        {"TaskDefinitionArn": "taskDefinition.taskDefinitionArn"}, named="Family",
    ),
    "AWS::ECS::Service": service,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": balancer,
    "AWS::ElasticLoadBalancingV2::TargetGroup": target_group,
    "AWS::ElasticLoadBalancingV2::Listener": Simple(
        "elbv2", "CreateListener", "Listeners.0.ListenerArn", {"ListenerArn": "Listeners.0.ListenerArn"}
    ),
    "AWS::ECR::Repository": Simple(
        "ecr", "CreateRepository", "repository.repositoryName",
        {"Arn": "repository.repositoryArn", "RepositoryUri": "repository.repositoryUri"}, named="RepositoryName",
    ),
}  # fmt: skip
