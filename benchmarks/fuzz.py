"""Damaged records by the hundred thousand: never a traceback that is not ours, never HELD from a damaged record."""

import multiprocessing
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import batched
from pathlib import Path
from random import Random

import msgspec

from benchmarks.damage import CONTRADICTED, DAMAGES, SELDOM, Files
from benchmarks.figures import Figure
from benchmarks.fuzz_bases import CAMPAIGN, Base, bases, close
from gameday.errors import GamedayError
from gameday.facts import EVIDENCE_CLOSED, Measurement, Survivor, Verdict
from gameday.measure.campaign import measure
from gameday.measure.judge import judge
from gameday.record.campaign import CampaignFolder
from gameday.record.closing import closing_of, read_up_to_the_note
from gameday.record.layout import Record
from gameday.record.lines import Damage, read_lines
from gameday.record.undo import UndoJournal
from gameday.record.walked import read_walked
from gameday.report.campaign import campaign_html, campaign_page
from gameday.report.html import html
from gameday.report.page import page
from gameday.report.summary import summary_lines

INPUTS, PROCESSES, BATCH = 100_000, 2, 1_000
JUDGED_OF = 4  # one record of so many is judged as a whole; of the others the damaged files are read
CLOSED_AGAIN_OF = 2 * JUDGED_OF  # where else the sums of the closing note would see every damage before any rule
PAGE_OF, DRAWN_OF = 16, 4_000  # one report of so many is made, and drawn with its charts, which takes a second
WEIGHTS = (5, 2, 1, 2, 4)  # of the bases: the failback's is long
ONE_OBJECT = ("plan.json", "measurement.json", f"{CAMPAIGN}/plan.json", "runbook.ndjson")  # mostly refused
MEMORY = Path("/dev/shm")  # a folder that no disk slows down
TIMELINE = "timeline.ndjson"
REFUSED, READ = "refused", "read"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one input: a verdict, ``refused`` with an error of ours, ``read``; ``defect``: what must not be."""

    number: int
    damage: str
    ended: str
    defect: str = ""


def figures(times: int = INPUTS) -> Iterator[Figure]:
    """So many inputs; every defect is printed as soon as it is found, with its number, which makes it again."""
    batches, found = [tuple(batch) for batch in batched(range(times), BATCH)], list[Outcome]()
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for batch in pool.imap_unordered(tried, batches):
            found += batch
            for outcome in [each for each in batch if each.defect]:
                print(f"input {outcome.number}: {outcome.damage}: {outcome.defect}")
            print(f"{len(found):,} of {times:,} inputs", flush=True)
    ended = Counter(outcome.ended for outcome in found)
    print(f"{len(found):,} inputs: " + ", ".join(f"{count:,} {name}" for name, count in ended.most_common()))
    yield Figure("damaged records and files given to the readers", "inputs", (float(len(found)),), at_least=INPUTS)
    for name in (*Verdict, REFUSED, READ):
        told = {REFUSED: "refused with an error of ours", READ: "read, file by file"}.get(name, f"judged {name}")
        yield Figure(told, "inputs", (float(ended[name]),))
    yield Figure("tracebacks, and damaged records that were HELD", "inputs", (float(_defects(found)),), at_most=0)


def _defects(found: Sequence[Outcome]) -> int:
    return sum(bool(outcome.defect) for outcome in found)


def tried(numbers: Sequence[int]) -> list[Outcome]:
    """The outcome of each of these inputs, in a folder of their own."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        return [one_input(number, Path(folder)) for number in numbers]


@cache
def all_bases() -> tuple[Base, ...]:
    return bases()


def one_input(number: int, folder: Path) -> Outcome:
    """Damage one base in one to three ways, and let everybody read it who reads such a file."""
    random = Random(number)
    base = random.choices(all_bases(), weights=WEIGHTS)[0]
    record = folder / base.name / "drill" / "then"
    if not record.exists():
        _write(record, base.files)
    is_closed_again = base.is_closed and number % CLOSED_AGAIN_OF == 0
    changed, damage = (_contradicted if is_closed_again else _damaged)(random, base)
    _write(record, changed)
    try:
        if is_closed_again:
            close(Record.open(record))
        ended, defect = _read_all(record, base, changed, number)
    finally:
        _write(record, {name: base.files[name] for name in changed})
    return Outcome(number, f"{base.name}, {damage}", ended, defect)


def _contradicted(random: Random, base: Base) -> tuple[dict[str, bytes | None], str]:
    """The same of a damage that the rules must see by themselves: the note is gone, and the record is closed again."""
    bare = base.files | {TIMELINE: _before_the_note(base.files[TIMELINE]) or b""}
    name, how = random.choice(
        [(name, how) for name in sorted(bare) for part, damages in CONTRADICTED.items() for how in damages
         if name.startswith(part)]
    )  # fmt: skip
    changed = {TIMELINE: bare[TIMELINE], name: how(random, bare[name])}
    return dict(changed), f"{name} {how.__name__}, then closed again"


def _damaged(random: Random, base: Base) -> tuple[dict[str, bytes | None], str]:
    """The files that changed (None: gone), and in words how."""
    changed: dict[str, bytes | None] = {}
    told = []
    for _ in range(random.choice((1, 1, 2, 3))):
        name = random.choice([name for name in sorted(base.files) for _ in range(1 if name in ONE_OBJECT else 3)])
        before = changed.get(name, base.files[name]) or b""
        if random.random() < 0.05:
            changed[name] = None
            told.append(f"{name} gone")
            continue
        how = random.choice(SELDOM if random.random() < 0.01 else DAMAGES)
        try:
            changed[name] = how(random, before)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # damaged beyond that damage
            changed[name] = before + b"\xff"
        told.append(f"{name} {how.__name__}")
    return {name: text for name, text in changed.items() if text != base.files[name]}, ", ".join(told)


def _write(record: Path, files: "dict[str, bytes | None] | Files") -> None:
    for name, text in files.items():
        path = record / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)


def _read_all(folder: Path, base: Base, changed: dict[str, bytes | None], number: int) -> tuple[str, str]:
    """How it ended, and the defect that was seen, if any."""
    ended = READ
    try:
        if not changed or any(_is_judged(name) for name in changed):
            ended = _judge(folder, number) if number % JUDGED_OF == 0 else _read_lines(folder, changed)
        if any(not _is_judged(name) for name in changed):
            _read_journals(folder, changed, number)
    except GamedayError as cause:
        is_told = all((cause.expected, cause.seen, cause.next_step))
        return REFUSED, "" if is_told else f"an error without one of its three parts: {cause!r}"
    except Exception as cause:  # noqa: BLE001  whatever escapes a reader is the defect that is sought
        return "traceback", f"{type(cause).__name__}: {str(cause)[:200]} at {_where(cause)}"
    if ended == Verdict.HELD and _must_be_seen(base, changed):
        return ended, "HELD from a damaged record"
    return ended, ""


def _is_judged(name: str) -> bool:
    journals = ("undo.ndjson", "runbook.ndjson", "measurement.json", CAMPAIGN)
    return not name.startswith(journals)


def _must_be_seen(base: Base, changed: dict[str, bytes | None]) -> bool:
    """Whether a change may not go unseen: any of what a closed record is judged by; else a line that was cut."""
    judged = {name: text for name, text in changed.items() if _is_judged(name)}
    if base.is_closed:
        return any(_before_the_note(text) != _before_the_note(base.files[name]) for name, text in judged.items())
    return any(text and not text.endswith(b"\n") for name, text in judged.items() if name != "plan.json")


def _before_the_note(text: bytes | None) -> bytes | None:
    """What the drill's last note tells the sum of; what follows it, and its own stamps, are no evidence."""
    at = text.rfind(EVIDENCE_CLOSED.encode()) if text else -1
    return text[: text.rfind(b"\n", 0, at) + 1] if text and at >= 0 else text


def _judge(folder: Path, number: int) -> str:
    """Everything that ``gameday judge`` does, on the disk only what it reads."""
    record = Record.open(folder)
    found = judge(record)
    plan, again = record.read_plan(), msgspec.json.decode(msgspec.json.encode(found), type=Measurement)
    summary_lines(plan, again)
    if number % PAGE_OF == 0:
        told = page(plan, again, tuple(record.read_events(Damage())), record_id="drill/then")
        if number % DRAWN_OF == 0:
            html(told)
    return found.verdict.value


def _read_lines(folder: Path, changed: dict[str, bytes | None]) -> str:
    """Each damaged file by its own reader."""
    record, damage = Record.open(folder), Damage()
    readers: dict[str, Callable[[Damage], Iterable[object]]] = {
        "timeline.ndjson": lambda damage: read_up_to_the_note(record, damage),
        "writes": record.read_writes,
        "probes": record.read_probes,
        "survivors.ndjson": lambda damage: read_lines(record.survivors, Survivor, damage),
        "wal.ndjson": record.read_wal,
        "objects.ndjson": record.read_objects,
        "objects-survivors.ndjson": record.read_objects_survivors,
        "plan.json": lambda _: (record.read_plan(),),
    }
    for name in {name.partition("/")[0] for name in changed if _is_judged(name)}:
        deque(readers[name](damage), maxlen=0)
    closing_of(record)
    return READ


def _read_journals(folder: Path, changed: dict[str, bytes | None], number: int) -> None:
    """Whoever reads what is not judged: ``gameday undo``, ``report``, ``runbook --resume`` and ``campaign``."""
    if "undo.ndjson" in changed:
        journal = UndoJournal(folder / "undo.ndjson")
        journal.open_steps()
        journal.unreadable()
    if "runbook.ndjson" in changed:
        read_walked(folder)
    if "measurement.json" in changed:
        record = Record.open(folder)
        page(record.read_plan(), record.read_measurement(), (), record_id="drill/then")
    if any(name.startswith(CAMPAIGN) for name in changed):
        campaign, damage = CampaignFolder.open(folder / CAMPAIGN), Damage()
        plan, done = campaign.read_plan(), campaign.read_done(damage)
        draw = campaign_html if number % DRAWN_OF == 0 else campaign_page
        draw(plan, done, measure(plan, done), record_id="c", unreadable=damage.lines)


def _where(cause: Exception) -> str:
    at = cause.__traceback__
    places = []
    while at:
        code = at.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{at.tb_lineno} {code.co_name}")
        at = at.tb_next
    return " < ".join(reversed(places[-4:]))
