"""Bedrock's runtime on loopback: ConverseStream in its true wire form, as far as the agent uses it.

`python -m rehearsal.bedrock --port 0 --seed 7 --speed 1` serves until it is stopped. Answers are made of the
prompt's own words; how fast they come is data in `pace.toml`.
"""
