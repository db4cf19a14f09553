"""`python -m afina`."""

from afina.cli import run

if __name__ == "__main__":
    run()
