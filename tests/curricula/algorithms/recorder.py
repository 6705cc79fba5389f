"""A curriculum that writes down what it is asked and told, for tests of combinators."""

from dataclasses import dataclass

from curricula.curriculum import Asked, Curriculum, Proposal


class Recorder(Curriculum):
    """Draws new tasks; remembers the number of every ask and the scores of every tell."""

    @dataclass(frozen=True)
    class Config:
        """Settings: which scores it wants, and a number to tell."""

        score: str | tuple[str, ...] | None = "mean_return"
        level: float = 0.0

    def __init__(self, config):
        self.config = config
        self.score = config.score
        self.asks, self.tells = [], []
        self._asked = Asked()

    def ask(self, source, distribution, n, rng):
        self.asks.append(n)
        return self._asked.remember([Proposal(t) for t in source.make(distribution, n, rng)])

    def tell(self, proposals, scores):
        self._asked.settle(proposals)
        self.tells.append(scores.tolist())

    def metrics(self):
        return {"curriculum/level": self.config.level}

    def state_dict(self):
        return {"asks": list(self.asks), "tells": list(self.tells)}

    def load_state_dict(self, state):
        self.asks, self.tells = list(state["asks"]), list(state["tells"])
