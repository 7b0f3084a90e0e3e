"""What a plan must never contain: one set of rules, read by the engine, the command line and tests."""
