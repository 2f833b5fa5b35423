//===- GpuCode.cpp - Code for GPUs ----------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Artefact/GpuCode.h"

#include "attn/Artefact/Image.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Target/NVVM/Ptxas.h"
#include "attn/Target/ROCDL/HsacoReport.h"
#include "attn/Target/ROCDL/InterleaveProducts.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;
using namespace attn;

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// The position of a kernel in launches, of functions that are kernels.
static constexpr StringLiteral kernelIndexName = "attn.kernel_index";
static constexpr StringLiteral sharedBytesName = "attn.shared_bytes";
/// Where the targets' dialects keep the size of a block.
static constexpr StringLiteral blockNames[] = {"nvvm.reqntid",
                                               "rocdl.reqd_work_group_size"};

static Expected<GpuKernel> readKernel(mlir::LLVM::LLVMFuncOp function) {
  GpuKernel kernel;
  kernel.name = function.getSymName().str();
  if (auto bytes = function->getAttrOfType<mlir::IntegerAttr>(sharedBytesName))
    kernel.sharedBytes = bytes.getInt();
  for (StringRef name : blockNames)
    if (auto block = function->getAttrOfType<mlir::DenseI32ArrayAttr>(name)) {
      copy(block.asArrayRef().take_front(3), kernel.block.begin());
      return kernel;
    }
  return createError("kernel @" + kernel.name + " has no block size, " +
                     join(ArrayRef(blockNames), " or "));
}

static Expected<std::vector<GpuKernel>>
readKernels(mlir::gpu::GPUModuleOp module) {
  SmallVector<std::pair<int64_t, mlir::LLVM::LLVMFuncOp>> functions;
  for (auto function : module.getOps<mlir::LLVM::LLVMFuncOp>())
    if (auto index =
            function->getAttrOfType<mlir::IntegerAttr>(kernelIndexName))
      functions.emplace_back(index.getInt(), function);
  sort(functions, less_first());
  std::vector<GpuKernel> kernels;
  for (auto [position, entry] : enumerate(functions)) {
    if (entry.first != static_cast<int64_t>(position))
      return createError("the kernels of @" + module.getName() +
                         " are not numbered from 0 on");
    auto kernel = readKernel(entry.second);
    if (!kernel)
      return kernel.takeError();
    kernels.push_back(std::move(*kernel));
  }
  return kernels;
}

//===----------------------------------------------------------------------===//
// LLVM IR
//===----------------------------------------------------------------------===//

/// Inline assembly may hold barriers and shuffles: no pass may move it into a
/// branch that only some threads take.
static void markConvergent(Module &module) {
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallBase>(&instruction))
        if (call->isInlineAsm())
          call->setConvergent();
}

/// PTX goes through another optimiser, and LLVM's loop passes only make its
/// work harder (uniform registers, spills). The AMD back end relies on them: on
/// attributes they infer, and for loops without copies.
static unsigned getIrOptLevel(const Triple &triple) {
  return triple.isNVPTX() ? 0 : 3;
}

static Expected<std::unique_ptr<Module>>
translate(mlir::gpu::GPUModuleOp module, LLVMContext &context,
          TargetMachine &machine) {
  DiagnosticCollector diagnostics(module.getContext());
  std::unique_ptr<Module> result =
      mlir::translateModuleToLLVMIR(module, context, "attn_gpu");
  if (!result)
    return diagnostics.takeError("translation to LLVM IR failed");
  result->setDataLayout(machine.createDataLayout());
  result->setTargetTriple(machine.getTargetTriple());
  markConvergent(*result);
  optimize(*result, machine, getIrOptLevel(machine.getTargetTriple()));
  return std::move(result);
}

//===----------------------------------------------------------------------===//
// Binaries
//===----------------------------------------------------------------------===//

/// Adds the resources of the kernels that a report names.
static void addResources(GpuCode &code, const KernelResources &resources) {
  for (GpuKernel &kernel : code.kernels)
    if (auto found = resources.find(kernel.name); found != resources.end())
      kernel.resources = found->second;
}

static Error addPtx(Module &module, TargetMachine &machine,
                    const GpuCodeOptions &options, GpuCode &code) {
  auto text = emitMachineCode(module, machine, MachineCode::Assembly);
  if (!text)
    return text.takeError();
  StringRef ptx = (*text)->getBuffer();
  code.binaries.push_back({"ptx", ptx.str()});

  auto assembler = findPtxas(options.ptxas);
  if (!assembler) {
    if (!options.ptxas.empty())
      return assembler.takeError();
    code.assembler = toString(assembler.takeError());
    return Error::success();
  }
  SmallVector<PtxKernel> kernels;
  for (const GpuKernel &kernel : code.kernels)
    kernels.push_back({kernel.name,
                       kernel.block[0] * kernel.block[1] * kernel.block[2],
                       kernel.sharedBytes});
  auto cubin = assemblePtx(*assembler, ptx, code.target.cpu, kernels);
  if (!cubin)
    return cubin.takeError();
  code.assembler = std::move(cubin->assembler);
  code.warnings = std::move(cubin->warnings);
  addResources(code, cubin->resources);
  code.binaries.push_back({"cubin", std::move(cubin->bytes)});
  return Error::success();
}

/// Before the code generator, which changes the module it is given.
static void addBitcode(Module &module, GpuCode &code) {
  GpuBinary bitcode{"bitcode", ""};
  raw_string_ostream stream(bitcode.bytes);
  WriteBitcodeToFile(module, stream);
  code.binaries.push_back(std::move(bitcode));
}

namespace {
struct Hsaco {
  std::string bytes;
  KernelResources resources;

  bool spills() const {
    return any_of(resources, [](const auto &kernel) {
      return any_of(kernel.second, [](const auto &resource) {
        return isSpill(resource.first) && resource.second > 0;
      });
    });
  }
};
} // namespace

static Expected<Hsaco> buildHsaco(Module &module, TargetMachine &machine,
                                  StringRef chip) {
  auto object = emitMachineCode(module, machine, MachineCode::Object);
  if (!object)
    return object.takeError();
  auto bytes = linkSharedObject((*object)->getBuffer(), LinkedFor::Gpu);
  if (!bytes)
    return bytes.takeError();
  auto resources = readHsacoResources(*bytes, chip);
  if (!resources)
    return resources.takeError();
  return Hsaco{std::move(*bytes), std::move(*resources)};
}

/// In the order of interleaved products, or in the code generator's own where
/// that one spills registers. `module` is left in the order that was taken.
static Expected<Hsaco> buildInterleavedHsaco(std::unique_ptr<Module> &module,
                                             TargetMachine &machine,
                                             StringRef chip) {
  std::unique_ptr<Module> plain = CloneModule(*module);
  interleaveProducts(*module);
  auto hsaco = buildHsaco(*CloneModule(*module), machine, chip);
  if (!hsaco || !hsaco->spills())
    return hsaco;
  module = std::move(plain);
  return buildHsaco(*CloneModule(*module), machine, chip);
}

static Error addHsaco(std::unique_ptr<Module> &module, TargetMachine &machine,
                      GpuCode &code) {
  auto hsaco = buildInterleavedHsaco(module, machine, code.target.cpu);
  if (!hsaco)
    return hsaco.takeError();
  addBitcode(*module, code);
  code.assembler = "LLVM";
  addResources(code, hsaco->resources);
  code.binaries.push_back({"hsaco", std::move(hsaco->bytes)});
  return Error::success();
}

/// The bitcode of what the emulator plays, and nothing else.
static void addEmulated(Module &module, GpuCode &code) {
  if (module.getTargetTriple().isAMDGPU())
    interleaveProducts(module);
  addBitcode(module, code);
  code.assembler = "none, for the emulator";
}

Expected<GpuCode> attn::compileGpuModule(mlir::gpu::GPUModuleOp gpuModule,
                                         const CodegenTarget &target,
                                         const GpuCodeOptions &options) {
  GpuCode code;
  code.target = target;
  auto kernels = readKernels(gpuModule);
  if (!kernels)
    return kernels.takeError();
  code.kernels = std::move(*kernels);
  auto machine =
      createTargetMachine(target, /*optLevel=*/3, ObjectUse::SharedObject);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto module = translate(gpuModule, context, **machine);
  if (!module)
    return module.takeError();
  if (options.onlyBitcode) {
    addEmulated(**module, code);
    return code;
  }
  bool isPtx = (*module)->getTargetTriple().isNVPTX();
  if (isPtx)
    addBitcode(**module, code);
  Error error = isPtx ? addPtx(**module, **machine, options, code)
                      : addHsaco(*module, **machine, code);
  if (error)
    return std::move(error);
  return code;
}

Expected<mlir::gpu::GPUModuleOp> attn::findGpuModule(mlir::ModuleOp module) {
  auto modules = module.getOps<mlir::gpu::GPUModuleOp>();
  if (!hasSingleElement(modules))
    return createError("the function launches no kernel");
  return *modules.begin();
}

Error attn::printGpuCode(mlir::ModuleOp module, const CodegenTarget &target,
                         GpuText kind, raw_ostream &os) {
  auto gpuModule = findGpuModule(module);
  if (!gpuModule)
    return gpuModule.takeError();
  auto machine =
      createTargetMachine(target, /*optLevel=*/3, ObjectUse::SharedObject);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto ir = translate(*gpuModule, context, **machine);
  if (!ir)
    return ir.takeError();
  if ((*ir)->getTargetTriple().isAMDGPU()) {
    auto hsaco = buildInterleavedHsaco(*ir, **machine, target.cpu);
    if (!hsaco)
      return hsaco.takeError();
  }
  if (kind == GpuText::LLVMIR) {
    (*ir)->print(os, /*AAW=*/nullptr);
    return Error::success();
  }
  // AMD's blocks and resources are comments, which scripts/gcn_report.py reads;
  // PTX is printed as it is kept.
  (*machine)->Options.MCOptions.AsmVerbose =
      (*machine)->getTargetTriple().isAMDGPU();
  auto text = emitMachineCode(**ir, **machine, MachineCode::Assembly);
  if (!text)
    return text.takeError();
  os << (*text)->getBuffer();
  return Error::success();
}

Error attn::checkResources(const GpuCode &code) {
  std::vector<std::string> complaints = code.warnings;
  for (const GpuKernel &kernel : code.kernels)
    for (const auto &[name, amount] : kernel.resources)
      if (isSpill(name) && amount > 0)
        complaints.push_back("kernel " + kernel.name + " has " +
                             std::to_string(amount) + " " + name);
  if (complaints.empty())
    return Error::success();
  return createError(join(complaints, "; "));
}
