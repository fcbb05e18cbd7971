"""Parse the command line; turn our errors into one line and an exit status."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import WengertError
from .settings import MODELS, OPTIMIZERS, SCHEDULES, Settings


def main(arguments: list[str] | None = None) -> None:
    """The entry point of `wengert`."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (WengertError, OSError) as error:
        reason = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.strerror else error
        raise SystemExit(f"wengert: {reason}") from None
    except ImportError as error:
        raise SystemExit(
            f'wengert: {error}. Training needs the extra packages: pip install "wengert[train,draw]"'
        ) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wengert", description="Train a model and see its tape.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands.add_parser("train", help="train a model on real data, write a run folder with a report"))
    _add_show(commands.add_parser("show", help="draw the tape of an expression, a tensor or a model"))
    _add_kernels(commands.add_parser("kernels", help="compile the kernels before they are needed"))
    _add_cache(commands.add_parser("cache", help="list or clear the compiled programs on the disk", description=(
        "Programs that autograd.compile has emitted, each a readable Python file with its machine code beside it. They "
        "lie in $WENGERT_CACHE, or in wengert in your cache folder; the oldest go when there are more than 256 MiB."
    )))  # fmt: skip
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    default = Settings()
    parser.add_argument(
        "--data", default=default.data, help="digits (default), fashion-mnist, mnist, text, or a folder"
    )
    parser.add_argument("--model", choices=MODELS, help="default: cnn for images, lstm for text")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default=default.optimizer)
    parser.add_argument("--schedule", choices=SCHEDULES, default=default.schedule)
    parser.add_argument("--epochs", type=_positive, help="default: by the data set")
    parser.add_argument("--batch-size", type=_positive, default=default.batch_size)
    parser.add_argument("--lr", type=float, help="learning rate; default: by the optimizer")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--workers", type=int, default=default.workers, help="worker processes that load batches (0)")
    parser.add_argument("--limit", type=_positive, help="use only so many training samples")
    parser.add_argument("--out", type=Path, help="run folder; default: runs/DATA-MODEL")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="continue the run in this folder")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=_train)


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", help='an expression such as "tanh(x * w + b)", or FILE.py:NAME')
    parser.add_argument("--out", type=Path, help="write .svg, .png, .dot or .txt there instead of printing text")
    parser.add_argument("--input-shape", type=int, nargs="+", metavar="N", help="shape of the input, for a model")
    parser.set_defaults(run=_show)


def _add_kernels(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(required=True, metavar="WHAT")
    what.add_parser("warm", help="call every kernel once with float32: they are kept on disk").set_defaults(run=_warm)


def _add_cache(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--clear", action="store_true", help="forget them all; they are compiled again when needed")
    what.add_argument("--folder", action="store_true", help="print the folder, and nothing else")
    parser.set_defaults(run=_cache)


def _train(options: argparse.Namespace) -> None:
    from .train import train

    given = {k: v for k, v in vars(options).items() if k not in ("run", "resume", "out", "quiet") and v is not None}
    train(given, out=options.out, resume=options.resume, quiet=options.quiet or not sys.stderr.isatty())


def _show(options: argparse.Namespace) -> None:
    from ..draw.show import show

    drawing = show(options.what, input_shape=options.input_shape)
    if options.out is None:
        print(drawing.text())
    else:
        drawing.save(options.out)
        print(options.out)


def _warm(options: argparse.Namespace) -> None:
    from .kernels import warm

    warm()


def _cache(options: argparse.Namespace) -> None:
    from . import cache

    if options.folder:
        print(cache.folder())
    elif options.clear:
        cache.clear()
    else:
        cache.show()


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {value}")
    return value
