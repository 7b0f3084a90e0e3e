"""From traffic to capacity to money: how much an event needs, what it costs, what gives way first.

Pure functions on data; what is measured, assumed or quoted lies in TOML beside them, with where it is from.
Nothing here asks AWS, sends a message or prints. What the tool decides leaves as a settings patch, which
`plan` and `policies` judge, and as the forecast that runbooks read (`contract.forecast`).
"""
