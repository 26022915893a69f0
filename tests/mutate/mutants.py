"""Small changes of C source: an operator, a constant or a condition, one at a time, by tokens.

The sources are formatted by clang-format: a binary operator has white space on both sides, a unary one
or a pointer's star has not. Changed are, in a .c file, everything but preprocessor lines other than the
bodies of #define, and in a header the bodies of functions. Not changed: strings, _Static_assert,
attributes and the second argument of __builtin_expect, which is advice to the compiler.

A change never moves a line. Standard library only.
"""
import re
from collections import namedtuple

# `old` and `new` are the lines that differ, with white space collapsed.
Mutant = namedtuple("Mutant", "file line start end text old new")

TOKEN = re.compile(r"""
    (?P<space>\s+|\\\n) | (?P<comment>/\*.*?\*/|//[^\n]*) | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*) | (?P<name>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\w\s])
""", re.X | re.S)

BINARY = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",),
    "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "%": ("/",), "&": ("|",), "|": ("&",),
    "^": ("|", "&"), "<<": (">>",), ">>": ("<<",), "&&": ("||",), "||": ("&&",),
    "+=": ("-=",), "-=": ("+=",), "*=": ("/=",), "/=": ("*=",), "&=": ("|=",), "|=": ("&=",), "^=": ("|=",),
    "<<=": (">>=",), ">>=": ("<<=",), "?": ("&& 0 ?", "|| 1 ?"),
}
PLAIN = {"++": ("--",), "--": ("++",), "~": ("",), "!": ("",)}
WORDS = {"true": ("false",), "false": ("true",)}

Token = namedtuple("Token", "kind text start end")


def tokens_of(source):
    at, found = 0, []
    while at < len(source):
        m = TOKEN.match(source, at)
        if m is None:
            raise ValueError(f"no C token at offset {at}: {source[at:at + 20]!r}")
        if m.lastgroup not in ("space", "comment"):
            found.append(Token(m.lastgroup, m.group(), m.start(), m.end()))
        at = m.end()
    return found


def preprocessor(source):
    """Offsets of preprocessor lines that are left alone; of a #define up to its body."""
    dead = []
    for m in re.finditer(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", source, re.M):
        define = re.match(r"[ \t]*#[ \t]*define\s+\w+(\([^)]*\))?", m.group())
        dead.append((m.start(), m.start() + define.end() if define else m.end()))
    return dead


def closing(tokens, i):
    """The index of the bracket that closes tokens[i]."""
    pairs = {"(": ")", "{": "}"}
    depth = 0
    for j in range(i, len(tokens)):
        if tokens[j].text == tokens[i].text:
            depth += 1
        elif tokens[j].text == pairs[tokens[i].text]:
            depth -= 1
            if depth == 0:
                return j
    raise ValueError(f"a bracket at offset {tokens[i].start} is never closed")


def dead_brackets(tokens):
    dead = []
    for i, t in enumerate(tokens[:-1]):
        if tokens[i + 1].text != "(":
            continue
        if t.text in ("_Static_assert", "__attribute__"):
            dead.append((t.start, tokens[closing(tokens, i + 1)].end))
        elif t.text == "__builtin_expect":
            last = closing(tokens, i + 1)
            comma = max(j for j in range(i, last) if tokens[j].text == ",")
            dead.append((tokens[comma].start, tokens[last].end))
    return dead


def bodies(tokens):
    """The bodies of functions: outermost braces that follow a round bracket."""
    found, i = [], 0
    while i < len(tokens):
        if tokens[i].text == "{":
            last = closing(tokens, i)
            if i > 0 and tokens[i - 1].text == ")":
                found.append((tokens[i].start, tokens[last].end))
            i = last
        i += 1
    return found


def number_changes(text):
    digits = text.rstrip("uUlL")
    suffix = text[len(digits):]
    value = int(digits, 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" and len(digits) > 1 else 10)
    return [f"{value + 1}{suffix}"] + ([f"{value - 1}{suffix}"] if value > 0 else [])


def is_binary(source, t):
    return source[t.start - 1].isspace() and source[t.end:t.end + 1].isspace()


def changes_of(source, tokens, i):
    """(start, end, text) of each change that begins with token i."""
    t = tokens[i]
    if t.kind == "number":
        return [(t.start, t.end, new) for new in number_changes(t.text)]
    if t.kind == "name" and t.text in WORDS:
        return [(t.start, t.end, new) for new in WORDS[t.text]]
    if t.text in ("if", "while") and tokens[i + 1].text == "(":
        start, end = tokens[i + 1].end, tokens[closing(tokens, i + 1)].start
        lines = "\n" * source.count("\n", start, end)
        return [(start, end, word + lines) for word in (("1", "0") if t.text == "if" else ("0",))]
    if t.text in BINARY and is_binary(source, t):
        return [(t.start, t.end, new) for new in BINARY[t.text]]
    return [(t.start, t.end, new) for new in PLAIN.get(t.text, ())]


def collapse(text):
    return " ".join(text.split())


def make_mutant(file, source, change):
    start, end, text = change
    first = source.rfind("\n", 0, start) + 1
    last = source.find("\n", end)
    last = len(source) if last < 0 else last
    old = collapse(source[first:last])
    new = collapse(source[first:start] + text + source[end:last])
    return Mutant(file, source.count("\n", 0, start) + 1, start, end, text, old, new)


def mutants_of(file, source):
    """Every mutant of one file, in the order of the text."""
    tokens = tokens_of(source)
    dead = preprocessor(source) + dead_brackets(tokens)
    alive = bodies(tokens) if file.endswith(".h") else [(0, len(source))]
    found = []
    for i, t in enumerate(tokens):
        if any(a <= t.start < b for a, b in dead) or not any(a <= t.start < b for a, b in alive):
            continue
        found += [make_mutant(file, source, change) for change in changes_of(source, tokens, i)]
    return found


def apply(source, mutant):
    return source[:mutant.start] + mutant.text + source[mutant.end:]
