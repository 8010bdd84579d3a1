"""`python -m synapolis.cli`."""

from synapolis.cli import main

main()
