//===- Jit.cpp - A module compiled into this process ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Compiler/Jit.h"
#include "attn/Compiler/Codegen.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Compiler/Invoke.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Runtime/Memory.h"
#include "attn/Runtime/Parallel.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include <chrono>
#include <cstring>

using namespace llvm;

//===----------------------------------------------------------------------===//
// What machine code may call
//===----------------------------------------------------------------------===//

namespace {
struct ProvidedSymbol {
  StringLiteral name;
  void *address;
};
} // namespace

static ArrayRef<ProvidedSymbol> getProvidedSymbols() {
  static const ProvidedSymbol symbols[] = {
      {"attn_parallel_for", reinterpret_cast<void *>(&attn_parallel_for)},
      {"malloc", reinterpret_cast<void *>(&attn::allocateMemory)},
      {"aligned_alloc", reinterpret_cast<void *>(&attn::allocateAlignedMemory)},
      {"free", reinterpret_cast<void *>(&attn::freeMemory)},
      {"memcpy", reinterpret_cast<void *>(&std::memcpy)},
      {"memmove", reinterpret_cast<void *>(&std::memmove)},
      {"memset", reinterpret_cast<void *>(&std::memset)},
  };
  return symbols;
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

Error attn::lowerForJit(mlir::ModuleOp module, StringRef entry,
                        const JitOptions &options) {
  mlir::Operation *function = module.lookupSymbol(entry);
  if (!function)
    return createError("the module has no function @" + entry);
  // Lowering gives this name to a function of its own.
  std::string wrapper = ("_mlir_ciface_" + entry).str();
  if (module.lookupSymbol(wrapper))
    return createError("the module has a symbol @" + wrapper +
                       "; expected another name, as compiling @" + entry +
                       " makes a function of this one");
  mlir::MLIRContext *context = module.getContext();
  function->setAttr("llvm.emit_c_interface", mlir::UnitAttr::get(context));

  PipelineOptions pipelineOptions;
  pipelineOptions.target = options.target;
  pipelineOptions.countTiles = options.countTiles;
  mlir::PassManager passes(context);
  passes.enableVerifier(options.verifyEach);
  buildPipelineTo(Stage::LLVM, passes, pipelineOptions);
  DiagnosticCollector diagnostics(context);
  if (failed(passes.run(module)))
    return diagnostics.takeError("lowering failed");
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Linking
//===----------------------------------------------------------------------===//

struct attn::JitKernel::Session {
  std::unique_ptr<orc::LLJIT> jit;
};

attn::JitKernel::JitKernel() : session(new Session()) {}
attn::JitKernel::~JitKernel() = default;

/// A linker for objects: no code generator, no process symbols, no platform.
static Expected<std::unique_ptr<orc::LLJIT>>
createLinker(const TargetMachine &machine) {
  orc::JITTargetMachineBuilder target(machine.getTargetTriple());
  auto jit = orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(target))
                 .setDataLayout(machine.createDataLayout())
                 .setLinkProcessSymbolsByDefault(false)
                 .setPlatformSetUp(orc::setUpInactivePlatform)
                 .create();
  if (!jit)
    return jit.takeError();
  orc::SymbolMap symbols;
  for (const ProvidedSymbol &symbol : getProvidedSymbols())
    symbols[(*jit)->mangleAndIntern(symbol.name)] = {
        orc::ExecutorAddr::fromPtr(symbol.address),
        JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  if (Error error = (*jit)->getMainJITDylib().define(
          orc::absoluteSymbols(std::move(symbols))))
    return std::move(error);
  return jit;
}

namespace {
/// Adds the milliseconds of each phase to a slot of JitTimings.
class PhaseClock {
public:
  void lap(double &slot) {
    auto now = std::chrono::steady_clock::now();
    slot = std::chrono::duration<double, std::milli>(now - start).count();
    start = now;
  }

private:
  std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();
};
} // namespace

Expected<std::unique_ptr<attn::JitKernel>>
attn::JitKernel::compile(mlir::OwningOpRef<mlir::ModuleOp> module,
                         StringRef entry, const JitOptions &options) {
  auto target = getCodegenTarget(options.target);
  if (!target)
    return target.takeError();
  if (Error error = checkRunsHere(*target))
    return std::move(error);
  auto machine = createTargetMachine(*target, options.codegenOptLevel);
  if (!machine)
    return machine.takeError();

  std::unique_ptr<JitKernel> kernel(new JitKernel());
  JitTimings &timings = kernel->timings;
  PhaseClock clock;
  if (Error error = lowerForJit(*module, entry, options))
    return std::move(error);
  clock.lap(timings.passes);

  LLVMContext context;
  auto ir = translateToLLVM(*module, context, **machine);
  if (!ir)
    return ir.takeError();
  auto invokeName = addInvokeFunction(**ir, entry);
  if (!invokeName)
    return invokeName.takeError();
  clock.lap(timings.translate);

  optimize(**ir, **machine, options.irOptLevel);
  clock.lap(timings.optimize);

  auto object = emitMachineCode(**ir, **machine, MachineCode::Object);
  if (!object)
    return object.takeError();
  kernel->object = std::move(*object);
  clock.lap(timings.codegen);

  SmallVector<StringRef> provided;
  for (const ProvidedSymbol &symbol : getProvidedSymbols())
    provided.push_back(symbol.name);
  if (Error error = checkUndefinedSymbols(kernel->getObject(), provided))
    return std::move(error);
  auto jit = createLinker(**machine);
  if (!jit)
    return jit.takeError();
  kernel->session->jit = std::move(*jit);
  if (Error error = kernel->session->jit->addObjectFile(
          MemoryBuffer::getMemBuffer(kernel->getObject(),
                                     /*RequiresNullTerminator=*/false)))
    return std::move(error);
  auto invoke = kernel->session->jit->lookup(*invokeName);
  if (!invoke)
    return invoke.takeError();
  kernel->invokeFunction = invoke->toPtr<void (*)(void *const *)>();
  clock.lap(timings.link);
  return std::move(kernel);
}

void *attn::JitKernel::lookup(StringRef symbol) const {
  auto address = session->jit->lookup(symbol);
  if (!address) {
    consumeError(address.takeError());
    return nullptr;
  }
  return address->toPtr<void *>();
}
