"""The doors of the agent: each turns what its callers speak into messages, and frames into what they read.

What a message means is the conversation's business; who asks is settled here, once.
"""
