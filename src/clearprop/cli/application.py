"""The commands, their options and their help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from clearprop import __version__
from clearprop.cli.options import Cells, Field, Sizes, Whole
from clearprop.network.notation import NOTATIONS
from clearprop.rendering.formats import FORMATS

NET = click.argument("net", metavar="NET")
DATA = click.option("--data", metavar="FILE", help="Table of examples (CSV or Parquet); replaces the file's own.")
TARGET = click.option(
    "--target", metavar="COLUMN", multiple=True, help="Column to predict; repeat for several numeric targets."
)
TASK = click.option(
    "--task",
    type=click.Choice(["classes", "numbers"]),
    help="What the target of a table holds (default: inferred from the column).",
)
HIDDEN = click.option(
    "--hidden", type=Sizes(), metavar="N,...", help="For a table: units of the hidden layers [default: 64]."
)
EXCLUDE = click.option("--exclude", metavar="COLUMN", multiple=True, help="Column to leave out; repeat for several.")
CATEGORICAL = click.option(
    "--categorical", metavar="COLUMN", multiple=True, help="Column of numbers that are categories; repeat for several."
)
NA = click.option(
    "--na",
    metavar="WORD",
    multiple=True,
    callback=lambda _, __, words: words or None,
    help="Word that means an empty cell; replaces the usual ones (NA, null, …); repeat for several.",
)
DECIMAL = click.option(
    "--decimal", type=click.Choice([".", ","]), help="Decimal sign of a table whose numbers are ambiguous."
)
NAMES = click.option(
    "--names", type=Cells(), metavar="NAME,...", help="Columns of a table whose first line has no names, in order."
)
INPUTS = click.option(
    "--inputs", metavar="CELLS", help="One example instead of the file's: its values, as in a row of the table."
)
TARGETS = click.option("--targets", metavar="CELLS", help="Targets, or class, of the example in --inputs.")
ACTIVATIONS = click.option(
    "--activations",
    metavar="NAME,...",
    help="Activations for a file that has none: one per layer, or two (hidden, last).",
)
LOSS = click.option("--loss", metavar="NAME", help="Loss for another framework's model that names none.")
OPTIMIZER = click.option("--optimizer", metavar="NAME", help="Optimizer for another framework's model that names none.")
COUNT: dict[str, Any] = {"type": Whole(1), "metavar": "N"}
OUTPUT = click.option("--output", metavar="FILE", help="Output file (default: standard output).")
BATCH_SIZE = click.option("--batch-size", type=Field("batch_size"), metavar="N", help="Examples per update.")
QUIET = click.option("--quiet", is_flag=True, help="Suppress progress and notices.")
THREADS = click.option(
    "--threads",
    type=Whole(1, 256),
    metavar="N",
    help="Number of threads (default: automatic). Results do not change.",
)
CHOICE = click.Choice(list(FORMATS))
FORMAT = click.option("--format", type=CHOICE, default="text", show_default=True, help="Output format.")
FORMAT_OF_FILE_HELP = "Output format (default: from the suffix of --output, which may also be .pdf; otherwise text)."
FORMAT_OF_FILE = click.option("--format", type=CHOICE, help=FORMAT_OF_FILE_HELP)
EXAMPLE_HELP = "One example, counted from 1, or all as one batch."


def of_other_frameworks(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a file of another framework does not."""
    return ACTIVATIONS(LOSS(OPTIMIZER(command)))


def of_tables(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what is predicted from a table, and how it is read."""
    return TARGET(TASK(HIDDEN(EXCLUDE(CATEGORICAL(NA(DECIMAL(NAMES(command))))))))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="clearprop %(version)s")
def application() -> None:
    """Neural networks you can read: forward and backward propagation worked out line by line.

    NET is a network file, a trained model (also of PyTorch, Keras, scikit-learn or ONNX), a table of data (with
    --target), or the name of a bundled example (`clearprop examples` lists them).

    Example: clearprop explain lecture
    """


@application.command()
@NET
@click.argument("quantities", metavar="[NAME]...", nargs=-1)
@FORMAT_OF_FILE
@OUTPUT
@click.option(
    "--digits",
    type=Whole(0, 17),
    default=5,
    show_default=True,
    metavar="N",
    help="Decimals to display; precision is unaffected.",
)
@click.option(
    "--rounding",
    type=click.Choice(["nearest", "truncate"]),
    default="nearest",
    show_default=True,
    help="Round or truncate displayed numbers.",
)
@click.option("--notation", type=click.Choice(list(NOTATIONS)), help="Overrides the file's notation.")
@click.option("--example", metavar="K|all", default="1", show_default=True, help=EXAMPLE_HELP)
@click.option("--steps", **COUNT, default=1, help="Explain cycle N, after N-1 updates.")
@click.option("--cycles", **COUNT, help="Table of the error and all weights over N cycles.")
@click.option("--paths", **COUNT, help="The N paths that contribute most to a gradient.")
@click.option("--mistake", metavar="NAME", help="One cycle with a known mistake, beside the correct one.")
@click.option("--fragment", is_flag=True, help="LaTeX or HTML without the document around it.")
@DATA
@of_tables
@INPUTS
@TARGETS
@of_other_frameworks
def explain(net: str, quantities: tuple[str, ...], **options: Any) -> int:
    """Write out one whole cycle, or derive named quantities.

    NAME is a quantity to derive: w5, output_h1, E_total, new_w5, dE_1/dw1, ...
    Without a NAME, the whole cycle is written out.

    Example: clearprop explain lecture w5 w1 --digits 5 --rounding truncate
    """
    from clearprop.cli.explain import run_explain

    return run_explain(net, list(quantities), **options)


@application.command()
@NET
@DATA
@of_tables
@click.option("--epochs", type=Field("epochs"), metavar="N", help="Maximum number of epochs, in total.")
@BATCH_SIZE
@click.option(
    "--learning-rate", type=Field("learning_rate"), metavar="RATE", help="Overrides the file's learning rate."
)
@click.option("--seed", type=Field("seed"), metavar="N", help="Seed for initial weights, split and shuffling.")
@THREADS
@click.option("--output", metavar="MODEL", help="Save the trained model (.toml: as a network file).")
@click.option(
    "--checkpoint",
    type=Field("checkpoint"),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Also save the model at this interval.",
)
@click.option("--resume", is_flag=True, help="Resume training the model in --output exactly where it stopped.")
@click.option("--plot", metavar="FILE", help="Save the loss curve as a picture (.png or .svg).")
@click.option("--log", metavar="FILE", help="Write one line of JSON per epoch.")
@click.option("--metrics", is_flag=True, help="Compute accuracy, or R² and RMSE, in each epoch.")
@FORMAT
@QUIET
@of_other_frameworks
def train(net: str, **options: Any) -> int:
    """Train until the error converges or a limit is reached.

    Example: clearprop train iris --output iris.safetensors
    """
    from clearprop.cli.train import run_train

    return run_train(net, **options)


@application.command()
@click.argument("model", metavar="MODEL")
@click.option("--data", metavar="FILE", help="Rows to predict (CSV or Parquet); required.")
@NA
@DECIMAL
@NAMES
@OUTPUT
@QUIET
@of_other_frameworks
def predict(model: str, **options: Any) -> int:
    """Write outputs for new rows as CSV.

    For a classifier: classes and their probabilities.

    Example: clearprop predict iris.safetensors --data flowers.csv
    """
    from clearprop.cli.predict import run_predict

    return run_predict(model, **options)


@application.command()
@NET
@click.option("--example", metavar="K|all", default="all", show_default=True, help=EXAMPLE_HELP)
@DATA
@of_tables
@INPUTS
@TARGETS
@click.option("--sample", **COUNT, help="Check N gradients (default: all, or a sample of a large network).")
@FORMAT_OF_FILE
@OUTPUT
@of_other_frameworks
def verify(net: str, **options: Any) -> int:
    """Check every gradient against finite differences.

    Exit code 1 if a gradient is wrong, or if the compiled engine disagrees.

    Example: clearprop verify lecture
    """
    from clearprop.cli.verify import run_verify

    return run_verify(net, **options)


@application.command()
@NET
@DATA
@of_tables
@BATCH_SIZE
@THREADS
@click.option("--assembly", is_flag=True, help="Print the machine code of a training step.")
@FORMAT_OF_FILE
@OUTPUT
@of_other_frameworks
def engine(net: str, **options: Any) -> int:
    """Show the compiled engine's plan, code and speed.

    Example: clearprop engine digits
    """
    from clearprop.cli.engine import run_engine

    return run_engine(net, **options)


@application.command()
@NET
@click.argument("answers", metavar="ANSWERS")
@click.option("--digits", type=Whole(0, 17), metavar="D", help="The sheet asks for D decimals.")
@click.option("--significant", type=Whole(1, 17), metavar="S", help="The sheet asks for S significant digits.")
@click.option(
    "--rounding",
    type=click.Choice(["nearest", "truncate"]),
    default="nearest",
    show_default=True,
    help="Whether the sheet's numbers are rounded or cut off.",
)
@click.option("--tolerance", type=float, metavar="T", help="Largest error allowed, instead of counting digits.")
@click.option("--example", metavar="K|all", default="1", show_default=True, help=EXAMPLE_HELP)
@click.option("--steps", **COUNT, default=1, help="Check cycle N, after N-1 updates.")
@click.option("--notation", type=click.Choice(list(NOTATIONS)), help="Overrides the file's notation.")
@click.option("--format", type=click.Choice([*FORMATS, "csv"]), help=FORMAT_OF_FILE_HELP)
@OUTPUT
@DATA
@of_tables
@INPUTS
@TARGETS
@of_other_frameworks
def check(net: str, answers: str, **options: Any) -> int:
    """Mark one worked cycle, or those of a whole class.

    ANSWERS is a CSV file with the columns quantity and value, a JSON object, "-" for standard input, or the CSV of a
    class: a row for each student, first the name, then a column for each quantity. Each number is compared with the
    right formula applied to the numbers above it; mistakes that explain wrong ones are named.

    Exit code 1 if something is wrong or missing.

    Example: clearprop check lecture sheet.csv --digits 5
    """
    from clearprop.cli.check import run_check

    return run_check(net, answers, **options)


@application.command()
@click.argument("net", metavar="[NET]", required=False)
@FORMAT_OF_FILE
@OUTPUT
@DATA
@of_tables
@INPUTS
@TARGETS
@of_other_frameworks
def mistakes(net: str | None, **options: Any) -> int:
    """List known mistakes, or those that look alike on a network.

    Example: clearprop mistakes lecture
    """
    from clearprop.cli.mistakes import run_mistakes

    return run_mistakes(net, **options)


@application.command()
@NET
@click.option("--output", metavar="FILE", help="Output file (default: a temporary file).")
@click.option("--open/--no-open", "opens", default=True, help="Open it in the browser.", show_default=True)
@DATA
@of_tables
@INPUTS
@TARGETS
@of_other_frameworks
def explore(net: str, **options: Any) -> int:
    """Open the network in the browser, to step through and edit.

    Writes one self-contained page: change any number, click any number to see where it comes from.

    Example: clearprop explore lecture --output lecture.html
    """
    from clearprop.cli.explore import run_explore

    return run_explore(net, **options)


@application.command()
@click.argument("table", metavar="TABLE")
@of_tables
@OUTPUT
def new(table: str, **options: Any) -> int:
    """Write a network file for a table.

    It describes the network that the other commands use when NET is a table (CSV or Parquet).

    Example: clearprop new houses.csv --target price --output houses.toml
    """
    from clearprop.cli.new import run_new

    return run_new(table, **options)


@application.command()
@click.argument("name", metavar="[NAME]", required=False)
@FORMAT
def examples(name: str | None, format: str) -> int:
    """List the bundled examples, or print one.

    Example: clearprop examples lecture > mine.toml
    """
    from clearprop.cli.examples import run_examples

    return run_examples(name, format)


@application.command()
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@of_other_frameworks
def convert(source: str, target: str, **told: Any) -> int:
    """Convert a network to another file format.

    SOURCE is any NET. The suffix of TARGET chooses the format: .toml, .safetensors (clearprop's), .onnx, .pt (a
    state_dict), .keras. Anything that the target cannot hold is reported.

    Example: clearprop convert iris.safetensors iris.onnx
    """
    from clearprop.cli.convert import run_convert

    return run_convert(source, target, **told)


@application.command()
@click.argument("nets", metavar="A B", nargs=-1)
@click.option("--example", metavar="K|all", default="all", show_default=True, help=EXAMPLE_HELP)
@click.option(
    "--tolerance",
    type=float,
    default=1e-6,
    show_default="1e-6",
    metavar="T",
    help="Largest difference that still counts as equal.",
)
@click.option(
    "--probe",
    type=click.Choice(["torch", "keras", "sklearn", "numpy"]),
    help="Print a short program that trains a network for two steps and prints its numbers.",
)
@click.option("--probe-answer", metavar="FILE", help="Identify a program's conventions from what it printed.")
@DATA
@of_tables
@INPUTS
@TARGETS
@of_other_frameworks
@FORMAT_OF_FILE
@OUTPUT
def compare(nets: tuple[str, ...], **options: Any) -> int:
    """Compare two networks, number by number.

    Prints the largest difference of parameters, outputs, errors, gradients and new weights, the first quantity that
    differs, and the conventions that explain it. Exit code 1 if they differ.

    Example: clearprop compare model.onnx model.toml
    """
    from clearprop.cli.compare import run_compare

    return run_compare(nets, **options)
