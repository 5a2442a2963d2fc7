// bench/peers/elements_casadi.cpp - gradients written with elements in CasADi, for bench/peers/elements, which compiles it: value and
// gradient as one function of SX in its virtual machine, called through buffers.
#include <casadi/casadi.hpp>

#include "elements.hpp"

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  std::string name = argv[1];
  int n = std::atoi(argv[2]);
  std::vector<double> x = point(name, n), gradient(x.size());
  casadi::SX sx = casadi::SX::sym("x", static_cast<casadi_int>(x.size()));
  std::vector<casadi::SXElem> elements(sx.nonzeros());
  casadi::SX y = casadi::SX(compute(name, elements, n));
  casadi::Function f("f", {sx}, {y, densify(casadi::SX::gradient(y, sx))});
  casadi::FunctionBuffer buffer(f);
  double value;
  buffer.set_arg(0, x.data(), static_cast<casadi_int>(x.size() * sizeof(double)));
  buffer.set_res(0, &value, sizeof value);
  buffer.set_res(1, gradient.data(), static_cast<casadi_int>(gradient.size() * sizeof(double)));
  return report(argc, argv, gradient, [&] { buffer._eval(); });
}
