"""The SQL that runs on the nodes, made from the declared schema. Pure: records in, text out.

Every row of a raw file ends in exactly one of two places: `good.parquet`, or `quarantine.parquet` with the
reasons. `counts.json` says how many of each.
"""

from __future__ import annotations

from collections.abc import Sequence

from flights.schema import COLUMNS, KEY, Column

__all__ = ["merge_sql", "transform_sql"]

#: Checks are queries that give an error; what they give otherwise is not worth a line in the task's output.
_BAIL = ".bail on\n.mode trash\nset timezone = 'UTC';\n"

#: One line is one row and a comma always parts two fields: the airports write no quotes. A reader of quotes
#: would swallow all that follows a stray one.
_READ = """
create table lines as
  select row_number() over () as number, line from (
    select unnest(string_split(replace(content, chr(13), ''), chr(10))) as line from read_text('raw.csv'))
  where trim(line) <> '';
create table raw as
  select number, line, len(fields) as width, {columns}
  from (select number, line, string_split(line, ',') as fields from lines where number > 1);
"""

_JUDGE = """
create table judged as
  select *, list_filter([
    (select case when line <> '{header}' then 'the header of the file is: ' || line end
      from lines where number = 1),
    case when width <> {width} then 'the row has ' || width || ' fields, not {width}' end,
    {checks},
    case when try_cast(year || '-' || month || '-' || day as date)
      is distinct from getenv('FLIGHT_DAY')::date then 'the row is of another day than its file' end,
    case when origin is distinct from getenv('FLIGHT_ORIGIN')
      then 'the row is of another origin than its file' end,
    case when row_number() over (partition by {key} order by number) > 1
      then 'an earlier row has the same {key}' end
  ], lambda reason: reason is not null) as reasons
  from raw;
create table good as select {casts} from judged where len(reasons) = 0;
create table quarantine as
  select getenv('FLIGHT_FILE') as file, number as line, reasons, line as "row"
  from judged where len(reasons) > 0;
"""

_ENRICH = """
copy (
  select make_date(g.year, g.month, g.day) as flight_date, g.* exclude (year, month, day),
    a.name as airline, d.name as destination, p.manufacturer, p.model, p.seats,
    w.temp, w.wind_speed, w.precip, w.visib
  from good g
  left join read_csv('airlines.csv', nullstr = 'NA') a on a.carrier = g.carrier
  left join read_csv('airports.csv', nullstr = 'NA') d on d.faa = g.dest
  left join read_csv('planes.csv', nullstr = 'NA') p on p.tailnum = g.tailnum
  left join (select distinct on (origin, time_hour) * from read_csv('weather.csv', nullstr = 'NA')) w
    on w.origin = g.origin and w.time_hour = g.time_hour
  order by g.time_hour, g.carrier, g.flight
) to 'good.parquet' (format parquet);
copy quarantine to 'quarantine.parquet' (format parquet);
copy (
  select getenv('FLIGHT_FILE') as file, greatest((select count(*) from lines) - 1, 0) as raw,
    (select count(*) from 'good.parquet') as good, (select count(*) from quarantine) as quarantined
) to 'counts.json' (format json);
select case when raw <> good + quarantined then
  error('of ' || raw || ' rows of ' || file || ' only ' || (good + quarantined) || ' are accounted for') end
from 'counts.json';
"""

_MERGE = """
copy (select * from read_parquet('*/good.parquet') order by {key}) to 'flights.parquet' (format parquet);
copy (select * from read_parquet('*/quarantine.parquet')) to 'quarantine.parquet' (format parquet);
copy (
  select getenv('FLIGHT_DAY') as day, sum(raw)::integer as raw, sum(good)::integer as good,
    sum(quarantined)::integer as quarantined, count(*)::integer as files
  from read_json('*/counts.json')
) to 'report.json' (format json);
select case when good <> (select count(*) from 'flights.parquet') then error('rows were lost on the way') end
from 'report.json';
select case when count(*) <> count(distinct ({key}))
  then error('two files of the day have the same flight') end
from 'flights.parquet';
"""


def transform_sql() -> str:
    """The script of one raw file: validate, set aside, enrich."""
    names = [column.name for column in COLUMNS]
    fields = (f"nullif(nullif(trim(fields[{n}]), 'NA'), '') as {name}" for n, name in enumerate(names, 1))
    judge = _JUDGE.format(
        header=",".join(names),
        width=len(names),
        checks=",\n    ".join(_checks(COLUMNS)),
        key=", ".join(KEY),
        casts=", ".join(f"{column.name}::{column.type} as {column.name}" for column in COLUMNS),
    )
    return _BAIL + _READ.format(columns=", ".join(fields)) + judge + _ENRICH


def merge_sql() -> str:
    """The script of one day: its files' good rows in one file, its bad rows in another, and the counts."""
    return _BAIL + _MERGE.format(key=", ".join(KEY))


def _checks(columns: Sequence[Column]) -> list[str]:
    checks = []
    for column in columns:
        name, value = column.name, f"try_cast({column.name} as {column.type})"
        if column.required:
            checks.append(f"case when {name} is null then '{name} is missing' end")
        if column.type != "VARCHAR":
            checks.append(
                f"case when {name} is not null and {value} is null "
                f"then '{name} is no {column.type}: ' || {name} end"
            )
        bounds = [
            f"{value} {sign} {bound}"
            for sign, bound in (("<", column.least), (">", column.most))
            if bound is not None
        ]
        if bounds:
            checks.append(f"case when {' or '.join(bounds)} then '{name} is out of bounds: ' || {name} end")
    return checks
