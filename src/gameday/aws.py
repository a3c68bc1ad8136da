"""One AWS session for a whole process: an endpoint, a cache of clients, bounded timeouts."""

import threading
from dataclasses import dataclass, field
from typing import Any

from gameday.secrecy import bare_environment

ATTEMPTS = 4  # of one call, the first included
LOCAL_KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


@dataclass
class Aws:
    """Clients by service and region.

    ``endpoint_url`` is the local lab's control plane, or None for AWS itself. The lab is told who asks by ``caller``, a
    role's name or its own; in AWS the environment's credentials tell that. A first client costs 150 ms, the next
    5-10 ms (measured 2026-11), so clients are kept; they are safe to share between threads.
    """

    endpoint_url: str | None = None
    caller: str = LOCAL_KEYS["aws_access_key_id"]
    _clients: dict[tuple[str, str, int], Any] = field(default_factory=dict, repr=False)
    _session: Any = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def is_local(self) -> bool:
        return self.endpoint_url is not None

    def client(self, service: str, region: str, attempts: int = ATTEMPTS) -> Any:
        """The boto3 client for ``service`` in ``region``, the same one each time; a call is tried so often at most."""
        with self._lock:
            key = (service, region, attempts)
            if key not in self._clients:
                self._clients[key] = self._new(*key)
            return self._clients[key]

    def _new(self, service: str, region: str, attempts: int) -> Any:
        import boto3
        from botocore.config import Config

        self._session = self._session or boto3.session.Session()
        bounds = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            max_pool_connections=32,
            s3={"addressing_style": "path"} if self.is_local else None,
        )
        keys = LOCAL_KEYS | {"aws_access_key_id": self.caller} if self.is_local else {}
        return self._session.client(service, region_name=region, endpoint_url=self.endpoint_url, config=bounds, **keys)


def local_environment(endpoint_url: str, region: str, caller: str = LOCAL_KEYS["aws_access_key_id"]) -> dict[str, str]:
    """The environment of a child process that must reach the local lab, and nothing else, through any AWS SDK; the lab
    knows it as ``caller``."""
    return bare_environment() | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": caller,
        "AWS_SECRET_ACCESS_KEY": LOCAL_KEYS["aws_secret_access_key"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def role_name(arn: str) -> str:
    """A role's name, as the local lab knows a caller: ``NAME`` of ``arn:aws:iam::111122223333:role/path/NAME``."""
    return arn.rpartition("/")[2]
