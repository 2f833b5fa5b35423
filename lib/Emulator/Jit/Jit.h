//===- Jit.h - Kernels of a module, compiled for the host -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_JIT_JIT_H
#define ATTN_LIB_EMULATOR_JIT_JIT_H

#include "Retarget.h"

#include <memory>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace attn::emulator {

/// What a module says about one of its kernels.
struct KernelInfo {
  std::string name;
  /// 0 if the module does not say.
  Dim3 block = {0, 0, 0};
  Dim3 cluster = {1, 1, 1};
  unsigned warpSize = 32;
  /// "sm_80", "gfx942", ...; empty if the module does not say.
  std::string chip;
};

/// The kernels of a module: functions with a kernel's calling convention or
/// annotation.
std::vector<KernelInfo> findKernels(llvm::Module &module);

/// Parses text or bitcode. The triple is used if the module has none.
llvm::Expected<std::unique_ptr<llvm::Module>>
parseModule(llvm::StringRef ir, llvm::StringRef triple,
            llvm::LLVMContext &context);

class CompiledKernel {
public:
  ~CompiledKernel();

  /// Compiles one kernel of a module, which belongs to `context`. At -O0:
  /// higher levels run no faster and take longer to compile.
  static llvm::Expected<std::unique_ptr<CompiledKernel>>
  compile(std::unique_ptr<llvm::Module> module,
          std::unique_ptr<llvm::LLVMContext> context, llvm::StringRef kernel);

  void (*entry)(const void *arguments) = nullptr;
  RetargetResult layout;

private:
  CompiledKernel() = default;
  SiteTable sites;
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_JIT_JIT_H
