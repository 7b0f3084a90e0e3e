"""Many requests miss the same entries at once, as after a flash sale (RUN-8): answer more from what is there.

The runtime coalesces equal questions and renews entries early; this is for when that is not enough.
"""

from runbooks.engine import About, Alarmed, Blame, Runbook
from runbooks.parts import relief
from runbooks.parts.valkey import ENGINE_BUSY, MISSES, reporting

ID = "cache-stampede"

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="first words come late, model calls and their cost rise",
        budget_min=15,
        escalate="runtime on-call, with the entry that is missed: product or promotion of the hour",
    ),
    diagnose={
        "engine": ENGINE_BUSY,
        "misses": MISSES,
        "nodes": reporting,
        "alarms": Alarmed(ID),
    },
    decide=Blame("misses", unless={"nodes": "valkey-down"}),
    mitigate=(relief.cache("aggressive"), relief.canned_first()),
    verify=MISSES.well(within_s=600),
)
