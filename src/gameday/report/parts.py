"""What a page is made of: frozen parts whose every string is ready to print."""

from dataclasses import dataclass
from enum import StrEnum

SHORT = 24  # characters of a name that is kept on one line


class Tone(StrEnum):
    """How a value is to be looked at. Never by colour alone: the words beside it say the same."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    DOUBT = "doubt"
    STRONG = "strong"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a table. ``code`` is set for text that machines wrote: names, ids, addresses.

    ``href`` leads to a file beside the page, by a relative path.
    """

    text: str
    tone: Tone = Tone.PLAIN
    code: bool = False
    href: str = ""

    @property
    def unbroken(self) -> bool:
        """Whether it is a name short enough to stand on one line: ``ap-southeast-2``."""
        return self.code and len(self.text) <= SHORT


@dataclass(frozen=True, slots=True)
class Column:
    """``numeric`` columns stand to the right, in figures of one width."""

    name: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``empty`` is printed instead when there are no rows. Each row's first cell is its heading."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "Nothing was recorded."


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the large figures at the top. ``standing`` says in words how it stands against its objective."""

    label: str
    value: str
    tone: Tone
    standing: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """One reason of the verdict: what, what was expected and seen, and what to do about it."""

    what: str
    evidence: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict in one word and one sentence; the reason it names, and further ones that a reader must act on."""

    word: str
    tone: Tone
    meaning: str
    why: str
    reason: Point | None  # the finding that ``why`` names; none when the drill held
    points: tuple[Point, ...]
    more: str = ""  # how many further reasons stand in the findings


@dataclass(frozen=True, slots=True)
class Bar:
    """One phase of the waterfall: seen at ``at_s`` (None: never), and the phase before it at ``since_s``."""

    name: str
    since_s: float | None
    at_s: float | None
    label: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The phases as drawn: bars in order of time, with RTA and floor as marks where they are known."""

    bars: tuple[Bar, ...]
    rta_s: float | None
    floor_s: float | None
    told: str  # the same in words, for those who do not see the drawing
    since: str = "the fault"  # what the times count from


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of time of one line: share of good probes (0 to 1) and latencies in milliseconds."""

    panel: str  # Writes | Reads
    client: str
    at_s: float
    rate: float | None
    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class OverTime:
    """Success and latency over time, with the fault window (None as its end: it never ended) and the latency bound."""

    slices: tuple[Slice, ...]
    fault_end_s: float | None
    has_fault: bool
    rta_s: float | None
    bound_ms: float
    told: str
    note: str = ""
    since: str = "the fault"


@dataclass(frozen=True, slots=True)
class Fold:
    """A long list that stays closed until it is asked for."""

    title: str
    items: tuple[str, ...]
    note: str = ""
