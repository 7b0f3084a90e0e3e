"""`python -m runtime.eval.safety`: the suite of the checkout it runs in, as one JSON document."""

from runtime.eval.safety.suite import suite

if __name__ == "__main__":
    print(suite().model_dump_json())
