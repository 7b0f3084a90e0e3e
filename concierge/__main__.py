"""The entry point: every way a command can end becomes one line and a documented exit code.

Imports nothing heavy before `run`, so that Ctrl-C in the first moments is told like any other.
"""

import os
import signal
import sys
import threading
import traceback
from types import FrameType
from typing import TYPE_CHECKING

from contract.errors import INCONCLUSIVE, WRONG_USE, ConciergeError

if TYPE_CHECKING:
    from typer._click.exceptions import UsageError

TRACE_HINT = "(set CONCIERGE_TRACE=1 to see where)"
# What shells expect of a command ended by Ctrl-C, and of one whose reader (`head`, `less`) has left.
INTERRUPTED, READER_LEFT = 130, 141
_AGAIN_S = 0.02
_stopped = threading.Event()


def main() -> None:
    """Runs the command line; never shows a traceback unless CONCIERGE_TRACE is set."""
    sys.unraisablehook = _nothing_lost
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = _fail("interrupted", INTERRUPTED)
    finally:
        sys.unraisablehook = sys.__unraisablehook__
    sys.exit(code)


def _stop(number: int, frame: FrameType | None) -> None:
    """Ctrl-C. A library that is being imported may make another error of it: so that it came is noted."""
    _stopped.set()
    signal.default_int_handler(number, frame)


def _nothing_lost(lost: "sys.UnraisableHookArgs") -> None:
    """Ctrl-C where Python can raise nothing (native code, destructors) would pass unheard: it comes again."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    again = threading.Timer(_AGAIN_S, os.kill, (os.getpid(), signal.SIGINT))
    again.daemon = True
    again.start()


def run(arguments: list[str]) -> int:
    """The exit code of one command line."""
    try:
        from concierge.app import app

        code = app(args=arguments, prog_name="concierge", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # Typer makes an exit code of Ctrl-C, and says nothing
            raise KeyboardInterrupt
    except (Exception, KeyboardInterrupt, SystemExit) as ended:  # noqa: BLE001 - nobody sees a traceback
        if _stopped.is_set() and KeyboardInterrupt.__name__ in str(ended):  # pydantic's SchemaError, say
            return _fail("interrupted", INTERRUPTED)
        if _reader_has_gone(ended):
            # Python would complain again while closing stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return READER_LEFT
        return _fail(*_meaning(ended))
    return code if isinstance(code, int) else 0


def _reader_has_gone(ended: BaseException) -> bool:
    """`head` or `less` has seen enough. Typer turns the broken pipe into SystemExit."""
    return isinstance(ended, BrokenPipeError) or (
        isinstance(ended, SystemExit) and isinstance(ended.__context__, BrokenPipeError)
    )


def _meaning(ended: BaseException) -> tuple[str, int]:
    """(what to say, exit code) for each way a command can end early."""
    import typer
    from typer._click.exceptions import UsageError  # Typer brings its own click and shows only parts of it

    match ended:
        case UsageError():
            return f"{ended.format_message().rstrip('.')}. {_help_hint(ended)}", WRONG_USE
        case typer.Exit():
            return "", ended.exit_code
        # The last: how Python tells of one in the middle of making a class.
        case typer.Abort() | KeyboardInterrupt() | RuntimeError(__cause__=KeyboardInterrupt()):
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


def _help_hint(wrong: "UsageError") -> str:
    command = wrong.ctx.command_path if wrong.ctx else "concierge"
    return f"See `{command} --help`."


if __name__ == "__main__":
    main()
