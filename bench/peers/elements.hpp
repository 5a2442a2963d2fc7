// bench/peers/elements.hpp - the computations of bench/bench_elements.c for libraries of C++: the same formulas in the same order.
#ifndef ELEMENTS_HPP
#define ELEMENTS_HPP
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

template <class T> T speelpenning(const std::vector<T> &x, int n) {
  T y = x[0];
  for (int i = 1; i < n; i++) y = y * x[i];
  return y;
}

template <class T> T rosenbrock(const std::vector<T> &x, int n) {
  T y = 0.0;
  for (int i = 0; i + 1 < n; i++) {
    T valley = x[i + 1] - x[i] * x[i], slope = 1.0 - x[i];
    y = y + (100.0 * (valley * valley) + slope * slope);
  }
  return y;
}

template <class T> T bodies(const std::vector<T> &x, int n) {
  using std::sqrt;
  T y = 0.0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++) {
      T square = 0.0;
      for (int k = 0; k < 3; k++) {
        T d = x[3 * i + k] - x[3 * j + k];
        square = square + d * d;
      }
      y = y + 1.0 / sqrt(square);
    }
  return y;
}

template <class T> T network(const std::vector<T> &x, int n) {
  using std::tanh;
  int h = (n - 1) / 10;
  T y = x[10 * h];
  for (int i = 0; i < h; i++) {
    T sum = x[9 * i + 8];
    for (int k = 0; k < 8; k++) sum = sum + x[9 * i + k] * (0.125 * k - 0.4);
    y = y + x[9 * h + i] * tanh(sum);
  }
  T error = y - 0.5;
  return error * error;
}

template <class T> T compute(const std::string &name, const std::vector<T> &x, int n) {
  return name == "speelpenning" ? speelpenning(x, n)
         : name == "rosenbrock" ? rosenbrock(x, n)
         : name == "bodies"     ? bodies(x, n)
                                : network(x, n);
}

inline std::vector<double> point(const std::string &name, int n) {
  std::vector<double> x(static_cast<size_t>(name == "bodies" ? 3 * n : n));
  for (size_t i = 0; i < x.size(); i++) x[i] = 1 + 0.05 * std::sin(1.7 * static_cast<double>(i) + 0.3);
  return x;
}

inline double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// What the workers take: NAME N [--seconds S] [--gradient], and print: microseconds of run(), or the gradient it left.
template <class F> int report(int argc, char **argv, const std::vector<double> &gradient, F run) {
  double seconds = 0.5, best = HUGE_VAL;
  bool show = false;
  for (int i = 3; i < argc; i++) {
    show = show || std::strcmp(argv[i], "--gradient") == 0;
    if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) seconds = std::strtod(argv[++i], nullptr);
  }
  if (show) {
    run();
    for (double g : gradient) std::printf("%.17g\n", g);
    return 0;
  }
  long repeats = 1;
  for (double end = processor_seconds() + seconds; processor_seconds() < end;) {
    double begin = processor_seconds();
    for (long i = 0; i < repeats; i++) run();
    double spent = processor_seconds() - begin;
    if (spent < 2e-3)
      repeats *= 2;
    else if (spent / static_cast<double>(repeats) < best)
      best = spent / static_cast<double>(repeats);
  }
  std::printf("{\"microseconds\": %.4f}\n", 1e6 * best);
  return 0;
}

#endif
