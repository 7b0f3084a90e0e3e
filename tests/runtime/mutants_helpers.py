"""Failover with a bug planted in it: what an invariant is worth shows in the bugs that it notices.

Each mutant is one slip a person could make, patched into the real classes, and names the property that must
notice it.
"""

from tests.runtime import mutants_answer_helpers as answer
from tests.runtime import mutants_breaker_helpers as breaker
from tests.runtime import mutants_ladder_helpers as ladder

MUTANTS = (*breaker.MUTANTS, *ladder.MUTANTS, *answer.MUTANTS)
