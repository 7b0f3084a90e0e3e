"""Every incident there is, by its runbook, and how a place with one of them is made."""

from contract.inventory import Inventory
from runbooks import load
from tests.runbooks import incident_bedrock_helpers as bedrock
from tests.runbooks import incident_data_helpers as data
from tests.runbooks import incident_delivery_helpers as delivery
from tests.runbooks import incident_doors_helpers as doors
from tests.runbooks import incident_search_helpers as search
from tests.runbooks import incident_services_helpers as services
from tests.runbooks import incident_spend_helpers as spend
from tests.runbooks.place_helpers import Incident, Place

INCIDENTS: dict[str, Incident] = {
    each.runbook: each
    for each in (
        *bedrock.INCIDENTS,
        *search.INCIDENTS,
        *data.INCIDENTS,
        *services.INCIDENTS,
        *doors.INCIDENTS,
        *delivery.INCIDENTS,
        *spend.INCIDENTS,
    )
}


def healthy(inventory: Inventory, name: str) -> Place:
    """A quiet a place in which this runbook could work."""
    place = Place(inventory=inventory, inputs=dict(INCIDENTS[name].inputs))
    place.watch(load(name))
    INCIDENTS[name].stand(place)
    return place


def broken(inventory: Inventory, name: str, by: str | None = None) -> Place:
    """The same, and then ten minutes of an incident: its own, or another's."""
    place = healthy(inventory, name)
    place.live(120)
    incident = INCIDENTS[by or name]
    incident.stand(place)
    incident.strike(place)
    place.live(360)
    return place
