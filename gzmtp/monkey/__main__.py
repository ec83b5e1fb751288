"""``python -m gzmtp.monkey``."""

from gzmtp.monkey.runner import main

main()
