"""Whole records to be damaged: an outage with a failover, documents lost, a failback, a restore; all of them HELD."""

import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.damage import Files
from gameday.clock import HandClock
from gameday.facts import Verdict
from gameday.measure.judge import judge
from gameday.record.campaign import CampaignFolder
from gameday.record.closing import close_evidence
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal, UndoStep
from gameday.record.walked import WalkJournal

sys.path.append(str(Path(__file__).parents[1] / "tests/unit/measure"))  # the builders of the tests
import campaigns
import records
from test_documents_judged import Documents
from test_reprotection import healed_drill, walked
from test_restored import good as restored

CAMPAIGN = "campaign/then"


@dataclass(frozen=True, slots=True)
class Base:
    """A record's files, and whether the drill closed it: then no change of what is judged may go unseen."""

    name: str
    files: Files
    is_closed: bool


def bases() -> tuple[Base, ...]:
    """Every base closed, and the outage also as older drills left it; raises AssertionError when one is not HELD."""
    makers = {"outage": _outage, "documents": _documents, "failback": _failback, "restore": _restore}
    made = [_base(name, make, is_closed=True) for name, make in makers.items()]
    return (*made, _base("older outage", _outage, is_closed=False))


def _base(name: str, make: Callable[[Path], Record], *, is_closed: bool) -> Base:
    with tempfile.TemporaryDirectory() as folder:
        record = make(Path(folder))
        _thin(record)
        _journals(record)
        record.write_plan(replace(record.read_plan(), closes=is_closed))
        if is_closed:
            close(record)
        found = judge(record)
        if found.verdict is not Verdict.HELD:
            raise AssertionError(f"expected the base {name} to be HELD; saw {found.findings[0]}")
        record.write_measurement(found)
        paths = [path for path in record.folder.rglob("*") if path.is_file()]
        return Base(name, {str(path.relative_to(record.folder)): path.read_bytes() for path in paths}, is_closed)


def close(record: Record) -> None:
    """As a drill does it at its end, on the clock of the builders."""
    with closing(Timeline(record, HandClock(records.at_ns(60)))) as timeline:
        close_evidence(record, timeline)


def _thin(record: Record) -> None:
    """Every second probe of a long record: judging is quicker, and a window of 200 still fits in."""
    probes = list(record.read_probes(Damage()))
    if len(probes) > 1_000:
        (segment,) = record.probes.iterdir()
        segment.unlink()
        with closing(record.line_writer(segment, sync=False)) as writer:
            for probe in probes:
                if probe.seq % 2 == 0:
                    writer.append(replace(probe, seq=probe.seq // 2))


def _outage(folder: Path) -> Record:
    drill = records.failing_over(records.good_drill())
    drill.all_probes = []
    drill.end_s = 15.0
    drill.probes(bad=(0.0, 4.0), span=(-3.0, 15.5))
    drill.event(records.Kind.EXECUTION, "SUCCEEDED", 4.6, records.SECONDARY, arn="x")
    drill.event(records.Kind.LAG, "0.1", -1.0, lag_s=0.1, sampled_mono_ns=records.at_ns(-1.0))
    drill.write("e", 6.0, "unknown", region=records.SECONDARY).write("f", 1.0, "refused", there=False)
    return drill.record(folder)


def _documents(folder: Path) -> Record:
    Documents().judged(folder)
    (plan,) = folder.rglob("plan.json")
    return Record.open(plan.parent)


def _failback(folder: Path) -> Record:
    return walked(healed_drill()).record(folder)


def _restore(folder: Path) -> Record:
    return restored().record(folder)


def _journals(record: Record) -> None:
    """What else can be read of a folder: an undo journal, a walked runbook, a campaign."""
    with closing(UndoJournal(record.undo)) as undo:
        steps = [UndoStep("restore_acl", records.PRIMARY, {"subnet": f"s-{number}"}) for number in range(3)]
        undo.done(undo.before(steps[0]), steps[0])
        undo.before(steps[1])
        undo.before(steps[2])
    with closing(WalkJournal(record.folder, "failback")) as walk:
        walk.begun("local", "gameday", {"at": "now"})
        walk.calling("look-around", 0, {"a": "b"})
        walk.called("look-around", 0)
        walk.done("look-around", {"a": "b"})
        walk.calling("drain", 0, {"a": "c"})
    campaign = CampaignFolder(record.folder / CAMPAIGN)
    campaign.folder.mkdir(parents=True)
    plan, done = campaigns.campaign("HBUH")
    campaign.write_plan(plan)
    with closing(campaign.done_writer()) as writer:
        for each in done:
            writer.append(each)
