"""Originals of personal data (RUN-13): sealed with a key of each customer, shown by role, gone with that key.

What a conversation works with is redacted (`safety`); only here is there a way back. Cards, secrets and
numbers of identity are nobody's to keep: they are not taken in at all.
"""
