//===- CallSite.h - One operation of the target in a kernel ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_RUNTIME_CALLSITE_H
#define ATTN_LIB_EMULATOR_RUNTIME_CALLSITE_H

#include "Machine.h"

#include <cstring>

namespace attn::emulator {

/// Which threads have to stand at an operation before it happens.
enum class Scope : uint8_t {
  Thread,
  /// All lanes of the warp (`.sync.aligned`).
  Warp,
  /// The lanes of a mask operand (`.sync`).
  WarpMask,
  /// Four warps from a multiple of four on (wgmma).
  WarpGroup,
  /// The lanes of the wave that are active there: AMD's cross-lane operations.
  Wave,
};

class Group;
using Handler = void (*)(Group &);

struct Operation {
  Handler handler = nullptr;
  Scope scope = Scope::Thread;
  /// The argument that is the mask of Scope::WarpMask.
  int maskArgument = -1;
};

struct Field {
  uint32_t offset = 0;
  uint32_t bytes = 0;
};

/// Where a site is in its function: for each loop around it and then for itself
/// a position, in an order in which every block follows those that lead to it.
struct SitePosition {
  struct Level {
    uint32_t position = 0;
    /// Index into ThreadRegisters::loopTrips.
    uint32_t loop = 0;
  };
  std::vector<Level> loops;
  uint32_t position = 0;
};

/// One register, address or number in inline assembly.
struct AsmOperand {
  enum Kind : uint8_t { Argument, Result, Literal };
  Kind kind = Argument;
  /// The index of the argument or result, or the number itself. Registers that
  /// the assembly declares for itself are further arguments.
  int64_t value = 0;
};

struct CallSite {
  std::string name;
  const Operation *operation = nullptr;
  std::vector<Field> arguments;
  std::vector<Field> results;
  /// Of inline assembly: the operands of the instruction, several for a list in
  /// braces or brackets. Of intrinsics empty: the arguments are the operands.
  std::vector<std::vector<AsmOperand>> operands;
  /// Of inline assembly: the instruction as it stands there.
  std::string text;
  /// Of inline assembly: the argument that guards the instruction, or -1.
  int predicate = -1;
  bool isPredicateNegated = false;
  /// Of inline assembly: it branches back until the instruction succeeds.
  bool isLooped = false;
  SitePosition position;
  uint32_t line = 0;
};

/// The threads that execute an operation together.
class Group {
public:
  Group(Thread &leader, uint64_t lanes) : leader(leader), lanes(lanes) {}

  /// Of Scope::Thread: the only thread.
  Thread &thread() const { return leader; }
  Machine &machine() const { return *leader.machine; }
  Block &block() const { return *leader.block; }
  Warp &warp() const { return *leader.warp; }
  const CallSite &site() const { return *leader.site; }
  bool isActive(uint32_t lane) const { return lanes >> lane & 1; }
  uint64_t activeLanes() const { return lanes; }
  /// Of a warp or wave.
  Thread &lane(uint32_t lane) const { return leader.warp->threads[lane]; }
  uint32_t size() const { return leader.warp->count; }
  /// Of a warpgroup: one of its 128 threads.
  Thread &groupThread(uint32_t index) const {
    const uint32_t first = leader.indexInBlock / 128 * 128;
    return leader.block->threads[first + index];
  }

  template <class Function>
  void forEachActive(Function function) const {
    for (uint64_t rest = lanes; rest; rest &= rest - 1)
      function(lane(static_cast<uint32_t>(__builtin_ctzll(rest))));
  }

  [[noreturn]] void fail(const std::string &message) const {
    machine().fail(leader, message);
  }

private:
  Thread &leader;
  uint64_t lanes;
};

inline char *argumentBytes(const Thread &thread, size_t index) {
  return thread.arguments + thread.site->arguments[index].offset;
}
inline char *resultBytes(const Thread &thread, size_t index = 0) {
  return thread.results + thread.site->results[index].offset;
}

template <class T>
T argument(const Thread &thread, size_t index) {
  T value;
  std::memcpy(&value, argumentBytes(thread, index), sizeof(T));
  return value;
}
/// An integer or an address of whatever width, extended with zeros.
inline uint64_t integerArgument(const Thread &thread, size_t index) {
  uint64_t value = 0;
  const uint32_t bytes = thread.site->arguments[index].bytes;
  std::memcpy(&value, argumentBytes(thread, index), bytes < 8 ? bytes : 8);
  return value;
}
/// Operand `index` of an intrinsic or an instruction, as integerArgument.
inline uint64_t operand(const Thread &thread, size_t index, size_t part = 0) {
  const CallSite &site = *thread.site;
  if (site.operands.empty())
    return integerArgument(thread, index);
  const AsmOperand &in = site.operands[index][part];
  if (in.kind == AsmOperand::Literal)
    return static_cast<uint64_t>(in.value);
  const bool isResult = in.kind == AsmOperand::Result;
  const Field &field = (isResult ? site.results : site.arguments)[in.value];
  uint64_t value = 0;
  std::memcpy(&value,
              (isResult ? thread.results : thread.arguments) + field.offset,
              field.bytes < 8 ? field.bytes : 8);
  return value;
}
/// Writes a register of inline assembly.
inline void setOperand(const Thread &thread, size_t index, uint64_t value,
                       size_t part = 0) {
  const CallSite &site = *thread.site;
  const AsmOperand &out = site.operands[index][part];
  const bool isResult = out.kind == AsmOperand::Result;
  const Field &field = (isResult ? site.results : site.arguments)[out.value];
  std::memcpy((isResult ? thread.results : thread.arguments) + field.offset,
              &value, field.bytes < 8 ? field.bytes : 8);
}
/// True unless inline assembly guards its instruction with a false predicate.
inline bool isEnabled(const Thread &thread) {
  const int predicate = thread.site->predicate;
  return predicate < 0 || bool(integerArgument(thread, predicate) & 1) !=
                              thread.site->isPredicateNegated;
}
template <class T>
void setResult(const Thread &thread, T value, size_t index = 0) {
  std::memcpy(resultBytes(thread, index), &value, sizeof(T));
}

/// A thread arrives at an operation. Returns when it is done for it.
void arrive(Thread &thread);
/// Tells the thread's warp that it has ended.
void leave(Thread &thread);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_RUNTIME_CALLSITE_H
