"""A service's tasks on loopback: the agent several times, a balancer in front, lost ones started anew.

`python -m rehearsal.tasks --log FILE`, with the agent's own variables in its environment. All tasks write
their lines into one file, as the log group of a service has them.
"""

ZONES = ("a", "b")
