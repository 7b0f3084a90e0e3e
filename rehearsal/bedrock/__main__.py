"""`python -m rehearsal.bedrock`: serves until SIGTERM or SIGINT; one JSON line says where."""

import argparse
import asyncio
import json
import signal
import sys

from contract.models import models
from rehearsal.bedrock.server import Bedrock, serving


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m rehearsal.bedrock", description="Bedrock on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same answers and times")
    parser.add_argument("--speed", type=_speed, default=1.0, help="divides every wait, 1 to 3")
    parser.add_argument(
        "--deny", choices=models(), action="append", default=[], help="a model without access"
    )
    options = parser.parse_args()
    try:
        asyncio.run(
            _serve(Bedrock(seed=options.seed, speed=options.speed, denied=options.deny), options.port)
        )
    except OSError as error:
        sys.exit(f"cannot serve on port {options.port}: {error.strerror}; use --port 0 for any free one")


async def _serve(bedrock: Bedrock, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(bedrock, port) as url:
        print(json.dumps({"ready": True, "url": url}), flush=True)
        await stopped.wait()


def _speed(text: str) -> float:
    speed = float(text)
    if not 1 <= speed <= 3:
        raise argparse.ArgumentTypeError("must be from 1 to 3: processor time does not shrink with the waits")
    return speed


if __name__ == "__main__":
    main()
