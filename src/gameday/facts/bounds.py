"""What a number in a record can be. No drill writes any other, so a line that holds one counts as damaged."""

from typing import Annotated

from msgspec import Meta

MOST = 2**63 - 1
SECONDS_MAX = 1e12  # 30,000 years: more is a slip of the pen, and no arithmetic

type StampNs = Annotated[int, Meta(ge=0, le=MOST)]  # monotonic
type Count = Annotated[int, Meta(ge=0, le=MOST)]
type Ordinal = Annotated[int, Meta(ge=1, le=MOST)]  # counts from 1
type Tries = Annotated[int, Meta(ge=0, le=100_000)]  # drills of a campaign: each is looked at by itself
type Factor = Annotated[float, Meta(ge=0, le=1e6)]
type Seconds = Annotated[float, Meta(ge=0, le=SECONDS_MAX)]


def stamp_in(value: object) -> int | None:
    """A stamp in an event's detail, where anything may stand; None when it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST else None
