//===- InitAll.cpp - Registration of all of Attn --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"
#include "attn/Conversion/GpuPasses.h"
#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/IR/AttnDialect.h"
#include "attn/Dialect/Attn/Transforms/BufferizableOpInterfaceImpl.h"
#include "attn/Dialect/Attn/Transforms/Passes.h"
#include "attn/Dialect/Attn/Transforms/TilingInterfaceImpl.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/CPU/Passes.h"
#include "attn/Target/NVVM/Passes.h"

void attn::registerAllAttn(mlir::DialectRegistry &registry) {
  registry.insert<AttnDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
  registerTilingInterfaceExternalModels(registry);
}

void attn::registerAllAttnPasses() {
  registerAttnTransformsPasses();
  registerAttnConversionPasses();
  registerAttnGpuConversionPasses();
  registerAttnCPUPasses();
  registerAttnNVVMPasses();
  registerAttnPipelines();
}
