// bench/peers/elements_adolc.cpp - gradients written with elements in ADOL-C, for bench/peers/elements, which compiles it: the
// driver gradient() on a recorded tape.
#include <adolc/adolc.h>

#include "elements.hpp"

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  std::string name = argv[1];
  int n = std::atoi(argv[2]);
  std::vector<double> x = point(name, n), g(x.size());
  double value;
  trace_on(1);
  std::vector<adouble> ax(x.size());
  for (size_t i = 0; i < x.size(); i++) ax[i] <<= x[i];
  adouble ay = compute(name, ax, n);
  ay >>= value;
  trace_off();
  return report(argc, argv, g, [&] { gradient(1, static_cast<int>(x.size()), x.data(), g.data()); });
}
