"""What became of one drill: told by its record and by the exit code of ``chaos run``, never by what it printed."""

from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path

from gameday.errors import RecordError
from gameday.facts import Finding, Measurement, Verdict
from gameday.facts.campaign import DrillDone
from gameday.measure.campaign import harm
from gameday.record.layout import Record
from gameday.record.manifest import sha256_of


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the records of one drill lie: ``reports/<drill>/``."""

    reports: Path
    drill: str

    def records(self) -> frozenset[str]:
        """The names of the records that are there."""
        folder = self.reports / self.drill
        return frozenset(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else frozenset()


def outcome(ended: DrillDone, shelf: Shelf, before: Set[str], log: str = "") -> DrillDone:
    """The drill that has ended, with everything that the one record says which was not there ``before``.

    ``log`` is where what ``chaos run`` said is kept. Without exactly one such record, or where it cannot be read, the
    drill stays what it was, UNKNOWN, and says why.
    """
    new = sorted(shelf.records() - before)
    if not new:
        return replace(ended, why=f"chaos run left no record and exited {ended.exit_code}; its words: {log}")
    if len(new) > 1:
        why = f"{len(new)} records of {shelf.drill} appeared meanwhile; somebody else runs it into the same folder"
        return replace(ended, why=why)
    named = replace(ended, record=f"{shelf.drill}/{new[0]}")
    try:
        return _as_recorded(named, Record.open(shelf.reports / shelf.drill / new[0]))
    except RecordError as cause:
        return replace(named, why=f"its record cannot be read: expected {cause.expected}; saw {cause.seen}")


def _as_recorded(ended: DrillDone, record: Record) -> DrillDone:
    found = record.read_measurement()
    verdict, why = _verdict(found, ended.exit_code)
    point = found.recovery_point
    return replace(
        ended,
        verdict=verdict,
        why=why,
        measurement_sha256=sha256_of(record.folder / "measurement.json"),
        timer_scale=found.timer_scale,
        rta_s=found.rta_s,
        rpa_s=point.rpa_s,
        lost=None if point.rpa_s is None else point.lost,
        acknowledged=found.acknowledged,
        floor_s=found.floor.floor_s,
        excess_s=found.excess_s,
        rto_s=found.objectives.rto_s,
        rpo_s=found.objectives.rpo_s,
        harm=harm(found),
    )


def _verdict(found: Measurement, exit_code: int) -> tuple[Verdict, str]:
    """The record's verdict. HELD with any exit code but 0 is a contradiction, and proves nothing."""
    if found.verdict is Verdict.HELD and exit_code != 0:
        return Verdict.UNKNOWN, f"its record says HELD, and chaos run exited {exit_code}"
    if found.verdict is Verdict.HELD:
        return Verdict.HELD, ""
    reason = next((each for each in found.findings if each.weight is found.verdict), None)
    return found.verdict, _words(reason) if reason else "no finding names the reason"


def _words(finding: Finding) -> str:
    return f"{finding.what}: {finding.seen}" if finding.seen else finding.what
