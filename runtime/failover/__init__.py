"""Somebody always answers: what a call came to, when a rung is given up, and the walk down the ladder.

No transport and no AWS client in here; botocore appears only as the names of its errors.
"""
