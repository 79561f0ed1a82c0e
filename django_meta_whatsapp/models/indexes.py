"""Indexes that leave out the rows that nobody looks for by them, where the database has such indexes.

Django's own `condition` does so too, but makes every host on MariaDB or MySQL read a warning (and leaves out a unique one there
altogether). Those databases index all rows here: the same answers, with more to write.
"""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def _has_partial(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    return bool(schema_editor.connection.features.supports_partial_indexes)


class PartialIndex(models.Index):
    """An index of the rows for which `where` holds. Queries must say that in the same words: SQLite draws no conclusions."""

    def __init__(self, *, where: models.Q, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.where = where

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **kwargs: Any,
    ) -> Any:
        if not _has_partial(schema_editor):
            return super().create_sql(model, schema_editor, using, **kwargs)
        plain = models.Index(fields=self.fields, name=self.name, condition=self.where)
        return plain.create_sql(model, schema_editor, using, **kwargs)

    def deconstruct(self) -> Any:
        path, arguments, kwargs = super().deconstruct()
        return path, arguments, {**kwargs, "where": self.where}


class SparseUnique(models.UniqueConstraint):
    """Unique together with `sparse`, a column that is NULL in most rows: those escape the uniqueness, and the index."""

    def __init__(self, *, fields: list[str], sparse: str, name: str) -> None:
        super().__init__(fields=[*fields, sparse], name=name)
        self._given = {"fields": fields, "sparse": sparse}

    def _for(self, schema_editor: BaseDatabaseSchemaEditor) -> models.UniqueConstraint:
        given = models.Q(**{f"{self._given['sparse']}__isnull": False})
        return models.UniqueConstraint(
            fields=self.fields, name=self.name, condition=given if _has_partial(schema_editor) else None
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        return self._for(schema_editor).constraint_sql(model, schema_editor)

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        return self._for(schema_editor).create_sql(model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        return self._for(schema_editor).remove_sql(model, schema_editor)

    def deconstruct(self) -> Any:
        path, arguments, kwargs = super().deconstruct()
        return path, arguments, {**kwargs, **self._given}
