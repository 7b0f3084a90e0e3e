"""A client is ready when it is open: first calls with little time must not keep it from ever being so."""

import asyncio
import time

import pytest
from aiobotocore.httpsession import AIOHTTPSession
from aiohttp import web

from runtime import aws

TLS_S = 0.4


async def _answers(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response([[{"label": "order", "score": 1.0}]])


def test_first_calls_with_less_time_than_tls_takes_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    build = AIOHTTPSession._build_ssl_contexts

    def slowly(self, proxy_url):
        time.sleep(TLS_S)
        return build(self, proxy_url)

    monkeypatch.setattr(AIOHTTPSession, "_build_ssl_contexts", slowly)

    async def main() -> int:
        app = web.Application()
        app.router.add_post("/endpoints/{name}/invocations", _answers)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", f"http://{host}:{port}")
        answered = 0
        async with aws.client("sagemaker-runtime", "us-east-1") as client:
            for _ in range(10):  # the first may have a model of the service to read, which no one gives up
                try:
                    async with asyncio.timeout(TLS_S / 2):
                        await client.invoke_endpoint(EndpointName="intent", Body=b"{}")
                        answered += 1
                except TimeoutError:
                    continue
        await runner.cleanup()
        return answered

    assert asyncio.run(main()) >= 8
