"""Route 53's answers: failover, CNAME chains and aliases out of moto's zones, served over UDP and TCP."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gameday.errors import PortsTaken
from gameday.lab.local.ground import ACCOUNT
from gameday.lab.timers import ttl_s

ALIAS_TTL_S = 60  # an alias to a load balancer answers with 60 s, whatever is asked (Route 53 developer guide)
CHAIN_MAX = 8
POLL_S = 0.2  # how soon a server notices that it is to stop
NOERROR, NXDOMAIN, REFUSED = "NOERROR", "NXDOMAIN", "REFUSED"


@dataclass(frozen=True, slots=True)
class Record:
    """A record set of a zone; names are lower case without the trailing dot."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...] = ()
    alias: str | None = None
    failover: str | None = None
    health_check_id: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One resource record of an answer; ``ttl`` as it goes onto the wire."""

    name: str
    type: str
    ttl: int
    value: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its code, its lines in the order of the chain, and the start of authority of an empty one."""

    code: str
    lines: tuple[Line, ...] = ()
    authority: Line | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(line.value for line in self.lines if line.type == "A")


@dataclass(frozen=True, slots=True)
class Zones:
    """Answers from the zones that ``records`` reads at each question (zone name → its records).

    Failover: the PRIMARY while its health check is healthy, else the SECONDARY if that is healthy; PRIMARY when neither
    is. A record without a health check is healthy. An alias' ``EvaluateTargetHealth`` is not looked at: an alias counts
    as healthy. TTLs are scaled.
    """

    records: Callable[[], dict[str, Sequence[Record]]]
    healthy: Callable[[str], bool]  # by health check id
    balancer: Callable[[str], str | None]  # a load balancer's DNS name -> its address, None when it is none
    scale: float = 1.0

    def answer(self, name: str, kind: str = "A") -> Answer:
        """The answer to one question; ``kind`` is a record type or ANY."""
        zones = self.records()
        lines: list[Line] = []
        asked = plain(name)
        for _ in range(CHAIN_MAX):
            zone = _zone_of(asked, zones)
            if zone is None:
                return Answer(NOERROR if lines else REFUSED, tuple(lines))
            found = self._chosen([record for record in zones[zone] if record.name == asked])
            target = self._add(found, asked, kind, lines, zones)
            if target is None:
                return Answer(_code(asked, zones[zone], lines), tuple(lines), None if lines else self._soa(zones[zone]))
            asked = target
        return Answer(NOERROR, tuple(lines))

    def _chosen(self, there: Iterable[Record]) -> tuple[Record, ...]:
        """The records of one name after failover has been decided."""
        there = tuple(there)
        simple = tuple(record for record in there if not record.failover)
        pair = {record.failover: record for record in there if record.failover}
        if not pair:
            return simple
        first, second = pair.get("PRIMARY"), pair.get("SECONDARY")
        order = [record for record in (first, second) if record]
        return (*simple, next((record for record in order if self._is_healthy(record)), order[0]))

    def _is_healthy(self, record: Record) -> bool:
        return record.health_check_id is None or self.healthy(record.health_check_id)

    def _add(
        self,
        found: Sequence[Record],
        asked: str,
        kind: str,
        lines: list[Line],
        zones: dict[str, Sequence[Record]],
    ) -> str | None:
        """Add what answers ``kind``; gives the next name of the chain, if it goes on."""
        for record in found:
            if record.alias and record.type in (kind, "A") and kind in ("A", "ANY"):
                return self._add_alias(record, asked, lines, zones)
            if record.type == kind or (kind == "ANY" and not record.alias):
                lines += self._lines(record)
            elif record.type == "CNAME":
                lines += self._lines(record)
                return plain(record.values[0])
        return None

    def _lines(self, record: Record) -> list[Line]:
        return [Line(record.name, record.type, ttl_s(record.ttl, self.scale), value) for value in record.values]

    def _add_alias(
        self, record: Record, asked: str, lines: list[Line], zones: dict[str, Sequence[Record]]
    ) -> str | None:
        """An alias answers in its own name: with a balancer's address, or with the records it points to."""
        assert record.alias
        address = self.balancer(record.alias)
        values = (address,) if address else self.answer(record.alias).addresses if _zone_of(record.alias, zones) else ()
        lines += [Line(asked, "A", ttl_s(ALIAS_TTL_S, self.scale), value) for value in values]
        return None

    def _soa(self, records: Sequence[Record]) -> Line | None:
        return next((self._lines(record)[0] for record in records if record.type == "SOA"), None)


def plain(name: str) -> str:
    return name.rstrip(".").lower()


def _zone_of(name: str, zones: Iterable[str]) -> str | None:
    """The longest zone that holds the name."""
    return max((zone for zone in zones if f".{name}".endswith(f".{zone}")), key=len, default=None)


def _code(asked: str, records: Sequence[Record], lines: Sequence[Line]) -> str:
    """NXDOMAIN only when neither the name nor anything below it exists, and nothing was answered."""
    exists = any(f".{record.name}".endswith(f".{asked}") for record in records)
    return NOERROR if lines or exists else NXDOMAIN


def zones_of_moto() -> dict[str, Sequence[Record]]:
    """Every public zone of moto's Route 53, as it is now."""
    from moto.route53.models import route53_backends

    zones = list(route53_backends[ACCOUNT]["aws"].zones.values())
    return {
        plain(zone.name): [_record(rrset) for rrset in list(zone.rrsets)] for zone in zones if not zone.private_zone
    }


def _record(rrset: Any) -> Record:
    alias = rrset.alias_target or {}
    values = [value["Value"] if isinstance(value, dict) else value for value in rrset.records or ()]
    return Record(
        name=plain(rrset.name),
        type=rrset.type,
        ttl=int(rrset.ttl or ALIAS_TTL_S),
        values=tuple(values),
        alias=plain(alias["DNSName"]).removeprefix("dualstack.") if alias else None,
        failover=rrset.failover,
        health_check_id=rrset.health_check_id,
    )


class DnsServer:
    """``answer`` on an address and port, over UDP and TCP, each question in a thread of its own."""

    def __init__(self, answer: Callable[[str, str], Answer], address: str, port: int) -> None:
        from dnslib.server import DNSLogger, DNSServer

        quiet = DNSLogger(log="", logf=lambda _: None)
        self._servers: list[Any] = []
        self._serving = False
        try:
            for tcp in (False, True):
                self._servers.append(DNSServer(_Wire(answer), address=address, port=port, tcp=tcp, logger=quiet))
        except OSError as error:
            self.close()
            raise PortsTaken(
                f"port {port} of {address} for DNS", str(error), "end its holder or change ports"
            ) from error
        for server in self._servers:
            threading.Thread(target=server.server.serve_forever, args=(POLL_S,), name="dns", daemon=True).start()
        self._serving = True

    def close(self) -> None:
        """Stop answering and give the port back; safe twice."""
        while self._servers:
            server = self._servers.pop()
            if self._serving:
                server.stop()
            server.server.server_close()


class _Wire:
    """Our answers in DNS's own form, as dnslib asks for them."""

    def __init__(self, answer: Callable[[str, str], Answer]) -> None:
        self._answer = answer

    def resolve(self, request: Any, handler: Any) -> Any:
        from dnslib import QTYPE, RCODE, RR

        reply = request.reply()
        answer = self._answer(str(request.q.qname), QTYPE[request.q.qtype])
        reply.header.rcode = getattr(RCODE, answer.code)
        for line in answer.lines:
            reply.add_answer(*RR.fromZone(_zone_text(line)))
        if answer.authority:
            reply.add_auth(*RR.fromZone(_zone_text(answer.authority)))
        return reply


def _zone_text(line: Line) -> str:
    value = f"{plain(line.value)}." if line.type in ("CNAME", "NS") else line.value
    return f"{line.name}. {line.ttl} IN {line.type} {value}"
