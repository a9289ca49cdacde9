"""The SQL that runs on the nodes, made from the declared schema. Pure: records in, text out.

Every row of a raw file ends in exactly one of two places: `good.parquet`, or `quarantine.parquet` with the
reasons. `counts.json` says how many of each. The report of a day names the files in which there is nothing,
and those without a good row.
"""

from __future__ import annotations

from collections.abc import Sequence

from flights.files import RAW
from flights.schema import COLUMNS, KEY, REFERENCE_COLUMNS, WRITTEN, ZONE, Column

__all__ = ["merge_sql", "reference_sql", "rows_sql", "transform_sql"]

#: Checks are queries that give an error; what they give otherwise is not worth a line in the task's output.
_BAIL = ".bail on\n.mode trash\nset timezone = 'UTC';\n"

#: What may be around a value and is no part of it: white space as Unicode has it, and the byte order mark,
#: also of a file that was appended to another.
_BLANKS = r"""
create macro bare(written) as
  regexp_replace(written, '^[\t-\r\x85\pZ\x{FEFF}]+|[\t-\r\x85\pZ\x{FEFF}]+$', '', 'g');
create macro fields_of(line) as list_transform(string_split(line, ','), lambda field: bare(field));
"""

#: One line is one row and a comma always parts two fields: the airports write no quotes. A reader of quotes
#: would swallow all that follows a stray one. What is no UTF-8 is taken as DuckDB shows bytes, `\xE9`: text
#: in another encoding has lines still; what has zeros is UTF-16 or no text, and taken for one line.
_READ = """
create table content as
  select text is not null as is_utf8, coalesce(text, case when contains(shown, '\\x00')
    then left(shown, 200) else replace(replace(shown, '\\x0D', chr(13)), '\\x0A', chr(10)) end) as text
  from (select try(decode(content)) as text, content::varchar as shown from read_blob('raw.csv'));
create table lines as
  select number, replace(line, chr(0), '') as line, contains(line, chr(0)) as has_zeros from (
    select row_number() over () as number, line from (
      select unnest(string_split(replace(replace(text, chr(13) || chr(10), chr(10)), chr(13), chr(10)),
        chr(10))) as line from content))
  where bare(line) <> '';
set variable first_line = (select line from lines order by number limit 1);
set variable header = (select min(number) from lines where fields_of(getvariable('first_line')) = {header});
set variable flaw = (select case
  when getenv('FLIGHT_FLAW') <> '' then getenv('FLIGHT_FLAW')
  when not is_utf8 then 'the file is no text in UTF-8'
  when getvariable('header') is null then 'the file does not begin with its header, but with: '
    || left(bare(getvariable('first_line')), 200) end from content);
create table raw as
  select number, line, has_zeros, len(fields) as width, fields = {header} as is_header, {columns}
  from (select *, fields_of(line) as fields from lines
    where number is distinct from getvariable('header'));
"""

#: A row of another width is not looked into: its values stand under names that are not theirs.
#: Of rows that are good in themselves, the first one of a flight is kept. Flights are compared as the table
#: has them: `0571` is `571`.
_JUDGE = """
create table judged as
  select *, case when getvariable('flaw') is not null then [getvariable('flaw')::varchar]
  when is_header then ['the row is the header again']
  when width <> {width} then
    ['the row has ' || width || case width when 1 then ' field' else ' fields' end || ', not {width}']
  else list_filter([
    case when has_zeros then 'the row holds characters of code zero' end,
    {checks},
    case when try_cast(year || '-' || month || '-' || day as date)
      is distinct from getenv('FLIGHT_DAY')::date then 'the row is of another day than its file' end,
    case when (try_cast(time_hour as timestamptz) at time zone '{zone}')::date <> getenv('FLIGHT_DAY')::date
      then 'time_hour is of another day than the file: ' || time_hour end,
    case when origin is distinct from getenv('FLIGHT_ORIGIN')
      then 'the row is of another origin than its file' end
  ], lambda reason: reason is not null) end as reasons
  from raw;
create table flights as
  select *, first_value(line) over (partition by {key} order by line) as first_line from (
    select getenv('FLIGHT_FILE') as file, number as line, line as "row", {casts}
    from judged where len(reasons) = 0);
create table good as select * exclude (first_line) from flights where line = first_line;
create table quarantine as
  select getenv('FLIGHT_FILE') as file, number as line, reasons, line as "row"
  from judged where len(reasons) > 0
  union all
  select file, line, ['line ' || first_line || ' has the same {key}'], "row"
  from flights where line <> first_line;
"""

_WITH_ONE_KEY = ("airlines", "airports", "planes")

#: Without its rows a table would leave all flights without what it tells, and nobody would be told. It has
#: the path on the node that it has in storage, so that DuckDB's own errors name it so. Bad rows are collected
#: first: else DuckDB does not always tell which they are.
_REFERENCE = """
select error('{path} is empty: upload it again') from read_blob('{path}') where size = 0;
select error('{path} does not end with a line end, as if it were cut short: upload it again, whole')
  from read_blob('{path}') where right(content::varchar, 4) not in ('\\x0A', '\\x0D');
create view {name}_rows as from read_csv('{path}', header = true, delim = ',', quote = '"', escape = '"',
  comment = '', skip = 0, nullstr = 'NA', types = {types}, store_rejects = true);
select error('{path} has no column ' || wanted || ', but: ' || array_to_string(names, ', ')) from
  (select list(column_name) as names from duckdb_columns() where table_name = '{name}_rows'),
  (select unnest({columns}) as wanted) where not list_contains(names, wanted);
create table {name} as select distinct {selected} from {name}_rows;
select error('line ' || line || ' of {path}: ' || error_message || ': ' || csv_line)
  from (from reject_errors order by line, column_idx limit 1);
select case when count(*) = 0 then error('{path} holds no rows: upload it again') end from {name};
"""

#: Or a flight would be there twice. Of an hour's weather the least is taken, always the same.
_ONCE = """
select error('{path} has two rows of {key} ' || {key}) from {name}
  where {key} is not null group by {key} having count(*) > 1;
"""

_ENRICH = """
copy (
  select make_date(g.year, g.month, g.day) as flight_date, g.* exclude (year, month, day),
    a.name as airline, d.name as destination, p.manufacturer, p.model, p.seats,
    w.temp, w.wind_speed, w.precip, w.visib
  from good g
  left join airlines a on a.carrier = g.carrier
  left join airports d on d.faa = g.dest
  left join planes p on p.tailnum = g.tailnum
  left join (select distinct on (origin, time_hour) * from weather order by all) w
    on w.origin = g.origin and w.time_hour = g.time_hour
  order by g.time_hour, g.carrier, g.flight
) to 'good.parquet' (format parquet);
copy quarantine to 'quarantine.parquet' (format parquet);
copy (
  select getenv('FLIGHT_FILE') as file,
    (select count(*) from lines where number is distinct from getvariable('header')) as raw,
    (select count(*) from 'good.parquet') as good, (select count(*) from quarantine) as quarantined,
    (select count(*) from lines) as lines
) to 'counts.json' (format json);
select case when raw <> good + quarantined then
  error('of ' || raw || ' rows of ' || file || ' only ' || (good + quarantined) || ' are accounted for') end
from 'counts.json';
"""

#: A flight that is in two files of the day is that of the first one by name.
_MERGE = """
create table flights as
  select *, first_value(file) over same as first_file, first_value(line) over same as first_line
  from read_parquet('*/good.parquet') window same as (partition by {key} order by file, line);
copy (
  select * exclude (file, line, "row", first_file, first_line) from flights where file = first_file
  order by {key}
) to 'flights.parquet' (format parquet);
copy (
  select file, line, reasons, "row" from read_parquet('*/quarantine.parquet')
  union all
  select file, line, ['line ' || first_line || ' of ' || first_file || ' has the same {key}'], "row"
  from flights where file <> first_file
  order by file, line
) to 'quarantine.parquet' (format parquet);
copy (
  select getenv('FLIGHT_DAY') as day, sum(raw)::integer as raw,
    (select count(*) from 'flights.parquet') as good,
    (select count(*) from 'quarantine.parquet') as quarantined, count(*)::integer as files,
    (select {{'airlines': count(*) filter (airline is null),
      'airports': count(*) filter (destination is null),
      'planes': count(*) filter (tailnum is not null and manufacturer is null)}}
      from 'flights.parquet') as unknown,
    coalesce(list(file order by file) filter (lines = 0), []) as blank,
    coalesce(list({{'file': file, 'why': case raw when 0 then 'a header and no rows' else
      raw || ' row(s), all to be set aside, the first one as ' || (select reasons[1]
        from 'quarantine.parquet' q where q.file = counts.file order by line limit 1) end}} order by file)
      filter (lines > 0 and good = 0), []) as without_good
  from read_json('*/counts.json') counts
) to 'report.json' (format json);
select case when raw <> good + quarantined then error('rows were lost on the way') end from 'report.json';
"""


def transform_sql() -> str:
    """The script of one raw file: read the tables to join with; validate, set aside, enrich."""
    return _BAIL + reference_sql() + rows_sql()


def reference_sql() -> str:
    """The statements that read the tables to join with."""
    tables = [
        _REFERENCE.format(
            name=name, path=_path(name), types=types, columns=list(types), selected=", ".join(types)
        )
        for name, types in REFERENCE_COLUMNS.items()
    ]
    once = [
        _ONCE.format(name=name, path=_path(name), key=next(iter(REFERENCE_COLUMNS[name])))
        for name in _WITH_ONE_KEY
    ]
    return "".join((*tables, *once))


def rows_sql() -> str:
    """The statements that make the good rows and the others of one raw file, where those tables are."""
    names = [column.name for column in COLUMNS]
    fields = (f"nullif(nullif(fields[{n}], 'NA'), '') as {name}" for n, name in enumerate(names, 1))
    judge = _JUDGE.format(
        width=len(names),
        checks=",\n    ".join(_checks(COLUMNS)),
        key=", ".join(KEY),
        zone=ZONE,
        casts=", ".join(f"{column.name}::{column.type} as {column.name}" for column in COLUMNS),
    )
    return _BLANKS + _READ.format(header=names, columns=", ".join(fields)) + judge + _ENRICH


def _path(table: str) -> str:
    return f"{RAW}/reference/{table}.csv"


def merge_sql() -> str:
    """The script of one day: each flight once in one file, the rows set aside in another, and the counts."""
    return _BAIL + _MERGE.format(key=", ".join(KEY))


def _checks(columns: Sequence[Column]) -> list[str]:
    checks = []
    for column in columns:
        name, value = column.name, f"try_cast({column.name} as {column.type})"
        if column.required:
            checks.append(f"case when {name} is null then '{name} is missing' end")
        if column.type in WRITTEN:
            checks.append(
                f"case when not regexp_full_match({name}, '{WRITTEN[column.type]}') or "
                f"({name} is not null and {value} is null) then '{name} is no {column.type}: ' || {name} end"
            )
        if column.code:
            checks.append(
                f"case when not regexp_full_match({name}, '{column.code}') "
                f"then '{name} is not written as {column.code}: ' || {name} end"
            )
        if column.is_clock:
            checks.append(f"case when {value} % 100 > 59 then '{name} is no clock time: ' || {name} end")
        bounds = [
            f"{value} {sign} {bound}"
            for sign, bound in (("<", column.least), (">", column.most))
            if bound is not None
        ]
        if bounds:
            checks.append(f"case when {' or '.join(bounds)} then '{name} is out of bounds: ' || {name} end")
    return checks
