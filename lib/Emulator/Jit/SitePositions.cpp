//===- SitePositions.cpp - The order in which a wave meets its operations -===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A wave has one program counter; here every lane runs by itself up to an
// operation of the wave. To know which lanes execute it together, each site has
// a position in an order that respects control flow, and each loop counts its
// trips in the thread's record.
//
//===----------------------------------------------------------------------===//

#include "Retarget.h"

#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"

#include <cstddef>

using namespace llvm;
using namespace attn::emulator;

static constexpr unsigned maxLoops =
    sizeof(ThreadRegisters::loopTrips) / sizeof(uint32_t);

static Value *tripCounter(IRBuilderBase &builder, FunctionContext &context,
                          unsigned loop) {
  return builder.CreateConstInBoundsGEP1_64(
      builder.getInt8Ty(), context.registers(),
      offsetof(ThreadRegisters, loopTrips) + 4 * loop);
}

/// Zero on the way into the loop, one more at each of its iterations.
static void countTrips(const Loop &loop, unsigned index,
                       FunctionContext &context) {
  BasicBlock *header = loop.getHeader();
  for (BasicBlock *before : predecessors(header)) {
    if (loop.contains(before))
      continue;
    IRBuilder<> builder(before->getTerminator());
    builder.CreateStore(builder.getInt32(0),
                        tripCounter(builder, context, index));
  }
  IRBuilder<> builder(header, header->getFirstInsertionPt());
  Value *counter = tripCounter(builder, context, index);
  Value *trips = builder.CreateLoad(builder.getInt32Ty(), counter);
  builder.CreateStore(builder.CreateAdd(trips, builder.getInt32(1)), counter);
}

Error SitePositions::number(FunctionContext &context) {
  context.registers(); // in the entry block, before anything is inserted
  DominatorTree dominators(context.function);
  LoopInfo loops(dominators);
  DenseMap<const BasicBlock *, uint32_t> order;
  for (BasicBlock *block :
       ReversePostOrderTraversal<Function *>(&context.function)) {
    const uint32_t next = static_cast<uint32_t>(order.size());
    order[block] = next;
  }
  DenseMap<const Loop *, unsigned> indices;
  const SmallVector<Loop *> all = loops.getLoopsInPreorder();
  if (all.size() > maxLoops)
    return createStringError("unsupported: a kernel with more than " +
                             Twine(maxLoops) + " loops");
  for (const Loop *loop : all) {
    const unsigned index = indices.size();
    indices[loop] = index;
    countTrips(*loop, index, context);
  }
  for (const auto &[block, position] : order) {
    SitePosition site;
    site.position = position;
    for (const Loop *loop = loops.getLoopFor(block); loop;
         loop = loop->getParentLoop())
      site.loops.insert(site.loops.begin(),
                        {order[loop->getHeader()], indices[loop]});
    blocks[block] = std::move(site);
  }
  return Error::success();
}

/// Instructions of a block follow each other; an operation may become a few.
static constexpr uint32_t maxBlockPosition = 1 << 17;

SitePosition SitePositions::findPosition(const Instruction &instruction) const {
  auto found = blocks.find(instruction.getParent());
  if (found == blocks.end())
    return {};
  SitePosition position = found->second;
  for (SitePosition::Level &level : position.loops)
    level.position *= maxBlockPosition;
  uint32_t inBlock = 0;
  for (const Instruction &other : *instruction.getParent()) {
    if (&other == &instruction)
      break;
    inBlock += isa<CallBase, FenceInst>(other);
  }
  position.position = position.position * maxBlockPosition + 1 + 16 * inBlock;
  return position;
}
