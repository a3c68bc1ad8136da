"""Verify a record: its files are those that were sealed, its timeline is one chain, judging it again tells the same.

Nothing is written here. What cannot be checked is a flaw, never a pass: no evidence that a record is whole does not
make it whole. A record without a chain, written before timelines had one, is therefore not verified.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from gameday.errors import RecordError
from gameday.facts.selftest import RecordSelfTest
from gameday.measure.judge import judge
from gameday.measure.proved import Proved, prove, weighed
from gameday.record.chain import BEGINNING, read_chain
from gameday.record.entries import read_whole, strangers_in
from gameday.record.layout import SELF_TEST, Record
from gameday.record.lines import UNREADABLE
from gameday.record.manifest import MANIFEST, STATEMENT, Manifest, hashes_of, read_manifest, running_version, sha256_of

TOLD_MAX = 5  # of many flaws of one kind
JUDGED = ("measurement.json", SELF_TEST, "index.html")  # made by judging; everything else is what is judged
NO_CHAIN = "no chain: the timeline was sealed before its lines were chained, so nothing shows that none was changed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: ``seen`` says what was found, ``flaws`` why the record is not verified."""

    what: str
    seen: str
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """What all checks found; ``manifest_sha256`` is what to keep elsewhere, empty where there is no manifest."""

    checks: tuple[Check, ...]
    manifest_sha256: str

    @property
    def holds(self) -> bool:
        return not any(check.flaws for check in self.checks)


def verify(record: Record, manifest_sha256: str = "") -> Verified:
    """Look at everything; with ``manifest_sha256``, as it was kept elsewhere, the manifest must be that very one."""
    try:
        manifest = read_manifest(record.folder)
    except RecordError as cause:
        return Verified((Check("manifest", "", (str(cause),)), _judgement(record)), "")
    digest = sha256_of(record.folder / MANIFEST)
    there = hashes_of(record.folder, "make it readable, then verify again")
    altered = _altered(there, manifest) | _strange(record)
    unjudged = Check("judgement", "not looked at: what would be judged is not what was sealed")
    return Verified(
        (
            _manifest(digest, manifest_sha256, manifest),
            Check("files", f"{len(there)} as in the manifest", tuple(altered.values())),
            _chain(record, manifest),
            _judgement(record) if altered.keys() <= set(JUDGED) else unjudged,
            _statement(record),
        ),
        digest,
    )


def _manifest(digest: str, kept: str, manifest: Manifest) -> Check:
    flaws = (f"its SHA-256 is {digest}, not {kept.lower()}",) if kept and digest != kept.lower() else ()
    return Check("manifest", f"sealed by gameday {manifest.gameday or 'of before chains'}", flaws)


def _altered(there: Mapping[str, str], manifest: Manifest) -> dict[str, str]:
    """Every file that is not as the manifest has it, and in what way."""
    told = {name: f"missing: {name}" for name in sorted(manifest.files.keys() - there.keys())}
    told |= {name: f"one too many: {name}" for name in sorted(there.keys() - manifest.files.keys())}
    both = sorted(there.keys() & manifest.files.keys())
    return told | {name: f"altered: {name}" for name in both if there[name] != manifest.files[name]}


def _strange(record: Record) -> dict[str, str]:
    """What is no regular file, be it sealed or not: an archived copy may hold nothing in its place."""
    return {name: f"no regular file: {name} is {kind}" for name, kind in strangers_in(record.folder).items()}


def _chain(record: Record, manifest: Manifest) -> Check:
    try:
        chain = read_chain(record.timeline)
    except RecordError as cause:
        return Check("chain", "", (f"it cannot be followed: {cause}",))
    seen = f"{chain.lines} lines of the timeline, head {chain.head[:16]}"
    if manifest.timeline_head is None:
        return Check("chain", seen, (NO_CHAIN,))
    flaws = [f"no chain at line {number} of the timeline" for number in chain.unlinked[:TOLD_MAX]]
    flaws += [
        f"broken at line {number} of the timeline: before it stands another" for number in chain.broken[:TOLD_MAX]
    ]
    if (chain.lines, chain.head) != (manifest.timeline_lines, manifest.timeline_head):
        sealed = f"{manifest.timeline_lines} lines and head {manifest.timeline_head[:16]}"
        flaws.append(f"the timeline ends otherwise than it was sealed, with {sealed}")
    return Check("chain", seen if chain.head != BEGINNING else "an empty timeline", tuple(flaws))


def _judgement(record: Record) -> Check:
    try:
        kept = msgspec.json.decode(read_whole(record.folder / "measurement.json"))
        tried = record.read_self_test()
        again = _judged_again(record, tried)
    except (OSError, *UNREADABLE, RecordError) as cause:
        return Check("judgement", "", (f"it cannot be compared: {cause}",))
    then = tried or RecordSelfTest()
    told = [*differences(kept, _tree(again.measurement)), *_otherwise(then, again.self_test)]
    more = [f"and {len(told) - TOLD_MAX} more differences"] if len(told) > TOLD_MAX else []
    versions = _versions(record) if told else []
    seen = f"the same measurement: {again.measurement.verdict.value}{_untried(then, again.self_test)}"
    return Check("judgement", seen, (*told[:TOLD_MAX], *more, *versions))


def _judged_again(record: Record, tried: RecordSelfTest | None) -> Proved:
    """As it was judged: untried if it was. What was missed then still weighs where there is no room to try it here."""
    if tried is None:
        return Proved(judge(record), RecordSelfTest())
    again = prove(record)
    if again.self_test.not_run and not again.self_test.missed:
        return replace(again, measurement=weighed(again.measurement, tried))
    return again


def _otherwise(then: RecordSelfTest, now: RecordSelfTest) -> Iterator[str]:
    """Where the self-tests differ. Room is the machine's: of one that was not run, what both tried must be the same."""
    if then.not_run and not now.not_run and now.missed:
        yield f"{SELF_TEST}: not run when it was judged, and missed now: {', '.join(each.name for each in now.missed)}"
    if then.not_run or now.not_run:
        both = min(len(then.truths), len(now.truths))
        then, now = (RecordSelfTest(each.truths[:both]) for each in (then, now))
    yield from differences(_tree(then), _tree(now), SELF_TEST)


def _untried(then: RecordSelfTest, now: RecordSelfTest) -> str:
    """What must be said beside, though it is no flaw: a self-test that was not run, then or now."""
    if now.not_run:
        return f"; its self-test was not run now: {now.not_run}"
    return f"; its self-test was run now, and not when it was judged: {then.not_run}" if then.not_run else ""


def _tree(fact: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(fact))


def _versions(record: Record) -> list[str]:
    """Other versions may judge otherwise: said with a difference, which stays a flaw all the same."""
    drilled = str(record.read_plan().versions.get("chaostoolkit-gameday", "unknown"))
    running = running_version()
    return [] if drilled == running else [f"gameday {drilled} drilled, this is gameday {running}"]


def differences(kept: Any, fresh: Any, at: str = "") -> Iterator[str]:
    """Where two JSON trees differ, field by field, as sentences."""
    if isinstance(kept, dict) and isinstance(fresh, dict):
        for key in dict.fromkeys((*kept, *fresh)):
            yield from differences(kept.get(key), fresh.get(key), f"{at}.{key}" if at else str(key))
    elif isinstance(kept, list) and isinstance(fresh, list) and len(kept) == len(fresh):
        for number, (one, other) in enumerate(zip(kept, fresh, strict=True)):
            yield from differences(one, other, f"{at}[{number}]")
    elif kept != fresh or type(kept) is not type(fresh):
        yield f"{at}: kept {_short(kept)}, judged again {_short(fresh)}"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return msgspec.json.encode(value).decode()[:120]


def _statement(record: Record) -> Check:
    """It must be, to the byte, what plan, measurement and manifest make it."""
    try:
        kept = read_whole(record.folder / STATEMENT)
        due = record.statement().encode()
    except FileNotFoundError:
        return Check("statement", "", (f"missing: {STATEMENT}",))
    except (OSError, RecordError) as cause:
        return Check("statement", "", (f"it cannot be compared: {cause}",))
    if kept != due:
        return Check("statement", "", (f"altered: {STATEMENT}, or it states something of another manifest",))
    return Check("statement", f"{msgspec.json.decode(kept)['predicate']['result']}, of this manifest")
