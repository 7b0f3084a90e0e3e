"""How long our own rules take on prod, beside the plan they look at.

The plan is made as `concierge plan prod` makes it; then all rules are asked about it, with a view of its own
each time, so that nothing is remembered. Figures are medians over fresh processes; the ratio is what compares
machines. Usage: python bench/policies.py [RUNS]
"""

import json
import statistics
import subprocess
import sys
from typing import Any

PROGRAM = """
import json, time
import plan
from policies import sources, view
from policies.rules import RULES

begin = time.perf_counter()
made = plan.run("prod")
planned = time.perf_counter()
found = sources.ours(made, True)
asked = time.perf_counter()
seen, taken = view.of_plan(made), {}
for rule in RULES.values():
    before = time.perf_counter()
    rule.findings(seen, protected=True)
    taken[rule.id] = time.perf_counter() - before
seconds = {"plan": planned - begin, "rules": asked - planned, "each": taken}
print(json.dumps({"resources": len(made.resources), **seconds}))
"""
SLOWEST = 5


def measure() -> dict[str, Any]:
    """One run in a process of its own."""
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    loaded: dict[str, Any] = json.loads(told.stdout)
    return loaded


def main() -> None:
    runs = [measure() for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3)]
    planning, asking = (statistics.median(run[what] for run in runs) for what in ("plan", "rules"))
    each = runs[0]["each"]
    print(f"plan of prod    {planning:7.2f} s  {runs[0]['resources']} resources")
    print(f"{len(each)} rules        {asking:7.3f} s  at most 2 s are allowed")
    print(f"rules to plan   {asking / planning:7.3f}")
    for rule, taken in sorted(each.items(), key=lambda item: -item[1])[:SLOWEST]:
        print(f"  {rule:<26}{taken * 1e3:7.1f} ms")


if __name__ == "__main__":
    main()
