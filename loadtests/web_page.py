"""Our report on Locust's own web page, while a run goes on and after it: `/concierge`, and a tab that
shows it."""

from typing import Any

from loadtests.report import page
from loadtests.room import Room

PATH = "/concierge"
REFRESH_S = 5


def add_report(web_ui: Any, room: Room) -> None:
    """Adds it."""

    def report() -> str:
        if room.generator is not None and room.generator.began is not None:
            return page.html(room.run(room.generator), refresh_s=REFRESH_S)
        if room.finished is not None:
            return page.html(room.finished)
        return f'<meta http-equiv="refresh" content="{REFRESH_S}"><p>No run has begun yet.</p>'

    web_ui.app.add_url_rule(PATH, "concierge", web_ui.auth_required_if_enabled(report))
