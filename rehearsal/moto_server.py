"""The AWS services that moto imitates, on loopback: `python -m rehearsal.moto_server --port 0`.

One server for all of them and every region; it tells them apart by the signature. One JSON line says where.
"""

import argparse
import importlib
import json
import os
import signal
import sys
import threading

from moto import backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from rehearsal import url_rules

_LARGE = ("ssm.models", "kms.models", "cognitoidp.models", "dynamodb.models", "cloudwatch.models")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m rehearsal.moto_server", description="AWS on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    port = parser.parse_args().port
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    url_rules.make_one_by_one()
    services = tuple(backends.list_of_moto_modules())  # moto reads its folder for each request
    backends.list_of_moto_modules = lambda: iter(services)
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    os.environ["MOTO_PORT"] = str(server.server_port)  # moto builds links to itself from it
    threading.Thread(target=_load, daemon=True).start()
    print(json.dumps({"ready": True, "url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    server.serve_forever()


class _Quiet(MotoRequestHandler):
    """Writes no line for each request."""

    def log_request(self, *_: object) -> None:
        return


def _load() -> None:
    """Reads the largest services while nobody asks yet: their first calls would wait a second for it."""
    for name in _LARGE:
        importlib.import_module(f"moto.{name}")
    for name in ("moto_percentiles", "moto_tables"):
        importlib.import_module(f"rehearsal.{name}").teach()


if __name__ == "__main__":
    main()
