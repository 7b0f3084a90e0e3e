"""An engineer who read only the requirements slips something unsafe into a sound plan; the rules must say so.

Written from what the system must do, not from the rules: so a row may be caught by any rule, as long as
what it says is mandatory and points at what was changed, or at what the change left bare: the bucket of a
loosened block, the services in a subnet that got a way out. Which rule catches what, and that nothing else
fires, is `test_mutations`.
"""

import pytest

from plan import Plan
from tests.policies.mutation_helpers import Draft, found
from tests.policies.unsafe_data_helpers import DATA
from tests.policies.unsafe_helpers import Unsafe
from tests.policies.unsafe_services_helpers import SERVICES
from tests.policies.unsafe_ways_helpers import WAYS

UNSAFE = [*DATA, *WAYS, *SERVICES]


@pytest.mark.parametrize("unsafe", UNSAFE, ids=lambda unsafe: unsafe.id)
def test_the_rules_notice(prod: Plan, request: pytest.FixtureRequest, unsafe: Unsafe):
    whole: Plan = request.getfixturevalue("full") if unsafe.full else prod
    draft = Draft(whole)
    unsafe.do(draft)
    labels = {resource.urn: resource.label for resource in draft.plan.resources}

    about = {labels[f.urn]: f.rule for f in found(whole, draft) if f.severity == "mandatory"}

    assert about.keys() & set(unsafe.at), f"{unsafe.requirement}: {unsafe.what}; found only {about}"


def test_no_two_rows_have_one_name():
    assert len({unsafe.id for unsafe in UNSAFE}) == len(UNSAFE)
