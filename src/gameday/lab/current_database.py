"""Which RDS instance is a region's database now: the one that its endpoint's secret names.

A restore makes a new instance with a new endpoint, so after it the stack's output ``DatabaseId`` names the lost one.
The secret is what the service reads, and is rewritten by every recovery that moves the endpoint.
"""

import json
from collections.abc import Mapping
from typing import Any

from gameday.lab.model import Lab

type Described = Mapping[str, Any]


def current_database(lab: Lab, region: str) -> tuple[str, Described | None]:
    """The identifier of the region's database, and RDS's own description of it; None when it is gone.

    Where no instance has the secret's host (it was deleted, or the secret was), the stack's output tells.
    """
    instances = described(lab, region)
    host = endpoint(lab, region).get("host")
    named = lab.of(region, "DatabaseId")
    for instance in instances:
        if host and (instance.get("Endpoint") or {}).get("Address") == host:
            return str(instance["DBInstanceIdentifier"]), instance
    return named, next((one for one in instances if one["DBInstanceIdentifier"] == named), None)


def described(lab: Lab, region: str) -> list[Described]:
    """Every RDS instance of the region."""
    rds = lab.client("rds", region)
    page = rds.describe_db_instances()
    found: list[Described] = list(page["DBInstances"])
    while marker := page.get("Marker"):
        page = rds.describe_db_instances(Marker=marker)
        found += page["DBInstances"]
    return found


def endpoint(lab: Lab, region: str) -> dict[str, Any]:
    """What the region's secret says: ``host``, ``port``, ``dbname``; empty where none can be read (no key, too)."""
    secrets = lab.client("secretsmanager", region)
    try:
        text = secrets.get_secret_value(SecretId=lab.of(region, "EndpointSecret"))["SecretString"]
        told = json.loads(text)
    except (secrets.exceptions.ResourceNotFoundException, secrets.exceptions.DecryptionFailure, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
