"""How a campaign is seen: words, curves, figures, films and pages, in the terminal and beyond."""
