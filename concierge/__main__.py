"""The entry point: every way a command can end becomes one line and a documented exit code."""

import os
import sys
import traceback

import typer
from typer._click.exceptions import UsageError  # Typer brings its own click and shows only parts of it

from contract.errors import INCONCLUSIVE, WRONG_USE, ConciergeError

TRACE_HINT = "(set CONCIERGE_TRACE=1 to see where)"
INTERRUPTED = 130  # what shells expect of a command ended by Ctrl-C


def main() -> None:
    """Runs the command line; never shows a traceback unless CONCIERGE_TRACE is set."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command line."""
    from concierge.app import app

    try:
        code = app(args=arguments, prog_name="concierge", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # Typer makes an exit code of Ctrl-C, and says nothing
            raise KeyboardInterrupt
    except (BrokenPipeError, SystemExit):
        # The reader (head, less) has seen enough; Typer turns that into SystemExit, which no command raises.
        # Python would complain again while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as ended:  # noqa: BLE001 - the last line of defence against tracebacks
        return _fail(*_meaning(ended))
    return code if isinstance(code, int) else 0


def _meaning(ended: BaseException) -> tuple[str, int]:
    """(what to say, exit code) for each way a command can end early."""
    match ended:
        case UsageError():
            return f"{ended.format_message().rstrip('.')}. {_help_hint(ended)}", WRONG_USE
        case typer.Exit():
            return "", ended.exit_code
        case typer.Abort() | KeyboardInterrupt():
            return "interrupted", INTERRUPTED
        case ConciergeError():
            return str(ended), ended.exit_code
        case OSError():
            return f"{ended.filename or 'system'}: {ended.strerror or ended}", INCONCLUSIVE
        case _:
            what = f"{type(ended).__name__}: {ended}"
            return f"defect in concierge, nothing was decided: {what} {TRACE_HINT}", INCONCLUSIVE


def _fail(message: str, code: int) -> int:
    if os.environ.get("CONCIERGE_TRACE"):
        traceback.print_exc()
    for line in message.splitlines():
        print(f"concierge: {line}", file=sys.stderr)
    return code


def _help_hint(wrong: UsageError) -> str:
    command = wrong.ctx.command_path if wrong.ctx else "concierge"
    return f"See `{command} --help`."


if __name__ == "__main__":
    main()
