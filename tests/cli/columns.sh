#!/usr/bin/env bash
# columns.sh - columns of numbers with marks or in forms of their own, rows without a target, classes in columns: from training to
# predictions. Marks and forms one by one: data.column_numbers.
. "$(dirname "$0")/common.bash"

# table CELL-EXPRESSION [TARGET-EXPRESSION]: 200 rows of a in 0 … 99.9 and b, y = a / 10 + b, written by Python expressions.
table() {
  python3 - "$@" <<'PYTHON'
import sys
cell, target = sys.argv[1], (sys.argv + ["f'{y:.3f}'"])[2]
def quote(text):
    return '"' + text + '"' if "," in text else text
print("a,b,y")
for i in range(200):
    a, b = (i * 37 % 100) + i % 10 / 10, (i * 7 % 20) / 20
    y = a / 10 + b
    print(quote(eval(cell)), b, quote(eval(target)), sep=",")
PYTHON
}
quick=(--hidden 32 --epochs 30 --progress none --target y --out m.safetensors)
r2_above() { json "j['r2'] > $1"; }

# ---- a mark in a column of numbers ----

for mark in None '#N/A' - '\N'; do
  MARK=$mark table "__import__('os').environ['MARK'] if i % 10 == 3 else f'{a:.1f}'" >marked.csv
  succeeds train marked.csv "${quick[@]}"
  check "$mark is said" holds err "column 'a': read as numbers; '$mark' in 20 rows is taken as missing"
  succeeds evaluate m.safetensors marked.csv --json
  check "$mark costs little" r2_above 0.85
  printf 'a,b\n%s,0.5\n' "$mark" >new.csv
  succeeds predict m.safetensors new.csv
  mv out marked.out
  printf 'a,b\n,0.5\n' >new.csv
  succeeds predict m.safetensors new.csv
  check "$mark is predicted as an empty cell" cmp -s out marked.out
done

table "'unknown' if i % 10 == 3 else f'{a:.1f}'" >unknown.csv
rm -f m.safetensors
refuses 3 "unknown.csv:5: column 'a': 'unknown' is not a number (20 cells)" train unknown.csv "${quick[@]}" --quiet
check "shows the option" holds err "(--missing 'unknown')"
succeeds train unknown.csv "${quick[@]}" --missing unknown
succeeds evaluate m.safetensors unknown.csv --json
check "a mark that is named costs little" r2_above 0.85
succeeds train unknown.csv "${quick[@]}" --text a
succeeds train unknown.csv "${quick[@]}" --ignore a

# a model that never met a mark
table "f'{a:.1f}'" >plain.csv
succeeds train plain.csv "${quick[@]}"
printf 'a,b\n5,0.5\nNone,0.5\n' >new.csv
succeeds predict m.safetensors new.csv
check "a mark that training never met is said" holds err "column 'a' has no value in 1 row, and always had one in training"
printf 'a,b\n5,0.5\nunknown,0.5\n' >new.csv
refuses 3 "new.csv:3: column 'a' holds a text, 'unknown'" predict m.safetensors new.csv

# ---- numbers in a form ----

# in_form WORDS CELL-EXPRESSION: the column is learnt as well as plain numbers are, and predict reads it so, a row alone too.
in_form() {
  table "$2" >form.csv
  succeeds train form.csv "${quick[@]}"
  check "$1 is said" holds err "column 'a': read as numbers$1"
  succeeds evaluate m.safetensors form.csv --json
  check "$1 is learnt" r2_above 0.95
  succeeds predict m.safetensors form.csv
  sed -n 2,9p out >all.out
  head -9 form.csv | cut -d, -f1- >few.csv
  succeeds predict m.safetensors few.csv
  sed -n 2,9p out >few.out
  check "$1 is read alike in few rows" cmp -s all.out few.out
}
in_form ", '\$' in front" "f'\${a:.2f}'"
in_form ", '%' behind" "f'{a:.0f}%'"
in_form ", 'kg' behind" "f'{a / 10:.2f}e1 kg'"
in_form ", ',' between thousands" "f'{a * 97:,.0f}'"
in_form ", ' ' between thousands" "f'{a * 97:,.0f}'.replace(',', '\u2009')"
in_form ", a decimal comma" "f'{a:.2f}'.replace('.', ',')"
in_form ", '.' between thousands, a decimal comma" "f'{a * 97:,.2f}'.translate({44: 46, 46: 44})"
in_form ", hexadecimal" "hex(int(a * 10))"
in_form ", brackets for a minus" "f'({50 - a:.0f})' if a < 50 else f'{a - 50:.0f}'"
in_form ", as '" "f'{a - 50.05:.2f}'.replace('-', '\u2212')"

# a file to validate with, and one row that alone would read as another number
table "f'{a * 97:,.2f}'.translate({44: 46, 46: 44})" >euro.csv
{ head -1 euro.csv && grep -F '.' euro.csv | tail -40; } >valid.csv
succeeds train euro.csv "${quick[@]}" --valid valid.csv
printf 'a,b,y\n1.234,0.5,1.77\n1.235,0.5,1.77\n' >point.csv
printf 'a,b,y\n"1.234,0",0.5,1.77\n"1.235,0",0.5,1.77\n' >whole.csv
for file in point whole; do
  succeeds predict m.safetensors $file.csv
  mv out $file.out
  succeeds evaluate m.safetensors $file.csv --json
  mv out $file.json
done
check "a point is read as in training" cmp -s point.out whole.out
check "evaluate reads it so too" cmp -s point.json whole.json

# what signs are can be said
python3 - >open.csv <<'PYTHON'
print("a;b;y")
for i in range(200):
    a = 1 + i * 37 % 100 + i % 10 / 10
    print(f"{a:.3f}".replace(".", ","), i % 7, round(a), sep=";")
PYTHON
rm -f m.safetensors
refuses 3 "say --decimal , or --thousands ," train open.csv "${quick[@]}" --quiet
for option in '--decimal=,' --decimal=comma '--thousands=,' '--thousands=comma --decimal=point'; do
  # shellcheck disable=SC2086
  succeeds train open.csv "${quick[@]}" $option
  succeeds evaluate m.safetensors open.csv --json
  check "$option is taken" r2_above 0.95
done
rm -f m.safetensors
refuses 2 "--decimal" train open.csv "${quick[@]}" --decimal ';' --quiet
refuses 2 "'.' between thousands" train open.csv "${quick[@]}" --decimal . --thousands . --quiet

sed '2,$ s/$/.5/' open.csv >point.csv
refuses 3 "column 'y': '1.5' is a number with a decimal point, but the decimal sign was said to be a comma (--decimal ,)" train point.csv "${quick[@]}" --decimal , --quiet

# ---- what stays text ----

table "['1', '2', '3', 'other'][int(a) % 4]" >kinds.csv
succeeds train kinds.csv "${quick[@]}"
check "few numbers among texts are categories" holds err "taken as text, though 3 of its 4 different texts are numbers"
for words in "'18-25', '26-35', '65'" "'S', 'M', 'L', '38'" "'TRUE', 'FALSE'" "'None', 'some', 'all'"; do
  table "[$words][int(a) % len([$words])]" >kinds.csv
  succeeds train kinds.csv "${quick[@]}"
  check "$words are categories without a word" [ "$(grep -c "'a'" err)" -eq 0 ]
done
table "f'2020-01-{int(a) % 28 + 1:02d}'" >dates.csv
succeeds train dates.csv "${quick[@]}"
check "dates are told" holds err "column 'a': read as dates (ISO 8601); --text 'a' keeps it as text"
table "f'{a:.0f} kg' if i % 2 else f'{a * 1000:.0f} g'" >units.csv
rm -f m.safetensors
refuses 3 "is a number in another form than others are" train units.csv "${quick[@]}" --quiet

# ---- many texts ----

table "f'k{i // 2 if i < 100 else i % 9}'" >many.csv
succeeds train many.csv "${quick[@]}"
check "a hundred texts and fewer have an input each" [ "$(grep -c "'a'" err)" -eq 0 ]
table "f'k{(i if i < 150 else 9 * (i % 9)) if i % 2 else i % 9}'" >many.csv
succeeds train many.csv "${quick[@]}" --max-categories 5
check "more than was said share one" holds err "different texts share one input; --max-categories 0 gives each its own"
succeeds inspect m.safetensors
check "inspect shows that" holds out "; one for all others"
succeeds inspect m.safetensors --json
check "and as JSON" json "j['columns'][0]['others'] and len(j['columns'][0]['categories']) == 5 and j['columns'][0]['inputs'] == 6"
printf 'a,b\nnever seen,0.5\n' >new.csv
succeeds predict m.safetensors new.csv --quiet
check "texts never seen share it too" [ ! -s err ]
table "f'person {i}'" >names.csv
succeeds train names.csv "${quick[@]}"
check "names of rows are left out" holds err "left out, as few rows share a text there: 'a'; --max-categories 0 gives each text an input"
succeeds train names.csv "${quick[@]}" --max-categories 0
check "unless they are asked for" holds err "column 'a' holds 200 different texts in 200 rows, and each becomes an input"

succeeds train names.csv "${quick[@]}" --hash a=32
check "and hashed" [ "$(grep -c "'a'" err)" -eq 0 ]
succeeds inspect m.safetensors
check "inspect says so" holds out "hashed to 32"
succeeds inspect m.safetensors --json
check "hashed columns have that many inputs" json "j['columns'][0]['buckets'] == 32 and j['columns'][0]['inputs'] == 32"
succeeds predict m.safetensors new.csv
refuses 3 "hash 'a': expected COLUMN=N, with N from 2 to 65536" train names.csv "${quick[@]}" --hash a=1 --quiet
succeeds train names.csv "${quick[@]}" --missing 'b=0.5' --max-categories 0
succeeds inspect m.safetensors --json
check "a value is missing in one column" json "j['columns'][1]['indicator'] and not j['columns'][0]['indicator']"
succeeds train names.csv "${quick[@]}" --missing 'bb=0.5' --max-categories 0
check "a column that is nearly there is told" holds err "there is no column 'bb', whose missing values were told; is it 'b'?"

# ---- targets ----

table "f'{a:.1f}'" "'None' if i % 10 < 3 else f'{y * 100:.0f}'" >target.csv
succeeds train target.csv "${quick[@]}"
check "a target with marks is values" holds out "target    y: regression"
check "rows without a target are counted" holds err "target.csv: 60 of 200 rows left out: the target 'y' is missing there"
succeeds train target.csv "${quick[@]}" --json
check "and not learnt from" json "j['rows'] == 140"
succeeds train target.csv "${quick[@]}" --valid 0.2
check "nor measured with" holds out "112 to learn from, 28 for validation"
cp target.csv held.csv
succeeds train target.csv "${quick[@]}" --valid held.csv
check "nor validated with" holds out "140 to learn from, 140 for validation"
succeeds evaluate m.safetensors target.csv --json
check "evaluate leaves them out" json "j['rows'] == 140 and j['r2'] > 0.95"
check "and says so" holds err "60 of 200 rows left out"
succeeds gradcheck m.safetensors target.csv
check "gradcheck leaves them out" holds err "60 of 200 rows left out"
succeeds inspect m.safetensors --gradients target.csv --json
check "inspect --gradients leaves them out" json "j['gradients']['rows'] == 140"
succeeds predict m.safetensors target.csv
check "predict needs no target" [ "$(wc -l <out)" -eq 201 ]
table "f'{a:.1f}'" "f'{1000 + y * 1000:,.0f}'" >target.csv
succeeds train target.csv "${quick[@]}"
check "a target with thousands is values" holds out "target    y: regression"
succeeds evaluate m.safetensors target.csv --json
check "and evaluate reads it so" json "j['r2'] > 0.95 and j['rmse'] > 10"
table "f'{a:.1f}'" "'' if i % 4 == 0 else 'low' if y < 5 else 'high'" >target.csv
succeeds train target.csv "${quick[@]}" --valid 0.2
check "a class may be missing" holds err "50 of 200 rows left out"
succeeds evaluate m.safetensors target.csv --json
check "evaluate leaves such rows out" json "j['rows'] == 150"
table "f'{a:.1f}'" "''" >target.csv
rm -f m.safetensors
refuses 3 "no row is left: the target 'y' is missing in all 200 rows" train target.csv "${quick[@]}" --quiet

# ---- classes in columns ----

python3 - >kinds.csv <<'PYTHON'
print("x,z,red,green,blue")
for i in range(200):
    x, z = i * 37 % 100 / 50 - 1, i * 11 % 70 / 35 - 1
    kind = 0 if x > 0.3 else 1 if z > 0 else 2
    print(x, z, *[int(kind == k) for k in range(3)], sep=",")
PYTHON
several=(--target 'red,green,blue' --hidden 32 --epochs 60 --progress none --out m.safetensors)
for loss in auto cross_entropy; do
  succeeds train kinds.csv "${several[@]}" --loss $loss --valid 0.2
  check "is said" holds err "one of the 3 targets is 1 in every row, and the others are 0: classification"
  succeeds evaluate m.safetensors kinds.csv --json
  check "has accuracy and confusion" json "j['accuracy'] > 0.9 and len(j['confusion']) == 3"
  succeeds predict m.safetensors kinds.csv --proba
  check "has a probability for each column" [ "$(head -1 out)" = red,green,blue ]
  succeeds predict m.safetensors kinds.csv
  check "predicts a column" grep -qx green out
  cut -d, -f1,2 kinds.csv >unlabelled.csv
  mv out labelled.out
  succeeds predict m.safetensors unlabelled.csv
  check "without the targets too" cmp -s out labelled.out
done
succeeds train kinds.csv "${several[@]}" --loss binary_cross_entropy
check "labels can be asked for" holds out "multi-label"
printf 'x,z,red,green,blue\n1,1,1,1,0\n' >two.csv
succeeds train kinds.csv "${several[@]}"
refuses 3 "two.csv:2: of the 3 target columns of classes not one is 1" evaluate m.safetensors two.csv
sed '2s/,1,0,0$/,1,1,0/; 2s/,0,1,0$/,1,1,0/; 2s/,0,0,1$/,1,0,1/' kinds.csv >labels.csv
succeeds train labels.csv "${several[@]}"
check "two of them in a row make labels" holds err "multi-label classification"

# ---- columns that are only copied ----

flowers >flowers.csv
cut -d, -f2- flowers.csv >anonymous.csv
succeeds train anonymous.csv --hidden 8 --epochs 5 --progress none --out m.safetensors
succeeds predict m.safetensors flowers.csv --keep id
check "a column that training did not have is copied" [ "$(sed -n 2p out | cut -d, -f1)" = f000 ]
sed '2s/^f000/NA/; 3s/^[^,]*/007.50/' flowers.csv >odd.csv
succeeds predict m.safetensors odd.csv --keep id,kind
check "as it stands" [ "$(sed -n 2,3p out | cut -d, -f1 | paste -sd' ')" = "NA 007.50" ]
refuses 3 "the model does not know the column 'id'" predict m.safetensors flowers.csv
finish
