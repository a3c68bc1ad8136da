"""Documents in a bucket: whole and versioned; a bucket that is away is a 503, and nobody's traceback."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from service_stage import ADDRESS, Service, free_port

from gameday.aws import local_environment

BUCKET = "app-data"
REGION = "ap-southeast-2"


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    """The address of a moto that has the bucket."""
    server = ThreadedMotoServer(ip_address=ADDRESS, port=free_port(), verbose=False)
    server.start()
    url = f"http://{ADDRESS}:{server.get_host_and_port()[1]}"
    keys = local_environment(url, REGION)
    s3 = boto3.client(
        "s3", region_name=REGION, endpoint_url=url,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.close()
    yield url
    server.stop()


@pytest.fixture(scope="module")
def keeper(launch: Any, cloud: str) -> Service:
    """A service with a bucket, and without a database: documents need none."""
    service: Service = launch(AWS_ENDPOINT_URL=cloud, GAMEDAY_BUCKET=BUCKET)
    return service


def test_a_document_comes_back_as_it_was_put(keeper: Service) -> None:
    body = bytes(range(256)) * 1000
    put = keeper.ask("PUT", "/documents/2026/a%20report.pdf", body)
    assert (put.status, put.body["key"], put.body["bytes"]) == (200, "2026/a report.pdf", len(body))
    assert keeper.ask("GET", "/documents/2026/a%20report.pdf").body == body


def test_the_same_key_again_is_a_new_version_and_the_newest_is_served(keeper: Service) -> None:
    first, second = (keeper.ask("PUT", "/documents/terms", text).body["version"] for text in (b"old", b"new"))
    assert first != second
    assert keeper.ask("GET", "/documents/terms").body == b"new"


def test_a_key_that_nobody_put_is_404(keeper: Service) -> None:
    assert keeper.ask("GET", "/documents/never").status == 404


def test_a_document_that_is_too_large_is_413_and_not_stored(keeper: Service) -> None:
    assert keeper.ask("PUT", "/documents/large", bytes(8 * 1024 * 1024 + 1)).status == 413
    assert keeper.ask("GET", "/documents/large").status == 404


@pytest.mark.parametrize("away", [{"GAMEDAY_BUCKET": "no-such-bucket"}, {"AWS_ENDPOINT_URL": f"http://{ADDRESS}:9"}])
def test_a_bucket_that_is_away_is_503_without_a_traceback(launch: Any, cloud: str, away: dict[str, str]) -> None:
    service = launch(**{"AWS_ENDPOINT_URL": cloud, **away})
    answers = [service.ask("PUT", "/documents/a", b"a"), service.ask("GET", "/documents/a")]
    assert [answer.status for answer in answers] == [503, 503]
    assert all(answer.body["error"] for answer in answers)
    assert "Traceback" not in service.log.read_text()
