"""Fixtures of the faults' tests: moto's EC2, a record with timeline and undo journal, and a resolver."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_stage import DNS_PORT, REGION, SERVED
from moto import mock_aws

from gameday.aws import Aws
from gameday.lab.local.dns import Answer, DnsServer, Line
from gameday.record.layout import Record
from gameday.record.timeline import Timeline
from gameday.record.undo import UndoJournal


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Aws().client("ec2", REGION)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record.create(tmp_path, "region-outage")


@pytest.fixture
def timeline(record: Record) -> Iterator[Timeline]:
    timeline = Timeline(record)
    yield timeline
    timeline.close()


@pytest.fixture
def undo(record: Record) -> Iterator[UndoJournal]:
    undo = UndoJournal(record.undo)
    yield undo
    undo.close()


@pytest.fixture(autouse=True)
def resolver() -> Iterator[None]:
    """The regional names lead to an address where nobody listens."""
    server = DnsServer(
        lambda name, _: Answer("NOERROR", (Line(name.rstrip("."), "A", 1, SERVED),)), "127.210.0.2", DNS_PORT
    )
    yield
    server.close()
