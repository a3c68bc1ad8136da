"""Whether a process lives is told by its number and by when it started, on a clock that nobody sets."""

import os
import sys

import psutil
import pytest

from gameday.processes import ProcessId, alive, identify


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere only the system's own clock tells when a process started"
)
def test_a_step_of_the_systems_clock_ends_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    me = identify(os.getpid())
    assert me
    create_time = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: create_time(process) + 3600)
    assert alive(me)


def test_a_later_process_of_the_same_number_is_another() -> None:
    me = identify(os.getpid())
    assert me
    assert not alive(ProcessId(me.pid, me.started_s - 1))
