"""How OpenSearch says no: a type, a reason and a status, in the shape its clients parse."""

from typing import Any

from aiohttp import web


class SearchError(Exception):
    """A refusal; `type` is OpenSearch's own name for it."""

    def __init__(self, status: int, type_: str, reason: str, **more: Any) -> None:
        super().__init__(reason)
        self.status, self.type, self.more = status, type_, more

    @property
    def cause(self) -> dict[str, Any]:
        return {"type": self.type, "reason": str(self), **self.more}

    def response(self) -> web.Response:
        body = {"error": {"root_cause": [self.cause], **self.cause}, "status": self.status}
        return web.json_response(body, status=self.status)


def parsing(reason: str) -> SearchError:
    return SearchError(400, "parsing_exception", reason)


def illegal(reason: str) -> SearchError:
    return SearchError(400, "illegal_argument_exception", reason)


def no_index(name: str) -> SearchError:
    return SearchError(404, "index_not_found_exception", f"no such index [{name}]", index=name)


def injected(status: int) -> web.Response:
    """What a cluster in trouble says."""
    said = {
        429: ("rejected_execution_exception", "rejected execution of coordinating operation"),
        500: ("exception", "internal error"),
        503: ("cluster_manager_not_discovered_exception", "no cluster manager"),
    }
    type_, reason = said.get(status, ("exception", "gateway"))
    return SearchError(status, type_, reason).response()
