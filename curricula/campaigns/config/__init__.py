"""The campaign file: what may stand in it, how it is read, and what is refused before it runs."""
