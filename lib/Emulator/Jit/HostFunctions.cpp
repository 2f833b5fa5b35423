//===- HostFunctions.cpp - Functions of the host that kernels call --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostFunctions.h"
#include "../Ops/SmallFloat.h"
#include "../Runtime/CallSite.h"

#include <cmath>

using namespace attn::emulator;

//===----------------------------------------------------------------------===//
// The emulator
//===----------------------------------------------------------------------===//

static ThreadRegisters *threadRegisters() {
  return &Machine::current()->registers;
}

static void callOperation(const CallSite *site, char *arguments,
                          char *results) {
  Thread &thread = *Machine::current();
  thread.access = nullptr;
  thread.site = site;
  thread.arguments = arguments;
  thread.results = results;
  arrive(thread);
}

static void announceAccess(const void *address, uint64_t bytes,
                           const AccessSite *site) {
  Thread &thread = *Machine::current();
  thread.access = site;
  if (bytes == site->bytes) {
    thread.machine->checkAccess(thread, reinterpret_cast<uintptr_t>(address),
                                *site);
    return;
  }
  if (bytes == 0)
    return;
  AccessSite whole = *site;
  whole.bytes = static_cast<uint32_t>(bytes);
  thread.machine->checkAccess(thread, reinterpret_cast<uintptr_t>(address),
                              whole);
}

static void reachUnreachable() {
  Thread &thread = *Machine::current();
  thread.machine->fail(thread, "the kernel reached code that it calls "
                               "unreachable");
}

//===----------------------------------------------------------------------===//
// Approximate functions
//===----------------------------------------------------------------------===//

/// Denormal numbers become zeros, as .ftz says.
static float flush(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value)
                                                : value;
}

static float exp2Flushing(float x) { return flush(std::exp2(flush(x))); }
static float log2Flushing(float x) { return flush(std::log2(flush(x))); }
static float reciprocal(float x) { return 1.0f / x; }
static float reciprocalFlushing(float x) { return flush(1.0f / flush(x)); }
static float reciprocalRoot(float x) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(x)));
}
static float reciprocalRootFlushing(float x) {
  return flush(reciprocalRoot(flush(x)));
}
static float exp2Float(float x) { return std::exp2(x); }
static float log2Float(float x) { return std::log2(x); }
static float expFloat(float x) { return std::exp(x); }
static float logFloat(float x) { return std::log(x); }
static float tanhFloat(float x) { return std::tanh(x); }
static float sinFloat(float x) { return std::sin(x); }
static float cosFloat(float x) { return std::cos(x); }
static float powFloat(float x, float y) { return std::pow(x, y); }

/// Two e4m3 or e5m2 values, the first one in the upper byte; overflow becomes
/// the largest finite value.
static uint16_t packFloat8(float high, float low, FloatType type,
                           double largest) {
  auto convert = [&](float x) {
    const double value =
        std::isnan(x) ? x : std::fmax(-largest, std::fmin(largest, double(x)));
    return encode(value, formatOf(type)) & 0xFF;
  };
  return static_cast<uint16_t>(convert(high) << 8 | convert(low));
}
static uint16_t packE4M3(float high, float low) {
  return packFloat8(high, low, FloatType::E4M3, 448);
}
static uint16_t packE5M2(float high, float low) {
  return packFloat8(high, low, FloatType::E5M2, 57344);
}

/// Round to nearest, ties away from zero, to 10 bits of mantissa.
static uint32_t roundToTF32(float value) {
  const uint32_t bits = floatToBits(value);
  if (std::isnan(value))
    return 0x7FFFFFFF;
  return std::isinf(value) ? bits : (bits + 0x1000) & ~uint32_t(0x1FFF);
}

//===----------------------------------------------------------------------===//
// What libgcc lacks in some versions
//===----------------------------------------------------------------------===//

#if defined(__SSE2__)
// The psABI returns and takes these types in the low bits of xmm0.
typedef float Register __attribute__((vector_size(16)));

static Register inRegister(uint32_t bits) {
  return Register{bitsToFloat(bits), 0, 0, 0};
}
static Register truncateToBFloat16(float value) {
  return inRegister(encode(value, formatOf(FloatType::BF16)));
}
static Register truncateDoubleToBFloat16(double value) {
  return inRegister(encode(value, formatOf(FloatType::BF16)));
}
static Register truncateToHalf(float value) {
  return inRegister(encode(value, formatOf(FloatType::F16)));
}
static Register truncateDoubleToHalf(double value) {
  return inRegister(encode(value, formatOf(FloatType::F16)));
}
static float extendHalf(Register value) {
  return decode(floatToBits(value[0]) & 0xFFFF, FloatType::F16);
}
#endif

template <class Function>
static void *address(Function *function) {
  return reinterpret_cast<void *>(function);
}

llvm::ArrayRef<HostFunction> attn::emulator::hostFunctions() {
  static const HostFunction table[] = {
      {"", "attn_emulator_registers", address(threadRegisters)},
      {"", "attn_emulator_call", address(callOperation)},
      {"", "attn_emulator_access", address(announceAccess)},
      {"", "attn_emulator_unreachable", address(reachUnreachable)},
      {"", "__truncsfbf2", address(truncateToBFloat16)},
      {"", "__truncdfbf2", address(truncateDoubleToBFloat16)},
      {"", "__truncsfhf2", address(truncateToHalf)},
      {"", "__truncdfhf2", address(truncateDoubleToHalf)},
      {"", "__extendhfsf2", address(extendHalf)},
      {"llvm.nvvm.ex2.approx", "attn_exp2", address(exp2Float)},
      {"llvm.nvvm.ex2.approx.f", "attn_exp2", address(exp2Float)},
      {"llvm.nvvm.ex2.approx.ftz", "attn_exp2_ftz", address(exp2Flushing)},
      {"llvm.nvvm.ex2.approx.ftz.f", "attn_exp2_ftz", address(exp2Flushing)},
      {"llvm.amdgcn.exp2", "attn_exp2_ftz", address(exp2Flushing)},
      {"llvm.nvvm.lg2.approx.f", "attn_log2", address(log2Float)},
      {"llvm.nvvm.lg2.approx.ftz.f", "attn_log2_ftz", address(log2Flushing)},
      {"llvm.amdgcn.log", "attn_log2_ftz", address(log2Flushing)},
      {"llvm.nvvm.rcp.rn.f", "attn_rcp", address(reciprocal)},
      {"llvm.nvvm.rcp.rn.ftz.f", "attn_rcp_ftz", address(reciprocalFlushing)},
      {"llvm.nvvm.rcp.approx.ftz.f", "attn_rcp_ftz",
       address(reciprocalFlushing)},
      {"llvm.amdgcn.rcp", "attn_rcp_ftz", address(reciprocalFlushing)},
      {"llvm.nvvm.rsqrt.approx.f", "attn_rsqrt", address(reciprocalRoot)},
      {"llvm.nvvm.rsqrt.approx.ftz.f", "attn_rsqrt_ftz",
       address(reciprocalRootFlushing)},
      {"llvm.amdgcn.rsq", "attn_rsqrt_ftz", address(reciprocalRootFlushing)},
      {"llvm.nvvm.tanh.approx.f", "attn_tanh", address(tanhFloat)},
      {"llvm.nvvm.sin.approx.f", "attn_sin", address(sinFloat)},
      {"llvm.nvvm.sin.approx.ftz.f", "attn_sin", address(sinFloat)},
      {"llvm.nvvm.cos.approx.f", "attn_cos", address(cosFloat)},
      {"llvm.nvvm.cos.approx.ftz.f", "attn_cos", address(cosFloat)},
      {"llvm.nvvm.ff.to.e4m3x2.rn", "attn_pack_e4m3", address(packE4M3)},
      {"llvm.nvvm.ff.to.e5m2x2.rn", "attn_pack_e5m2", address(packE5M2)},
      {"llvm.nvvm.f2tf32.rna", "attn_round_tf32", address(roundToTF32)},
      {"__nv_exp2f", "attn_exp2", address(exp2Float)},
      {"__nv_log2f", "attn_log2", address(log2Float)},
      {"__nv_expf", "attn_exp", address(expFloat)},
      {"__nv_logf", "attn_log", address(logFloat)},
      {"__nv_tanhf", "attn_tanh", address(tanhFloat)},
      {"__nv_sinf", "attn_sin", address(sinFloat)},
      {"__nv_cosf", "attn_cos", address(cosFloat)},
      {"__nv_powf", "attn_pow", address(powFloat)},
      {"__nv_rsqrtf", "attn_rsqrt", address(reciprocalRoot)},
      {"__ocml_exp2_f32", "attn_exp2", address(exp2Float)},
      {"__ocml_log2_f32", "attn_log2", address(log2Float)},
      {"__ocml_exp_f32", "attn_exp", address(expFloat)},
      {"__ocml_log_f32", "attn_log", address(logFloat)},
      {"__ocml_tanh_f32", "attn_tanh", address(tanhFloat)},
      {"__ocml_sin_f32", "attn_sin", address(sinFloat)},
      {"__ocml_cos_f32", "attn_cos", address(cosFloat)},
      {"__ocml_pow_f32", "attn_pow", address(powFloat)},
      {"__ocml_rsqrt_f32", "attn_rsqrt", address(reciprocalRoot)},
  };
  return table;
}

const HostFunction *attn::emulator::findHostFunction(llvm::StringRef name) {
  if (!name.empty())
    for (const HostFunction &function : hostFunctions())
      if (function.name == name)
        return &function;
  return nullptr;
}
