"""The drill token: the control opens it, every action and probe demands it. Chaos Toolkit only warns of a control that
cannot be imported, and lets a failed one pass; so without the token nothing may be touched.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError
from chaoslib.exceptions import InterruptExecution

from gameday.drill import Drill
from gameday.errors import DrillStopped, GamedayError, GuardError, LabError, annotating
from gameday.stopping import unswallowed


class Stopped(GamedayError, InterruptExecution):  # type: ignore[misc]  # chaoslib has no types
    """An error of ours in the form that Chaos Toolkit neither swallows nor counts as success: the experiment ends."""


class StoppedDrill(DrillStopped, InterruptExecution):  # type: ignore[misc]  # chaoslib has no types
    """A stop condition no longer held, or somebody asked for the end: the experiment ends, its rollbacks are played."""


class NoDrill(GuardError, InterruptExecution):  # type: ignore[misc]
    """An action or a probe was called without a drill; nothing was touched."""


@dataclass
class Token:
    """``drill`` is there once it has a name; actions may use it when ``is_open``. ``refused`` says why not."""

    drill: Drill | None = None
    is_open: bool = False
    refused: str = ""

    def current(self) -> Drill:
        """The drill under way; raises :class:`NoDrill` when there is none."""
        if self.drill is None or not self.is_open:
            raise NoDrill(
                "a drill that the control gameday.chaos.controls.drill has begun",
                self.refused or "none: the control is missing from the experiment, or could not be imported",
                "add the control to the experiment's `controls`, and install chaostoolkit-gameday where chaos runs",
            )
        return self.drill


TOKEN = Token()


def take() -> Token:
    """Start anew: what an earlier experiment of this process left is forgotten."""
    TOKEN.drill, TOKEN.is_open, TOKEN.refused = None, False, ""
    return TOKEN


@contextlib.contextmanager
def drilling() -> Iterator[Drill]:
    """The drill under way, for an action or a probe; an error of ours ends the whole experiment, rollbacks excepted.

    One that was stopped heals here already: Chaos Toolkit first waits for what runs in the background.
    """
    try:
        with unswallowed():
            yield TOKEN.current()
    except NoDrill:
        raise
    except DrillStopped as cause:
        with annotating(cause, "healing"):
            _heal_at_once()
        raise
    except GamedayError as cause:
        raise stopped(cause) from cause
    except (BotoCoreError, ClientError) as cause:
        seen = LabError("the control plane to do it", str(cause), "look at the lab, then take back what is broken")
        raise stopped(seen) from cause


def _heal_at_once() -> None:
    if TOKEN.drill and threading.current_thread() is threading.main_thread():
        TOKEN.drill.heal()


def stopped(cause: GamedayError) -> Stopped:
    """The same three sentences, in the form that ends the experiment."""
    return Stopped(cause.expected, cause.seen, cause.next_step)
