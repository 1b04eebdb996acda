"""The fewest changes of a problem's conventions that give another program's numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations
from typing import Any, get_args

from clearprop.cached import cached_property
from clearprop.errors import ClearpropError
from clearprop.interop.changes import Change, changes
from clearprop.interop.cycle_numbers import Numbers
from clearprop.interop.fitted import fitted
from clearprop.interop.ways import Stage, Ways
from clearprop.network.problem import Problem

STAGES: tuple[Stage, ...] = get_args(Stage)
"""In computing order: what a change can show in first."""
KINDS = {"outputs": ("outputs",), "errors": ("errors",), "gradients": ("gradients",), "updated": ("updated", "second")}
TRIED = 3
"""At most this many changes together are tried for one part of a cycle; as many only where there are few."""
MOST, TIES, BEAM = 16, 6, 8
APART: Sequence[tuple[tuple[Stage, ...], ...]] = (
    (STAGES,),
    (("outputs", "gradients", "updated"), ("errors",)),
    (("outputs", "errors", "updated"), ("gradients",)),
    (("outputs", "updated"), ("errors",), ("gradients",)),
)
"""Parts of a cycle that are explained together. A program may scale the error that it reports, or the gradients that it
shows, otherwise than what it takes into its updates."""
ONLY = {
    "errors": "of the error that it reports, not of its gradients",
    "gradients": "of the gradients that it shows, not of its updates",
}
Run = Callable[[Problem, Ways, int], Numbers]
Agree = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class _State:
    """A problem with changes that were made to it, and the ways that are no change of it."""

    problem: Problem
    ways: Ways = frozenset()
    made: tuple[Change, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(sorted(each.text for each in self.made))


@dataclass(frozen=True)
class Searched:
    """What is searched for, and how: ``run`` gives the numbers of a number of steps, ``agree`` says whether
    they are the other's, ``declared`` is what the other says itself, and ``ways`` how it may compute otherwise."""

    theirs: Numbers
    run: Run
    agree: Agree
    declared: Problem | None = None
    ways: Sequence[str] = ()
    known: dict[Any, Numbers | None] = field(default_factory=dict)

    def agrees(self, state: _State, kinds: Sequence[str]) -> bool:
        """Return whether a problem gives the other's numbers of these kinds."""
        told = [kind for kind in kinds if getattr(self.theirs, kind) is not None]
        if not told:
            return True
        made = self.numbers(state, told)
        return made is not None and all(self.agree(getattr(made, kind), getattr(self.theirs, kind)) for kind in told)

    def numbers(self, state: _State, kinds: Sequence[str]) -> Numbers | None:
        """Return the numbers of these kinds, once computed, or None where the problem has none."""
        key = (tuple(each.text for each in state.made), "second" in kinds)
        if key not in self.known:
            self.known[key] = None
            with suppress(ClearpropError):
                self.known[key] = self.run(state.problem, state.ways, 2 if key[1] else 1)
        return self.known[key]

    def tells(self, stage: Stage) -> bool:
        """Return whether the other tells any numbers of a part of a cycle."""
        return any(getattr(self.theirs, kind) is not None for kind in KINDS[stage])

    def only(self, stages: Sequence[Stage]) -> Searched:
        """Return the same for some parts of the cycle."""
        left: dict[str, Any] = {kind: None for stage in STAGES[1:] if stage not in stages for kind in KINDS[stage]}
        return replace(self, theirs=replace(self.theirs, **left))


def explained(problem: Problem, *searched: Searched) -> list[dict[str, Any]] | None:
    """Return the fewest changes that give the other's numbers, or None where none of the known ones do; where several
    are given, those of the first that can be explained. Changes that cannot be told apart from one are listed with it.
    """
    for parts in sorted(APART, key=lambda parts: not _all_but_one_agree(problem, searched[0], parts)):
        for each in searched:
            found = _in_parts(problem, each, parts)
            if found is not None:
                return found
    return None


def _all_but_one_agree(problem: Problem, searched: Searched, parts: Sequence[tuple[Stage, ...]]) -> bool:
    """Return whether a problem as it is differs in the last of two parts alone, which is then looked at first."""
    return len(parts) == 2 and all(searched.agrees(_State(problem), KINDS[stage]) for stage in parts[0])


def _in_parts(problem: Problem, searched: Searched, parts: Sequence[tuple[Stage, ...]]) -> list[dict[str, Any]] | None:
    """Return the changes that explain each of the parts alone."""
    found: list[dict[str, Any]] = []
    for stages in parts:
        part = _explained(problem, searched.only(stages))
        if part is None:
            return None
        whole = len(stages) > 1 or searched.agrees(part[0], [kind for kinds in KINDS.values() for kind in kinds])
        known = {each["change"] for each in found if each["change"] is not None}
        found += [each for each in _said(part, "" if whole else stages[0]) if each["change"] not in known]
    return found


def _said(states: Sequence[_State], only: str) -> Iterator[dict[str, Any]]:
    """Yield the changes of the first state, each with those of the others that stand in its place."""
    first, others = states[0], states[1:]
    for each in first.made:
        says = f"{each.says}: {ONLY[only]}" if only else each.says
        entry: dict[str, Any] = {"change": None if each.way else each.text, "says": says, "agrees": True}
        if only:
            entry["only"] = only
        instead = {
            "; ".join(each.text for each in other.made if each.text not in first.texts)
            for other in others
            if each.text not in other.texts
        } - {""}
        if instead:
            entry["tied_with"] = sorted(instead)
        yield entry


def _explained(problem: Problem, searched: Searched) -> list[_State] | None:
    """Return the states with the fewest changes in which all parts of a cycle agree, found for each part in turn, so
    that several changes together are found too. A penalty of any size is looked for by its effect on the error alone
    only where nothing explains its effect on the gradients too: one number is explained by many."""
    for fits in (("updated",), ("errors", "gradients", "updated")):
        states = [_State(problem)]
        for stage in STAGES:
            states = _grown(problem, states, stage, searched, fits)
            unlike: dict[tuple[str, ...], _State] = {}
            for each in states:
                unlike.setdefault(each.texts, each)
            states = sorted(unlike.values(), key=lambda each: len(each.made))[:BEAM]
            if not states:
                break
        else:
            return [each for each in states if len(each.made) == len(states[0].made)]
        if stage not in ("errors", "gradients") or searched.declared is not None:
            break
    return None


def _grown(
    start: Problem, states: Sequence[_State], stage: Stage, searched: Searched, fits: Sequence[str]
) -> list[_State]:
    """Return states with the fewest changes with which this part of a cycle agrees, and those before it."""
    agreeing = [each for each in states if searched.agrees(each, KINDS[stage])]
    growing = [] if agreeing else [_Growing(start, each, stage, searched, stage in fits) for each in states]
    for grow, most in ((_Growing.by_one, BEAM), (_Growing.by_two, 3), (_Growing.by_a_constant_beside, 2),
                       (_Growing.by_three, 1)):  # fmt: skip
        agreeing = agreeing or [grown for each in growing[:most] for grown in grow(each)]
    return agreeing


Made = Sequence[tuple[Change, _State | None]]
"""Changes, and the state with each, or None where it cannot be made alone."""
Useful = list[tuple[Change, _State | None, bool]]
"""The same, and whether they keep what agreed before."""


class _Growing:
    """A state that does not agree in one part of a cycle, and what may be changed in it."""

    def __init__(self, start: Problem, state: _State, stage: Stage, searched: Searched, fits: bool) -> None:
        self.state, self.stage, self.searched = state, stage, searched
        self.fits = fits and searched.declared is None
        reach = STAGES[: STAGES.index(stage) + 1]
        self.kinds = [kind for each in reach for kind in KINDS[each]]
        able = [
            each
            for each in changes(state.problem, searched.declared, start, searched.ways)
            if each.stage in reach and (not each.rare or each.stage == stage or not searched.tells(each.stage))
        ]
        self.made = [(each, _changed(state, (each,))) for each in able]
        self.singles = [made for _, made in self.made if made is not None]

    def by_one(self) -> list[_State]:
        """Return the states with one change, or one constant, with which it agrees."""
        fitting = [each for each in self.singles if self.searched.agrees(each, self.kinds)]
        if self.stage == "errors" and self.searched.declared is None and all(map(_of_penalty, fitting)):
            kinds = self.kinds if self.fits else [*self.kinds, *KINDS["gradients"]]
            return fitting + _with_constants([self.state], self.stage, self.searched, kinds)
        if not fitting and self.fits:
            return _with_constants([self.state], self.stage, self.searched, self.kinds)
        return fitting

    def by_two(self) -> list[_State]:
        """Return the states with two changes with which it agrees."""
        return _together(self.state, self.useful, 2, self.searched, self.kinds)

    def by_a_constant_beside(self) -> list[_State]:
        """Return the states with a change and a constant with which it agrees."""
        starts = [made for each, made, _ in self.useful if made is not None and not each.rare] if self.fits else []
        return _with_constants(starts, self.stage, self.searched, self.kinds)

    def by_three(self) -> list[_State]:
        """Return the states with three changes with which it agrees; an error alone tells so little that it may need
        them."""
        alone = self.stage == "errors" or self.searched.theirs.errors is None
        return _together(self.state, self.useful, 3, self.searched, self.kinds) if alone else []

    @cached_property
    def useful(self) -> Useful:
        """The changes that may do something beside others."""
        return _useful(self.state, self.made, self.stage, self.searched)


def _of_penalty(state: _State) -> bool:
    return state.made[-1].key.startswith("penalty.")


def _useful(state: _State, made: Made, stage: Stage, searched: Searched) -> Useful:
    """Return the changes that may do something beside others: they are towards what the other declares, or change this
    part of the cycle, or the parts before it, which another change must then set right."""
    before = [kind for each in STAGES[: STAGES.index(stage)] for kind in KINDS[each]]
    told = [kind for kind in (*before, *KINDS[stage]) if getattr(searched.theirs, kind) is not None]
    own = searched.numbers(state, told)
    found: Useful = []
    for change, each in made:
        numbers = None if each is None else searched.numbers(each, told)
        if each is None or numbers is None or own is None:
            acts, keeps = False, True
        else:
            keeps = searched.agrees(each, before)
            acts = any(not searched.agree(getattr(numbers, kind), getattr(own, kind)) for kind in told)
        if acts or searched.declared is not None:  # what does nothing alone may be declared, as Nesterov's momentum
            found.append((change, each, keeps))
    return found


def _together(state: _State, beside: Useful, count: int, searched: Searched, kinds: Sequence[str]) -> list[_State]:
    """Return the states with several changes together in which these parts of a cycle agree."""
    usual = [each for each in beside if not each[0].rare]
    if count == TRIED and len(usual) > MOST:
        return []
    tried: Any = combinations(usual, count)
    if count == 2:
        tried = [*tried, *((one, each) for one in beside if one[0].rare for each in usual)]
    fitting: list[_State] = []
    for several in tried:
        chosen = [each for each, _, _ in several]
        alike = len({keeps for _, _, keeps in several}) == 1  # one that spoils what agreed must be set right by another
        if not alike or len({each.key for each in chosen}) < count or len(fitting) > TIES:
            continue
        made = _changed(state, chosen)
        if made is not None and searched.agrees(made, kinds):
            fitting.append(made)
    return fitting


def _with_constants(starts: Sequence[_State], stage: Stage, searched: Searched, kinds: Sequence[str]) -> list[_State]:
    """Return states with one more constant that was found from the numbers."""
    found = []
    for start in starts:
        taken = {each.key for each in start.made[-1:]}
        for each in fitted(start.problem, start.ways, stage, searched.theirs, searched.run):
            made = None if each.key in taken else _changed(start, (each,))
            if made is not None and searched.agrees(made, kinds):
                found.append(made)
        if len(found) > TIES:
            break
    return found


def _changed(state: _State, chosen: Sequence[Change]) -> _State | None:
    """Return a state with more changes, in an order in which they can be made, or None."""
    ways = state.ways | {each.way for each in chosen if each.way}
    for order in permutations(chosen):
        changed = state.problem
        try:
            for each in order:
                changed = each.apply(changed)
        except ClearpropError:
            continue
        return _State(changed, ways, (*state.made, *order))
    return None
