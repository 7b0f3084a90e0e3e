"""The agent that the stacks deploy: messages in over a WebSocket, answers out as frames, come what may.

Imports only `contract` of ours, so that it ships and runs alone. Everything gets what it needs through its
constructor; `assemble` puts the parts together, `__main__` gives them real ports. Time is the event loop's:
`loop.time()`, `asyncio.sleep`, `asyncio.timeout`; the wall clock only stamps lines and ends controls.
"""
