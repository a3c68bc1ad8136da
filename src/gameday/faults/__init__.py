"""Faults: one file and one class each, with two verbs, inject and heal."""

from gameday.faults.base import Fault as Fault
from gameday.faults.bucket_loss import BucketLoss as BucketLoss
from gameday.faults.control_plane import ControlPlaneTrouble as ControlPlaneTrouble
from gameday.faults.database_loss import DatabaseLoss as DatabaseLoss
from gameday.faults.health_check import HealthCheckTrouble as HealthCheckTrouble
from gameday.faults.key_unavailable import KeyUnavailable as KeyUnavailable
from gameday.faults.object_ransomware import ObjectRansomware as ObjectRansomware
from gameday.faults.partition import Partition as Partition
from gameday.faults.region_outage import RegionOutage as RegionOutage
from gameday.faults.replica_lag import ReplicaLag as ReplicaLag
from gameday.faults.replica_loss import ReplicaLoss as ReplicaLoss
from gameday.faults.secret_unavailable import SecretUnavailable as SecretUnavailable
from gameday.faults.task_loss import TaskLoss as TaskLoss

__all__ = [
    "BucketLoss",
    "ControlPlaneTrouble",
    "DatabaseLoss",
    "Fault",
    "HealthCheckTrouble",
    "KeyUnavailable",
    "ObjectRansomware",
    "Partition",
    "RegionOutage",
    "ReplicaLag",
    "ReplicaLoss",
    "SecretUnavailable",
    "TaskLoss",
]
