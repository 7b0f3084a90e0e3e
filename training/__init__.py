"""What models of our own are made from, and how they come into service (MOD-6): data and registry.

Trains nothing: that is the pipeline's business (`components/training.py`). How good answers are is
`runtime.eval`'s.
"""
