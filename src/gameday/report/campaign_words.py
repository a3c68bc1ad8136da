"""How a campaign's figures are worded. A bound is rounded away from the claim: a lower one down, an upper one up."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from gameday.facts.campaign import Chance, DrillDone, Spread, Tried
from gameday.report import words

DIGITS = range(1, 17)
NOTHING_VARIED = "as the experiment says"


def percent(share: float, rounding: str = ROUND_HALF_EVEN) -> str:
    """A share in per cent, to 0.1: never ``0 %`` of what is not 0, never ``100 %`` of what is not 1."""
    if share in (0, 1):
        return f"{share * 100:g} %"
    told = (Decimal(share * 100).quantize(Decimal(1).scaleb(-digits), rounding=rounding) for digits in DIGITS)
    return next((f"{each} %" for each in told if 0 < each < 100), f"{share!r} of 1")


def interval(chance: Chance) -> str:
    """``35.8 % to 99.6 %``."""
    return f"{percent(chance.low, ROUND_FLOOR)} to {percent(chance.high, ROUND_CEILING)}"


def at_least(chance: Chance) -> str:
    """``at least 96.1 %``: the lower end, of which a proof may speak."""
    return f"at least {percent(chance.low, ROUND_FLOOR)}"


def lost_words(drill: DrillDone) -> str:
    """``none of 1,234``, ``3 of 1,234``; ``unknown`` where the survivor does not tell."""
    if drill.lost is None:
        return "unknown"
    return f"{words.count(drill.lost) if drill.lost else 'none'} of {words.count(drill.acknowledged)}"


def parameters_words(parameters: Mapping[str, str]) -> str:
    """``timer_scale=0.05, users=50``; nothing where nothing is varied."""
    return words.plain(", ".join(f"{key}={value}" for key, value in parameters.items()), 200)


def variation_words(parameters: Mapping[str, str]) -> str:
    """The same as a heading, which is never empty."""
    return parameters_words(parameters) or NOTHING_VARIED


def p95_words(spread: Spread) -> str:
    """The 95th percentile; where the drills are too few for one, that it is the maximum."""
    told = words.duration(spread.p95_s)
    return f"{told} (the maximum)" if spread.p95_is_max else told


def known_words(spread: Spread) -> str:
    """``5 of 6``: how many drills have the figure."""
    return f"{spread.n:,} of {spread.n + spread.missing:,}"


def tried_words(tried: Tried, attempts_max: int) -> tuple[str, ...]:
    """A variation in two lines for a terminal: how often it held, and how its figures are spread."""
    name = variation_words(tried.parameters)
    if not tried.success or not tried.within_attempts:
        return (f"{name}: no drill has ended",)
    counts = f"{tried.held} of {tried.done} HELD, {tried.broken} BROKEN, {tried.unknown} UNKNOWN"
    rate = f"success rate {percent(tried.success.estimate)} (95 % confidence: {interval(tried.success)})"
    again = f"chance of a success within {attempts_max}: {percent(tried.within_attempts.estimate)}"
    sure = f"{at_least(tried.within_attempts)} with 95 % confidence"
    figures = [spread_words(each) for each in tried.spreads if each.n]
    lines = (f"{name}: {counts}; {rate}", f"  {again}, {sure}", *(f"  {each}" for each in figures))
    return (*lines, f"  {most_lost_words(tried)}")


def most_lost_words(tried: Tried) -> str:
    """``acknowledged writes lost in one drill: 7 at most``; ``none``, where all drills tell; and where they do not."""
    most = "unknown" if tried.lost_max is None else f"{tried.lost_max:,} at most" if tried.lost_max else "none"
    told = f"acknowledged writes lost in one drill: {most}"
    return f"{told}, unknown in {tried.lost_unknown:,} of {tried.done:,}" if tried.lost_unknown else told


def spread_words(spread: Spread) -> str:
    """``RTA median 12.4 s, p95 14.0 s (the maximum), n = 5 of 6``."""
    most = "" if spread.p95_is_max else f", maximum {words.duration(spread.max_s)}"
    middle = f"median {words.duration(spread.median_s)}, p95 {p95_words(spread)}{most}"
    return f"{spread.what} {middle}, n = {known_words(spread)}"
