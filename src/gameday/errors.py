"""Every error that gameday raises, in one tree.

    GamedayError
    ├── InputError             the caller asked for something that cannot be: fix the input, nothing was touched
    │   └── ExperimentError    an experiment's configuration is misspelt, unresolved or out of range
    ├── LabError               the lab is missing, taken, broken, or never became ready
    │   ├── LabNotReady        it was started and did not become healthy in time
    │   ├── LabExists          one of that name is already up
    │   ├── PortsTaken         another process holds what the lab needs
    │   ├── NoPostgres         no PostgreSQL binaries for this platform
    │   ├── DeployError        a template could not be deployed
    │   └── UpstreamMoved      a patched library no longer looks as the patch expects
    ├── GuardError             a guard refused a mutation: no drill token, no allow-list, no tag, no targets
    │   └── NothingStored      a bucket holds no object that could be broken, or none yet
    ├── FaultError             a fault did not take effect, or could not be taken back
    ├── RunbookError           a step of a runbook could not be taken: a check was not met, or a call was refused
    ├── RecordError            the record is unreadable, or not a record
    │   ├── RecordUnwritable   the disk refused what was to be written
    │   └── NoRoomToJudge      the machine has no memory or no disk to judge it, or a copy of it, in
    ├── DrillStopped           a stop condition no longer held, or somebody asked for the end: it was aborted
    ├── NoDrillUnderway        there is no drill to abort
    ├── LoadError              Locust or the prober died, or could not start
    ├── ReadBackError          the surviving database could not be read back completely
    └── DeadlineError          something waited for did not happen in time

A message has three parts: what was expected, what was seen, what to do next.
"""

import contextlib
from collections.abc import Iterator


class GamedayError(Exception):
    """The root. ``expected``, ``seen`` and ``next_step`` are sentences without a full stop."""

    def __init__(self, expected: str, seen: str, next_step: str = "") -> None:
        self.expected, self.seen, self.next_step = expected, seen, next_step
        super().__init__(expected, seen, next_step)

    def __str__(self) -> str:
        told = f"expected {self.expected}; saw {self.seen}"
        return f"{told}. Next: {self.next_step}" if self.next_step else told


class InputError(GamedayError):
    """The caller asked for something that cannot be; nothing was touched."""


class ExperimentError(InputError):
    """An experiment's configuration is misspelt, unresolved or out of range."""


class LabError(GamedayError):
    """The lab is missing, taken, broken, or never became ready."""


class LabNotReady(LabError):
    """The lab was started and did not become healthy in time."""


class LabExists(LabError):
    """A lab of that name is already up."""


class PortsTaken(LabError):
    """Another process holds a port that the lab needs."""


class NoPostgres(LabError):
    """There are no PostgreSQL binaries for this platform."""


class DeployError(LabError):
    """A template could not be deployed."""


class UpstreamMoved(LabError):
    """A patched library no longer looks as the patch expects."""


class GuardError(GamedayError):
    """A guard refused a mutation; nothing was touched."""


class NothingStored(GuardError):
    """A bucket holds no object that could be broken; a drill that stores documents has not stored them yet."""


class FaultError(GamedayError):
    """A fault did not take effect, or could not be taken back."""


class RunbookError(GamedayError):
    """A step of a runbook could not be taken: a check was not met, or a call was refused."""


class RecordError(GamedayError):
    """The record is unreadable, or not a record."""


class RecordUnwritable(RecordError):
    """The disk refused what was to be written into the record."""


class NoRoomToJudge(RecordError):
    """The machine has no memory or no disk to judge the record, or a copy of it, in; it says nothing about either."""


class DrillStopped(GamedayError):
    """A stop condition no longer held, or somebody asked the drill to end."""


class NoDrillUnderway(GamedayError):
    """There is no drill in progress that could be aborted."""


class LoadError(GamedayError):
    """Locust or the prober died, or could not start."""


class ReadBackError(GamedayError):
    """The surviving database could not be read back completely."""


class DeadlineError(GamedayError):
    """Something that was waited for did not happen in time."""


@contextlib.contextmanager
def annotating(cause: BaseException | None, doing: str) -> Iterator[None]:
    """Clean-up that fails is added to the first error as a note; where there is no first error it is the error."""
    try:
        yield
    except Exception as second:
        if cause is None:
            raise
        cause.add_note(f"and {doing} failed too: {second!r}")


def kind_named(name: str, otherwise: type[GamedayError]) -> type[GamedayError]:
    """The class of the tree with that name, for whoever raises again what another process told; else ``otherwise``."""
    kind = globals().get(name)
    return kind if isinstance(kind, type) and issubclass(kind, GamedayError) else otherwise
