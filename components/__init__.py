"""One file, one ComponentResource: one thing an engineer points at on a whiteboard.

A component takes frozen arguments, parents everything it makes, names children predictably and exposes
typed outputs. It reads no settings and knows no other component's inside.
"""
