"""Many new rows from plain values: no model instances, one statement on PostgreSQL, one prepared statement elsewhere."""

from collections.abc import Collection, Mapping, Sequence
from itertools import repeat
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constants import OnConflict

from django_meta_whatsapp.models.bulk.rows import array, documents

_Columns = dict["models.Field[Any, Any]", Sequence[Any]]


def insert(
    model: type[models.Model],
    columns: Mapping[str, Sequence[Any]],
    *,
    shared: Mapping[str, Any] | None = None,
    ignore_conflicts: bool = False,
) -> int:
    """Inserts rows: `columns` by attribute name, each with a value for each row; `shared` values are the same in all of them.
    Returns how many were not left out.

    Other fields get their defaults; keys are given where they are among the columns. Values must be such as a model would store:
    nothing is stripped or checked.
    """
    if not (count := len(next(iter(columns.values())))):
        return 0
    connection = connections[router.db_for_write(model)]
    fields = {field.attname: field for field in _written(model, columns)}
    others = [field for name, field in fields.items() if name not in columns]
    constants = _constants(model(**shared or {}), others, connection)
    differing = {fields[name]: values for name, values in columns.items()}
    if connection.vendor == "postgresql":
        differing, same = _apart(differing)
        constants |= same
    # No column has a default of the database's: what is not named is NULL.
    constants = {name: value for name, value in constants.items() if value is not None}
    conflict = OnConflict.IGNORE if ignore_conflicts else None
    written = [*differing, *map(fields.__getitem__, constants)]
    names = [connection.ops.quote_name(str(field.column)) for field in written]
    end = connection.ops.on_conflict_suffix_sql([], conflict, [], [])
    start = connection.ops.insert_statement(on_conflict=conflict)
    into = f"{start} {connection.ops.quote_name(model._meta.db_table)} ({', '.join(names)})"
    fixed = list(constants.values())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays, parameters = _arrays(differing, connection)
            places = ", ".join(["g.*", *("%s" for _ in fixed)])
            given = f"SELECT {places} FROM ROWS FROM ({arrays}) AS g"  # noqa: S608
            cursor.execute(f"{into} {given} {end}", [*fixed, *parameters])
        else:
            places = ", ".join("%s" for _ in names)
            stored = [_stored(field, values, connection) for field, values in differing.items()]
            rows = zip(*stored, *(repeat(value, count) for value in fixed), strict=True)
            cursor.executemany(f"{into} VALUES ({places}) {end}", list(rows))
        return int(cursor.rowcount)


def insert_numbered(
    model: type[models.Model], columns: Mapping[str, Sequence[Any]], *, shared: Mapping[str, Any]
) -> list[int]:
    """Like `insert`; the keys of the new rows, in their order. Run it in a transaction that has written before."""
    connection = connections[router.db_for_write(model)]
    if connection.vendor == "sqlite":
        keys = _next_keys(connection, model, len(next(iter(columns.values()))))
        insert(model, {str(model._meta.pk.attname): keys, **columns}, shared=shared)
        return list(keys)
    rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return [row.pk for row in model._default_manager.bulk_create(model(**row, **shared) for row in rows)]


def _next_keys(connection: BaseDatabaseWrapper, model: type[models.Model], count: int) -> range:
    """The keys that SQLite would give the next rows: nobody else writes until this transaction ends."""
    table, key = model._meta.db_table, connection.ops.quote_name(str(model._meta.pk.column))
    newest = f"SELECT max({key}) FROM {connection.ops.quote_name(table)}"  # noqa: S608
    given = f"SELECT seq FROM sqlite_sequence WHERE name = %s UNION ALL {newest}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(given, [table])
        last = max(row[0] or 0 for row in cursor.fetchall())
    return range(last + 1, last + 1 + count)


def _written(model: type[models.Model], given: Collection[str]) -> "list[models.Field[Any, Any]]":
    """The columns of a new row. The key is the database's to give, where it is not given."""
    fields = model._meta.concrete_fields
    return [field for field in fields if not field.primary_key or field.attname in given]


def _constants(
    example: models.Model, fields: "Sequence[models.Field[Any, Any]]", connection: BaseDatabaseWrapper
) -> dict[str, Any]:
    """What the columns hold that all new rows share with `example`, as the database takes it."""
    return {
        field.attname: field.get_db_prep_save(field.pre_save(example, True), connection) for field in fields
    }


def _apart(columns: _Columns) -> tuple[_Columns, dict[str, Any]]:
    """Columns that are the same in all rows, by attribute, are no arrays: PostgreSQL keeps all rows of an array until it has
    those of the others. Not JSON: to Python, 1 and true are equal. One column stays, as it says how many rows there are."""
    same = {
        field.attname: values[0]
        for field, values in list(columns.items())[1:]
        if not isinstance(field, models.JSONField) and values.count(values[0]) == len(values)
    }
    return {field: values for field, values in columns.items() if field.attname not in same}, same


def _arrays(columns: _Columns, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
    arrays: list[str] = []
    parameters: list[Any] = []
    for field, values in columns.items():
        if isinstance(field, models.JSONField):
            arrays.append("jsonb_array_elements(%s::jsonb)")
            parameters.append(documents(values, field.encoder))
        else:
            # Without the length of the type: varchar(10)[] would cut silently.
            arrays.append(f"unnest(%s::{str(field.db_type(connection)).partition('(')[0]}[])")
            parameters.append(array(values))
    return ", ".join(arrays), parameters


def _stored(
    field: "models.Field[Any, Any]", values: Sequence[Any], connection: BaseDatabaseWrapper
) -> Sequence[Any]:
    """JSON is written out; text and numbers are stored as they are."""
    if isinstance(field, models.JSONField):
        return [field.get_db_prep_save(value, connection) for value in values]
    return values
