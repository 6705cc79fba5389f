"""Which tasks an exam holds, how tasks of either kind are played, and what that used and met."""
