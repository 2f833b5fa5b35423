//===- Experiment.h - One problem, compiled, run and checked ----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `attn-gen GENERATOR | attn-runner - RUNNER` does, in process: hundreds
// of problems share one MLIR context, and tests may edit arrays and IR between
// the steps. Outputs and the kernel's scratch memory are poisoned with NaN.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_NUMERICS_EXPERIMENT_H
#define ATTN_TEST_NUMERICS_EXPERIMENT_H

#include "attn/Runner/Entry.h"
#include "attn/Runner/Execution.h"
#include "attn/Runner/Options.h"
#include "mlir/IR/OwningOpRef.h"
#include <functional>

namespace attn::numerics {

/// An array element as text, "-inf", "nan", "3".
using Edits = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Numbers of tiles with a masked and an unmasked body.
struct TileCounts {
  int64_t masked = 0, unmasked = 0;
  bool operator==(const TileCounts &other) const {
    return masked == other.masked && unmasked == other.unmasked;
  }
};

class Experiment {
public:
  /// Writes the IR and creates the arrays. `generator` and `runner` are words
  /// of the command lines of attn-gen and attn-runner, which check them;
  /// --random is implied.
  static llvm::Expected<std::unique_ptr<Experiment>>
  create(llvm::StringRef generator, llvm::StringRef runner,
         mlir::MLIRContext &context);
  ~Experiment();

  /// Counts tiles in the kernel that compile() makes.
  void setCountTiles() { countTiles = true; }
  /// Threads of the next calls.
  void setThreads(int threads) { options.threads = threads; }

  /// Runs on the module at the `online` stage before it is compiled further.
  using Mutation = std::function<void(mlir::ModuleOp)>;

  /// Makes the kernel from `source`, or from this experiment's own problem. The
  /// functions of both must take the same arguments.
  llvm::Error compile(const Experiment *source = nullptr,
                      const Mutation &mutate = nullptr);

  /// Of a device: runs the kernel under another schedule, or as a mutant.
  void setOptions(const DeviceOptions &options);
  /// What a device runs.
  const Kernel &getKernel() const;

  /// Poisons the outputs and calls the kernel. A device that fails, as the
  /// emulator does on a data race, makes check() report it.
  void call();

  /// Compares with the reference; `message` says how far off, or what is wrong.
  bool check(std::string &message) const;

  /// Scores of all batches and heads; 0 where operands are computed.
  int64_t countScores() const;

  /// Counters of the last call.
  TileCounts getTileCounts() const;
  /// The same by brute force over all pairs, with the tile sizes of the config.
  llvm::Expected<TileCounts> countTilesByHand() const;

  /// The array of an argument by role ("k", "kv_lens") or number ("arg1"); null
  /// if there is none.
  const TensorView *find(llvm::StringRef argument) const;
  /// The same; there must be one.
  const TensorView &get(llvm::StringRef argument) const;
  TensorView getOut() const;
  TensorView getLse() const;
  /// Writes values over arrays, row-major, starting anew when they run out.
  llvm::Error edit(const Edits &edits);

  const runner::Execution &getExecution() const { return *execution; }
  const runner::RunnerOptions &getOptions() const { return options; }

private:
  Experiment() = default;
  TensorView getOutput(unsigned init) const;
  mlir::ModuleOp getModule() const { return module.get(); }

  mlir::OwningOpRef<mlir::ModuleOp> module;
  runner::RunnerOptions options;
  runner::Entry entry;
  std::vector<Tensor> arguments;
  /// Null on a device.
  std::unique_ptr<JitKernel> kernel;
  /// Of the last call; empty if there was none.
  std::string failure;
  std::unique_ptr<runner::Execution> execution;
  bool countTiles = false;
};

/// An error that says that a problem is refused, by verifier or target, rather
/// than that something went wrong.
class RefusedError : public llvm::ErrorInfo<RefusedError> {
public:
  static char ID;
  explicit RefusedError(std::string message) : text(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

private:
  std::string text;
};

/// True if this machine can run code for `target`; empty is native.
bool canRun(llvm::StringRef target);

/// The value of `--name=` among `words`, or nothing.
std::optional<std::string> findOption(llvm::StringRef words,
                                      llvm::StringRef name);

} // namespace attn::numerics

#endif // ATTN_TEST_NUMERICS_EXPERIMENT_H
