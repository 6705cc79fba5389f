"""The best return of one layout, found by trying everything."""

from taskgen.generators.alchemy.chemistry import GRAPHS, SHOWN_VALUES


def by_force(graph, stones, potions, horizon, bonus):
    """The best return by trying every action in every order."""
    seen = {}
    moves = GRAPHS.moves[graph]

    def search(stones, potions, left):
        key = (stones, potions, left)
        if left == 0 or not stones:
            return 0.0
        if key not in seen:
            value = 0.0
            for i, stone in enumerate(stones):
                rest = stones[:i] + stones[i + 1 :]
                reward = SHOWN_VALUES[stone] + bonus * (stone == 7)
                value = max(value, reward + search(rest, potions, left - 1))
                for j, kind in enumerate(potions):
                    after = tuple(sorted((*rest, int(moves[stone, kind]))))
                    value = max(value, search(after, potions[:j] + potions[j + 1 :], left - 1))
            seen[key] = value
        return seen[key]

    return search(tuple(sorted(stones)), tuple(sorted(potions)), horizon)
