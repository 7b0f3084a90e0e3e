"""`python -m rehearsal.dynamodb`: serves until SIGTERM or SIGINT; one JSON line says where."""

from rehearsal import serving as http
from rehearsal.clock import Clock
from rehearsal.dynamodb.door import Door


def main() -> None:
    parser = http.parser("rehearsal.dynamodb", "DynamoDB's door on loopback.")
    parser.add_argument("--behind", required=True, metavar="URL", help="the moto that holds the tables")
    options = parser.parse_args()
    door = Door(options.behind, Clock(options.speed))
    http.run(options.port, lambda: http.serving(door.app(), options.port))


if __name__ == "__main__":
    main()
