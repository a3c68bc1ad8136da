"""Documents are judged by their read-back alone: gone or altered is BROKEN, not read is UNKNOWN, late is as the RTO."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from records import FAULT_S, PLAN, PRIMARY, DrillBuilder, at_ns, told

from gameday.clock import HandClock
from gameday.facts import Kind, Measurement, Objectives, Verdict
from gameday.facts.documents import DOCUMENTS_READ_BACK, Document, DocumentRead
from gameday.measure.judge import judge
from gameday.record.ledger import checksum

KEYS = ("a", "b", "c")


def sum_of(key: str) -> str:
    return checksum(key.encode())


@dataclass
class Documents:
    """A drill that stored three documents, lost two and had them again; each field is one way to have gone wrong."""

    sums: dict[str, str | None] = field(default_factory=dict)  # what was read otherwise; None is not there
    silent: tuple[str, ...] = ()  # without an answer
    unasked: tuple[str, ...] = ()
    noticed_s: float | None = 0.4
    walked_s: float | None = 6.0
    good_s: float | None = 5.5
    read_s: float | None = 8.0
    healed_s: float = 12.0
    stored: tuple[str, ...] = KEYS
    stored_s: float = -5.0
    objective_s: float = 600.0
    scale: float = 1.0

    def judged(self, folder: Path) -> Measurement:
        drill = DrillBuilder(PLAN).probes().write("order", -1.0)
        drill.planned(
            load=dict(PLAN.load) | {"documents": len(KEYS)},
            objectives=Objectives(1800, 600, object_recovery_s=self.objective_s),
            timers=replace(PLAN.timers, scale=self.scale),
        )
        drill.event(Kind.FAULT, "extra detail", 0.0, PRIMARY, deleted=1, overwritten=1)
        drill.faulted = False
        drill.planned(faults=("extra detail",)).event(Kind.FAULT_VERIFIED, "extra detail", 0.2, PRIMARY)
        drill.event(Kind.DOCUMENTS, "good", -2.0)
        if self.noticed_s is not None:
            drill.event(Kind.DOCUMENTS, "bad", self.noticed_s)
        if self.good_s is not None:
            drill.event(Kind.DOCUMENTS, "good", self.good_s)
        if self.walked_s is not None:
            drill.event(Kind.RUNBOOK, "read-every-object", self.walked_s, state="done")
        reads = self._reads()
        if self.read_s is not None:
            drill.event(Kind.NOTE, DOCUMENTS_READ_BACK, self.read_s, documents=len(reads))
        drill.event(Kind.HEAL, "extra detail", self.healed_s).event(Kind.HEALED, "extra detail", self.healed_s + 1)
        record = drill.record(folder)
        stamp, utc = at_ns(self.stored_s), HandClock(at_ns(self.stored_s)).utc()
        drill._write_lines(
            record, record.objects, [Document(PLAN.boot, key, sum_of(key), 1, stamp, utc) for key in self.stored]
        )
        drill._write_lines(record, record.objects_survivors, reads)
        return judge(record)

    def _reads(self) -> list[DocumentRead]:
        stamp, utc = at_ns(self.read_s or 0), HandClock(FAULT_S).utc()
        found = {key: self.sums.get(key, sum_of(key)) for key in KEYS if key not in (*self.silent, *self.unasked)}
        reads = [
            DocumentRead(PLAN.boot, key, sum, stamp, utc, 200 if sum else 404) for key, sum in found.items()
        ]  # fmt: skip
        return reads + [DocumentRead(PLAN.boot, key, None, stamp, utc, 503) for key in self.silent]


def test_documents_that_are_all_there_again_in_time_hold(tmp_path: Path):
    measurement = Documents().judged(tmp_path)
    assert measurement.verdict is Verdict.HELD, measurement.findings
    outcome = measurement.objects
    assert outcome is not None
    assert (outcome.stored, outcome.broken, outcome.restored) == (3, 2, 2)
    assert (outcome.unrecovered, outcome.altered, outcome.unread) == (0, 0, 0)
    assert (outcome.detected_s, outcome.recovery_s) == (0.4, 6.0)


def test_the_recovery_ends_when_the_canary_is_content_too(tmp_path: Path):
    outcome = Documents(good_s=7.0).judged(tmp_path).objects
    assert outcome is not None
    assert outcome.recovery_s == 7.0


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (Documents(sums={"a": None}), "documents were not recovered"),
        (Documents(sums={"a": sum_of("z")}), "documents came back altered"),
        (Documents(objective_s=5.9), "the recovery of documents took too long"),
    ],
)
def test_what_breaks_a_drill(tmp_path: Path, wrong: Documents, what: str):
    measurement = wrong.judged(tmp_path)
    assert measurement.verdict is Verdict.BROKEN
    assert what in told(measurement, Verdict.BROKEN)


@pytest.mark.parametrize(
    ("lacking", "what"),
    [
        (Documents(silent=("b",)), "the documents were not read back"),
        (Documents(unasked=("b",)), "the documents were not read back"),
        (Documents(read_s=None), "the documents were not read back"),
        (Documents(healed_s=7.5), "the documents were not read back"),
        (Documents(noticed_s=None), "nobody noticed that documents were gone"),
        (Documents(walked_s=None, good_s=None, noticed_s=-1.0), "how long the documents were gone is unknown"),
        (Documents(good_s=None, walked_s=6.0), "how long the documents were gone is unknown"),
        (Documents(stored=("a", "b")), "documents are missing from the record"),
        (Documents(stored_s=1.0), "documents were stored after the fault"),
        (
            Documents(scale=0.001),
            "at timer scale 0.001 the recovery of documents took longer than the objective × scale",
        ),
    ],
)
def test_what_leaves_it_unknown(tmp_path: Path, lacking: Documents, what: str):
    measurement = lacking.judged(tmp_path)
    assert measurement.verdict is Verdict.UNKNOWN, measurement.findings
    assert what in told(measurement, Verdict.UNKNOWN)


def test_a_drill_without_documents_says_nothing_of_them(tmp_path: Path):
    measurement = judge(DrillBuilder().probes(bad=(0.0, 4.0)).write("a", -1.0).record(tmp_path))
    assert measurement.objects is None
    assert not [each for each in measurement.findings if "document" in each.what]
