"""Every test gets an AWS account of its own, ready for prod."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from plan import Plan
from tests.plan.preflight.account_helpers import Account, seeded


@pytest.fixture
def account(prod: Plan) -> Iterator[Account]:
    with mock_aws():
        yield seeded(prod)
