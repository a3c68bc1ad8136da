"""How far a runbook was walked: a small synced journal, from which an interrupted walk goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gameday.clock import SYSTEM, Clock, boot_id
from gameday.errors import RecordError
from gameday.record.lines import Damage, LineWriter, read_lines

NAME = "runbook.ndjson"
BEGUN, CALLING, CALLED, DONE = "begun", "calling", "called", "done"


@dataclass(frozen=True, slots=True)
class WalkLine:
    """One line of ``runbook.ndjson``. ``ev`` is ``begun`` (once: which runbook, where, with which options),
    ``calling`` **before** a call and ``called`` when it was answered (``call`` counts from 0 in its step), or ``done``.

    ``found`` is everything that was found up to then.
    """

    boot: str
    mono_ns: int
    utc: str
    ev: str
    runbook: str
    step: str = ""
    call: int | None = None
    found: Mapping[str, str] = field(default_factory=dict)
    lab: str = ""
    deployment: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Walked:
    """What a journal tells: where and with what, which steps are done, and the one that was left half done.

    ``half_done`` is a step of which ``answered`` calls were answered; ``is_unsure``: one more may have been made.
    """

    runbook: str
    lab: str
    deployment: str
    options: Mapping[str, str]
    found: Mapping[str, str]
    done: tuple[str, ...]
    half_done: str = ""
    answered: int = 0
    is_unsure: bool = False


class WalkJournal:
    """Appends to one record's ``runbook.ndjson``; each line is on the disk before anything else happens."""

    def __init__(self, folder: Path, runbook: str, clock: Clock = SYSTEM) -> None:
        self.path, self._runbook, self._clock = folder / NAME, runbook, clock

    def begun(self, lab: str, deployment: str, options: Mapping[str, str]) -> None:
        self._append(BEGUN, lab=lab, deployment=deployment, options=dict(options))

    def calling(self, step: str, call: int, found: Mapping[str, str]) -> None:
        self._append(CALLING, step=step, call=call, found=dict(found))

    def called(self, step: str, call: int) -> None:
        self._append(CALLED, step=step, call=call)

    def done(self, step: str, found: Mapping[str, str]) -> None:
        self._append(DONE, step=step, found=dict(found))

    def close(self) -> None:
        if "_lines" in self.__dict__:  # else nothing was ever written
            self._lines.close()

    @cached_property
    def _lines(self) -> LineWriter:
        return LineWriter(self.path, sync=True)

    def _append(self, ev: str, **more: Any) -> None:
        stamp = (boot_id(), self._clock.mono_ns(), self._clock.utc())
        self._lines.append(WalkLine(*stamp, ev, self._runbook, **more))


def read_walked(folder: Path) -> Walked:
    """How far the walk in ``folder`` came. A cut last line is the kill's mark: what it announces never began.

    Raises :class:`RecordError` when there is no journal, or one with a line that cannot be read: going on from a guess
    could make a call twice.
    """
    damage = Damage()
    lines = list(read_lines(folder / NAME, WalkLine, damage))
    if damage.lines:
        raise RecordError(
            f"every line of {folder / NAME} readable", f"{damage.lines} that are not", "start at a step: --from STEP"
        )
    starts = [number for number, line in enumerate(lines) if line.ev == BEGUN]
    if not starts:
        raise RecordError(f"a walked runbook in {folder}", f"no {NAME}", "name a folder reports/runbook-NAME/<time>")
    return _walked(lines[starts[-1] :])


def _walked(lines: Sequence[WalkLine]) -> Walked:
    """Of the lines of one walk, the newest of the record."""
    begun = lines[0]
    found = next((line.found for line in reversed(lines) if line.ev in (CALLING, DONE)), {})
    done = tuple(dict.fromkeys(line.step for line in lines if line.ev == DONE))
    half = [line for line in lines if line.step and line.step not in done]
    last = [line for line in half if line.step == half[-1].step]
    called, calling = ({line.call for line in last if line.ev == ev} for ev in (CALLED, CALLING))
    return Walked(
        begun.runbook, begun.lab, begun.deployment, begun.options, found, done,
        half[-1].step if half else "", len(called), bool(calling - called),
    )  # fmt: skip
