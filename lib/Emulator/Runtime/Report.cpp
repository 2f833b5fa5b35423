//===- Report.cpp - What errors of a launch say ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CallSite.h"

#include <map>

using namespace attn::emulator;

static std::string tuple(const uint32_t (&dim)[3]) {
  return "(" + std::to_string(dim[0]) + ", " + std::to_string(dim[1]) + ", " +
         std::to_string(dim[2]) + ")";
}

std::string Machine::describeThread(const Thread &thread) const {
  std::string text = "kernel " + launch.kernel.name + ", block " +
                     tuple(thread.registers.blockIndex) + ", thread " +
                     tuple(thread.registers.threadIndex) + " (warp " +
                     std::to_string(thread.registers.warp) + ", lane " +
                     std::to_string(thread.registers.lane) + ")";
  uint32_t line = 0;
  if (thread.access) {
    text += std::string(", at ") + thread.access->description;
    line = thread.access->line;
  } else if (thread.site) {
    text += ", at " + thread.site->name;
    line = thread.site->line;
  }
  return line ? text + " (line " + std::to_string(line) + ")" : text;
}

std::string Machine::describeActor(ActorId actor) const {
  const bool isWave = launch.kernel.warpSize == 64;
  const uint32_t inAll = actor % numActors;
  const uint32_t perBlock = numActors / static_cast<uint32_t>(blocks.size());
  std::string text =
      (isWave ? "wave " : "thread ") + std::to_string(inAll % perBlock);
  if (blocks.size() > 1)
    text += " of block " + std::to_string(inAll / perBlock) + " of the cluster";
  if (isWave && actor >= 2 * numActors)
    return text; // its writes
  if (actor >= 2 * numActors)
    return "the asynchronous proxy of " + text;
  return actor >= numActors ? "an asynchronous copy of " + text : text;
}

std::string Machine::describeConflict(const Conflict &conflict, ActorId actor,
                                      AccessKind kind,
                                      const std::string &place) const {
  const std::string both =
      describeActor(conflict.other.actor) + " and " + describeActor(actor);
  const char *isWriting = kind == AccessKind::Read ? "read" : "write";
  switch (conflict.kind) {
  case ConflictKind::Uninitialised:
    return "read of uninitialised " + place + " by " + describeActor(actor);
  case ConflictKind::ProxyFence:
    return "missing proxy fence: " + place + " was written by " +
           describeActor(conflict.other.actor) + " and is used by " +
           describeActor(actor);
  case ConflictKind::WriteWrite:
    return "race on " + place + ": " + both + " write without an order";
  case ConflictKind::ReadAfterWrite:
    return "race on " + place + ": " + both +
           " write and read without an order";
  default:
    return "race on " + place + ": " + both + " read and " + isWriting +
           " without an order";
  }
}

std::string Machine::describeDeadlock() const {
  // Where, and which threads of which block.
  std::map<std::pair<uint32_t, std::string>, std::vector<uint32_t>> waiting;
  uint64_t finished = 0;
  for (const Block &block : blocks)
    for (const Thread &thread : block.threads) {
      if (thread.status == ThreadStatus::Done) {
        ++finished;
        continue;
      }
      std::string where = thread.site ? thread.site->name : "nothing";
      if (thread.waitsFor)
        where += ", " + thread.waitsFor->describe();
      if (thread.site && thread.site->line)
        where += " (line " + std::to_string(thread.site->line) + ")";
      waiting[{block.clusterRank, where}].push_back(thread.indexInBlock);
    }
  std::string text = "deadlock in kernel " + launch.kernel.name + ", block " +
                     tuple(blocks.front().threads.front().registers.blockIndex);
  for (const auto &[where, threads] : waiting) {
    text += "\n  ";
    if (blocks.size() > 1)
      text += "block " + std::to_string(where.first) + " of the cluster: ";
    text += std::to_string(threads.size()) + " threads (" +
            std::to_string(threads.front());
    if (threads.size() > 1)
      text += " .. " + std::to_string(threads.back());
    text += ") wait at " + where.second;
  }
  if (finished)
    text += "\n  " + std::to_string(finished) + " threads have ended";
  return text;
}
