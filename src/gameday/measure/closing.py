"""The rule that the record is judged as the drill left it: nothing that was evidence at its end may be gone since."""

from collections.abc import Iterator

from gameday.facts import Finding, Verdict
from gameday.measure.case import Case

NEXT = "judge a whole copy of it"


def not_as_the_drill_left_it(case: Case) -> Iterator[Finding]:
    """Files that are other than the drill's last note tells, or no such note although the plan promises one."""
    closing = case.evidence.closing
    if closing.changed:
        expected, seen = "every file as it was when the drill ended", f"changed or gone: {_some(closing.changed)}"
        yield Finding(Verdict.UNKNOWN, "the record is not as the drill left it", expected, seen, NEXT)
    elif case.plan.closes and not closing.is_told:
        expected = "the drill's last note, with the sum of every judged file"
        yield Finding(Verdict.UNKNOWN, "the record was never closed", expected, "none: a part may be gone", NEXT)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
