"""Faults: one file and one class each, with two verbs, inject and heal."""

from gameday.faults.base import Fault as Fault
from gameday.faults.bucket_loss import BucketLoss as BucketLoss
from gameday.faults.database_loss import DatabaseLoss as DatabaseLoss
from gameday.faults.key_unavailable import KeyUnavailable as KeyUnavailable
from gameday.faults.object_ransomware import ObjectRansomware as ObjectRansomware
from gameday.faults.partition import Partition as Partition
from gameday.faults.region_outage import RegionOutage as RegionOutage
from gameday.faults.task_loss import TaskLoss as TaskLoss

__all__ = [
    "BucketLoss",
    "DatabaseLoss",
    "Fault",
    "KeyUnavailable",
    "ObjectRansomware",
    "Partition",
    "RegionOutage",
    "TaskLoss",
]
