"""Clients for the stand-ins reach them whatever a person has set for AWS or for the way to the world."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from rehearsal import clients


class Nothing(BaseHTTPRequestHandler):
    """Answers as SNS does when it has no topic, and keeps who asked."""

    signed: str = ""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).signed = self.headers["Authorization"]
        body = b"<ListTopicsResponse><ListTopicsResult><Topics/></ListTopicsResult></ListTopicsResponse>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing to stderr."""


@pytest.fixture
def sns() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def asked(url: str) -> str:
    """How a call of a client made by way of boto3 is signed."""
    client = boto3.Session(botocore_session=clients.session("us-east-1")).client("sns", endpoint_url=url)
    try:
        assert client.list_topics()["Topics"] == []
    finally:
        client.close()
    return Nothing.signed


@pytest.mark.parametrize(
    "person",
    [
        {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"},
        {"AWS_PROFILE": "nobody-has-it"},
        {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real", "AWS_REGION": "eu-west-1"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_MAX_ATTEMPTS": "many"},
        {"AWS_CONFIG_FILE": "broken"},
    ],
    ids=lambda person: next(iter(person)),
)
def test_what_a_person_has_set_does_not_matter(
    sns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: dict[str, str]
):
    monkeypatch.chdir(tmp_path)
    Path("broken").write_text("[profile\n")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in person.items():
        monkeypatch.setenv(name, value)

    signed = asked(sns)
    assert f"Credential={clients.NOBODY}/" in signed
    assert "/us-east-1/sns/" in signed


def test_a_stand_in_that_hangs_is_asked_once_and_not_for_long():
    config: Any = clients.session("us-east-1").get_default_client_config()

    assert config.retries["total_max_attempts"] == 1
    assert (config.connect_timeout, config.read_timeout) == (10, 30)
