"""Going on with an interrupted walk: what is written down meanwhile, and what is left to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gameday.errors import InputError
from gameday.record.walked import Walked, WalkJournal
from gameday.recovery.runbook import Begun, Call, Onlooker, Runbook, Step


@dataclass(frozen=True, slots=True)
class Journalist(Onlooker):
    """Writes each call down before it is made, and each step that was taken to its end."""

    journal: WalkJournal

    def calling(self, step: Step, number: int, call: Call, found: Mapping[str, str]) -> None:
        self.journal.calling(step.name, number, found)

    def called(self, step: Step, number: int) -> None:
        self.journal.called(step.name, number)

    def done(self, step: Step, found: Mapping[str, str]) -> None:
        self.journal.done(step.name, found)


def left_of(book: Runbook, walked: Walked) -> tuple[Sequence[Step], Begun | None]:
    """The steps that an interrupted walk left, and how far it came with the first of them.

    Raises :class:`InputError` when it was another runbook's walk.
    """
    if walked.runbook != book.name:
        raise InputError(
            f"a record of {book.name}", f"one of {walked.runbook}", f"gameday runbook run {walked.runbook}"
        )
    if walked.half_done:
        begun = Begun(walked.half_done, walked.answered, walked.is_unsure)
        return steps_from(book, walked.half_done), begun
    names = [step.name for step in book.steps]
    last = max((names.index(name) for name in walked.done if name in names), default=-1)
    return book.steps[last + 1 :], None


def steps_from(book: Runbook, start: str | None) -> Sequence[Step]:
    """The steps from one on, which is named, or numbered from 1; raises :class:`InputError` when there is none."""
    names = [one.name for one in book.steps]
    if start is None:
        return book.steps
    if start in names:
        return book.steps[names.index(start) :]
    if start.isdecimal() and 1 <= int(start) <= len(names):
        return book.steps[int(start) - 1 :]
    known = ", ".join(f"{number} {name}" for number, name in enumerate(names, start=1))
    raise InputError(f"a step of {book.name} ({known})", repr(start), "correct its name or number")
