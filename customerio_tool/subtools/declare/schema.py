"""Generates the JSON Schema of arguments in a short, plain form for models."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


class ArgumentSchema(GenerateJsonSchema):
    """Generates JSON Schema in which an optional argument has one plain type, without null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Return the schema without null: a null has the same meaning as no argument."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema without its default: descriptions state the defaults that matter."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        """Return False: a title made from a name costs tokens and adds nothing."""
        return False

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Return the schema without `additionalProperties: true`, JSON Schema's default."""
        generated = super().dict_schema(schema)
        if generated.get("additionalProperties") is True:
            del generated["additionalProperties"]
        return generated
