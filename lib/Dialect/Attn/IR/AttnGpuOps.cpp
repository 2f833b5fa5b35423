//===- AttnGpuOps.cpp - Ops of the attn dialect for GPUs ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace attn;

void AttnDialect::registerGpuOps() {
  addOperations<
#define GET_OP_LIST
#include "attn/Dialect/Attn/IR/AttnGpuOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "attn/Dialect/Attn/IR/AttnGpuOps.cpp.inc"

FragmentAttr attn::withPartial(FragmentAttr layout, bool partial) {
  return FragmentAttr::get(layout.getContext(), layout.getRegisters(),
                           layout.getLanes(), layout.getWarps(), partial);
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

static bool isSlot(Type type) {
  auto pointer = dyn_cast<LLVM::LLVMPointerType>(type);
  return type.isInteger(64) || (pointer && pointer.getAddressSpace() == 1);
}

LogicalResult LaunchKernelOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // launch_kernel_c1
  auto kernel =
      symbols.lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(*this, getKernelAttr());
  if (!kernel || !kernel->hasAttr(kKernelIndex))
    return emitOpError() << "names " << getKernelAttr()
                         << "; expected an llvm.func in scope with an "
                            "attribute "
                         << kKernelIndex << " (C1)";
  // launch_kernel_c2
  ArrayRef<Type> parameters = kernel.getArgumentTypes();
  if (parameters.size() != getSlots().size() ||
      !llvm::all_of(parameters, isSlot))
    return emitOpError() << "has " << getSlots().size() << " slots and kernel "
                         << getKernelAttr() << " has type "
                         << kernel.getFunctionType()
                         << "; expected as many parameters, each i64 or "
                            "!llvm.ptr<1> (C2)";
  return success();
}

//===----------------------------------------------------------------------===//
// Tiles in shared memory
//===----------------------------------------------------------------------===//

/// Whether `type` is [stages][rows][pitch of `layout`], all static.
static bool isBuffer(Type type, SharedAttr layout) {
  auto buffer = cast<MemRefType>(type);
  return buffer.hasStaticShape() && buffer.getRank() == 3 &&
         buffer.getDimSize(2) == layout.getPitch();
}

LogicalResult CopyTileOp::verify() {
  // copy_tile_c1
  if (isBuffer(getBuffer().getType(), getLayout()))
    return success();
  return emitOpError() << "has a buffer of type " << getBuffer().getType()
                       << "; expected a static memref [stages][rows]["
                       << getLayout().getPitch() << "] (C1)";
}

LogicalResult PutTileOp::verify() {
  // put_tile_c1
  if (isBuffer(getBuffer().getType(), getLayout()))
    return success();
  return emitOpError() << "has a buffer of type " << getBuffer().getType()
                       << "; expected a static memref [stages][rows]["
                       << getLayout().getPitch() << "] (C1)";
}

LogicalResult SharedTileOp::verify() {
  // shared_tile_c1
  TileType tile = getTile().getType();
  auto layout = dyn_cast_or_null<SharedAttr>(tile.getLayout());
  if (layout && isBuffer(getBuffer().getType(), layout) &&
      cast<MemRefType>(getBuffer().getType()).getElementType() ==
          tile.getElementType())
    return success();
  return emitOpError() << "has a buffer of type " << getBuffer().getType()
                       << " and a tile of type " << tile
                       << "; expected a shared layout and a static memref "
                          "[stages][rows][pitch] of its elements (C1)";
}

//===----------------------------------------------------------------------===//
// Tiles in registers
//===----------------------------------------------------------------------===//

LogicalResult AnyAboveOp::verify() {
  // any_above_c1
  TileType tile = getTile().getType(), limits = getLimits().getType();
  if (tile.hasDim(Dim::q) && limits.getDims() == ArrayRef<Dim>(Dim::q) &&
      limits.getExtent(Dim::q) == tile.getExtent(Dim::q) &&
      limits.getElementType() == tile.getElementType())
    return success();
  return emitOpError() << "has tiles of types " << tile << " and " << limits
                       << "; expected limits of dim q, of the tile's extent "
                          "and element type (C1)";
}

LogicalResult CombinePartialOp::verify() {
  // combine_partial_c1
  TileType tile = getTile().getType();
  auto layout = dyn_cast_or_null<FragmentAttr>(tile.getLayout());
  if (layout && layout.getPartial() &&
      getResult().getType() == tile.withLayout(withPartial(layout, false)))
    return success();
  return emitOpError() << "has operand type " << tile << " and result type "
                       << getResult().getType()
                       << "; expected a partial fragment, and the same one "
                          "not partial (C1)";
}

//===----------------------------------------------------------------------===//
// Matrix instructions
//===----------------------------------------------------------------------===//

LogicalResult MmaOp::verify() {
  // mma_c1
  if (TypeRange(getAcc()) == TypeRange(getResult()))
    return success();
  return emitOpError() << "has acc of types " << getAcc().getTypes()
                       << " and results of types " << getResultTypes()
                       << "; expected equal types (C1)";
}
