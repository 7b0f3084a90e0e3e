"""The tools over MCP, by its official SDK: listed with their schemas, called with typed input and result.

The same server for any way in: streamable HTTP, stdio, in process. The SDK is imported here and in `serving`
alone: it costs more to import than the whole chat service, which calls tools without it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from runtime.tools.schema import schema
from runtime.tools.tool import Caller, Tool
from runtime.tools.toolbox import LONGEST_KEY, Toolbox

NAME = "concierge"
ABOUT = (
    "Tools of a shop. A change wants an idempotency_key: send the same one again when an answer was lost, "
    "and it happens once. pay and refund_order also want the customer's confirmation, which only the "
    "customer's own client can get."
)
KEY, WORD = "idempotency_key", "confirmation"
_KEY_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST_KEY,
    "description": "yours, the same for every try of one change",
}
_WORD_SCHEMA = {
    "type": "string",
    "description": "the customer's own yes; left out, the answer says what is to be confirmed",
}

# Who calls, by the HTTP headers of the request; there are none over stdio and in process.
Who = Callable[[Mapping[str, str]], Awaitable[Caller]]


def server(toolbox: Toolbox, who: Who) -> Server[Any]:
    """One for all connections."""
    listed = [_listed(tool) for tool in toolbox.tools.values()]

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=listed)

    async def call_tool(
        context: ServerRequestContext[Any], asked: types.CallToolRequestParams
    ) -> types.CallToolResult:
        headers = context.request.headers if context.request is not None else {}
        caller, arguments = _apart(await who(headers), asked.arguments or {})
        result = await toolbox.call(asked.name, arguments, caller)
        return types.CallToolResult(
            content=[types.TextContent(text=result.text)],
            structured_content=dict(result.data) if result.ok else None,
            is_error=not result.ok,
        )

    return Server(NAME, version="1", instructions=ABOUT, on_list_tools=list_tools, on_call_tool=call_tool)


def _listed(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.does,
        input_schema=_input(tool),
        output_schema=dict(schema(tool.gives)),
        annotations=types.ToolAnnotations(
            read_only_hint=not tool.changes, destructive_hint=tool.kind == "money", idempotent_hint=True
        ),
    )


def _input(tool: Tool) -> dict[str, Any]:
    """With what a program has to send that a model never does."""
    made = dict(schema(tool.takes))
    if not tool.changes:
        return made
    more = {KEY: _KEY_SCHEMA, **({WORD: _WORD_SCHEMA} if tool.kind == "money" else {})}
    return {
        **made,
        "properties": {**made.get("properties", {}), **more},
        "required": [*made.get("required", ()), KEY],
    }


def _apart(who: Caller, arguments: Mapping[str, Any]) -> tuple[Caller, Mapping[str, Any]]:
    """The caller with key and word, and the input of the tool itself."""
    key, word = str(arguments.get(KEY, "")), str(arguments.get(WORD, ""))
    rest = {name: value for name, value in arguments.items() if name not in {KEY, WORD}}
    return Caller(who.person, who.session, who.scopes, key, word, "mcp"), rest
