"""Faults: one file and one class each, with two verbs, inject and heal."""

from gameday.faults.base import Fault as Fault
from gameday.faults.database_loss import DatabaseLoss as DatabaseLoss
from gameday.faults.region_outage import RegionOutage as RegionOutage

__all__ = ["DatabaseLoss", "Fault", "RegionOutage"]
