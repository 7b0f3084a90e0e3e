"""Starts what golden prompts are asked of: an agent of any version, on stand-ins or on real models.

A version is `here` (this checkout), a folder with a checkout, a revision of git, the URL of an agent that
runs, or the folder of an earlier run. What is asked and how it is judged is `runtime.eval`'s business.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp

import plan
from contract.errors import WrongUseError
from contract.faults import FaultKind
from rehearsal import clients, environment, standins
from rehearsal.agent import agent
from rehearsal.bedrock.misbehaviour import KINDS
from rehearsal.environment import Aws
from rehearsal.processes import Processes
from rehearsal.shop.goods import Catalogue
from rehearsal.shop.knowledge import documents
from runtime.eval import checks, run
from runtime.eval.golden import Prompt
from runtime.eval.line import Line
from runtime.eval.run import Run
from runtime.eval.safety.suite import Suite
from runtime.eval.truth import Good, Truth

SHOP_SEED = 7  # of the shop that the golden prompts talk about
HERE = "here"
Bedrock = Literal["stand-in", "real"]
Tell = Callable[[str], None]
# A busy machine must not change an answer; nor may one prompt's answer serve another.
_PROVIDERS = ("catalogue", "product_search", "pricing", "recommendation", "shipping", "promotions", "orders")
_BUCKETS = ("user", "guest", "guest_floor")
PATIENT: Mapping[str, str] = {
    **{f"runtime.providers.{name}_s": "20" for name in _PROVIDERS},
    **{f"runtime.retrieval.{name}_s": "20" for name in ("embed", "search", "rerank")},
    **{f"runtime.rates.{name}.most": "100000" for name in _BUCKETS},
    "runtime.retrieval.intent_s": "1",
    "runtime.retrieval.total_s": "60",
    "runtime.sessions.read_s": "20",
    "runtime.sessions.write_s": "20",
}
CACHE = "CONCIERGE_CACHE_URL"


class VersionError(WrongUseError):
    """Something that is no version of the agent."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How versions are run. `changes`: settings of the candidate alone."""

    folder: Path
    stack: str = "dev"
    speed: float = 3.0
    at_once: int = 6
    budget_usd: float | None = None
    bedrock: Bedrock = "stand-in"
    misbehave: Mapping[FaultKind, float] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None


@dataclass(frozen=True)
class Version:
    """Where its answers come from: exactly one of the three."""

    name: str
    checkout: Path | None = None
    url: str | None = None
    kept: Path | None = None


def version(name: str, root: Path) -> Version:
    """What a person means; VersionError where it is nothing known."""
    if "://" in name:
        return Version(name, url=name)
    folder = Path(name)
    if name == HERE:
        return Version(name, checkout=root)
    if (folder / run.ABOUT).is_file():
        return Version(name, kept=folder)
    if (folder / "runtime" / "__main__.py").is_file():
        return Version(name, checkout=folder.resolve())
    if folder.is_dir():
        raise VersionError(f"{name}: neither a checkout (no runtime/) nor a run (no {run.ABOUT})")
    return Version(name, checkout=_revision(name, root))


def _revision(name: str, root: Path) -> Path:
    """That revision in a folder of its own, made once."""
    asked = ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise VersionError(f"{name}: neither a folder, an URL nor a revision of git")
    commit = found.stdout.strip()
    folder = root / "build" / "evals" / "versions" / commit[:12]
    if not (folder / "runtime" / "__main__.py").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(
            ["git", "-C", str(root), "archive", commit, "runtime", "contract"],
            capture_output=True,
            check=False,
        )
        if packed.returncode != 0:
            raise VersionError(f"{name}: git cannot read it: {packed.stderr.decode().strip()}")
        subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    return folder


def truth(seed: int = SHOP_SEED) -> Truth:
    """That of the stand-ins' shop."""
    goods = [
        Good(
            asin=one.asin,
            title=one.title,
            title_ja=one.title_ja,
            category=one.category,
            kind=one.kind,
            cents=one.price,
            list_cents=one.list_price,
        )
        for one in Catalogue(seed).products.values()
    ]
    return Truth.of(goods, (cents for one in documents(seed) for cents in checks.amounts(one.text)))


def ask_all(versions: Sequence[Version], prompts: Sequence[Prompt], wish: Wish, tell: Tell) -> list[Run]:
    """A run of each, one after another: side by side they would slow each other. Main thread only.

    The last one is the candidate.
    """
    names = ("run",) if len(versions) == 1 else ("against", "candidate")
    with ExitStack() as stack:
        stand = _Stand(wish, stack, tell)
        return [
            run.read(one.kept)
            if one.kept is not None
            else _ask(one, prompts, wish, wish.folder / name, stand, tell, candidate=name != "against")
            for one, name in zip(versions, names, strict=True)
        ]


class _Stand:
    """The stand-ins, started for the first version that needs them."""

    def __init__(self, wish: Wish, stack: ExitStack, tell: Tell) -> None:
        self._wish, self._stack, self._tell = wish, stack, tell
        self._aws: Aws | None = None

    def variables(self, *, candidate: bool) -> Mapping[str, str]:
        """The environment of an agent on them."""
        aws = self._started()
        found = {name: value for name, value in aws.variables().items() if name != CACHE}
        if self._wish.bedrock == "real":
            found |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        if candidate and self._wish.changes:
            found |= _published(self._wish, aws)
        return found

    def _started(self) -> Aws:
        if self._aws is None:
            self._tell("stand-ins start")
            wish = self._wish
            only = [n for n in standins.MODULES if wish.bedrock == "stand-in" or n != standins.BEDROCK]
            standing = environment.standing(
                wish.folder / "stand-ins",
                plan.run(wish.stack, changes=PATIENT),
                seed_=SHOP_SEED,
                speed=wish.speed,
                only=only,
                misbehave=wish.misbehave,
            )
            self._aws = self._stack.enter_context(standing)
        return self._aws


def _published(wish: Wish, aws: Aws) -> Mapping[str, str]:
    """The candidate's own settings and model calls, beside those of the stack: where they are."""
    changed = plan.run(wish.stack, changes={**PATIENT, **wish.changes})
    client: Any = clients.session(aws.region).create_client("ssm", endpoint_url=aws.urls[standins.AWS])
    found = {}
    for what in ("settings", "models"):
        usual = f"/concierge/{wish.stack}/{what}"
        parameter = next(
            one
            for one in changed.of_type("ssm.Parameter")
            if one.region == aws.region and one.inputs.get("name") == usual
        )
        value = parameter.inputs.get("value") or parameter.inputs["insecureValue"]
        name = f"/concierge/{wish.stack}/candidate/{what}"
        client.put_parameter(Name=name, Value=str(value), Type="String", Overwrite=True, Tier="Advanced")
        found[f"CONCIERGE_{what.upper()}"] = name
    return found


def _ask(
    one: Version,
    prompts: Sequence[Prompt],
    wish: Wish,
    folder: Path,
    stand: _Stand,
    tell: Tell,
    *,
    candidate: bool,
) -> Run:
    told = run.about(one.name, prompts, stand_ins=one.url is None and wish.bedrock == "stand-in")
    with _url(one, wish, folder, stand, candidate=candidate) as url:
        tell(f"{one.name}: {len(prompts)} prompts, {wish.at_once} at a time")

        async def play() -> Run:
            async with aiohttp.ClientSession() as http:
                line = Line(http, url, token=wish.token)
                await line.reachable()
                return await run.run(
                    prompts,
                    line.ask,
                    told,
                    folder,
                    at_once=wish.at_once,
                    budget_usd=wish.budget_usd,
                    listener=_progress(one.name, tell),
                )

        return asyncio.run(play())


@contextmanager
def _url(one: Version, wish: Wish, folder: Path, stand: _Stand, *, candidate: bool) -> Iterator[str]:
    """Where the version answers, as long as the block lasts."""
    if one.checkout is None:
        yield one.url or ""
        return
    own = {"PYTHONPATH": str(one.checkout), "PYTHONSAFEPATH": "1"}  # its code, wherever this was started
    with Processes(folder / "agent") as processes:
        variables = {**stand.variables(candidate=candidate), **own}
        yield str(agent(processes, wish.stack, variables).ready_line()["url"])


def _progress(name: str, tell: Tell) -> run.Listener:
    def heard(answered: int, all_: int, usd: float) -> None:
        if answered % 25 == 0 or answered == all_:
            tell(f"{name}: {answered} of {all_}, ${usd:.4f}")

    return heard


def folder_for(root: Path) -> Path:
    """build/evals/<time>."""
    return root / "build" / "evals" / time.strftime("%Y%m%d-%H%M%S")


def bedrock(name: str) -> Bedrock:
    """Which models answer."""
    if name == "stand-in":
        return "stand-in"
    if name != "real":
        raise VersionError(f"--bedrock {name}: stand-in or real")
    return "real"


def misbehaviour(rates: Mapping[str, str]) -> Mapping[FaultKind, float]:
    """What the stand-in's models do wrong, and how often."""
    found = {}
    for name, rate in rates.items():
        try:
            kind, share = FaultKind(name), float(rate)
        except ValueError:
            raise VersionError(
                f"--misbehave {name}={rate}: write a kind and a share, such as wrong-price=0.2"
            ) from None
        if kind not in KINDS or not 0 <= share <= 1:
            raise VersionError(f"--misbehave {name}={rate}: one of {', '.join(KINDS)}, from 0 to 1")
        found[kind] = share
    return found


def safety_of(checkout: Path) -> Suite:
    """The safety suite of another checkout: its rules, its cases."""
    asked = [sys.executable, "-P", "-m", "runtime.eval.safety"]
    environment_ = {**os.environ, "PYTHONPATH": str(checkout)}
    told = subprocess.run(asked, env=environment_, capture_output=True, text=True, check=False)
    if told.returncode != 0:
        last = (told.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise VersionError(f"{checkout}: its safety checks cannot be scored: {last}")
    return Suite.model_validate_json(told.stdout)
