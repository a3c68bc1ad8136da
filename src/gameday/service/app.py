"""The HTTP face of the service: what it answers, and what each answer is allowed to claim."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, field_validator

from gameday.service import settings as bounds
from gameday.service.cloud import Cloud, DocumentsUnavailable, NoSuchDocument
from gameday.service.database import Database, Unanswered, Untouched
from gameday.service.orders import AnotherPayload, CheckDatabase, Find, List, Place
from gameday.service.settings import Settings

log = logging.getLogger("gameday.service")
NOT_APPLIED = {"x-gameday-not-applied": "1"}


class Order(BaseModel):
    """An order carries the id its client gave it."""

    id: str = Field(min_length=1, max_length=200)
    payload: str = Field(max_length=bounds.PAYLOAD_CHARS_MAX)

    @field_validator("id", "payload")
    @classmethod
    def storable(cls, text: str) -> str:
        if "\0" in text:
            raise ValueError("PostgreSQL stores no NUL")
        text.encode()  # a lone surrogate cannot be stored either, and says so
        return text


def make_app(settings: Settings, database: Database, cloud: Cloud) -> FastAPI:
    """The application over a database and a bucket; it follows the endpoint's secret while it runs."""

    @contextlib.asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(database.follow())
        following.add_done_callback(_stop_when_broken)
        await database.has_looked(bounds.FIRST_LOOK_S)  # else a new task is in service before it could serve
        yield
        following.cancel()
        await asyncio.wait({following})
        await database.close()

    app = FastAPI(title="gameday reference service", lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestValidationError, _refuse_input)
    _add_region_header(app, settings.region)
    _add_health(app, settings, database)
    _add_orders(app, settings, database)
    _add_documents(app, cloud)
    return app


def _stop_when_broken(following: asyncio.Task[None]) -> None:
    """A service that no longer follows its database's endpoint must be replaced, not go on."""
    if not following.cancelled() and following.exception():
        log.critical("no longer following the endpoint; stopping", exc_info=following.exception())
        signal.raise_signal(signal.SIGTERM)


async def _refuse_input(_request: Request, cause: Exception) -> JSONResponse:
    """Says what is wrong without repeating the input, which may not even be encodable."""
    assert isinstance(cause, RequestValidationError)
    told = [f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in cause.errors()]
    return _failed(422, "; ".join(told))


def _add_region_header(app: FastAPI, region: str) -> None:
    """Every answer says which region served it: a stored order's own ``region`` is the one that took it."""

    class WithRegion:
        def __init__(self, inner: Any) -> None:
            self.inner, self.header = inner, (b"x-gameday-region", region.encode())

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async def send_with_region(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], self.header]
                await send(message)

            await self.inner(scope, receive, send_with_region)

    app.add_middleware(WithRegion)


def _add_health(app: FastAPI, settings: Settings, database: Database) -> None:
    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """Shallow on purpose: this process serves. A database that is away must not make a balancer drop every task."""
        return JSONResponse({"status": "ok", "region": settings.region})

    @app.get("/dbcheck")
    async def dbcheck() -> JSONResponse:
        """Writes to the database, and reads what it wrote once that is committed."""
        try:
            good = await database.call(CheckDatabase(settings.region))
        except (Untouched, Unanswered) as cause:
            return _failed(503, str(cause))
        return JSONResponse({"status": "ok"}) if good else _failed(503, "what was written was not read back")


def _add_orders(app: FastAPI, settings: Settings, database: Database) -> None:
    @app.post("/orders")
    async def place(order: Order) -> JSONResponse:
        try:
            placed = await database.call(Place(order.id, order.payload, settings.region))
        except Untouched as cause:
            return _failed(503, str(cause), NOT_APPLIED)
        except Unanswered as cause:
            return _failed(504, str(cause))
        except AnotherPayload:
            return _failed(409, f"order {order.id} exists with another payload")
        return JSONResponse(asdict(placed))

    @app.get("/orders/{id}")
    async def find(id: str) -> JSONResponse:
        try:
            found = await database.call(Find(id))
        except (Untouched, Unanswered) as cause:
            return _failed(503, str(cause))
        return JSONResponse(asdict(found)) if found else _failed(404, f"no order {id}")

    @app.get("/orders")
    async def page(after: str = "", limit: Annotated[int, Query(ge=1, le=bounds.PAGE_MAX)] = 1000) -> JSONResponse:
        try:
            listed = await database.call(List(after, limit))
        except (Untouched, Unanswered) as cause:
            return _failed(503, str(cause))
        return JSONResponse(asdict(listed))


def _add_documents(app: FastAPI, cloud: Cloud) -> None:
    @app.put("/documents/{key:path}")
    async def put(key: str, request: Request) -> JSONResponse:
        body = await _body_up_to(request, bounds.DOCUMENT_BYTES_MAX)
        if body is None:
            return _failed(413, f"a document has at most {bounds.DOCUMENT_BYTES_MAX} bytes")
        try:
            version = await cloud.put_document(key, body)
        except DocumentsUnavailable as cause:
            return _failed(503, str(cause))
        return JSONResponse({"key": key, "bytes": len(body), "version": version})

    @app.get("/documents/{key:path}")
    async def get(key: str) -> Response:
        try:
            return Response(await cloud.get_document(key), media_type="application/octet-stream")
        except NoSuchDocument:
            return _failed(404, f"no document {key}")
        except DocumentsUnavailable as cause:
            return _failed(503, str(cause))


async def _body_up_to(request: Request, bytes_max: int) -> bytes | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            return None
    return bytes(body)


def _failed(status: int, why: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": why}, status_code=status, headers=headers)
