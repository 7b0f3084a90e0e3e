"""`python -m rehearsal.search`: serves until SIGTERM or SIGINT; one JSON line says where."""

from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rehearsal import serving as http
from rehearsal.search import corpus
from rehearsal.search.server import Search


def main() -> None:
    parser = http.parser("rehearsal.search", "OpenSearch on loopback.")
    parser.add_argument(
        "--nodes", type=int, default=3, help="data nodes; fewer leave replicas without a place"
    )
    parser.add_argument("--corpus", action="store_true", help="start with the shop's documents in the index")
    options = parser.parse_args()
    search = Search(seed=options.seed, speed=options.speed, nodes=options.nodes)
    http.run(options.port, lambda: _serving(search, options))


@asynccontextmanager
async def _serving(search: Search, options: Namespace) -> AsyncIterator[str]:
    if options.corpus:
        corpus.fill(search.cluster, options.seed)
    async with http.serving(search.app(), options.port) as url:
        yield url


if __name__ == "__main__":
    main()
