"""The peer: two PostgreSQL under Patroni, one etcd, and in front of each database a process of our service.

It stands where the lab's own pair stands: the same PostgreSQL programs and settings, the replica behind the same 70 ms
link, a service beside each database. Clients are sent to the node whose Patroni says that it is the primary, asked
every 20 ms, by a name that nobody caches. All listen on loopback.
"""

import base64
import json
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import boto3
import requests
from moto.server import ThreadedMotoServer

from gameday.clock import eventually
from gameday.errors import LabError
from gameday.lab.local.dns import NOERROR, Answer, DnsServer, Line
from gameday.lab.local.links import LinkBoard, Place
from gameday.lab.local.pg_binaries import find_binaries
from gameday.lab.local.pg_user import disguise, plain_environment
from gameday.lab.local.postgres import DISCLOSED, HBA, HONEST, PLUMBING, REPLICATOR
from gameday.preparing import LOCAL_REGIONS
from gameday.processes import end, kill_tree, spawn

TTL_S, LOOP_WAIT_S, RETRY_TIMEOUT_S = 20, 1, 3  # the least that Patroni accepts: the quickest it can be
LATENCY_S = 0.07
PASSWORD = "gameday-peer"
ROOT = Path(__file__).parent.parent
HUB = "127.99.0.1"
POSTGRES, REST, SERVICE, DNS, ETCD, ETCD_PEER, CLOUD = 24951, 24952, 24953, 24954, 24955, 24956, 24957
NAME, SCOPE = "app.peer.example", "peer"
LINK = "replication"
LOOK_EVERY_S, UP_WITHIN_S, ASK_WITHIN_S = 0.02, 60.0, 0.5
CLOUD_LOGIN = {"AWS_ACCESS_KEY_ID": "peer", "AWS_SECRET_ACCESS_KEY": "peer"}


@dataclass(frozen=True, slots=True)
class Node:
    """One host: an address, and the region that its service calls itself after."""

    name: str
    host: str
    region: str

    @property
    def advertised(self) -> str:
        """Where the other node finds its PostgreSQL: the near end of the link."""
        return self.host.removesuffix("1") + "2"


NODES = (Node("a", "127.99.1.1", LOCAL_REGIONS[0]), Node("b", "127.99.2.1", LOCAL_REGIONS[1]))


@dataclass
class Cluster:
    """The running peer; ``folder`` holds its data and logs."""

    folder: Path
    board: LinkBoard
    keepers: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    services: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    primary: Node = NODES[0]  # where clients are sent

    url = f"http://{NAME}:{SERVICE}"
    resolver = f"{HUB}:{DNS}"

    def is_primary(self, node: Node) -> bool:
        """Whether the node's Patroni holds the leader's key and its PostgreSQL takes writes."""
        return _says(node, "primary")

    def leader(self) -> str:
        """Who holds the leader's key, as etcd says; empty when nobody does."""
        key = base64.b64encode(f"/service/{SCOPE}/leader".encode()).decode()
        found = requests.post(f"http://{HUB}:{ETCD}/v3/kv/range", json={"key": key}, timeout=ASK_WITHIN_S).json()
        return base64.b64decode(found["kvs"][0]["value"]).decode() if found.get("kvs") else ""

    def lose_the_host(self, node: Node) -> None:
        """Nothing under way is delivered, then Patroni, every PostgreSQL process and the service get SIGKILL."""
        self.board.cut(LINK, True)
        kill_tree(self.keepers.pop(node.name))
        kill_tree(self.services.pop(node.name))
        self.board.sever(LINK)

    def follow(self, stop: threading.Event) -> None:
        """Send clients to whoever is the primary, until told to stop; while nobody is, where they were sent last."""
        while not stop.wait(LOOK_EVERY_S):
            self.primary = next((node for node in NODES if self.is_primary(node)), self.primary)

    def answer(self, name: str, kind: str) -> Answer:
        """What the name server says: the primary's address, to be asked anew each time."""
        return Answer(NOERROR, (Line(NAME, "A", 0, self.primary.host),) if kind == "A" else ())


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A cluster with node a as its primary and b streaming; every process of it has ended afterwards. Main thread."""
    with ExitStack() as stack:
        board = LinkBoard.launch(lambda command, **pipes: spawn(command, log=folder / "links.log", **pipes))
        stack.callback(board.stop)
        here, there = (Place(node.region, "database") for node in NODES)
        board.open(
            LINK, (NODES[0].advertised, POSTGRES), ((NODES[0].host, POSTGRES),), (there, here), latency_s=LATENCY_S
        )
        cluster = Cluster(folder, board)
        _start_etcd(folder, stack)
        for node, role in zip(NODES, ("primary", "replica"), strict=True):
            cluster.keepers[node.name] = _start_patroni(node, folder, stack)
            what = f"Patroni {node.name} a {role}"
            eventually(partial(_says, node, role), True, what=what, within_s=UP_WITHIN_S, next_step=f"read {folder}")
        cluster.services.update(_start_services(folder, stack))
        _start_routing(cluster, stack)
        yield cluster


def _says(node: Node, what: str) -> bool:
    """Whether the node's Patroni answers that it is that; a node without one is nothing."""
    try:
        return requests.get(f"http://{node.host}:{REST}/{what}", timeout=ASK_WITHIN_S).status_code == 200
    except requests.RequestException:
        return False


def _start_etcd(folder: Path, stack: ExitStack) -> None:
    client, peer = f"http://{HUB}:{ETCD}", f"http://{HUB}:{ETCD_PEER}"
    process = spawn(
        [_program("etcd"), "--data-dir", str(folder / "etcd"),
         "--listen-client-urls", client, "--advertise-client-urls", client,
         "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"],
        log=folder / "etcd.log",
    )  # fmt: skip
    stack.callback(end, process)


def _start_patroni(node: Node, folder: Path, stack: ExitStack) -> "subprocess.Popen[bytes]":
    """Under its keeper, which is no child that dies with us: it is the one that cleans up."""
    home = folder / node.name
    home.mkdir()
    (home / "patroni.json").write_text(json.dumps(_configuration(node, home)))
    disguise().own(home)
    with (folder / f"{node.name}.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peer_keeper", _program("patroni"), str(home / "patroni.json")],
            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, env=plain_environment(), cwd=ROOT,
        )  # fmt: skip
    stack.callback(_close, keeper)
    return keeper


def _close(keeper: "subprocess.Popen[bytes]") -> None:
    assert keeper.stdin
    keeper.stdin.close()
    keeper.wait()


def _configuration(node: Node, home: Path) -> dict[str, object]:
    """Patroni's own form. The settings of PostgreSQL are those of the lab's pair; all else is Patroni's default."""
    known = [one for one in (*HONEST, *DISCLOSED, *PLUMBING) if one.since <= find_binaries().major]
    return {
        "scope": SCOPE, "name": node.name,
        "restapi": {"listen": f"{node.host}:{REST}", "connect_address": f"{node.host}:{REST}"},
        "etcd3": {"hosts": f"{HUB}:{ETCD}"},
        "bootstrap": {
            "dcs": {
                "ttl": TTL_S, "loop_wait": LOOP_WAIT_S, "retry_timeout": RETRY_TIMEOUT_S,
                "postgresql": {"parameters": {one.name: one.value.strip("'") for one in known}},
            },
            "initdb": [{"encoding": "UTF8"}, {"locale": "C"}],
        },
        "postgresql": {
            "listen": f"{node.host}:{POSTGRES}", "connect_address": f"{node.advertised}:{POSTGRES}",
            "bin_dir": str(find_binaries().folder), "data_dir": str(home / "data"), "pgpass": str(home / "pgpass"),
            "pg_hba": HBA.splitlines(),
            "parameters": {"unix_socket_directories": str(home)},
            "authentication": {
                "superuser": {"username": "postgres", "password": PASSWORD},
                "replication": {"username": REPLICATOR, "password": PASSWORD},
            },
        },
    }  # fmt: skip


def _start_services(folder: Path, stack: ExitStack) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A service beside each database, as in the lab; what it reads of AWS is one secret with its database's place."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    cloud = ThreadedMotoServer(HUB, CLOUD, verbose=False)
    cloud.start()
    stack.callback(cloud.stop)
    requests.post(
        f"http://{HUB}:{CLOUD}/moto-api/reset", timeout=ASK_WITHIN_S * 10
    ).raise_for_status()  # an earlier run's
    for node in NODES:
        endpoint = {"host": node.host, "port": POSTGRES, "dbname": "postgres"}
        secrets = boto3.client(
            "secretsmanager", node.region, endpoint_url=f"http://{HUB}:{CLOUD}",
            aws_access_key_id="peer", aws_secret_access_key="peer",
        )  # fmt: skip
        secrets.create_secret(Name="endpoint", SecretString=json.dumps(endpoint))
        told = {
            "HOST": node.host, "PORT": str(SERVICE), "GAMEDAY_REGION": node.region, "GAMEDAY_BUCKET": "none",
            "GAMEDAY_ENDPOINT_SECRET": "endpoint", "DB_USERNAME": "postgres", "DB_PASSWORD": PASSWORD,
            "AWS_ENDPOINT_URL": f"http://{HUB}:{CLOUD}",
        }  # fmt: skip
        service = spawn(
            [sys.executable, "-m", "gameday.service"], env=plain_environment() | CLOUD_LOGIN | told,
            log=folder / f"service-{node.name}.log",
        )  # fmt: skip
        stack.callback(end, service)
        yield node.name, service


def _start_routing(cluster: Cluster, stack: ExitStack) -> None:
    stop = threading.Event()
    follower = threading.Thread(target=cluster.follow, args=(stop,), name="follower")
    follower.start()
    stack.callback(follower.join)
    stack.callback(stop.set)
    stack.callback(DnsServer(cluster.answer, HUB, DNS).close)


def _program(name: str) -> str:
    """A program of the extra ``peer``, beside this Python; raises :class:`LabError` without it."""
    found = shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
    if found is None:
        seen, then = (
            "none beside this Python, and none on the path",
            "make bench-peer installs it; or put it on the path",
        )
        raise LabError(f"a program {name}", seen, then)
    return found
