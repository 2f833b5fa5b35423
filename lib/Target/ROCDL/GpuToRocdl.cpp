//===- GpuToRocdl.cpp - Instructions of AMD GPUs --------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/AttnGpuOps.h"
#include "attn/Dialect/Attn/IR/MathHints.h"
#include "attn/Target/ROCDL/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_CONVERTGPUTOROCDLPASS
#include "attn/Target/ROCDL/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static constexpr int32_t kLanes = 64;
static constexpr unsigned kSharedSpace = 3;

static Value buildI32(ImplicitLocOpBuilder &b, int32_t value) {
  return LLVM::ConstantOp::create(b, b.getI32IntegerAttr(value));
}

static LogicalResult refuse(Operation *op) {
  return op->emitOpError("has no lowering to ROCDL");
}

//===----------------------------------------------------------------------===//
// Threads of a block
//===----------------------------------------------------------------------===//

static LogicalResult lower(gpu::ThreadIdOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  if (op.getDimension() != gpu::Dimension::x)
    return refuse(op);
  Value number = ROCDL::ThreadIdXOp::create(b, b.getI32Type());
  op.replaceAllUsesWith(
      arith::IndexCastUIOp::create(b, b.getIndexType(), number).getResult());
  return success();
}

static LogicalResult lower(gpu::BlockIdOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  if (op.getDimension() != gpu::Dimension::x)
    return refuse(op);
  Value number = ROCDL::BlockIdXOp::create(b, b.getI32Type());
  op.replaceAllUsesWith(
      arith::IndexCastUIOp::create(b, b.getIndexType(), number).getResult());
  return success();
}

/// The barrier itself waits for no memory. Lanes of a wave run in step: only
/// compilers have to keep their accesses in order.
static LogicalResult lower(gpu::BarrierOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto threads =
      op->getParentOfType<LLVM::LLVMFuncOp>()->getAttrOfType<IntegerAttr>(
          kBlockSize);
  if (op->hasAttr(kOfWarp) || (threads && threads.getInt() <= kLanes)) {
    LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, "wavefront");
    return success();
  }
  constexpr StringLiteral kScope = "workgroup";
  LLVM::FenceOp::create(b, LLVM::AtomicOrdering::release, kScope);
  ROCDL::SBarrierOp::create(b);
  LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acquire, kScope);
  return success();
}

/// The value of lane `lane xor distance`. Within 32 lanes a pattern of the
/// instruction says which; beyond, an address does.
static Value buildExchange(ImplicitLocOpBuilder &b, Value bits,
                           int64_t distance) {
  constexpr int32_t kKeepBits = 31, kXorShift = 10, kHalf = 32;
  if (distance < kHalf)
    return ROCDL::DsSwizzleOp::create(
        b, b.getI32Type(), bits,
        buildI32(b, kKeepBits | static_cast<int32_t>(distance) << kXorShift));
  Value thread = ROCDL::ThreadIdXOp::create(b, b.getI32Type());
  Value lane = arith::AndIOp::create(b, thread, buildI32(b, kLanes - 1));
  Value other = arith::XOrIOp::create(
      b, lane, buildI32(b, static_cast<int32_t>(distance)));
  Value address = arith::ShLIOp::create(b, other, buildI32(b, 2));
  return ROCDL::DsBpermuteOp::create(b, b.getI32Type(), address, bits);
}

static LogicalResult lower(gpu::ShuffleOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  APInt distance;
  if (op.getMode() != gpu::ShuffleMode::XOR || !op.getValid().use_empty() ||
      !matchPattern(op.getOffset(), m_ConstantInt(&distance)))
    return refuse(op);
  Type type = op.getValue().getType();
  Value bits = op.getValue();
  if (type != b.getI32Type())
    bits = LLVM::BitcastOp::create(b, b.getI32Type(), bits);
  Value other = buildExchange(b, bits, distance.getSExtValue());
  if (type != b.getI32Type())
    other = LLVM::BitcastOp::create(b, type, other);
  op.getShuffleResult().replaceAllUsesWith(other);
  return success();
}

static LogicalResult lower(FenceScheduleOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  ROCDL::SchedBarrier::create(b, /*mask=*/0);
  return success();
}

static LogicalResult lower(VoteAnyOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value lanes = ROCDL::BallotOp::create(b, b.getI64Type(), op.getCondition());
  Value none = LLVM::ConstantOp::create(b, b.getI64IntegerAttr(0));
  op.replaceAllUsesWith(
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, lanes, none)
          .getResult());
  return success();
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

static std::string getSharedName(LLVM::LLVMFuncOp kernel) {
  return (kernel.getSymName() + "_shared").str();
}

static LogicalResult lower(SharedBaseOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto kernel = op->getParentOfType<LLVM::LLVMFuncOp>();
  op.replaceAllUsesWith(LLVM::AddressOfOp::create(b, op.getPointer().getType(),
                                                  getSharedName(kernel))
                            .getResult());
  return success();
}

/// Through registers: copies of 16 bytes past them exist on later chips only.
static LogicalResult lower(CopyChunkOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  constexpr unsigned kBytes = 16;
  auto type = VectorType::get(kBytes / 4, b.getI32Type());
  auto load = [&](OpBuilder &at) -> Value {
    return LLVM::LoadOp::create(at, op.getLoc(), type, op.getSource(), kBytes);
  };
  Value chunk;
  if (op.getBytes()) {
    Value reads = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                        op.getBytes(), buildI32(b, 0));
    auto choice = scf::IfOp::create(b, TypeRange{type}, reads,
                                    /*withElseRegion=*/true);
    OpBuilder then = choice.getThenBodyBuilder();
    scf::YieldOp::create(then, op.getLoc(), load(then));
    OpBuilder otherwise = choice.getElseBodyBuilder();
    Value zero = LLVM::ZeroOp::create(otherwise, op.getLoc(), type);
    scf::YieldOp::create(otherwise, op.getLoc(), zero);
    chunk = choice.getResult(0);
  } else {
    chunk = load(b);
  }
  LLVM::StoreOp::create(b, chunk, op.getTarget(), kBytes);
  return success();
}

/// Part of an address or a size that is the same for all lanes, in a register
/// of the wave.
static Value buildUniform(ImplicitLocOpBuilder &b, Value value) {
  return ROCDL::ReadfirstlaneOp::create(b, value.getType(), value);
}

/// A load from a buffer: the hardware compares offset and limit.
static LogicalResult lower(LoadChunkOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  constexpr int32_t kRawBuffer = 159744; // Data format 32, no swizzle.
  auto buffer = LLVM::LLVMPointerType::get(b.getContext(), /*addressSpace=*/8);
  Value stride = LLVM::ConstantOp::create(b, b.getI16IntegerAttr(0));
  Value address = LLVM::PtrToIntOp::create(b, b.getI64Type(), op.getBase());
  auto pointer = cast<LLVM::LLVMPointerType>(op.getBase().getType());
  Value base = LLVM::IntToPtrOp::create(b, pointer, buildUniform(b, address));
  Value limit =
      arith::ExtUIOp::create(b, b.getI64Type(), buildUniform(b, op.getLimit()));
  Value resource = ROCDL::MakeBufferRsrcOp::create(
      b, buffer, base, stride, limit, buildI32(b, kRawBuffer));
  auto type = cast<VectorType>(op.getChunk().getType());
  int64_t bits = type.getNumElements() * type.getElementTypeBitWidth();
  Type words = b.getIntegerType(std::min<int64_t>(bits, 32));
  if (bits > 32)
    words = VectorType::get(bits / 32, words);
  Value zero = buildI32(b, 0);
  Value loaded = ROCDL::RawPtrBufferLoadOp::create(
      b, words, resource, op.getOffset(), zero, zero, /*alias_scopes=*/nullptr,
      /*noalias_scopes=*/nullptr, /*tbaa=*/nullptr);
  op.replaceAllUsesWith(LLVM::BitcastOp::create(b, type, loaded).getResult());
  return success();
}

/// Copies are done when they are started.
static LogicalResult lower(CopyCommitOp) { return success(); }
static LogicalResult lower(CopyWaitOp) { return success(); }

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

namespace {
/// A row of the instruction table and the intrinsic that it is, of f32 one for
/// each element of a lane.
struct MfmaName {
  MatrixKind kind;
  StringLiteral bf16, f16, f32;
  int64_t accumulators;

  StringRef get(Type element) const {
    if (element.isF32())
      return f32;
    return element.isBF16() ? bf16 : element.isF16() ? f16 : StringLiteral("");
  }
};
} // namespace

static constexpr MfmaName kMfmaNames[] = {
    {MatrixKind::m32n32k8, "llvm.amdgcn.mfma.f32.32x32x8bf16.1k",
     "llvm.amdgcn.mfma.f32.32x32x8f16", "", 16},
    {MatrixKind::m16n16k16, "llvm.amdgcn.mfma.f32.16x16x16bf16.1k",
     "llvm.amdgcn.mfma.f32.16x16x16f16", "llvm.amdgcn.mfma.f32.16x16x4f32", 4}};

/// What intrinsics take a register of an operand as, one after the other.
static SmallVector<Value> buildMfmaOperands(ImplicitLocOpBuilder &b,
                                            Value value) {
  auto type = cast<VectorType>(value.getType());
  if (type.getElementType().isF32())
    return SmallVector<Value>(
        vector::ToElementsOp::create(b, value).getResults());
  if (type.getElementType().isBF16())
    return {LLVM::BitcastOp::create(b, type.clone(b.getI16Type()), value)};
  return {value};
}

static LogicalResult lower(attn::MmaOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  const MfmaName *name = llvm::find_if(
      kMfmaNames, [&](const MfmaName &n) { return n.kind == op.getKind(); });
  Type element = getElementTypeOrSelf(op.getLhs().front().getType());
  if (name == std::end(kMfmaNames) || name->get(element).empty() ||
      name->accumulators != static_cast<int64_t>(op.getAcc().size()))
    return refuse(op);
  auto type = VectorType::get(name->accumulators, b.getF32Type());
  Value none = buildI32(b, 0);
  Value acc = vector::FromElementsOp::create(b, type, op.getAcc());
  for (auto [lhs, rhs] :
       llvm::zip_equal(buildMfmaOperands(b, op.getLhs().front()),
                       buildMfmaOperands(b, op.getRhs().front())))
    acc = LLVM::CallIntrinsicOp::create(
              b, Type(type), b.getStringAttr(name->get(element)),
              ValueRange{lhs, rhs, acc, none, none, none})
              ->getResult(0);
  auto sums = vector::ToElementsOp::create(b, acc);
  op->replaceAllUsesWith(sums.getResults());
  return success();
}

/// Weights to bf16: the code generator's own sequence looks after NaN, which
/// the sum of the row shows anyway, and takes twice as long. Ties go up. A sum
/// of 64 bits adds half an ulp to two weights: they are not negative, so that
/// nothing is carried from one to the other. If they are shortened, nothing is
/// added.
static LogicalResult lowerRounding(arith::TruncFOp op) {
  bool isShortened = op->hasAttr(kShortened);
  auto type = dyn_cast<VectorType>(op.getType());
  if ((!op->hasAttr(kRoundsWeights) && !isShortened) || !type ||
      !type.getElementType().isBF16() || type.getNumElements() % 2 != 0 ||
      !getElementTypeOrSelf(op.getIn()).isF32())
    return success();
  ImplicitLocOpBuilder b(op.getLoc(), op);
  constexpr int64_t kHalfUlps = 0x0000800000008000, kShift = 16;
  auto pairs = VectorType::get(type.getNumElements() / 2, b.getI64Type());
  auto splat = [&](VectorType of, int64_t value) -> Value {
    auto element = b.getIntegerAttr(of.getElementType(), value);
    return arith::ConstantOp::create(b, DenseElementsAttr::get(of, element));
  };
  VectorType wide = type.clone(b.getI32Type());
  Value bits = LLVM::BitcastOp::create(b, pairs, op.getIn());
  if (!isShortened)
    bits = arith::AddIOp::create(b, bits, splat(pairs, kHalfUlps));
  Value each = LLVM::BitcastOp::create(b, wide, bits);
  Value high = arith::ShRUIOp::create(b, each, splat(wide, kShift));
  Value narrow = arith::TruncIOp::create(b, type.clone(b.getI16Type()), high);
  op.replaceAllUsesWith(LLVM::BitcastOp::create(b, type, narrow).getResult());
  op.erase();
  return success();
}

/// A function of f32 that is one instruction.
template <typename InstructionOp>
static LogicalResult lowerFunction(Operation *op) {
  if (!op->getResult(0).getType().isF32())
    return success(); // Others are expanded.
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Value result = InstructionOp::create(b, b.getF32Type(), op->getOperand(0));
  op->replaceAllUsesWith(ValueRange{result});
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
            FenceScheduleOp, VoteAnyOp, SharedBaseOp, CopyChunkOp, LoadChunkOp,
            CopyCommitOp, CopyWaitOp, attn::MmaOp>(replace)
      .Case([](LoadMatricesOp op) { return refuse(op); })
      .Case([](arith::TruncFOp op) { return lowerRounding(op); })
      .Case([](math::Exp2Op op) { return lowerFunction<ROCDL::ROCDLExp2>(op); })
      .Case([](math::Log2Op op) { return lowerFunction<ROCDL::ROCDLLog>(op); })
      .Default([](Operation *) { return success(); });
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// The shared memory of a kernel has a size of its own, known to the loader:
/// nothing is added to it at a launch.
static void declareSharedMemory(LLVM::LLVMFuncOp kernel) {
  auto bytes = kernel->getAttrOfType<IntegerAttr>(kSharedBytes);
  if (!bytes || bytes.getInt() == 0)
    return;
  OpBuilder b(kernel);
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.getInt());
  constexpr uint64_t kAlignment = 1024;
  LLVM::GlobalOp::create(b, kernel.getLoc(), type, /*isConstant=*/false,
                         LLVM::Linkage::Internal, getSharedName(kernel),
                         Attribute(), kAlignment, kSharedSpace);
  kernel->setAttr(kSharedBytes, b.getI64IntegerAttr(0));
}

/// Two waves share a SIMD, so that one computes while the other multiplies;
/// each then has 256 registers. None of them are accumulator registers: moving
/// between the two files costs more than it gives.
static void markKernel(LLVM::LLVMFuncOp kernel) {
  OpBuilder b(kernel.getContext());
  kernel->setAttr(ROCDL::ROCDLDialect::getKernelFuncAttrName(),
                  b.getUnitAttr());
  SmallVector<Attribute> passed{b.getStrArrayAttr({"amdgpu-agpr-alloc", "0"}),
                                b.getStrArrayAttr({"amdgpu-ieee", "false"})};
  kernel.setPassthroughAttr(b.getArrayAttr(passed));
  auto threads = kernel->getAttrOfType<IntegerAttr>(kBlockSize);
  if (!threads)
    return;
  int32_t size = static_cast<int32_t>(threads.getInt());
  kernel->setAttr("rocdl.reqd_work_group_size",
                  b.getDenseI32ArrayAttr({size, 1, 1}));
  std::string range = std::to_string(size) + "," + std::to_string(size);
  kernel->setAttr("rocdl.flat_work_group_size", b.getStringAttr(range));
  kernel->setAttr("rocdl.waves_per_eu", b.getI32IntegerAttr(2));
}

namespace {
struct ConvertGpuToRocdlPass
    : attn::impl::ConvertGpuToRocdlPassBase<ConvertGpuToRocdlPass> {
  void runOnOperation() override {
    SmallVector<gpu::GPUModuleOp> modules;
    getOperation()->walk(
        [&](gpu::GPUModuleOp module) { modules.push_back(module); });
    for (gpu::GPUModuleOp module : modules)
      if (failed(lowerModule(module)))
        return signalPassFailure();
  }

private:
  static LogicalResult lowerModule(gpu::GPUModuleOp module) {
    SmallVector<LLVM::LLVMFuncOp> kernels;
    WalkResult result = module.walk([&](Operation *op) -> WalkResult {
      if (auto kernel = dyn_cast<LLVM::LLVMFuncOp>(op);
          kernel && kernel->hasAttr(kKernelIndex))
        kernels.push_back(kernel);
      return lowerOp(op);
    });
    for (LLVM::LLVMFuncOp kernel : kernels) {
      declareSharedMemory(kernel);
      markKernel(kernel);
    }
    return failure(result.wasInterrupted());
  }
};
} // namespace
