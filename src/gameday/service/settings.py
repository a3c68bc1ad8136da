"""What the service is told by its environment, and every bound it keeps."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

# Fixed, because they protect: a client must get an answer, and a hung connection must not hold a place for ever.
REQUEST_DEADLINE_S = 5.0  # the longest a request may use the database; then 503 (INSERT not sent) or 504
POOL_TIMEOUT_S = 1.0  # how long a request waits for a connection before it is told "not applied"
FIRST_LOOK_S = 3.0  # a task is in service after its first look at the database, or without it after so long
CONNECT_TIMEOUT_S = 2  # libpq's smallest
STATEMENT_TIMEOUT_SHARE = 0.8  # of the request's deadline: the server gives up before that is over
TCP_USER_TIMEOUT_MS = 5_000  # unacknowledged bytes (Linux)
RECONNECT_TIMEOUT_S = 2.0  # after that the pool tries again only when somebody asks: no backoff to sit out
GRACEFUL_STOP_MARGIN_S = 1.0  # beyond a request's deadline
KEEP_ALIVE_S = 75  # longer than a balancer's idle timeout (60 s on an ALB), so that the balancer closes first
POOL_MIN, POOL_MAX, POOL_WAITING_MAX = 2, 10, 200
PAYLOAD_CHARS_MAX, DOCUMENT_BYTES_MAX, PAGE_MAX = 64 * 1024, 8 * 1024 * 1024, 5_000

# Scaled by GAMEDAY_TIMER_SCALE, because it is a delay of the deployment, not a protection.
ENDPOINT_REREAD_S = 30.0  # how long a rewritten endpoint may go unnoticed while the old one still answers
ENDPOINT_REREAD_MIN_S = 1.0  # never asks Secrets Manager more often than this


class SettingsError(Exception):
    """The environment lacks something the service cannot run without."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, read once."""

    host: str
    port: int
    region: str
    endpoint_secret: str
    bucket: str
    username: str
    password: str = field(repr=False)
    timer_scale: float
    aws_endpoint_url: str | None
    request_deadline_s: float = REQUEST_DEADLINE_S

    @property
    def statement_timeout_ms(self) -> int:
        return int(self.request_deadline_s * 1000 * STATEMENT_TIMEOUT_SHARE)

    @property
    def graceful_stop_s(self) -> int:
        return ceil(self.request_deadline_s + GRACEFUL_STOP_MARGIN_S)

    @property
    def endpoint_reread_s(self) -> float:
        return max(ENDPOINT_REREAD_MIN_S, ENDPOINT_REREAD_S * self.timer_scale)


def from_environment(env: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment; raises :class:`SettingsError` that names every variable missing or malformed."""
    needed = ("GAMEDAY_REGION", "GAMEDAY_ENDPOINT_SECRET", "GAMEDAY_BUCKET", "DB_USERNAME", "DB_PASSWORD")
    missing = [name for name in needed if not env.get(name)]
    if missing:
        raise SettingsError(f"expected {', '.join(needed)} in the environment; saw no {', '.join(missing)}")
    try:
        port, scale = int(env.get("PORT", "8000")), float(env.get("GAMEDAY_TIMER_SCALE", "1"))
        deadline_s = float(env.get("GAMEDAY_REQUEST_DEADLINE_S", REQUEST_DEADLINE_S))
    except ValueError as cause:
        raise SettingsError(
            f"expected PORT, GAMEDAY_TIMER_SCALE and GAMEDAY_REQUEST_DEADLINE_S to be numbers; saw {cause}"
        ) from cause
    return Settings(
        host=env.get("HOST", "0.0.0.0"),
        port=port,
        region=env["GAMEDAY_REGION"],
        endpoint_secret=env["GAMEDAY_ENDPOINT_SECRET"],
        bucket=env["GAMEDAY_BUCKET"],
        username=env["DB_USERNAME"],
        password=env["DB_PASSWORD"],
        timer_scale=scale,
        aws_endpoint_url=env.get("AWS_ENDPOINT_URL") or None,
        request_deadline_s=deadline_s,
    )
