"""What the network of any stack must be, as checks on a plan (NET-1, NET-2, NET-3).

A check takes a plan and raises AssertionError. `test_network.py` holds the real plans against them, and
`test_network_loosened.py` shows for each that it can fail.
"""

from tests.stacks.checks import endpoint_helpers as endpoints
from tests.stacks.checks import group_helpers as groups
from tests.stacks.checks import route_helpers as routes
from tests.stacks.checks import upkeep_helpers as upkeep
from tests.stacks.checks.place_helpers import CHECKS, Check, Place, places

__all__ = ["CHECKS", "Check", "Place", "endpoints", "groups", "places", "routes", "upkeep"]
