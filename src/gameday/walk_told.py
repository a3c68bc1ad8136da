"""A runbook's walk as whoever runs it sees it: each step, what is seen, what is called, and the question before it."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from gameday.errors import RunbookError
from gameday.facts import Kind
from gameday.lab.model import Lab
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.walked import NAME, WalkJournal
from gameday.recovery.resuming import Journalist
from gameday.recovery.runbook import Begun, Call, Check, Onlooker, Runbook, Scene, Step, walk
from gameday.recovery.shown import command_of

AGAIN_S = 5.0  # a wait that sees nothing new says so this often
WIDTH = 100


class Terminal(Onlooker):
    """Tells a walk line by line, and asks before each step that changes something, unless ``yes`` was said."""

    def __init__(self, book: Runbook, *, yes: bool) -> None:
        self._names, self._yes = [step.name for step in book.steps], yes
        self._begun_s, self._told_s, self._told = time.monotonic(), 0.0, ""

    def step(self, step: Step) -> None:
        self._begun_s = time.monotonic()
        click.echo(f"\n{self._names.index(step.name) + 1}/{len(self._names)} {step.name}")
        click.echo(click.wrap_text(step.text, WIDTH, initial_indent="    ", subsequent_indent="    "))

    def looked(self, check: Check, seen: Any, elapsed_s: float, limit_s: float) -> None:
        """Said at once when it is news, and every few seconds while it is not."""
        told = f"{check.what}: {seen}"
        if not limit_s or (told == self._told and elapsed_s - self._told_s < AGAIN_S):
            return
        self._told, self._told_s = told, elapsed_s
        click.echo(f"    wait    {told}; {elapsed_s:.0f} s of at most {limit_s:g} s")

    def met(self, check: Check, seen: Any) -> None:
        self._told, self._told_s = "", 0.0
        click.echo(f"    seen    {check.what}: {seen}")

    def planned(self, step: Step, calls: Sequence[Call]) -> None:
        """Raises :class:`RunbookError` when the answer is no."""
        for call in calls:
            click.echo(f"    call    {command_of(call)}")
        if calls and step.changes and not self._yes and not click.confirm("    Make it so?", default=False):
            raise RunbookError(f"yes before the step {step.name}", "no", "nothing of it was called")

    def called(self, step: Step, number: int) -> None:
        click.echo("    called")

    def done(self, step: Step, found: Mapping[str, str]) -> None:
        click.echo(f"    done    after {time.monotonic() - self._begun_s:.1f} s")


@dataclass(frozen=True, slots=True)
class Errand:
    """A walk to be taken: which steps, where, with what; ``folder`` is an existing record to write into.

    ``found`` and ``begun`` come from the walk that is gone on with, when ``is_resumed``.
    """

    book: Runbook
    lab: Lab
    steps: Sequence[Step]
    options: Mapping[str, str]
    begun: Begun | None = None
    found: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    is_resumed: bool = False


def walk_told(errand: Errand, reports: Path, *, yes: bool) -> Record:
    """Walk it before the person's eyes, and into a record; whatever stops it names the way to go on."""
    book, lab = errand.book, errand.lab
    record = _record(errand, reports)
    with ExitStack() as stack:
        timeline, journal = Timeline(record), WalkJournal(record.folder, book.name)
        stack.callback(timeline.close)
        stack.callback(journal.close)
        scene = Scene(lab, timeline, errand.options)
        scene.found.update(errand.found)
        if not errand.is_resumed:
            journal.begun(lab.name if lab.is_local else "aws", lab.deployment, scene.options)
        timeline.add(Kind.PHASE, f"runbook {book.name}", lab=lab.name, resumed=errand.is_resumed)
        click.echo(f"{book.title}, on {lab.name}. Record {record.folder}")
        try:
            onlookers = (Terminal(book, yes=yes), Journalist(journal))
            walk(book, scene, errand.steps, onlookers=onlookers, begun=errand.begun)
        except BaseException as cause:
            cause.add_note(f"to go on: gameday runbook run {book.name} --resume {record.folder}")
            raise
    record.seal(record.timeline.name, NAME)
    click.echo(f"\n{book.name} is done. Record {record.folder}")
    return record


def _record(errand: Errand, reports: Path) -> Record:
    """The record to write into: an existing one, or a new ``reports/runbook-NAME/<UTC>/``."""
    if errand.folder:
        return Record(errand.folder) if errand.is_resumed else Record.open(errand.folder)
    made = Record.create(reports, f"runbook-{errand.book.name}")
    made.writes.rmdir()  # a runbook has no clients of its own
    made.probes.rmdir()
    return made
