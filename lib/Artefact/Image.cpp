//===- Image.cpp - Kernels as shared objects ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Artefact/Image.h"

#include "attn/Artefact/Describe.h"
#include "attn/Compiler/Codegen.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Compiler/Invoke.h"
#include "attn/Compiler/Jit.h"
#include "attn/Runtime/KernelAbi.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;
using namespace attn;

/// What loaders want of code in memory.
static constexpr uint64_t gpuBinaryAlignment = 16;

/// Makes everything in the module private, under names that no longer collide
/// with those that the loader looks for.
static void internalize(Module &module) {
  for (GlobalValue &value : module.global_values()) {
    if (value.isDeclaration())
      continue;
    value.setLinkage(GlobalValue::InternalLinkage);
    value.setName("attn." + value.getName());
  }
}

/// The slots of the table of imports, in the image's own words.
static GlobalVariable *addImportTable(Module &module, size_t size) {
  auto *type =
      ArrayType::get(PointerType::getUnqual(module.getContext()), size);
  return new GlobalVariable(module, type, /*isConstant=*/false,
                            GlobalValue::ExternalLinkage,
                            ConstantAggregateZero::get(type), importsSymbol);
}

/// Gives a declared runtime function, if the module uses it, a body that calls
/// through a slot of the table.
static void defineImport(Module &module, StringRef name, GlobalVariable *table,
                         unsigned position) {
  Function *function = module.getFunction(name);
  if (!function)
    return;
  function->setName("attn." + name);
  function->setLinkage(GlobalValue::InternalLinkage);
  IRBuilder<> builder(
      BasicBlock::Create(module.getContext(), "entry", function));
  Value *slot = builder.CreateConstInBoundsGEP2_64(table->getValueType(), table,
                                                   0, position);
  SmallVector<Value *> arguments(make_pointer_range(function->args()));
  CallInst *call = builder.CreateCall(
      function->getFunctionType(), builder.CreateLoad(builder.getPtrTy(), slot),
      arguments);
  if (function->getReturnType()->isVoidTy())
    builder.CreateRetVoid();
  else
    builder.CreateRet(call);
}

/// The image then needs no symbol of the process that loads it.
static void defineImports(Module &module, ArrayRef<const char *> names) {
  GlobalVariable *table = addImportTable(module, names.size());
  for (auto [position, name] : enumerate(names))
    defineImport(module, name, table, position);
}

/// Host code of a GPU kernel allocates on the device: its memory functions
/// become calls of those for workspace.
static void redirectMemory(Module &module) {
  IRBuilder<> builder(module.getContext());
  Type *i64 = builder.getInt64Ty(), *pointer = builder.getPtrTy();
  FunctionCallee allocate =
      module.getOrInsertFunction("attn_device_alloc", pointer, i64, i64);
  FunctionCallee release = module.getOrInsertFunction(
      "attn_device_free", builder.getVoidTy(), pointer);
  auto begin = [&](StringRef name) -> Function * {
    Function *function = module.getFunction(name);
    if (!function)
      return nullptr;
    function->setName("attn." + name);
    function->setLinkage(GlobalValue::InternalLinkage);
    builder.SetInsertPoint(
        BasicBlock::Create(module.getContext(), "entry", function));
    return function;
  };
  if (Function *function = begin("malloc"))
    builder.CreateRet(builder.CreateCall(
        allocate, {function->getArg(0), builder.getInt64(1)}));
  if (Function *function = begin("aligned_alloc"))
    builder.CreateRet(builder.CreateCall(
        allocate, {function->getArg(1), function->getArg(0)}));
  if (Function *function = begin("free")) {
    builder.CreateCall(release, {function->getArg(0)});
    builder.CreateRetVoid();
  }
}

static void embedManifest(Module &module, StringRef manifest) {
  Constant *text = ConstantDataArray::getString(module.getContext(), manifest);
  new GlobalVariable(module, text->getType(), /*isConstant=*/true,
                     GlobalValue::ExternalLinkage, text, manifestSymbol);
}

static void embedGpuCode(Module &module, const GpuCode &code) {
  for (const GpuBinary &binary : code.binaries) {
    // With a null byte at its end, as drivers want text.
    Constant *bytes =
        ConstantDataArray::getString(module.getContext(), binary.bytes);
    auto *global = new GlobalVariable(
        module, bytes->getType(), /*isConstant=*/true,
        GlobalValue::ExternalLinkage, bytes, gpuBinaryPrefix + binary.kind);
    global->setAlignment(Align(gpuBinaryAlignment));
  }
}

/// An object of the host functions of a module at the `llvm` stage.
static Expected<std::string> emitObject(mlir::ModuleOp module, StringRef entry,
                                        StringRef manifest,
                                        const std::optional<GpuCode> &gpuCode,
                                        TargetMachine &machine,
                                        unsigned irOptLevel) {
  LLVMContext context;
  auto ir = translateToLLVM(module, context, machine);
  if (!ir)
    return ir.takeError();
  // Before internalize(), which renames what this looks up.
  auto invoke = addInvokeFunction(**ir, entry);
  if (!invoke)
    return invoke.takeError();
  internalize(**ir);
  Function *function = (*ir)->getFunction("attn." + *invoke);
  function->setName(invokeSymbol);
  function->setLinkage(GlobalValue::ExternalLinkage);
  if (gpuCode) {
    redirectMemory(**ir);
    defineImports(**ir, gpuImportNames);
    embedGpuCode(**ir, *gpuCode);
  } else {
    defineImports(**ir, importNames);
  }
  embedManifest(**ir, manifest);
  optimize(**ir, machine, irOptLevel);
  auto object = emitMachineCode(**ir, machine, MachineCode::Object);
  if (!object)
    return object.takeError();
  if (Error error = checkUndefinedSymbols((*object)->getMemBufferRef(),
                                          {"memcpy", "memmove", "memset"}))
    return std::move(error);
  return (*object)->getBuffer().str();
}

/// Whether a call of a function at the `llvm` stage changes nothing, as that of
/// a problem without rows.
static bool doesNothing(mlir::ModuleOp module, StringRef name) {
  auto function = module.lookupSymbol<mlir::LLVM::LLVMFuncOp>(name);
  return function && !function.isExternal() &&
         all_of(function.getBody().getOps(), [](mlir::Operation &op) {
           return mlir::isMemoryEffectFree(&op) ||
                  op.hasTrait<mlir::OpTrait::IsTerminator>();
         });
}

/// Takes the kernels out of a module at the `llvm` stage and compiles them.
static Expected<GpuCode> compileKernels(mlir::ModuleOp module, StringRef entry,
                                        const CodegenTarget &target,
                                        const ImageOptions &options) {
  if (module.getOps<mlir::gpu::GPUModuleOp>().empty() &&
      doesNothing(module, entry)) {
    GpuCode code;
    code.target = target;
    code.assembler = "none, for no kernel";
    return code;
  }
  auto gpuModule = findGpuModule(module);
  if (!gpuModule)
    return gpuModule.takeError();
  GpuCodeOptions gpuOptions;
  gpuOptions.ptxas = options.ptxas;
  gpuOptions.onlyBitcode = options.onlyBitcode;
  auto code = compileGpuModule(*gpuModule, target, gpuOptions);
  gpuModule->erase();
  return code;
}

Expected<Image> attn::createImage(mlir::ModuleOp module, StringRef entryName,
                                  const ImageOptions &options) {
  auto target = getCodegenTarget(options.target);
  if (!target)
    return target.takeError();
  CodegenTarget host = target->isGpu ? getGenericHostTarget() : *target;
  auto machine = createTargetMachine(host, options.codegenOptLevel,
                                     ObjectUse::SharedObject);
  if (!machine)
    return machine.takeError();
  auto entry = runner::findEntry(module, entryName);
  if (!entry)
    return entry.takeError();
  auto manifest = describeKernel(*entry, host, **machine, options.target);
  if (!manifest)
    return manifest.takeError();

  if (!options.problem.empty())
    (*manifest)["problem"] = json::fixUTF8(options.problem);

  JitOptions lowering;
  lowering.target = options.target;
  if (Error error = lowerForJit(module, entry->name, lowering))
    return std::move(error);
  std::optional<GpuCode> gpuCode;
  if (target->isGpu) {
    auto code = compileKernels(module, entry->name, *target, options);
    if (!code)
      return code.takeError();
    (*manifest)["gpu"] = describeGpuCode(*code);
    gpuCode = std::move(*code);
  }
  std::string text;
  raw_string_ostream(text) << json::Value(std::move(*manifest));
  auto object = emitObject(module, entry->name, text, gpuCode, **machine,
                           options.irOptLevel);
  if (!object)
    return object.takeError();
  auto shared = linkSharedObject(*object, LinkedFor::Host);
  if (!shared)
    return shared.takeError();
  return Image{std::move(*shared), std::move(text), std::move(gpuCode)};
}
