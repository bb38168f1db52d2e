"""`jtn`: the command line of JointTrackNet.

Exit codes: 0 done, 1 failed, 2 wrong usage. Errors are one line on stderr, with the remedy.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module
import sys

# Every verb is a module of this package with SUMMARY, add_arguments(parser) and run(args) -> int.
VERBS = ('demo', 'track', 'evaluate', 'train', 'export', 'import', 'benchmark', 'synthesize')


def build_parser(verb: str | None) -> argparse.ArgumentParser:
    """Return the parser; only the module of the chosen verb is imported in full."""
    parser = argparse.ArgumentParser(prog='jtn', description='Joint detection and tracking.')
    verbs = parser.add_subparsers(dest='verb', metavar='VERB', required=True)
    for name in VERBS if verb is None else (verb,):
        module = import_module(f'jtn_ros.cli.{module_name(name)}')
        sub = verbs.add_parser(name, help=module.SUMMARY, description=module.__doc__,
                               formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def module_name(verb: str) -> str:
    """Return the module of a verb (`import` is a reserved word)."""
    return f'{verb}_verb'


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = arguments[0] if arguments and arguments[0] in VERBS else None
    args = build_parser(verb).parse_args(arguments)
    try:
        return int(args.run(args))
    except (ValueError, OSError, ImportError) as error:
        print(f'jtn {args.verb}: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f'jtn {args.verb}: interrupted', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
