"""The open-model prober, ``python -m gameday.load.prober``: it keeps its schedule, whatever became of the last probe.

Closed-loop clients stop sampling while they are blocked, and then report an outage as a handful of slow requests. This
process sends every probe at its appointed time, each over a fresh connection to whatever the name resolves to then, and
writes one line a probe. A kept-alive client goes beside it at a low rate, because kept connections do not follow DNS.
"""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameday.clock import NS, SYSTEM, Clock, boot_id
from gameday.errors import GamedayError
from gameday.facts import Probe
from gameday.load.client import Client, Failure, Sight, settle_pending
from gameday.load.ids import order_id, payload_of
from gameday.load.plan import LoadPlan
from gameday.load.readset import Known, ReadSet
from gameday.load.settle import Answer, Settled, found, settle_answer, settle_failure
from gameday.record.ledger import Ledger, checksum
from gameday.record.lines import LineWriter

type Work = Coroutine[Any, Any, None]

KEPT_WRITES_PER_S = 2.0
NICE = -5  # the schedule comes first; an ordinary user may not, and then it goes without


@dataclass(frozen=True, slots=True)
class Due:
    """One place in a schedule."""

    target: str
    client: str
    seq: int
    scheduled_ns: int


@dataclass
class Prober:
    """Sends probes and writes them down until it is told to stop. ``run`` marks the ids of this drill's orders."""

    plan: LoadPlan
    url: str
    resolver: str
    folder: Path
    run: str
    clock: Clock = SYSTEM
    broken: BaseException | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _pending: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._reads = ReadSet(self.plan.read_age_s)
        self._ledgers = {kind: Ledger(self.folder / "writes", f"{kind}-{os.getpid()}") for kind in ("prober", "kept")}
        self._lines = LineWriter(self.folder / "probes" / f"prober-{os.getpid()}.ndjson", sync=False)

    def stop(self) -> None:
        """Schedule nothing more."""
        self._stop.set()

    async def probe_until_stopped(self) -> None:
        """Run the schedule, then let what is in flight settle. Raises what broke a probe's bookkeeping."""
        async with contextlib.AsyncExitStack() as stack:
            self._fresh = self._client(stack, kept=False)
            self._kept = self._client(stack, kept=True)
            streams = [asyncio.create_task(stream) for stream in self._streams()]
            await self._stop.wait()
            for stream in streams:
                stream.cancel()
            await asyncio.wait(streams)
            await settle_pending(self._pending, self.plan.probe_timeout_s + 1.0)
        for ledger in self._ledgers.values():
            ledger.close()
        self._lines.close()
        if self.broken:
            raise self.broken

    def _client(self, stack: contextlib.AsyncExitStack, *, kept: bool) -> Client:
        client = Client(self.url, self.resolver, self.plan.probe_timeout_s, kept=kept)
        stack.push_async_callback(client.close)
        return client

    def _streams(self) -> list[Work]:
        """Writes and reads interleave: reads are due half a period after writes."""
        start_ns = self.clock.mono_ns() + NS // 10
        half_ns = int(NS / self.plan.writes_per_s / 2)
        streams = [
            self._stream("write", "fresh", self.plan.writes_per_s, start_ns, self._write),
            self._stream_of_reads(start_ns + half_ns),
        ]
        if self.plan.kept_alive:
            offset_ns = start_ns + half_ns // 2
            streams.append(self._stream("write", "kept", KEPT_WRITES_PER_S, offset_ns, self._write))
        return streams

    async def _stream_of_reads(self, start_ns: int) -> None:
        """Reads are scheduled from when there is an order old enough to be asked for, on the grid that writes left."""
        period_ns = int(NS / self.plan.reads_per_s)
        while not self._reads.next(self.clock.mono_ns()):
            await asyncio.sleep(0.05)
        passed = (self.clock.mono_ns() - start_ns) // period_ns + 1
        await self._stream("read", "fresh", self.plan.reads_per_s, start_ns + passed * period_ns, self._read)

    async def _stream(self, target: str, client: str, rate: float, start_ns: int, probe: Callable[[Due], Work]) -> None:
        seq = 0
        while True:
            due = Due(target, client, seq, start_ns + int(seq * NS / rate))
            await asyncio.sleep(max(0.0, (due.scheduled_ns - self.clock.mono_ns()) / NS))
            self._launch(probe(due))
            seq += 1

    def _launch(self, probe: Work) -> None:
        task = asyncio.create_task(probe)
        self._pending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._pending.discard(task)
        if not task.cancelled() and (cause := task.exception()):
            self.broken = self.broken or cause
            self.stop()

    async def _write(self, due: Due) -> None:
        kept = due.client == "kept"
        client, ledger = (self._kept, self._ledgers["kept"]) if kept else (self._fresh, self._ledgers["prober"])
        id = order_id(self.run, ledger.writer, due.seq)
        payload, sight = payload_of(id), Sight()
        sum_ = checksum(payload.encode())
        sent = ledger.sent(id, 1, sum_, len(payload.encode()))
        answer = await client.post("/orders", {"id": id, "payload": payload}, sight)
        settled = _settled(answer, id, sum_, sight)
        ledger.settled(sent, settled.settlement, settled.ack, settled.status, settled.why)
        if settled.good and not kept:
            self._reads.acknowledged(Known(id, sum_), self.clock.mono_ns())
        region = None if isinstance(answer, Failure) else answer.region
        self._note(due, sent.mono_ns, sight, settled.good, region, settled.status, settled.why)

    async def _read(self, due: Due) -> None:
        now_ns, sight = self.clock.mono_ns(), Sight()
        order = self._reads.next(now_ns)
        assert order is not None, "the stream of reads begins when there is one, and orders never leave the set"
        answer = await self._fresh.get(f"/orders/{order.id}", sight)
        if isinstance(answer, Failure):
            self._note(due, now_ns, sight, False, None, None, answer.why)
        else:
            why = found(answer, order.id, order.sum)
            self._note(due, now_ns, sight, why is None, answer.region, answer.status, why)

    def _note(
        self, due: Due, sent_ns: int, sight: Sight, good: bool, region: str | None, status: int | None, why: str | None
    ) -> None:
        if not good:
            self._reads.failed(sent_ns)
        self._lines.append(
            Probe(
                boot_id(), due.target, due.client, due.seq, due.scheduled_ns, sent_ns, self.clock.mono_ns(),
                self.clock.utc(), good, region, sight.address, status, why,
            )
        )  # fmt: skip


def _settled(answer: Answer | Failure, id: str, sum_: str, sight: Sight) -> Settled:
    if isinstance(answer, Failure):
        return settle_failure(answer.why, byte_sent=sight.byte_sent)
    return settle_answer(answer, id, sum_)


def main(argv: list[str]) -> int:
    """Probe until SIGTERM; exit code 0 after draining, 1 when the record could not be written."""
    told = _arguments(argv)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    try:
        asyncio.run(_run(told))
    except GamedayError as cause:
        sys.stderr.write(f"gameday.load.prober: {cause}\n")
        return 1
    return 0


async def _run(told: Namespace) -> None:
    plan = LoadPlan(
        writes_per_s=told.writes_per_s,
        reads_per_s=told.reads_per_s,
        probe_timeout_s=told.timeout_s,
        kept_alive=told.kept_alive,
        read_age_s=told.read_age_s,
    )
    prober = Prober(plan, told.url, told.resolver, told.record, told.run or told.record.name)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, prober.stop)
    gc.freeze()  # what stands now stays: a collection need not walk it while a probe is due
    await prober.probe_until_stopped()


def _arguments(argv: list[str]) -> Namespace:
    plan = LoadPlan()
    parser = ArgumentParser(prog="python -m gameday.load.prober", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True, help="the service, by its name")
    parser.add_argument("--resolver", default="system", help="system, or address:port of a DNS server")
    parser.add_argument("--record", required=True, type=Path, help="the record's folder")
    parser.add_argument("--run", default="", help="marks the ids of orders; the record's folder name unless given")
    parser.add_argument("--writes-per-s", type=float, default=plan.writes_per_s)
    parser.add_argument("--reads-per-s", type=float, default=plan.reads_per_s)
    parser.add_argument("--timeout-s", type=float, default=plan.probe_timeout_s)
    parser.add_argument("--read-age-s", type=float, default=plan.read_age_s)
    parser.add_argument("--no-kept-alive", dest="kept_alive", action="store_false")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
