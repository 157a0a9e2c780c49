"""A few lines in languages without a grammar, and what is in them: definitions, then members."""

# ruff: noqa: E501
from __future__ import annotations

SAMPLES: dict[str, tuple[str, str]] = {
    "dart": (
        """\
/// A queue.
abstract class Queue<T> extends Base {
  static const int limit = 3;
  final String name;
  Map<String, List<int>> seen = {};

  Queue(this.name);

  factory Queue.empty() => Queue('x');

  @override
  Future<void> drain({int times = 1, required String why}) async {
    if (times > limit) {
      return helper(times);
    }
  }

  int get length => 3;
  set width(int w) { seen[w] = 1; }
}

mixin Walker on Queue {}
extension Twice on int { int twice() => this * 2; }
enum Color { red, green }
typedef Visit = void Function(int);
const kLimit = 9;
double area(double r) => 3 * r * r;
""",
        "class Queue, method Queue.Queue, method Queue.drain, method Queue.length, method Queue.width, mixin Walker, extension Twice, enum Color, type Visit, constant kLimit, function area | limit name seen",
    ),
    "r": (
        """\
compound.interest <- function(p, r) {
  inner <- function(x) x
  p * r
}
twice = function(x) 2 * x
MAX_TRIES <- 3
Person <- R6Class("Person", list(name = 1))
setClass("Track", representation(x = "numeric"))
setGeneric("area", function(shape) standardGeneric("area"))
""",
        "function compound.interest, function twice, constant MAX_TRIES, class Person, class Track, function area |",
    ),
    "julia": (
        """\
module Shapes
export area
const LIMIT = 3
abstract type Shape end
struct Circle <: Shape
    radius::Float64
    name::String
end
mutable struct Pen end
area(c::Circle) = pi * c.radius^2
function Base.show(io::IO, c::Circle)
    x = 1
    print(io, x)
end
macro twice(ex)
    ex
end
end
""",
        "module Shapes, constant LIMIT, type Shape, struct Circle, struct Pen, function area, function show, macro twice | radius name",
    ),
    "jinja": (
        """\
{# Cents as euros. #}
{%- macro cents_to_euros(column, scale=2) -%}
({{ column }} / 100)::numeric(16, {{ scale }})
{%- endmacro %}

{% test is_positive(model, column) %}
select * from {{ model }} where {{ column }} < 0
{% endtest %}
{% block footer %}{% endblock %}
""",
        "macro cents_to_euros, macro is_positive, block footer |",
    ),
    "perl": (
        """\
package Shop::Cart;
use constant MAX_ITEMS => 5;
use constant {OP_TEXT => 0x1, OP_PING => 0x9,
  OP_PONG => 0xa};
our $VERSION = '1.0';
has 'owner' => (is => 'rw');
sub add_item {
    my ($self, $item) = @_;
    push @{ $self->{items} }, $item;
}
sub total { return 1 }
1;
""",
        "module Shop::Cart, constant MAX_ITEMS, block , function add_item, function total | OP_TEXT OP_PING OP_PONG VERSION owner",
    ),
    "hcl": (
        """\
variable "region" {
  default = "eu"
}
locals {
  bucket_name = "x"
}
resource "aws_s3_bucket" "figures" {
  bucket = local.bucket_name
}
module "vpc" {
  source = "./vpc"
}
output "bucket_id" {
  value = aws_s3_bucket.figures.id
}
""",
        "block region, locals , resource aws_s3_bucket.figures, block vpc, block bucket_id | bucket_name",
    ),
    "powershell": (
        """\
$script:Cache = @{}
function Get-QuarterlyReport {
    param($Year)
    $total = 0
    if ($Year) { Write-Output $total }
}
filter Select-Odd { $_ % 2 }
class Shape {
    [string]$Name
    static [int] $Count = 0
    [double] Area([int]$x) {
        return 1
    }
}
enum Color {
    Red
    Green = 2
}
""",
        "constant Cache, function Get-QuarterlyReport, function Select-Odd, class Shape, method Shape.Area, enum Color | Name Count Red Green",
    ),
    "protobuf": (
        """\
syntax = "proto3";
package shop;
message Order {
  string order_id = 1;
  repeated Item items = 2;
  map<string, int32> counts = 3;
  enum State {
    STATE_OPEN = 0;
  }
  oneof payment {
    string card = 4;
  }
}
service Shop {
  rpc PlaceOrder(Order) returns (Receipt);
}
""",
        "message Order, enum Order.State, block Order.payment, service Shop, function Shop.PlaceOrder | order_id items counts STATE_OPEN card",
    ),
    "solidity": (
        """\
pragma solidity ^0.8.0;
interface IVault {
    function open() external;
}
library Maths {
    function max(uint a, uint b) internal pure returns (uint) {
        return a > b ? a : b;
    }
}
contract Vault is IVault {
    uint256 public constant LIMIT = 3;
    mapping(address => uint) private balances;
    address owner;
    struct Slot { uint at; }
    enum Phase {
        Open,
        Closed
    }
    event Opened(address who);
    error TooMuch(uint asked);
    modifier onlyOwner() {
        require(msg.sender == owner);
        _;
    }
    function open() external override onlyOwner {
        uint x = 1;
        emit Opened(msg.sender);
    }
}
""",
        "interface IVault, method IVault.open, module Maths, function Maths.max, class Vault, struct Vault.Slot, enum Vault.Phase, method Vault.Opened, method Vault.TooMuch, method Vault.onlyOwner, method Vault.open | LIMIT balances owner Open Closed",
    ),
    "objective-c": (
        """\
#import <Foundation/Foundation.h>
#define kLimit 3
@class Other;
typedef NS_ENUM(NSInteger, Mood) {
    MoodGood,
    MoodBad = 2,
};
@protocol Painter <NSObject>
- (void)paintOn:(Canvas *)canvas;
@end
@interface Brush : NSObject <Painter>
@property (nonatomic, copy) NSString *colour;
@end
static NSString *const kDefaultColour = @"red";
static int Twice(int x) {
    return 2 * x;
}
@implementation Brush
- (void)paintOn:(Canvas *)canvas {
    [canvas add:self];
}
+ (instancetype)brushWithColour:(NSString *)colour
{
    return [[self alloc] init];
}
@end
""",
        "macro kLimit, enum Mood, interface Painter, class Brush, constant kDefaultColour, function Twice, class Brush, method Brush.paintOn, method Brush.brushWithColour | MoodGood MoodBad paintOn colour",
    ),
    "ocaml": (
        """\
module Ring = struct
  type 'a t = { mutable head : int; items : 'a array }
  exception Empty
  let make n = { head = 0; items = [||] }
  let rec push r x =
    let y = x in
    r
end
type shape =
  | Circle of float
  | Square
let area = function
  | Circle r -> r
  | Square -> 1.
external now : unit -> float = "now"
class point = object
  method move dx = dx
end
""",
        "module Ring, type Ring.t, exception Ring.Empty, function Ring.make, function Ring.push, type shape, function area, function now, class point, method point.move | Circle Square",
    ),
    "fsharp": (
        """\
module Shop.Orders
open System
[<Literal>]
let Limit = 3
type State =
    | Open
    | Closed of string
type Order =
    { Id: int
      Total: decimal }
    member this.Double() = this.Total * 2m
    static member Empty = 1
let rec place order =
    let total = 1
    total
exception Refused of string
""",
        "module Shop.Orders, function Limit, type State, type Order, function Order.Double, function Order.Empty, function place, exception Refused | Open Closed Id Total",
    ),
    "clojure": (
        """\
(ns shop.orders
  (:require [clojure.string :as str]))
(def ^:private limit 3)
(defonce state (atom {}))
(defn place!
  "Places an order."
  [order]
  (let [x 1]
    (swap! state assoc order x)))
(defn- helper [x] x)
(defmacro unless [c & body] nil)
(defprotocol Store
  (put-item [this k v])
  (fetch [this k]))
(defrecord Memory [items])
(defmulti price :kind)
(defmethod price :book [x] 1)
""",
        "namespace shop.orders, constant limit, constant state, function place!, function helper, macro unless, interface Store, class Memory, function price, function price | put-item fetch",
    ),
    "erlang": (
        """\
-module(ring).
-export([push/2]).
-define(LIMIT, 3).
-record(state, {head, items}).
-type item() :: integer().
-callback init(term()) -> ok.
push(X, #state{items = Items} = S) when X > 0 ->
    helper(X),
    S#state{items = [X | Items]};
push(_, S) ->
    S.
helper(X) -> X.
""",
        "module ring, macro LIMIT, record state, type item, function init, function push, function push, function helper |",
    ),
    "groovy": (
        """\
package shop
class Cart {
    static final int LIMIT = 3
    String owner
    def add(item) {
        items << item
    }
    private List<String> names(Map<String, Integer> m) {
        return m.keySet()
    }
}
trait Priced { }
enum Size {
    SMALL, LARGE
}
def helper(x) {
    println(x)
}
""",
        "class Cart, method Cart.add, method Cart.names, interface Priced, enum Size, function helper | LIMIT owner LARGE",
    ),
    "fortran": (
        """\
module rings
  implicit none
  integer, parameter :: limit = 3
  type, extends(base) :: ring
    integer :: head
  end type ring
contains
  pure real(dp) function area(r)
    real(dp), intent(in) :: r
    area = r
  end function area
  subroutine push(x)
    integer :: x
    call helper(x)
  end subroutine push
end module rings
""",
        "module rings, type rings.ring, function rings.area, function rings.push | limit head",
    ),
    "graphql": (
        """\
type Order implements Node {
  id: ID!
  items(first: Int): [Item]
}
interface Node {
  id: ID!
}
enum State {
  OPEN
  CLOSED
}
input OrderInput { note: String }
union Any = Order | Item
scalar Date
query FetchOrder($id: ID!) {
  order(id: $id) { id }
}
""",
        "type Order, interface Node, enum State, type OrderInput, type Any, type Date, function FetchOrder | id items id OPEN CLOSED",
    ),
    "nix": (
        """\
{ pkgs }:
let
  version = "1.0";
  greet = name: "hello ${name}";
  build = { src, ... }:
    pkgs.stdenv.mkDerivation { inherit src; };
  options = {
    services.mail = {
      enable = mkEnableOption "mail";
      port = lib.mkOption { default = 25; };
    };
  };
in build
""",
        "constant version, function greet, function build, constant options, constant options.services.mail | enable port",
    ),
    "dockerfile": (
        """\
ARG VERSION=1
FROM python:3.12 AS builder
ENV APP_HOME=/app
RUN make
FROM scratch AS final
COPY --from=builder /app /app
""",
        "stage builder, stage final | VERSION APP_HOME",
    ),
    "make": (
        """\
CC := gcc
export PREFIX ?= /usr
.PHONY: build
build: main.o util.o
	$(CC) -o app $^
%.o: %.c
	$(CC) -c $<
define helper
echo hi
endef
""",
        "constant CC, constant PREFIX, function build, function %.o, function helper |",
    ),
    "cmake": (
        """\
cmake_minimum_required(VERSION 3.20)
project(Shop CXX)
option(WITH_TESTS "tests" ON)
set(SHOP_SOURCES a.cpp b.cpp)
function(add_shop_test name)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
macro(twice)
endmacro()
add_library(shop ${SHOP_SOURCES})
""",
        "constant Shop, constant WITH_TESTS, constant SHOP_SOURCES, function add_shop_test, macro twice, constant shop |",
    ),
    "verilog": (
        """\
`define WIDTH 8
module counter #(
  parameter STEP = 1
) (
  input wire clk,
  output reg [7:0] value
);
  localparam LIMIT = 3;
  wire [3:0] carry;
  function [7:0] next(input [7:0] x);
    next = x + STEP;
  endfunction
  task reset;
    value = 0;
  endtask
endmodule
""",
        "macro WIDTH, module counter, function counter.next, function counter.reset | STEP clk value LIMIT carry",
    ),
    "systemverilog": (
        """\
package shop_pkg;
  typedef enum logic [1:0] { IDLE, BUSY } state_e;
  class Driver extends Base;
    rand int count;
    virtual task run(int n);
    endtask
  endclass
endpackage
interface bus_if(input logic clk);
endinterface
""",
        "module shop_pkg, type shop_pkg.state_e, class shop_pkg.Driver, method shop_pkg.Driver.run, interface bus_if | count",
    ),
    "scss": (
        """\
$gap: 4px;
@mixin card($x) { padding: $x; }
@function twice($x) { @return $x * 2; }
.btn-primary { color: red; }
""",
        "function card, function twice, rule btn-primary | gap",
    ),
    "emacs-lisp": (
        """\
(defvar ring-limit 3 "Most.")
(defcustom ring-size 5 "Size." :type 'integer)
(defun ring-push (ring x)
  "Push X."
  (cons x ring))
(cl-defun ring-pop (&key ring) ring)
(defmacro with-ring (&rest body) body)
""",
        "constant ring-limit, constant ring-size, function ring-push, function ring-pop, function with-ring |",
    ),
    "vim": (
        """\
let g:shop_loaded = 1
function! shop#orders#place(order) abort
  return 1
endfunction
command! -nargs=1 Place call shop#orders#place(<f-args>)
""",
        "constant shop_loaded, function shop#orders#place, function Place |",
    ),
    "tcl": (
        """\
proc push {x} {
  return $x
}
namespace eval ring {
  proc pop {} {}
}
""",
        "function push, namespace ring, function ring.pop |",
    ),
    "gdscript": (
        """\
class_name Hero
const SPEED = 3
var health := 10
func heal(by):
	health += by
""",
        "class Hero, constant SPEED, constant health, function heal |",
    ),
    "thrift": (
        """\
struct Order {
  1: required string id,
}
service Shop {
  Order fetch(1: string id)
}
""",
        "struct Order, service Shop, function Shop.fetch | id",
    ),
    "prisma": (
        """\
model Order {
  id Int @id
}
enum State {
  OPEN
}
""",
        "type Order, enum State | id OPEN",
    ),
}
