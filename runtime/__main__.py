"""`python -m runtime --port 8080 --host 0.0.0.0`: reads its settings from SSM, serves until SIGTERM, drains.

What keeps it from starting is one line on stderr, and an exit code of `contract.errors`.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from contract.errors import ConciergeError
from runtime.surroundings import StartError

PORTS = range(65_536)
SERVICE, PORT = "CONCIERGE_SERVICE", "CONCIERGE_PORT"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m runtime", description="The concierge's agent runtime.")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104
    usual = os.environ.get(PORT, "8080")
    parser.add_argument(
        "--port", default=usual, type=int, help=f"port to listen on; 0 takes a free one ({usual})"
    )
    arguments = parser.parse_args()
    try:
        if arguments.port not in PORTS:
            raise StartError(f"--port {arguments.port} is none: give one from 0 to {PORTS[-1]}")
        asyncio.run(_service()(arguments.host, arguments.port))
    except ConciergeError as error:
        print(f"runtime: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _service() -> Callable[[str, int], Coroutine[Any, Any, None]]:
    """The service that the task definition names (NET-4): only what that one needs is loaded."""
    match os.environ.get(SERVICE):
        case "ingest":
            from runtime.ingest.serve import serve as ingest

            return ingest
        case "tools":
            from runtime.tools.programs import over_http

            return over_http
    from runtime.serve import serve

    return serve


if __name__ == "__main__":
    sys.exit(main())
