"""The picture of a plan: components, data flow and security boundaries, for a person at a whiteboard.

Everything in it is read from the plan; no component is known by name. `places` and `cards` read; `graph`,
`seats`, `wiring` and `tracks` arrange; `way`, `network`, `flows`, `shelf` and `legend` draw; `region` and
`page` put it together.
"""

from pathlib import Path
from xml.etree import ElementTree

from contract.errors import WrongUseError
from plan.files import write_atomic
from plan.model import Plan
from plan.picture import letters, page

__all__ = ["PictureError", "check", "draw", "write"]


class PictureError(WrongUseError):
    """The picture could not be written."""


def draw(plan: Plan) -> str:
    """The picture as SVG text; the same plan gives the same text."""
    root = page.draw(plan)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def check(path: Path) -> None:
    """That a picture can be written there; asked before a plan is made for it."""
    if path.suffix.lower() not in {".svg", ".png"}:
        raise PictureError(f"{path}: a picture is written as .svg or .png")
    if not path.parent.is_dir():
        raise PictureError(f"{path}: there is no folder {path.parent}")


def write(plan: Plan, path: Path) -> None:
    """Writes the picture as .svg or .png, all of it or nothing."""
    check(path)
    svg = draw(plan)
    content = svg.encode() if path.suffix.lower() == ".svg" else letters.rendered(svg)
    try:
        write_atomic(path, content)
    except OSError as error:
        raise PictureError(f"{path} cannot be written: {error.strerror}") from error
