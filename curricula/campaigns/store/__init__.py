"""What of a campaign lies on disk: commits, records, lineage, the machine it ran on, task files."""
