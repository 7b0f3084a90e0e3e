"""Checks of ours for what checkov has none: AgentCore, Bedrock's guardrail, vectors in OpenSearch.

Checkov loads every file of this folder inside its own environment, so they import nothing but checkov.
"""
