"""`python -m rehearsal.sagemaker`: serves until SIGTERM or SIGINT; one JSON line says where."""

import threading

from rehearsal import serving as http
from rehearsal.sagemaker import classifier
from rehearsal.sagemaker.server import USUAL, SageMaker, kind_of


def main() -> None:
    parser = http.parser("rehearsal.sagemaker", "SageMaker's runtime on loopback.")
    parser.add_argument("--endpoint", action="append", type=_endpoint, help="a name that says the kind")
    options = parser.parse_args()
    # Ready at once: a first question that comes before the model has learnt waits for it.
    threading.Thread(target=classifier.trained, daemon=True).start()
    sagemaker = SageMaker(seed=options.seed, speed=options.speed, endpoints=options.endpoint or USUAL)
    http.run(options.port, lambda: http.serving(sagemaker.app(), options.port))


def _endpoint(name: str) -> str:
    kind_of(name)
    return name


if __name__ == "__main__":
    main()
