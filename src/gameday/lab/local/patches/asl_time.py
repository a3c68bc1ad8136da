"""Step Functions' clock: Wait, retry intervals and timeouts run at the lab's timer scale."""

import copy
import time
from types import SimpleNamespace
from typing import Any

from gameday.lab.local.patches.seam import demand, hooks, swap

RUN_TASK_POLL_S = 0.1  # AWS is told of a task's end by an event; moto would look every 0.5 s

TIMEOUT_S_MIN = 20.0  # calls take milliseconds and a Python process a second or two, at any scale; a busy machine more


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    _waits()
    _retries()
    _timeouts()


def _waits() -> None:
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

    def wait(self: Any, env: Any, wait_seconds: float) -> None:
        """To the end or until the execution is stopped; a wait for a date is not scaled."""
        scale = 1.0 if isinstance(self, Timestamp) else hooks().asl_scale
        deadline = time.monotonic() + wait_seconds * scale
        while env.is_running() and (left := deadline - time.monotonic()) > 0:
            env.program_state_event.wait(left)

    swap(WaitFunction, "_wait_interval", wait, expects="self, env, wait_seconds")


def _retries() -> None:
    from moto.stepfunctions.parser.asl.component.common.retry.jitter_strategy_decl import JitterStrategyDecl
    from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl

    def jitter_then_scale(self: Any, env: Any) -> None:
        original(self, env)
        env.stack.append(env.stack.pop() * hooks().asl_scale)

    original = swap(JitterStrategyDecl, "_eval_body", jitter_then_scale, expects="self, env")
    steps = [
        name for name in RetrierDecl._eval_body.__code__.co_names if name.endswith(("_strategy", "_seconds", "_rate"))
    ]
    demand(steps[-1:] == ["jitter_strategy"], "a retrier whose last step before its pause is the jitter", repr(steps))


def _timeouts() -> None:
    from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import Timeout
    from moto.stepfunctions.parser.asl.component.program.program import Program

    def state_timeout(self: Any, env: Any) -> None:
        env.stack.append(timeout_s(self._eval_seconds(env=env), hooks().asl_scale))

    def run(self: Any, env: Any) -> None:
        original(_at_scale(self), env)

    swap(Timeout, "_eval_body", state_timeout, expects="self, env")
    original = swap(Program, "eval", run, expects="self, env")


def timeout_s(written_s: float, scale: float) -> float:
    """A timeout at ``scale``, not below ``TIMEOUT_S_MIN`` unless it was written so: work takes its own time here."""
    return max(written_s * scale, min(written_s, TIMEOUT_S_MIN))


def _at_scale(program: Any) -> Any:
    """The program with its machine timeout scaled; the deployed one keeps its own figure."""
    if program.timeout_seconds is None:
        return program
    scaled = copy.copy(program)
    seconds = timeout_s(program.timeout_seconds.timeout_seconds, hooks().asl_scale)
    scaled.timeout_seconds = SimpleNamespace(timeout_seconds=seconds)
    return scaled
