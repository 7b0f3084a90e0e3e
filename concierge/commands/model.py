"""`concierge model`: versions of our own models in the estate's registry: list, register, approve, reject."""

from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output
from contract.errors import WrongUseError

if TYPE_CHECKING:
    from training.registry import Registry, Status, Version

app = typer.Typer(
    no_args_is_help=True, help="Models of our own: the registry of the estate, and who approved what."
)

Stack = Annotated[str, typer.Argument(help="Whose registry.")]
Number = Annotated[int, typer.Argument(min=1, help="Of the version.")]
Region = Annotated[str | None, typer.Option(help="Else the stack's primary one.")]
Endpoint = Annotated[
    str | None, typer.Option(metavar="URL", help="An AWS other than the real one: a rehearsal's.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Do it; else it is only told what would be done.")]
Why = Annotated[str, typer.Option(help="Kept with the decision.")]


@app.command("list")
def list_(
    stack: Stack, region: Region = None, endpoint_url: Endpoint = None, json: output.JsonFlag = False
) -> None:
    """Every version, the newest first."""
    registry = _registry(stack, region, endpoint_url)
    found = registry.versions()
    if json:
        output.document({"group": registry.group, "versions": [one.model_dump(mode="json") for one in found]})
        return
    from rich.table import Table

    table = Table("version", "status", "made", "measured", "artifact", "why", box=None, pad_edge=False)
    for one in found:
        measured = ", ".join(f"{name} {value:g}" for name, value in one.measures.items())
        table.add_row(
            str(one.number), one.status, f"{one.made:%Y-%m-%d %H:%M}", measured, one.artifact, one.why
        )
    output.show(table) if found else print(f"{registry.group} has no version yet")


@app.command()
def register(
    stack: Stack,
    artifact: Annotated[str, typer.Option(help="s3://bucket/key.tar.gz of the weights.")],
    image: Annotated[str, typer.Option(help="Image that serves them, by digest: repository@sha256:...")],
    measured: Annotated[
        list[str], typer.Option(metavar="NAME=VALUE", help="What was measured: accuracy=0.91.")
    ],
    about: Annotated[str, typer.Option(help="In words.")] = "",
    apply: Apply = False,
    region: Region = None,
    endpoint_url: Endpoint = None,
    json: output.JsonFlag = False,
) -> None:
    """Register a version; it waits for approval."""
    from pydantic import ValidationError

    from training.registry import Wanted

    try:
        wanted = Wanted(artifact=artifact, image=image, measures=_measures(measured), about=about)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        raise WrongUseError(f"--{first['loc'][0]} {first['input']}: {first['msg']}") from None
    registry = _registry(stack, region, endpoint_url)
    if not apply:
        _told(
            f"would register {artifact} in {registry.group}, to wait for approval: --apply does it",
            None,
            json=json,
        )
        return
    made = registry.register(wanted)
    _told(f"{registry.group}: version {made.number} waits for approval", made, json=json)


@app.command()
def approve(
    stack: Stack,
    version: Number,
    why: Why,
    apply: Apply = False,
    region: Region = None,
    endpoint_url: Endpoint = None,
    json: output.JsonFlag = False,
) -> None:
    """Approve a version that measured above the stack's threshold. Deploys nothing by itself."""
    _decide(_registry(stack, region, endpoint_url), version, "Approved", why, apply=apply, json=json)


@app.command()
def reject(
    stack: Stack,
    version: Number,
    why: Why,
    apply: Apply = False,
    region: Region = None,
    endpoint_url: Endpoint = None,
    json: output.JsonFlag = False,
) -> None:
    """Reject a version, or take an approval back."""
    _decide(_registry(stack, region, endpoint_url), version, "Rejected", why, apply=apply, json=json)


def _decide(registry: "Registry", number: int, to: "Status", why: str, *, apply: bool, json: bool) -> None:
    found = registry.version(number)
    if reason := registry.refusal(found, to):
        raise WrongUseError(reason)
    if not apply:
        _told(
            f"would make version {number} of {registry.group} {to}, now {found.status}: --apply does it",
            found,
            json=json,
        )
        return
    done = registry.decide(found, to, why)
    _told(f"{registry.group}: version {number} is {done.status}", done, json=json)


def _told(text: str, version: "Version | None", *, json: bool) -> None:
    if json:
        output.document({"told": text, "version": version.model_dump(mode="json") if version else None})
    else:
        print(text)


def _registry(stack: str, region: str | None, endpoint_url: str | None) -> "Registry":
    """The group that the stack declares. Its name is the component's."""
    import boto3
    from botocore.exceptions import BotoCoreError

    from components.training import group_name
    from stacks import settings
    from training.registry import Registry

    chosen = settings.load(stack)
    if not chosen.training.enabled:
        raise WrongUseError(f"stack {stack} has no registry: set concierge:training.enabled")
    try:
        where = region or chosen.regions.primary.name
        client = boto3.Session().client("sagemaker", region_name=where, endpoint_url=endpoint_url)
    except BotoCoreError as wrong:
        raise WrongUseError(f"SageMaker cannot be asked: {wrong}") from None
    return Registry(client, group_name(stack), chosen.training.threshold)


def _measures(given: list[str]) -> dict[str, float]:
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            raise WrongUseError(f"--measured {text}: write NAME=VALUE, such as accuracy=0.91") from None
    return found
