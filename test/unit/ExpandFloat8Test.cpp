//===- ExpandFloat8Test.cpp - Every byte of every 8-bit float -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/Context.h"
#include "attn/Compiler/Jit.h"
#include "attn/Support/ElementType.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

using namespace attn;

namespace {

/// Extends 256 elements of `from` to `to`, `lanes` at a time.
std::string getProgram(const std::string &from, const std::string &to,
                       int lanes) {
  auto type = [&](const std::string &element) {
    return lanes == 1 ? element
                      : "vector<" + std::to_string(lanes) + "x" + element + ">";
  };
  std::string op = lanes == 1 ? "memref." : "vector.";
  auto suffix = [&](const std::string &element) {
    std::string memref = " : memref<256x" + element + ">";
    return lanes == 1 ? memref : memref + ", " + type(element);
  };
  return "func.func @main(%in: memref<256x" + from + ">, %out: memref<256x" +
         to + R"(>) {
    %c0 = arith.constant 0 : index
    %c256 = arith.constant 256 : index
    %step = arith.constant )" +
         std::to_string(lanes) + R"( : index
    scf.for %i = %c0 to %c256 step %step {
      %x = )" +
         op + "load %in[%i]" + suffix(from) +
         "\n%y = arith.extf %x : " + type(from) + " to " + type(to) + "\n" +
         op + "store %y, %out[%i]" + suffix(to) + "\n}\nreturn\n}\n";
}

struct Memory {
  void *allocated, *aligned;
  int64_t offset, size, stride;
};

} // namespace

TEST(ExpandFloat8, EveryByteIsExact) {
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  for (ElementType from : {ElementType::F8E4M3FN, ElementType::F8E5M2,
                           ElementType::F8E4M3FNUZ, ElementType::F8E5M2FNUZ})
    for (ElementType to :
         {ElementType::F32, ElementType::F16, ElementType::BF16})
      for (int lanes : {1, 8, 32}) {
        std::string text =
            getProgram(std::string(name(from)), std::string(name(to)), lanes);
        auto module =
            mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
        ASSERT_TRUE(module) << text;
        JitOptions options;
        options.verifyEach = true;
        auto kernel = JitKernel::compile(std::move(module), "main", options);
        ASSERT_TRUE(static_cast<bool>(kernel))
            << text << llvm::toString(kernel.takeError());
        std::vector<uint8_t> bytes(256);
        std::iota(bytes.begin(), bytes.end(), 0);
        std::vector<uint32_t> results(256);
        Memory in{bytes.data(), bytes.data(), 0, 256, 1};
        Memory out{results.data(), results.data(), 0, 256, 1};
        void *arguments[] = {&in, &out};
        (*kernel)->invoke(arguments);
        for (size_t i = 0; i < 256; ++i) {
          double expected = loadAsDouble(from, &bytes[i]);
          double found = loadAsDouble(
              to, reinterpret_cast<char *>(results.data()) + i * byteSize(to));
          bool isSame = std::isnan(expected)
                            ? std::isnan(found)
                            : found == expected &&
                                  std::signbit(found) == std::signbit(expected);
          EXPECT_TRUE(isSame)
              << name(from) << " " << i << " to " << name(to) << " by " << lanes
              << ": " << found << ", should be " << expected;
        }
      }
}
