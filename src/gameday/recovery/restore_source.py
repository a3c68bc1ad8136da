"""What a database is restored from: a snapshot, or its automated backup as of a time; found by RDS's own listings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gameday.errors import InputError
from gameday.lab.current_database import current_database
from gameday.lab.model import Lab

LATEST_SNAPSHOT, LATEST, SNAPSHOT = "latest-snapshot", "latest", "snapshot:"
TO_FORM = r"latest-snapshot|latest|snapshot:[A-Za-z0-9:-]+|\d{4}-\d\d-\d\d[T ][0-9:.]+(Z|\+00:00)?"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the data come from. ``taken`` is the moment they are complete up to; one of ``snapshot`` (an identifier)
    and ``resource_id`` (of an automated backup, restored to ``taken``) is set."""

    taken: datetime
    snapshot: str = ""
    resource_id: str = ""

    @property
    def told(self) -> str:
        """For a person."""
        moment = self.taken.isoformat(timespec="milliseconds")
        return f"snapshot {self.snapshot} of {moment}" if self.snapshot else f"the backup as of {moment}"


def choose(lab: Lab, region: str, to: str) -> Source | str:
    """The source that ``to`` means in ``region``, or a sentence that says why there is none.

    A snapshot counts when it is ``available``: of the lost instance, or, where that is not known any more, of any that
    the stack's output or the endpoint's secret names. Raises :class:`InputError` for a ``to`` that is neither
    ``latest-snapshot``, ``snapshot:ID``, ``latest`` nor a UTC time.
    """
    if to == LATEST_SNAPSHOT:
        return _newest(lab, region)
    if to.startswith(SNAPSHOT):
        return _named(lab, region, to.removeprefix(SNAPSHOT))
    return _point(lab, region, None if to == LATEST else _time(to))


def database_names(lab: Lab, region: str) -> tuple[str, ...]:
    """The names that the region's database has or had: of the instance that is used now, and of the stack's output."""
    return tuple(dict.fromkeys((current_database(lab, region)[0], lab.of(region, "DatabaseId"))))


def _newest(lab: Lab, region: str) -> Source | str:
    found = [one for name in database_names(lab, region) for one in _snapshots(lab, region, name)]
    if not found:
        return f"no available snapshot of {' or '.join(database_names(lab, region))} in {region}"
    return max(found, key=lambda one: one.taken)


def _named(lab: Lab, region: str, wanted: str) -> Source | str:
    rds = lab.client("rds", region)
    try:
        answer = rds.describe_db_snapshots(DBSnapshotIdentifier=wanted)["DBSnapshots"]
    except rds.exceptions.DBSnapshotNotFoundFault:
        answer = []
    found = next(iter(_available(answer)), None)
    return found or f"no available snapshot {wanted} in {region}"


def _snapshots(lab: Lab, region: str, database: str) -> Iterable[Source]:
    pages = lab.client("rds", region).get_paginator("describe_db_snapshots").paginate(DBInstanceIdentifier=database)
    return _available(one for page in pages for one in page["DBSnapshots"])


def _available(snapshots: Iterable[Mapping[str, Any]]) -> list[Source]:
    """A snapshot holds what was committed before it was asked for; the time of the request survives its copies."""
    return [
        Source(_utc(one.get("OriginalSnapshotCreateTime") or one["SnapshotCreateTime"]), one["DBSnapshotIdentifier"])
        for one in snapshots
        if one["Status"] == "available"
    ]


def _point(lab: Lab, region: str, wanted: datetime | None) -> Source | str:
    rds = lab.client("rds", region)
    backups = [
        (_utc(one["RestoreWindow"]["EarliestTime"]), _utc(one["RestoreWindow"]["LatestTime"]), one["DbiResourceId"])
        for name in database_names(lab, region)
        for one in rds.describe_db_instance_automated_backups(DBInstanceIdentifier=name)["DBInstanceAutomatedBackups"]
        if (one.get("RestoreWindow") or {}).get("LatestTime")
    ]
    if not backups:
        return f"no automated backup of {' or '.join(database_names(lab, region))} in {region}"
    earliest, latest, resource_id = max(backups, key=lambda each: each[1])
    until = wanted or latest
    if not earliest <= until <= latest:
        return f"{until.isoformat()} is not between {earliest.isoformat()} and {latest.isoformat()}"
    return Source(until, resource_id=resource_id)


def _time(to: str) -> datetime:
    try:
        return _utc(datetime.fromisoformat(to))
    except ValueError as cause:
        raise InputError(
            "latest-snapshot, snapshot:ID, latest, or a time like 2026-11-24T18:00:00Z", repr(to), "correct `to`"
        ) from cause


def _utc(moment: datetime) -> datetime:
    """A time without an offset is UTC, as every time of this project is."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
