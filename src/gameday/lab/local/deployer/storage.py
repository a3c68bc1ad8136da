"""What keeps data: databases, buckets, secrets and keys."""

import json
import secrets
import string
from collections.abc import Callable
from typing import Any

from gameday.lab.local.deployer.making import Made, Make, Maker, Simple, split


def database(maker: Maker, properties: dict[str, Any]) -> Made:
    if "VPCSecurityGroups" in properties:
        properties["VpcSecurityGroupIds"] = properties.pop("VPCSecurityGroups")
    properties.setdefault("DBInstanceIdentifier", maker.generated().lower())
    replica = "SourceDBInstanceIdentifier" in properties
    made = maker.call("rds", "CreateDBInstanceReadReplica" if replica else "CreateDBInstance", properties)
    instance = made["DBInstance"]
    return Made(
        instance["DBInstanceIdentifier"],
        {
            "DBInstanceArn": instance["DBInstanceArn"],
            "Endpoint.Address": instance["Endpoint"]["Address"],
            "Endpoint.Port": str(instance["Endpoint"]["Port"]),
        },
    )


def secret(maker: Maker, properties: dict[str, Any]) -> Made:
    recipe = properties.pop("GenerateSecretString", None)
    if recipe is not None:
        properties["SecretString"] = generated_secret(recipe)
    if "ReplicaRegions" in properties:
        properties["AddReplicaRegions"] = properties.pop("ReplicaRegions")
    properties.setdefault("Name", maker.generated())
    arn = maker.call("secretsmanager", "CreateSecret", properties)["ARN"]
    return Made(arn, {"Id": arn})


def generated_secret(recipe: dict[str, Any]) -> str:
    """A random text by CloudFormation's recipe, alone or in its template; only its own process ever knows it."""
    letters = string.ascii_letters + string.digits
    if not recipe.get("ExcludePunctuation"):
        letters += string.punctuation
    letters = "".join(sorted(set(letters) - set(recipe.get("ExcludeCharacters", ""))))
    text = "".join(secrets.choice(letters) for _ in range(int(recipe.get("PasswordLength", 32))))
    if "GenerateStringKey" not in recipe:
        return text
    return json.dumps({**json.loads(recipe.get("SecretStringTemplate", "{}")), recipe["GenerateStringKey"]: text})


def key(maker: Maker, properties: dict[str, Any]) -> Made:
    first, later = split(
        properties, "EnableKeyRotation", "PendingWindowInDays"
    )  # the latter matters when it is deleted
    made = maker.call("kms", "CreateKey", _key_parameters(first))["KeyMetadata"]
    if later.get("EnableKeyRotation"):
        maker.call("kms", "EnableKeyRotation", {"KeyId": made["KeyId"]})
    return Made(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


def replica_key(maker: Maker, properties: dict[str, Any]) -> Made:
    first, _ = split(properties, "PendingWindowInDays")
    *_, region, _, resource = first.pop("PrimaryKeyArn").split(":")
    given = {"KeyId": resource.partition("/")[2], "ReplicaRegion": maker.region, **_key_parameters(first)}
    made = maker.call("kms", "ReplicateKey", given, region)["ReplicaKeyMetadata"]
    return Made(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


def _key_parameters(properties: dict[str, Any]) -> dict[str, Any]:
    given = {"Policy" if name == "KeyPolicy" else name: value for name, value in properties.items()}
    if "Tags" in given:
        given["Tags"] = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in given["Tags"]]
    return given


def bucket(maker: Maker, properties: dict[str, Any]) -> Made:
    name = properties.pop("BucketName", None) or f"{maker.generated()}-{maker.account}".lower()
    where = {"CreateBucketConfiguration": {"LocationConstraint": maker.region}} if maker.region != "us-east-1" else {}
    now, later = split(properties, "LoggingConfiguration", "ReplicationConfiguration")
    unknown = {key: value for key, value in now.items() if key not in BUCKET_SETTINGS}
    maker.call("s3", "CreateBucket", {"Bucket": name, **where, **unknown})  # which refuses the unknown by name

    def settle(chosen: dict[str, Any]) -> None:
        for told, value in chosen.items():
            operation, parameters = BUCKET_SETTINGS[told](value)
            maker.call("s3", operation, {"Bucket": name, **parameters})

    settle(now)
    attributes = {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{maker.region}.amazonaws.com",
    }
    return Made(name, attributes, (lambda: settle(later),))


def _encryption(value: dict[str, Any]) -> list[dict[str, Any]]:
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = value["ServerSideEncryptionConfiguration"]
    return [{renamed.get(name, name): inner for name, inner in rule.items()} for rule in rules]


def _lifecycle(rule: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation's flat days as S3's structures."""
    rule = dict(rule)
    if "ExpirationInDays" in rule:
        rule["Expiration"] = {"Days": rule.pop("ExpirationInDays")}
    for listed in ("Transitions", "NoncurrentVersionTransitions"):
        if listed in rule:
            rule[listed] = [_transition(one) for one in rule[listed]]
    rule.setdefault("Filter", {"Prefix": rule.pop("Prefix", "")})
    return rule


def _transition(given: dict[str, Any]) -> dict[str, Any]:
    renamed = {"TransitionInDays": "Days"}
    return {renamed.get(name, name): value for name, value in given.items()}


def _logging(value: dict[str, Any]) -> dict[str, Any]:
    target = {"TargetBucket": value["DestinationBucketName"], "TargetPrefix": value.get("LogFilePrefix", "")}
    return {"BucketLoggingStatus": {"LoggingEnabled": target}}


# A bucket's properties are calls of their own: property -> the call and its parameters.
BUCKET_SETTINGS: dict[str, Callable[[Any], tuple[str, dict[str, Any]]]] = {
    "VersioningConfiguration": lambda told: ("PutBucketVersioning", {"VersioningConfiguration": told}),
    "BucketEncryption": lambda told: (
        "PutBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": _encryption(told)}}
    ),
    "LifecycleConfiguration": lambda told: (
        "PutBucketLifecycleConfiguration",
        {"LifecycleConfiguration": {"Rules": [_lifecycle(rule) for rule in told["Rules"]]}},
    ),
    "OwnershipControls": lambda told: ("PutBucketOwnershipControls", {"OwnershipControls": told}),
    "PublicAccessBlockConfiguration": lambda told: (
        "PutPublicAccessBlock", {"PublicAccessBlockConfiguration": told}
    ),
    "Tags": lambda told: ("PutBucketTagging", {"Tagging": {"TagSet": told}}),
    "LoggingConfiguration": lambda told: ("PutBucketLogging", _logging(told)),
    "ReplicationConfiguration": lambda told: ("PutBucketReplication", {"ReplicationConfiguration": told}),
}  # fmt: skip


def bucket_policy(maker: Maker, properties: dict[str, Any]) -> Made:
    maker.call("s3", "PutBucketPolicy", {"Bucket": properties["Bucket"], "Policy": properties["PolicyDocument"]})
    return Made(f"{properties['Bucket']}-policy")


KINDS: dict[str, Make] = {
    "AWS::RDS::DBSubnetGroup": Simple(
        "rds", "CreateDBSubnetGroup", "DBSubnetGroup.DBSubnetGroupName", named="DBSubnetGroupName"
    ),
    "AWS::RDS::DBInstance": database,
    "AWS::SecretsManager::Secret": secret,
    "AWS::KMS::Key": key,
    "AWS::KMS::ReplicaKey": replica_key,
    "AWS::KMS::Alias": Simple("kms", "CreateAlias", "=AliasName"),
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
}
