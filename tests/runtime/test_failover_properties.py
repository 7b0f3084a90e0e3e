"""What must hold of failover (RUN-5 to RUN-7), one test a property; `test_mutants.py` shows they can fail."""

import pytest

from tests.runtime.properties_helpers import PROPERTIES


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
def test_it_holds(holds):
    holds()
