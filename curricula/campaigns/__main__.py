"""`python -m curricula.campaigns`: the command `taskgen` where no script was installed."""

from curricula.campaigns.cli import main

main()
