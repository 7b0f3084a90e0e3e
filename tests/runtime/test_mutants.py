"""Every bug planted in breaker and ladder is noticed by the property that is there for it."""

import pytest

from tests.runtime.mutants_helpers import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_it_is_killed(mutant, monkeypatch):
    mutant.plant(monkeypatch)
    with pytest.raises(BaseException, match=r"[\s\S]*") as noticed:
        mutant.killed_by()
    assert not isinstance(
        noticed.value, (KeyboardInterrupt, SystemExit, TypeError, AttributeError, NameError)
    )
