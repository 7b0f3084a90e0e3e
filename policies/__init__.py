"""What a plan must never contain: one set of rules with three readers (the engine, the command line, tests)."""
