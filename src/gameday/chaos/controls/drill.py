"""The control that runs a drill around an experiment; it fails closed: nothing that went wrong ends as a success.

``before_experiment_control`` checks the experiment, opens the record, brings the lab up, starts warden, prober, load,
and waits for the baseline. ``after_experiment_control`` first marks the run as deviated, then heals what is still
broken, judges, renders, and takes the mark back only when the verdict is HELD.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

import click
from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Configuration, Experiment, Journal, Secrets

from gameday.chaos import experiment as experiments
from gameday.chaos.journal import failures
from gameday.chaos.planned import refuse_what_would_be_refused
from gameday.chaos.redact import RedactedLog, hidden_values
from gameday.chaos.stop import door
from gameday.chaos.token import TOKEN, Stopped, stopped, take
from gameday.clock import SYSTEM, Clock
from gameday.drill import Drill
from gameday.errors import GamedayError
from gameday.facts import NOT_AS_PLANNED, Kind, Measurement, Verdict
from gameday.live import display_for
from gameday.secrecy import redacted
from gameday.stopping import unswallowed
from gameday.world import World

__all__ = ["after_experiment_control", "before_experiment_control", "cleanup_control"]
logger = logging.getLogger("chaostoolkit")
LOG = RedactedLog()


def before_experiment_control(
    context: Experiment, configuration: Configuration = None, secrets: Secrets = None
) -> None:
    """Begin the drill; raises ``InterruptExecution``, the only error that Chaos Toolkit heeds, when it cannot begin."""
    begin(context, configuration or {}, secrets or {})


def after_experiment_control(
    context: Experiment, state: Journal, configuration: Configuration = None, secrets: Secrets = None
) -> None:
    """End the drill: ``state["gameday"]`` holds its summary; ``state["deviated"]`` stays true unless it was HELD."""
    finish(state, configuration or {}, secrets or {})


def cleanup_control() -> None:
    """Whatever became of the experiment, nothing of the drill goes on running."""
    drill = TOKEN.drill
    take()
    if drill is not None and drill.has_record:
        drill.conclude(Stopped("the experiment to end in order", "Chaos Toolkit gave it up"))


def begin(
    experiment: Experiment,
    configuration: Mapping[str, Any],
    secrets: Mapping[str, Any],
    *,
    world: World | None = None,
    clock: Clock = SYSTEM,
) -> None:
    """Open the token around a new drill. Every failure stops the experiment; the token then says why it is closed."""
    token = take()
    LOG.hidden = hidden_values(configuration, secrets)
    logger.addFilter(LOG)
    try:
        given = _given()
        experiments.check_given(given, configuration)
        asked = experiments.read(experiment, configuration, secrets)
        experiments.check_said_aloud(experiment, given, asked.choice)
        how = door(configuration, secrets)
        drill = Drill.of(asked.choice, asked.intent, display=display_for(), world=world, clock=clock, door=how)
        token.drill = drill
        drill.prepare()
        with unswallowed():
            refuse_what_would_be_refused(experiment, configuration, secrets, drill.lab)
        token.is_open = True
        drill.baseline()
    except GamedayError as cause:
        token.refused = str(cause)
        raise stopped(cause) from cause
    except (InterruptExecution, KeyboardInterrupt, SystemExit):
        token.refused = "it was interrupted"
        raise
    except Exception as cause:
        token.refused = repr(cause)
        raise Stopped("the drill to begin", repr(cause), "this is a defect of gameday: report it") from cause


def finish(state: dict[str, Any], configuration: Mapping[str, Any], secrets: Mapping[str, Any]) -> None:
    """Judge the drill, complete its record, and only then take the mark back; what fails on the way leaves it there."""
    deviated, state["deviated"] = state.get("deviated", False), True
    try:
        state["deviated"] = _kept(state, hidden_values(configuration, secrets), deviated)
    except GamedayError as cause:
        logger.error("The drill could not be judged and sealed; the run counts as deviated: %s", cause)  # noqa: TRY400
        raise
    except Exception:
        logger.exception("The drill could not be judged and sealed; the run counts as deviated")
        raise


def _kept(state: dict[str, Any], hidden: set[str], deviated: bool) -> bool:
    """What ``deviated`` is to be, once the sealed record says the same: as Chaos Toolkit has it, if the drill HELD."""
    drill, outcome = TOKEN.drill, True
    if drill is None or not drill.has_record:
        _redact(state, hidden)
        return outcome
    try:
        if _judged(drill, state, hidden).verdict is Verdict.HELD:
            outcome = deviated
    finally:
        _redact(state, hidden)
        _keep(drill, state | {"deviated": outcome})
    return outcome


def _judged(drill: Drill, state: dict[str, Any], hidden: set[str]) -> Measurement:
    try:
        _end(drill, state, hidden)
    finally:
        measurement = drill.judge()
        state["gameday"] = redacted(summary(measurement, drill), hidden)
    return measurement


def _end(drill: Drill, state: dict[str, Any], hidden: set[str]) -> None:
    """What the journal tells of failures is in the record, where the judgement counts on it, before the drill ends."""
    to_its_end = state.get("status") == "completed"
    cause = None if to_its_end else Stopped("the experiment to run to its end", f"it was {state.get('status')}")
    failed = redacted("; ".join(failures(state)), hidden)
    try:
        if failed and TOKEN.is_open:  # else the drill never came so far, and its timeline is closed
            drill.timeline.add(Kind.NOTE, NOT_AS_PLANNED, failed=failed)
    finally:
        drill.conclude(cause)


def summary(measurement: Measurement, drill: Drill) -> dict[str, Any]:
    """What the journal says of the drill; everything else is in the record that it names."""
    point = measurement.recovery_point
    return {
        "verdict": measurement.verdict.value,
        "rta_s": measurement.rta_s,
        "rto_s": measurement.objectives.rto_s,
        "rpa_s": point.rpa_s,
        "rpo_s": measurement.objectives.rpo_s,
        "lost": point.lost,
        "timer_scale": measurement.timer_scale,
        "findings": [f"{finding.weight.value}: {finding.what}; saw {finding.seen}" for finding in measurement.findings],
        "record": str(drill.record.folder),
        "report": str(drill.report),
    }


def _redact(state: dict[str, Any], hidden: set[str]) -> None:
    """In place: Chaos Toolkit writes this very journal to its own file once we return."""
    for key, value in redacted(state, hidden).items():
        state[key] = value


def _keep(drill: Drill, state: dict[str, Any]) -> None:
    drill.record.write_text("journal.json", json.dumps(state, indent=2, ensure_ascii=False, default=str) + "\n")
    drill.seal()


def _given() -> dict[str, Any]:
    """What ``chaos run --var`` was given; nothing when the experiment is run in another way."""
    command = click.get_current_context(silent=True)
    return dict(command.params.get("var") or {}) if command else {}
