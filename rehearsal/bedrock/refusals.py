"""How Bedrock says no: error code, HTTP status and message, in the shape its clients parse."""

import json

from aiohttp import web

STATUS = {
    "AccessDeniedException": 403,
    "InternalServerException": 500,
    "MissingAuthenticationTokenException": 403,
    "ResourceNotFoundException": 404,
    "SerializationException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "ValidationException": 400,
}


class RefusedError(Exception):
    """A call that gets an error instead of a stream."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def response(self, request_id: str) -> web.Response:
        return web.Response(
            body=json.dumps({"message": str(self)}).encode(),
            status=STATUS[self.code],
            content_type="application/json",
            headers={
                "x-amzn-RequestId": request_id,
                "x-amzn-errortype": f"{self.code}:http://internal.amazon.com/coral/com.amazon.bedrock/",
            },
        )


def invalid(message: str) -> RefusedError:
    return RefusedError("ValidationException", message)


def throttled() -> RefusedError:
    return RefusedError("ThrottlingException", "Too many requests, please wait before trying again.")


def failed() -> RefusedError:
    return RefusedError("InternalServerException", "The system encountered an unexpected error.")


def unavailable() -> RefusedError:
    return RefusedError("ServiceUnavailableException", "Service is unavailable. Please try again later.")
