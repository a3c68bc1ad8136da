"""Faults: one file and one class each, with two verbs, inject and heal."""

from gameday.faults.base import Fault as Fault
from gameday.faults.database_loss import DatabaseLoss as DatabaseLoss
from gameday.faults.partition import Partition as Partition
from gameday.faults.region_outage import RegionOutage as RegionOutage
from gameday.faults.replica_loss import ReplicaLoss as ReplicaLoss
from gameday.faults.task_loss import TaskLoss as TaskLoss

__all__ = ["DatabaseLoss", "Fault", "Partition", "RegionOutage", "ReplicaLoss", "TaskLoss"]
