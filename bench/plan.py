"""How long a plan takes, and how that grows with the estate.

Each figure is the median of several runs in fresh processes; growth is given as ratios between sizes of the
same run, because machines differ. All sizes run their program twice in one process; `prod, run` is what
`concierge plan prod` does: twice side by side, in two processes. `prod, plain` is prod with Pulumi's
bookkeeping as it is, without `plan.quick`. The network alone has a program of its own; sizes beyond prod
declare prod's regions again under other names. Usage: python bench/plan.py [RUNS]
"""

import statistics
import subprocess
import sys

PROGRAM = """
import gc, sys, time
gc.disable()  # as the command does
begin = time.perf_counter()
import plan
import pulumi
import pulumi_aws as aws
from components.network import Network, NetworkArgs
from stacks import settings, stackfile
stack, copies = sys.argv[1], int(sys.argv[2])
if copies:
    from components.keys import Keys, KeysArgs
    from components.place import Place
    from stacks import estate
    from stacks.region import RegionStack
if copies == -2:
    from plan import quick

    quick.SDK, copies = "none", 1
found = stackfile.read(stack)

def program():
    tree = settings.from_pulumi()
    world = estate.build(tree, project="concierge", stack=stack).world
    for number in range(1, copies):
        regions = [region(f"{role}-{number}", tree, place) for role, place in tree.places.items()]
        for one in regions:
            one.stand(world, next((each for each in regions if each is not one), None))

def region(role, tree, place):
    provider = aws.Provider(f"aws-{role}", region=place.name)
    here = Place(partition="aws", region=place.name, account_id="123456789012")
    keys = Keys(
        f"{role}-keys",
        KeysArgs(environment=stack, place=here, regions=[place.name], shared_key=None, protect=True),
        pulumi.ResourceOptions(providers=[provider]),
    )
    return RegionStack(role, stack, tree, place, provider, keys)

def network():
    tree = settings.from_pulumi()
    for role, place in tree.places.items():
        provider = aws.Provider(f"aws-{role}", region=place.name)
        Network(
            f"{role}-network",
            NetworkArgs(
                cidr=place.cidr, zones=place.zones, account_id="123456789012", offered_zones=place.zones,
                nat=tree.network.nat, flow_log_days=tree.network.flow_log_days, protect=True,
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

loaded = time.perf_counter()
if copies == -1:
    from concierge.planning import plan_of

    made = plan_of(stack)
else:
    chosen = program if copies else network
    made = plan.of_program(chosen, project=found.project, stack=stack, config=found.config)
end = time.perf_counter()
print(len(made.cloud), loaded - begin, end - loaded)
"""


def measure(stack: str, copies: int, runs: int) -> tuple[int, float, float]:
    """(resources, seconds to import, seconds to plan), medians over fresh processes."""
    rows = []
    for _ in range(runs):
        command = [sys.executable, "-c", PROGRAM, stack, str(copies)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        rows.append((int(told[0]), float(told[1]), float(told[2])))
    return rows[0][0], statistics.median(r[1] for r in rows), statistics.median(r[2] for r in rows)


SIZES = (
    ("network", "prod", 0),
    ("dev", "dev", 1),
    ("prod", "prod", 1),
    ("prod x2", "prod", 2),
    ("prod x4", "prod", 4),
    ("prod, plain", "prod", -2),
    ("prod, run", "prod", -1),
)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("plan        resources  import s   plan s  total s  ms/resource  vs prod")
    base = 0.0
    for name, stack, copies in SIZES:
        count, loading, planning = measure(stack, copies, runs)
        each = planning / count * 1_000
        base = base or (each if name == "prod" else 0.0)
        ratio = f"{each / base:.2f}" if base else "-"
        total = loading + planning
        print(f"{name:<12}{count:>9}{loading:>10.2f}{planning:>9.2f}{total:>9.2f}{each:>13.2f}{ratio:>9}")
    print("vs prod: time per resource beside prod's; 1.00 is linear.")


if __name__ == "__main__":
    main()
