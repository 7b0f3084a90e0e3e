"""The shop the agent sells for: made-up goods, people and documents, and the services that know of them.

`python -m rehearsal.shop --port 0 --seed 7`. Everything follows from the seed. What is AWS's is elsewhere.
"""
