"""One generation: branches and where they run, the decisions about them, and the ledger."""
