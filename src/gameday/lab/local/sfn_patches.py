"""moto's ASL interpreter, made to run the state machine that AWS runs: names, paths, errors, time, where it calls."""

import functools
import json
import logging
import os
import re
import threading
from typing import Any

from gameday.errors import LabError
from gameday.lab.local.calls import service_model, session
from gameday.lab.local.patches import asl_names, asl_parse, asl_time
from gameday.lab.local.patches.seam import demand, hooks, rebind, swap

CALLER = "state-machine"  # the access key id under which its calls stand in the audit log
PARSER = "moto.stepfunctions.parser"
SERVICE = f"{PARSER}.asl.component.state.exec.state_task.service"


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    _execute_machines()
    _keep_quiet()
    _name_executions()
    _speak_java_case()
    _name_errors()
    _extract_scalars()
    _evaluate_jsonata()
    _call_the_lab()
    _make_ready_when_deployed()
    _run_task_sync()
    asl_parse.install()
    asl_time.install()
    _self_test()


def _execute_machines() -> None:
    """Machines run, whoever reads the backend sees the one that runs them."""
    from moto.core.config import default_user_config
    from moto.stepfunctions import models, responses
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    demand("execute_state_machine" in default_user_config["stepfunctions"], "execute_state_machine", "none")
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    models.stepfunctions_backends = responses.stepfunctions_backends = stepfunctions_parser_backends


def _keep_quiet() -> None:
    """It logs an error for every ``IsPresent`` that is false; what really fails stands in the execution's history."""
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)


def _name_executions() -> None:
    """An execution started without a name gets one, as on AWS."""
    from moto.moto_api._internal import mock_random
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend as Backend

    def start_execution(self: Any, state_machine_arn: str, name: str | None = None, *rest: Any, **named: Any) -> Any:
        return original(self, state_machine_arn, name or str(mock_random.uuid4()), *rest, **named)

    parameters = "self, state_machine_arn, name, execution_input, trace_header"
    original = swap(Backend, "start_execution", start_execution, expects=parameters)


def _speak_java_case() -> None:
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
        StateTaskService,
    )

    def model_of(task: Any, service: str | None, action: str | None) -> Any:
        return asl_names.operation(task._get_boto_service_name(service), action or task.resource.api_action)

    def normalise_parameters(
        self: Any, parameters: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        model = model_of(self, boto_service_name, service_action_name)
        if model is not None and model.input_shape is not None and isinstance(parameters, dict):
            _become(parameters, asl_names.to_call(parameters, model.input_shape))

    def normalise_response(
        self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        model = model_of(self, boto_service_name, service_action_name)
        if model is not None and isinstance(response, dict):
            _become(response, asl_names.to_state(response, model.output_shape))

    def service_name(self: Any, boto_service_name: str | None = None) -> str:
        return asl_names.boto_name(boto_service_name or self.resource.api_name)

    def method_name(self: Any, service_action_name: str | None = None) -> str:
        from botocore import xform_name

        action = service_action_name or self.resource.api_action
        model = asl_names.operation(self._get_boto_service_name(), action)
        return str(xform_name(model.name)) if model else str(action_original(self, service_action_name))

    takes = "boto_service_name, service_action_name"
    swap(StateTaskService, "_normalise_parameters", normalise_parameters, expects=f"self, parameters, {takes}")
    swap(StateTaskService, "_normalise_response", normalise_response, expects=f"self, response, {takes}")
    swap(StateTaskService, "_get_boto_service_name", service_name, expects="self, boto_service_name")
    action_original = swap(
        StateTaskService, "_get_boto_service_action", method_name, expects="self, service_action_name"
    )


def _name_errors() -> None:
    """A service's error by its Java name; no answer at all is the SDK's own error, which a Retry can name."""
    from botocore.exceptions import BotoCoreError, ParamValidationError
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
        StateTaskServiceAwsSdk as SdkTask,
    )

    def exception_name(norm_service_name: str, ex: Exception) -> str:
        return asl_names.error_name(norm_service_name, type(ex).__name__)

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, BotoCoreError) and not isinstance(ex, ParamValidationError):
            name = f"{asl_names.service_error_name(self.resource.api_name)}.SdkClientException"
            return self._get_task_failure_event(env=env, error=name, cause=str(ex))
        return original(self, env, ex)

    by_service = staticmethod(asl_names.service_error_name)
    swap(SdkTask, "_normalise_service_error_name", by_service, expects="service_name")
    swap(SdkTask, "_normalise_exception_name", staticmethod(exception_name), expects="norm_service_name, ex")
    original = swap(SdkTask, "_from_error", from_error, expects="self, env, ex")
    demand(hasattr(SdkTask, "_get_task_failure_event"), "SdkTask._get_task_failure_event", "none")


def _extract_scalars() -> None:
    """A definite path gives its value; one with a wildcard, slice, filter or descent gives a list, of any length."""
    from jsonpath_ng.ext.parser import parse
    from moto.stepfunctions.parser.asl.utils import json_path

    many = re.compile(r"\*|\?\(|\.\.|\[[^\]]*[:,][^\]]*\]")
    parsed = functools.lru_cache(maxsize=1024)(parse)

    def extract_json(path: str, data: Any) -> Any:
        found = [match.value for match in parsed(path).find(data)]
        if many.search(path):
            return found
        if not found:
            raise json_path.NoSuchJsonPathError(json_path=path, data=data)
        return found[0]

    original = json_path.extract_json
    demand(list(_parameters(original)) == ["path", "data"], "extract_json(path, data)", repr(original))
    rebind(PARSER, original, extract_json, at_least=6)


def _evaluate_jsonata() -> None:
    """Upstream asks for a Java machine; the expressions here run in Python."""
    from moto.stepfunctions.parser.asl.jsonata import jsonata as upstream

    def evaluate(expression: str) -> Any:
        from jsonata import Jsonata

        return Jsonata(expression).evaluate(None)

    demand(hasattr(upstream, "_eval_jsonata"), "jsonata._eval_jsonata", "none")
    upstream._eval_jsonata = evaluate


def _call_the_lab() -> None:
    """The interpreter's clients reach the lab's endpoint, are kept, and give up in bounded time."""
    import moto.stepfunctions.parser.asl.utils.boto_client as upstream

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        with _making:
            return _client(service, region, _endpoint_url())

    demand(
        list(_parameters(upstream.boto_client_for)) == list(_parameters(boto_client_for)), "boto_client_for", "other"
    )
    rebind(PARSER, upstream.boto_client_for, boto_client_for, at_least=5)


@functools.cache
def _client(service: str, region: str, endpoint_url: str) -> Any:
    import boto3
    from botocore.config import Config

    bounds = Config(
        connect_timeout=5, read_timeout=60, max_pool_connections=32, s3={"addressing_style": "path"},
        retries={"total_max_attempts": 1},
    )  # fmt: skip
    return boto3.session.Session(botocore_session=session()).client(
        service,
        region,
        endpoint_url=endpoint_url,
        config=bounds,
        aws_access_key_id=CALLER,
        aws_secret_access_key="local",
    )


_making = threading.Lock()


def _make_ready_when_deployed() -> None:
    """A machine's first tasks do not wait for models and clients: 0.5 s that AWS's machine does not take either."""
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend as Backend

    def create_state_machine(self: Any, name: str, definition: str, *rest: Any, **named: Any) -> Any:
        made = original(self, name, definition, *rest, **named)
        services = sorted(set(re.findall(r":states:::(?:aws-sdk:)?(\w+):", definition)))
        warm = threading.Thread(target=_warm, args=(services, self.region_name, _endpoint_url()), daemon=True)
        warm.start()
        return made

    parameters = (
        "self, name, definition, roleArn, tags, publish, loggingConfiguration, tracingConfiguration, "
        "encryptionConfiguration, version_description, sm_type"
    )
    original = swap(Backend, "create_state_machine", create_state_machine, expects=parameters)


def _warm(services: list[str], region: str, endpoint_url: str) -> None:
    for service in services:
        known = asl_names.boto_name(service)
        if service_model(known) is not None:
            with _making:
                _client(known, region, endpoint_url)


def _endpoint_url() -> str:
    told = hooks().endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
    if not told:
        raise LabError(
            "to know where state machines reach AWS's API",
            "neither Hooks.endpoint_url nor AWS_ENDPOINT_URL",
            "give apply_patches the lab's endpoint; a state machine of a lab never calls real AWS",
        )
    return told


def _run_task_sync() -> None:
    """``ecs:runTask.sync`` ends with its task, and fails like AWS's when a container did: States.TaskFailed."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
        StateTaskServiceEcs,
    )

    def build_sync_resolver(self: Any, env: Any, **parts: Any) -> Any:
        look = original(self, env=env, **parts)

        def ended_well() -> Any:
            task = look()
            if task is not None and _failed(task):
                raise _task_failed(self, env, task)
            return task

        return ended_well

    parts = "self, env, resource_runtime_part, normalised_parameters, state_credentials"
    original = swap(StateTaskServiceEcs, "_build_sync_resolver", build_sync_resolver, expects=parts)
    named = "_DELAY_SECONDS_SYNC_CONDITION_CHECK"
    demand(hasattr(state_task_service_callback, named), named, "none")
    setattr(state_task_service_callback, named, asl_time.RUN_TASK_POLL_S)


def _failed(task: dict[str, Any]) -> bool:
    ended_badly = any(container.get("ExitCode") for container in task.get("Containers", []))
    return ended_badly or task.get("StopCode") == "TaskFailedToStart"


def _task_failed(state: Any, env: Any, task: dict[str, Any]) -> Exception:
    from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
        FailureEvent,
        FailureEventException,
    )
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
    from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

    name = StatesErrorNameType.StatesTaskFailed
    details = TaskFailedEventDetails(
        resource=state._get_sfn_resource(),
        resourceType=state._get_sfn_resource_type(),
        error=name.to_name(),
        cause=json.dumps(task, default=str),
    )
    failure: Exception = FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=name),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )
    )
    return failure


def _parameters(function: Any) -> Any:
    import inspect

    return inspect.signature(function).parameters


def _become(mapping: dict[str, Any], other: dict[str, Any]) -> None:
    """Upstream hands out the mapping itself and reads it afterwards."""
    mapping.clear()
    mapping.update(other)


def _self_test() -> None:
    """The two directions of a name, a definite path, and a JSONata expression, as AWS has them."""
    import moto.stepfunctions.parser.asl.component.common.string.string_expression as user
    import moto.stepfunctions.parser.asl.jsonata.jsonata as upstream

    describe = asl_names.operation("rds", "describeDBInstances")
    called = asl_names.to_call({"DbInstanceIdentifier": "a"}, describe.input_shape) if describe else None
    demand(called == {"DBInstanceIdentifier": "a"}, "rds:describeDBInstances by its Java names", repr(called))
    path, data = "$.DbInstances[0].DbInstanceStatus", {"DbInstances": [{"DbInstanceStatus": "available"}]}
    demand(user.extract_json(path, data) == "available", f"{path} a scalar", repr(user.extract_json(path, data)))
    summed = upstream.eval_jsonata_expression("(1 + 2)")
    demand(summed == 3, "JSONata evaluated", repr(summed))
