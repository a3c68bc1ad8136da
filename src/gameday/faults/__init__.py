"""Faults: one file and one class each, with two verbs, inject and heal."""

from gameday.faults.base import Fault as Fault
from gameday.faults.region_outage import RegionOutage as RegionOutage

__all__ = ["Fault", "RegionOutage"]
