"""The commands and their options."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

application = typer.Typer(
    name="clearprop",
    help="Neural networks you can read: forward and backward propagation worked out line by line.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

NET = Annotated[
    str, typer.Argument(metavar="NET", help="A network file, or a bundled example: lecture, xor, …")
]


class Format(str, Enum):
    """What an explanation is written as."""

    text = "text"
    markdown = "markdown"
    latex = "latex"
    json = "json"


class TrainFormat(str, Enum):
    """What the result of a training is written as."""

    text = "text"
    json = "json"


class Rounding(str, Enum):
    """How numbers are shortened when shown."""

    nearest = "nearest"
    truncate = "truncate"


class Notation(str, Enum):
    """Whose names and letters are used."""

    lecture = "lecture"
    standard = "standard"


def _version(wanted: bool) -> None:
    if wanted:
        from clearprop import __version__

        typer.echo(f"clearprop {__version__}")
        raise typer.Exit


@application.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@application.command()
def explain(
    net: NET,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="What to derive: w5, output_h1, E_total, …")
    ] = None,
    format: Annotated[Format, typer.Option(help="What to write.")] = Format.text,
    output: Annotated[str | None, typer.Option(metavar="FILE", help="Where to; else standard output.")] = None,
    digits: Annotated[int, typer.Option(min=0, max=17, help="Decimals shown; computing is never rounded.")] = 5,
    rounding: Annotated[Rounding, typer.Option(help="How shown numbers are shortened.")] = Rounding.nearest,
    notation: Annotated[Notation | None, typer.Option(help="The file's own, unless given.")] = None,
    example: Annotated[str, typer.Option(metavar="K|all", help="One example, or all as one batch.")] = "1",
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Explain the N-th cycle, after N-1 updates.")] = 1,
    cycles: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="A table of the error and every weight over N cycles.")
    ] = None,
    paths: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The N largest path contributions to a gradient.")
    ] = None,
    fragment: Annotated[bool, typer.Option("--fragment", help="LaTeX without the document around it.")] = False,
) -> int:
    """Write out one whole cycle, or derive what is named.

    Example: clearprop explain lecture w5 w1 --digits 5 --rounding truncate
    """
    from clearprop.cli.explain import run_explain

    return run_explain(
        net,
        names or [],
        format=format.value,
        output=output,
        digits=digits,
        rounding=rounding.value,
        notation=notation.value if notation else None,
        example=example,
        steps=steps,
        cycles=cycles,
        paths=paths,
        fragment=fragment,
    )


@application.command()
def train(
    net: NET,
    epochs: Annotated[int | None, typer.Option(min=0, help="At most so many passes over the examples.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Examples per update.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0, help="In place of the file's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of initial weights and shuffling.")] = None,
    output: Annotated[
        str | None, typer.Option(metavar="FILE", help="Save the trained network, as a network file.")
    ] = None,
    format: Annotated[TrainFormat, typer.Option(help="What to write.")] = TrainFormat.text,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on standard error.")] = False,
) -> int:
    """Repeat the cycle until the error converges or a limit is reached, and say which.

    Example: clearprop train lecture --epochs 500
    """
    from clearprop.cli.train import run_train

    return run_train(
        net,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        output=output,
        format=format.value,
        quiet=quiet,
    )


@application.command()
def verify(
    net: NET,
    example: Annotated[str, typer.Option(metavar="K|all", help="One example, or all as one batch.")] = "all",
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Check so many gradients; by default all, if few.")
    ] = None,
    format: Annotated[TrainFormat, typer.Option(help="What to write.")] = TrainFormat.text,
) -> int:
    """Check every gradient against central differences in extended precision.

    Example: clearprop verify lecture
    """
    from clearprop.cli.verify import run_verify

    return run_verify(net, example=example, sample=sample, format=format.value)


@application.command()
def examples(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Print this one.")] = None,
) -> int:
    """List the bundled examples, or print one to start from.

    Example: clearprop examples lecture > mine.toml
    """
    from clearprop.cli.examples import run_examples

    return run_examples(name)
