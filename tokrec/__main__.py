"""``python -m tokrec``: the command line."""

from tokrec.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
