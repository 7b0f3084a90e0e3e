"""The stack's dashboards, drawn before anything is deployed, with what a rehearsal measured.

What is drawn is the body that the stack declares, so that what is wrong with it shows. Only what the runtime
emits has numbers in a rehearsal; graphs of what AWS measures of itself say so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.errors import WrongUseError
from plan.files import write_atomic
from plan.model import Plan, Resource
from plan.picture import letters

_KIND = "cloudwatch.Dashboard"


class DashboardError(WrongUseError):
    """There is no such page, nothing to draw from, or nowhere to draw to."""


@dataclass(frozen=True)
class Page:
    """One dashboard of a plan."""

    name: str
    region: str | None
    widgets: tuple[Mapping[str, Any], ...]


def pages(plan: Plan, wanted: str | None = None) -> list[Page]:
    """The dashboards of a plan, or those whose name ends with what is wanted."""
    every = [_page(resource) for resource in plan.of_type(_KIND)]
    chosen = [page for page in every if wanted is None or page.name.endswith(wanted)]
    if not chosen:
        there = ", ".join(page.name for page in every) or "none; operations.dashboards says which are made"
        raise DashboardError(f"{wanted or plan.stack}: there is no such dashboard; there are: {there}")
    return chosen


def _page(resource: Resource) -> Page:
    body = json.loads(resource.inputs["dashboardBody"])
    return Page(str(resource.inputs["dashboardName"]), resource.region, tuple(body["widgets"]))


def check(path: Path) -> None:
    """That a drawing can be written there."""
    if path.suffix.lower() not in {".html", ".png", ".svg"}:
        raise DashboardError(f"{path}: dashboards are drawn as .html, .png or .svg")
    if not path.parent.is_dir():
        raise DashboardError(f"{path}: there is no folder {path.parent}")


def write(chosen: Sequence[Page], drawn: Sequence[str], path: Path) -> None:
    """All pages in one HTML file; a picture is of one page."""
    check(path)
    if path.suffix.lower() != ".html" and len(chosen) > 1:
        raise DashboardError(f"{path}: a picture holds one page; choose with --page, or write .html")
    content = _html(chosen, drawn) if path.suffix.lower() == ".html" else drawn[0]
    data = letters.rendered(content) if path.suffix.lower() == ".png" else content.encode()
    try:
        write_atomic(path, data)
    except OSError as error:
        raise DashboardError(f"{path} cannot be written: {error.strerror}") from error


def _html(chosen: Sequence[Page], drawn: Sequence[str]) -> str:
    links = " · ".join(f'<a href="#{page.name}">{page.name}</a>' for page in chosen)
    sections = [f'<section id="{page.name}">{svg}</section>' for page, svg in zip(chosen, drawn, strict=True)]
    style = "body{margin:24px;font-family:sans-serif}svg{max-width:100%;height:auto}section{margin:24px 0}"
    lines = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>Dashboards</title><style>{style}</style></head>',
        f"<body><nav>{links}</nav>",
        *sections,
        "</body></html>",
        "",
    ]
    return "\n".join(lines)
