"""Pictures of a rehearsal for the docs: `make pictures` plays Prime Day and keeps what was seen.

The terminal's screen needs nothing; the page and the report need a headless Chromium (Debian: chromium), and
stay as they are where there is none.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

from rich.console import Console

from rehearsal import live_screen, live_web, playing, report
from rehearsal import story as stories
from rehearsal.game_day import GameDay
from rehearsal.live import Desk, Live, State
from rehearsal.played import Options

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
WIDTH = 110
_FONT_FROM_OUTSIDE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # any monospaced one will do
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays the story; its exit code, for a picture of a failure is no picture for the docs."""
    parser = argparse.ArgumentParser(prog="python -m tools.pictures", description=__doc__)
    parser.add_argument("story", nargs="?", default="prime-day")
    parser.add_argument("--speed", type=float)
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--at", type=float, default=0.6, help="share of the story at which it is looked at")
    options = parser.parse_args(arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack, tempfile.TemporaryDirectory() as scratch:

        def watch(day: GameDay) -> None:
            desk = Desk()
            live = Live(day, desk)
            url = stack.enter_context(live_web.served(live, desk))
            wait_s = options.at * day.story.length_s / day.clock.speed
            thread = threading.Thread(target=_look, args=(live, url, wait_s), daemon=True)
            thread.start()

        result = playing.run(
            stories.load(options.story),
            Options(speed=options.speed, rate=options.rate),
            Path(scratch) / "run",
            lambda told: print(told, file=sys.stderr),
            watch,
        )
        browse(report.write(result).as_uri(), FOLDER / "report.png", (1_100, 2_300))
    print(report.headline(result))
    return result.exit_code


def _look(live: Live, url: str, wait_s: float) -> None:
    time.sleep(wait_s)
    screen(live.state(), FOLDER / "live.svg")
    browse(url, FOLDER / "live.png", (1_160, 1_000))


def screen(state: State, path: Path) -> None:
    """What the terminal shows, as SVG."""
    console = Console(width=WIDTH, record=True, file=StringIO())
    console.print(live_screen.draw(state, WIDTH))
    drawn = console.export_svg(title="concierge rehearse")
    path.write_text(_FONT_FROM_OUTSIDE.sub("", drawn), encoding="utf-8")


def browse(url: str, path: Path, size: tuple[int, int]) -> None:
    """What a browser shows, as PNG."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print(f"{path.name}: there is no chromium here: it stays as it is", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium, *_FLAGS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"]
        waits = ["--virtual-time-budget=4000"]
        subprocess.run(
            [*command, *waits, f"--screenshot={path}", url], check=True, capture_output=True, timeout=120
        )


if __name__ == "__main__":
    sys.exit(main())
