"""What a misspelt word was probably meant to be."""

import difflib


def suggestion(seen: str, known: tuple[str, ...]) -> str:
    """``; did you mean 'rollbacks'?`` when one of the known words is close, else nothing."""
    close = difflib.get_close_matches(seen, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
