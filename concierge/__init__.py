"""The command line. It parses, calls a room, prints; it decides nothing.

Rooms are imported inside the command that needs them, so that `concierge --help` is instant.
"""
