"""A real browser for a page: headless Chromium, driven over W3C WebDriver, which needs no library."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1160,1100",
]  # fmt: skip
# Loopback is never reached through a proxy.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Browser:
    """One window."""

    def __init__(self, url: str) -> None:
        self._url = url
        options = {"goog:chromeOptions": {"args": _FLAGS}}
        found = self._call("POST", "/session", {"capabilities": {"alwaysMatch": options}})
        self._session = f"/session/{found['sessionId']}"

    def go(self, url: str) -> None:
        self._call("POST", f"{self._session}/url", {"url": url})

    def press(self, keys: str) -> None:
        """On the keyboard, wherever the focus is."""
        actions = [{"type": what, "value": key} for key in keys for what in ("keyDown", "keyUp")]
        told = {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}
        self._call("POST", f"{self._session}/actions", told)

    def ask(self, script: str) -> Any:
        """What a line of JavaScript says."""
        return self._call("POST", f"{self._session}/execute/sync", {"script": f"return {script}", "args": []})

    def until(self, script: str, within_s: float = 20.0) -> None:
        """Waits until it is true."""
        deadline = time.monotonic() + within_s
        while not self.ask(script):
            assert time.monotonic() < deadline, f"{script} never became true"
            time.sleep(0.1)

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self._call("GET", f"{self._session}/screenshot"))

    def close(self) -> None:
        self._call("DELETE", self._session)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}{path}", data, method=method)
        with _OPEN(request, timeout=60) as answer:
            return json.load(answer)["value"]


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium (Debian: chromium, chromium-driver)."""
    driver = shutil.which("chromedriver")
    assert driver is not None, "there is no chromedriver: install chromium and chromium-driver"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL) as process:
        try:
            window = _window(f"http://127.0.0.1:{port}")
            yield window
            window.close()
        finally:
            process.terminate()


def _window(url: str) -> Browser:
    deadline = time.monotonic() + 30
    while True:
        try:
            return Browser(url)
        except OSError:
            assert time.monotonic() < deadline, "chromedriver does not answer"
            time.sleep(0.1)
