"""Which faults happen when: random, but the same for the same seed. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

NetworkFault: TypeAlias = Literal["cut", "stalled", "trickling", "dripping", "swallowed", "corrupt", "refused"]
"""What a relay does to a connection: see `peers.tcp_relay`. A cut takes no time; refused begins with a cut."""

ServerFault: TypeAlias = Literal["killed", "frozen"]

Kind: TypeAlias = NetworkFault | ServerFault

SILENT: frozenset[Kind] = frozenset({"stalled", "swallowed", "frozen"})
"""The connection stays and nothing comes, so only a watch can notice."""

SPOILING: frozenset[Kind] = frozenset({"swallowed", "corrupt"})
"""Pictures that come afterwards may be damaged, and then do not show when they were made."""

# On average; with a fault's length of a few seconds about three of them go on at the same time.
_EVERY_S = 0.8
_SHORTEST_S, _LONGEST_S = 0.2, 5.0
# Between two faults of one place, so that the end of each one is seen.
_REST_S = 0.5


@dataclass(frozen=True, slots=True)
class Fault:
    """Something goes wrong at a place, a relay or a server, from `at_s` on for `for_s` seconds."""

    kind: Kind
    place: str
    at_s: float
    for_s: float


def plan(count: int, seed: int, *, relays: Sequence[str], servers: Sequence[str]) -> list[Fault]:
    """Random faults in the order of time; each place has one at a time, but the server behind a relay has its own."""
    rng = random.Random(seed)  # noqa: S311 (chaos, not secrets)
    free_s = dict.fromkeys([*relays, *servers], 0.0)
    faults: list[Fault] = []
    now_s = 0.0
    while len(faults) < count:
        now_s += rng.expovariate(1 / _EVERY_S)
        places = [place for place, until_s in free_s.items() if until_s <= now_s]
        if places:
            place = rng.choice(places)
            kind = rng.choice(get_args(ServerFault if place in servers else NetworkFault))
            for_s = 0.0 if kind == "cut" else rng.uniform(_SHORTEST_S, _LONGEST_S)
            faults.append(Fault(kind, place, now_s, for_s))
            free_s[place] = now_s + for_s + _REST_S
    return faults
