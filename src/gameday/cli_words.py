"""Words of the command line that several commands read in the same way."""

from collections.abc import Sequence


def key_values(said: Sequence[str], what: str) -> dict[str, str]:
    """``KEY=VALUE`` as a table; raises :class:`InputError`, which calls it ``what``."""
    from gameday.errors import InputError

    pairs = [text.partition("=") for text in said]
    if odd := [text for text, (key, equals, _) in zip(said, pairs, strict=True) if not (key and equals)]:
        raise InputError(f"{what} as KEY=VALUE", repr(odd[0]), "correct it")
    return {key: value for key, _, value in pairs}
