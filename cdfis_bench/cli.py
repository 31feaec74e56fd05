"""The command line: runs the app, and answers mistakes in one sentence instead of a traceback."""

import os
import sys

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from cdfis_bench.app import main
from cdfis_bench.config.error_messages import sentence
from cdfis_bench.config.hints import check_groups
from cdfis_bench.core.errors import UserError


def run() -> None:
    """Entry point of `python -m cdfis_bench` and of the console script.

    Exits with 1 after a mistake or a failed run, and with 130 after an interrupt. With
    HYDRA_FULL_ERROR=1 in the environment, mistakes show their traceback.
    """
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        main()
        return
    # Hydra would print its own message and exit; with this variable it raises the exception.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        check_groups(sys.argv[1:])
        main()
    except (HydraException, OmegaConfBaseException, UserError) as error:
        print(f"cdfis_bench: {sentence(error)}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # the reader of `--help | head` has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        message = "interrupted; finished runs are kept, and the same command continues from there"
        print(f"\ncdfis_bench: {message}", file=sys.stderr)
        sys.exit(130)
