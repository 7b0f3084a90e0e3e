"""Load: customers who write at planned moments, whatever the answer takes, and what became of each message.

`locust -f loadtests/prime_day.py` is the way in. Of ours it knows only `contract`, so that it runs alone on a
worker; it knows no AWS. Everything but `generator` and `prime_day` is importable without Locust or gevent.
"""
