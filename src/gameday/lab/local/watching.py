"""Looking at something over HTTP on a fixed schedule, and counting strikes: what all health checks share."""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass

from gameday.clock import NS, SYSTEM, Clock


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: an HTTP status, or None and why there was none."""

    status: int | None
    why: str


def http_look(address: str, port: int, path: str, *, host: str, connect_s: float, answer_s: float) -> Look:
    """GET ``path`` with the ``Host`` given over a connection of its own; never raises for what the network does."""
    connection = http.client.HTTPConnection(address, port, timeout=connect_s)
    try:
        connection.connect()
        connection.sock.settimeout(answer_s)
        connection.request(
            "GET", path, headers={"Host": host, "Connection": "close", "User-Agent": "gameday-health-check"}
        )
        answer = connection.getresponse()
    except TimeoutError:
        return Look(None, "the connection or its answer timed out")
    except (OSError, http.client.HTTPException) as error:
        return Look(None, str(error) or type(error).__name__)
    else:
        return Look(answer.status, answer.reason)
    finally:
        connection.close()


@dataclass
class Strikes:
    """A verdict that turns only after so many equal looks in a row, in either direction."""

    healthy: bool
    to_fail: int
    to_recover: int
    streak: int = 0  # looks in a row that contradict the verdict

    def saw(self, good: bool) -> bool:
        """Count one look; whether the verdict turned with it."""
        self.streak = 0 if good == self.healthy else self.streak + 1
        if self.streak < (self.to_recover if good else self.to_fail):
            return False
        self.healthy, self.streak = good, 0
        return True


class Beat:
    """Calls ``look`` every ``every_s`` seconds, on a fixed schedule, from a thread of its own until stopped.

    A slot that passes while a look still runs is skipped, never made up for. What a look raises is kept, the last of
    it, and ``check`` raises it in the thread that asks; the next look comes all the same.
    """

    def __init__(self, name: str, look: Callable[[], None], every_s: float, *, clock: Clock = SYSTEM) -> None:
        self._look, self._every_ns, self._clock = look, max(1, int(every_s * NS)), clock
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self, *, wait_s: float = 0.0) -> None:
        """No further look begins; with ``wait_s`` a running one is waited for."""
        self._stop.set()
        if wait_s:
            self._thread.join(wait_s)

    def check(self) -> None:
        """Raise what the last failed look raised, once."""
        failure, self._failure = self._failure, None
        if failure:
            raise failure

    def _run(self) -> None:
        due = self._clock.mono_ns()
        while not self._stop.wait(max(0.0, (due - self._clock.mono_ns()) / NS)):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001  raised again by check(), in the thread that asks
                self._failure = error
            missed = max(0, self._clock.mono_ns() - due) // self._every_ns
            due += (missed + 1) * self._every_ns
