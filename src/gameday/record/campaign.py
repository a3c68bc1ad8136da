"""The folder of a campaign, ``reports/campaign-<name>/<UTC time>/``: its plan, its finished drills, its measurement."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gameday.errors import InputError, RecordError
from gameday.facts.campaign import CampaignMeasurement, CampaignPlan, DrillDone
from gameday.facts.selftest import SelfTest
from gameday.record.alone import alone_in
from gameday.record.layout import OTHER_REPORTS, pretty, write_whole
from gameday.record.lines import UNREADABLE, Damage, LineWriter, read_lines
from gameday.record.manifest import hashes_of

AGAIN = "then render again: gameday campaign --report"


@dataclass(frozen=True, slots=True)
class CampaignFolder:
    """``plan.json``, ``selftest.json``, ``runs.ndjson``, ``logs/``, ``campaign.json``, ``index.html``, a manifest."""

    folder: Path

    @classmethod
    def create(cls, reports: Path, name: str) -> "CampaignFolder":
        """Make the folder of a new campaign; raises :class:`RecordError` when that is not possible."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        made = cls(reports / f"campaign-{name}" / stamp)
        try:
            made.logs.mkdir(parents=True)
        except OSError as cause:
            seen, then = f"{cause.strerror}: {cause.filename}", f"make it writable, {OTHER_REPORTS}"
            raise RecordError(f"a writable folder {reports}", seen, then) from cause
        return made

    @classmethod
    def open(cls, folder: Path) -> "CampaignFolder":
        """An existing campaign; raises :class:`InputError` when ``folder`` holds no ``plan.json``."""
        if not (folder / "plan.json").is_file():
            raise InputError(
                f"a campaign at {folder}", "no plan.json in it", "name a folder reports/campaign-<name>/<time>"
            )
        return cls(folder)

    @property
    def reports(self) -> Path:
        """The folder of all reports, from which a drill's record is named."""
        return self.folder.parent.parent

    @property
    def runs(self) -> Path:
        return self.folder / "runs.ndjson"

    @property
    def page(self) -> Path:
        return self.folder / "index.html"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def log_of(self, number: int) -> Path:
        """What ``chaos run`` said in that drill."""
        return self.logs / f"{number:04}.log"

    def write_plan(self, plan: CampaignPlan) -> None:
        write_whole(self.folder / "plan.json", pretty(plan), f"free the disk, {OTHER_REPORTS}")

    def read_plan(self) -> CampaignPlan:
        """The plan; raises :class:`RecordError` when it is none of a campaign, a drill's for example."""
        path = self.folder / "plan.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=CampaignPlan)
        except (OSError, *UNREADABLE, InputError) as cause:
            raise RecordError(f"a campaign's plan in {path}", str(cause), "name the folder of a campaign") from cause

    def write_selftest(self, found: SelfTest) -> None:
        write_whole(self.folder / "selftest.json", pretty(found), f"free the disk, {OTHER_REPORTS}")

    def read_selftest(self) -> SelfTest | None:
        """The self-test of before the first drill; None where there is none. Raises :class:`RecordError` when it cannot
        be read."""
        path = self.folder / "selftest.json"
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=SelfTest)
        except (OSError, *UNREADABLE) as cause:
            raise RecordError(f"a readable {path}", str(cause), "remove it; --resume tests again") from cause

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Nobody else runs this campaign meanwhile; see :func:`gameday.record.alone.alone_in`."""
        return alone_in(self.folder, "run the campaign")

    def done_writer(self) -> LineWriter:
        """Appends finished drills, each line synced."""
        return LineWriter(self.runs, sync=True)

    def read_done(self, damage: Damage) -> list[DrillDone]:
        """Every finished drill that can be read; a line that cannot is counted in ``damage``."""
        return list(read_lines(self.runs, DrillDone, damage))

    def write_measurement(self, measurement: CampaignMeasurement) -> None:
        write_whole(self.folder / "campaign.json", pretty(measurement), f"free the disk, {AGAIN}")

    def write_page(self, text: str) -> None:
        write_whole(self.page, text, f"free the disk, {AGAIN}")

    def seal(self) -> None:
        """Write ``manifest.json``: the SHA-256 of every other file of the campaign. The records have their own."""
        hashes = hashes_of(self.folder, f"make it readable, {AGAIN}")
        write_whole(self.folder / "manifest.json", pretty(hashes), f"free the disk, {AGAIN}")
