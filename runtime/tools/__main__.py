"""`python -m runtime.tools`: the tools over MCP, as a service; with `--stdio` for one client that starts it.

Over stdio the lines of the log go to stderr, and whoever starts it says for which customer.
"""

import argparse
import asyncio
import sys

from contract.errors import ConciergeError
from runtime.tools.programs import over_http, over_stdio


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m runtime.tools", description="The shop's tools over MCP.")
    parser.add_argument("--stdio", action="store_true", help="speak over stdin and stdout")
    parser.add_argument("--customer", default="", help="over stdio: on whose behalf (default: a guest)")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104
    parser.add_argument("--port", default=8080, type=int, help="port to listen on; 0 takes a free one")
    given = parser.parse_args()
    try:
        asyncio.run(over_stdio(given.customer) if given.stdio else over_http(given.host, given.port))
    except ConciergeError as error:
        print(f"tools: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
