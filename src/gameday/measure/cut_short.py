"""The rules of a drill that did not run to its end, or not as it was planned: what it would have shown, nobody saw."""

from collections.abc import Iterator

from gameday.facts import ABORTED, NOT_AS_PLANNED, OUTLIVED, Finding, Kind
from gameday.measure.case import Case, unknown
from gameday.measure.moments import first


def stopped(case: Case) -> Iterator[Finding]:
    """A stop condition that no longer held, or somebody who asked, ended the drill: its recovery was not seen."""
    event = first(case.evidence.events, Kind.STOPPED)
    if event:
        asked = event.what == ABORTED
        expected = "the drill to run to its end" if asked else event.what
        who = f", asked by {event.detail.get('who')}" if event.detail.get("who") else ""
        what = "the drill was aborted by request" if asked else "a stop condition no longer held, so it was aborted"
        yield unknown(what, expected, f"{event.detail.get('seen')}{who}", "find out why before it is run again")


def not_as_planned(case: Case) -> Iterator[Finding]:
    """The door's own note: an activity failed, or a hypothesis was not met, so this was another drill than planned."""
    note = first(case.evidence.events, Kind.NOTE, where=lambda event: event.what == NOT_AS_PLANNED)
    if note:
        expected = "every activity to succeed, and every hypothesis to be met"
        yield unknown("the drill was not run as planned", expected, str(note.detail.get("failed") or "a note"))


def outlived(case: Case) -> Iterator[Finding]:
    """The warden ended the drill after its longest duration: what it still would have shown, nobody saw."""
    if first(case.evidence.events, Kind.WARDEN, where=lambda event: event.what == OUTLIVED):
        expected = f"the drill over within {case.plan.max_duration_s:g} s" if case.plan.max_duration_s else "an end"
        then = "find what it waited for, or declare a longer max_duration_s"
        yield unknown(OUTLIVED, expected, "it still ran, and its warden had it ended", then)
