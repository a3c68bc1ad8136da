"""The drill's control over a world of our own, for experiments that tests really run with ``chaos run``."""

import os
from threading import Event

from chaoslib.exceptions import InterruptExecution
from stub_world import StubFault, StubWorld

from gameday.chaos.controls import drill
from gameday.chaos.controls.drill import after_experiment_control, cleanup_control  # noqa: F401
from gameday.chaos.token import drilling
from gameday.errors import FaultError, LabNotReady, ReadBackError

WORLD, LOOKS = StubWorld(), []


def before_experiment_control(context, configuration=None, secrets=None):
    trouble = os.environ.get("STUB_TROUBLE")
    if trouble == "no lab":
        WORLD.fails_at, WORLD.failure = "lab", LabNotReady("a lab that is ready", "none", "look at its log")
    if trouble == "down":
        WORLD.is_up = False
    if trouble == "loses":
        WORLD.loses = 10**6
    if trouble == "judge crashes":
        WORLD.judge = None
    if trouble == "no room for the journal":
        WORLD.render = without_room_for_the_journal
    if trouble == "unreadable survivor":
        WORLD.fails_at, WORLD.failure = "read back", ReadBackError("every page", "a timeout")
    if trouble == "never back":
        WORLD.outage_s = 10**6
    WORLD.is_unhealthy = trouble == "primary already unhealthy"
    WORLD.acknowledges = trouble != "acknowledges nothing"
    drill.begin(context, configuration or {}, secrets or {}, world=WORLD, clock=WORLD.clock)


def without_room_for_the_journal(record):
    """Where a folder is, no file can be written."""
    (record.folder / "journal.json").mkdir()
    record.page.write_text("a page")
    return record.page


def break_it(fails: bool = False):
    """Injects the stub's fault; with ``fails`` it takes no effect."""
    with drilling() as running:
        running.inject(StubFault(WORLD, fails=FaultError("the region dark", "it answers", "heal") if fails else None))
        return "broken"


def crash(stops: bool = False):
    """An action of another extension that fails; with ``stops`` by the error that Chaos Toolkit heeds."""
    raise InterruptExecution("somebody stopped it") if stops else RuntimeError("an activity that crashes")


def repeats_its_secrets(secrets: dict):
    """An action of another extension that says what it was told, and what its environment holds."""
    return {"told": f"{secrets} {os.environ.get('AWS_SECRET_ACCESS_KEY')} {os.environ.get('AWS_SESSION_TOKEN')}"}


def fails_with_its_secrets(secrets: dict):
    """One that fails with them in its message."""
    raise RuntimeError(f"refused: {secrets['key']} {secrets['pin']} {os.environ.get('AWS_SESSION_TOKEN')}")


def tells_its_secrets(secrets: dict, api_token: str, pin: str, fails: bool = False):
    """A probe that says what it was told: well at the first look, which is before the method; then it is ill, or
    ``fails``."""
    LOOKS.append("look")
    told = f"{secrets} {api_token} {pin} {os.environ.get('AWS_SESSION_TOKEN')}"
    if fails and len(LOOKS) > 1:
        raise RuntimeError(f"refused: {told}")
    return f"{'well' if len(LOOKS) == 1 else 'ill'}: {told}"


def elsewhere(region: str):
    """An action of another extension in a region of its own."""
    return region


def nothing():
    """A probe that answers with nothing."""


def all_but_the_second_time():
    """A probe whose answer is true before the method, and false at the first look while it runs."""
    LOOKS.append("look")
    return len(LOOKS) != 2


def wait_for_ever():
    """An action of another extension that takes its time, and knows nothing of the drill."""
    Event().wait(30)
