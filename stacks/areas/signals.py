"""What an operator turns, and where a region's alarms go (OPS-2)."""

from dataclasses import dataclass

from components.alarms import Watched
from components.documents import ControlsDocument, ControlsDocumentArgs
from components.notices import Notices
from stacks.site import Site
from stacks.tell import notices


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Controls in, notices out."""

    controls: ControlsDocument
    notices: Notices

    @property
    def watched(self) -> list[Watched | None]:
        return [self.notices]


def connect(site: Site) -> Signals:
    return Signals(
        controls=ControlsDocument(
            site.named("controls"), ControlsDocumentArgs(environment=site.environment), site.inside
        ),
        notices=notices(site.role, site.environment, site.settings, site.keys["notices"], site.inside),
    )
