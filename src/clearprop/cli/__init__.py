"""The command line: parse the request, call one function, print."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

from clearprop.errors import ClearpropError
from clearprop.messages import printable


def main() -> NoReturn:
    """Run the command and exit: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        leave_pipe()
    except OSError as error:
        code = code or _complain(f"standard output: cannot be written: {error.strerror}", 1)
        leave_pipe()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run a request and return its exit code; every failure is one message on stderr, never a traceback."""
    from click.exceptions import Abort, ClickException, Exit, NoArgsIsHelpError

    from clearprop.cli.application import application
    from clearprop.cli.notices import notices

    try:
        with notices(quiet=False):
            result: Any = application(arguments, prog_name="clearprop", standalone_mode=False, obj=arguments)
    except Exit as error:
        return int(error.exit_code)
    except NoArgsIsHelpError as error:
        print(error.format_message())
        return 2
    except ClickException as error:
        return _complain(_usage(error), 2)
    except ClearpropError as error:
        _traceback()
        return _complain(str(error), error.exit_code)
    except BrokenPipeError:
        # The reader has closed the pipe: `clearprop explain lecture | head`.
        leave_pipe()
        return 0
    except (KeyboardInterrupt, Abort):
        return _complain("interrupted", 130)
    except OSError as error:
        _traceback()
        place = f"{error.filename}: " if error.filename else "standard output: "
        leave_pipe()
        return _complain(f"{place}{error.strerror or error}", 1)
    except MemoryError:
        return _complain("not enough memory for this network; use fewer units or examples", 1)
    except RecursionError:
        _traceback()
        return _complain("nested too deeply", 1)
    except Exception as error:
        _traceback()
        return _complain(
            f"unexpected {type(error).__name__}: {error}; this is a bug in clearprop, please report it "
            "(CLEARPROP_DEBUG=1 shows where)",
            1,
        )
    return result if isinstance(result, int) else 0


def _usage(error: Any) -> str:
    message = error.format_message()
    message = message[:1].lower() + message[1:] if message else str(error)
    context = getattr(error, "ctx", None)
    hint = f"; try `{context.command_path} --help`" if context is not None else ""
    return message.rstrip(".") + hint


def _complain(message: str, code: int) -> int:
    with suppress(OSError):
        print(f"clearprop: {printable(message)}", file=sys.stderr, flush=True)
    return code


def _traceback() -> None:
    if os.environ.get("CLEARPROP_DEBUG", "") not in ("", "0"):
        import traceback

        traceback.print_exc()


def leave_pipe() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
