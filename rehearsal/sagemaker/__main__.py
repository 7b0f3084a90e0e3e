"""`python -m rehearsal.sagemaker`: serves until SIGTERM or SIGINT; one JSON line says where."""

import threading

from rehearsal import serving as http
from rehearsal.sagemaker import classifier
from rehearsal.sagemaker.server import USUAL, SageMaker, kind_of

_LEARNS_AFTER_S = 8.0


def main() -> None:
    parser = http.parser("rehearsal.sagemaker", "SageMaker's runtime on loopback.")
    parser.add_argument("--endpoint", action="append", type=_endpoint, help="a name that says the kind")
    options = parser.parse_args()
    # Ready at once, and out of the way while the others start: a question that comes earlier waits for it.
    learning = threading.Timer(_LEARNS_AFTER_S, classifier.trained)
    learning.daemon = True
    learning.start()
    sagemaker = SageMaker(seed=options.seed, speed=options.speed, endpoints=options.endpoint or USUAL)
    http.run(options.port, lambda: http.serving(sagemaker.app(), options.port))


def _endpoint(name: str) -> str:
    kind_of(name)
    return name


if __name__ == "__main__":
    main()
