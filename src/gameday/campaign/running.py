"""Running a campaign: drill after drill, each finished one written down at once; whatever ends it, it is judged."""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gameday.campaign.asking import Campaign, chaos_command
from gameday.campaign.outcome import Shelf, outcome
from gameday.campaign.told import beginning_line, ending_line, progress_line, selftest_line
from gameday.clock import NS, SYSTEM, Clock
from gameday.errors import annotating
from gameday.facts import Verdict
from gameday.facts.campaign import CampaignMeasurement, DrillDone, Turn
from gameday.facts.selftest import SelfTest
from gameday.measure.campaign import measure, turns, with_selftest
from gameday.processes import spawn
from gameday.record.campaign import CampaignFolder
from gameday.record.lines import Damage, LineWriter
from gameday.report.campaign import campaign_html
from gameday.selftest import self_test

if TYPE_CHECKING:
    type Process = subprocess.Popen[bytes]

ENDS_WITHIN_S = 120.0  # an interrupted drill heals, reads back, judges and renders before it is gone


class Runner:
    """Runs what is left of a campaign, after the tool's own test.

    ``command`` is ``chaos`` itself; a test gives another program, and another ``selftest``.

    From the main thread only: the drills' processes are tied to it, so that a campaign that is killed leaves none.
    """

    def __init__(
        self,
        campaign: Campaign,
        folder: CampaignFolder,
        *,
        say: Callable[[str], None],
        command: Sequence[str] | None = None,
        selftest: Callable[[Path], SelfTest] = self_test,
        clock: Clock = SYSTEM,
    ) -> None:
        self._campaign, self._folder, self._say, self._clock = campaign, folder, say, clock
        self._command, self._selftest = tuple(command or chaos_command()), selftest
        self._done: list[DrillDone] = []

    def run(self) -> CampaignMeasurement:
        """Run every drill that has not ended yet, and conclude; an interruption concludes too, and is raised again."""
        with self._folder.locked():
            return self._run_what_is_left()

    def _run_what_is_left(self) -> CampaignMeasurement:
        plan = self._campaign.plan
        self._done = self._folder.read_done(Damage())
        ended = {each.number for each in self._done}
        left = [turn for turn in turns(plan) if turn.number not in ended]
        self._say(beginning_line(plan, len(self._done), self._folder))
        try:
            if left and self._folder.read_selftest() is None:
                self._test_the_tool()
            with contextlib.closing(self._folder.done_writer()) as writer:
                self._run_all(left, writer)
        except BaseException as cause:
            with annotating(cause, "writing the campaign's report"):
                conclude(self._folder)
            raise
        return conclude(self._folder)

    def _test_the_tool(self) -> None:
        """Its drills' records stay in the campaign's folder ``selftest/``."""
        found = self._selftest(self._folder.folder / "selftest")
        self._folder.write_selftest(found)
        self._say(selftest_line(found))

    def _run_all(self, left: Sequence[Turn], writer: LineWriter) -> None:
        plan = self._campaign.plan
        for turn in left:
            if plan.stop_on_broken and any(each.verdict is Verdict.BROKEN for each in self._done):
                return
            done = self._run(turn)
            writer.append(done)
            self._done.append(done)
            self._say(progress_line(plan, self._done))

    def _run(self, turn: Turn) -> DrillDone:
        shelf = Shelf(self._campaign.reports, self._campaign.drills[turn.variation])
        before, utc, begun = shelf.records(), self._clock.utc(), self._clock.mono_ns()
        exit_code = self._chaos_run(turn)
        ended = DrillDone(
            number=turn.number,
            variation=turn.variation,
            parameters=self._campaign.plan.variations[turn.variation],
            started_utc=utc,
            duration_s=(self._clock.mono_ns() - begun) / NS,
            exit_code=exit_code,
            verdict=Verdict.UNKNOWN,
        )
        log = self._folder.log_of(turn.number).relative_to(self._folder.folder)
        return outcome(ended, shelf, before, str(log))

    def _chaos_run(self, turn: Turn) -> int:
        """``chaos run`` in a session of its own: Ctrl-C reaches this process alone, which asks the drill to end."""
        log = self._folder.log_of(turn.number)
        given = [f"--var={key}={value}" for key, value in self._campaign.given(turn.variation).items()]
        journal = log.with_suffix(".journal.json")
        command = [*self._command, "run", f"--journal-path={journal}", *given, self._campaign.plan.experiment]
        process = spawn(command, log=log)
        try:
            return process.wait()
        except BaseException:
            self._say(ending_line(turn, log))
            ask_to_end(process)
            raise


def ask_to_end(process: "Process", within_s: float = ENDS_WITHIN_S) -> None:
    """End a drill in its own way: it heals, judges and seals. A second interruption, or time running out, kills it.

    Killed, it alone dies here: its warden lives on, to heal what is broken and to end the drill's own lab.
    """
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(within_s)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()


def conclude(folder: CampaignFolder) -> CampaignMeasurement:
    """Judge what has ended, write ``campaign.json``, render the page, seal. Can be repeated at any time."""
    damage = Damage()
    plan, done = folder.read_plan(), folder.read_done(damage)
    found = with_selftest(measure(plan, done), folder.read_selftest())
    folder.write_measurement(found)
    folder.write_page(
        campaign_html(plan, done, found, record_id=_id(folder.folder), unreadable=damage.lines + damage.cut_tail)
    )
    folder.seal()
    return found


def _id(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"
