"""What every component shares: its type token and how children are made. Nothing that knows AWS."""

from typing import ClassVar

import pulumi


class Component(pulumi.ComponentResource):
    """A named group of resources. Subclasses set `kind`, e.g. `network:Network`."""

    kind: ClassVar[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"concierge:{self.kind}", name, {}, opts)
        self.name = name

    def child(self, *, protect: bool | None = None) -> pulumi.ResourceOptions:
        """Options for a resource of this component."""
        return pulumi.ResourceOptions(parent=self, protect=protect)
