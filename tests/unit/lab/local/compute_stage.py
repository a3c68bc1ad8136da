"""A stage for the tests of the compute controllers: moto in-process, loopback slot 203, a board that remembers."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from beside import WORKER
from moto import mock_aws

from gameday.lab.local.ground import Addresses, Delays, Ground, Ports
from gameday.lab.local.links import HttpAnswers

SLOT = 203
WEST, SOUTH = "us-west-2", "ap-southeast-2"


@dataclass(frozen=True)
class FakeLink:
    name: str
    listen: tuple[str, int]
    targets: tuple[tuple[str, int], ...]
    path: tuple[Any, ...]
    is_cut: bool = False
    answers: HttpAnswers = field(default_factory=HttpAnswers)


@dataclass
class FakeBoard:
    """The methods of LinkBoard that the compute controllers use, remembered instead of done."""

    made: dict[str, FakeLink] = field(default_factory=dict)

    def open(
        self, name: str, listen: Any, targets: Any, path: Any, *, http: bool = False, latency_s: float = 0
    ) -> None:
        assert http
        self.made[name] = FakeLink(name, listen, tuple(targets), path)

    def retarget(self, name: str, targets: Any) -> None:
        self.made[name] = replace(self.made[name], targets=tuple(targets))

    def cut(self, name: str, is_cut: bool) -> None:
        self.made[name] = replace(self.made[name], is_cut=is_cut)

    def answered(self, name: str, answers: HttpAnswers) -> None:
        """More answers went over the link."""
        self.made[name] = replace(self.made[name], answers=self.made[name].answers + answers)

    def close(self, name: str) -> None:
        self.made.pop(name)

    def links(self) -> tuple[FakeLink, ...]:
        return tuple(self.made.values())


def free_ports(count: int = 5) -> int:
    """The first of ``count`` ports in a row that nobody holds on the slot's address just now, nor will: each process
    that runs tests has a range of its own."""
    first = 21000 + 1000 * WORKER
    for base in range(first, first + 1000 - count, count):
        try:
            for port in range(base, base + count):
                with socket.create_server((f"127.{SLOT}.0.1", port)), socket.create_server((f"127.{SLOT}.0.2", port)):
                    pass
        except OSError:
            continue
        return base
    raise RuntimeError("no free ports")


def ground_in(folder: Path, *, scale: float = 0.1, ecs_start_s: float = 0.0) -> tuple[Ground, list[str]]:
    said: list[str] = []
    delays = Delays(rds_promotion_s=0, ecs_start_s=ecs_start_s, link_latency_s=0, lag_metric_period_s=1)
    ports = Ports(free_ports())
    board: Any = FakeBoard()
    return Ground("t", folder, Addresses(SLOT), ports, scale, delays, board, said.append), said


@contextmanager
def control_plane() -> Iterator[Callable[[str, str], Any]]:
    """moto in-process, fresh; gives the clients."""
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    with mock_aws():
        yield lambda service, region: boto3.client(service, region_name=region, **keys)


@contextmanager
def answering(
    address: str, port: int, status: Callable[[], int] = lambda: 200
) -> Iterator[list[tuple[str, str, bytes]]]:
    """A little HTTP server; gives what it was asked: (path, Host, body)."""
    asked: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append((self.path, self.headers["Host"], body))
            self.send_response(status())
            self.end_headers()

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer((address, port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def network(client: Callable[[str, str], Any], region: str) -> tuple[str, list[str], str]:
    """A VPC with two subnets and a security group."""
    ec2 = client("ec2", region)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{region}{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    return vpc, subnets, ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]


def awsvpc(subnets: Sequence[str], group: str) -> dict[str, Any]:
    return {"awsvpcConfiguration": {"subnets": list(subnets), "securityGroups": [group]}}
