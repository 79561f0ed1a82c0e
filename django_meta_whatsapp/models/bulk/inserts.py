"""Many new rows from plain values: no model instances, one statement on PostgreSQL, one prepared statement elsewhere."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constants import OnConflict

from django_meta_whatsapp.models.bulk.copying import copies
from django_meta_whatsapp.models.bulk.rows import among, array, documents

_MARK = "\0"
"""PostgreSQL's text cannot hold it."""
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
    differing, constants = _parted(connection, model, columns, shared or {})
    if copies(connection) and not ignore_conflicts:
        _copy(connection, model, differing, constants)
        return count
    conflict = OnConflict.IGNORE if ignore_conflicts else None
    into = _into(connection, model, [*differing, *constants], conflict)
    end = connection.ops.on_conflict_suffix_sql([], conflict, [], [])
    fixed = list(constants.values())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            given, parameters = _given(differing, fixed, connection)
            cursor.execute(f"{into} {given} {end}", parameters)
        else:
            places = ", ".join("%s" for _ in (*differing, *fixed))
            stored = [_stored(field, values) for field, values in differing.items()]
            rows = zip(*stored, *(repeat(value, count) for value in fixed), strict=True)
            cursor.executemany(f"{into} VALUES ({places}) {end}", list(rows))
        return int(cursor.rowcount)


def insert_named(model: type[models.Model], columns: Mapping[str, Sequence[Any]], by: str) -> dict[Any, int]:
    """Inserts rows like `insert`; their primary keys by what they have in the column `by`, in which all differ."""
    connection = connections[router.db_for_write(model)]
    if connection.vendor != "postgresql":
        insert(model, columns)
        return dict(model._default_manager.filter(among(by, columns[by])).order_by().values_list(by, "pk"))
    # To tell costs the INSERT less than a COPY and a look afterwards.
    differing, constants = _parted(connection, model, columns, {})
    into = _into(connection, model, [*differing, *constants], None)
    given, parameters = _given(differing, list(constants.values()), connection)
    fields = {field.attname: field for field in model._meta.concrete_fields}
    columns_told = (fields[by], model._meta.pk)
    told = ", ".join(connection.ops.quote_name(str(field.column)) for field in columns_told)
    with connection.cursor() as cursor:
        cursor.execute(f"{into} {given} RETURNING {told}", parameters)
        return dict(cursor.fetchall())


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
    newest = f"SELECT max({key}) FROM {connection.ops.quote_name(table)}"  # noqa: S608 - a model's names
    given = f"SELECT seq FROM sqlite_sequence WHERE name = %s UNION ALL {newest}"  # noqa: S608 - the statement above
    with connection.cursor() as cursor:
        cursor.execute(given, [table])
        last = max(row[0] or 0 for row in cursor.fetchall())
    return range(last + 1, last + 1 + count)


def _written(model: type[models.Model], given: Collection[str]) -> "list[models.Field[Any, Any]]":
    """The columns of a new row. The key is the database's to give, where it is not given."""
    fields = model._meta.concrete_fields
    return [field for field in fields if not field.primary_key or field.attname in given]


def _parted(
    connection: BaseDatabaseWrapper,
    model: type[models.Model],
    columns: Mapping[str, Sequence[Any]],
    shared: Mapping[str, Any],
) -> tuple[_Columns, dict["models.Field[Any, Any]", Any]]:
    """The columns with a value for each row, and those with one for all, as the database takes it. No column has a default of
    the database's: what is not named is NULL."""
    fields = {field.attname: field for field in _written(model, columns)}
    example = model(**shared)
    constants = {
        field: field.get_db_prep_save(field.pre_save(example, True), connection)
        for name, field in fields.items()
        if name not in columns
    }
    differing = {fields[name]: values for name, values in columns.items()}
    if connection.vendor == "postgresql":
        differing, same = _apart(differing)
        constants |= same
    return differing, {field: value for field, value in constants.items() if value is not None}


def _into(
    connection: BaseDatabaseWrapper,
    model: type[models.Model],
    written: Iterable["models.Field[Any, Any]"],
    conflict: OnConflict | None,
) -> str:
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in written)
    start = connection.ops.insert_statement(on_conflict=conflict)
    return f"{start} {connection.ops.quote_name(model._meta.db_table)} ({names})"


def _given(
    differing: _Columns, fixed: Sequence[Any], connection: BaseDatabaseWrapper
) -> tuple[str, list[Any]]:
    """A SELECT of rows from arrays, and its parameters."""
    arrays, parameters = _arrays(differing, connection)
    places = ", ".join(["g.*", *("%s" for _ in fixed)])
    return f"SELECT {places} FROM ROWS FROM ({arrays}) AS g", [*fixed, *parameters]  # noqa: S608 - placeholders


def _copy(
    connection: BaseDatabaseWrapper,
    model: type[models.Model],
    differing: _Columns,
    constants: Mapping["models.Field[Any, Any]", Any],
) -> None:
    """By COPY, which costs PostgreSQL about three quarters of an INSERT from arrays, but knows no conflicts."""
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in (*differing, *constants))
    table = connection.ops.quote_name(model._meta.db_table)
    end = "".join(f"\t{_escaped(_text(field, value))}" for field, value in constants.items()) + "\n"
    lines = map("\t".join, zip(*(_texts(field, values) for field, values in differing.items()), strict=True))
    statement = f"COPY {table} ({names}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(end.join(lines) + end)


def _texts(field: "models.Field[Any, Any]", values: Sequence[Any]) -> list[str]:
    """Values of a column as COPY reads them."""
    if isinstance(field, models.JSONField):
        values = _encoded(field, values)
    if None not in values:
        texts = _escaped(_MARK.join(map(str, values))).split(_MARK)
        if len(texts) == len(values):
            return texts
    return [r"\N" if value is None else _escaped(str(value)) for value in values]


def _text(field: "models.Field[Any, Any]", value: Any) -> str:
    """A constant as `_parted` has it: of JSON, in the driver's wrapper."""
    return json.dumps(value.obj, cls=field.encoder) if isinstance(field, models.JSONField) else str(value)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace("\t", r"\t").replace("\r", r"\r")


def _encoded(field: "models.JSONField[Any, Any]", values: Sequence[Any]) -> list[str | None]:
    """JSON values as text, None as it is. All at once with a text between them that is none of them: each by itself costs
    three times as much."""
    encode = (field.encoder or json.JSONEncoder)().encode
    marked: list[Any] = [_MARK] * (2 * len(values) - 1)
    marked[::2] = values
    texts: list[str | None] = [*encode(marked)[1:-1].split(f", {encode(_MARK)}, ")]
    if len(texts) == len(values) and None not in values:
        return texts
    return [None if value is None else encode(value) for value in values]


def _apart(columns: _Columns) -> tuple[_Columns, dict["models.Field[Any, Any]", Any]]:
    """Columns that are the same in all rows are no arrays: PostgreSQL keeps all rows of an array until it has
    those of the others. Not JSON: to Python, 1 and true are equal. One column stays, as it says how many rows there are."""
    same = {
        field: values[0]
        for field, values in list(columns.items())[1:]
        if not isinstance(field, models.JSONField) and values.count(values[0]) == len(values)
    }
    return {field: values for field, values in columns.items() if field not in same}, same


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


def _stored(field: "models.Field[Any, Any]", values: Sequence[Any]) -> Sequence[Any]:
    """JSON is written out; text and numbers are stored as they are."""
    return _encoded(field, values) if isinstance(field, models.JSONField) else values
