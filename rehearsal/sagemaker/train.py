"""`python -m rehearsal.sagemaker.train`: how good the intent classifier is on what it never saw.

Several splits, because of a few hundred utterances one split says little. `--utterances` takes another file.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from rehearsal.sagemaker.classifier import FILE, Utterance, accuracy, split, train, utterances


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m rehearsal.sagemaker.train")
    parser.add_argument("--utterances", type=Path, default=FILE, help="label, tab, text")
    parser.add_argument("--held-out", type=float, default=0.2, help="share that is asked, not learnt")
    parser.add_argument("--splits", type=int, default=5)
    options = parser.parse_args()
    try:
        rows = utterances(options.utterances)
    except (OSError, TypeError, ValueError) as wrong:
        sys.exit(f"{options.utterances}: {wrong}")
    print(json.dumps(report(rows, options.held_out, options.splits), indent=2))


def report(rows: list[Utterance], held_out: float = 0.2, splits: int = 5) -> dict[str, float]:
    """Accuracy on held-out utterances over several splits."""
    found = []
    for seed in range(splits):
        learn, ask = split(rows, held_out, seed)
        found.append(accuracy(train(learn), ask))
    return {
        "utterances": len(rows),
        "held_out": held_out,
        "accuracy": round(statistics.mean(found), 3),
        "worst_split": round(min(found), 3),
    }


if __name__ == "__main__":
    main()
