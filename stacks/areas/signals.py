"""What an operator turns, and where a region's alarms go (OPS-2)."""

from dataclasses import dataclass

from components.alarms import Watched
from components.documents import ControlsDocument, ControlsDocumentArgs
from components.notices import Notices
from components.service_levels import ServiceLevels, ServiceLevelsArgs
from stacks.site import Site
from stacks.tell import notices


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Controls in, notices out."""

    controls: ControlsDocument
    notices: Notices
    levels: ServiceLevels

    @property
    def watched(self) -> list[Watched | None]:
        return [self.notices, self.levels]


def connect(site: Site) -> Signals:
    return Signals(
        controls=ControlsDocument(
            site.named("controls"), ControlsDocumentArgs(environment=site.environment), site.inside
        ),
        notices=notices(site.role, site.environment, site.settings, site.keys["notices"], site.inside),
        levels=ServiceLevels(
            site.named("levels"),
            ServiceLevelsArgs(budgets=site.settings.operations.error_budgets),
            site.inside,
        ),
    )
