"""What a person reads in the terminal while a campaign runs: one line a drill, and the verdict at the end."""

from collections.abc import Sequence
from pathlib import Path

from gameday.facts.campaign import CampaignMeasurement, CampaignPlan, DrillDone, Turn
from gameday.facts.selftest import SelfTest
from gameday.record.campaign import CampaignFolder
from gameday.report import words
from gameday.report.campaign_words import lost_words, parameters_words, tried_words

WIDTH_MAX = 200


def beginning_line(plan: CampaignPlan, done: int, folder: CampaignFolder) -> str:
    """How many drills of what, and where everything goes."""
    varied = [parameters_words(each) for each in plan.variations]
    of = f" ({plan.times} of each: {'; '.join(varied)})" if len(varied) > 1 else ""
    already = f", {done} of them done before" if done else ""
    return f"{words.counted(plan.drills, 'drill')} of {plan.experiment}{of}{already}; campaign {folder.folder}"


def selftest_line(found: SelfTest) -> str:
    """Whether the tool found what was planted; the drills are run all the same, and prove nothing if it did not."""
    if found.is_passed:
        count = words.counted(len(found.truths), "planted truth")
        return f"self-test passed: {count} found exactly, in {words.duration(found.took_s)}"
    missed = "; ".join(
        f"{each.name}: planted {each.planted}, found {each.found}" for each in found.truths if not each.exact
    )
    return f"self-test FAILED, so the campaign will be UNKNOWN: {_short(missed) or 'nothing was planted'}"


def progress_line(plan: CampaignPlan, done: Sequence[DrillDone]) -> str:
    """The drill that has just ended, and how long the others may take."""
    last = done[-1]
    width = len(str(plan.drills))
    parts = [
        f"{len(done):>{width}}/{plan.drills}  {last.verdict.value:<7}",
        f"RTA {words.duration(last.rta_s)}",
        f"lost {lost_words(last)}",
        f"took {words.duration(last.duration_s)}",
        *([parameters_words(last.parameters)] if last.parameters else []),
        remaining(plan, done),
    ]
    line = "  ".join(part for part in parts if part)
    return line if not last.why else f"{line}\n{'':>{2 * width + 3}}{_short(last.why)}"


def remaining(plan: CampaignPlan, done: Sequence[DrillDone]) -> str:
    """``about 4 min 10 s left``, by the mean of those that ended; nothing after the last one."""
    left = plan.drills - len(done)
    if not left:
        return ""
    mean_s = sum(each.duration_s for each in done) / len(done)
    return f"about {words.span(max(1, round(mean_s * left)))} left"


def ending_line(turn: Turn, log: Path) -> str:
    """Said once, when a drill under way is asked to end."""
    return f"drill {turn.number} is asked to end, and ends in its own way; Ctrl-C again kills it; its words: {log}"


def closing_lines(plan: CampaignPlan, found: CampaignMeasurement, page: Path) -> tuple[str, ...]:
    """The verdict, each variation's figures, and where the report lies."""
    return (
        f"{found.verdict.value}: {_short(found.why)} (campaign-{words.plain(plan.name, 60)})",
        f"  {found.done} of {words.counted(found.planned, 'drill')} ended: {found.ended}",
        *(f"  {line}" for each in found.tried for line in tried_words(each, found.attempts_max)),
        f"  report  {page}",
    )


def _short(text: str) -> str:
    flat = " ".join(words.plain(text).split())
    return flat if len(flat) <= WIDTH_MAX else flat[: WIDTH_MAX - 1] + "…"
