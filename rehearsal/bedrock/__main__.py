"""`python -m rehearsal.bedrock`: serves until SIGTERM or SIGINT; one JSON line says where."""

import argparse
from pathlib import Path

from pydantic import ValidationError

from contract.faults import FaultKind
from contract.models import models
from rehearsal import serving as http
from rehearsal.bedrock import misbehaviour
from rehearsal.bedrock.account import Account
from rehearsal.bedrock.server import Bedrock, serving


def main() -> None:
    parser = http.parser("rehearsal.bedrock", "Bedrock on loopback.")
    parser.add_argument(
        "--deny", choices=models(), action="append", default=[], help="a model without access"
    )
    parser.add_argument("--account", type=_account, help="JSON file: profiles, units, guardrails, quotas")
    parser.add_argument(
        "--misbehave",
        type=_rate,
        action="append",
        default=[],
        metavar="KIND=RATE",
        help=f"how often a model says what it must not: {', '.join(misbehaviour.KINDS)}",
    )
    options = parser.parse_args()
    bedrock = Bedrock(
        seed=options.seed,
        speed=options.speed,
        denied=options.deny,
        account=options.account,
        misbehave=dict(options.misbehave),
    )
    http.run(options.port, lambda: serving(bedrock, options.port))


def _account(name: str) -> Account:
    try:
        return Account.model_validate_json(Path(name).read_bytes())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error.strerror}") from None
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "account"
        raise argparse.ArgumentTypeError(f"{name}: {place}: {first['msg']}") from None


def _rate(text: str) -> tuple[FaultKind, float]:
    name, _, rate = text.partition("=")
    try:
        kind, share = FaultKind(name), float(rate)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND=RATE") from None
    if kind not in misbehaviour.KINDS or not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a rate from 0 to 1 of {', '.join(misbehaviour.KINDS)}")
    return kind, share


if __name__ == "__main__":
    main()
