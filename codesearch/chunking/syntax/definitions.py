"""Data: what counts as a definition in each grammar, as tree-sitter queries.

A pattern captures the whole definition under its kind (``@function``, ``@class``, ...), its name as
``@name`` and, where the code itself names the owner (``func (r *Ring) Len``), that as ``@scope``. A
function inside of a class is called a method by the reader (symbols.py), so patterns need not say so.
Patterns stand one by one, so that a grammar that renames a node costs one pattern, not a language.
"""

# ruff: noqa: E501  (a pattern reads best on one line)
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["DEFINITIONS", "LEADING"]


def _named(table: str) -> tuple[str, ...]:
    """``kind: node node ...`` lines for the common case: the name is the field ``name``."""
    patterns = []
    for line in table.strip().splitlines():
        kind, _, nodes = line.partition(":")
        patterns += [f"({node} name: (_) @name) @{kind.strip()}" for node in nodes.split()]
    return tuple(patterns)


_PYTHON = (
    *_named("function: function_definition\nclass: class_definition"),
    "(type_alias_statement left: (type (identifier) @name)) @type",
    "(module (expression_statement (assignment left: (identifier) @name)) @constant)",
)

_JAVASCRIPT = (
    *_named(
        """function: function_declaration generator_function_declaration method_definition
        class: class_declaration"""
    ),
    """(_ (variable_declarator name: (identifier) @name
        value: [(arrow_function) (function_expression) (generator_function)])) @function""",
    "(_ (variable_declarator name: (identifier) @name value: (class))) @class",
    "(field_definition property: (_) @name value: [(arrow_function) (function_expression)]) @function",
    "(pair key: [(property_identifier) (string)] @name value: [(arrow_function) (function_expression)]) @function",
    """(expression_statement (assignment_expression
        left: (member_expression object: (_) @scope property: (_) @name)
        right: [(arrow_function) (function_expression)])) @function""",
    """(expression_statement (assignment_expression left: (identifier) @name
        right: [(arrow_function) (function_expression)])) @function""",
    "(program (lexical_declaration (variable_declarator name: (identifier) @name)) @constant)",
    "(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name)) @constant))",
    """(expression_statement (call_expression function: (identifier) @_call
        arguments: (arguments . (string (string_fragment) @name) [(arrow_function) (function_expression)]))
        (#any-of? @_call "describe" "context" "suite" "it" "test" "specify")) @test""",
)

_TYPESCRIPT = (
    *(
        pattern.replace("(field_definition property:", "(public_field_definition name:")
        for pattern in _JAVASCRIPT
    ),
    *_named(
        """interface: interface_declaration
        type: type_alias_declaration
        enum: enum_declaration
        class: abstract_class_declaration
        module: internal_module module
        function: function_signature abstract_method_signature"""
    ),
)

_C = (
    *_named("constant: preproc_def\nmacro: preproc_function_def"),
    "(function_definition declarator: (function_declarator declarator: (_) @name)) @function",
    """(function_definition declarator: (pointer_declarator
        declarator: (function_declarator declarator: (_) @name))) @function""",
    """(function_definition declarator: (pointer_declarator declarator: (pointer_declarator
        declarator: (function_declarator declarator: (_) @name)))) @function""",
    "(struct_specifier name: (_) @name body: (_)) @struct",
    "(union_specifier name: (_) @name body: (_)) @union",
    "(enum_specifier name: (_) @name body: (_)) @enum",
    "(type_definition declarator: (type_identifier) @name) @type",
    "(type_definition declarator: (function_declarator declarator: (parenthesized_declarator (_ (_) @name)))) @type",
)

_CPP_NAME = """[(identifier) @name (field_identifier) @name (destructor_name) @name (operator_name) @name
    (template_function) @name (qualified_identifier scope: (_) @scope name: (_) @name)
    (qualified_identifier !scope name: (_) @name)]"""

_CPP = (
    *(
        pattern.replace(
            "(function_declarator declarator: (_) @name)", f"(function_declarator declarator: {_CPP_NAME})"
        )
        for pattern in _C
    ),
    *_named("namespace: namespace_definition\ntype: alias_declaration concept_definition"),
    "(class_specifier name: (_) @name body: (_)) @class",
    f"(function_definition declarator: (reference_declarator (function_declarator declarator: {_CPP_NAME}))) @function",
    "(function_definition declarator: (operator_cast type: (_) @name)) @function",
    """(function_definition declarator: (function_declarator declarator: (identifier) @_call
        parameters: (parameter_list . (parameter_declaration type: (_) @scope) . (parameter_declaration type: (_) @name)))
        (#any-of? @_call "TEST" "TEST_F" "TEST_P" "TYPED_TEST" "TYPED_TEST_P" "BENCHMARK_F" "BENCHMARK_DEFINE_F"
        "BOOST_FIXTURE_TEST_CASE" "TEST_METHOD")) @testcase""",
    """(function_definition declarator: (function_declarator declarator: (identifier) @_call
        parameters: (parameter_list . (parameter_declaration type: (_) @name) .))
        (#any-of? @_call "BOOST_AUTO_TEST_CASE" "TEST" "TEST_METHOD" "Y_UNIT_TEST")) @testcase""",
)

DEFINITIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "python": _PYTHON,
        "javascript": _JAVASCRIPT,
        "typescript": _TYPESCRIPT,
        "tsx": _TYPESCRIPT,
        "go": (
            *_named("function: function_declaration\nconstant: const_spec"),
            "(source_file (var_declaration (var_spec name: (_) @name)) @constant)",
            "(method_declaration receiver: (parameter_list (parameter_declaration type: (type_identifier) @scope))"
            " name: (_) @name) @method",
            "(method_declaration receiver: (parameter_list (parameter_declaration"
            " type: (pointer_type (type_identifier) @scope))) name: (_) @name) @method",
            "(method_declaration receiver: (parameter_list (parameter_declaration"
            " type: (generic_type type: (_) @scope))) name: (_) @name) @method",
            "(method_declaration receiver: (parameter_list (parameter_declaration"
            " type: (pointer_type (generic_type type: (_) @scope)))) name: (_) @name) @method",
            "(type_declaration (type_spec name: (_) @name type: (struct_type)) @struct)",
            "(type_declaration (type_spec name: (_) @name type: (interface_type)) @interface)",
            "(type_declaration [(type_spec name: (_) @name) (type_alias name: (_) @name)] @type)",
        ),
        "java": _named(
            """function: method_declaration constructor_declaration compact_constructor_declaration
            class: class_declaration record_declaration
            interface: interface_declaration annotation_type_declaration
            enum: enum_declaration"""
        ),
        "rust": (
            *_named(
                """function: function_item function_signature_item
                struct: struct_item
                union: union_item
                enum: enum_item
                trait: trait_item
                module: mod_item
                macro: macro_definition
                constant: const_item static_item
                type: type_item"""
            ),
            "(impl_item type: (_) @name) @impl",
        ),
        "c": _C,
        "cpp": _CPP,
        "csharp": _named(
            """function: method_declaration constructor_declaration local_function_statement
            property: property_declaration
            class: class_declaration record_declaration
            struct: struct_declaration
            interface: interface_declaration
            enum: enum_declaration
            type: delegate_declaration
            namespace: namespace_declaration file_scoped_namespace_declaration"""
        ),
        "php": (
            *_named(
                """function: function_definition method_declaration
                class: class_declaration
                interface: interface_declaration
                trait: trait_declaration
                enum: enum_declaration
                namespace: namespace_definition"""
            ),
            "(const_declaration (const_element . (name) @name)) @constant",
        ),
        "ruby": (
            *_named("function: method singleton_method\nclass: class\nmodule: module"),
            "(program (assignment left: (constant) @name) @constant)",
            "(body_statement (assignment left: (constant) @name) @constant)",
            "(call method: (identifier) @_call arguments: (argument_list . (string (string_content) @name)) block: (_)"
            ' (#any-of? @_call "describe" "context" "it" "test" "specify" "namespace" "task")) @test',
        ),
        "kotlin": (
            *_named("function: function_declaration\nclass: class_declaration object_declaration"),
            '(class_declaration "interface" name: (_) @name) @interface',
            '(class_declaration (modifiers (class_modifier "enum")) name: (_) @name) @enum',
            "(type_alias type: (_) @name) @type",
            "(source_file (property_declaration (variable_declaration (identifier) @name)) @constant)",
        ),
        "scala": (
            *_named(
                """function: function_definition function_declaration
                class: class_definition object_definition package_object
                trait: trait_definition
                enum: enum_definition
                type: type_definition
                constant: given_definition"""
            ),
            "(template_body (val_definition pattern: (identifier) @name) @constant)",
            "(compilation_unit (val_definition pattern: (identifier) @name) @constant)",
        ),
        "swift": (
            *_named("class: class_declaration"),
            # A return type is called ``name`` there too.
            "(function_declaration name: (simple_identifier) @name) @function",
            "(protocol_function_declaration name: (simple_identifier) @name) @function",
            '(class_declaration "struct" name: (_) @name) @struct',
            '(class_declaration "enum" name: (_) @name) @enum',
            '(class_declaration "extension" name: (_) @name) @impl',
            "(protocol_declaration name: (_) @name) @interface",
            '(init_declaration "init" @name) @function',
            '(deinit_declaration "deinit" @name) @function',
            "(typealias_declaration . name: (_) @name) @type",
            "(source_file (property_declaration name: (pattern (simple_identifier) @name)) @constant)",
        ),
        "elixir": (
            '(call target: (identifier) @_call (arguments . (alias) @name) (#eq? @_call "defmodule")) @module',
            '(call target: (identifier) @_call (arguments . (alias) @name) (#eq? @_call "defprotocol")) @interface',
            '(call target: (identifier) @_call (arguments . (alias) @name) (#eq? @_call "defimpl")) @impl',
            "(call target: (identifier) @_call (arguments . [(identifier) @name (call target: (identifier) @name)"
            ' (binary_operator left: (call target: (identifier) @name) operator: "when")])'
            ' (#any-of? @_call "def" "defp" "defdelegate" "defguard" "defguardp")) @function',
            "(call target: (identifier) @_call (arguments . [(identifier) @name (call target: (identifier) @name)"
            ' (binary_operator left: (call target: (identifier) @name) operator: "when")])'
            ' (#any-of? @_call "defmacro" "defmacrop")) @macro',
            "(call target: (identifier) @_call (arguments . (string (quoted_content) @name)) (do_block)"
            ' (#any-of? @_call "test" "describe")) @test',
        ),
        "lua": (
            "(function_declaration name: (identifier) @name) @function",
            "(function_declaration name: (dot_index_expression table: (_) @scope field: (_) @name)) @function",
            "(function_declaration name: (method_index_expression table: (_) @scope method: (_) @name)) @method",
            "(assignment_statement (variable_list . name: (identifier) @name)"
            " (expression_list . value: (function_definition))) @function",
            "(assignment_statement (variable_list . name: (dot_index_expression table: (_) @scope field: (_) @name))"
            " (expression_list . value: (function_definition))) @function",
            "(field name: (identifier) @name value: (function_definition)) @function",
        ),
        "haskell": (
            *_named(
                """function: function
                type: data_type newtype type_synonym
                class: class
                impl: instance"""
            ),
            # Not those of a let: such a name is a variable of its function.
            *(
                f"({place} (bind name: (_) @name) @constant)"
                for place in ("declarations", "class_declarations", "instance_declarations")
            ),
            "(function binds: (local_binds (bind name: (_) @name) @constant))",
            "(bind binds: (local_binds (bind name: (_) @name) @constant))",
            "(signature name: (_) @name) @function",
            "(header module: (_) @name) @module",
        ),
        "bash": _named("function: function_definition"),
        "zig": (
            *_named("function: function_declaration"),
            "(variable_declaration . (identifier) @name (struct_declaration)) @struct",
            "(variable_declaration . (identifier) @name (enum_declaration)) @enum",
            "(variable_declaration . (identifier) @name (union_declaration)) @union",
            "(source_file (variable_declaration . (identifier) @name) @constant)",
            "(test_declaration (string (string_content) @name)) @test",
        ),
        "css": (
            "(stylesheet (rule_set (selectors) @name) @rule)",
            "(media_statement) @rule",
            "(keyframes_statement (keyframes_name) @name) @rule",
        ),
        "sql": (
            "(create_table (object_reference) @name) @table",
            "(create_view (object_reference) @name) @view",
            "(create_materialized_view (object_reference) @name) @view",
            "(create_function (object_reference) @name) @function",
            "(create_procedure (object_reference) @name) @function",
            "(create_type (object_reference) @name) @type",
            "(create_trigger . (keyword_create) . (keyword_trigger) . (object_reference) @name) @trigger",
            "(create_index column: (_) @name) @index",
        ),
        "html": (),
        "markdown": (
            "(section . (atx_heading heading_content: (_) @name)) @section",
            "(section . (setext_heading heading_content: (_) @name)) @section",
        ),
        "yaml": (
            "(document (block_node (block_mapping (block_mapping_pair key: (_) @name) @section)))",
            "(document (block_node (block_mapping (block_mapping_pair value: (block_node"
            " (block_mapping (block_mapping_pair key: (_) @name value: (block_node)) @section))))))",
        ),
        "toml": (
            "(table . [(bare_key) (dotted_key) (quoted_key)] @name) @section",
            "(table_array_element . [(bare_key) (dotted_key) (quoted_key)] @name) @section",
        ),
        "json": (
            "(document (object (pair key: (string (string_content) @name) value: [(object) (array)]) @section))",
            "(document (object (pair value: (object (pair key: (string (string_content) @name)"
            " value: [(object) (array)]) @section))))",
        ),
    }
)
"""Patterns by language; of two patterns for one node the more telling kind wins (symbols.py)."""

LEADING: frozenset[str] = frozenset(
    {
        "annotation",
        "attribute",
        "attribute_item",
        "attribute_list",
        "decorator",
        "haddock",
        "inner_attribute_item",
        "marker_annotation",
        "php_tag",
        "pragma",
        "signature",
    }
)
"""Nodes, comments aside, that belong to the item that follows them."""
