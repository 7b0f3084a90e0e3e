"""The shop's services as typed clients: what they offer, and ProviderError where one does not answer (NET-4).

`opening.open_shop` gives all that have a place. Money is in cents. What a user may see of it, and what a
model is told, is decided elsewhere; a cache is not here either.
"""
