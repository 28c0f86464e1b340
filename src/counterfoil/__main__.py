"""The program `counterfoil`; everything it can do is in `counterfoil.cli`."""


def main() -> None:
    """Run the command line; the exit status is the one of `docs/` and `--help`."""
    from counterfoil.cli import run

    run()


if __name__ == "__main__":
    main()
