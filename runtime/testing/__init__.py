"""For tests with a runtime, but without AWS and without waiting: virtual time, and models that obey."""
