// bench/peers/elements_cppad.cpp - gradients written with elements in CppAD, for bench/peers/elements, which compiles it: the value
// and the gradient from one recorded and optimised function.
#include <cppad/cppad.hpp>

#include "elements.hpp"

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  std::string name = argv[1];
  int n = std::atoi(argv[2]);
  std::vector<double> x = point(name, n), weight(1, 1.0), value, gradient(x.size());
  std::vector<CppAD::AD<double>> ax(x.begin(), x.end()), ay(1);
  CppAD::Independent(ax);
  ay[0] = compute(name, ax, n);
  CppAD::ADFun<double> f(ax, ay);
  f.optimize();
  return report(argc, argv, gradient, [&] {
    value = f.Forward(0, x);
    gradient = f.Reverse(1, weight);
  });
}
