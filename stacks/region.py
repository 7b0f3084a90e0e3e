"""One region of the estate, read like the whiteboard. The standby is the same code with another role."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.alarms import Alarms, AlarmsArgs, Watched, composites, watches_of
from components.base import Component
from components.dashboards import Dashboards, DashboardsArgs
from components.keys import Keys
from components.search_service_role import SearchServiceRole
from contract.alarms import Composite
from stacks.areas import data, doors, ground, hosts, mind, operations, signals, voice
from stacks.settings import RegionSettings, Settings
from stacks.site import Site, standing
from stacks.world import REGION as WORLD
from stacks.world import World


class RegionStack(Component):
    """Everything that stands in one region: first its models, then with `stand` the rest."""

    kind = "estate:Region"

    def __init__(
        self,
        role: str,
        environment: str,
        settings: Settings,
        place: RegionSettings,
        provider: aws.Provider,
        keys: Keys,
    ) -> None:
        super().__init__(role, pulumi.ResourceOptions(providers=[provider]))
        self.place = place
        self.site = Site(
            role=role,
            environment=environment,
            settings=settings,
            chosen=place,
            place=standing(provider, place.name),
            keys=keys.arns,
            inside=pulumi.ResourceOptions(parent=self),
            ask=pulumi.InvokeOutputOptions(provider=provider),
        )
        self.voice = voice.raise_voice(self.site)
        self.data: data.Data
        self.operations: operations.Operations

    def stand(
        self, world: World, other: "RegionStack | None", search_role: SearchServiceRole | None = None
    ) -> None:
        """The rest. `other`: the estate's second region; the primary copies its data there."""
        standby = other if self.site.role == "primary" else None
        voices = voice.Voices(here=self.voice, other=other.voice if other else None)
        self.ground = ground.lay(self.site)
        self.data = data.keep(self.site, self.ground, standby.data if standby else None)
        self.signals = signals.connect(self.site)
        self.mind = mind.make(self.site, self.ground, self.data, self.signals, voices, search_role)
        self.doors = doors.open_doors(self.site, self.ground, self.data, world)
        self.hosts = hosts.run(self.site, self.ground, self.data, self.signals, self.mind, self.doors)
        self.operations = operations.guard(
            self.site,
            self.ground,
            self.data,
            self.signals,
            world,
            (standby.data, standby.operations) if standby else None,
        )
        self.alarms = self._watch()
        self.register_outputs({"region": self.place.name, "vpc_id": self.ground.network.vpc_id})

    @property
    def watched(self) -> list[Watched]:
        """Every part that knows how it fails and how it looks."""
        areas = (
            self.ground,
            self.data,
            self.signals,
            self.mind,
            self.doors,
            self.hosts,
            self.operations,
        )
        return [part for area in areas for part in area.watched if part is not None]

    def _watch(self) -> Alarms:
        return Alarms(
            self.site.named("alarms"),
            AlarmsArgs(
                environment=self.site.environment,
                watches=watches_of(self.watched),
                topics=self.signals.notices.topics,
                over=self._over(),
            ),
            self.site.inside,
        )

    def _over(self) -> list[Composite]:
        """Alarms over alarms, where shoppers were promised something."""
        if not self.site.settings.operations.error_budgets:
            return []
        return [*composites(), *self.signals.levels.composites()]

    def show(self, of_the_world: Sequence[Watched]) -> None:
        """The pages people open; `of_the_world`: what stands once, and is measured in us-east-1."""
        parts = {self.place.name: self.watched}
        if of_the_world:
            parts[WORLD] = [*parts.get(WORLD, ()), *of_the_world]
        Dashboards(
            self.site.named("dashboards"),
            DashboardsArgs(
                environment=self.site.environment,
                role=self.site.role,
                place=self.site.place,
                pages=self.site.settings.operations.dashboards,
                parts=parts,
                pagers=self.alarms.pagers,
            ),
            self.site.inside,
        )
