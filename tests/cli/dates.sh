#!/usr/bin/env bash
# dates.sh - columns of dates and times: from training to predictions. Forms one by one: data.date_form, data.column_dates.
. "$(dirname "$0")/common.bash"

# table FORMAT [FIRST]: 400 rows of day (a date every 5 hours and 7 minutes from 2023-01-01, row FIRST on), b, and y, which goes by
# the hour and the day of the week.
table() {
  python3 - "$@" <<'PYTHON'
import datetime, math, sys
form, first = sys.argv[1], int((sys.argv + ["0"])[2])
print("day,b,y")
for i in range(first, first + 400):
    t = datetime.datetime(2023, 1, 1) + i * datetime.timedelta(hours=5, minutes=7)
    b = i * 7 % 20 / 20
    y = math.cos(2 * math.pi * (t.hour + t.minute / 60) / 24) + 2 * (t.weekday() >= 5) + b
    print(t.strftime(form), b, f"{y:.4f}", sep=",")
PYTHON
}
quick=(--hidden 32 --epochs 60 --progress none --target y --out m.safetensors)

table '%Y-%m-%d %H:%M' >days.csv
table '%Y-%m-%d %H:%M' 400 >later.csv
succeeds train days.csv "${quick[@]}" --valid later.csv --json
check "dates are said" holds err "days.csv: column 'day': read as dates and times (ISO 8601); --text 'day' keeps it as text"
succeeds inspect m.safetensors --json
check "inspect has a date" json "j['columns'][0]['type'] == 'date' and j['columns'][0]['cycles'] == 'month, week, day'"
check "of few inputs" json "j['columns'][0]['inputs'] == 7 and j['inputs'] == 8"
succeeds inspect m.safetensors
check "and shows what becomes of it" holds out "days, and its place in: month, week, day"
succeeds evaluate m.safetensors days.csv --json
check "hours and days of the week are learnt" json "j['r2'] > 0.9"
succeeds predict m.safetensors days.csv
mv out whole
head -1 days.csv >one.csv
sed -n 7p days.csv >>one.csv
succeeds predict m.safetensors one.csv
check "a row alone gives the same" [ "$(tail -1 out)" = "$(sed -n 7p whole)" ]
succeeds gradcheck m.safetensors days.csv

# ---- what other tables hold ----

printf 'day,b\n,0.5\nNaT,0.5\n' >missing.csv
succeeds predict m.safetensors missing.csv
check "a missing date is told" holds err "column 'day' has no value in 2 rows, and always had one in training; taken as '2023-02-1"
printf 'day,b\n1/2/2023,0.5\n' >other.csv
refuses 3 "other.csv:2: column 'day' holds '1/2/2023', a date in another form; the model was trained with dates there, in the form 'year first'" \
  predict m.safetensors other.csv
printf 'day,b\n20230102,0.5\n' >number.csv
refuses 3 "number.csv:2: column 'day' holds '20230102', which is no date" predict m.safetensors number.csv

# ---- the same days in other forms ----

for form in '%d.%m.%Y %H:%M' '%m/%d/%Y %I:%M %p' '%d-%b-%Y %H:%M' '%A, %B %d, %Y %H:%M' '%Y%m%dT%H%M' '%Y-%m-%dT%H:%M:00Z'; do
  table "\"$form\"" >days.csv
  succeeds train days.csv "${quick[@]}"
  succeeds evaluate m.safetensors days.csv --json
  check "$form is learnt" json "j['r2'] > 0.9"
done
table '%Y-%m-%d %H:%M' >days.csv
succeeds train days.csv "${quick[@]}"
succeeds predict m.safetensors days.csv
mv out plain
table '%d.%m.%Y %H:%M' >days.csv
succeeds train days.csv "${quick[@]}"
succeeds predict m.safetensors days.csv
check "in the same bits" cmp -s out plain

# ---- what stays text ----

table '%d.%m.%Y' >days.csv
succeeds train days.csv "${quick[@]}" --text day
check "a column asked for as text is text" [ "$(grep -c "'day'" err)" -eq 0 ]
succeeds inspect m.safetensors --json
check "of categories" json "j['columns'][0]['type'] == 'category'"
finish
