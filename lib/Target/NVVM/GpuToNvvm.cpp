//===- GpuToNvvm.cpp - Instructions of NVIDIA GPUs ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Target/NVVM/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_CONVERTGPUTONVVMPASS
#include "attn/Target/NVVM/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The shared memory of a block; its size is a number of the launch.
static constexpr StringLiteral kSharedGlobal = "attn_shared";

//===----------------------------------------------------------------------===//
// Threads of a block
//===----------------------------------------------------------------------===//

/// The index that a special register holds.
template <typename RegisterOp>
static Value readRegister(ImplicitLocOpBuilder &b) {
  Value number = RegisterOp::create(b, b.getI32Type());
  return arith::IndexCastUIOp::create(b, b.getIndexType(), number);
}

static LogicalResult refuse(Operation *op) {
  return op->emitOpError("has no lowering to NVVM");
}

static LogicalResult lower(gpu::ThreadIdOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  if (op.getDimension() != gpu::Dimension::x)
    return refuse(op);
  op.replaceAllUsesWith(readRegister<NVVM::ThreadIdXOp>(b));
  return success();
}

static LogicalResult lower(gpu::BlockIdOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  if (op.getDimension() != gpu::Dimension::x)
    return refuse(op);
  op.replaceAllUsesWith(readRegister<NVVM::BlockIdXOp>(b));
  return success();
}

static LogicalResult lower(gpu::BarrierOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  constexpr int32_t kAllLanes = -1;
  if (op->hasAttr(kOfWarp))
    NVVM::SyncWarpOp::create(
        b, LLVM::ConstantOp::create(b, b.getI32IntegerAttr(kAllLanes)));
  else
    NVVM::BarrierOp::create(b);
  return success();
}

static LogicalResult lower(gpu::ShuffleOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  if (op.getMode() != gpu::ShuffleMode::XOR || !op.getValid().use_empty())
    return refuse(op);
  auto constant = [&](int32_t value) -> Value {
    return LLVM::ConstantOp::create(b, b.getI32IntegerAttr(value));
  };
  constexpr int32_t kAllLanes = -1, kLastLane = 31;
  Value result = NVVM::ShflOp::create(
      b, op.getValue().getType(), constant(kAllLanes), op.getValue(),
      op.getOffset(), constant(kLastLane), NVVM::ShflKind::bfly,
      /*return_value_and_is_valid=*/UnitAttr());
  op.getShuffleResult().replaceAllUsesWith(result);
  return success();
}

static LogicalResult lower(VoteAnyOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  constexpr int32_t kAllLanes = -1;
  Value lanes = LLVM::ConstantOp::create(b, b.getI32IntegerAttr(kAllLanes));
  Value any = NVVM::VoteSyncOp::create(
      b, b.getI1Type(), lanes, op.getCondition(), NVVM::VoteSyncKind::any);
  op.replaceAllUsesWith(any);
  return success();
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

static LogicalResult lower(SharedBaseOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  op.replaceAllUsesWith(
      LLVM::AddressOfOp::create(b, op.getPointer().getType(), kSharedGlobal)
          .getResult());
  return success();
}

static LogicalResult lower(CopyChunkOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  constexpr uint32_t kBytes = 16;
  NVVM::CpAsyncOp::create(b, op.getTarget(), op.getSource(), kBytes,
                          NVVM::LoadCacheModifierKind::CG, op.getBytes());
  return success();
}

static LogicalResult lower(CopyCommitOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  NVVM::CpAsyncCommitGroupOp::create(b);
  return success();
}

static LogicalResult lower(CopyWaitOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  NVVM::CpAsyncWaitGroupOp::create(b, static_cast<uint32_t>(op.getPending()));
  return success();
}

static LogicalResult lower(LoadMatricesOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  MLIRContext *context = op.getContext();
  unsigned count = op.getMatrices().size();
  Type i32 = b.getI32Type();
  auto structure =
      LLVM::LLVMStructType::getLiteral(context, SmallVector<Type>(count, i32));
  NVVM::MMALayout layout =
      op.getTransposed() ? NVVM::MMALayout::col : NVVM::MMALayout::row;
  Value loaded = NVVM::LdMatrixOp::create(
      b, count == 1 ? i32 : structure, op.getPointer(),
      b.getI32IntegerAttr(count), NVVM::MMALayoutAttr::get(context, layout),
      NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16));
  for (auto [i, result] : llvm::enumerate(op.getMatrices())) {
    Value bits = loaded;
    if (count > 1)
      bits = LLVM::ExtractValueOp::create(b, loaded, i);
    result.replaceAllUsesWith(
        LLVM::BitcastOp::create(b, result.getType(), bits).getResult());
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

static LogicalResult lower(attn::MmaOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto type = cast<VectorType>(op.getLhs().front().getType());
  bool isBF16 = type.getElementType().isBF16();
  if (op.getKind() != MatrixKind::m16n8k16 || op.getAcc().size() != 4 ||
      (!isBF16 && !type.getElementType().isF16()))
    return refuse(op);
  auto toOperands = [&](ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) -> Value {
      // What ldmatrix has loaded is of this type already.
      return isBF16 ? b.createOrFold<LLVM::BitcastOp>(b.getI32Type(), value)
                    : value;
    });
  };
  SmallVector<Value> lhs = toOperands(op.getLhs()),
                     rhs = toOperands(op.getRhs());
  auto structure = LLVM::LLVMStructType::getLiteral(
      op.getContext(), SmallVector<Type>(4, b.getF32Type()));
  NVVM::MMATypes element = isBF16 ? NVVM::MMATypes::bf16 : NVVM::MMATypes::f16;
  Value product = NVVM::MmaOp::create(
      b, structure, lhs, rhs, op.getAcc(), ArrayRef<int64_t>{16, 8, 16},
      /*b1Op=*/std::nullopt, /*intOverflow=*/std::nullopt,
      std::array<NVVM::MMATypes, 2>{element, element},
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                     NVVM::MMALayout::col});
  for (auto [i, result] : llvm::enumerate(op.getResult()))
    result.replaceAllUsesWith(
        LLVM::ExtractValueOp::create(b, product, i).getResult());
  return success();
}

/// A function of f32 that is one instruction.
static LogicalResult lowerToIntrinsic(Operation *op, StringRef name) {
  if (!op->getResult(0).getType().isF32())
    return success(); // Others are expanded.
  ImplicitLocOpBuilder b(op->getLoc(), op);
  auto call = LLVM::CallIntrinsicOp::create(
      b, op->getResult(0).getType(), b.getStringAttr(name), op->getOperands());
  op->replaceAllUsesWith(call);
  op->erase();
  return success();
}

static LogicalResult lowerOp(Operation *op) {
  auto replace = [](auto op) -> LogicalResult {
    if (failed(lower(op)))
      return failure();
    op->erase();
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<gpu::ThreadIdOp, gpu::BlockIdOp, gpu::BarrierOp, gpu::ShuffleOp,
            VoteAnyOp, SharedBaseOp, CopyChunkOp, CopyCommitOp, CopyWaitOp,
            LoadMatricesOp, attn::MmaOp>(replace)
      .Case([](math::Exp2Op op) {
        return lowerToIntrinsic(op, "llvm.nvvm.ex2.approx.ftz.f32");
      })
      .Case([](math::Log2Op op) {
        return lowerToIntrinsic(op, "llvm.nvvm.lg2.approx.ftz.f");
      })
      .Default([](Operation *) { return success(); });
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// A block may use more shared memory than a static global may have.
static void declareSharedMemory(gpu::GPUModuleOp module) {
  ImplicitLocOpBuilder b(module.getLoc(), module.getContext());
  b.setInsertionPointToStart(module.getBody());
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  constexpr uint64_t kAlignment = 1024;
  constexpr unsigned kAddressSpace = 3;
  LLVM::GlobalOp::create(b, type, /*isConstant=*/false, LLVM::Linkage::External,
                         kSharedGlobal, Attribute(), kAlignment, kAddressSpace);
}

static void markKernel(LLVM::LLVMFuncOp kernel) {
  OpBuilder b(kernel.getContext());
  kernel->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), b.getUnitAttr());
  if (auto threads = kernel->getAttrOfType<IntegerAttr>(kBlockSize))
    kernel->setAttr(
        NVVM::NVVMDialect::getReqntidAttrName(),
        b.getDenseI32ArrayAttr({static_cast<int32_t>(threads.getInt()), 1, 1}));
}

namespace {
struct ConvertGpuToNvvmPass
    : attn::impl::ConvertGpuToNvvmPassBase<ConvertGpuToNvvmPass> {
  void runOnOperation() override {
    SmallVector<gpu::GPUModuleOp> modules;
    getOperation()->walk(
        [&](gpu::GPUModuleOp module) { modules.push_back(module); });
    for (gpu::GPUModuleOp module : modules) {
      declareSharedMemory(module);
      WalkResult result = module.walk([](Operation *op) -> WalkResult {
        if (auto kernel = dyn_cast<LLVM::LLVMFuncOp>(op);
            kernel && kernel->hasAttr(kKernelIndex))
          markKernel(kernel);
        return lowerOp(op);
      });
      if (result.wasInterrupted())
        return signalPassFailure();
    }
  }
};
} // namespace
