"""Which RDS instance is a region's database now: the one that its endpoint's secret names.

A restore makes a new instance with a new endpoint, so after it the stack's output ``DatabaseId`` names the lost one.
The secret is what the service reads, and is rewritten by every recovery that moves the endpoint.
"""

import json
from collections.abc import Mapping
from typing import Any

from gameday.lab.model import Lab

type Described = Mapping[str, Any]
PLACE = ("host", "port", "dbname")  # all that is taken of the secret: a team's own may hold a password too


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
    """What :func:`known_endpoint` tells; empty where the secret cannot be read (no key, too)."""
    errors = lab.client("secretsmanager", region).exceptions
    try:
        return known_endpoint(lab, region)
    except (errors.ResourceNotFoundException, errors.DecryptionFailure, ValueError):
        return {}


def known_endpoint(lab: Lab, region: str) -> dict[str, Any]:
    """What the region's secret says of ``host``, ``port`` and ``dbname``; whatever else it holds is not taken out."""
    secrets = lab.client("secretsmanager", region)
    told = json.loads(secrets.get_secret_value(SecretId=lab.of(region, "EndpointSecret"))["SecretString"])
    return {name: told[name] for name in PLACE if name in told} if isinstance(told, dict) else {}
