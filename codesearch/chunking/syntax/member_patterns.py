"""Data: names that a definition holds and that are too small to be chunks, as tree-sitter queries.

Fields, properties, enum members, constants and variables outside of functions. They are found by name
like any definition, but neither cut a file nor name a chunk (members.py). A pattern captures the name as
``@name``, or as ``@declarator`` what has to be descended into to find it (C's ``*a[3]``); patterns with
``@global`` count only outside of functions.
"""

# ruff: noqa: E501  (a pattern reads best on one line)
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["MEMBERS"]

_PYTHON = (
    "(assignment left: (identifier) @name) @global",
    "(assignment left: (pattern_list (identifier) @name)) @global",
    """(class_definition body: (block (function_definition name: (identifier) @_init body: (block
        (expression_statement (assignment left: (attribute object: (identifier) @_self attribute: (identifier) @name))))))
        (#any-of? @_init "__init__" "__post_init__") (#eq? @_self "self"))""",
)

_VALUE = """[(number) (string) (object) (array) (call_expression) (new_expression) (true) (false) (null)
    (template_string) (regex) (arrow_function) (function_expression) (class) (binary_expression) (unary_expression)]"""
"""Pattern that makes a property a definition: ``exports.send = send`` only passes a name on."""

_JAVASCRIPT = (
    "(program [(lexical_declaration (variable_declarator name: (identifier) @name)) (variable_declaration (variable_declarator name: (identifier) @name))])",
    "(program (export_statement [(lexical_declaration (variable_declarator name: (identifier) @name)) (variable_declaration (variable_declarator name: (identifier) @name))]))",
    f"(variable_declarator value: (object (pair key: [(property_identifier) (string)] @name value: {_VALUE}))) @global",
    f"(assignment_expression right: (object (pair key: [(property_identifier) (string)] @name value: {_VALUE}))) @global",
    f"(expression_statement (assignment_expression left: (member_expression property: (property_identifier) @name) right: {_VALUE})) @global",
    """(class_body (method_definition name: (property_identifier) @_init body: (statement_block (expression_statement
        (assignment_expression left: (member_expression object: (this) property: (property_identifier) @name)))))
        (#eq? @_init "constructor"))""",
)

_LUA_VALUE = "[(number) (string) (table_constructor) (function_call) (function_definition) (true) (false) (binary_expression)]"

_TYPESCRIPT = (
    *_JAVASCRIPT,
    "(public_field_definition name: (_) @name)",
    "(enum_body name: (_) @name)",
    "(enum_assignment name: (_) @name)",
    "(property_signature name: (_) @name)",
    "(method_signature name: (_) @name)",
    "(required_parameter (accessibility_modifier) pattern: (identifier) @name)",
    "(ambient_declaration [(lexical_declaration (variable_declarator name: (identifier) @name)) (variable_declaration (variable_declarator name: (identifier) @name))])",
)

_C = (
    "(enumerator name: (identifier) @name)",
    "(field_declaration declarator: [(field_identifier) (pointer_declarator) (array_declarator)] @declarator)",
    """(field_declaration declarator: (function_declarator
        declarator: (parenthesized_declarator (pointer_declarator) @declarator)))""",
    "(declaration declarator: (init_declarator declarator: (_) @declarator)) @global",
    "(declaration declarator: [(identifier) (array_declarator)] @declarator) @global",
    "(declaration declarator: (pointer_declarator declarator: [(identifier) (array_declarator) (pointer_declarator)] @declarator)) @global",
    "(type_definition declarator: [(type_identifier) (pointer_declarator) (array_declarator)] @declarator)",
)

_CPP = (
    *_C,
    "(field_declaration declarator: (reference_declarator (field_identifier) @name))",
    "(field_declaration declarator: (function_declarator declarator: (field_identifier) @name) default_value: (number_literal))",
)

MEMBERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "python": _PYTHON,
        "javascript": (*_JAVASCRIPT, "(field_definition property: (_) @name)"),
        "typescript": _TYPESCRIPT,
        "tsx": _TYPESCRIPT,
        "go": (
            "(field_declaration name: (field_identifier) @name)",
            "(method_elem name: (field_identifier) @name)",
            "(var_declaration (var_spec_list (var_spec name: (identifier) @name))) @global",
            "(var_declaration (var_spec name: (identifier) @name)) @global",
        ),
        "java": (
            "(field_declaration declarator: (variable_declarator name: (identifier) @name))",
            "(constant_declaration declarator: (variable_declarator name: (identifier) @name))",
            "(enum_constant name: (identifier) @name)",
            "(record_declaration parameters: (formal_parameters (formal_parameter name: (identifier) @name)))",
            "(annotation_type_element_declaration name: (identifier) @name)",
        ),
        "rust": (
            "(field_declaration name: (field_identifier) @name)",
            "(enum_variant name: (identifier) @name)",
            "(associated_type name: (type_identifier) @name)",
        ),
        "c": _C,
        "cpp": _CPP,
        "csharp": (
            "(field_declaration (variable_declaration (variable_declarator name: (identifier) @name)))",
            "(event_field_declaration (variable_declaration (variable_declarator name: (identifier) @name)))",
            "(event_declaration name: (identifier) @name)",
            "(enum_member_declaration name: (identifier) @name)",
            "(record_declaration (parameter_list (parameter name: (identifier) @name)))",
        ),
        "php": (
            "(const_element . (name) @name)",
            "(property_element name: (variable_name (name) @name))",
            "(property_promotion_parameter name: (variable_name (name) @name))",
            "(enum_case name: (name) @name)",
            """(function_call_expression function: (name) @_call arguments: (arguments . (argument (string (string_content) @name)))
                (#eq? @_call "define"))""",
        ),
        "ruby": (
            "(assignment left: (constant) @name)",
            """(call method: (identifier) @_call arguments: (argument_list (simple_symbol) @name)
                (#any-of? @_call "attr_accessor" "attr_reader" "attr_writer" "attr" "cattr_accessor" "mattr_accessor"
                "class_attribute" "delegate" "has_one" "has_many" "belongs_to"))""",
            """(call method: (identifier) @_call arguments: (argument_list . (simple_symbol) @name)
                (#any-of? @_call "alias_method" "define_method" "scope"))""",
            "(alias name: (identifier) @name)",
        ),
        "kotlin": (
            "(property_declaration (variable_declaration (identifier) @name)) @global",
            '(class_parameter ["val" "var"] (identifier) @name)',
            "(enum_entry . (identifier) @name)",
            "(enum_entry (modifiers) . (identifier) @name)",
        ),
        "scala": (
            "(val_definition pattern: (identifier) @name) @global",
            "(var_definition pattern: (identifier) @name) @global",
            "(val_declaration name: (identifier) @name)",
            "(var_declaration name: (identifier) @name)",
            "(class_parameter name: (identifier) @name)",
            "(simple_enum_case name: (identifier) @name)",
            "(full_enum_case name: (identifier) @name)",
        ),
        "swift": (
            "(property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @global",
            "(protocol_property_declaration name: (pattern bound_identifier: (simple_identifier) @name))",
            "(enum_entry name: (simple_identifier) @name)",
            "(associatedtype_declaration name: (type_identifier) @name)",
        ),
        "elixir": (
            """(call target: (identifier) @_call (arguments [(list (atom) @name) (list (keywords (pair key: (keyword) @name)))
                (keywords (pair key: (keyword) @name))]) (#any-of? @_call "defstruct" "defexception"))""",
            """(call target: (identifier) @_call (arguments . (atom) @name) (#any-of? @_call "field" "belongs_to" "has_many" "has_one"))""",
            """(unary_operator operator: "@" operand: (call target: (identifier) @_call (arguments (binary_operator left: [
                (identifier) @name (call target: (identifier) @name)])))
                (#any-of? @_call "type" "typep" "opaque" "callback" "macrocallback"))""",
            """(do_block (unary_operator operator: "@" operand: (call target: (identifier) @name (arguments)))
                (#not-match? @name "^(doc|moduledoc|typedoc|spec|type|typep|opaque|callback|macrocallback|impl|behaviour|derive|deprecated|since|dialyzer|compile|external_resource)$"))""",
        ),
        "lua": (
            "(chunk (variable_declaration (assignment_statement (variable_list name: (identifier) @name))))",
            "(chunk (assignment_statement (variable_list name: (identifier) @name)))",
            f"(chunk (assignment_statement (variable_list name: (dot_index_expression field: (_) @name)) (expression_list . value: {_LUA_VALUE})))",
            f"(field name: (identifier) @name value: {_LUA_VALUE}) @global",
        ),
        "haskell": (
            "(field name: (field_name (variable) @name))",
            "(data_constructor constructor: (_ name: (constructor) @name))",
            "(newtype_constructor name: (constructor) @name)",
            "(gadt_constructor name: (constructor) @name)",
        ),
        "bash": (
            "(variable_assignment name: (variable_name) @name) @global",
            '(command name: (command_name (word) @_call) argument: (concatenation . (word) @name) (#eq? @_call "alias"))',
        ),
        "zig": (
            "(container_field name: (identifier) @name)",
            "(variable_declaration . (identifier) @name) @global",
        ),
        "css": (
            "(class_selector (class_name) @name)",
            "(id_selector (id_name) @name)",
            '((declaration (property_name) @name) (#match? @name "^--"))',
        ),
        "sql": ("(column_definition name: (identifier) @name)",),
    }
)
"""Patterns by language."""
