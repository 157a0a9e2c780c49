"""A few lines in every language that has a grammar, and the definitions that are in them."""

# ruff: noqa: E501
from __future__ import annotations

SAMPLES: dict[str, tuple[str, str]] = {
    "python": (
        "LIMIT = 3\n@cached\nclass Pool(Base):\n    def take(self): pass\nasync def drain(): pass\ntype Pair = int\n",
        "constant LIMIT, class Pool, method Pool.take, function drain, type Pair",
    ),
    "javascript": (
        "class A extends B { run() {} #go = () => {} }\nfunction f() {}\nexport const h = (a) => a\n"
        "const C = 3\nA.prototype.z = function () {}\nmodule.exports = { n: function () {} }\n"
        'describe("queue", () => {})\n',
        "class A, method A.run, method A.#go, function f, function h, constant C, method A.prototype.z,"
        " function n, test queue",
    ),
    "typescript": (
        "export interface I { a: string }\ntype T = string\nenum E { A }\n"
        "abstract class A { private f(): void {} }\nnamespace N { export function q() {} }\n"
        "export const h = <T,>(a: T) => a\n",
        "interface I, type T, enum E, class A, method A.f, module N, function N.q, function h",
    ),
    "tsx": ("const View = () => <b/>\nfunction App(): X { return <View/> }\n", "function View, function App"),
    "go": (
        "package p\nfunc F() {}\nfunc (r *Ring) Len() int { return 1 }\nfunc (l List[T]) Len() {}\n"
        "type S struct { a int }\ntype I interface { X() }\ntype A = int\nconst C = 1\nvar V = 2\n",
        "function F, method Ring.Len, method List.Len, struct S, interface I, type A, constant C, constant V",
    ),
    "java": (
        "public class A { A() {} void m() {} enum E { X } }\ninterface I { void f(); }\nrecord R(int a) {}\n",
        "class A, method A.A, method A.m, enum A.E, interface I, method I.f, class R",
    ),
    "rust": (
        "pub struct S { a: i32 }\nenum E { A }\ntrait T { fn m(&self); }\nimpl T for S { fn m(&self) {} }\n"
        "mod m { fn f() {} }\nmacro_rules! mm { () => {} }\nconst C: i32 = 1;\ntype X = i32;\n",
        "struct S, enum E, trait T, method T.m, impl S, method S.m, module m, function m.f, macro mm,"
        " constant C, type X",
    ),
    "c": (
        "#define M(x) x\n#define K 3\nint f(int a) { return a; }\nchar *g(void) { return 0; }\n"
        "struct S { int a; };\ntypedef struct { int b; } T;\nenum E { A };\ntypedef int (*fp)(int);\n",
        "macro M, constant K, function f, function g, struct S, type T, enum E, type fp",
    ),
    "cpp": (
        "namespace a { class C : D { int m() const { return 1; } bool operator==(C) { return 1; } }; }\n"
        "template <typename T> T f(T x) { return x; }\nint C::run() { return 2; }\nT& ref() { return t; }\n"
        "struct S {};\nenum class E { A };\nusing X = int;\n",
        "namespace a, class a.C, method a.C.m, method a.C.operator==, function f, method C.run, function ref,"
        " struct S, enum E, type X",
    ),
    "csharp": (
        "namespace N { public class A { public int P { get; set; } public A() {} void M() {} }\n"
        "interface I {} struct S {} enum E {} record R(int a); delegate void D(); }\n",
        "namespace N, class N.A, property N.A.P, method N.A.A, method N.A.M, interface N.I, struct N.S,"
        " enum N.E, class N.R, type N.D",
    ),
    "php": (
        "<?php\nfunction f() {}\nclass A extends B { public function m() {} }\ninterface I {}\ntrait T {}\n"
        'enum E: string { case A = "a"; }\nconst Z = 1;\n',
        "function f, class A, method A.m, interface I, trait T, enum E, constant Z",
    ),
    "ruby": (
        "module M\n  class A < B\n    LIMIT = 1\n    def m; end\n    def self.s; end\n  end\nend\n"
        'describe "queue" do\nend\n',
        "module M, class M.A, constant M.A.LIMIT, method M.A.m, method M.A.s, test queue",
    ),
    "kotlin": (
        "class A(val x: Int) {\n  fun m() {}\n}\ninterface I {\n}\nenum class E { A }\nobject O {\n}\n"
        "fun f(): Int = 1\ntypealias T = Int\nval V = 1\n",
        "class A, method A.m, interface I, enum E, class O, function f, type T, constant V",
    ),
    "scala": (
        "class A(x: Int) { def m(): Int = 1 }\nobject O { def f = 1 }\ntrait T { def g: Int }\n"
        "enum E { case A }\ntype X = Int\nval limit = 1\n",
        "class A, method A.m, class O, method O.f, trait T, method T.g, enum E, type X, constant limit",
    ),
    "swift": (
        "class A: B {\n  func m() {}\n  init() {}\n}\nstruct S { }\nenum E { case a }\nprotocol P { func f() }\n"
        "extension A { func e() {} }\nfunc f() {}\ntypealias T = Int\nlet c = 1\n",
        "class A, method A.m, method A.init, struct S, enum E, interface P, method P.f, impl A, method A.e,"
        " function f, type T, constant c",
    ),
    "elixir": (
        "defmodule A.B do\n  def f(x), do: x\n  defp g(x) when x > 1 do\n  end\n  defmacro m, do: 1\nend\n"
        'defprotocol P do\nend\ntest "works" do\nend\n',
        "module A.B, function A.B.f, function A.B.g, macro A.B.m, interface P, test works",
    ),
    "lua": (
        "local function f() end\nfunction M.g() end\nfunction M:h() end\nM.i = function() end\n"
        "local j = function() end\n",
        "function f, method M.g, method M.h, method M.i, function j",
    ),
    "haskell": (
        "f :: Int -> Int\nf x = x\ndata D = A | B\nnewtype N = N Int\nclass C a where\n  m :: a\n"
        "type T = Int\ng = 1\nh = do { let { q = 4 }; go q } where go = f\n",
        "function f, function f, type D, type N, class C, method C.m, type T, constant g, constant h, constant h.go",
    ),
    "bash": ("f() { echo; }\nfunction g { echo; }\n", "function f, function g"),
    "zig": (
        "pub fn f() void {}\npub const S = struct { a: i32, fn m() void {} };\nconst E = enum { a };\nconst k = 1;\n"
        'test "adds" {}\n',
        "function f, struct S, method S.m, enum E, constant k, test adds",
    ),
    "html": ("<html><body><p>x</p></body></html>\n", ""),
    "css": (".b, #c > d { e: f }\n@keyframes k { }\n", "rule .b, #c > d, rule k"),
    "sql": (
        "CREATE TABLE a.b (x int);\nCREATE VIEW v AS SELECT 1;\n"
        "CREATE FUNCTION f() RETURNS int AS $$ select 1 $$ LANGUAGE sql;\n",
        "table a.b, view v, function f",
    ),
    "markdown": ("# Title\n\ntext\n\n## Part *one*\n\nmore\n", "section Title, section Title.Part *one*"),
    "yaml": ("a: 1\nb:\n  c:\n    d: 2\n", "section a, section b, section b.c"),
    "toml": ("x = 1\n[a.b]\ny = 2\n[[c]]\nz = 1\n", "section a.b, section c"),
    "json": ('{"a": 1, "b": {"c": [2]}}\n', "section b, section b.c"),
}
"""language -> (source, its definitions as ``kind qualified.name``, in order)."""
