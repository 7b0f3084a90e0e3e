"""What is remembered of conversations, tickets and feedback: DynamoDB, seen as little of as can be (DATA-2).

`opening.open_sessions` puts it together. Nothing here decides what may be remembered: texts go through the
`redact` that is given. Profiles, carts and orders are no sessions.
"""
