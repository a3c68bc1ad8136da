"""The drawings: the phase waterfall, and success and latency over time. Altair describes them, vl-convert draws them.

Both libraries are imported when something is drawn, not before: a verdict must not wait for them.
"""

from math import ceil
from typing import TYPE_CHECKING, Any

from gameday.report.parts import Bar, OverTime, Slice, Waterfall
from gameday.report.svg import INKS, safe_svg
from gameday.report.words import duration

if TYPE_CHECKING:
    import altair as alt

    type Panel = alt.LayerChart | alt.FacetChart
    type Drawing = Panel | alt.VConcatChart

WIDTH, LABELS, BAR_HEIGHT, RATE_HEIGHT, LATENCY_HEIGHT = 800, 90, 25, 92, 92
INK = {name: ink.light for name, ink in INKS.items()}
FIRST, SECOND = "fresh connections", "kept-alive connections"
DASHES = [[1, 0], [5, 3]]
ROOM = {"left": 34, "right": 24, "top": 6, "bottom": 6}  # a reader's font may be wider than the one measured with
MINUTES_FROM_S, MINUTE_STEPS_S = 300, (60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400)
MARKS_MAX = 14  # of an axis
SMALLEST_MS = 0.1  # a logarithmic axis has no zero
Row = dict[str, Any]  # a row of a chart's data, as Vega-Lite reads it; it never leaves this module


class Sheet:
    """The rows of one drawing, kept beside its description: Altair copies, and validates, whatever it is handed."""

    def __init__(self) -> None:
        self.named: dict[str, list[Row]] = {}

    def rows(self, rows: list[Row]) -> "alt.NamedData":
        """Rows of the sheet, by the name that stands for them."""
        import altair as alt

        name = f"rows-{len(self.named)}"
        self.named[name] = rows
        return alt.NamedData(name=name)


def waterfall_svg(waterfall: Waterfall) -> str:
    """Each seen phase as a bar from the one before it to its own instant, on a thread from the fault; nothing where no
    phase but that was seen."""
    seen = [bar for bar in waterfall.bars if bar.at_s is not None]
    if len(seen) < 2:
        return ""
    sheet = Sheet()
    title = f"Phases of the recovery after {waterfall.since}"
    return drawn_svg(sheet, _waterfall(sheet, waterfall, seen), "waterfall", title, waterfall.told)


def over_time_svg(over_time: OverTime) -> str:
    """Success rate and latency of writes and reads, with the fault window as a band."""
    if not over_time.slices:
        return ""
    sheet = Sheet()
    return drawn_svg(
        sheet, _over_time(sheet, over_time), "over-time", "Success rate and latency over time", over_time.told
    )


def _waterfall(sheet: Sheet, waterfall: Waterfall, seen: list[Bar]) -> "Drawing":
    import altair as alt

    marks = [(name, at_s) for name, at_s in (("RTA", waterfall.rta_s), ("floor", waterfall.floor_s)) if at_s]
    marks.sort(key=lambda mark: -mark[1])
    width = WIDTH - 120 - LABELS
    low = min(0.0, *(bar.at_s or 0.0 for bar in seen))
    high = max(0.001, *(bar.at_s or 0.0 for bar in seen), *(at_s for _, at_s in marks))
    base = alt.Chart(sheet.rows([_bar_row(bar) for bar in seen])).encode(y=_phase_axis(seen))
    x = time_axis((low, high), shown=True, since=waterfall.since)
    thread = base.mark_rule(color=INK["thread"], strokeDash=[1, 3]).encode(x=alt.X("zero:Q"), x2="since:Q")
    bars = base.mark_bar(color=INK["fresh"], height=11).encode(x=x, x2="since:Q")
    ticks = base.mark_tick(color=INK["fresh"], thickness=3, size=17, opacity=1).encode(x="at:Q")
    right = base.mark_text(align="right", color=INK["text"], fontSize=12)
    texts = right.encode(x=alt.value(width + LABELS), text="label:N")
    drawn = alt.layer(thread, bars, ticks, texts, *_vertical_marks(sheet, marks))
    return dressed(drawn.properties(width=width, height=BAR_HEIGHT * len(seen)))


def _bar_row(bar: Bar) -> Row:
    at = bar.at_s or 0.0
    since = at if bar.since_s is None else bar.since_s
    return {"phase": bar.name, "zero": min(0.0, since), "since": since, "at": at, "label": bar.label}


def _phase_axis(seen: list[Bar]) -> "alt.Y":
    import altair as alt

    names = list(dict.fromkeys(bar.name for bar in seen))
    axis = alt.Axis(
        labelLimit=230, labelFontSize=12, labelColor=INK["text"], grid=False, domain=False, ticks=False, labelPadding=8
    )
    return alt.Y("phase:N", title=None, sort=names, axis=axis)


def _vertical_marks(sheet: Sheet, marks: list[tuple[str, float]]) -> list["alt.Chart"]:
    """Named instants as vertical lines; the first is named on its right, any other on its left."""
    import altair as alt

    drawn = []
    for number, (name, at_s) in enumerate(marks):
        base = alt.Chart(sheet.rows([{"at": at_s, "label": f"{name} {duration(at_s)}"}])).encode(x="at:Q")
        text = base.mark_text(
            color=INK["mark"], align="right" if number else "left", dx=-4 if number else 4, baseline="bottom", dy=-3,
            fontWeight=600,
        )  # fmt: skip
        drawn += [base.mark_rule(color=INK["mark"], strokeDash=[4, 3]), text.encode(y=alt.value(0), text="label:N")]
    return drawn


def _over_time(sheet: Sheet, over_time: OverTime) -> "Drawing":
    import altair as alt

    low = min(0.0, *(each.at_s for each in over_time.slices))
    high = max(low + 0.001, *(each.at_s for each in over_time.slices))
    names = sorted({each.panel for each in over_time.slices}, key=lambda name: (name != "Writes", name))
    panels = []
    for number, name in enumerate(names):
        slices = [each for each in over_time.slices if each.panel == name]
        panels.append(_rate_panel(sheet, name, slices, over_time, (low, high), labelled=number == 0))
        panels.append(_latency_panel(sheet, name, slices, over_time, (low, high), last=number == len(names) - 1))
    return dressed(alt.vconcat(*panels, spacing=14))


def _rate_panel(
    sheet: Sheet, name: str, slices: list[Slice], over_time: OverTime, domain: tuple[float, float], *, labelled: bool
) -> "Panel":
    import altair as alt

    rows = [{"at": each.at_s, "client": each.client, "rate": each.rate} for each in slices]
    axis = alt.Axis(format=".0%", values=[0, 0.5, 1])
    y = alt.Y("rate:Q", title="good probes", scale=alt.Scale(domain=[0, 1]), axis=axis)
    line = alt.Chart(sheet.rows(rows)).mark_line(interpolate="step-after", strokeWidth=2)
    drawn = line.encode(x=time_axis(domain, shown=False), y=y, color=_client_ink(rows), strokeDash=_client_dash(rows))
    return alt.layer(*_band(sheet, over_time, domain, labelled=labelled), drawn).properties(
        width=WIDTH, height=RATE_HEIGHT, title=alt.TitleParams(name, anchor="start", frame="group")
    )


def _latency_panel(
    sheet: Sheet, name: str, slices: list[Slice], over_time: OverTime, domain: tuple[float, float], *, last: bool
) -> "Panel":
    import altair as alt

    rows = [
        {"at": each.at_s, "client": each.client, "ms": None if ms is None else max(ms, SMALLEST_MS), "rank": rank}
        for each in slices
        for rank, ms in (("p50", each.p50_ms), ("p99", each.p99_ms))
    ]
    axis = alt.Axis(tickCount=3, format="~f")
    y = alt.Y("ms:Q", title="latency, ms", scale=alt.Scale(type="log", nice=True), axis=axis)
    inks, dash = _client_ink(rows), _client_dash(rows)
    lines = [
        alt.Chart(sheet.rows([row for row in rows if row["rank"] == rank]))
        .mark_line(strokeWidth=width, strokeJoin="round")
        .encode(x=time_axis(domain, shown=last, since=over_time.since), y=y, color=inks, strokeDash=dash)
        for rank, width in (("p50", 0.9), ("p99", 2))
    ]
    bound = alt.Chart(sheet.rows([{"ms": over_time.bound_ms, "label": f"{name}: bound of a good probe"}]))
    rule = bound.mark_rule(color=INK["muted"], strokeDash=[2, 2]).encode(y="ms:Q")
    return alt.layer(*_band(sheet, over_time, domain, labelled=False), rule, *lines).properties(
        width=WIDTH, height=LATENCY_HEIGHT
    )


def time_axis(domain: tuple[float, float], *, shown: bool, since: str = "the fault") -> "alt.X":
    """Seconds after the fault; minutes when the drill took longer than five of them."""
    import altair as alt

    scale = alt.Scale(domain=list(domain), nice=False)
    reach_s = domain[1] - domain[0]
    if reach_s <= MINUTES_FROM_S:
        axis = alt.Axis(labels=shown, ticks=shown, tickCount=12)
        return alt.X("at:Q", title=f"seconds after {since}" if shown else None, scale=scale, axis=axis)
    days = ceil(reach_s / MARKS_MAX / MINUTE_STEPS_S[-1])  # however far a damaged stamp reaches, the marks can be read
    step_s = next((step for step in MINUTE_STEPS_S if reach_s / step <= MARKS_MAX), days * MINUTE_STEPS_S[-1])
    values = [float(number * step_s) for number in range(int(domain[0] // step_s) + 1, int(domain[1] // step_s) + 1)]
    axis = alt.Axis(labels=shown, ticks=shown, values=values, labelExpr="format(datum.value / 60, ',')")
    return alt.X("at:Q", title=f"minutes after {since}" if shown else None, scale=scale, axis=axis)


def _clients(rows: list[Row]) -> list[str]:
    seen = list(dict.fromkeys(row["client"] for row in rows))
    return [FIRST, SECOND, *(name for name in seen if name not in (FIRST, SECOND))]


def _client_ink(rows: list[Row]) -> "alt.Color":
    import altair as alt

    names = _clients(rows)
    scale = alt.Scale(domain=names, range=[INK["fresh"], INK["kept"], *[INK["muted"]] * (len(names) - 2)])
    legend = alt.Legend(title=None, orient="top", direction="horizontal", symbolSize=420, symbolStrokeWidth=2.5)
    return alt.Color("client:N", scale=scale, legend=legend)


def _client_dash(rows: list[Row]) -> "alt.StrokeDash":
    import altair as alt

    names = _clients(rows)
    return alt.StrokeDash("client:N", scale=alt.Scale(domain=names, range=[*DASHES, *[[1, 3]] * (len(names) - 2)]))


def _band(sheet: Sheet, over_time: OverTime, domain: tuple[float, float], *, labelled: bool) -> list["alt.Chart"]:
    """The fault window, and the instant at which the RTA ends it for the clients; named on the first panel only."""
    import altair as alt

    drawn: list[alt.Chart] = []
    if over_time.has_fault:
        end = min(domain[1], over_time.fault_end_s) if over_time.fault_end_s is not None else domain[1]
        label = "fault" if over_time.fault_end_s is not None else "fault, never healed"
        rows = [{"at": 0.0, "end": end, "label": label}]
        drawn.append(alt.Chart(sheet.rows(rows)).mark_rect(color=INK["band"]).encode(x="at:Q", x2="end:Q"))
        if labelled:
            named = alt.Chart(sheet.rows(rows)).mark_text(
                align="left", dx=5, dy=-5, baseline="bottom", color=INK["mark"]
            )
            drawn.append(named.encode(x="at:Q", y=alt.value(0), text="label:N"))
    if over_time.rta_s:
        marks = _vertical_marks(sheet, [("RTA", over_time.rta_s)])
        drawn.extend(marks if labelled else marks[:1])
    return drawn


def dressed(chart: "Drawing") -> "Drawing":
    """The chart in the report's inks, on no ground of its own."""
    axis = {
        "domainColor": INK["thread"], "tickColor": INK["thread"], "gridColor": INK["grid"], "labelColor": INK["muted"],
        "titleColor": INK["muted"], "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal",
    }  # fmt: skip
    legend = {"labelColor": INK["text"], "labelFontSize": 12, "labelLimit": 300, "padding": 0, "offset": 8,
        "columnPadding": 45,}  # fmt: skip
    title = {"color": INK["text"], "fontSize": 13, "fontWeight": 600, "offset": 8}
    dressed: Drawing = chart.configure(
        background="transparent",
        padding=ROOM,
        view={"stroke": None},
        axis=axis,
        legend=legend,
        title=title,
        text={"fontSize": 12},
    )
    return dressed


def drawn_svg(sheet: Sheet, chart: "Drawing", name: str, title: str, told: str) -> str:
    """The chart drawn, as an inline SVG element that is safe for a page."""
    import altair as alt
    import vl_convert

    described = chart.to_dict() | {"datasets": sheet.named}
    version = "_".join(alt.SCHEMA_VERSION.split(".")[:2])
    return safe_svg(vl_convert.vegalite_to_svg(described, vl_version=version), name, title, told)
