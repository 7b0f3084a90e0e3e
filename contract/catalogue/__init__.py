"""The catalogue over gRPC: `catalogue.proto`, the messages generated from it (`make proto`), and its calls.

Nothing is generated for the calls themselves: `rpc.CALLS` says for each what goes in and what comes out:
all that a client or a server has to know.
"""
