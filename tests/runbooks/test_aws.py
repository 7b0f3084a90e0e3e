"""The door to AWS: what was named explicitly is called directly."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import boto3
import pytest

from runbooks.engine import Aws
from tests.runbooks.estate_helpers import REGION

ANSWER = b'{"Parameter": {"Name": "controls", "Value": "{}"}}'
NOBODY = "http://127.0.0.1:9"  # the discard port: no proxy listens there


class StandIn(BaseHTTPRequestHandler):
    """Answers every call alike."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def stand_in() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), StandIn) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_rehearsals_aws_is_reached_without_the_shells_proxy(
    stand_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOBODY)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    session = boto3.Session("testing", "testing", region_name=REGION)
    aws = Aws(session, REGION, endpoint_url=stand_in, pause=lambda _: None)
    assert aws.read("ssm", "get_parameter", Name="controls")["Parameter"]["Value"] == "{}"
