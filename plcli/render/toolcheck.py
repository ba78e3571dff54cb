"""What checking tools found, and what making them strict changed, on the screen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from plcli.brevity import counted
from plcli.errors import Problem
from plcli.paths import show
from plcli.render.problems import problem_fields, text_lines
from plcli.render.screen import Screen
from plcli.render.table import show_table
from plcli.strictness.keywords import Note
from plcli.toolcheck import CheckedTool, Fitness, FixedTool

_COLUMNS = ("tool", "api", "strict", "ignored", "refused", "otherwise")


def show_checked_tools(checked: Sequence[CheckedTool], broken: Sequence[Problem], screen: Screen) -> None:
    """A row for each tool and api, and below what is wrong and what is in the way of strict mode; or JSON."""
    if screen.machine:
        _show_json([*map(_checked_fields, checked), *_broken_fields(broken)], screen)
        return
    show_table(_COLUMNS, (row for one in checked for row in _rows(one)), screen, first=3)
    for one in checked:
        _show_problems(one.problems, screen)
        if one.tool.spec.strict is None and (in_the_way := one.obstacles):
            for problem in in_the_way:
                screen.say(f"{problem.where}: {problem.message} (at {problem.path})")
            screen.say(f"  plcli tools check {one.tool.spec.name} --fix writes it strictly")
    _show_problems(broken, screen)


def show_fixed_tools(fixed: Sequence[FixedTool], broken: Sequence[Problem], screen: Screen) -> None:
    """What became of each tool, with a line for each change, and below what has no strict form; or JSON."""
    if screen.machine:
        _show_json([*map(_fixed_fields, fixed), *_broken_fields(broken)], screen)
        return
    for one in fixed:
        screen.print(f"{_became(one):<9}  {one.tool.document.file}")
        for change in one.changes:
            screen.print(f"  {_place(change.path)}: {change.message}")
        if one.lost:
            screen.say(f"{one.tool.document.file}: {counted(len(one.lost), 'comment')} left out")
    for one in fixed:
        _show_problems((*one.left, *one.warnings), screen)
    _show_problems(broken, screen)


def _show_problems(problems: Iterable[Problem], screen: Screen) -> None:
    for problem in problems:
        screen.write(screen.err, screen.clean(text_lines(problem), screen.err) + "\n")


def _show_json(values: Sequence[Mapping[str, Any]], screen: Screen) -> None:
    screen.print(json.dumps(values, indent=2))


def _rows(one: CheckedTool) -> Iterator[tuple[str, ...]]:
    for api, fitness in one.apis.items():
        strict = "" if fitness.strict is None else "yes" if fitness.strict else "no"
        otherwise = "; ".join(f"{loss.kind}: {loss.message}" for loss in fitness.losses)
        yield one.tool.spec.name, api, strict, _keywords(fitness.ignored), _keywords(fitness.refused), otherwise


def _keywords(notes: Iterable[Note]) -> str:
    return ", ".join(dict.fromkeys(note.keyword for note in notes))


def _became(one: FixedTool) -> str:
    if one.left:
        return "not fixed"
    return "written" if one.text is not None else "as it was"


def _place(path: Sequence[str | int]) -> str:
    return show(("parameters", *path))


def _checked_fields(one: CheckedTool) -> dict[str, Any]:
    apis = {api: _fitness_fields(fitness) for api, fitness in one.apis.items()}
    return {**_named(one), "apis": apis, "problems": [problem_fields(problem) for problem in one.problems]}


def _fitness_fields(fitness: Fitness) -> dict[str, Any]:
    return {
        "strict": fitness.strict,
        "obstacles": _notes(fitness.obstacles),
        "ignored": _notes(fitness.ignored),
        "refused": _notes(fitness.refused),
        "losses": [loss._asdict() for loss in fitness.losses],
    }


def _fixed_fields(one: FixedTool) -> dict[str, Any]:
    return {
        **_named(one),
        "written": one.text is not None,
        "changes": [{**change._asdict(), "path": _place(change.path)} for change in one.changes],
        "comments_lost": list(one.lost),
        "problems": [problem_fields(problem) for problem in (*one.left, *one.warnings)],
    }


def _broken_fields(problems: Sequence[Problem]) -> Iterator[dict[str, Any]]:
    """The files that are wrong, each with its problems."""
    for file in dict.fromkeys(problem.file for problem in problems):
        yield {"path": file, "problems": [problem_fields(problem) for problem in problems if problem.file == file]}


def _named(one: CheckedTool | FixedTool) -> dict[str, Any]:
    return {"name": one.tool.spec.name, "path": one.tool.document.file}


def _notes(notes: Iterable[Note]) -> list[dict[str, str]]:
    return [{"path": show(note.path), "message": note.message} for note in notes]
