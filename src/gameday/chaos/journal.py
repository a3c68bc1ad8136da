"""What Chaos Toolkit's journal tells of a run that did not go as planned; its ``status`` alone does not."""

from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 300  # characters of one failure: the journal beside it has its whole traceback
WHEN = {"before": "before the method", "during": "while the method ran", "after": "after the method"}

type Tree = Mapping[str, Any]


def failures(journal: Tree) -> tuple[str, ...]:
    """Each activity that did not succeed, and each hypothesis that was not met, in words; none when all went well.

    Chaos Toolkit 1.45.1 calls a run "completed" all the same, and ends it with exit code 0: after a failed action, an
    unmet baseline, an unmet hypothesis that was looked at continuously, and an interruption in the background.
    """
    return (*_failed(journal, "run"), *_failed(journal, "rollbacks"), *_unmet(journal.get("steady_states") or {}))


def _failed(journal: Tree, section: str) -> Iterator[str]:
    for run in journal.get(section) or ():
        if run.get("status") != "succeeded":  # an interrupted one has none
            name = run["activity"].get("name", "an activity")
            yield f"{name}: {_last_words(run.get('exception'))}"[:LONGEST]


def _last_words(traceback: Any) -> str:
    lines = "".join(traceback or ()).strip().splitlines()
    return lines[-1].removeprefix("chaoslib.exceptions.ActivityFailed: ") if lines else "it was interrupted"


def _unmet(steady_states: Tree) -> Iterator[str]:
    for when, words in WHEN.items():
        told = steady_states.get(when)
        looks = [look for look in (told if isinstance(told, list) else [told]) if look]
        unmet = [look for look in looks if not look.get("steady_state_met")]
        if unmet:
            names = {probe["activity"].get("name", "a probe") for look in unmet for probe in look["probes"][-1:]}
            yield f"the hypothesis {words}: {', '.join(sorted(names))} not met, {len(unmet)} of {len(looks)} times"
