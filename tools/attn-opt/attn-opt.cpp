//===- attn-opt.cpp - The opt-style driver of Attn ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

#ifdef ATTN_INCLUDE_TESTS
namespace attn::test {
void registerTestMaskRangesPass();
} // namespace attn::test
#endif

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  attn::registerAllAttn(registry);
  attn::registerAllAttnPasses();
#ifdef ATTN_INCLUDE_TESTS
  attn::test::registerTestMaskRangesPass();
#endif
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Attn optimizer driver\n", registry));
}
