r"""Data: what a definition looks like in languages without a grammar, as one regular expression a line.

The habits are those of universal-ctags' line-oriented parsers. Each line of a table is a kind and an
expression, which is tried at the beginning of every line of a file. ``NAME`` stands for the name,
``FUNC`` for what precedes a name in C's family (a type at least, and no word that begins a statement),
``PARAMS`` for parentheses that a body follows. ``kind@a,b`` counts only directly inside of a definition
of kind a or b; ``member`` names something that is too small to be a chunk of its own, ``member+`` the first
of several with commas between them. A ``section`` of a text goes on until the next one. A block that is only
there for what stands in it has an empty name.

Every repetition is bounded or runs over characters that what follows it cannot begin with, so no line
takes longer than its length.
"""

# ruff: noqa: E501  (an expression reads best on one line)
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CASELESS", "CLOSED_BY", "LINE_PATTERNS", "NAMES"]

_LISP = r"""
function  [ \t]*\((?:cl-)?(?:defun|defmacro|defsubst|defgeneric|defmethod|define-(?:minor-mode|derived-mode|modify-macro|compiler-macro|syntax|macro|inline))\*?[ \t]+\(?NAME
function  [ \t]*\(define[ \t]+\(+NAME
class     [ \t]*\((?:cl-)?(?:defclass|defstruct|deftype|define-condition|define-record-type|define-struct|struct)[ \t]+\(?NAME
constant  [ \t]*\((?:defvar|defparameter|defconstant|defconst|defcustom|defvar-local|defface|defgroup|define)[ \t]+NAME
"""

_C_LIKE_TYPES = r"""
struct    [ \t]{0,40}(?:typedef[ \t]+)?struct[ \t]+NAME[ \t]*(?:\{|$)
enum      [ \t]{0,40}(?:typedef[ \t]+)?enum[ \t]+(?:class[ \t]+)?NAME[ \t]*(?::|\{|$)
"""

_HDL = r"""
module    [ \t]{0,40}(?:(?:virtual|extern)[ \t]+)?(?:macromodule|module|program|primitive)[ \t]+(?:automatic[ \t]+|static[ \t]+)?NAME
module    [ \t]{0,40}(?:package)[ \t]+(?:automatic[ \t]+|static[ \t]+)?NAME
interface [ \t]{0,40}interface[ \t]+(?!class\b)NAME
class     [ \t]{0,40}(?:virtual[ \t]+|interface[ \t]+)?class[ \t]+(?:automatic[ \t]+)?NAME
function  [ \t]{0,40}(?:(?:extern|pure|virtual|static|local|protected|automatic|forkjoin|import[ \t]+"[^"\n]*")[ \t]+)*(?:function|task)[ \t]+(?:automatic[ \t]+|static[ \t]+)?(?:\[[^\]\n]*\][ \t]*)?(?:[\w:$]+(?:[ \t]*\[[^\]\n]*\])?[ \t]+){0,3}(?:\w+::)?NAME[ \t]*[(;]
type      [ \t]{0,40}typedef\s[^;{}\n]*?NAME[ \t]*;
type      [ \t]{0,40}typedef[ \t]+(?:enum|struct|union)[^{}\n]*\{[^{}\n]*\}[ \t]*NAME[ \t]*;
enum      [ \t]{0,40}typedef[ \t]+enum[^{}\n]*\{(?P<name>)[^}\n]*$
struct    [ \t]{0,40}typedef[ \t]+(?:struct|union)[^{}\n]*\{(?P<name>)[^}\n]*$
type      [ \t]{0,40}\}[ \t]*NAME[ \t]*;
member@enum  [ \t]{1,40}NAME[ \t]*(?:=[^,\n]*)?,?[ \t]*(?://[^\n]*)?$
macro     [ \t]{0,40}`define[ \t]+NAME
type      [ \t]{0,40}covergroup[ \t]+NAME
member    [ \t]{0,40}(?:local)?param(?:eter)?[ \t]+(?:[\w:$]+[ \t]+)?(?:\[[^\]\n]*\][ \t]*)?NAME[ \t]*=
member@module,interface,class,struct  [ \t]{0,40}(?!STATEMENT|assign\b|endmodule\b)[\w:]+(?:[ \t]*\[[^\]\n]*\])*[ \t]+NAME[ \t]*(?:\[[^\]\n]*\][ \t]*)*[;=]
member+@module,interface,class,struct  [ \t]{0,40}(?:(?:input|output|inout|rand|randc|local|protected|static|const)[ \t]+)?(?:wire|reg|logic|bit|int|integer|byte|real|time|string|genvar|input|output|inout|supply[01]|tri|event)[ \t]+(?:(?:signed|unsigned|wire|reg|logic|var)[ \t]+)?(?:\[[^\]\n]*\][ \t]*)*NAME
"""

_SHADER = (
    _C_LIKE_TYPES
    + r"""
function  FUNCNAMEPARAMS
macro     [ \t]{0,40}\#[ \t]*define[ \t]+NAME
member    (?:layout[ \t]*\([^)\n]*\)[ \t]*)?(?:uniform|varying|attribute|in|out|const|static[ \t]+const)[ \t]+(?:\w+[ \t]+){1,3}NAME
"""
)

_TABLES: Mapping[str, str] = {
    "ada": r"""
module    [ \t]{0,40}package[ \t]+(?:body[ \t]+)?NAME
function  [ \t]{0,40}(?:overriding[ \t]+)?(?:procedure|function|entry|task(?:[ \t]+body|[ \t]+type)?)[ \t]+NAME
type      [ \t]{0,40}(?:sub)?type[ \t]+NAME
""",
    "asciidoc": r"section  ={1,6}[ \t]+NAME[ \t]*$",
    "assembly": r"""
function  NAME:
macro     [ \t]{0,40}(?:\.macro|%macro|\#define)[ \t]+NAME
constant  [ \t]{0,40}(?:\.set|\.equ)[ \t]+NAME
constant  NAME[ \t]+(?:equ|EQU)\b
""",
    "awk": r"function  [ \t]{0,40}func(?:tion)?[ \t]+NAME",
    "batch": r"function  :NAME",
    "clojure": r"""
namespace [ \t]{0,40}\(ns[ \t]+(?:\^\S+[ \t]+)*NAME
function  [ \t]{0,40}\((?:[\w.-]+/)?(?:defn-?|defmulti|definline|deftest|>defn-?|defn-spec)[ \t]+(?:\^(?:\{[^}\n]*\}|\S+)[ \t]+)*NAME
macro     [ \t]{0,40}\((?:[\w.-]+/)?(?:defmacro)[ \t]+(?:\^(?:\{[^}\n]*\}|\S+)[ \t]+)*NAME
function  [ \t]{0,40}\((?:[\w.-]+/)?defmethod[ \t]+NAME
interface [ \t]{0,40}\((?:[\w.-]+/)?(?:defprotocol|definterface)[ \t]+(?:\^\S+[ \t]+)*NAME
class     [ \t]{0,40}\((?:[\w.-]+/)?(?:defrecord|deftype|defstruct)[ \t]+(?:\^\S+[ \t]+)*NAME
constant  [ \t]{0,40}\((?:[\w.-]+/)?(?:def|defonce|def-?\w{0,20})[ \t]+(?:\^(?:\{[^}\n]*\}|\S+)[ \t]+)*NAME
member@interface  [ \t]{1,40}\(NAME\s
""",
    "cmake": r"""
function  [ \t]{0,40}function[ \t]*\([ \t]*NAME
macro     [ \t]{0,40}macro[ \t]*\([ \t]*NAME
constant  [ \t]{0,40}(?:set|option|define_property)[ \t]*\([ \t]*NAME
constant  [ \t]{0,40}(?:add_executable|add_library|add_custom_target|project)[ \t]*\([ \t]*NAME
""",
    "coffeescript": r"""
class     [ \t]{0,40}(?:module\.exports[ \t]*=[ \t]*)?class[ \t]+NAME
function  [ \t]{0,40}@?NAME[ \t]*[:=][ \t]*(?:\([^()\n]*\))?[ \t]*[-=]>
""",
    "crystal": r"""
class     [ \t]{0,40}(?:abstract[ \t]+)?(?:class|struct)[ \t]+NAME
module    [ \t]{0,40}(?:module|lib)[ \t]+NAME
enum      [ \t]{0,40}enum[ \t]+NAME
function  [ \t]{0,40}(?:(?:private|protected|abstract)[ \t]+)*def[ \t]+(?:self\.)?NAME
macro     [ \t]{0,40}macro[ \t]+NAME
type      [ \t]{0,40}alias[ \t]+NAME
constant  [ \t]{0,40}(?=[A-Z])NAME[ \t]*=
member    [ \t]{0,40}(?:class_)?(?:property|getter|setter)[!?]?[ \t]+:?NAME
""",
    "d": r"""
module    module[ \t]+NAME
class     [ \t]{0,40}(?:(?:public|private|abstract|final|static|export)[ \t]+)*class[ \t]+NAME
interface [ \t]{0,40}(?:(?:public|private)[ \t]+)*interface[ \t]+NAME
struct    [ \t]{0,40}(?:(?:public|private|static|align\(\d+\))[ \t]+)*(?:struct|union)[ \t]+NAME
enum      [ \t]{0,40}(?:(?:public|private)[ \t]+)*enum[ \t]+NAME
type      [ \t]{0,40}alias[ \t]+NAME
macro     [ \t]{0,40}(?:mixin[ \t]+)?template[ \t]+NAME
function  FUNCNAMEPARAMS
""",
    "dart": r"""
class     [ \t]{0,40}(?:(?:abstract|sealed|base|final|interface|mixin|macro)[ \t]+)*class[ \t]+NAME
mixin     [ \t]{0,40}(?:base[ \t]+)?mixin[ \t]+(?!class\b)NAME
extension [ \t]{0,40}extension[ \t]+(?:type[ \t]+(?:const[ \t]+)?)?(?!on\b)NAME
enum      [ \t]{0,40}enum[ \t]+NAME
type      [ \t]{0,40}typedef[ \t]+(?:[\w<>?,. ]+\s)?NAME[ \t]*(?:<[^=\n]*>)?[ \t]*(?:=|\()
function  FUNC(?:get[ \t]+)?NAMEPARAMS
function  FUNCget[ \t]+NAME[ \t]*(?:=>|\{|async)
function  [ \t]{1,40}(?:(?:const|factory|external)[ \t]+)*(?=[A-Z_])(?!(?:if|for|while|switch|catch)\b)NAME(?:\.\w+)?PARAMS
function@class,enum,mixin  [ \t]{1,40}(?:static[ \t]+)?(?:set|get)[ \t]+NAME
function@class,mixin,extension  [ \t]{1,4}(?!STATEMENT)[\w<>?,.]+[ \t]+NAME\([^;{}\n]*\);
constant  (?:(?:final|const|late|var)[ \t]+)+(?:[\w<>?,.]+[ \t]+)?NAME[ \t]*(?:=|;)
member@class,mixin,enum,extension  [ \t]{1,40}(?:(?:static|final|const|late|var|covariant|external|abstract)[ \t]+)+(?:[\w.]+(?:<[^=;\n]{0,80}>)?\??[ \t]+)?NAME[ \t]*(?:=(?!>)|;)
member@class,mixin,enum,extension  [ \t]{1,40}(?!STATEMENT)[\w.]+(?:<[^=;()\n]{0,80}>)?\??[ \t]+NAME[ \t]*(?:=(?!=)|;)
member@enum  [ \t]{1,40}NAME[ \t]*(?:\([^;{}\n]*\))?[ \t]*[,;]?[ \t]*(?://[^\n]*)?$
""",
    "dockerfile": r"""
stage     [ \t]{0,40}FROM[ \t]+[^\n]*\sAS[ \t]+NAME
member    [ \t]{0,40}(?:ARG|ENV)[ \t]+NAME
""",
    "elm": r"""
module    (?:port[ \t]+|effect[ \t]+)?module[ \t]+NAME
type      type[ \t]+(?:alias[ \t]+)?NAME
function  NAME[ \t]*:(?!:)
function  port[ \t]+NAME
member@type  [ \t]+[=|][ \t]+(?=[A-Z])NAME
""",
    "emacs-lisp": _LISP,
    "erlang": r"""
module    -module[ \t]*\([ \t]*NAME
record    -record[ \t]*\([ \t]*NAME
macro     -define[ \t]*\([ \t]*NAME
type      -(?:type|opaque|nominal)[ \t]+NAME[ \t]*\(
function  -callback[ \t]+NAME[ \t]*\(
function  NAME[ \t]*\((?:[^.;\n]|\.(?=\S)|\n){0,600}?->
""",
    "fish": r"function  [ \t]{0,40}function[ \t]+NAME",
    "fortran": r"""
function  [ \t]{0,40}(?!end\b)(?:(?:pure|elemental|recursive|impure|module|attributes\([^)\n]*\))[ \t]+)*(?:(?:integer|real|logical|complex|character|double[ \t]+precision|type|class)(?:[ \t]*\*[ \t]*\d+|[ \t]*\([^!\n]*?\))?[ \t]+)?(?:(?:pure|elemental|recursive|impure|module)[ \t]+)*function[ \t]+NAME
function  [ \t]{0,40}(?!end\b)(?:(?:pure|elemental|recursive|impure|module)[ \t]+)*subroutine[ \t]+NAME
function  [ \t]{0,40}(?:module[ \t]+procedure|entry)[ \t]+NAME
module    [ \t]{0,40}program[ \t]+NAME
module    [ \t]{0,40}module[ \t]+(?!procedure\b|subroutine\b|function\b)NAME
module    [ \t]{0,40}submodule[ \t]*\([^)\n]*\)[ \t]*NAME
type      [ \t]{0,40}type[ \t]*(?:,[^:\n]*)?(?:::|\s)[ \t]*NAME[ \t]*(?:![^\n]*)?$
interface [ \t]{0,40}(?:abstract[ \t]+)?interface[ \t]+NAME
member+   [ \t]{0,40}(?:integer|real|logical|complex|character|double[ \t]+precision|type[ \t]*\(|class[ \t]*\()[^!\n]*?::[ \t]*NAME
member@type  [ \t]{0,40}procedure(?:[ \t]*\([^)\n]*\))?[^!\n]*?::[ \t]*NAME
""",
    "fsharp": r"""
module    [ \t]{0,40}module[ \t]+(?:(?:rec|private|internal|public)[ \t]+)*NAME
namespace namespace[ \t]+NAME
type      [ \t]{0,40}(?:type|and)[ \t]+(?:(?:private|internal|public)[ \t]+)*(?:\[<[^>\n]*>\][ \t]*)?(?=[A-Z])NAME
exception exception[ \t]+NAME
function  [ \t]{0,40}(?:let|and)[ \t]+(?:(?:inline|rec|mutable|private|internal|public)[ \t]+)*(?:\(\|)?NAME
function  [ \t]{0,40}(?:(?:static|abstract|override|default|member|private|internal|public|inline|val|mutable)[ \t]+)*(?:member|override|default|abstract)[ \t]+(?:(?:inline|private|internal|public|val|mutable)[ \t]+)*(?:\w+\.)?NAME
member@type  [ \t]{1,40}\|[ \t]*NAME[ \t]*(?:of\b|=[ \t]*\d|$|//|\|)
member@type  [ \t]{1,40}(?:\{[ \t]*)?(?:mutable[ \t]+)?(?=[A-Z])NAME[ \t]*:(?!:)
member    [ \t]{1,40}val[ \t]+(?:mutable[ \t]+)?NAME
""",
    "gdscript": r"""
class     (?:class_name|[ \t]{0,40}class)[ \t]+NAME
function  [ \t]{0,40}(?:static[ \t]+)?func[ \t]+NAME
enum      [ \t]{0,40}enum[ \t]+NAME
constant  (?:@\w+(?:\([^)\n]*\))?[ \t]+)*(?:const|var|signal)[ \t]+NAME
""",
    "gleam": r"""
function  (?:pub[ \t]+)?fn[ \t]+NAME
type      (?:pub[ \t]+)?(?:opaque[ \t]+)?type[ \t]+NAME
constant  (?:pub[ \t]+)?const[ \t]+NAME
member@type  [ \t]{1,40}(?=[A-Z])NAME
""",
    "glsl": _SHADER,
    "gradle": r"""
function  FUNCNAMEPARAMS
function  [ \t]{0,40}task[ \t]+NAME
function  [ \t]{0,40}(?:project\.)?tasks\.(?:register|create|named)[ \t]*\(?[ \t]*["']NAME
constant  (?:def|ext\.?)[ \t]*NAME[ \t]*=
class     [ \t]{0,40}(?:abstract[ \t]+)?class[ \t]+NAME
""",
    "graphql": r"""
type      [ \t]{0,40}(?:type|union|scalar|input)[ \t]+NAME
interface [ \t]{0,40}interface[ \t]+NAME
enum      [ \t]{0,40}enum[ \t]+NAME
impl      [ \t]{0,40}extend[ \t]+(?:type|union|input|interface|enum|scalar)[ \t]+NAME
function  [ \t]{0,40}(?:query|mutation|subscription|fragment)[ \t]+NAME
macro     [ \t]{0,40}directive[ \t]+@NAME
member@type,interface,impl  [ \t]{1,40}NAME[ \t]*(?:\([^()\n]*\)?)?[ \t]*(?::|$)
member@enum  [ \t]{1,40}NAME[ \t]*(?:@[^\n]*)?$
""",
    "groovy": r"""
class     [ \t]{0,40}(?:(?:public|private|protected|abstract|final|static|@\w+)[ \t]+)*class[ \t]+NAME
interface [ \t]{0,40}(?:(?:public|private|protected|static)[ \t]+)*(?:@?interface|trait)[ \t]+NAME
enum      [ \t]{0,40}(?:(?:public|private|protected|static)[ \t]+)*enum[ \t]+NAME
function  FUNC["']?NAME["']?PARAMS
member@class,interface,enum  [ \t]{1,40}(?:(?:public|private|protected|static|final|transient|volatile|def)[ \t]+)+(?:[\w<>,.\[\]?]+[ \t]+)?NAME[ \t]*(?:=(?!=)|;|$)
member@class,interface,enum  [ \t]{1,40}(?!STATEMENT)[A-Z][\w<>,.\[\]?]*[ \t]+NAME[ \t]*(?:=(?!=)|;|$)
member@enum  [ \t]{1,40}(?=[A-Z])NAME[ \t]*(?:\([^;{}\n]*\))?[ \t]*[,;]?[ \t]*$
""",
    "haxe": r"""
class     [ \t]{0,40}(?:(?:private|extern|final|abstract)[ \t]+)*(?:class|abstract)[ \t]+NAME
interface [ \t]{0,40}(?:(?:private|extern)[ \t]+)*interface[ \t]+NAME
enum      [ \t]{0,40}(?:(?:private|extern)[ \t]+)*enum[ \t]+(?:abstract[ \t]+)?NAME
type      [ \t]{0,40}(?:private[ \t]+)?typedef[ \t]+NAME
function  [ \t]{0,40}(?:(?:public|private|static|inline|override|dynamic|extern|final|macro)[ \t]+)*function[ \t]+NAME
member    [ \t]{1,40}(?:(?:public|private|static|inline|final)[ \t]+)+(?:var|final)[ \t]+NAME
""",
    "hcl": r"""
resource  [ \t]{0,40}(?:resource|data|ephemeral)[ \t]+"(?P<scope>[\w-]+)"[ \t]+"NAME"
block     [ \t]{0,40}(?:variable|output|module|provider|check|job|group|task|service|source|build)[ \t]+"NAME"
locals    locals[ \t]*\{(?P<name>)
member@locals  [ \t]{1,4}NAME[ \t]*=(?!=)
""",
    "hlsl": _SHADER,
    "jinja": r"""
macro     [ \t]{0,40}\{%[-+]?[ \t]*(?:macro|test|materialization)[ \t]+NAME
block     [ \t]{0,40}\{%[-+]?[ \t]*block[ \t]+NAME
""",
    "julia": r"""
module    [ \t]{0,40}(?:bare)?module[ \t]+NAME
struct    [ \t]{0,40}(?:@[\w.]+[ \t]+)*(?:mutable[ \t]+)?struct[ \t]+NAME
type      [ \t]{0,40}(?:abstract|primitive)[ \t]+type[ \t]+NAME
function  [ \t]{0,40}(?:@[\w.]+[ \t]+)*function[ \t]+(?:\w+\.){0,5}NAME
macro     [ \t]{0,40}macro[ \t]+NAME
function  [ \t]{0,40}(?:@[\w.]+[ \t]+)*(?!if\b|while\b|for\b|return\b)(?:\w+\.){0,5}NAME(?:\{[^{}\n]*\})?\((?:[^()\n]|\([^()\n]*\)){0,300}\)(?:::[\w.{}, ]+)?(?:[ \t]+where\s[^=\n]+)?[ \t]*=(?!=|>)
enum      [ \t]{0,40}@enum[ \t]+NAME
constant  [ \t]{0,40}(?:global[ \t]+)?const[ \t]+NAME
member@struct  [ \t]{1,40}(?:const[ \t]+)?NAME::
member    NAME[ \t]*=(?!=)
""",
    "just": r"""
function  @?NAME(?:[ \t]+[^:=\n]*)?:(?!=)
constant  (?:export[ \t]+)?NAME[ \t]*:=
""",
    "less": r"""
function  [ \t]{0,40}[.#]NAME[ \t]*\([^)\n]*\)[ \t]*\{
rule      [ \t]{0,40}[.#]NAME[ \t]*\{
member    [ \t]{0,40}@NAME[ \t]*:
""",
    "lisp": _LISP,
    "make": r"""
function  (?!\.PHONY\b|\.(?:SUFFIXES|DEFAULT|SECONDARY|INTERMEDIATE|PRECIOUS|DELETE_ON_ERROR|ONESHELL|SILENT|EXPORT_ALL_VARIABLES)\b)NAME(?:[ \t]+[^:=\n\#]*)?[ \t]*::?(?!=)(?:[^=\n]|=(?=[^\n]*=))*$
function  (?:override[ \t]+)?define[ \t]+NAME
constant  [ ]{0,8}(?:(?:export|override|private)[ \t]+)*NAME[ \t]*(?:[:?+!]|::|:::)?=
""",
    "matlab": r"""
function  [ \t]{0,40}function[ \t]+(?:(?:\[[^\]\n]*\]|\w+)[ \t]*=[ \t]*)?NAME
class     classdef[ \t]+(?:\([^)\n]*\)[ \t]*)?NAME
""",
    "meson": r"constant  [ \t]{0,40}NAME[ \t]*=(?!=)",
    "metal": _SHADER,
    "mojo": r"""
function  [ \t]{0,40}(?:async[ \t]+)?(?:fn|def)[ \t]+NAME
struct    [ \t]{0,40}(?:struct|trait|class)[ \t]+NAME
constant  (?:alias|var|comptime)[ \t]+NAME
member@struct  [ \t]{1,40}(?:var|alias|comptime)[ \t]+NAME
""",
    "nim": r"""
function  [ \t]{0,40}(?:proc|func|method|iterator|converter)[ \t]+`?NAME
macro     [ \t]{0,40}(?:template|macro)[ \t]+`?NAME
type      (?:type)?[ \t]{1,4}NAME\*?[ \t]*(?:\[[^\]\n]*\])?[ \t]*(?:\{\.[^}\n]*\.\})?[ \t]*=[ \t]*(?:ref[ \t]+|ptr[ \t]+)?(?:object|enum|tuple|distinct|concept)\b
constant  (?:const|let|var)?[ \t]{1,4}NAME\*[ \t]*(?::[^=\n]*)?=
""",
    "nix": r"""
function  [ \t]{0,6}NAME[ \t]*=[ \t]*(?:\w+[ \t]*:|\{[^}=\n]*\}[ \t]*:|$)
constant  [ \t]{0,4}NAME[ \t]*=(?!=)
member    [ \t]{5,40}NAME[ \t]*=[ \t]*(?:lib\.)?mk\w*Option\b
member@function,constant  [ \t]{5,40}NAME[ \t]*=[ \t]*(?:lib\.)?mk\w*Option\b
""",
    "objective-c": r"""
class     @interface[ \t]+NAME[ \t]*(?::|\{|<|$)
impl      @interface[ \t]+NAME[ \t]*\(
class     @implementation[ \t]+NAME
interface @protocol[ \t]+NAME[ \t]*(?:<|$|\{)
function  [-+][ \t]*\([^)\n]*\)[ \t]*NAME[^;{}\n]{0,400}(?:\n[^;{}\n]{0,200}){0,8}\{
member    [-+][ \t]*\([^)\n]*\)[ \t]*NAME
member    [ \t]{0,40}@property[ \t]*(?:\([^)\n]*\))?[^;\n]*?NAME[ \t]*(?:;|NS_|API_|__attribute__)
enum      [ \t]{0,40}typedef[ \t]+(?:NS_ENUM|NS_OPTIONS|NS_CLOSED_ENUM|CF_ENUM)[ \t]*\([^,\n]*,[ \t]*NAME
type      [ \t]{0,40}typedef\s[^;{}\n]*?\([ \t]*[\^*][ \t]*NAME[ \t]*\)
type      [ \t]{0,40}typedef\s[^;{}()\n]*?NAME[ \t]*;
type      [ \t]{0,40}\}[ \t]*NAME[ \t]*;
struct    [ \t]{0,40}(?:typedef[ \t]+)?(?:struct|enum|union)[ \t]+NAME[ \t]*(?:\{|$)
function  (?:(?:static|inline|extern|const|CF_INLINE|NS_INLINE|FOUNDATION_EXPORT)[ \t]+)*(?!STATEMENT)[\w<>*]+(?:[ \t]+[\w<>*]+){0,4}[ \t*]+NAMEPARAMS
macro     [ \t]{0,40}\#[ \t]*define[ \t]+NAME
member@enum  [ \t]{1,40}NAME[ \t]*(?:=[^,\n]*)?,?[ \t]*(?://[^\n]*|/\*[^\n]*)?$
constant  (?:(?:static|extern|const|FOUNDATION_EXPORT|NS_ASSUME\w*)[ \t]+){1,4}[\w<>*]+(?:[ \t]+[\w<>*]+){0,4}[ \t*]+NAME[ \t]*(?:\[[^\]\n]*\][ \t]*)?=
""",
    "ocaml": r"""
module    [ \t]{0,40}(?:module|and)[ \t]+(?:(?:type|rec)[ \t]+)*(?=[A-Z])NAME
type      [ \t]{0,40}(?:type|and)[ \t]+(?:nonrec[ \t]+)?(?:'\w+[ \t]+|[-+]?'\w+[ \t]+|\([^)\n]*\)[ \t]*)?(?=[a-z_])NAME[ \t]*(?:=|:=|$)
exception [ \t]{0,40}exception[ \t]+NAME
class     [ \t]{0,40}class[ \t]+(?:(?:virtual|type)[ \t]+)*(?:\[[^\]\n]*\][ \t]*)?NAME
function  [ \t]{0,40}method[!]?[ \t]+(?:(?:private|virtual)[ \t]+)*NAME
function  [ \t]{0,4}(?:let|and)(?:%\w+)?[ \t]+(?:(?:rec|inline|nonrec)[ \t]+)?(?!open\b|module\b|exception\b|_\b|\(\))NAME(?![^\n]*\sin[ \t]*$)
function  [ \t]{0,4}external[ \t]+NAME
member    [ \t]{0,40}val[ \t]+(?:mutable[ \t]+)?NAME
member    [ \t]{0,40}\|[ \t]*(?=[A-Z])NAME(?![^\n]*->)
member@type  [ \t]{0,40}(?:[^\n"]{0,80}=[ \t]*)?[|\[][<>]?[ \t]*`(?=[A-Z])NAME(?![^\n]*->)
member@type  [ \t]{1,40}(?:\{[ \t]*)?(?:mutable[ \t]+)?(?=[a-z_])NAME[ \t]*:(?!:|=)
function  %?(?:token|start|type)?[ \t]*(?=[a-z])NAME:[ \t]*$
""",
    "odin": r"""
function  [ \t]{0,40}NAME[ \t]*::[ \t]*(?:\#\w+[ \t]+)*proc\b
struct    [ \t]{0,40}NAME[ \t]*::[ \t]*(?:distinct[ \t]+)?(?:struct|union|bit_set)\b
enum      [ \t]{0,40}NAME[ \t]*::[ \t]*enum\b
constant  [ \t]{0,40}NAME[ \t]*::
""",
    "org": r"section  \*{1,8}[ \t]+(?:(?:TODO|DONE|NEXT)[ \t]+)?NAME[ \t]*(?:[ \t]:[\w@:]{1,80}:[ \t]*)?$",
    "pascal": r"""
module    (?:unit|program|library)[ \t]+NAME
type      [ \t]{1,40}NAME[ \t]*(?:<[^>\n]*>)?[ \t]*=[ \t]*(?:packed[ \t]+)?(?:class|record|interface|object|set[ \t]+of|array|\()
function  [ \t]{0,40}(?:class[ \t]+)?(?:function|procedure|constructor|destructor|operator)[ \t]+(?:(?P<scope>\w+)\.)?NAME
member    [ \t]{1,40}property[ \t]+NAME
constant  [ \t]{1,40}NAME[ \t]*(?::[^=\n]*)?=[ \t]*[^;\n]*;
""",
    "perl": r"""
module    [ \t]{0,40}(?:package|class|role)[ \t]+NAME
function  [ \t]{0,40}(?:async[ \t]+|my[ \t]+|our[ \t]+)?(?:sub|method|fun|func)[ \t]+NAME
block     [ \t]{0,40}use[ \t]+constant[ \t]+\{(?P<name>)
member@block  [ \t]{1,40}NAME[ \t]*=>
constant  [ \t]{0,40}use[ \t]+constant[ \t]+NAME
member+   [ \t]{0,40}use[ \t]+constant[ \t]+\{[ \t]*NAME
constant  [ \t]{0,40}Readonly(?:::\w+)?[ \t]+(?:my|our)[ \t]+[$@%]NAME
member    [ \t]{0,40}(?:our|field)[ \t]+\(?[$@%]NAME
member    (?:has|around|before|after)[ \t]+\+?['"]?NAME['"]?[ \t]*(?:=>|,)
""",
    "pod": r"section  =head[1-6][ \t]+NAME[ \t]*$",
    "powershell": r"""
function  [ \t]{0,40}(?:function|filter|workflow|configuration)[ \t]+(?:(?:script|global|local|private):)?NAME
class     [ \t]{0,40}class[ \t]+NAME
enum      [ \t]{0,40}enum[ \t]+NAME
function@class  [ \t]{1,40}(?:(?:hidden|static)[ \t]+)*(?:\[[^\n\]]*\]+[ \t]*)?(?!STATEMENT)NAME[ \t]*\([^\n]*\)?[ \t]*\{?[ \t]*$
member@class  [ \t]{1,40}(?:(?:hidden|static)[ \t]+)*(?:\[[^\n]*?\][ \t]*){0,4}\$NAME
member@enum  [ \t]{1,40}NAME[ \t]*(?:=[ \t]*[^\n]*)?$
constant  \$(?:(?:script|global):)?NAME[ \t]*=
""",
    "prisma": r"""
type      (?:model|type|view)[ \t]+NAME
enum      enum[ \t]+NAME
block     (?:datasource|generator)[ \t]+NAME
member@type  [ \t]{1,40}NAME[ \t]+[A-Z]
member@enum  [ \t]{1,40}NAME[ \t]*$
""",
    "prolog": r"""
module    :-[ \t]*module[ \t]*\([ \t]*NAME
function  NAME[ \t]*\([^\n]*(?::-|-->|\.[ \t]*$)
""",
    "protobuf": r"""
message   [ \t]{0,40}message[ \t]+NAME
enum      [ \t]{0,40}enum[ \t]+NAME
service   [ \t]{0,40}service[ \t]+NAME
function  [ \t]{0,40}rpc[ \t]+NAME
impl      [ \t]{0,40}extend[ \t]+NAME
block     [ \t]{1,40}oneof[ \t]+NAME
member@message,block,impl  [ \t]{1,40}(?:(?:repeated|optional|required)[ \t]+)?(?!option\b|reserved\b|extensions\b)(?:map[ \t]*<[^>\n]*>|[\w.]+)[ \t]+NAME[ \t]*=[ \t]*(?:0[xX])?\d
member@enum  [ \t]{1,40}(?!option\b|reserved\b)NAME[ \t]*=[ \t]*-?(?:0[xX])?\d
""",
    "purescript": r"""
module    module[ \t]+NAME
type      (?:data|newtype|type)[ \t]+NAME
class     class[ \t]+(?:[^\n]*<=[ \t]*)?NAME
function  NAME[ \t]*::
function  foreign[ \t]+import[ \t]+(?:data[ \t]+)?NAME
member@type  [ \t]+[=|][ \t]+(?=[A-Z])NAME
""",
    "r": r"""
function  [ \t]{0,40}["'`]?NAME["'`]?[ \t]*(?:<-|<<-|=)[ \t]*(?:function\b|\\\()
class     [ \t]{0,40}(?:[\w.]+[ \t]*(?:<-|=)[ \t]*)?(?:methods::)?(?:setClass|setRefClass|setClassUnion|(?:R6::)?R6Class|new_class|S7::new_class)[ \t]*\([ \t]*["']NAME
function  [ \t]{0,40}(?:methods::)?(?:setGeneric|setMethod|setReplaceMethod|setValidity)[ \t]*\([ \t]*["']NAME
class     NAME[ \t]*(?:<-|=)[ \t]*(?:R6::)?(?:R6Class|setRefClass|setClass|new_class)[ \t]*\(
constant  ["'`]?NAME["'`]?[ \t]*(?:<-|<<-|=)(?!=)
""",
    "racket": _LISP,
    "raku": r"""
class     [ \t]{0,40}(?:my[ \t]+|our[ \t]+|unit[ \t]+)?(?:class|role|grammar|module|package|enum|subset)[ \t]+NAME
function  [ \t]{0,40}(?:(?:my|our|multi|proto|only)[ \t]+)*(?:sub|method|submethod|token|rule|regex)[ \t]+[!^]?NAME
constant  [ \t]{0,40}(?:my[ \t]+|our[ \t]+)?constant[ \t]+[$@%&]?NAME
member    [ \t]{1,40}has[ \t]+(?:[\w:]+[ \t]+)?[$@%&][.!]NAME
""",
    "rst": r"section  [ ]?NAME[ \t]*\n(?P<mark>[=\-`:'\"~^_*+\#<>])(?P=mark){2,200}[ \t]*$",
    "scheme": _LISP,
    "scss": r"""
function  [ \t]{0,40}(?:@mixin|@function|=)[ \t]*NAME
rule      [ \t]{0,40}[.#%]NAME[ \t]*(?:\{|,|$)
member    [ \t]{0,40}\$NAME[ \t]*:
member    [ \t]{0,40}--NAME[ \t]*:
""",
    "solidity": r"""
class     [ \t]{0,40}(?:abstract[ \t]+)?contract[ \t]+NAME
interface [ \t]{0,40}interface[ \t]+NAME
module    [ \t]{0,40}library[ \t]+NAME
function  [ \t]{0,40}function[ \t]+NAME
function  [ \t]{0,40}(?:modifier|event|error)[ \t]+NAME
struct    [ \t]{0,40}struct[ \t]+NAME
enum      [ \t]{0,40}enum[ \t]+NAME
type      [ \t]{0,40}type[ \t]+NAME[ \t]+is\b
member@enum  [ \t]{1,40}NAME[ \t]*,?[ \t]*(?://[^\n]*)?$
member@class,module,struct  [ \t]{1,40}(?!using\b|return\b|emit\b|import\b|pragma\b)(?:mapping[ \t]*\([^;\n]*?\)|[\w.]+(?:\[[^\]\n]*\])*)(?:[ \t]+(?:public|private|internal|constant|immutable|override|transient|payable)){0,5}[ \t]+NAME[ \t]*(?:=(?!=|>)|;)
constant  [\w.]+(?:\[\])?[ \t]+constant[ \t]+NAME[ \t]*=
""",
    "systemverilog": _HDL,
    "tcl": r"""
function  [ \t]{0,40}(?:proc|method|oo::define)[ \t]+NAME
class     [ \t]{0,40}(?:oo::class[ \t]+create|itcl::class|snit::type)[ \t]+NAME
namespace [ \t]{0,40}namespace[ \t]+eval[ \t]+NAME
""",
    "tex": r"section  [ \t]{0,40}\\(?:part|chapter|(?:sub){0,2}section|paragraph)\*?(?:\[[^\]\n]{0,150}\])?\{NAME\}",
    "thrift": r"""
struct    [ \t]{0,40}(?:struct|union|exception)[ \t]+NAME
enum      [ \t]{0,40}enum[ \t]+NAME
service   [ \t]{0,40}service[ \t]+NAME
type      [ \t]{0,40}typedef[ \t]+[^\n]*?NAME[ \t]*$
constant  [ \t]{0,40}const[ \t]+[\w<>, ]+[ \t]+NAME[ \t]*=
function@service  [ \t]{1,40}(?:oneway[ \t]+)?[\w.<>, ]+[ \t]+NAME[ \t]*\(
member@struct  [ \t]{1,40}\d+[ \t]*:[ \t]*(?:(?:required|optional)[ \t]+)?[\w.<>, ]+[ \t]+NAME[ \t]*(?:=|,|;|\(|$)
member@enum  [ \t]{1,40}NAME[ \t]*(?:=|,|;|$)
""",
    "vala": r"""
class     [ \t]{0,40}(?:(?:public|private|internal|abstract|sealed)[ \t]+)*class[ \t]+NAME
interface [ \t]{0,40}(?:(?:public|private|internal)[ \t]+)*interface[ \t]+NAME
struct    [ \t]{0,40}(?:(?:public|private|internal)[ \t]+)*struct[ \t]+NAME
enum      [ \t]{0,40}(?:(?:public|private|internal)[ \t]+)*(?:enum|errordomain)[ \t]+NAME
namespace [ \t]{0,40}namespace[ \t]+NAME
function  FUNCNAMEPARAMS
""",
    "verilog": _HDL,
    "vhdl": r"""
module    [ \t]{0,40}(?:entity|package(?:[ \t]+body)?|configuration|context|component)[ \t]+NAME
impl      [ \t]{0,40}architecture[ \t]+\w+[ \t]+of[ \t]+NAME
function  [ \t]{0,40}(?:(?:pure|impure)[ \t]+)?(?:function|procedure)[ \t]+"?NAME
type      [ \t]{0,40}(?:sub)?type[ \t]+NAME
member    [ \t]{0,40}(?:shared[ \t]+)?(?:signal|constant|variable|attribute|alias)[ \t]+NAME
""",
    "vim": r"""
function  [ \t]{0,40}(?:export[ \t]+)?(?:fu|func|funct|functi|functio|function|def)!?[ \t]+(?:[sgbwtl]:|<SID>)?NAME
function  [ \t]{0,40}com(?:mand)?!?[ \t]+(?:-\S+[ \t]+)*NAME
constant  (?:let|const|var|final)[ \t]+(?:[sgbwt]:)?NAME[ \t]*(?::[^=\n]*)?=
""",
    "visual-basic": r"""
class     [ \t]{0,40}(?:(?:Public|Private|Friend|Partial|MustInherit|NotInheritable|Shared)[ \t]+)*(?:Class|Module|Structure)[ \t]+NAME
interface [ \t]{0,40}(?:(?:Public|Private|Friend)[ \t]+)*Interface[ \t]+NAME
enum      [ \t]{0,40}(?:(?:Public|Private|Friend)[ \t]+)*Enum[ \t]+NAME
function  [ \t]{0,40}(?!End\b|Exit\b)(?:(?:Public|Private|Protected|Friend|Shared|Overrides|Overridable|Async|Static|Default|ReadOnly|WriteOnly)[ \t]+)*(?:Sub|Function|Property(?:[ \t]+(?:Get|Let|Set))?)[ \t]+NAME
constant  [ \t]{0,40}(?:(?:Public|Private|Friend|Global)[ \t]+)*Const[ \t]+NAME
""",
    "wgsl": r"""
function  [ \t]{0,40}(?:@\w+(?:\([^)\n]*\))?[ \t]*)*fn[ \t]+NAME
struct    [ \t]{0,40}struct[ \t]+NAME
constant  [ \t]{0,40}(?:@\w+(?:\([^)\n]*\))?[ \t]*)*(?:const|override|alias|let|var(?:<[^>\n]*>)?)[ \t]+NAME
""",
}

LINE_PATTERNS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        language: tuple(
            (kind, expression.strip())
            for kind, expression in (line.split(None, 1) for line in table.splitlines() if line)
        )
        for language, table in _TABLES.items()
    }
)
"""(kind, expression) by language, in the order in which they are tried."""

CASELESS = frozenset(
    {"ada", "batch", "cmake", "dockerfile", "fortran", "pascal", "powershell", "vhdl", "visual-basic"}
)
"""Languages whose keywords are written in any case."""

_HDL_ENDS = {
    word: "end" + word for word in ("module", "package", "interface", "class", "program", "primitive")
}
CLOSED_BY: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "fortran": {
            word: rf"end\s*{word}" for word in ("module", "submodule", "program", "function", "subroutine")
        },
        "jinja": {
            rf"\{{%[-+]?[ \t]*{word}": rf"\{{%[-+]?[ \t]*end{word}"
            for word in ("block", "macro", "materialization", "test")
        },
        "objective-c": dict.fromkeys(("@interface", "@implementation", "@protocol"), "@end"),
        "systemverilog": _HDL_ENDS,
        "verilog": _HDL_ENDS,
    }
)
"""Blocks whose inside is often not indented: what they begin with, and the words that end them."""

_WORD = r"[^\W\d]\w*"
_TITLE = r"[^\s][^\n]{0,149}?"
_LISP_WORD = r"[^\s()\[\]{}\"'`,;#][^\s()\[\]{}\"'`,;]*"
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "": _WORD,
        "asciidoc": _TITLE,
        "assembly": r"[A-Za-z_$.][\w$.@]*",
        "batch": r"[\w-]+",
        "clojure": _LISP_WORD,
        "cmake": r"[\w:.+-]+",
        "crystal": r"[^\W\d]\w*[?!=]?",
        "dockerfile": r"[\w.-]+",
        "elm": r"[^\W\d][\w.]*",
        "emacs-lisp": _LISP_WORD,
        "erlang": r"[^\W\d][\w@]*|'[^'\n]+'",
        "fish": r"[\w.-]+",
        "fsharp": r"[^\W\d][\w.']*|``[^`\n]+``",
        "gradle": r"[^\W\d][\w-]*",
        "groovy": r"[^\W\d][\w$]*|[^\"'\n(){}]+(?=[\"'])",
        "hcl": r"[\w-]+",
        "julia": r"[^\W\d][\w!]*",
        "just": r"[\w-]+",
        "less": r"[\w-]+",
        "lisp": _LISP_WORD,
        "make": r"[\w./%+$(){}-]*\w[\w./%+$(){}-]*",
        "nix": r"[^\W\d][\w'.-]*",
        "ocaml": r"[^\W\d][\w']*",
        "odin": _WORD,
        "org": _TITLE,
        "perl": r"[^\W\d]\w*(?:::\w+)*",
        "pod": _TITLE,
        "powershell": r"[\w-]+",
        "purescript": r"[^\W\d][\w.']*",
        "r": r"[A-Za-z.][\w.]*",
        "racket": _LISP_WORD,
        "raku": r"[^\W\d][\w:'-]*",
        "rst": rf"(?!\.\. |[+|]|(?P<line>[=\-`:'\"~^_*+#<>])(?P=line)+[ \t]*$){_TITLE}",
        "scheme": _LISP_WORD,
        "scss": r"[\w-]+",
        "tex": r"[^{}\n]{1,150}",
        "tcl": r"[\w:.-]+",
        "vim": r"[\w:#.]+",
        "vhdl": r"\w+",
    }
)
"""Pattern of a name, by language; "" for all others."""
