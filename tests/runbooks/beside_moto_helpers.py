"""A stand-in for the few AWS calls that moto does not have: it answers in botocore's own wire formats.

Each operation is a function from the call's parameters to what AWS would answer. What was asked and what came
of it is kept in `Place.memory`, where incidents look.
"""

import json
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.model import OperationModel
from botocore.parsers import create_parser

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class RefusedError(Exception):
    """What AWS answers instead."""

    def __init__(self, code: str, message: str = "as the stand-in has it") -> None:
        super().__init__(message)
        self.code = code


class Beside:
    """Answers the operations it is given, for every client that a session makes from now on.

    `heard` hears of each call first, as it hears of those that moto answers.
    """

    def __init__(self, session: boto3.Session, heard: Callable[..., None]) -> None:
        self._session, self._heard, self._asked = session, heard, threading.local()

    def answer(self, service: str, operation: str, work: Operation) -> None:
        """`service` and `operation` as botocore's events spell them: `sqs`, `StartMessageMoveTask`."""

        def keep(params: dict[str, Any], **_: Any) -> None:
            self._asked.params = dict(params)

        def call(model: OperationModel, params: Any, **_: Any) -> tuple[AWSResponse, Any]:
            self._heard(model=model, params=params)
            status, said = _worked(work, self._asked.params)
            body = json.dumps(said, default=_seconds).encode()
            headers = {"x-amzn-errortype": said["__type"]} if status != 200 else {}
            answer = {"status_code": status, "headers": HTTPHeaders.from_dict(headers), "body": body}
            parser = create_parser(model.service_model.resolved_protocol)
            http = AWSResponse("https://beside.moto", status, headers, None)  # type: ignore[arg-type]
            shape: Any = model.output_shape
            return http, parser.parse(answer, shape)

        self._session.events.register(f"before-parameter-build.{service}.{operation}", keep)
        heard: Any = call  # what it answers is taken in place of the service's answer
        self._session.events.register(f"before-call.{service}.{operation}", heard)


def _worked(work: Operation, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    try:
        return 200, work(params)
    except RefusedError as refused:
        return 400, {"__type": refused.code, "message": str(refused)}


def _seconds(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(type(value))
