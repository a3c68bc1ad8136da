"""A turn of ``python -m benchmarks ledger``, as Locust's process hands it over to the one that compares them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slice:
    """What was asked, and failed, in one turn; how long it and Locust's own work took; what the ledger grew by."""

    with_ledger: bool
    requests: int
    failed: int
    seconds: float
    processor_s: float
    ledger_bytes: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def processor_us(self) -> float:
        """Microseconds of Locust's process for each request; what else runs on the machine hardly shows in it."""
        return self.processor_s / self.requests * 1e6
