"""Route 53's answers: failover, chains, aliases, and the two ways of saying no."""

from collections.abc import Sequence

import dns.message
import dns.query
import pytest
from compute_stage import SLOT, free_ports

from gameday.errors import PortsTaken
from gameday.lab.local.dns import Answer, DnsServer, Line, Record, Zones

SOA = Record("gameday.example", "SOA", 900, ("ns. host. 1 7200 900 1209600 86400",))
PRIMARY = Record(
    "app.gameday.example", "CNAME", 30, ("south.app.gameday.example",), failover="PRIMARY", health_check_id="hc"
)
SECONDARY = Record("app.gameday.example", "CNAME", 30, ("west.app.gameday.example",), failover="SECONDARY")
SOUTH = Record("south.app.gameday.example", "A", 60, alias="south.elb")
WEST = Record("west.app.gameday.example", "A", 60, alias="west.elb")
BALANCERS = {"south.elb": "127.203.1.1", "west.elb": "127.203.2.1"}


def zones(*records: Record, healthy: Sequence[str] = ("hc",), scale: float = 1.0) -> Zones:
    held = {"gameday.example": (SOA, *(records or (PRIMARY, SECONDARY, SOUTH, WEST)))}
    return Zones(lambda: held, lambda check: check in healthy, BALANCERS.get, scale)


def test_a_healthy_primary_is_answered_with_its_whole_chain() -> None:
    assert zones().answer("app.gameday.example").lines == (
        Line("app.gameday.example", "CNAME", 30, "south.app.gameday.example"),
        Line("south.app.gameday.example", "A", 60, "127.203.1.1"),
    )


def test_an_unhealthy_primary_gives_way_to_the_secondary() -> None:
    assert zones(healthy=()).answer("app.gameday.example").addresses == ("127.203.2.1",)


def test_when_both_are_unhealthy_the_primary_is_answered() -> None:
    second = Record(SECONDARY.name, "CNAME", 30, SECONDARY.values, failover="SECONDARY", health_check_id="other")
    answered = zones(PRIMARY, second, SOUTH, WEST, healthy=()).answer("app.gameday.example")
    assert answered.addresses == ("127.203.1.1",)


def test_the_latch_sends_both_ways_to_the_standby() -> None:
    latched = Record(PRIMARY.name, "CNAME", 30, SECONDARY.values, failover="PRIMARY", health_check_id="hc")
    for healthy in (("hc",), ()):
        assert zones(latched, SECONDARY, SOUTH, WEST, healthy=healthy).answer(PRIMARY.name).addresses == (
            "127.203.2.1",
        )


def test_time_to_live_is_scaled_to_whole_seconds() -> None:
    assert [line.ttl for line in zones(scale=0.1).answer("app.gameday.example").lines] == [3, 6]
    assert [line.ttl for line in zones(scale=0.01).answer("app.gameday.example").lines] == [1, 1]


def test_a_name_that_is_not_there_does_not_exist() -> None:
    said_no = zones().answer("nobody.gameday.example")
    assert (said_no.code, said_no.lines, said_no.authority and said_no.authority.type) == ("NXDOMAIN", (), "SOA")


def test_a_name_with_other_records_only_has_no_data() -> None:
    assert zones().answer("west.app.gameday.example", "AAAA") == Answer(
        "NOERROR", (), Line(SOA.name, "SOA", 900, SOA.values[0])
    )


def test_a_name_between_two_that_exist_has_no_data() -> None:
    assert zones(WEST).answer("app.gameday.example").code == "NOERROR"


def test_a_cname_answers_an_aaaa_question_with_itself() -> None:
    assert [line.type for line in zones().answer("app.gameday.example", "AAAA").lines] == ["CNAME"]


def test_a_strange_zone_is_refused() -> None:
    assert zones().answer("example.org").code == "REFUSED"


def test_names_do_not_mind_their_case() -> None:
    assert zones().answer("APP.gameday.example.").addresses == ("127.203.1.1",)


def test_a_chain_in_a_circle_ends() -> None:
    circle = Record("a.gameday.example", "CNAME", 30, ("a.gameday.example",))
    assert zones(circle).answer("a.gameday.example").addresses == ()


def test_a_chain_that_leaves_the_zones_is_answered_as_far_as_it_goes() -> None:
    outward = Record("a.gameday.example", "CNAME", 30, ("example.org",))
    answered = zones(outward).answer("a.gameday.example")
    assert (answered.code, [line.value for line in answered.lines]) == ("NOERROR", ["example.org"])


@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp])
def test_the_server_answers_over_udp_and_tcp(ask: object) -> None:
    port, address = free_ports(), f"127.{SLOT}.0.2"
    server = DnsServer(zones(scale=0.1).answer, address, port)
    try:
        query = dns.message.make_query("app.gameday.example", "A")
        reply = ask(query, address, port=port, timeout=5)  # type: ignore[operator]
        missing = ask(dns.message.make_query("x.gameday.example", "A"), address, port=port, timeout=5)  # type: ignore[operator]
    finally:
        server.close()
    assert [rrset.to_text() for rrset in reply.answer] == [
        "app.gameday.example. 3 IN CNAME south.app.gameday.example.",
        "south.app.gameday.example. 6 IN A 127.203.1.1",
    ]
    assert missing.rcode() == dns.rcode.NXDOMAIN
    assert missing.authority


def test_a_taken_port_is_said_and_nothing_stays_open() -> None:
    port, address = free_ports(), f"127.{SLOT}.0.2"
    first = DnsServer(zones().answer, address, port)
    try:
        with pytest.raises(PortsTaken, match=f"port {port}"):
            DnsServer(zones().answer, address, port)
    finally:
        first.close()
        first.close()
    DnsServer(zones().answer, address, port).close()
