"""Valkey on loopback: a real server where the machine has one, else fakeredis with its Lua and expiry.

`python -m rehearsal.cache --port 0`. Clients reach it through a proxy of ours, where faults are.
"""
