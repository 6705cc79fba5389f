"""Curricula named within curricula: made by name, and each hears the scores that it wants."""

import numpy as np
import pytest

from curricula.algorithms.domain_randomization import DomainRandomization
from curricula.parts import heard, labels_of, made, wanted


class Wants:
    def __init__(self, score):
        self.score = score


def test_a_curriculum_is_made_by_name_with_its_settings():
    here = "curricula.algorithms.sfl:SFL"
    assert isinstance(made("domain_randomization", {}, "parts"), DomainRandomization)
    assert made(here, {"num_kept": 3}, "parts").config.num_kept == 3


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("domain_randomisation", {}, "did you mean domain_randomization"),
        ("curricula.algorithms.sfl:SFL", {"num_keep": 3}, "did you mean num_kept"),
        ("curricula.algorithms.sfl:SFL", {"num_kept": 0}, "num_kept must lie"),
        ("domain_randomization", {"rate": 1}, "it has none"),
    ],
)
def test_what_cannot_be_made_says_why_and_where(name, options, reason):
    with pytest.raises(ValueError, match=f"^parts .*{reason}"):
        made(name, options, "parts")


def test_all_scores_are_asked_for_once():
    parts = [Wants("a"), Wants(None), Wants(("b", "a"))]
    assert wanted(parts) == ("a", "b")
    assert wanted(parts[:2]) == "a"
    assert wanted(parts[:2], ["c"]) == ("a", "c")
    assert wanted([Wants(None)]) is None


def test_each_hears_its_own_columns():
    table = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert heard(Wants("b"), ("a", "b"), table).tolist() == [2.0, 4.0]
    assert heard(Wants(("b", "a")), ("a", "b"), table).tolist() == [[2.0, 1.0], [4.0, 3.0]]
    assert heard(Wants(None), ("a", "b"), table).tolist() == [0.0, 0.0]
    assert heard(Wants("a"), "a", table[:, 0]).tolist() == [1.0, 3.0]


def test_labels_tell_parts_apart():
    assert labels_of(["a", "x:a", "b", "a"]) == ["a", "a_2", "b", "a_3"]
