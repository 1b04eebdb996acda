"""The commands and their options."""

from __future__ import annotations

from typing import Any

import click

from clearprop import __version__
from clearprop.network.notation import NOTATIONS
from clearprop.rendering.formats import FORMATS

NET = click.argument("net", metavar="NET")
DATA = click.option("--data", metavar="FILE", help="A table, CSV or Parquet, in place of the file's own.")
TARGET = click.option(
    "--target", metavar="COLUMN", multiple=True, help="Its column to predict; several numeric ones one by one."
)
THREADS = click.option(
    "--threads",
    type=click.IntRange(1, 256),
    metavar="N",
    help="By default as many as are worth it; no result depends on it.",
)
FORMAT = click.option(
    "--format", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="What to write."
)
EXAMPLE_HELP = "One example, counted from 1, or all of them as one batch."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="clearprop %(version)s")
def application() -> None:
    """Neural networks you can read: forward and backward propagation worked out line by line.

    NET is a network file, a trained model, or a bundled example (see `clearprop examples`).
    """


@application.command()
@NET
@click.argument("names", metavar="[NAME]...", nargs=-1)
@FORMAT
@click.option("--output", metavar="FILE", help="Where to; else standard output.")
@click.option(
    "--digits", type=click.IntRange(0, 17), default=5, show_default=True, help="Decimals shown, not computed."
)
@click.option(
    "--rounding",
    type=click.Choice(["nearest", "truncate"]),
    default="nearest",
    show_default=True,
    help="How shown numbers are shortened.",
)
@click.option("--notation", type=click.Choice(list(NOTATIONS)), help="In place of the file's own.")
@click.option("--example", metavar="K|all", default="1", show_default=True, help=EXAMPLE_HELP)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Explain the N-th cycle, after N-1 updates.",
)
@click.option(
    "--cycles",
    type=click.IntRange(1),
    metavar="N",
    help="A table of the error and all weights over N cycles.",
)
@click.option("--paths", type=click.IntRange(1), metavar="N", help="The N largest path contributions to a gradient.")
@click.option("--fragment", is_flag=True, help="LaTeX or HTML without the document around it.")
@DATA
@TARGET
def explain(net: str, names: tuple[str, ...], **options: Any) -> int:
    """Write out one whole cycle, or derive what is named (w5, output_h1, E_total, ...).

    Example: clearprop explain lecture w5 w1 --digits 5 --rounding truncate
    """
    from clearprop.cli.explain import run_explain

    return run_explain(net, list(names), **options)


@application.command()
@NET
@DATA
@TARGET
@click.option("--epochs", type=click.IntRange(0), help="At most so many passes over the examples, in all.")
@click.option("--batch-size", type=click.IntRange(1), help="Examples per update.")
@click.option("--learning-rate", type=click.FloatRange(0), help="In place of the file's.")
@click.option("--seed", type=click.IntRange(0), help="Of random initial weights, the split and shuffling.")
@THREADS
@click.option("--output", metavar="MODEL", help="Save the trained model; as a network file if it ends in .toml.")
@click.option(
    "--checkpoint",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Save it at this interval too.",
)
@click.option("--resume", is_flag=True, help="Go on with the model named by --output, exactly.")
@click.option("--plot", metavar="FILE", help="The loss curve as a picture, .png or .svg.")
@click.option("--log", metavar="FILE", help="A line of JSON for each epoch.")
@click.option("--metrics", is_flag=True, help="Show and log accuracy, or R² and RMSE, in each epoch.")
@FORMAT
@click.option("--quiet", is_flag=True, help="Nothing on standard error.")
def train(net: str, **options: Any) -> int:
    """Repeat the cycle until the error converges or a limit is reached, and say which.

    Example: clearprop train iris --output iris.safetensors
    """
    from clearprop.cli.train import run_train

    return run_train(net, **options)


@application.command()
@click.argument("model", metavar="MODEL")
@click.option("--data", metavar="FILE", required=True, help="The rows, as CSV or Parquet.")
@click.option("--output", metavar="FILE", help="Where to; else standard output.")
@click.option("--quiet", is_flag=True, help="Nothing on standard error.")
def predict(model: str, **options: Any) -> int:
    """Write the outputs for new rows as CSV: of a classifier, classes and their probabilities.

    Example: clearprop predict iris.safetensors --data flowers.csv
    """
    from clearprop.cli.predict import run_predict

    return run_predict(model, **options)


@application.command()
@NET
@click.option("--example", metavar="K|all", default="all", show_default=True, help=EXAMPLE_HELP)
@DATA
@TARGET
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Check N gradients; by default all, if few.")
@FORMAT
def verify(net: str, **options: Any) -> int:
    """Check every gradient against central differences in extended precision.

    Example: clearprop verify lecture
    """
    from clearprop.cli.verify import run_verify

    return run_verify(net, **options)


@application.command()
@NET
@DATA
@TARGET
@click.option("--batch-size", type=click.IntRange(1), help="Examples per update.")
@THREADS
@click.option("--assembly", is_flag=True, help="The machine code of a training step instead.")
@FORMAT
def engine(net: str, **options: Any) -> int:
    """Show how the compiled engine trains a network: its plan, its code, and how fast it is.

    Example: clearprop engine digits
    """
    from clearprop.cli.engine import run_engine

    return run_engine(net, **options)


@application.command()
@NET
@click.option("--output", metavar="FILE", help="Where to; else a temporary file.")
@click.option("--open/--no-open", "opens", default=True, help="Open it in the browser.", show_default=True)
@DATA
@TARGET
def explore(net: str, **options: Any) -> int:
    """Write the network as one self-contained page, and open it: turn any number, ask any number why.

    Example: clearprop explore lecture --output lecture.html
    """
    from clearprop.cli.explore import run_explore

    return run_explore(net, **options)


@application.command()
@click.argument("name", metavar="[NAME]", required=False)
@FORMAT
def examples(name: str | None, format: str) -> int:
    """List the bundled examples, or print one to start from.

    Example: clearprop examples lecture > mine.toml
    """
    from clearprop.cli.examples import run_examples

    return run_examples(name, format)
