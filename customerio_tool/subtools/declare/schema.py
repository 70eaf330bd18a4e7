"""The JSON Schema of arguments, as models like it."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


class ArgumentSchema(GenerateJsonSchema):
    """JSON Schema as models like it: an optional argument has one plain type, and no null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Publish the plain type: a null means that the argument is not given."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave the default out: descriptions name the ones that matter."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        """Publish no titles made from names: they cost tokens and say nothing."""
        return False

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Leave out that any member is allowed, which is what an object means."""
        published = super().dict_schema(schema)
        if published.get("additionalProperties") is True:
            del published["additionalProperties"]
        return published
