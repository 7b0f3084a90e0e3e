"""One experiment of chaos after another on this machine: tasks, people, alarms, somebody on call.

Brings the rooms together as a game day does, for one question at a time: does the system withstand this? The
faults, the verdict and the record are `chaos`'s; what is here makes things happen and watches.
"""
