//===- AttnPlugin.cpp - Attn in MLIR's own tools --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loaded by a stock mlir-opt of the same LLVM package:
//
//   mlir-opt --load-dialect-plugin=AttnPlugin.so
//   --load-pass-plugin=AttnPlugin.so
//     --pass-pipeline='builtin.module(attn-to-tile{target=x86-64-v4})'
//
// Its options are fixed before a plugin is loaded, so that passes are named in
// --pass-pipeline and not as flags.
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

extern "C" LLVM_ATTRIBUTE_WEAK
    __attribute__((visibility("default"))) mlir::DialectPluginLibraryInfo
    mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Attn", "0.1",
          [](mlir::DialectRegistry *registry) {
            attn::registerAllAttn(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK
    __attribute__((visibility("default"))) mlir::PassPluginLibraryInfo
    mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Attn", "0.1", attn::registerAllAttnPasses};
}
