#!/usr/bin/env bash
# labels: cli grad
# diff: values, first and second derivatives, directions, checks, traces and drawings; the worked examples, all digits.
# shellcheck source=tests/cli/common.bash
. "$(dirname "$0")/common.bash"

# ---- the command line ----
refuses 2 "diff needs EXPRESSION" diff
refuses 2 "expected NAME=VALUE, as in x=1.5" diff 'x^2' 3
refuses 2 "expected NAME=VALUE" diff 'x^2' '=3'
refuses 2 "x is given twice; expected once" diff 'x^2' x=1 x=2
refuses 2 "'2x' is no name" diff '1' 2x=3
refuses 2 "did you mean --order?" diff 'x^2' x=1 --oder 2
refuses 2 "--order 3: expected a whole number from 1 to 2" diff 'x^2' x=1 --order 3
refuses 2 "did you mean reverse?" diff 'x^2' x=1 --mode revers
refuses 2 "what is no option goes behind --" diff '-x^2' x=1
refuses 2 "--wrt: no value was given for 'z'; did you mean x?" diff 'x^2' x=1 --wrt z
refuses 2 "--wrt: x is named twice" diff 'x^2' x=1 --wrt x,x
refuses 2 "--wrt: no value was given for ''" diff 'x^2' x=1 --wrt x,
refuses 2 "an option of diff, not of train" train data.csv --order 2
refuses 2 "an option of train, not of diff" diff 'x^2' x=1 --epochs 2
# ---- mistakes in an expression ----
refuses 2 "diff: column 14: unknown function 'sigmod'; did you mean sigmoid?" diff 'x1*x2 + 1.25*sigmod(x1)' x1=1 x2=2
refuses 2 "diff: column 6: unknown name 'y'; it was not given a value; given: x" diff 'x*2 +y' x=1
refuses 2 "diff: column 3: @: left is [2,2], right is [3]; the inner sizes differ" diff 'W @ x' 'W=[[1,2],[3,4]]' x=[1,2,3]
refuses 2 "diff: column 101: nested deeper than 100" diff "$(printf '(%.0s' {1..100})x" x=1
refuses 2 "the limit is 65536" diff "$(printf '1+%.0s' {1..33000})1"
refuses 2 "diff: x: column 5: expected ',' or ']', found the end" diff 'x' 'x=[1,'"2"
refuses 2 "diff: x: column 1: expected a number" diff 'x' x=
refuses 2 "diff: x: column 1: unknown name 'y'" diff 'x' x=y y=1
refuses 2 "unexpected character" diff $'x \x01' x=1
# ---- what does not go together ----
refuses 2 "--dot and --json do not go together" diff 'x^2' x=1 --dot --json
refuses 2 "--dot and --trace do not go together" diff 'x^2' x=1 --dot --trace
refuses 2 "--dot and --order do not go together" diff 'x^2' x=1 --dot --order 1
refuses 2 "--trace and --check do not go together" diff 'x^2' x=1 --trace --check
refuses 2 "--digits is for --trace" diff 'x^2' x=1 --digits 3
refuses 2 "--trace is of first order" diff 'x^2' x=1 --trace --order 2
refuses 2 "--wrt goes with it for --order 2 only" diff 'x^2' x=1 --along x=1 --wrt x
refuses 2 "--mode reverse goes with it for --order 2 only" diff 'x^2' x=1 --along x=1 --mode reverse
refuses 2 "--order 2 needs a value that is one number; this one has 2 elements" diff '[x, x^2]' x=1 --order 2
refuses 2 "must have the shape of the value of x" diff 'x^2' x=1 --along 'x=[1,2]'
refuses 2 "--along 'x': expected NAME=VALUE" diff 'x^2' x=1 --along x
refuses 2 "--along: no value was given for 'y'" diff 'x^2' x=1 --along y=1
refuses 2 "--along: x is given twice" diff 'x^2' x=1 --along 'x=1; x=2'
refuses 2 "a table at most 16 columns" diff 'exp(v)' "v=[$(seq -s, 17)]" --trace
refuses 2 "a table at most 16 columns" diff 'sum(v)' "v=[$(seq -s, 17)]" --trace --mode forward

# ---- values ----
succeeds diff '3 + 4'
check "a value alone" [ "$(cat out)" = "value = 7" ]
succeeds diff --json '3 + 4'
check "with no gradient" json 'j == {"value": 7, "gradient": {}}'
succeeds diff -- '-x^2' x=-2
check "behind --" holds out "value = -4"
succeeds diff 'x^2 + w' x=-1.5 w=1e-3 --json
check "numbers of all kinds" json 'j == {"value": 2.251, "gradient": {"x": -3, "w": 1}}'
succeeds diff 'sum(W*x)' 'W=[[1, 2], [3, 4]]' x=[pi/pi,2*1] --json
check "values are expressions" json 'j == {"value": 16, "gradient": {"W": [[1, 2], [1, 2]], "x": [4, 6]}}'
succeeds diff 'x*1' x=0.1 --json
check "numbers read back" holds out '"value": 0.1,'
succeeds diff 'x/3' x=1 --json
check "exactly" json 'j["value"] == 1/3 and j["gradient"]["x"] == 1/3'
succeeds diff 'x' x=0.100000001490116119384765625 --json
check "also where a float32 stands" json 'j["value"] == 0.100000001490116119384765625'
succeeds diff '[x, 1e300*x, 1e-300*x, 5e-324]' x=1 --json
check "as people write them" bash -c 'grep -qF "[1, 1e+300, 1e-300, 5e-324]" out'
check "large and small" json 'j["value"] == [1, 1e300, 1e-300, 5e-324]'
succeeds diff '[10, 100*x, 123456789*10, 1e15, 1e16, -2000000, 0.001, 0.5, 0, 1/3, 65536]' x=1
check "whole numbers are written as such" holds out \
  "[10, 100, 1234567890, 1000000000000000, 1e+16, -2000000, 0.001, 0.5, 0, 0.3333333333333333, 65536]"
succeeds diff 'log(x)' x=-1 --json
check "nan is null" json 'j["value"] is None'
check "and is warned of" holds err "warning: diff: JSON has no infinity and no nan"
succeeds diff 'x^2' x=1 y=2 --json
check "an unused name has derivative 0" json 'j["gradient"] == {"x": 2, "y": 0}'
check "and is warned of" holds err "warning: diff: the expression does not use y"
succeeds diff 'x^2' x=1 y=2 --wrt x --json
check "unless it is left out" [ ! -s err ]
check "by --wrt" json 'j["gradient"] == {"x": 2}'

# ---- the worked examples ----
# f1(x1, x2) = (x1 x2, x1 + x2), f2 = (x1 x2^2, x1^2 + x2^2, x1/x2) at (1, 1)
for mode in auto forward reverse; do
  succeeds diff 'a = x[0]*x[1]; b = x[0] + x[1]; [a*b^2, a^2 + b^2, a/b]' x=[1,1] --mode $mode --json
  check "the Jacobian of a composition, $mode" json 'j == {"value": [4, 5, 0.5], "jacobian": {"x": [[8, 8], [6, 6], [0.25, 0.25]]}}'
  succeeds diff 'a = x1*x2; b = x1 + x2; [a*b^2, a^2 + b^2, a/b]' x1=1 x2=1 --mode $mode --json
  check "by single names" json 'j["jacobian"] == {"x1": [[8], [6], [0.25]], "x2": [[8], [6], [0.25]]}'
done

# h2 = sigmoid(c1 c2) of shared inputs, y = log h2:
# dy/dx2 = (1 - h2) (c2 (1 - c1^2) da1/dx2 + c1 (1 - c2^2) da2/dx2)
for mode in forward reverse; do
  succeeds diff 'a1 = w1*x1 + w2*x2; a2 = u1*x1 + u2*x2; c1 = tanh(a1); c2 = tanh(a2); log(sigmoid(c1*c2))' \
    x1=0.3 x2=-0.8 w1=0.5 w2=1.2 u1=-0.7 u2=0.4 --mode $mode --json
  check "two paths from one input, $mode" json '[abs(j["gradient"]["x2"]
    - (1 - h)*(c2*(1 - c1**2)*1.2 + c1*(1 - c2**2)*0.4)) < 1e-15 and abs(j["value"] - math.log(h)) < 1e-15
    for c1 in [math.tanh(0.5*0.3 - 1.2*0.8)] for c2 in [math.tanh(-0.7*0.3 - 0.4*0.8)] for h in [1/(1 + math.exp(-c1*c2))]][0]'
done

# The Gaussian mixture of a public benchmark, its smallest case; the objective and its 18 derivatives are published.
gmm='q = icf[:,0:2]; l = icf[:,2]; d = x - mu; y0 = exp(q[:,0])*d[:,0]; y1 = l*d[:,0] + exp(q[:,1])*d[:,1];
  C = 3*2*(log(gamma) - log(2)/2) - (log(pi)/2 + lgamma(3/2) + lgamma(1));
  -log(2*pi) + logsumexp(alpha + sum(q, 1) - (y0^2 + y1^2)/2) - logsumexp(alpha)
    + gamma^2/2*(sum(exp(q)^2) + sum(l^2)) - m*sum(q) - 3*C'
mixture=('alpha=[-0.649014,1.181166,-0.758453]' 'mu=[[0.092339,0.186260],[0.345561,0.396767],[0.538817,0.419195]]'
  'icf=[[0.586443,-0.851887,0.800321],[-1.509405,0.875874,-0.242790],[0.166813,-1.965419,-1.270071]]'
  x=[1.175171,2.029160] gamma=1 m=0)
published='[0.108662855508652456, -0.741270039523898472, 0.632607184015246071, 1.11692576532787013, 0.163333013551455269,
  -0.0219989824071193142, 0.227778292254236098, 1.20963025612832187, -0.0606375920733956339, 2.58529994051162237, 0.112632694524213789,
  0.385744309849611777, 0.0735180573182305508, 5.41836362715595232, -0.321494409677446469, 1.71892309775004937, 0.860091090790866875,
  -0.994640930466322848]'
for mode in auto forward reverse; do
  succeeds diff "$gmm" "${mixture[@]}" --wrt alpha,mu,icf --mode $mode --json
  check "a Gaussian mixture, $mode" json 'all(abs(a - b) <= 1e-8*max(1, abs(a) + abs(b))
    for a, b in zip([j["value"]] + j["gradient"]["alpha"] + sum(j["gradient"]["mu"] + j["gradient"]["icf"], []), [8.07380408004975791] + '"$published"'))'
done
succeeds diff "$gmm" "${mixture[@]}" --wrt alpha,mu,icf --order 2 --check --json
check "its Hessian is symmetric" json 'all(abs(j["hessian"][a][b][i][k] - j["hessian"][b][a][k][i]) < 1e-12 for a in j["hessian"] for b in j["hessian"]
  for i in range(len(j["hessian"][a][b])) for k in range(len(j["hessian"][a][b][i])))'
check "and agrees with difference quotients" json 'j["check"]["agrees"] and j["check"]["largest_difference"] < 1e-8'

# ---- second order ----
for mode in auto forward reverse; do
  succeeds diff 'dot(x, x)*y + x[0]^3' x=[1,2] y=3 --order 2 --mode $mode --json
  check "a Hessian, $mode" json 'j == {"value": 16, "gradient": {"x": [9, 12], "y": 5},
    "hessian": {"x": {"x": [[12, 0], [0, 6]], "y": [[2], [4]]}, "y": {"x": [[2, 4]], "y": [[0]]}}}'
  succeeds diff 'dot(x, x)*y + x[0]^3' x=[1,2] y=3 --order 2 --along 'x=[1,-1]; y=0.5' --mode $mode --json
  check "its product with a direction, $mode" json 'j == {"value": 16, "directional": -0.5, "gradient": {"x": [9, 12], "y": 5},
    "hessian_vector": {"x": [13, -4], "y": -2}}'
done
succeeds diff 'dot(x, x)*y' x=[1,2] y=3 --order 2 --wrt y --json
check "only what --wrt names" json 'j == {"value": 15, "gradient": {"y": 5}, "hessian": {"y": {"y": [[0]]}}}'
succeeds diff 'x*y' x=2 y=3 --along x=1 --json
check "a direction that leaves a name alone" json 'j == {"value": 6, "directional": 3}'
succeeds diff '[x*y, y]' x=2 y=3 --along 'y=1; x=2' --json
check "a directional derivative of a vector" json 'j == {"value": [6, 3], "directional": [8, 1]}'

# ---- for people ----
succeeds diff 'x^2*y + y^3' x=2 y=3 --order 2
check "the report" [ "$(cat out)" = "value    = 39
d/dx     = 12
d/dy     = 31
d²/dx dx = 6
d²/dx dy = 4
d²/dy dx = 4
d²/dy dy = 18" ]
succeeds diff 'A @ A' 'A=[[1,2],[3,4]]'
check "a matrix" [ "$(head -3 out)" = "value = [[ 7, 10],
         [15, 22]]
d/dA  = [[2, 3, 2, 0]," ]

# ---- --check ----
succeeds diff 'sin(x*y) + [x, y^2]' x=2 y=3 --check
check "says that it passed" holds out "check passed"
succeeds diff 'sqrt(x) + log(x)' x=1e-6 --check
check "near a pole" holds out "check passed"
succeeds diff 'exp(x)*y' x=20 y=1e5 --order 2 --check
check "large numbers" holds out "check passed"
succeeds diff 'x^3*y' x=2 y=3 --along 'x=1; y=2' --order 2 --check
check "along a direction" holds out "check passed"
run diff 'relu(x)' x=0 --check
check "a kink ends with 1" [ "$status" -eq 1 ]
check "after the table" holds out "check FAILED"
check "with one line" is_error
run diff 'stop_gradient(x)*x' x=3 --check --json
check "a derivative that is not that of the value ends with 1" [ "$status" -eq 1 ]
check "and says so in JSON" json 'j["gradient"]["x"] == 3 and abs(j["check"]["gradient"]["x"] - 6) < 1e-6 and not j["check"]["agrees"]'
run diff 'log(x)' x=-1 --check
check "nan does not agree" [ "$status" -eq 1 ]

# ---- --trace ----
rss='(-sigmoid(w0 + w1 + 1.5*w2))^2 + (1 - sigmoid(w0 + 1.5*w1 - w2))^2'
point=(w0=-1 w1=1.5 w2=0.5)
succeeds diff "$rss" "${point[@]}" --trace
# From a table made with two decimals throughout. It has v7 = 0.61, the square of 0.78; the square of 0.7773 is 0.6042.
check "the trace of a logistic model" [ "$(sed 's/  */ /g' out)" = "variable expression value adjoint rule adjoint
v₋₂ w0 -1.00 v̄₁ + v̄₂ 0.13
v₋₁ w1 1.50 v̄₁ + 1.5*v̄₂ 0.06
v₀ w2 0.50 1.5*v̄₁ - v̄₂ 0.54
v₁ v₋₂ + v₋₁ + 1.5*v₀ 1.25 v̄₃*v₃*(1 - v₃) 0.27
v₂ v₋₂ + 1.5*v₋₁ - v₀ 0.75 v̄₄*v₄*(1 - v₄) -0.14
v₃ sigmoid(v₁) 0.78 -v̄₅ 1.55
v₄ sigmoid(v₂) 0.68 -v̄₆ -0.64
v₅ -v₃ -0.78 v̄₇*2*v₅ -1.55
v₆ 1 - v₄ 0.32 v̄₈*2*v₆ 0.64
v₇ v₅^2 0.60 v̄₉ 1.00
v₈ v₆^2 0.10 v̄₉ 1.00
v₉ v₇ + v₈ 0.71 1 1.00" ]
check "no line ends with blanks" bash -c '! grep -q " $" out'
# Columns by what a terminal shows: combining marks take no room.
check "the columns are aligned" python3 - <<'PYTHON'
import unicodedata
lines = [[c for c in line if not unicodedata.combining(c)] for line in open("out").read().splitlines()]
assert len({len(line) for line in lines}) == 1, lines
PYTHON
succeeds diff "$rss" "${point[@]}" --trace --json
check "all digits in JSON" json '[abs(j["value"] - ((-s)**2 + (1 - t)**2)) < 1e-15
  and [line["variable"] for line in j["trace"]][:4] == ["v₋₂", "v₋₁", "v₀", "v₁"] and len(j["trace"]) == 12
  and abs(j["trace"][5]["value"] - s) < 1e-15 and abs(j["trace"][5]["adjoints"]["adjoint"] - 2*s) < 1e-15
  and j["trace"][0]["name"] == "w0" and j["trace"][0]["adjoints"]["adjoint"] == j["gradient"]["w0"]
  for s in [1/(1 + math.exp(-1.25))] for t in [1/(1 + math.exp(-0.75))]][0]'
succeeds diff "$rss" "${point[@]}" --trace --mode forward --digits 4
check "forward: a column for each input" holds out "d/dw0    d/dw1    d/dw2"
check "with its tangents" bash -c 'tail -1 out | grep -qE "v₇ \+ v₈ +0.7071 +v̇₇ \+ v̇₈ +0.1293 +0.0594 +0.5435$"'
succeeds diff "$rss" "${point[@]}" --trace --along 'w0=1; w2=-1' --json
check "along a direction" json 'abs(j["trace"][-1]["tangents"]["along"] - j["directional"]) < 1e-15'
succeeds diff 'h = tanh(W @ x); h' 'W=[[1,0],[0.5,-1]]' x=[0.3,0.6] --trace --wrt x
check "vectors are variables" bash -c 'grep -qF "v₋₁ @ v₀" out && grep -qF "h = tanh(v₁)" out && grep -qF "[0.29, -0.42]" out'
check "with a column for each element of the value" bash -c 'head -1 out | grep -q "adjoint \[0\] *adjoint \[1\]"'
check "W has no adjoint" bash -c 'grep "^v₋₁ " out | grep -qE "\]\]$"'
succeeds diff 'x*1e-9 + x*1e9' x=1 --trace
check "what would not show has an exponent" holds out "1.00e+09"

# ---- --dot ----
succeeds diff 'log(sigmoid(x*y))' x=1 y=2 --dot
check "a drawing" bash -c 'head -1 out | grep -q "^digraph" && tail -1 out | grep -q "^}$" && grep -q sigmoid out'
if command -v dot >/dev/null; then check "Graphviz reads it" dot -Tsvg -o drawing.svg out; fi

# ---- help ----
succeeds help diff
for option in wrt mode order along check trace digits dot json; do check "help knows --$option" holds out "--$option"; done
check "it fits a terminal" fits_terminal out
finish
