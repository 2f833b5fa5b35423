//===- ExpandMathTest.cpp - How exact math functions are ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the functions that the pipeline makes of math ops, on scalars and on
// vectors, against double: every 509th of all 2^32 floats and the values where
// a formula changes.
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/Context.h"
#include "attn/Compiler/Jit.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace attn;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// Bounds that the description of the pass states.
constexpr double kExp2Ulps = 2.25, kLog2Ulps = 2, kTanhUlps = 5, kExpUlps = 3,
                 kLogUlps = 2, kLog1pUlps = 3, kExpM1Ulps = 5, kPowUlps = 2.25;
constexpr double kErfError = 3e-7, kSineError = 1.5e-7;
constexpr float kMinNormal = std::numeric_limits<float>::min();

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// `op` of math on floats, as scalar code and as vectors of 8. A second
/// argument, if the op has one, lies in the second half of the memory.
class MathFunction {
public:
  explicit MathFunction(const std::string &op, bool isBinary = false) {
    std::string text = R"(
      func.func @main(%memory: memref<?xf32>) {
        %c0 = arith.constant 0 : index
        %c2 = arith.constant 2 : index
        %step = arith.constant STEP : index
        %size = memref.dim %memory, %c0 : memref<?xf32>
        %half = arith.divui %size, %c2 : index
        scf.for %i = %c0 to END step %step {
          %x = vector.load %memory[%i] : memref<?xf32>, TYPE
          %j = arith.addi %i, %half : index
          %at = arith.remui %j, %size : index
          %e = vector.load %memory[%at] : memref<?xf32>, TYPE
          %y = OP : TYPE
          vector.store %y, %memory[%i] : memref<?xf32>, TYPE
        }
        return
      })";
    replace(text, "END", isBinary ? "%half" : "%size");
    replace(text, "OP", op + (isBinary ? " %x, %e" : " %x"));
    std::string scalar = text;
    replace(text, "STEP", std::to_string(kLanes));
    replace(text, "TYPE", "vector<8xf32>");
    vectorCode = compile(text);
    replace(scalar, "STEP", "1");
    replace(scalar, "TYPE", "f32");
    replace(scalar, "vector.load", "memref.load");
    replace(scalar, "vector.store", "memref.store");
    replace(scalar, ": memref<?xf32>, f32", ": memref<?xf32>");
    scalarCode = compile(scalar);
  }

  bool isCompiled() const { return vectorCode && scalarCode; }

  /// The function at each of `values`. Scalar and vector code must agree.
  std::vector<float> operator()(std::vector<float> values) const {
    size_t size = values.size();
    // Halves are whole vectors.
    values.resize((size + 2 * kLanes - 1) / (2 * kLanes) * 2 * kLanes, 0.0f);
    std::vector<float> scalars = values;
    run(*vectorCode, values);
    run(*scalarCode, scalars);
    for (size_t i = 0; i < size; ++i)
      if (!(values[i] == scalars[i] ||
            (std::isnan(values[i]) && std::isnan(scalars[i]))))
        ADD_FAILURE() << "vector " << values[i] << " scalar " << scalars[i];
    values.resize(size);
    return values;
  }

  float operator()(float value) const { return (*this)(std::vector{value})[0]; }

  /// The function of two arguments at (xs[i], ys[i]).
  std::vector<float> operator()(std::vector<float> xs,
                                std::vector<float> ys) const {
    size_t size = xs.size(), padded = (size + kLanes - 1) / kLanes * kLanes;
    xs.resize(padded, 1.0f);
    ys.resize(padded, 1.0f);
    xs.insert(xs.end(), ys.begin(), ys.end());
    std::vector<float> results = (*this)(std::move(xs));
    results.resize(size);
    return results;
  }

  float operator()(float x, float y) const {
    return (*this)(std::vector{x}, std::vector{y})[0];
  }

private:
  static constexpr size_t kLanes = 8;

  static void replace(std::string &text, const std::string &from,
                      const std::string &to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
         at += to.size())
      text.replace(at, from.size(), to);
  }

  std::unique_ptr<JitKernel> compile(const std::string &text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
    EXPECT_TRUE(module) << text;
    JitOptions options;
    options.verifyEach = true;
    auto kernel = JitKernel::compile(std::move(module), "main", options);
    if (kernel)
      return std::move(*kernel);
    ADD_FAILURE() << llvm::toString(kernel.takeError());
    return nullptr;
  }

  static void run(const JitKernel &kernel, std::vector<float> &values) {
    struct {
      float *allocated, *aligned;
      int64_t offset, size, stride;
    } memory{values.data(), values.data(), 0,
             static_cast<int64_t>(values.size()), 1};
    void *arguments[] = {&memory};
    kernel.invoke(arguments);
  }

  std::unique_ptr<mlir::MLIRContext> context = createContext();
  std::unique_ptr<JitKernel> vectorCode, scalarCode;
};

/// Every 509th float with `low <= x <= high`, zeros and bounds included.
std::vector<float> sweep(float low, float high) {
  std::vector<float> values = {low, high};
  for (uint64_t bits = 0; bits < (uint64_t(1) << 32); bits += 509) {
    float value = fromBits(static_cast<uint32_t>(bits));
    if (value >= low && value <= high)
      values.push_back(value);
  }
  return values;
}

/// The largest error over `values` in units in the last place of the exact
/// result, as a float.
double maxUlps(const MathFunction &function, double (*exact)(double),
               const std::vector<float> &values) {
  std::vector<float> results = function(values);
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double expected = exact(values[i]);
    int exponent = std::max(std::ilogb(expected), -126);
    double error =
        std::abs(results[i] - expected) / std::ldexp(1.0, exponent - 23);
    // A NaN or infinity is an error too.
    if (!(error <= worst))
      worst = error;
    if (std::isnan(worst))
      break;
  }
  return worst;
}

/// The largest error over `values`.
double maxError(const MathFunction &function, double (*exact)(double),
                const std::vector<float> &values) {
  std::vector<float> results = function(values);
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    double error = std::abs(results[i] - exact(values[i]));
    if (!(error <= worst))
      worst = error;
    if (std::isnan(worst))
      break;
  }
  return worst;
}

void expectNaNsStay(const MathFunction &function) {
  std::vector<float> values;
  for (uint32_t sign : {0u, 0x80000000u})
    for (uint32_t payload = 1; payload < (1u << 23); payload += 4093)
      values.push_back(fromBits(sign | 0x7f800000u | payload));
  values.push_back(fromBits(0x7fffffffu));
  values.push_back(fromBits(0xffffffffu));
  std::vector<float> results = function(values);
  for (size_t i = 0; i < values.size(); ++i) {
    uint32_t bits;
    std::memcpy(&bits, &values[i], sizeof(bits));
    ASSERT_TRUE(std::isnan(results[i])) << std::hex << bits;
  }
}

} // namespace

TEST(ExpandMathTest, Exp2) {
  MathFunction exp2("math.exp2");
  ASSERT_TRUE(exp2.isCompiled());
  // From 2^-125.5 to the largest float.
  EXPECT_LT(maxUlps(exp2, std::exp2, sweep(-125.5f + 1e-5f, 127.99999f)),
            kExp2Ulps);
  // What rounds to n at a half decides between two polynomials.
  for (int n = -125; n < 128; ++n)
    for (float x : {std::nextafter(n + 0.5f, -kInfinity), n + 0.5f,
                    std::nextafter(n + 0.5f, kInfinity)})
      EXPECT_LT(maxUlps(exp2, std::exp2, {x}), kExp2Ulps) << x;
}

TEST(ExpandMathTest, Exp2IsExactAtIntegers) {
  MathFunction exp2("math.exp2");
  ASSERT_TRUE(exp2.isCompiled());
  EXPECT_EQ(exp2(0.0f), 1.0f);
  EXPECT_EQ(exp2(-0.0f), 1.0f);
  for (int n = -125; n < 128; ++n)
    EXPECT_EQ(exp2(static_cast<float>(n)), std::ldexp(1.0f, n)) << n;
  EXPECT_EQ(exp2(128.0f), kInfinity);
  EXPECT_EQ(exp2(std::numeric_limits<float>::max()), kInfinity);
  EXPECT_EQ(exp2(kInfinity), kInfinity);
}

TEST(ExpandMathTest, PowF) {
  MathFunction power("math.powf", /*isBinary=*/true);
  ASSERT_TRUE(power.isCompiled());
  std::mt19937 random(7);
  std::uniform_real_distribution<double> logs(-126, 128), signs(-1, 1);
  std::vector<float> xs, ys;
  // Results from 2^-125 on, of any base, and of bases near 1.
  for (int i = 0; i < 400000; ++i) {
    double log = i % 2 ? logs(random) : std::log2(1 + 1e-3 * signs(random));
    double result = std::uniform_real_distribution<double>(-125, 128)(random);
    float x = static_cast<float>(std::exp2(log));
    xs.push_back(x);
    ys.push_back(static_cast<float>(result / std::log2(double(x))));
  }
  std::vector<float> results = power(xs, ys);
  for (size_t i = 0; i < xs.size(); ++i) {
    double exact = std::pow(double(xs[i]), double(ys[i]));
    if (exact < std::ldexp(1, -125) ||
        exact > std::numeric_limits<float>::max() || !std::isfinite(exact))
      continue;
    double ulp = std::ldexp(1.0, std::ilogb(exact) - 23);
    ASSERT_LT(std::abs(results[i] - exact) / ulp, kPowUlps)
        << xs[i] << "^" << ys[i];
  }
}

/// The special cases of C, which libm has.
TEST(ExpandMathTest, PowFOfSpecialNumbers) {
  MathFunction power("math.powf", /*isBinary=*/true);
  ASSERT_TRUE(power.isCompiled());
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float numbers[] = {
      0.0f,   -0.0f,  1.0f,        -1.0f,       2.0f,   -2.0f,      0.5f,
      -0.5f,  3.0f,   -3.0f,       kInfinity,   nan,    -kInfinity, 1e30f,
      -1e30f, 1e-30f, 16777217.0f, 33554431.0f, 1e-40f, -1e-40f,    -2.5f};
  for (float x : numbers)
    for (float y : numbers) {
      float exact = static_cast<float>(std::pow(double(x), double(y)));
      if (std::abs(exact) < std::ldexp(1, -125))
        exact = std::copysign(0.0f, exact);
      float result = power(x, y);
      if (std::isnan(exact)) {
        EXPECT_TRUE(std::isnan(result)) << x << "^" << y;
        continue;
      }
      EXPECT_FLOAT_EQ(result, exact) << x << "^" << y;
      EXPECT_EQ(std::signbit(result), std::signbit(exact)) << x << "^" << y;
    }
}

TEST(ExpandMathTest, Exp2UnderflowsToZero) {
  MathFunction exp2("math.exp2");
  ASSERT_TRUE(exp2.isCompiled());
  for (float x :
       {-kInfinity, std::numeric_limits<float>::lowest(), -1e10f, -200.0f,
        -150.0f, -149.0f, -127.0f, -126.5f, -126.25f, -126.0f}) {
    EXPECT_EQ(exp2(x), 0.0f) << x;
    EXPECT_FALSE(std::signbit(exp2(x))) << x;
  }
  // Between, it is right or 0; it never exceeds what it rounds.
  for (float x = -126.0f; x < -125.0f; x += 1.0f / 1024) {
    float y = exp2(x);
    EXPECT_TRUE(y == 0.0f || std::abs(y / std::exp2(double(x)) - 1) < 2e-7)
        << x;
  }
}

TEST(ExpandMathTest, Exp2OfTinyNumbersIsOne) {
  MathFunction exp2("math.exp2");
  ASSERT_TRUE(exp2.isCompiled());
  for (float x : {fromBits(1), fromBits(0x80000001), kMinNormal / 2,
                  -kMinNormal / 2, kMinNormal, 1e-20f, -1e-20f})
    EXPECT_EQ(exp2(x), 1.0f) << x;
}

TEST(ExpandMathTest, Log2) {
  MathFunction log2("math.log2");
  ASSERT_TRUE(log2.isCompiled());
  EXPECT_LT(maxUlps(log2, std::log2,
                    sweep(kMinNormal, std::numeric_limits<float>::max())),
            kLog2Ulps);
  EXPECT_LT(maxUlps(log2, std::log2, sweep(fromBits(1), kMinNormal)),
            kLog2Ulps);
  EXPECT_EQ(log2(1.0f), 0.0f);
  EXPECT_EQ(log2(0.0f), -kInfinity);
  EXPECT_EQ(log2(-0.0f), -kInfinity);
  EXPECT_EQ(log2(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(log2(-1.0f)));
  EXPECT_TRUE(std::isnan(log2(-kInfinity)));
}

TEST(ExpandMathTest, Tanh) {
  MathFunction tanh("math.tanh");
  ASSERT_TRUE(tanh.isCompiled());
  EXPECT_LT(maxUlps(tanh, std::tanh, sweep(-kInfinity, kInfinity)), kTanhUlps);
  EXPECT_EQ(tanh(0.0f), 0.0f);
  EXPECT_TRUE(std::signbit(tanh(-0.0f)));
  for (float x : {fromBits(1), fromBits(0x80000001), kMinNormal / 2, 1e-20f})
    EXPECT_EQ(tanh(x), x);
  EXPECT_EQ(tanh(kInfinity), 1.0f);
  EXPECT_EQ(tanh(-kInfinity), -1.0f);
}

TEST(ExpandMathTest, Exp) {
  MathFunction exp("math.exp");
  ASSERT_TRUE(exp.isCompiled());
  // From e^-86.99, 2^-125.5, to the largest float.
  EXPECT_LT(maxUlps(exp, std::exp, sweep(-86.98f, 88.722835f)), kExpUlps);
  EXPECT_EQ(exp(0.0f), 1.0f);
  EXPECT_EQ(exp(-0.0f), 1.0f);
  for (float x : {88.73f, 1e10f, kInfinity})
    EXPECT_EQ(exp(x), kInfinity) << x;
  for (float x : {-88.0f, -104.0f, -1e10f, -kInfinity})
    EXPECT_EQ(exp(x), 0.0f) << x;
}

TEST(ExpandMathTest, Log) {
  MathFunction log("math.log");
  ASSERT_TRUE(log.isCompiled());
  EXPECT_LT(maxUlps(log, std::log,
                    sweep(fromBits(1), std::numeric_limits<float>::max())),
            kLogUlps);
  EXPECT_EQ(log(1.0f), 0.0f);
  EXPECT_EQ(log(0.0f), -kInfinity);
  EXPECT_EQ(log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(log(-1.0f)));
}

TEST(ExpandMathTest, Log1pAndExpM1) {
  MathFunction log1p("math.log1p"), expm1("math.expm1");
  ASSERT_TRUE(log1p.isCompiled() && expm1.isCompiled());
  EXPECT_LT(maxUlps(log1p, std::log1p,
                    sweep(std::nextafter(-1.0f, 0.0f),
                          std::numeric_limits<float>::max())),
            kLog1pUlps);
  EXPECT_EQ(log1p(-1.0f), -kInfinity);
  EXPECT_EQ(log1p(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(log1p(-1.5f)));
  EXPECT_LT(maxUlps(expm1, std::expm1, sweep(-kInfinity, 88.722835f)),
            kExpM1Ulps);
  EXPECT_EQ(expm1(-kInfinity), -1.0f);
  EXPECT_EQ(expm1(kInfinity), kInfinity);
}

TEST(ExpandMathTest, Erf) {
  MathFunction erf("math.erf");
  ASSERT_TRUE(erf.isCompiled());
  EXPECT_LT(maxError(erf, std::erf, sweep(-kInfinity, kInfinity)), kErfError);
  EXPECT_EQ(erf(0.0f), 0.0f);
  EXPECT_EQ(erf(kInfinity), 1.0f);
  EXPECT_EQ(erf(-kInfinity), -1.0f);
}

TEST(ExpandMathTest, SineAndCosine) {
  MathFunction sin("math.sin"), cos("math.cos");
  ASSERT_TRUE(sin.isCompiled() && cos.isCompiled());
  const float largest = 0x1p40f;
  EXPECT_LT(maxError(sin, std::sin, sweep(-largest, largest)), kSineError);
  EXPECT_LT(maxError(cos, std::cos, sweep(-largest, largest)), kSineError);
  for (float x : {1e-20f, -1e-20f, fromBits(1), 0.0f})
    EXPECT_EQ(sin(x), x);
  EXPECT_EQ(cos(0.0f), 1.0f);
  for (float x : {0x1p60f, 0x1p100f, std::numeric_limits<float>::max()}) {
    EXPECT_LE(std::abs(sin(x)), 1.0f) << x;
    EXPECT_LE(std::abs(cos(x)), 1.0f) << x;
  }
  for (float x : {kInfinity, -kInfinity}) {
    EXPECT_TRUE(std::isnan(sin(x)));
    EXPECT_TRUE(std::isnan(cos(x)));
  }
}

TEST(ExpandMathTest, NaNStaysNaN) {
  for (const char *op :
       {"math.exp2", "math.log2", "math.tanh", "math.exp", "math.log",
        "math.log1p", "math.expm1", "math.erf", "math.sin", "math.cos"}) {
    MathFunction function(op);
    ASSERT_TRUE(function.isCompiled()) << op;
    expectNaNsStay(function);
  }
}
