"""What a rule of backups may say (DATA-8): what AWS would refuse at night is refused when the file loads."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from components.backup import BackupArgs, Taking, definitions
from components.backup_roles import Vaults
from components.tables import definitions as tables
from tests.components.data_helpers import place
from tests.components.operations_helpers import TABLES, key

VAULT = "arn:aws:backup:us-east-1:123456789012:backup-vault:concierge-shop"


def test_every_rule_fits_the_locked_vault():
    """A rule outside the lock is refused when its job runs, not when it is written."""
    for taking in (taking for kind in definitions().values() for taking in kind.values()):
        assert 7 <= taking.days <= 400


@pytest.mark.parametrize(
    ("taking", "why"),
    [
        ({"days": 90, "cold": 30}, "use days = 120"),
        ({"days": 36, "continuous": True}, "at most 35 days"),
        ({"days": 3}, "greater than or equal to 7"),
        ({"days": 401}, "less than or equal to 400"),
    ],
)
def test_a_rule_that_aws_would_refuse_is_refused_here(taking: Mapping[str, Any], why: str):
    with pytest.raises(ValidationError, match=why):
        Taking.model_validate({"schedule": "cron(0 5 * * ? *)", **taking})


def test_a_trial_needs_a_backup():
    with pytest.raises(ValueError, match="never backed up: orders"):
        BackupArgs(
            environment="shop",
            place=place("primary"),
            vault="v",
            vaults=Vaults(here=VAULT, here_key=key("backups")),
            tables=TABLES,
            table_keys=[key("tables")],
            buckets={},
            bucket_key=key("objects"),
            tried=("orders",),
            trial_key=key("tables"),
            account_settings=True,
            log_key_arn=key("logs"),
            log_days=90,
        )


def test_customers_keys_are_no_table_to_archive():
    """DATA-9: a copy would undo erasures."""
    assert not tables()["customer-keys"].archived
