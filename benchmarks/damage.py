"""What can become of a record's files: each damage is one function over bytes, reproducible from its seed."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

type Files = dict[str, bytes]
type Damage = Callable[[Random, bytes], bytes]

SCRIPT = "\"'><script>document.title='owned'</script><img src=x onerror=alert(1)>{{7*7}}"
STRINGS = (
    "",
    "\0",
    SCRIPT,
    "a",
    "\u202eevil",
    "é" * 3,
    "0/0",
    "ffffffff/ffffffff",
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "200000-01-01 00:00:00",
    "0044-03-15 (BC) 00:00:00",
    "infinity",
    "f" * 60 + "/0",
    "NaN",
    "-1",
)
MORE = (2**63, -(2**63), 2**64, 10**30, 10**400)  # than a record's numbers can be
NUMBERS = (0, -1, 1, 2, 0.5, 1e-300, 1e308, -1e308, 2**31, 10**10, 10**12, 2**63 - 1, *MORE)
WRONG = (None, True, False, [], {}, [[]], {"": None}, ["a"], *STRINGS, *NUMBERS)
FOREIGN = (
    b"\xff\xfe\x00", b"<html><script>1</script>\n", b"null\n", b"[]\n", b"{}\n", b'"text"\n', b"\x1f\x8b\x08\x00\n",
    b"{" * 100_000 + b"\n", b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"\n", b"-\n", b"1e999\n", b'{"v":1}\n',
)  # fmt: skip


def cut(random: Random, text: bytes) -> bytes:
    """The end is gone, somewhere in a line."""
    return text[: random.randrange(len(text))] if text else text


def without_a_middle(random: Random, text: bytes) -> bytes:
    """Some bytes in between are gone."""
    start = random.randrange(len(text) + 1)
    return text[:start] + text[start + random.randint(1, 400) :]


def with_noise(random: Random, text: bytes) -> bytes:
    """Bytes that are no UTF-8 stand in between."""
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice((b"\xff", b"\x00", b"\xc3(", random.randbytes(9))) + text[at:]


def with_a_bit_flipped(random: Random, text: bytes) -> bytes:
    """One bit of the disk."""
    if not text:
        return text
    at = random.randrange(len(text))
    return text[:at] + bytes([text[at] ^ 1 << random.randrange(8)]) + text[at + 1 :]


def with_foreign_lines(random: Random, text: bytes) -> bytes:
    """Something that is no line of ours."""
    lines = text.splitlines(True)
    lines.insert(random.randint(0, len(lines)), random.choice(FOREIGN))
    return b"".join(lines)


def emptied(_: Random, __: bytes) -> bytes:
    """Nothing is left."""
    return b""


def without_lines(random: Random, text: bytes) -> bytes:
    """Some whole lines are gone."""
    lines = text.splitlines(True)
    gone = set(random.sample(range(len(lines)), min(len(lines), random.choice((1, 1, 2, 9)))))
    return b"".join(line for number, line in enumerate(lines) if number not in gone)


def without_an_early_line(random: Random, text: bytes) -> bytes:
    """One line is gone, and not the last of its writer or stream."""
    lines = text.splitlines(True)
    gone = random.randrange(max(1, len(lines) // 3))
    return b"".join(line for number, line in enumerate(lines) if number != gone)


def shuffled(random: Random, text: bytes) -> bytes:
    """Every line is there, in another order."""
    lines = text.splitlines(True)
    random.shuffle(lines)
    return b"".join(lines)


def repeated(random: Random, text: bytes) -> bytes:
    """One line is there twice."""
    lines = text.splitlines(True) or [b""]
    return b"".join([*lines, random.choice(lines)])


def with_another_value(random: Random, text: bytes) -> bytes:
    """One value of one line is another, of any type."""
    return _changed(random, text, lambda value: random.choice(WRONG))


def with_scripts(random: Random, text: bytes) -> bytes:
    """Every string of one line would like to be a script."""
    return _rewritten(random, text, lambda whole: _each(whole, lambda s: SCRIPT if random.random() < 0.7 else s))


def gigantic(random: Random, text: bytes) -> bytes:
    """One value is a megabyte."""
    return _changed(random, text, lambda value: random.choice(("x" * 2**20, [0] * 2**17, {"k" * 2**18: 1})))


def with_a_jump(random: Random, text: bytes) -> bytes:
    """From one line on, the clock has jumped, or by a nanosecond that nobody can see."""
    return _jumped(random, text, random.choice((1, 10**9, 3600 * 10**9, 2**62)))


def with_a_jump_of_seconds(random: Random, text: bytes) -> bytes:
    """From one line on, the clock has jumped by a second at least."""
    return _jumped(random, text, random.choice((10**9, 60 * 10**9, 3600 * 10**9)))


def with_ids_the_same(random: Random, text: bytes) -> bytes:
    """Two lines that were of two writes, probes or steps are of one."""
    return _the_same(random, text, random.choice(("id", "xid", "line", "seq", "writer", "number", "key")))


def with_a_number_twice(random: Random, text: bytes) -> bytes:
    """Two lines have the number, or the id of a row, that was the other's."""
    return _the_same(random, text, next(key for key in ("line", "seq", "id") if f'"{key}":'.encode() in text))


DAMAGES: tuple[Damage, ...] = (
    cut, without_a_middle, with_noise, with_a_bit_flipped, with_foreign_lines, emptied, without_lines, shuffled,
    repeated, with_another_value, with_another_value, with_scripts, with_a_jump, with_ids_the_same,
)  # fmt: skip
SELDOM: tuple[Damage, ...] = (gigantic,)
# What every rule must see without the drill's closing note too, by the beginning of the damaged file's name.
CONTRADICTED: dict[str, tuple[Damage, ...]] = {
    "timeline": (with_a_jump_of_seconds,),
    "writes": (with_a_jump_of_seconds, repeated, with_a_number_twice, without_an_early_line),
    "probes": (with_a_jump_of_seconds, repeated, with_a_number_twice, without_an_early_line),
    "survivors": (repeated, with_a_number_twice, without_an_early_line),
}


def _jumped(random: Random, text: bytes, jump_ns: int) -> bytes:
    lines, by_ns = text.splitlines(True), random.choice((-1, 1)) * jump_ns
    since = random.randrange(len(lines) + 1)
    return b"".join([*lines[:since], *(_moved(line, by_ns) for line in lines[since:])])


def _moved(line: bytes, jump_ns: int) -> bytes:
    try:
        whole = json.loads(line)
        stamps = [key for key in whole if key.endswith("mono_ns")]
    except (ValueError, TypeError):
        return line
    return _line(whole | {key: whole[key] + jump_ns for key in stamps})


def _the_same(random: Random, text: bytes, key: str) -> bytes:
    lines = text.splitlines(True)
    if len(lines) < 2:
        return text
    one, other = random.sample(range(len(lines)), 2)
    lines[one] = _with(lines[one], lines[other], key)
    return b"".join(lines)


def _with(line: bytes, other: bytes, key: str) -> bytes:
    whole, giver = json.loads(line), json.loads(other)
    return _line(whole | {key: giver[key]}) if key in giver and giver[key] != whole.get(key) else line


def _changed(random: Random, text: bytes, change: Callable[[Any], Any]) -> bytes:
    def one(whole: Any) -> Any:
        paths = list(_paths(whole))
        return _put(whole, random.choice(paths), change) if paths else whole

    return _rewritten(random, text, one)


def _rewritten(random: Random, text: bytes, rewrite: Callable[[Any], Any]) -> bytes:
    """A whole JSON file, or else one of its lines, rewritten."""
    try:
        return _line(rewrite(json.loads(text)))
    except ValueError:
        lines = text.splitlines(True)
    if lines:
        number = random.randrange(len(lines))
        lines[number] = _line(rewrite(json.loads(lines[number])))
    return b"".join(lines)


def _line(whole: Any) -> bytes:
    return json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _paths(whole: Any, so_far: tuple[Any, ...] = ()) -> Any:
    inner = whole.items() if isinstance(whole, dict) else enumerate(whole) if isinstance(whole, list) else ()
    for key, value in inner:
        yield (*so_far, key)
        yield from _paths(value, (*so_far, key))


def _put(whole: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    key, *rest = path
    whole[key] = _put(whole[key], tuple(rest), change) if rest else change(whole[key])
    return whole


def _each(whole: Any, change: Callable[[str], str]) -> Any:
    if isinstance(whole, dict):
        return {key: _each(value, change) for key, value in whole.items()}
    if isinstance(whole, list):
        return [_each(value, change) for value in whole]
    return change(whole) if isinstance(whole, str) else whole
