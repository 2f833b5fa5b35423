//===- FatalErrors.cpp - Errors that LLVM does not return -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FatalErrors.h"

#include "llvm/Support/ErrorHandling.h"
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

using namespace attn;

namespace {
/// What a worker and the thread that waits for it share.
struct Shared {
  std::function<ServiceResult()> work;
  std::mutex mutex;
  std::condition_variable changed;
  bool finished = false;
  ServiceResult result;

  void finish(ServiceResult given) {
    std::lock_guard<std::mutex> lock(mutex);
    result = std::move(given);
    finished = true;
    changed.notify_all();
  }
};
} // namespace

/// The work of this thread; null in threads that are not ours.
static thread_local Shared *current = nullptr;

/// LLVM calls this in the thread with the error and ends the process when it
/// returns.
static void handleFatalError(void *, const char *reason, bool) {
  if (!current) {
    // What LLVM does without a handler.
    std::fprintf(stderr, "LLVM ERROR: %s\n", reason);
    return;
  }
  ServiceResult failure;
  failure.status = ServiceResult::Status::Failed;
  failure.text = std::string("the code generator gave up: ") + reason;
  current->finish(std::move(failure));
  std::mutex never;
  std::unique_lock<std::mutex> lock(never);
  std::condition_variable().wait(lock, [] { return false; });
}

ServiceResult
attn::runSurvivingFatalErrors(std::function<ServiceResult()> work) {
  static std::once_flag once;
  std::call_once(once,
                 [] { llvm::install_fatal_error_handler(handleFatalError); });

  // The worker keeps it, too: it may never end.
  auto shared = std::make_shared<Shared>();
  shared->work = std::move(work);
  std::thread worker([shared] {
    current = shared.get();
    ServiceResult result = shared->work();
    shared->finish(std::move(result));
  });
  worker.detach();
  std::unique_lock<std::mutex> lock(shared->mutex);
  shared->changed.wait(lock, [&] { return shared->finished; });
  return std::move(shared->result);
}
