"""Agents: who answers which messages with tools, in what words, and when they are stopped (RUN-15).

A supervisor that is no model picks the specialist by the message's intent; a specialist hands over to another
with a tool. The loop is a model port around another, so that failover, deadlines and checks hold for it as
for any answer.
"""
