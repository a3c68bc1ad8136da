"""The page of a campaign: what many drills showed together, each string ready to print. Nothing is measured here."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR

from markupsafe import Markup

from gameday.facts import Verdict
from gameday.facts.campaign import CampaignMeasurement, CampaignPlan, DrillDone, Spread, Tried
from gameday.report import words
from gameday.report.campaign_chart import PANELS_MAX, campaign_svg
from gameday.report.campaign_words import (
    at_least,
    interval,
    known_words,
    lost_words,
    p95_words,
    parameters_words,
    percent,
    variation_words,
)
from gameday.report.headline import TONES
from gameday.report.html import environment, policy, style_sheet
from gameday.report.page import scale_badge
from gameday.report.parts import Cell, Column, Figure, Headline, Point, Table, Tone
from gameday.report.selftest import truths_table

MEANINGS = {
    Verdict.HELD: "it worked within {} attempts",
    Verdict.BROKEN: "it does not work within {} attempts, or did harm that none of them takes back",
    Verdict.UNKNOWN: "it is not shown that it works within {} attempts",
}
POINTS_MAX = 6
TESTED = "Planted in a stand-in service on this machine, before the first drill"
MANY_SCALES = "timers scaled"
SAME_MACHINE = (
    "The intervals take drills for independent of each other. Each had a lab of its own, but all had one machine: what "
    "ails that machine ails them all."
)
ATTACHED = (
    "The drills were run on a lab that was up, one after another: each found it as the one before had left it, so they "
    "are not independent, and the intervals say less than they seem to."
)
SCALED = (
    "Delays that configuration dictates were scaled. The times are this lab's, not those of an account; a drill is "
    "HELD there only if its RTA also stays within the RTO multiplied by the scale."
)


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """One campaign, section by section; the template prints it and decides nothing."""

    title: str
    about: tuple[tuple[str, str], ...]
    scale_badge: str
    scale_notice: str
    headline: Headline
    figures: tuple[Figure, ...]
    variations: Table
    undrawn: str
    spreads: Table
    runs: Table
    selftest: Table
    reckoning: tuple[str, ...]
    limits: tuple[str, ...]
    versions: Table


def campaign_html(
    plan: CampaignPlan,
    done: Sequence[DrillDone],
    found: CampaignMeasurement,
    *,
    record_id: str = "",
    unreadable: int = 0,
) -> str:
    """The whole file; ``unreadable`` counts the lines of ``runs.ndjson`` that could not be read."""
    style = style_sheet()
    return environment().get_template("campaign.html.j2").render(
        page=campaign_page(plan, done, found, record_id=record_id, unreadable=unreadable),
        style=Markup(style),
        policy=policy(style),
        drills=Markup(campaign_svg(plan, done)),
    )  # fmt: skip


def campaign_page(
    plan: CampaignPlan,
    done: Sequence[DrillDone],
    found: CampaignMeasurement,
    *,
    record_id: str = "",
    unreadable: int = 0,
) -> CampaignPage:
    """Everything that the page prints, in its order."""
    ordered = sorted(done, key=lambda each: each.number)
    scales = sorted({each.timer_scale for each in ordered if each.timer_scale is not None})
    badge = scale_badge(scales[0]) if len(scales) == 1 else MANY_SCALES * bool(scales)
    undrawn = len(plan.variations) - PANELS_MAX
    return CampaignPage(
        title=words.plain(plan.title or plan.name, 300),
        about=_about(plan, found, record_id),
        scale_badge=badge,
        scale_notice=SCALED if badge else "",
        headline=headline(ordered, found, unreadable),
        figures=(rate(found), attempts(found), longest(ordered), most_lost(ordered)),
        variations=variations(found),
        undrawn=f"{words.counted(undrawn, 'further variation')} not drawn; the table has all." if undrawn > 0 else "",
        spreads=spreads(found),
        runs=runs(plan, ordered),
        selftest=truths_table(TESTED, found.selftest.truths if found.selftest else ()),
        reckoning=(
            f"Success rate and its interval: {words.sentence(found.interval)}",
            f"Within {found.attempts_max} attempts: 1 − (1 − p)^{found.attempts_max}, of the success rate p and of "
            "both ends of its interval. Only HELD is a success; a drill that is UNKNOWN is none.",
            f"Percentiles: {words.sentence(found.percentile)}",
            "An unknown figure is no 0, and enters no percentile: such a drill may have been worse than all others.",
            ATTACHED if plan.attached else SAME_MACHINE,
        ),
        limits=tuple(words.sentence(each) for each in plan.limits),
        versions=_versions(plan),
    )


def headline(done: Sequence[DrillDone], found: CampaignMeasurement, unreadable: int = 0) -> Headline:
    """The verdict's word, why, and each drill that was not HELD, BROKEN ones first."""
    bad = sorted(
        (each for each in done if each.verdict is not Verdict.HELD), key=lambda each: each.verdict is Verdict.UNKNOWN
    )
    points = tuple(_point(each) for each in bad)
    if unreadable:
        lines = words.counted(unreadable, "line")
        points = (Point("The campaign is damaged.", f"{lines} of runs.ndjson cannot be read.", ""), *points)
    left_out = len(points) - POINTS_MAX
    more = f"{words.counted(left_out, 'more drill')} under Drills" if left_out > 0 else ""
    meaning = MEANINGS[found.verdict].format(found.attempts_max)
    why = " ".join(part for part in (words.sentence(found.why), how_sure(found)) if part)
    return Headline(found.verdict.value, TONES[found.verdict], meaning, why, None, points[:POINTS_MAX], more)


def how_sure(found: CampaignMeasurement) -> str:
    """What so many drills say of the next ones: the lower end of the least sure variation. Only beside HELD."""
    sure = least_sure(found)
    if found.verdict is not Verdict.HELD or sure is None or sure.within_attempts is None:
        return ""
    drills = words.counted(sure.done, "drill")
    of = "" if len(found.tried) == 1 else " of each variation"
    share = percent(sure.within_attempts.low, ROUND_FLOOR)
    said = f"a success will come within {found.attempts_max} attempts in {share} of cases or more"
    return f"{drills}{of} show with 95 % confidence that {said}."


def least_sure(found: CampaignMeasurement) -> Tried | None:
    """The variation whose lower end is the lowest; none without a drill."""
    tried = [each for each in found.tried if each.within_attempts]
    return min(tried, key=lambda each: each.within_attempts.low if each.within_attempts else 0.0, default=None)


def _point(drill: DrillDone) -> Point:
    name = parameters_words(drill.parameters)
    what = f"Drill {drill.number}{f' ({name})' if name else ''} was {drill.verdict.value}."
    return Point(what, words.sentence(drill.why), "")


def rate(found: CampaignMeasurement) -> Figure:
    """How many drills were HELD, BROKEN and UNKNOWN, all variations together."""
    held, broken, unknown = (sum(getattr(each, name) for each in found.tried) for name in ("held", "broken", "unknown"))
    label = "Drills that were HELD"
    ended = (f"{found.done:,} of {words.counted(found.planned, 'drill')} ended: {found.ended}",)
    if not found.done:
        return Figure(label, "none", Tone.DOUBT, "no drill has ended", ended)
    standing = f"{broken or 'none'} BROKEN, {unknown or 'none'} UNKNOWN"
    tone = Tone.BAD if broken else Tone.DOUBT if unknown or found.done < found.planned else Tone.GOOD
    return Figure(label, f"{held:,} of {found.done:,}", tone, standing, ended)


def attempts(found: CampaignMeasurement) -> Figure:
    """The most attempts that a success took, of the variation that took longest, and how sure the next one is."""
    label = f"Works within {found.attempts_max} attempts"
    worst = least_sure(found)
    if worst is None or worst.within_attempts is None:
        return Figure(label, "unknown", Tone.DOUBT, "no drill has ended")
    sure = worst.within_attempts
    confidence = f"{at_least(sure)} with 95 % confidence, estimate {percent(sure.estimate)}"
    which = f"least sure: {variation_words(worst.parameters)}"
    is_one_of_them = len({each.within_attempts for each in found.tried}) > 1
    details = (confidence, which) if is_one_of_them else (confidence,)
    if not all(each.held for each in found.tried):
        return Figure(label, "no success", TONES[found.verdict], _whose(found), details)
    most = max(each.attempts_needed or 0 for each in found.tried)
    return Figure(label, words.counted(most, "attempt"), TONES[found.verdict], "the most that a success took", details)


def _whose(found: CampaignMeasurement) -> str:
    without = [variation_words(each.parameters) for each in found.tried if not each.held]
    return f"of {without[0]}" if len(found.tried) > 1 else "in any drill"


def longest(done: Sequence[DrillDone]) -> Figure:
    """The longest RTA of all drills that have one."""
    label, known = "Longest recovery time (RTA)", [each for each in done if each.rta_s is not None]
    told = f"known in {len(known):,} of {words.counted(len(done), 'drill')}"
    if not known:
        return Figure(label, "unknown", Tone.DOUBT, told)
    worst = max(known, key=lambda each: each.rta_s or 0.0)
    scaled = (worst.rto_s or 0.0) * min(1.0, worst.timer_scale or 1.0)
    by = words.duration(worst.rta_s) if worst.rto_s is None else words.against(worst.rta_s, scaled)
    asked = (f"drill {worst.number}; its RTO × scale is {words.span(scaled)}",) if worst.rto_s is not None else ()
    late = worst.rto_s is not None and (worst.rta_s or 0.0) > scaled
    tone = Tone.BAD if late else Tone.DOUBT if len(known) < len(done) else Tone.GOOD
    return Figure(label, by, tone, told, asked)


def most_lost(done: Sequence[DrillDone]) -> Figure:
    """The most acknowledged writes that one drill lost; unknown where any drill does not tell is said beside it."""
    label, known = "Most writes lost in a drill", [each for each in done if each.lost is not None]
    told = f"known in {len(known):,} of {words.counted(len(done), 'drill')}"
    if not known:
        return Figure(label, "unknown", Tone.DOUBT, told)
    worst = max(known, key=lambda each: each.lost or 0)
    beyond = any(each.rpa_s is not None and each.rpo_s is not None and each.rpa_s > each.rpo_s for each in known)
    tone = Tone.BAD if beyond else Tone.DOUBT if len(known) < len(done) else Tone.PLAIN if worst.lost else Tone.GOOD
    longest_rpa = max(known, key=lambda each: each.rpa_s or 0.0)
    details = () if longest_rpa.rpo_s is None else (
        f"longest RPA {words.against(longest_rpa.rpa_s, longest_rpa.rpo_s)}, RPO {words.span(longest_rpa.rpo_s)}",
    )  # fmt: skip
    return Figure(label, words.count(worst.lost) if worst.lost else "none", tone, told, details)


def variations(found: CampaignMeasurement) -> Table:
    """Each variation's drills together: counts, success rate, and the chance of a success within the attempts."""
    columns = (
        Column("Variation"), Column("Verdict"), Column("HELD", True), Column("BROKEN", True), Column("UNKNOWN", True),
        Column("Success rate", True), Column("95 % confidence", True), Column(f"Within {found.attempts_max}", True),
        Column("Why"),
    )  # fmt: skip
    return Table("The drills of each variation together", columns, tuple(map(_variation_row, found.tried)))


def _variation_row(tried: Tried) -> tuple[Cell, ...]:
    name, verdict = Cell(variation_words(tried.parameters)), Cell(tried.verdict.value, TONES[tried.verdict])
    counts = (
        Cell(f"{tried.held:,} of {tried.done:,}"),
        Cell(f"{tried.broken:,}", Tone.BAD if tried.broken else Tone.PLAIN),
        Cell(f"{tried.unknown:,}", Tone.DOUBT if tried.unknown else Tone.PLAIN),
    )
    why = Cell(words.sentence(tried.why))
    if not tried.success or not tried.within_attempts:
        return (name, verdict, *counts, *[Cell(words.DASH)] * 3, why)
    rates = (percent(tried.success.estimate), interval(tried.success), at_least(tried.within_attempts))
    return (name, verdict, *counts, *map(Cell, rates), why)


def spreads(found: CampaignMeasurement) -> Table:
    """Median, 95th percentile and maximum of each figure of each variation, with the number of drills that have it."""
    varied = len(found.tried) > 1
    columns = (
        *[Column("Variation")] * varied, Column("Figure"), Column("n", True), Column("Median", True),
        Column("p95", True), Column("Maximum", True),
    )  # fmt: skip
    rows = tuple(_spread_row(tried, each, varied) for tried in found.tried for each in tried.spreads)
    return Table("How the figures are spread; excess is the RTA above the floor", columns, rows)


def _spread_row(tried: Tried, spread: Spread, varied: bool) -> tuple[Cell, ...]:
    n = Cell(known_words(spread), Tone.DOUBT if spread.missing else Tone.PLAIN)
    figures = (words.duration(spread.median_s), p95_words(spread), words.duration(spread.max_s))
    known = Tone.PLAIN if spread.n else Tone.DOUBT
    name = [Cell(variation_words(tried.parameters))] * varied
    return (*name, Cell(spread.what), n, *(Cell(each, known) for each in figures))


def runs(plan: CampaignPlan, done: Sequence[DrillDone]) -> Table:
    """Every drill that ended, in the order in which they were run, with the way to its record."""
    varied = len(plan.variations) > 1
    columns = (
        Column("Drill"), *[Column("Variation")] * varied, Column("Verdict"), Column("RTA", True), Column("Floor", True),
        Column("Excess", True), Column("RPA", True), Column("Lost", True), Column("Took", True), Column("Exit", True),
        Column("Record and reason"),
    )  # fmt: skip
    return Table("Every drill that ended, in order", columns, tuple(_run_row(each, varied) for each in done))


def _run_row(drill: DrillDone, varied: bool) -> tuple[Cell, ...]:
    return (
        Cell(f"{drill.number:,}"),
        *[Cell(variation_words(drill.parameters))] * varied,
        Cell(drill.verdict.value, TONES[drill.verdict]),
        _figure(drill.rta_s),
        Cell(words.duration(drill.floor_s)),
        Cell(words.duration(drill.excess_s)),
        _figure(drill.rpa_s),
        Cell(lost_words(drill), Tone.DOUBT if drill.lost is None else Tone.PLAIN),
        Cell(words.duration(drill.duration_s)),
        Cell(f"{drill.exit_code}"),
        _record(drill),
    )


def _figure(seconds: float | None) -> Cell:
    return Cell(words.duration(seconds), Tone.DOUBT if seconds is None else Tone.STRONG)


def _record(drill: DrillDone) -> Cell:
    """The way to the record's page, and why the drill was not HELD."""
    why = words.sentence(drill.why)
    if drill.record is None:
        return Cell(why or "no record", Tone.DOUBT)
    name = words.plain(drill.record.split("/")[-1], 60)
    return Cell(f"{name}{f': {why}' if why else ''}", href=f"../../{drill.record}/index.html")


def _about(plan: CampaignPlan, found: CampaignMeasurement, record_id: str) -> tuple[tuple[str, str], ...]:
    fixed = parameters_words({key: value for key, value in plan.fixed.items() if key != "reports"})
    told = (
        ("Campaign", record_id or plan.name),
        ("Began", words.moment(plan.started_utc)),
        ("Experiment", plan.experiment),
        ("Drills", f"{found.done:,} of {found.planned:,}"),
        ("For every drill", fixed),
        ("By", plan.who),
    )
    return tuple((name, words.plain(value, 200)) for name, value in told if value)


def _versions(plan: CampaignPlan) -> Table:
    told = plan.versions.items()
    rows = tuple((Cell(words.plain(name, 60)), Cell(words.plain(value, 200), code=True)) for name, value in told)
    return Table("Versions", (Column("What"), Column("Version")), rows)
