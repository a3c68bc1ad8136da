"""How an attempt ended, told from what its client saw: the definition of :class:`gameday.facts.Settlement`, applied."""

from dataclasses import dataclass

import msgspec

from gameday.facts import Settlement
from gameday.record.ledger import Acknowledgement

NOT_APPLIED = "x-gameday-not-applied"
SERVED_BY = "x-gameday-region"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer that was read to its end."""

    status: int
    body: bytes
    not_applied: bool = False
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of an attempt. ``good`` is a success that echoes what was asked."""

    settlement: Settlement
    ack: Acknowledgement | None = None
    status: int | None = None
    why: str | None = None

    @property
    def good(self) -> bool:
        return self.settlement is Settlement.ACKED


class _Echo(msgspec.Struct):
    id: str
    sum: str
    region: str | None = None
    xid: int | None = None
    lsn_before: str | None = None
    lsn_after: str | None = None


def settle_answer(answer: Answer, id: str, sum: str) -> Settled:
    """An attempt that was answered: acknowledged when id and sum are echoed, refused when the service says so."""
    if answer.not_applied:
        return Settled(Settlement.REFUSED, status=answer.status, why="not applied")
    if answer.status != 200:
        return Settled(Settlement.UNKNOWN, status=answer.status, why=f"status {answer.status}")
    echo = _echo(answer.body)
    if echo is None or (echo.id, echo.sum) != (id, sum):
        return Settled(Settlement.UNKNOWN, status=200, why="the answer echoes another id or sum")
    ack = Acknowledgement(echo.region, echo.xid, echo.lsn_before, echo.lsn_after)
    return Settled(Settlement.ACKED, ack, 200)


def settle_failure(why: str, *, byte_sent: bool) -> Settled:
    """An attempt without an answer: refused only when no byte of the request can have left."""
    return Settled(Settlement.UNKNOWN if byte_sent else Settlement.REFUSED, why=why)


def found(answer: Answer, id: str, sum: str) -> str | None:
    """Why a read was not good, or None: it must answer 200 with the id and the sum that were acknowledged."""
    if answer.status != 200:
        return f"status {answer.status}"
    echo = _echo(answer.body)
    return None if echo and (echo.id, echo.sum) == (id, sum) else "the answer echoes another id or sum"


def _echo(body: bytes) -> _Echo | None:
    try:
        return msgspec.json.decode(body, type=_Echo)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
