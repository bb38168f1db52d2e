"""`jtn`: the command line of JointTrackNet.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Errors are one line on stderr, with
the remedy; `--debug` adds the traceback. Shells complete verbs and arguments after
``eval "$(register-python-argcomplete jtn)"``.
"""

import argparse
import ast
import io
import os
import re
import sys
import traceback
from collections.abc import Collection
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any
from typing import NoReturn

import jtn_ros
from jtn_ros.errors import as_mistake
from jtn_ros.errors import describe_bug
from jtn_ros.errors import did_you_mean
from jtn_ros.errors import one_line
from jtn_ros.files import require_utf8
from jtn_ros.interruption import interruptible
from jtn_ros.masking import mask

# A verb is a module `<verb>_verb` beside this one, with add_arguments(parser) and run(args).
# Its first line is what `jtn --help` shows; only the verb that runs is imported.
_SUFFIX = '_verb'


def verbs() -> tuple[str, ...]:
    """Return the verbs that there are."""
    names = sorted(module.name for module in iter_modules([str(Path(__file__).parent)]))
    return tuple(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the secrets of addresses."""

    def error(self, message: str) -> NoReturn:
        """Print the error, and exit with code 2."""
        self.exit(2, f'{self.prog}: {mask(message)}; see {self.prog} --help\n')

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return what is known, as nothing else may remain: verbs refuse it by their own names."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f'unknown argument {unknown[0]}{self._meant(unknown[0])}')
        return found, unknown

    def _meant(self, argument: str) -> str:
        """Return a hint with the most similar argument; empty if none is similar."""
        if Path(argument).exists():
            return f' (a path that begins with "-" must be written as ./{argument})'
        return did_you_mean(argument, re.findall(r'--[\w-]+', self.format_usage()))


def build_parser(chosen: Collection[str]) -> argparse.ArgumentParser:
    """Return the parser of all verbs; only the chosen ones are imported and have arguments."""
    parser = Parser(
        prog='jtn',
        description='Track objects in camera images: joint detection and tracking.',
        epilog='Run "jtn VERB --help" for the arguments of a command.',
    )
    parser.add_argument('--version', action='version', version=f'jtn {jtn_ros.__version__}')
    subparsers = parser.add_subparsers(dest='verb', metavar='VERB', required=True)
    for verb in verbs():
        if verb not in chosen:
            subparsers.add_parser(verb, help=_summary(verb))
            continue
        module = import_module(f'{__package__}.{verb}{_SUFFIX}')
        subparser = subparsers.add_parser(
            verb,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.add_argument(
            '--debug', action='store_true', help='print the traceback of an error'
        )
        subparser.set_defaults(run=module.run)
    return parser


def _summary(verb: str) -> str:
    """Return the first line of a verb's module, which describes it."""
    source = Path(__file__).with_name(f'{verb}{_SUFFIX}.py').read_text(encoding='utf-8')
    return (ast.get_docstring(ast.parse(source)) or '').partition('\n')[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if '_ARGCOMPLETE' in os.environ:  # a shell asks what could come next
        import argcomplete

        argcomplete.autocomplete(build_parser(os.environ['COMP_LINE'].split()))
    debug = '--debug' in arguments
    if isinstance(sys.stdout, io.TextIOWrapper):  # no name can be too foreign to be printed
        sys.stdout.reconfigure(errors='backslashreplace')
    if not arguments:
        build_parser([]).print_help(sys.stderr)
        return 2
    try:
        for argument in arguments:
            require_utf8(argument)
        args = build_parser(arguments[:1]).parse_args(arguments)
        with interruptible():
            return int(args.run(args))
    except BrokenPipeError:  # the reader of our output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print(f'jtn {" ".join(arguments[:1])}: interrupted', file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            print(mask(traceback.format_exc()), file=sys.stderr)
        text, code = _explain(error)
        print(f'jtn {" ".join(arguments[:1])}: {text}', file=sys.stderr)
        return code


def _explain(error: Exception) -> tuple[str, int]:
    """Return the message for an exception, and the exit code."""
    mistake = as_mistake(error)
    if mistake is not None:
        return one_line(mistake), mistake.exit_code
    return describe_bug(error, 'please report it with the output of `--debug`'), 1


if __name__ == '__main__':
    sys.exit(main())
