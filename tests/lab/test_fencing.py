"""Healing after and during a failover: the old primary is fenced first, and no late client writes into it."""

import http.client
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from chaos_process import chaos_run

from gameday.clock import eventually
from gameday.facts import Kind
from gameday.faults import RegionOutage
from gameday.faults.replay import replay
from gameday.lab import fence, status
from gameday.lab.local import extras
from gameday.lab.local.attach import living
from gameday.lab.local.ground import Addresses, Ports
from gameday.lab.local.launch import RunningLab
from gameday.lab.model import Lab
from gameday.record.layout import Record
from gameday.record.lines import Damage
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal
from gameday.recovery.failover import start_unplanned_failover

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


@contextmanager
def kept_alive(lab: Lab) -> Iterator[http.client.HTTPConnection]:
    """A client's connection to the primary that has served a write already."""
    state = living(lab.name)
    connection = http.client.HTTPConnection(
        Addresses(state.slot).balancer(lab.primary), Ports(state.port_base).http, timeout=5
    )
    order(connection, "before")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    yield connection
    connection.close()


def order(connection: http.client.HTTPConnection, name: str) -> None:
    body = json.dumps({"id": f"check-{name}", "payload": name})
    connection.request("POST", "/orders", body, {"Content-Type": "application/json"})


def orders_on_the_old_primary(lab: Lab) -> int:
    """Rows in the old primary's own PostgreSQL, asked behind every link."""
    state = living(lab.name)
    secret = lab.client("secretsmanager", lab.primary).get_secret_value(SecretId="gameday/database/credentials")
    login = json.loads(secret["SecretString"])
    with psycopg.connect(
        host=Addresses(state.slot).postgres(lab.primary),
        port=Ports(state.port_base).database,
        dbname="app",
        user=login["username"],
        password=login["password"],
        connect_timeout=5,
    ) as connection:
        (count,) = connection.execute("select count(*) from orders").fetchone() or (None,)
    assert isinstance(count, int)
    return count


def test_a_killed_drills_warden_fences_then_heals_and_no_late_write_reaches_the_old_primary(
    launch: Callable[[str], RunningLab], tmp_path: Path
) -> None:
    lab = launch("fenced").lab
    with kept_alive(lab) as idle, kept_alive(lab) as hung:
        with chaos_run("region-outage.json", tmp_path, {"GAMEDAY_LAB": "fenced"}) as drill:
            drill.until(Kind.FAULT_VERIFIED)
            order(hung, "hung")  # sent into the silence: it may arrive when the network is back
            drill.until(Kind.EXECUTION, "SUCCEEDED")
            before = orders_on_the_old_primary(lab)
            drill.send(signal.SIGKILL)
            drill.ended()
            eventually(
                lambda: [event.what for event in drill.events(Kind.WARDEN)],
                lambda said: "healed" in said,
                what="the warden",
                within_s=10,
            )
        eventually(  # the API has it at once, the links at the network controller's next round
            lambda: [link.name for link in extras.links(lab) if link.is_cut], [], what="links cut", within_s=5
        )
        fenced, healed = drill.events(Kind.FENCED), drill.events(Kind.WARDEN)
        assert fenced[0].mono_ns < healed[-1].mono_ns
        assert was_not_served(idle, "idle")
        assert was_not_served(hung)
    assert orders_on_the_old_primary(lab) == before
    seen = status.look(lab)
    assert seen.dns_region == lab.secondary
    assert seen.latched
    undo = UndoJournal(drill.record.undo)
    assert replay(undo, lab) == 0
    undo.close()


def test_an_outage_healed_between_latch_and_promotion_leaves_one_region_that_takes_writes(
    launch: Callable[[str], RunningLab], tmp_path: Path
) -> None:
    lab, record = launch("amid").lab, Record.create(tmp_path, "amid")
    outage = RegionOutage(lab.primary)
    with closing(Timeline(record)) as timeline, closing(UndoJournal(record.undo)) as undo:
        with kept_alive(lab) as idle, kept_alive(lab) as hung:
            outage.inject(lab, undo, timeline)
            order(hung, "hung")
            before = orders_on_the_old_primary(lab)
            start_unplanned_failover(lab, timeline)
            eventually(lambda: standby(lab), "replica modifying", what="the standby", within_s=10, every_s=0.05)
            assert status.latched_to(lab) == lab.secondary
            outage.heal(lab, undo, timeline)
            assert undo.open_steps() == []
            assert was_not_served(idle, "idle")
            assert was_not_served(hung)
        kinds = [event.kind for event in record.read_events(Damage())]
        assert kinds.index(Kind.FENCED) < kinds.index(Kind.HEALED)
    eventually(lambda: standby(lab), "primary available", what="the standby", within_s=30)
    assert fence.is_fenced(fence.seen(lab, lab.primary))
    assert orders_on_the_old_primary(lab) == before


def standby(lab: Lab) -> str:
    seen = status.database(lab, lab.secondary)
    return f"{seen.role} {seen.status}"


def was_not_served(connection: http.client.HTTPConnection, name: str | None = None) -> bool:
    """Whether the write on this connection, sent now or long ago, got no acknowledgement."""
    try:
        if name:
            order(connection, name)
        return connection.getresponse().status != 200
    except (OSError, http.client.HTTPException):
        return True
