//===- RequiredFeatures.cpp - CPU features as systems name them -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Target/CPU/RequiredFeatures.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"

namespace {
struct FeatureName {
  const char *llvmName;
  const char *systemName;
};
} // namespace

// LLVM: llvm/lib/Target/X86/X86.td; Linux: arch/x86/include/asm/cpufeatures.h.
static constexpr FeatureName x86Features[] = {
    {"sse3", "pni"},
    {"ssse3", "ssse3"},
    {"sse4.1", "sse4_1"},
    {"sse4.2", "sse4_2"},
    {"sse4a", "sse4a"},
    {"popcnt", "popcnt"},
    {"cx16", "cx16"},
    {"sahf", "lahf_lm"},
    {"movbe", "movbe"},
    {"aes", "aes"},
    {"pclmul", "pclmulqdq"},
    {"lzcnt", "abm"},
    {"bmi", "bmi1"},
    {"bmi2", "bmi2"},
    {"adx", "adx"},
    {"fma", "fma"},
    {"fma4", "fma4"},
    {"xop", "xop"},
    {"tbm", "tbm"},
    {"f16c", "f16c"},
    {"avx", "avx"},
    {"avx2", "avx2"},
    {"avxvnni", "avx_vnni"},
    {"avxifma", "avx_ifma"},
    {"avxvnniint8", "avx_vnni_int8"},
    {"avxvnniint16", "avx_vnni_int16"},
    {"avxneconvert", "avx_ne_convert"},
    {"vaes", "vaes"},
    {"vpclmulqdq", "vpclmulqdq"},
    {"gfni", "gfni"},
    {"sha", "sha_ni"},
    {"avx512f", "avx512f"},
    {"avx512cd", "avx512cd"},
    {"avx512bw", "avx512bw"},
    {"avx512dq", "avx512dq"},
    {"avx512vl", "avx512vl"},
    {"avx512ifma", "avx512ifma"},
    {"avx512vbmi", "avx512vbmi"},
    {"avx512vbmi2", "avx512_vbmi2"},
    {"avx512vnni", "avx512_vnni"},
    {"avx512bitalg", "avx512_bitalg"},
    {"avx512vpopcntdq", "avx512_vpopcntdq"},
    {"avx512bf16", "avx512_bf16"},
    {"avx512fp16", "avx512_fp16"},
    {"amx-tile", "amx_tile"},
    {"amx-int8", "amx_int8"},
    {"amx-bf16", "amx_bf16"},
    {"amx-fp16", "amx_fp16"},
};

// LLVM: llvm/lib/Target/AArch64/AArch64Features.td; Linux:
// Documentation/arch/arm64/elf_hwcaps.rst.
static constexpr FeatureName armFeatures[] = {
    {"lse", "atomics"},      {"rdm", "asimdrdm"},    {"fullfp16", "asimdhp"},
    {"fp16fml", "asimdfhm"}, {"dotprod", "asimddp"}, {"bf16", "bf16"},
    {"i8mm", "i8mm"},        {"complxnum", "fcma"},  {"jsconv", "jscvt"},
    {"rcpc", "lrcpc"},       {"sve", "sve"},         {"sve2", "sve2"},
};

std::vector<std::string>
attn::getRequiredFeatures(const llvm::MCSubtargetInfo &target) {
  bool isX86 = target.getTargetTriple().isX86();
  llvm::ArrayRef<FeatureName> names =
      isX86 ? llvm::ArrayRef(x86Features) : llvm::ArrayRef(armFeatures);
  std::vector<std::string> required;
  for (const llvm::SubtargetFeatureKV &feature :
       target.getAllProcessorFeatures())
    for (const FeatureName &name : names)
      if (target.hasFeature(feature.Value) &&
          llvm::StringRef(feature.Key) == name.llvmName)
        required.push_back(name.systemName);
  return required;
}
