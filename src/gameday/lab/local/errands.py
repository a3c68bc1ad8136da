"""Work that must not hold its caller up: a bounded queue and a few threads; what fails is counted and said."""

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

QUEUE_MAX = 1000


@dataclass
class Errands:
    """Runs jobs off the caller's thread, in order when there is one thread. ``failures`` counts those that raised.

    A job that raises is said with its name and its error; a job that finds the queue full is not run, and counts.
    """

    name: str
    said: Callable[[str], None]
    threads: int = 1
    failures: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._jobs: queue.Queue[tuple[str, Callable[[], None]]] = queue.Queue(QUEUE_MAX)
        self.stopping = threading.Event()  # a long job may look at it, or wait on it
        self._counting = threading.Lock()
        self._workers = [
            threading.Thread(target=self._work, name=f"{self.name} {number}", daemon=True)
            for number in range(self.threads)
        ]
        for worker in self._workers:
            worker.start()

    def send(self, what: str, job: Callable[[], None]) -> None:
        """Have ``job`` done soon; ``what`` names it should it fail. Never blocks."""
        try:
            self._jobs.put_nowait((what, job))
        except queue.Full:
            self._failed(what, f"{QUEUE_MAX} jobs are waiting already")

    def close(self, *, within_s: float = 1.0) -> None:
        """No further job begins; a running one is waited for, but not longer than ``within_s``. Safe twice."""
        self.stopping.set()
        with contextlib.suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        with contextlib.suppress(queue.Full):  # then every worker finds something to wake up for
            for _ in self._workers:
                self._jobs.put_nowait(("nothing", lambda: None))
        for worker in self._workers:
            worker.join(within_s)

    def _work(self) -> None:
        while True:
            what, job = self._jobs.get()
            if self.stopping.is_set():
                return
            try:
                job()
            except Exception as error:  # noqa: BLE001  counted and said: there is no caller left to raise it to
                self._failed(what, f"{type(error).__name__}: {error}")

    def _failed(self, what: str, why: str) -> None:
        with self._counting:
            self.failures += 1
        self.said(f"{self.name}: {what} failed: {why}")
