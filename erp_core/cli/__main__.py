"""`python -m erp_core.cli` is the same as `erp`, for where the script is not on the path."""

from erp_core.cli.main import main

if __name__ == "__main__":
    main()
