"""Making things go wrong on purpose (CHAOS-1, CHAOS-2): experiments as data, faults as functions, a record.

`catalogue` reads experiments, `runner` walks through one against a target of `faults`, `verdict` judges what
was seen, `record` keeps it. What people saw is measured where they are: on stand-ins by `rehearsal.trial`, in
a deployed environment by customers of our own (`deployed`, `client`). Who serves them, nothing here knows.
"""
