"""jinja2 templates, cut down to what a prompt needs and bounded in all they do.

jinja2 parses, `jinja_syntax` rewrites the tree so that every expression is a primitive of
`primitives`, and jinja2's sandbox runs the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any

from plcli.jinja_syntax import (
    FREE_FILTERS,
    FREE_TESTS,
    METERED_FILTERS,
    METERED_TESTS,
    Fault,
    Rewriter,
    TemplateFaults,
    check_depth,
    missing_variable,
)
from plcli.media import Json
from plcli.meter import Meter, Misuse
from plcli.primitives import Primitives

if TYPE_CHECKING:
    from jinja2 import Environment, Template, nodes

MAX_LENGTH = 1024 * 1024
"""Characters of a text that holds placeholders."""

MAX_OUTPUT = 4 * 1024 * 1024
"""Characters of a filled text."""

_MAX_TOKENS = 20_000
_CODE = "<template>"
_BRACES_HINT = "put {% raw %}…{% endraw %} around braces that are meant as such, or set `template: none`"


@dataclass(frozen=True, eq=False)
class Program:
    """A template ready to run: the Python that it became, and the variables that it uses.

    `uses` gives, for each name the variables must have, the line of its first use; `guarded` are the
    names that may be missing because the template asks (`is defined`, `default`).
    """

    source: str
    environment: Environment
    meter: Meter
    uses: dict[str, int]
    guarded: frozenset[str]

    @cached_property
    def template(self) -> Template:
        """The source, compiled; many rows fill one template."""
        code = compile(self.source, _CODE, "exec")
        return self.environment.template_class.from_code(self.environment, code, {})


@lru_cache(maxsize=256)
def parse(text: str) -> Program:
    """Read a template. Raises `TemplateFaults`."""
    from jinja2 import TemplateError, TemplateSyntaxError

    if len(text) > MAX_LENGTH:
        message = f"a text with placeholders has at most {MAX_LENGTH:,} characters"
        raise TemplateFaults((Fault(1, message, "use `template: none`, or put long texts into variables"),))
    environment, meter = _environment("\r\n" if "\r\n" in text else "\n")
    try:
        if sum(1 for _ in islice(environment.lex(text), _MAX_TOKENS + 1)) > _MAX_TOKENS:
            raise TemplateFaults((Fault(1, "too many placeholders", "put long lists into variables, and loop"),))
        tree = environment.parse(text)
        check_depth(tree)
        rewriter = Rewriter()
        rewriter.rewrite(tree)
        if rewriter.faults:
            raise TemplateFaults(tuple(rewriter.faults))
        tree.set_environment(environment)
        source, undeclared = _generated(tree, environment)
    except TemplateSyntaxError as error:
        raise TemplateFaults((Fault(error.lineno, _sentence(error.message), _BRACES_HINT),)) from None
    except (RecursionError, MemoryError):
        raise TemplateFaults((Fault(1, "nested too deeply"),)) from None
    except TemplateError as error:
        raise TemplateFaults((Fault(1, _sentence(str(error))),)) from None
    except ValueError:
        raise TemplateFaults((Fault(1, "a number has too many digits", "pass it as a text variable"),)) from None
    guarded = frozenset(rewriter.guarded & undeclared)
    uses = {name: line for name, line in rewriter.uses.items() if name in undeclared and name not in guarded}
    return Program(source, environment, meter, uses, guarded)


def run(program: Program, variables: Mapping[str, Json]) -> str:
    """Fill a template; no two threads may fill any at once. Raises `TemplateFaults`, naming every missing variable."""
    missing = [missing_variable(name, line, variables) for name, line in program.uses.items() if name not in variables]
    if missing:
        raise TemplateFaults(tuple(missing))
    from jinja2 import TemplateError

    template = None
    try:
        program.meter.refill()
        template = program.template
        pieces, size = [], 0
        for piece in template.root_render_func(template.new_context(dict(variables))):
            size += len(piece)
            if size > MAX_OUTPUT:
                raise Misuse(f"the filled text is longer than {MAX_OUTPUT:,} characters")
            pieces.append(piece)
        return "".join(pieces)
    except (RecursionError, MemoryError, SyntaxError):
        raise TemplateFaults((Fault(1, "nested too deeply"),)) from None
    except (Misuse, TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        line = _line_of(error.__traceback__, template.get_corresponding_lineno) if template else 1
        raise TemplateFaults((Fault(line, _sentence(str(error))),)) from None


@cache
def _environment(newline: Any) -> tuple[Environment, Meter]:
    """jinja2's sandbox with nothing in it but the primitives, and the meter on which they all draw.

    Templates share it: making one takes longer than reading most templates.
    """
    from jinja2 import StrictUndefined, pass_context
    from jinja2.runtime import LoopContext
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.utils import Namespace

    @pass_context
    def as_it_is(_: Any, value: str) -> str:
        """Depends on the context, so that jinja2 evaluates nothing while it compiles."""
        return value

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        optimized=False,
        finalize=as_it_is,
        keep_trailing_newline=True,
        newline_sequence=newline,
        cache_size=0,
    )
    meter = Meter()
    primitives = Primitives(meter, StrictUndefined, (LoopContext, Namespace))
    given: dict[str, Any] = environment.filters
    tests: dict[str, Any] = environment.tests
    environment.globals.clear()
    environment.filters = {
        **{name: given[name] for name in FREE_FILTERS},
        **{name: primitives.metered(given[name]) for name in METERED_FILTERS},
        "indent": primitives.indented(given["indent"]),
        "round": primitives.rounded(given["round"]),
        "join": primitives.join,
        "replace": primitives.replace,
        "string": primitives.text,
        "sum": primitives.sum,
        "tojson": primitives.tojson,
        **primitives.table(),
        "(namespace)": lambda _, /, *args, **kwargs: Namespace(*args, **kwargs),
    }
    environment.tests = {
        **{name: tests[name] for name in FREE_TESTS},
        **{name: primitives.metered(tests[name]) for name in METERED_TESTS},
    }
    return environment, meter


def _generated(tree: nodes.Template, environment: Environment) -> tuple[str, set[str]]:
    """A template as Python, and the names that it looks up outside itself."""
    generator = _generator()(environment)
    # It is on whatever the environment says, and would evaluate and change the tree.
    generator.optimizer = None
    generator.visit(tree)
    return generator.stream.getvalue(), generator.undeclared_identifiers


@cache
def _generator() -> Any:
    """jinja2's generator of Python that notes names; jinja2's own writes nothing, which takes a second pass."""
    from jinja2.compiler import CodeGenerator
    from jinja2.meta import TrackingCodeGenerator

    return type("Generator", (TrackingCodeGenerator,), {"write": CodeGenerator.write})


def _line_of(traceback: TracebackType | None, line_in_template: Callable[[int], int]) -> int:
    """The line of the text at which an error arose, read off the innermost frame of the template's code."""
    line = 1
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == _CODE:
            line = line_in_template(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line


def _sentence(message: str | None) -> str:
    """An exception's words as the middle of a line: no capital, no full stop."""
    text = (message or "the template cannot be filled").strip().removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
