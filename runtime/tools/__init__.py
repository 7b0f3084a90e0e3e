"""What can be done for a customer beside talking: tools, each with typed input and result (RUN-14).

A tool decides itself whether its caller may, whoever the caller is: an agent of ours, or a program over MCP.
Every change carries a key and happens once for it. Money moves by a confirmation alone. How a model comes to
call a tool is `runtime.agents`' business.
"""
