"""Writing many rows that already exist: one UPDATE on PostgreSQL, a prepared one on SQLite, an insert that never happens on
MySQL and MariaDB.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from types import NoneType
from typing import Any, NamedTuple, TypeVar

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import CharField, DateTimeField, F, Field, IntegerField, JSONField, QuerySet
from django.db.models.base import ModelState
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=models.Model)


class _Among(In):
    def get_prep_lookup(self) -> list[Any]:
        """As they are: the column that says how to prepare them is not known before the statement is written."""
        return list(self.rhs)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        """One document: SQLite of old took 999 parameters, and Django keeps to that."""
        column, parameters = self.process_lhs(compiler, connection)
        values = json.dumps(_prepared(self.lhs.output_field, self.rhs, connection))
        return f"{column} IN (SELECT value FROM json_each(%s))", [*parameters, values]  # noqa: S608

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        """One array: a placeholder for each value is taken apart, dumped and put together by Django and by psycopg.

        Its length is hidden from the planner, which takes it for a few: of thousands it believes that looking each up in the
        index costs more than reading a table of a million rows.
        """
        field = self.lhs.output_field
        column, parameters = self.process_lhs(compiler, connection)
        kind = str(field.cast_db_type(connection)).partition("(")[0]
        values = array(_prepared(field, self.rhs, connection))
        return f"{column} IN (SELECT unnest((SELECT %s::{kind}[])))", [*parameters, values]


def _prepared(
    field: "Field[Any, Any]", values: Sequence[Any], connection: BaseDatabaseWrapper
) -> Sequence[Any]:
    """`values` as the column holds them."""
    if _is_stored_as_given(field, values):
        return values
    return [field.get_db_prep_value(value, connection, prepared=False) for value in values]


def _is_stored_as_given(field: "Field[Any, Any]", values: Iterable[Any]) -> bool:
    """Whether PostgreSQL's columns of this kind hold `values` as they are: finding that costs less than asking for each."""
    kinds = {type(value) for value in values} - {NoneType}
    if kinds == {str}:
        return type(field).get_prep_value is CharField.get_prep_value
    if kinds == {datetime}:
        aware = None not in {value.tzinfo for value in values if value is not None}
        return type(field).get_db_prep_value is DateTimeField.get_db_prep_value and aware
    if kinds == {int}:
        return isinstance(getattr(field, "target_field", field), IntegerField)
    return not kinds


def among(name: str, values: Collection[Any]) -> In:
    """A condition for `filter`: the column `name` has one of `values`, of which there may be hundreds."""
    return _Among(F(name), list(values))


def overwrite(model: type[M], rows: Sequence[M], fields: Sequence[str]) -> None:
    """Stores `fields` of `rows` that the caller has locked, whole ones or those of `to_overwrite`. One statement, the values
    differing by row. Far quicker than bulk_update's CASEs.
    """
    if not rows:
        return
    connection = connections[router.db_for_write(model)]
    _WRITERS.get(connection.vendor, _insert)(connection, model, rows, fields)


def to_overwrite(rows: QuerySet[M], *fields: str) -> Iterable[M]:
    """`rows` with no more than `fields` read, where `overwrite` can do without the rest."""
    return bare(rows, *fields) if connections[rows.db].vendor in _WRITERS else rows


def bare(rows: QuerySet[M], *fields: str) -> Iterator[M]:
    """`rows` with their keys and `fields`, the others deferred. For many rows of a wide model, at half of what `only` costs."""
    known = {field.name: field.attname for field in rows.model._meta.concrete_fields}
    names = [rows.model._meta.pk.attname, *map(known.__getitem__, fields)]
    for values in rows.values_list(*names):
        yield _bare(rows.model, zip(names, values, strict=True), rows.db)


def _bare(model: type[M], values: Iterable[tuple[str, Any]], using: str) -> M:
    """A row with some of its fields, the others deferred, as unpickling makes it: `from_db` looks at every field, which for
    models as wide as ours costs more than reading them.
    """
    row = model.__new__(model)
    row.__dict__.update(values)
    row._state = ModelState()
    row._state.adding, row._state.db = False, using
    return row


def _update(connection: BaseDatabaseWrapper, model: type[M], rows: Sequence[M], names: Sequence[str]) -> None:
    """An UPDATE from one array for each column."""
    known = {field.name: field for field in model._meta.concrete_fields}
    columns = [_column(field, rows, connection) for field in (model._meta.pk, *map(known.__getitem__, names))]
    key, *others = (column.name for column in columns)
    values = ", ".join(f"{column.name} = {column.value}" for column in columns[1:])
    arrays = ", ".join(column.array for column in columns)
    statement = (
        f"UPDATE {connection.ops.quote_name(model._meta.db_table)} AS old SET {values} "  # noqa: S608
        f"FROM ROWS FROM ({arrays}) AS new ({', '.join((key, *others))}) WHERE old.{key} = new.{key}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [column.parameter for column in columns])


def _update_each(
    connection: BaseDatabaseWrapper, model: type[M], rows: Sequence[M], names: Sequence[str]
) -> None:
    """An UPDATE for each row, prepared once: SQLite runs in this process, so that each costs no journey to a server."""
    known = {field.name: field for field in model._meta.concrete_fields}
    fields = [*map(known.__getitem__, names), model._meta.pk]
    *columns, key = (connection.ops.quote_name(str(field.column)) for field in fields)
    values = ", ".join(f"{column} = %s" for column in columns)
    statement = f"UPDATE {connection.ops.quote_name(model._meta.db_table)} SET {values} WHERE {key} = %s"  # noqa: S608
    stored = [
        [field.get_db_prep_save(field.pre_save(row, False), connection) for row in rows] for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(zip(*stored, strict=True)))


class _Column(NamedTuple):
    """array: the SQL of its values, as rows; value: that of one of them."""

    name: str
    array: str
    value: str
    parameter: Any


def _column(field: "Field[Any, Any]", rows: Sequence[M], connection: BaseDatabaseWrapper) -> _Column:
    name = connection.ops.quote_name(str(field.column))
    if isinstance(field, JSONField):
        document = documents([getattr(row, field.attname) for row in rows], field.encoder)
        return _Column(
            name, "jsonb_array_elements(%s::jsonb)", f"nullif(new.{name}, 'null'::jsonb)", document
        )
    # Without the length of the type: varchar(10)[] would cut silently.
    rows_of = f"unnest(%s::{str(field.db_type(connection)).partition('(')[0]}[])"
    values = [field.pre_save(row, False) for row in rows]
    if not _is_stored_as_given(field, values):
        values = [field.get_db_prep_save(value, connection) for value in values]
    return _Column(name, rows_of, f"new.{name}", array(values))


def by_index(cursor: CursorWrapper) -> None:
    """For the rest of the transaction, PostgreSQL finds rows by an index wherever it can.

    It plans by the size that tables have, or had when they were last analysed, and keeps the plan of a foreign key's check for
    as long as the connection lives. In a new installation that is a walk through the whole table for each row.
    """
    cursor.execute("SET LOCAL enable_seqscan = off")


def array(values: Iterable[Any]) -> str:
    """Values as the text of a PostgreSQL array: psycopg writes arrays in Python, at ten times the cost."""
    values = list(values)
    if values and None not in values:
        # All at once, between characters that PostgreSQL's text cannot hold.
        text = "\0".join(map(str, values))
        if text.count("\0") == len(values) - 1:
            escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\0", '","')
            return '{"' + escaped + '"}'
    quoted = (
        "NULL" if value is None else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
        for value in values
    )
    return "{" + ",".join(quoted) + "}"


def documents(values: Sequence[Any], encoder: type[json.JSONEncoder] | None = None) -> str:
    """JSON values for PostgreSQL's jsonb_array_elements: in an array of texts, each quote of each value would be escaped."""
    return json.dumps(values, cls=encoder)


def _insert(
    connection: BaseDatabaseWrapper, model: type[M], rows: Sequence[M], fields: Sequence[str]
) -> None:
    """As the rows are there, the insert never happens: only its update does."""
    target = ["id"] if connection.features.supports_update_conflicts_with_target else None
    model._default_manager.bulk_create(
        rows, update_conflicts=True, unique_fields=target, update_fields=fields
    )


_WRITERS = {"postgresql": _update, "sqlite": _update_each}
"""What writes only the columns that change, by vendor."""
