"""Writes the pages of `docs/` that are made from the code: `make docs`. A test holds them to it."""

from pathlib import Path

from stacks import reference
from stacks.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def settings_page() -> str:
    """docs/settings.md: every knob, its default and what it means."""
    lines = [
        "# Settings",
        "",
        "What `Pulumi.<stack>.yaml` may say under `config:`, with the defaults. A file holds only what",
        "differs; `concierge settings STACK` prints the whole tree of a stack. Made by `make docs`.",
        "",
        "A further environment is one more file: copy `Pulumi.dev.yaml` to `Pulumi.perf.yaml`, change it,",
        "and `concierge plan perf` and `pulumi up -s perf` work. A value Pulumi encrypted (`secure:`) is",
        "accepted only where the table says secret; `concierge plan` never sees its text.",
        "",
        "| setting | default | meaning |",
        "| --- | --- | --- |",
    ]
    for row in reference.rows(Settings()):
        kind = " (secret)" if row.secret else ""
        lines.append(f"| `{row.key}` | {_cell(row.default)} | {_cell(row.description)}{kind} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES = {"docs/settings.md": settings_page}


def main() -> None:
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
