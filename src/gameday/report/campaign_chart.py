"""The drawing of a campaign: each drill as a bar in the order of its attempt, from the floor up to its RTA."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gameday.facts import Verdict
from gameday.facts.campaign import CampaignPlan, DrillDone
from gameday.report.campaign_words import parameters_words
from gameday.report.charts import INK, WIDTH, Row, Sheet, drawn_svg, dressed
from gameday.report.words import duration

if TYPE_CHECKING:
    import altair as alt

    from gameday.report.charts import Panel

HEIGHT, PANELS_MAX = 150, 8
HEADROOM = 1.15  # above the longest bar, for its mark and its label
VERDICTS = (Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN)
SHAPES = ("circle", "cross", "triangle-up")
PARTS = ("floor", "excess above it", "RTA without a known floor")
LABELS_MAX = 20  # attempts that have room for a label each
BAR_MAX, BAR_SHARE = 44, 0.55  # pixels; of the room that one attempt has


@dataclass(frozen=True, slots=True)
class Bar:
    """One drill as drawn. Without an RTA there is no bar, and the mark stands on the ground with a question mark."""

    attempt: int
    number: int
    verdict: Verdict
    rta_s: float | None
    floor_s: float | None


def campaign_svg(plan: CampaignPlan, drills: Sequence[DrillDone]) -> str:
    """One panel for each of the first variations; nothing where no drill has ended."""
    panels = [
        (parameters_words(parameters), bars)
        for number, parameters in enumerate(plan.variations[:PANELS_MAX])
        if (bars := bars_of([each for each in drills if each.variation == number]))
    ]
    if not panels:
        return ""
    import altair as alt

    sheet = Sheet()
    high = max((bar.rta_s or 0.0 for _, bars in panels for bar in bars), default=0.0) or 1.0
    high *= HEADROOM
    drawn = [
        _panel(sheet, name, bars, plan.times, high, is_first=not place, is_last=place == len(panels) - 1)
        for place, (name, bars) in enumerate(panels)
    ]
    told = "; ".join(_told(name, bars) for name, bars in panels)
    return drawn_svg(sheet, dressed(alt.vconcat(*drawn, spacing=18)), "drills", "Recovery time of each drill", told)


def bars_of(drills: Sequence[DrillDone]) -> list[Bar]:
    """The drills of one variation as bars, in the order in which they were run."""
    ordered = sorted(drills, key=lambda each: each.number)
    return [Bar(at, each.number, each.verdict, each.rta_s, each.floor_s) for at, each in enumerate(ordered, 1)]


def _told(name: str, bars: Sequence[Bar]) -> str:
    each = ", ".join(f"{bar.verdict.value} after {duration(bar.rta_s)}" for bar in bars)
    return f"{name}: {each}" if name else each


def _panel(
    sheet: Sheet, name: str, bars: Sequence[Bar], times: int, high: float, *, is_first: bool, is_last: bool
) -> "Panel":
    import altair as alt

    x = alt.X("attempt:O", title="attempt", sort=None, axis=alt.Axis(labelAngle=0, ticks=False, labelOverlap=True))
    x = x.scale(alt.Scale(domain=list(range(1, times + 1))))
    y = alt.Y("to:Q", title="RTA, s", scale=alt.Scale(domain=[0, high], nice=True), axis=alt.Axis(tickCount=4))
    parts = alt.Chart(sheet.rows([row for bar in bars for row in _parts(bar)]))
    size = min(BAR_MAX, BAR_SHARE * WIDTH / times)
    drawn = parts.mark_bar(size=size).encode(x=x, y=y, y2="since:Q", color=_part_ink(shown=is_first))
    marks = alt.Chart(sheet.rows([_mark(bar) for bar in bars])).encode(x=x, y="to:Q")
    verdict = alt.Scale(domain=[each.value for each in VERDICTS], range=[INK["text"], INK["mark"], INK["kept"]])
    shape = alt.Scale(domain=[each.value for each in VERDICTS], range=list(SHAPES))
    legend = alt.Legend(title=None, orient="bottom", direction="horizontal") if is_last else None
    points = marks.mark_point(size=70, filled=True, opacity=1, yOffset=-9).encode(
        color=alt.Color("verdict:N", scale=verdict, legend=legend),
        shape=alt.Shape("verdict:N", scale=shape, legend=legend),
    )
    labels = alt.Chart(sheet.rows([_mark(bar) for bar in bars if times <= LABELS_MAX])).encode(x=x, y="to:Q")
    labels = labels.mark_text(dy=-22, color=INK["muted"], fontSize=11).encode(text="label:N")
    title = alt.TitleParams(name, anchor="start", frame="group")
    layers: alt.LayerChart = alt.layer(drawn, points, labels).resolve_scale(color="independent", shape="independent")
    return layers.properties(width=WIDTH, height=HEIGHT, title=title)


def _parts(bar: Bar) -> list[Row]:
    """The bar's two parts; an RTA below its floor is one part, and one whose floor is not known is of a third kind."""
    if not bar.rta_s:
        return []
    floor_s = min(bar.floor_s or 0.0, bar.rta_s)
    rows = [(PARTS[0], 0.0, floor_s), (PARTS[1], floor_s, bar.rta_s)]
    if bar.floor_s is None:
        rows = [(PARTS[2], 0.0, bar.rta_s)]
    return [{"attempt": bar.attempt, "part": part, "since": since, "to": to} for part, since, to in rows if to > since]


def _mark(bar: Bar) -> Row:
    label = "no RTA" if bar.rta_s is None else duration(bar.rta_s)
    return {"attempt": bar.attempt, "to": bar.rta_s or 0.0, "verdict": bar.verdict.value, "label": label}


def _part_ink(*, shown: bool) -> "alt.Color":
    import altair as alt

    scale = alt.Scale(domain=list(PARTS), range=[INK["thread"], INK["fresh"], INK["muted"]])
    legend = alt.Legend(title=None, orient="top", direction="horizontal", symbolType="square") if shown else None
    return alt.Color("part:N", scale=scale, legend=legend)
