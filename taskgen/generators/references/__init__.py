"""Published algorithms to hold learners against, many tasks at once: bandits and tabular MDPs.

`play` has them play a family in its own vector environment, so that what they earn is measured as
a learner's return is. `bandits` has Thompson sampling, UCB1, Gittins indices (`gittins`), ε-greedy;
`mdps` has posterior sampling, UCRL2, BEB, ε-greedy and who knows the table (`beliefs`, `plans`).
"""
