"""Which AWS call a request is: service, region, action and caller, read from its signature, never from its content."""

import io
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs

type Environ = dict[str, Any]

# Signing names that differ from the name boto3 gives the service, which is the name people know.
CLIENT_NAMES = {"monitoring": "cloudwatch", "states": "stepfunctions", "elasticloadbalancing": "elbv2"}
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_SMITHY_PATH = re.compile(r"/service/[^/]+/operation/(\w+)")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the control plane. ``caller`` is the access key's id; ``form`` is how that client reads errors."""

    service: str
    region: str
    action: str
    caller: str
    form: str  # json | query | rest-xml


def recognise(environ: Environ) -> Call:
    """Name the call; what an unsigned or strange request does not say is ``-``."""
    signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    caller, region, signing = signed.groups() if signed else ("-", "-", "-")
    service = CLIENT_NAMES.get(signing, signing)
    for action, form in ((_json_action(environ), "json"), (_query_action(environ), "query")):
        if action:
            return Call(service, region, action, caller, form)
    return Call(service, region, _rest_action(service, environ), caller, "rest-xml")


def _json_action(environ: Environ) -> str | None:
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return str(target).rpartition(".")[2]
    smithy = _SMITHY_PATH.match(environ.get("PATH_INFO", ""))
    return smithy[1] if smithy else None


def _query_action(environ: Environ) -> str | None:
    """The ``Action`` of a form; the body is put back for whoever reads next."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return None
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    named = parse_qs(body.decode("utf-8", "replace")).get("Action")
    return named[0] if named else None


def _rest_action(service: str, environ: Environ) -> str:
    method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
    asked = set(parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    for route in _routes(service):
        given = route.queries <= asked and all(header in environ for header in route.headers)
        if route.method == method and given and route.path.fullmatch(path):
            return route.action
    return "-"


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    path: re.Pattern[str]
    queries: frozenset[str]  # query keys that the route demands
    headers: frozenset[str]  # headers that it demands, as WSGI names them
    action: str


@cache
def service_model(service: str) -> Any | None:
    """botocore's model of a service, loaded once in this process (a new session would load it anew, 80 ms); or None."""
    from botocore.exceptions import UnknownServiceError

    try:
        return session().get_service_model(service)
    except UnknownServiceError:
        return None


@cache
def session() -> Any:
    """The botocore session of the control plane's own side; only one thread at a time may make clients from it."""
    from botocore.session import get_session

    return get_session()


@cache
def _routes(service: str) -> tuple[_Route, ...]:
    """A REST service's routes from botocore's model, the most demanding first."""
    from botocore.exceptions import UnknownServiceError
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    try:
        # Not a session's model: S3's clients take the bucket out of its paths.
        model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    except UnknownServiceError:
        return ()
    routes = [_route(model.operation_model(name)) for name in model.operation_names]
    return tuple(
        sorted(routes, key=lambda route: (-len(route.queries), -len(route.headers), route.path.pattern.count("(?")))
    )


def _route(operation: Any) -> _Route:
    uri, _, query = operation.http["requestUri"].partition("?")
    queries = {key.split("=")[0] for key in query.split("&") if key} | _demanded(operation, "querystring")
    headers = {"HTTP_" + name.upper().replace("-", "_") for name in _demanded(operation, "header")}
    pattern = "".join(_piece(piece) for piece in re.split(r"(\{[^}]+\})", uri.rstrip("/"))) + "/?"
    return _Route(operation.http["method"], re.compile(pattern), frozenset(queries), frozenset(headers), operation.name)


def _demanded(operation: Any, location: str) -> set[str]:
    """The names that a route requires in its query or in its headers."""
    if operation.input_shape is None:
        return set()
    members = operation.input_shape.members
    placed = [members[name].serialization for name in operation.input_shape.required_members]
    return {place["name"] for place in placed if place.get("location") == location}


def _piece(piece: str) -> str:
    if not piece.startswith("{"):
        return re.escape(piece)
    return "(?:.+)" if piece.endswith("+}") else "(?:[^/]+)"
