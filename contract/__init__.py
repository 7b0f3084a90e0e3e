"""What the rooms agree on: shapes, names, prices, facts about regions.

Imports nothing of ours, and nothing that talks to a network. Data lives beside it in TOML and is
validated when it is loaded. A type here changes only together with everyone who reads it.
"""
