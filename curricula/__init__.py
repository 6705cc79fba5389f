"""What to teach next: curricula choose tasks, searches choose the distribution they come from.

Both ask and tell, and neither knows a learner. `curricula.campaigns` puts them together with
learners and generators; it is not imported here.
"""

from curricula.curriculum import Curriculum, Proposal
from curricula.search import Candidate, DistributionSearch, Gain

__all__ = ["Candidate", "Curriculum", "DistributionSearch", "Gain", "Proposal"]
