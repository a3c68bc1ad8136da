"""The service's two AWS calls, made in threads: reading the database endpoint's secret, and keeping documents in S3."""

import asyncio
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from gameday.service.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the database is, as the regional secret says."""

    host: str
    port: int
    dbname: str


class EndpointUnknown(Exception):
    """The endpoint's secret could not be read, or is not one."""


class NoSuchDocument(Exception):
    """The bucket has no such key."""


class DocumentsUnavailable(Exception):
    """The bucket could not be asked."""


@dataclass
class Cloud:
    """Clients made when they are first needed: botocore's models cost 20 MB and 150 ms."""

    settings: Settings
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def endpoint(self) -> Endpoint:
        """The database endpoint now; raises :class:`EndpointUnknown`."""
        return await asyncio.to_thread(self._read_endpoint)

    async def put_document(self, key: str, body: bytes) -> str | None:
        """Store a document; returns its version id, when the bucket keeps versions."""
        return await asyncio.to_thread(self._put, key, body)

    async def get_document(self, key: str) -> bytes:
        """A document's bytes; raises :class:`NoSuchDocument`."""
        return await asyncio.to_thread(self._get, key)

    def _read_endpoint(self) -> Endpoint:
        from botocore.exceptions import BotoCoreError, ClientError

        name = self.settings.endpoint_secret
        try:
            text = self._client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
            told = json.loads(text)
            return Endpoint(str(told["host"]), int(told["port"]), str(told["dbname"]))
        except (BotoCoreError, ClientError, ValueError, KeyError, TypeError) as cause:
            raise EndpointUnknown(f"expected host, port and dbname in secret {name}; saw {cause!r}") from cause

    def _put(self, key: str, body: bytes) -> str | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client("s3").put_object(Bucket=self.settings.bucket, Key=key, Body=body)
        except (BotoCoreError, ClientError) as cause:
            raise DocumentsUnavailable(str(cause)) from cause
        version: str | None = answer.get("VersionId")
        return version

    def _get(self, key: str) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            body: bytes = self._client("s3").get_object(Bucket=self.settings.bucket, Key=key)["Body"].read()
        except ClientError as cause:
            if cause.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise NoSuchDocument(key) from cause
            raise DocumentsUnavailable(str(cause)) from cause
        except BotoCoreError as cause:
            raise DocumentsUnavailable(str(cause)) from cause
        return body

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        local = self.settings.aws_endpoint_url is not None
        bounds = Config(
            connect_timeout=2,
            read_timeout=5,
            retries={"total_max_attempts": 2, "mode": "standard"},
            s3={"addressing_style": "path"} if local else None,
        )
        return boto3.client(
            service, region_name=self.settings.region, endpoint_url=self.settings.aws_endpoint_url, config=bounds
        )
