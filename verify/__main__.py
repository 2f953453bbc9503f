"""python -m verify: the same program as `verify`."""

import sys

from verify.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
