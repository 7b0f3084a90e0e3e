"""Making things go wrong on purpose (CHAOS-1, CHAOS-2): experiments as data, faults as functions, a journal.

An experiment says what must stay true and how to try to break it. Measuring is not done here: what people saw
is measured where they are, and handed to `steady_state.judge`. Nothing here knows who serves the messages.
"""
