"""What a lint can see of a C source without a compiler, in the house style that clang-format keeps."""
import os
import re

INCLUDE = re.compile(r"[ \t]*#[ \t]*include[ \t]*([<\"][^>\"]*[>\"])")
TOKEN = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.S | re.X
)
# A name and its parameters, at the left margin; then a body, or a semicolon.
FUNCTION = re.compile(r"^(?!static\b|typedef\b|#)[A-Za-z_][\w \t*]*?\b(\w+)\((?:[^;{}]*)\)( MM_MUST_CHECK)?\s*(\{|;)", re.M)


def strip(text):
    """Without comments and without what stands in quotes, so that a word in prose is no finding; line
    by line as before. The names of includes stay."""

    def blank(found):
        token = found.group(0)
        if token[0] in "\"'":
            return token[0] * 2
        return " " + "\n" * token.count("\n")

    lines = TOKEN.sub(blank, text).split("\n")
    return "\n".join("" if re.match(r"[ \t]*#[ \t]*include", line) else line for line in lines)


class Source:
    """A file, by its path from the top of the tree."""

    def __init__(self, top, path):
        self.path = path
        self.folder, self.name = os.path.split(path)
        self.stem, self.ending = os.path.splitext(self.name)
        with open(os.path.join(top, path), encoding="utf-8") as file:
            text = file.read()
        self.code = strip(text)
        no_comments = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)
        self.includes = []  # (line, name with its quotes or brackets)
        for number, line in enumerate(no_comments.split("\n"), 1):
            found = INCLUDE.match(line)
            if found:
                self.includes.append((number, found.group(1)))

    def find(self, pattern):
        """FILE:LINE:CODE for each line of code in which the pattern is found."""
        search = re.compile(pattern, re.M).search
        if not search(self.code):  # most files
            return
        for number, line in enumerate(self.code.split("\n"), 1):
            if search(line):
                yield f"{self.path}:{number}:{line.strip()}"

    def functions(self, end):
        """Names of functions that are not static: defined (end "{") or declared (";")."""
        return [m.group(1) for m in FUNCTION.finditer(self.code) if m.group(3) == end]


def read_tree(top, folders):
    """Every C, header and assembly file below."""
    found = []
    for folder in folders:
        for at, _, names in os.walk(os.path.join(top, folder)):
            for name in names:
                if name.endswith((".c", ".h", ".S")):
                    found.append(os.path.relpath(os.path.join(at, name), top))
    return [Source(top, path) for path in sorted(found)]
