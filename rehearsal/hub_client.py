"""Asks the hub of `concierge aws up` how the stand-ins are."""

import http.client
import json
from urllib.parse import urlsplit

from rehearsal.daemon import DaemonError

_STATUS_PATH = "/_concierge/status"


def ended(hub: str) -> dict[str, str]:
    """The stand-ins that are not there any more, and how each ended."""
    place = urlsplit(hub)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
    try:
        connection.request("GET", _STATUS_PATH)
        said = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DaemonError(f"{hub} does not answer: {str(error) or type(error).__name__}") from None
    finally:
        connection.close()
    return {name: how for name, how in said.items() if how is not None}
