"""How the report words figures: durations, counts, shares, sizes, and text that came from elsewhere.

One rule rules all of them: what is not zero never reads zero, what is not all never reads all, and a measurement that
differs from its objective never reads the same.
"""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EM DASH}"
LONGEST = 2_000  # characters of one foreign string; a longer one is cut, and says so
# Controls, formats (direction overrides among them), surrogates, private and unassigned code points, separators.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: str, longest: int = LONGEST) -> str:
    """Text from elsewhere, as one may print it: bounded, and ``�`` for each control or direction override."""
    cut = text[:longest]
    shown = cut if cut.isascii() and cut.isprintable() else "".join(map(_printable, cut))
    return shown if len(text) <= longest else f"{shown} … ({len(text) - longest:,} more characters)"


def _printable(character: str) -> str:
    if character in "\n\t":
        return character
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in UNPRINTABLE else character


def duration(seconds: float | None, digits: int = 0) -> str:
    """``85 ms``, ``18.4 s``, ``1 min 32 s``; ``digits`` asks for so many more. None is ``unknown``, 0 is ``0 s``."""
    if seconds is None:
        return "unknown"
    if seconds < 0:
        return MINUS + duration(-seconds, digits)
    if seconds == 0:
        return "0 s"
    if seconds <= 0.0005:
        return "< 1 ms" if not digits else f"{seconds * 1000:.{digits + 3}f} ms"
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.{digits}f} ms"
    fine = (2 if seconds < 9.995 else 1) + digits
    return f"{seconds:.{fine}f} s" if round(seconds, fine) < 60 else _long(seconds, digits)


def _long(seconds: float, digits: int) -> str:
    minutes, rest = divmod(round(seconds, digits), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{hours:,} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join(parts + [f"{rest:.{digits}f} s"] * bool(rest or digits))


def span(seconds: float) -> str:
    """A configured delay or an objective, exactly: ``30 min``, ``1 s``, ``1 min 30 s``, ``2.5 s``."""
    minutes, rest = divmod(round(seconds, 6), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = [f"{hours:,} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join(parts + [f"{round(rest, 6):g} s"] * bool(rest or not parts))


def against(measured: float | None, objective: float) -> str:
    """A measurement in as many digits as it needs not to read like an objective that it differs from."""
    if measured is None or measured == objective:
        return duration(measured)
    apart = (digits for digits in range(7) if duration(measured, digits) != duration(objective, digits))
    return next((duration(measured, digits) for digits in apart), f"{measured!r} s")


def after(seconds: float | None) -> str:
    """An instant relative to the fault, to the millisecond: ``+18.412 s``, ``−3.000 s``; None is a dash."""
    if seconds is None:
        return DASH
    sign = MINUS if seconds < 0 else "+"
    minutes, rest = divmod(round(abs(seconds), 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{sign}{hours:,} h {minutes:02} min {rest:06.3f} s"
    return f"{sign}{minutes} min {rest:06.3f} s" if minutes else f"{sign}{rest:.3f} s"


def count(number: int | None) -> str:
    """``1,234,567``; None is ``not known``."""
    return "not known" if number is None else f"{number:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 write``, ``2 writes``, ``no writes``."""
    return f"{number:,} {one}" if number == 1 else f"{number or 'no':{',' if number else ''}} {many or one + 's'}"


def share(part: int, whole: int) -> str:
    """A share in per cent with at least two digits; 0 % only for none and 100 % only for all."""
    if whole <= 0:
        return DASH
    if part in (0, whole):
        return "100 %" if part else "0 %"
    percents = (f"{100 * part / whole:.{digits}f}" for digits in range(2, 16))
    told = (f"{percent} %" for percent in percents if float(percent) not in (0.0, 100.0))
    return next(told, f"{part:,} of {whole:,}")


def size(bytes_: int | None) -> str:
    """``812 B``, ``11.2 kB``, in powers of ten; None is ``not known``."""
    if bytes_ is None:
        return "not known"
    amount, unit = float(bytes_), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.95:
            break
        amount, unit = amount / 1000, larger
    return f"{bytes_:,} B" if unit == "B" else f"{amount:.1f} {unit}"


def moment(utc: str | None) -> str:
    """``2026-11-23 18:11:31.120 UTC`` of an ISO stamp; None is a dash, and what is no stamp stays as it was written."""
    return DASH if utc is None else _stamp(utc, "%Y-%m-%d %H:%M:%S", " UTC")


def clock_time(utc: str | None) -> str:
    """``18:11:31.120`` of an ISO stamp."""
    return DASH if utc is None else _stamp(utc, "%H:%M:%S", "")


def _stamp(utc: str, form: str, zone: str) -> str:
    try:
        read = datetime.fromisoformat(utc).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter of a zone that leads out of the years 1 to 9999
        return plain(utc, 60)
    return f"{read.strftime(form)}.{read.microsecond // 1000:03}{zone}"


def details(told: Mapping[str, object]) -> str:
    """An event's details on one line: ``tasks: no database; subnets: a, b``."""
    return "; ".join(f"{name}: {_detail(value)}" for name, value in told.items())


def _detail(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_detail, value))
    return DASH if value is None else str(value)


def sentence(text: str) -> str:
    """A clause as a sentence: a capital first, one full stop last."""
    clause = plain(text.strip())
    return clause[:1].upper() + clause[1:] + ("" if clause.endswith((".", "!", "?", "…")) or not clause else ".")
