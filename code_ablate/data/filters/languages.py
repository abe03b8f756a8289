"""The language of a file: by its name, and by its content where the suffix has several.

    language_of("src/main.h", "#include <vector>\nnamespace a {}\n")     # "cpp"
    preprocessors=[NameLanguage(), *filters.CODE, *documents.TOKENIZE]   # in a SeqIO Task

Languages have the names of The Stack's folders. A suffix that several languages share is decided by
forms that one of them alone has; each occurrence counts, and the language with the most wins. Where
there is none, the language is the one that most such files are in.
"""

import dataclasses
import re
from collections.abc import Mapping

from code_ablate.data.filters.base import Document, Rewriter

_SUFFIXES = """
ada: adb ads ada
agda: agda
alloy: als
antlr: g4
applescript: applescript scpt
assembly: asm nasm
augeas: aug
awk: awk gawk
batchfile: bat cmd
bluespec: bsv
c: c
c-sharp: cs csx cake
clojure: clj cljs cljc edn
cmake: cmake
coffeescript: coffee
common-lisp: lisp lsp asd
cpp: cc cpp cxx c++ hh hpp hxx h++ inl ipp tpp
css: css
cuda: cu cuh
dart: dart
diff: diff patch
dockerfile: dockerfile
elixir: ex exs
elm: elm
emacs-lisp: el
erlang: erl hrl
f-sharp: fs fsi fsx
fortran: f f77 f90 f95 f03 f08 for
glsl: glsl vert frag geom
go: go
graphql: graphql gql
groovy: groovy gradle
haskell: hs
haxe: hx
hcl: hcl tf tfvars
html: html htm xhtml
idris: idr
ini: ini cfg
isabelle: thy
java: java
java-server-pages: jsp
javascript: js mjs cjs
json: json jsonl geojson webmanifest
jsx: jsx
julia: jl
jupyter-notebook: ipynb
kotlin: kt kts
lean: lean
less: less
literate-haskell: lhs
lua: lua
makefile: mk mak
markdown: md markdown mdown mkd
maple: mpl
mathematica: nb wl
meson: meson
nim: nim
nix: nix
objective-cpp: mm
ocaml: ml mli
pascal: pas pp dpr
perl: pm
php: php phtml php3 php4 php5
powershell: ps1 psm1 psd1
prolog: pro prolog
protocol-buffer: proto
python: py pyi pyw pyx pxd
r: r
racket: rkt
restructuredtext: rst
rmarkdown: rmd
ruby: rb rake gemspec
rust: rs
sas: sas
sass: sass
scala: scala sc
scheme: scm ss sld
scss: scss
shell: sh bash zsh ksh
smalltalk: st
solidity: sol
sparql: sparql rq
sql: sql
stan: stan
standard-ml: sml sig
stata: do ado
svelte: svelte
svg: svg
swift: swift
systemverilog: sv svh
tcl: tcl
tex: tex sty ltx bib
text: txt
thrift: thrift
toml: toml
typescript: ts mts cts
tsx: tsx
vbscript: vbs
vhdl: vhd vhdl
visual-basic: vb bas frm
vue: vue
xml: xml xsd wsdl plist
xslt: xsl xslt
yacc: y yy
yaml: yaml yml
zig: zig
"""

BY_SUFFIX: Mapping[str, str] = {
    suffix: language
    for language, suffixes in (line.split(": ") for line in _SUFFIXES.strip().splitlines())
    for suffix in suffixes.split()
}
"""Language by suffix, without the point and in small letters."""

BY_NAME: Mapping[str, str] = {
    "makefile": "makefile",
    "gnumakefile": "makefile",
    "dockerfile": "dockerfile",
    "containerfile": "dockerfile",
    "cmakelists.txt": "cmake",
    "meson.build": "meson",
    "rakefile": "ruby",
    "gemfile": "ruby",
    "vagrantfile": "ruby",
    "jenkinsfile": "groovy",
    "build.bazel": "starlark",
    "workspace.bazel": "starlark",
    "sconstruct": "python",
    "wscript": "python",
    "readme": "text",
    "metadata": "markdown",
    ".bashrc": "shell",
    ".profile": "shell",
}
"""Language by the whole name of a file, in small letters."""

_INTERPRETERS = (
    ("python", "python"),
    ("node", "javascript"),
    ("perl", "perl"),
    ("ruby", "ruby"),
    ("php", "php"),
    ("lua", "lua"),
    ("tclsh", "tcl"),
    ("wish", "tcl"),
    ("rscript", "r"),
    ("escript", "erlang"),
    ("awk", "awk"),
    ("make", "makefile"),
    ("bash", "shell"),
    ("zsh", "shell"),
    ("dash", "shell"),
    ("ksh", "shell"),
    ("sh", "shell"),
)
_SHEBANG = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+)*(?:\S*/)?)?([\w.+-]+)")


@dataclasses.dataclass(frozen=True)
class _Choice:
    """The languages that share a suffix."""

    default: str
    """Language of a file that has none of the forms."""
    forms: Mapping[str, re.Pattern[str]]
    """Forms that one language alone has."""


def _forms(**patterns: str) -> Mapping[str, re.Pattern[str]]:
    return {name.replace("_", "-"): re.compile(p, re.M) for name, p in patterns.items()}


AMBIGUOUS: Mapping[str, _Choice] = {
    "h": _Choice(
        "c",
        _forms(
            cpp=r"^\s*(?:class|namespace)\s+\w|^\s*template\s*<|^\s*(?:public|private|protected)\s*:|"
            r"\bstd::|\busing\s+\w|\b(?:constexpr|nullptr|noexcept|virtual|override)\b|"
            r"^\s*#\s*include\s*<(?:vector|string|memory|map|iostream|cstd\w+|utility|array)>|"
            r"\boperator\s*[=<>+*()\[\]-]|\w&\s+\w+\)|\bstatic_cast<",
            objective_c=r"^\s*@(?:interface|protocol|property|end|class|implementation)\b|"
            r"^\s*#\s*import\s|^\s*[-+]\s*\(\s*\w+[\s*]*\)\s*\w|\bNS[A-Z]\w+\s*\*",
        ),
    ),
    "m": _Choice(
        "matlab",
        _forms(
            objective_c=r"^\s*@(?:interface|implementation|protocol|property|end|import|synthesize)\b|"
            r"^\s*#\s*(?:import|include)\s|^\s*[-+]\s*\(\s*\w+[\s*]*\)\s*\w|\[\w+\s+\w+[\]:]|@\"",
            matlab=r"^\s*%|^\s*function\b[^;{]*$|^\s*(?:end|endfunction)\s*;?\s*$|\.\*|\.\^|"
            r"\b(?:zeros|ones|numel|fprintf|disp|plot)\s*\(",
            mathematica=r"\(\*|:=|\w+\[[A-Za-z]\w*_[,\]]|^\s*(?:BeginPackage|Begin|Module|Block)\[",
            mercury=r"^:-\s*(?:module|interface|implementation|pred|func)\b",
        ),
    ),
    "pl": _Choice(
        "perl",
        _forms(
            perl=r"^\s*use\s+(?:strict|warnings|v?\d|[A-Z])|^\s*(?:my|our|local)\s*[$@%(]|"
            r"^\s*sub\s+\w+|^#!.*\bperl|\$_\b|=~|^\s*package\s+[\w:]+;|^=(?:pod|head\d|cut)",
            prolog=r"^:-\s*\w|^\??-\s|^[a-z]\w*\([^()\n]*\)\s*:-|^[a-z]\w*\([^()\n]*\)\.\s*$|^\s*%|"
            r"\s-->\s",
        ),
    ),
    "d": _Choice(
        "d",
        _forms(
            d=r"^\s*(?:module|import)\s+[\w.]+[^;\n]*;|\b(?:writeln|writefln|immutable|unittest|"
            r"foreach|auto|alias|mixin|ubyte|string)\b|^\s*(?:void|int)\s+main\s*\(",
            makefile=r"^[^\s:#]+\.(?:o|d|lo|obj|gch)(?:\s+\S+)*\s*:(?!=)|^\s+\S+\.(?:h|hpp|c|cc|cpp)"
            r"\s*\\?\s*$|^[^\s:#]+\.h:\s*$",
            dtrace=r"^\s*(?:dtrace|syscall|fbt|pid\S*|profile|BEGIN|END)?:{3}|^#!.*dtrace|"
            r"^\s*#pragma\s+D\s|\bprintf\(\"[^\"]*\",\s*(?:execname|probefunc|pid)\b|"
            r"^(?:syscall|profile|proc|io|sched):",
        ),
    ),
    "t": _Choice(
        "perl",
        _forms(
            perl=r"^\s*use\s+(?:Test|strict|warnings|lib|[A-Z])|^#!.*\bperl|^\s*my\s*[$@%(]|"
            r"\b(?:ok|is|is_deeply|done_testing|plan)\s*\(|=~|^\s*sub\s+\w+",
            raku=r"^\s*use\s+v6|^\s*(?:my|has)\s+\w+\s+[$@%][.!]?\w|^\s*(?:multi|method|class)\s+\w",
            terra=r"^\s*(?:local\s+)?terra\s|\bterralib\.|^\s*local\s+\w+\s*=|^\s*local\s+function",
            turing=r"^\s*(?:var|const)\s+\w+\s*:[^=]|^\s*put\s+\"|^\s*(?:proc|procedure)\s+\w+|"
            r"^\s*end\s+(?:if|for|loop|\w+)\s*$|^\s*loop\s*$",
            shell=r"^#!.*\b(?:sh|bash)\b|^\s*test_expect_success\b|^\s*\.\s+\./|^\s*fi\s*$",
        ),
    ),
    "s": _Choice(
        "assembly",
        _forms(
            assembly=r"^\s*\.(?:globl|global|text|data|section|align|type|size|byte|word|long|quad)\b|"
            r"^\s*(?:mov[lqwb]?|push[lq]?|pop[lq]?|ldr|str|add[lq]?|sub[lq]?|jmp|j[nz]e?|call[lq]?|"
            r"ret[lq]?|bl|nop|syscall|lea[lq]?)\b|^[.\w$]+:\s*$|%[er]?[abcds][xip]\b",
            r=r"<-\s*(?:function|c|data\.frame|\d|\w)|^\s*(?:library|require|setClass|setMethod)\(",
            smalltalk=r"^\s*!\w+\s+(?:class\s+)?methodsFor:|\bifTrue:|^\s*\|\s*\w[\w ]*\|\s*$",
        ),
    ),
    "v": _Choice(
        "verilog",
        _forms(
            verilog=r"^\s*(?:module|endmodule|input|output|inout|wire|reg|always|assign|initial|"
            r"parameter|`\w+)\b|\bposedge\b|\bnegedge\b|\d+'[bhd][\da-fA-F_xz]+",
            coq=r"^\s*(?:Theorem|Lemma|Definition|Fixpoint|Inductive|Require|Import|Proof|Qed|"
            r"Section|Hypothesis|Notation|Variable|Record|Ltac)\b|\(\*",
            v=r"^\s*(?:pub\s+)?fn\s+(?:\(\w|\w+\()|^\s*(?:pub\s+)?(?:struct|enum)\s+\w+\s*\{|:=|"
            r"^\s*import\s+\w|^module\s+\w+\s*$|\bprintln\(",
        ),
    ),
    "cls": _Choice(
        "tex",
        _forms(
            tex=r"\\(?:NeedsTeXFormat|ProvidesClass|LoadClass|newcommand|def|RequirePackage|begin|"
            r"DeclareOption|renewcommand|setlength)|^\s*%",
            visual_basic=r"^\s*VERSION\s+\d|^\s*Attribute\s+VB_|^\s*(?:Public|Private|Friend)?\s*"
            r"(?:Sub|Function|Property\s+(?:Get|Let|Set))\s+\w+|^\s*End\s+(?:Sub|Function|If)|^\s*Dim\s",
            apex=r"(?i)^\s*(?:public|private|global)\s+(?:with\s+sharing\s+|without\s+sharing\s+|"
            r"virtual\s+|abstract\s+|static\s+)*(?:class|interface|enum|void|\w+)\s+\w+|@istest\b|"
            r"@auraenabled\b|\bsystem\.(?:assert|debug)|\[\s*select\s",
            openedge_abl=r"(?i)^\s*(?:using\s+[\w.*]+\.|end\s+(?:method|class)\.|define\s+(?:variable|"
            r"temp-table)\b|routine-level)|^\s*method\s+(?:public|private)\s",
            objectscript=r"^Class\s+[\w.%]+\s+Extends\s|^(?:Class)?Method\s+\w+\(|^Property\s+\w+\s+As\s",
        ),
    ),
}
"""The suffixes that several languages share, without the point."""

_CONTENT = 50_000
"""Characters at the beginning of a file in which forms are counted."""


def language_of(path: str, text: str = "") -> str:
    """The language of a file; "" where neither its name nor its first line says one."""
    name = path.replace("\\", "/").rpartition("/")[2]
    small = name.lower()
    if small in BY_NAME:
        return BY_NAME[small]
    suffix = small.rpartition(".")[2] if "." in small.lstrip(".") else ""
    if name.endswith(".C"):  # on systems that tell it from .c
        return "cpp"
    if suffix in AMBIGUOUS:
        return _by_content(AMBIGUOUS[suffix], text)
    if suffix in BY_SUFFIX:
        return BY_SUFFIX[suffix]
    return "" if suffix else _by_first_line(text)


def _by_content(choice: _Choice, text: str) -> str:
    """The language with the most forms; the default where none has more than the others."""
    beginning = text[:_CONTENT]
    counts = {name: len(form.findall(beginning)) for name, form in choice.forms.items()}
    most = max(counts.values())
    best = [name for name, count in counts.items() if count == most]
    return choice.default if not most or (len(best) > 1 and choice.default in best) else best[0]


def _by_first_line(text: str) -> str:
    match = _SHEBANG.match(text)
    if not match:
        return ""
    program = match[1].lower()
    return next((name for start, name in _INTERPRETERS if program.startswith(start)), "")


@dataclasses.dataclass(frozen=True)
class NameLanguage(Rewriter):
    """Sets the language of documents by their path and content.

    One that cannot be told keeps what the source says of it. Source: suffixes are those of GitHub's
    Linguist as The Stack uses it (arXiv 2211.15533, section 3.1); how shared ones are decided is
    ours.
    """

    only_unknown: bool = False
    """Whether a document whose language the source names keeps it."""

    needs = ("path", "language")

    def rewrite(self, document: Document) -> tuple[Document, Mapping[str, int]]:
        """(document with its language, {"language": 1} if it is another one now)."""
        language = language_of(document.path, document.text)
        if not language or language == document.language:
            return document, {}
        if self.only_unknown and document.language:
            return document, {}
        return dataclasses.replace(document, language=language), {"language": 1}
