"""Every test gets an AWS account of its own, ready for prod."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from plan import Plan
from rehearsal import url_rules
from tests.plan.preflight.account_helpers import Account, seeded


@pytest.fixture
def account(prod: Plan) -> Iterator[Account]:
    url_rules.make_one_by_one()
    with mock_aws():
        yield seeded(prod)
