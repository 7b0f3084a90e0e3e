"""How long the packaged agent takes to import, and what it weighs in memory: python bench/cold_start.py

The same recipe as for ARM64, with this machine's wheels; beside it the same packages untrimmed, as an
installer leaves them, and Python doing nothing: the floor. No bytecode of ours or of others, as on a host
that starts the artifact for the first time.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from artifact import lock, tree, wheels
from artifact.image import write
from artifact.recipe import recipe
from contract.runtime_settings import RuntimeSettings
from rehearsal import clients, standins
from rehearsal.processes import Process, Processes

ROOT = Path(__file__).resolve().parent.parent
RUNS = 7
IMPORT_S, RESIDENT_MB = 1.5, 200.0
IMPORT = "import sys; sys.path.insert(0, sys.argv[1]); import runtime.serve"


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        whole, trimmed = _trees(Path(place))
        sizes = [_megabytes(folder) for folder in (whole, trimmed)]
        nothing = _seconds("pass", Path(place))
        before, after = _seconds(IMPORT, whole), _seconds(IMPORT, trimmed)
        resident = _resident_mb(trimmed, Path(place) / "run")
    print(f"size, as installed                 {sizes[0]:6.1f} MB")
    print(f"size, as packaged                  {sizes[1]:6.1f} MB  {sizes[0] / sizes[1]:.1f}x less")
    print(f"CPU of Python that does nothing    {nothing:6.2f} s")
    print(f"CPU of the import, as installed    {before:6.2f} s   {before / nothing:.0f}x the floor")
    print(f"CPU of the import, as packaged     {after:6.2f} s   {after / nothing:.0f}x the floor")
    print(f"  limit {IMPORT_S} s: {'kept' if after < IMPORT_S else 'MISSED'}")
    print(f"resident after the first answer    {resident:6.1f} MB")
    print(f"  limit {RESIDENT_MB:.0f} MB: {'kept' if resident < RESIDENT_MB else 'MISSED'}")
    return 0 if after < IMPORT_S and resident < RESIDENT_MB else 1


def _trees(place: Path) -> tuple[Path, Path]:
    """(as an installer leaves it, as we package it), for this machine."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    mine = recipe().model_copy(update={"python": python, "platform": "x86_64-manylinux_2_28"})
    file = ROOT / "requirements" / "runtime.txt"
    wheels.unpack(file, lock.read(file, python), place / "site", mine, None)
    services = tuple(path.name for path in (place / "site" / "botocore" / "data").iterdir() if path.is_dir())
    everything = mine.model_copy(update={"drop": (), "services": services})
    for name, how in {"whole": everything, "trimmed": mine}.items():
        write(tree.assemble(place / "site", ROOT, how), place / name)
    return place / "whole", place / "trimmed"


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


def _seconds(program: str, folder: Path) -> float:
    """CPU, the least of several runs: what else this machine does only ever adds."""
    found = []
    for _ in range(RUNS):
        before = _spent()
        subprocess.run([_python(), "-I", "-S", "-B", "-c", program, str(folder)], check=True)
        found.append(_spent() - before)
    return min(found)


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _resident_mb(folder: Path, logs: Path) -> float:
    """Of the agent that has answered once, with stand-ins around it."""
    with Processes(logs) as processes:
        bedrock, aws = standins.start_bedrock(processes), standins.start_aws(processes)
        ssm: Any = clients.session("us-east-1").create_client("ssm", endpoint_url=standins.url(aws))
        for name, text in {"settings": RuntimeSettings().model_dump_json(), "controls": "{}"}.items():
            ssm.put_parameter(Name=f"/concierge/bench/{name}", Value=text, Type="String")
        runtime = processes.start(
            "runtime",
            [_python(), "-E", "-S", "-B", str(folder / "main.py"), "--host", "127.0.0.1", "--port", "0"],
            {
                "AWS_ACCESS_KEY_ID": clients.NOBODY,
                "AWS_SECRET_ACCESS_KEY": clients.NOBODY,
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL_SSM": standins.url(aws),
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": standins.url(bedrock),
                "CONCIERGE_ENVIRONMENT": "bench",
                "CONCIERGE_SETTINGS": "/concierge/bench/settings",
                "CONCIERGE_CONTROLS": "/concierge/bench/controls",
            },
        )
        return _after_an_answer(runtime)


def _after_an_answer(runtime: Process) -> float:
    url = str(runtime.ready_line()["url"])
    asked = Request(f"{url}/invocations", json.dumps({"prompt": "Hello"}).encode())  # noqa: S310 - loopback
    with urlopen(asked, timeout=30) as answer:  # noqa: S310
        answer.read()
    status = Path(f"/proc/{runtime.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _python() -> str:
    """The interpreter itself: an environment's own would bring packages."""
    return str(getattr(sys, "_base_executable", sys.executable))


if __name__ == "__main__":
    sys.exit(main())
