//===- InterleaveProducts.cpp - Order of products and softmax -------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two waves of a SIMD meet at the same barriers, so that they do the same
// things at the same time: what overlaps a product must stand next to it. The
// code generator takes the LDS for five times faster than it is and groups
// products. Here a block with products is put in the order in which a wave that
// has half of the SIMD would issue it:
//
//   - a product as soon as the matrix unit and its operands are ready,
//   - in between, what lies on the longest way to the end of the block,
//   - while the vector unit is busy, what it does not do: reads of operands a
//     few products ahead, into few registers, loads of a later tile as late as
//     memory allows, addresses.
//
// A fence before each instruction keeps the order. Time counts in slots of 4
// clocks.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/ROCDL/InterleaveProducts.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsAMDGPU.h"
#include "llvm/IR/Module.h"
#include <deque>
#include <tuple>

using namespace llvm;

/// Waves of a SIMD, which take turns.
static constexpr int64_t kWaves = 2;
static constexpr int64_t kTranscendentalSlots = 4, kProductSlots = 8;
/// From a read of the LDS to its result, behind one of the other wave; for how
/// long the reads of all waves hold the LDS; until it is empty, behind the
/// last.
static constexpr int64_t kReadLatency = 32, kReadSlots = 16, kDrainLatency = 40;
/// A product's result reaches others than the next product later.
static constexpr int64_t kForwardLatency = 4;
/// From a load of global memory.
static constexpr int64_t kLoadLatency = 200;
/// How much earlier than needed it is issued, and how much more at most: what
/// is loaded takes registers.
static constexpr int64_t kLoadLead = 100, kMaxLoadLead = 400;
/// Operands read ahead: each has four registers. Fewer beside a later tile that
/// takes many itself, as where a block is one wave.
static constexpr unsigned kReadsAhead = 5, kFewReadsAhead = 2;
static constexpr uint64_t kManyLoadedBits = 48 * 32;
/// Blocks with fewer products are no loops over keys.
static constexpr int64_t kMinProducts = 8;
static constexpr unsigned kSharedSpace = 3;

namespace {

/// What may be issued in the same slot: the last one first. Nothing that the
/// vector unit does waits for others, which are issued while it is busy.
enum class Kind { Scalar, GlobalLoad, SharedRead, Ordered, Vector, Product };

/// An instruction that costs something.
struct Node {
  Instruction *instruction = nullptr;
  Kind kind = Kind::Vector;
  /// Slots of the vector unit, for all waves, or of its own wave.
  int64_t issue = 0;
  /// The last slot by which its operands are there.
  int64_t ready = 0;
  /// Slots from its issue to the end of the block.
  int64_t path = 0;
  unsigned position = 0, operandsLeft = 0, productsLeft = 0;
  SmallVector<Node *, 4> operands, users;
};

class BlockScheduler {
public:
  BlockScheduler(BasicBlock &block,
                 const SmallPtrSetImpl<Instruction *> &varying)
      : block(block), varying(varying) {}

  void run();

private:
  void collect();
  void connect();
  void connectMemory();
  void connectCarried();
  void findSources(Value *value, SmallPtrSetImpl<Node *> &sources,
                   SmallPtrSetImpl<Instruction *> &seen);
  SmallVector<Node *> findUsers(Value &value);
  Node *findFirstOfSum(Node *node);
  void addEdge(Node *from, Node *to);
  void measurePaths();
  void limitReads();
  bool canIssue(const Node &node, bool &waits) const;
  Node *pick();
  void place(Node *node);
  void emit(Instruction *instruction);
  void reorder();

  BasicBlock &block;
  const SmallPtrSetImpl<Instruction *> &varying;
  std::deque<Node> nodes;
  DenseMap<Instruction *, Node *> nodeOf;
  SmallVector<Node *> available, order;
  SmallPtrSet<Instruction *, 32> emitted;
  int64_t now = 0, matrixFree = 0, vectorFree = 0, sharedFree = 0;
  /// How long the block takes at least.
  int64_t length = 0;
  unsigned readsAhead = 0, maxReadsAhead = kReadsAhead;
};

} // namespace

static Intrinsic::ID getIntrinsic(const Instruction &instruction) {
  auto *call = dyn_cast<IntrinsicInst>(&instruction);
  return call ? call->getIntrinsicID() : Intrinsic::not_intrinsic;
}

static bool isProduct(const Instruction &instruction) {
  auto *call = dyn_cast<IntrinsicInst>(&instruction);
  return call &&
         call->getCalledFunction()->getName().starts_with("llvm.amdgcn.mfma.");
}

static bool isFence(const Instruction &instruction) {
  return getIntrinsic(instruction) == Intrinsic::amdgcn_sched_barrier;
}

static bool isTranscendental(const Instruction &instruction) {
  switch (getIntrinsic(instruction)) {
  case Intrinsic::amdgcn_exp2:
  case Intrinsic::amdgcn_log:
  case Intrinsic::amdgcn_rcp:
  case Intrinsic::amdgcn_rsq:
  case Intrinsic::amdgcn_sqrt:
    return true;
  default:
    return false;
  }
}

/// Renames registers, or is part of the instruction that uses it.
static bool isFree(const Instruction &instruction) {
  if (auto *address = dyn_cast<GetElementPtrInst>(&instruction))
    return address->hasAllConstantIndices() || address->hasOneUse();
  // The upper halves of registers are picked by the truncation.
  if (instruction.getOpcode() == Instruction::LShr)
    return all_of(instruction.users(), IsaPred<TruncInst>);
  if (isa<TruncInst>(instruction))
    return !instruction.getType()->isVectorTy();
  return isa<BitCastInst, ExtractElementInst, InsertElementInst,
             ShuffleVectorInst, ExtractValueInst, FreezeInst, ZExtInst>(
      instruction);
}

static bool touchesMemory(const Instruction &instruction) {
  return instruction.mayReadOrWriteMemory() || instruction.mayHaveSideEffects();
}

/// A store to the LDS: the barrier behind the block waits for it.
static bool isSharedWrite(const Instruction &instruction) {
  auto *store = dyn_cast<StoreInst>(&instruction);
  return store && store->getPointerAddressSpace() == kSharedSpace;
}

static bool isGlobalLoad(const Instruction &instruction) {
  return getIntrinsic(instruction) == Intrinsic::amdgcn_raw_ptr_buffer_load;
}

/// Whether the scalar unit computes it: integers that all lanes have in common,
/// and sets of lanes, but no ordered comparison of 64 bits.
static bool isScalar(const Instruction &instruction, bool varies) {
  Type *type = instruction.getType();
  if (type->isIntegerTy(1) && isa<BinaryOperator, SelectInst>(instruction))
    return true;
  if (varies)
    return false;
  if (auto *compare = dyn_cast<ICmpInst>(&instruction))
    return compare->isEquality() ||
           !compare->getOperand(0)->getType()->isIntegerTy(64);
  return type->isIntegerTy() || type->isPointerTy();
}

static Kind getKind(const Instruction &instruction, bool varies) {
  if (isProduct(instruction))
    return Kind::Product;
  if (auto *load = dyn_cast<LoadInst>(&instruction);
      load && load->getPointerAddressSpace() == kSharedSpace)
    return Kind::SharedRead;
  if (isGlobalLoad(instruction))
    return Kind::GlobalLoad;
  if (touchesMemory(instruction))
    return Kind::Ordered;
  return isScalar(instruction, varies) ? Kind::Scalar : Kind::Vector;
}

static bool usesVectorUnit(Kind kind) {
  return kind == Kind::Product || kind == Kind::Vector;
}

/// Instructions of the vector unit.
static int64_t countVectorSlots(const Instruction &instruction) {
  if (isTranscendental(instruction))
    return kTranscendentalSlots;
  auto *vector = dyn_cast<FixedVectorType>(instruction.getType());
  if (!vector)
    return 1;
  int64_t elements = vector->getNumElements();
  // Two halves make a register.
  return vector->getScalarSizeInBits() < 32 ? (elements + 1) / 2 : elements;
}

/// Slots from the issue of `node` until `user` can issue.
static int64_t getLatency(const Node &node, const Node &user) {
  switch (node.kind) {
  case Kind::Product:
    return kWaves * kProductSlots +
           (user.kind == Kind::Product ? 0 : kForwardLatency);
  case Kind::SharedRead:
    return user.kind == Kind::Ordered ? kDrainLatency : kReadLatency;
  case Kind::GlobalLoad:
    return user.kind == Kind::Ordered ? 0 : kLoadLatency;
  case Kind::Vector:
    return isTranscendental(*node.instruction) ? node.issue + 1 : node.issue;
  case Kind::Scalar:
    return node.issue;
  case Kind::Ordered:
    return 0;
  }
  llvm_unreachable("unknown kind");
}

void BlockScheduler::collect() {
  for (Instruction &instruction : block) {
    if (isa<PHINode>(instruction) || instruction.isTerminator() ||
        isFree(instruction))
      continue;
    Node &node = nodes.emplace_back();
    node.instruction = &instruction;
    node.kind = getKind(instruction, varying.contains(&instruction));
    node.position = nodes.size();
    node.issue = node.kind == Kind::Product ? kWaves
                 : node.kind == Kind::Vector
                     ? kWaves * countVectorSlots(instruction)
                     : 1;
    nodeOf[&instruction] = &node;
  }
}

/// The nodes that `value` is computed from, through free instructions.
void BlockScheduler::findSources(Value *value, SmallPtrSetImpl<Node *> &sources,
                                 SmallPtrSetImpl<Instruction *> &seen) {
  auto *instruction = dyn_cast<Instruction>(value);
  if (!instruction || instruction->getParent() != &block ||
      isa<PHINode>(instruction) || !seen.insert(instruction).second)
    return;
  if (Node *node = nodeOf.lookup(instruction)) {
    sources.insert(node);
    return;
  }
  for (Value *operand : instruction->operands())
    findSources(operand, sources, seen);
}

/// All that cannot be issued before `node`, and it.
static void findLater(Node *node, SmallPtrSetImpl<Node *> &later) {
  if (later.insert(node).second)
    for (Node *user : node->users)
      findLater(user, later);
}

void BlockScheduler::addEdge(Node *from, Node *to) {
  if (is_contained(from->users, to))
    return;
  from->users.push_back(to);
  to->operands.push_back(from);
  from->productsLeft += to->kind == Kind::Product;
  ++to->operandsLeft;
}

void BlockScheduler::connect() {
  for (Node &node : nodes) {
    SmallPtrSet<Node *, 8> sources;
    SmallPtrSet<Instruction *, 16> seen;
    for (Value *operand : node.instruction->operands())
      findSources(operand, sources, seen);
    for (Node *source : sources)
      addEdge(source, &node);
  }
  connectMemory();
  connectCarried();
}

/// Reads change places with each other only.
void BlockScheduler::connectMemory() {
  Node *last = nullptr;
  SmallVector<Node *> reads;
  for (Node &node : nodes) {
    if (node.kind == Kind::SharedRead || node.kind == Kind::GlobalLoad) {
      if (last)
        addEdge(last, &node);
      reads.push_back(&node);
    } else if (node.kind == Kind::Ordered) {
      if (last)
        addEdge(last, &node);
      for (Node *read : reads)
        addEdge(read, &node);
      reads.clear();
      last = &node;
    }
  }
}

/// The nodes of this block that use `value`, through free instructions and
/// where branches meet.
SmallVector<Node *> BlockScheduler::findUsers(Value &value) {
  SmallVector<Node *> found;
  SmallVector<Value *> pending{&value};
  SmallPtrSet<Value *, 16> seen;
  while (!pending.empty())
    for (User *user : pending.pop_back_val()->users()) {
      auto *instruction = dyn_cast<Instruction>(user);
      if (!instruction || !seen.insert(instruction).second)
        continue;
      if (Node *node = nodeOf.lookup(instruction))
        found.push_back(node);
      else if (isa<PHINode>(instruction) || instruction->getParent() == &block)
        pending.push_back(instruction);
    }
  return found;
}

/// The first of the products that `node` adds to, which has its registers.
Node *BlockScheduler::findFirstOfSum(Node *node) {
  while (node->kind == Kind::Product) {
    constexpr unsigned kAddend = 2;
    Node *before = nodeOf.lookup(
        dyn_cast<Instruction>(node->instruction->getOperand(kAddend)));
    if (!before)
      break;
    node = before;
  }
  return node;
}

/// What the next iteration gets has the registers of what this one got: it is
/// not computed before that has had its last use, or it would be moved.
void BlockScheduler::connectCarried() {
  // Neighbouring phis are parts of one sum.
  Node *lastFirst = nullptr;
  SmallPtrSet<Node *, 32> behindFirst;
  for (BasicBlock *successor : successors(&block))
    for (PHINode &phi : successor->phis()) {
      SmallPtrSet<Node *, 8> next;
      SmallPtrSet<Instruction *, 16> seen;
      findSources(phi.getIncomingValueForBlock(&block), next, seen);
      for (Node *source : next) {
        Node *first = findFirstOfSum(source);
        if (first != lastFirst) {
          behindFirst.clear();
          findLater(first, behindFirst);
        }
        lastFirst = first;
        for (Node *user : findUsers(phi))
          if (!behindFirst.contains(user))
            addEdge(user, first);
      }
    }
}

void BlockScheduler::measurePaths() {
  int64_t vectorSlots = 0, matrixSlots = 0;
  for (Node &node : nodes) {
    vectorSlots += usesVectorUnit(node.kind) ? node.issue : 0;
    matrixSlots += node.kind == Kind::Product ? kWaves * kProductSlots : 0;
  }
  length = std::max(vectorSlots, matrixSlots);
  // Backwards from the nodes without users.
  SmallVector<Node *> pending;
  DenseMap<Node *, size_t> usersLeft;
  for (Node &node : nodes) {
    node.path = isSharedWrite(*node.instruction) ? kReadLatency : node.issue;
    usersLeft[&node] = node.users.size();
    if (node.users.empty())
      pending.push_back(&node);
  }
  while (!pending.empty()) {
    Node *user = pending.pop_back_val();
    for (Node *node : user->operands) {
      int64_t lead = node->kind == Kind::GlobalLoad ? kLoadLead : 0;
      node->path =
          std::max(node->path, getLatency(*node, *user) + lead + user->path);
      if (--usersLeft[node] == 0)
        pending.push_back(node);
    }
  }
}

void BlockScheduler::limitReads() {
  uint64_t loadedBits = 0;
  for (const Node &node : nodes)
    if (node.kind == Kind::GlobalLoad)
      loadedBits += node.instruction->getType()->getPrimitiveSizeInBits();
  if (loadedBits > kManyLoadedBits)
    maxReadsAhead = kFewReadsAhead;
}

/// Whether `node` can be issued now; sets `waits` if it can later.
bool BlockScheduler::canIssue(const Node &node, bool &waits) const {
  if (node.kind == Kind::SharedRead) {
    if (readsAhead >= maxReadsAhead)
      return false;
    waits |= sharedFree > now;
    return sharedFree <= now;
  }
  int64_t earliest = node.ready;
  if (usesVectorUnit(node.kind))
    earliest = std::max(earliest, vectorFree);
  if (node.kind == Kind::Product)
    earliest = std::max(earliest, matrixFree);
  if (node.kind == Kind::GlobalLoad)
    earliest =
        std::max(earliest, length - node.path - (kMaxLoadLead - kLoadLead));
  waits |= earliest > now;
  return earliest <= now;
}

/// What to issue now; null if nothing can be.
Node *BlockScheduler::pick() {
  auto rank = [](const Node *node) {
    return std::tuple(node->kind, node->path,
                      -static_cast<int64_t>(node->position));
  };
  Node *best = nullptr, *any = nullptr;
  bool waits = false;
  for (Node *node : available) {
    if (!any || rank(node) > rank(any))
      any = node;
    if (canIssue(*node, waits) && (!best || rank(node) > rank(best)))
      best = node;
  }
  // Where products need more reads at a time than are to be ahead.
  return best || waits ? best : any;
}

void BlockScheduler::place(Node *node) {
  llvm::erase(available, node);
  order.push_back(node);
  if (node->kind == Kind::Product)
    matrixFree = now + kWaves * kProductSlots;
  if (node->kind == Kind::SharedRead)
    sharedFree = now + kReadSlots;
  if (node->kind == Kind::SharedRead && node->productsLeft > 0)
    ++readsAhead;
  if (node->kind == Kind::Product)
    for (Node *operand : node->operands)
      if (operand->kind == Kind::SharedRead && --operand->productsLeft == 0)
        --readsAhead;
  for (Node *user : node->users) {
    user->ready = std::max(user->ready, now + getLatency(*node, *user));
    if (--user->operandsLeft == 0)
      available.push_back(user);
  }
  if (usesVectorUnit(node->kind))
    vectorFree = now + node->issue;
  now += usesVectorUnit(node->kind) ? 1 : node->issue;
}

/// `instruction` next, behind the free ones that it needs.
void BlockScheduler::emit(Instruction *instruction) {
  if (instruction->getParent() != &block || isa<PHINode>(instruction) ||
      !emitted.insert(instruction).second)
    return;
  for (Value *operand : instruction->operands())
    if (auto *source = dyn_cast<Instruction>(operand))
      emit(source);
  instruction->moveBefore(block.getTerminator()->getIterator());
}

void BlockScheduler::reorder() {
  SmallVector<Instruction *> rest;
  for (Instruction &instruction : block)
    if (!isa<PHINode>(instruction) && !instruction.isTerminator() &&
        !nodeOf.contains(&instruction))
      rest.push_back(&instruction);
  IRBuilder<> builder(block.getTerminator());
  for (Node *node : order) {
    builder.CreateIntrinsic(Intrinsic::amdgcn_sched_barrier,
                            {builder.getInt32(0)});
    emit(node->instruction);
  }
  for (Instruction *instruction : rest)
    emit(instruction);
}

void BlockScheduler::run() {
  // Fences from before are there for what is carried, as edges are now.
  for (Instruction &instruction : make_early_inc_range(block))
    if (isFence(instruction))
      instruction.eraseFromParent();
  collect();
  connect();
  measurePaths();
  limitReads();
  for (Node &node : nodes)
    if (node.operandsLeft == 0)
      available.push_back(&node);
  while (!available.empty()) {
    if (Node *node = pick())
      place(node);
    else
      ++now;
  }
  assert(order.size() == nodes.size() && "edges form a cycle");
  reorder();
}

/// Whether the result is the same in all lanes whatever the operands are.
static bool isUniform(const Instruction &instruction) {
  switch (getIntrinsic(instruction)) {
  case Intrinsic::amdgcn_readfirstlane:
  case Intrinsic::amdgcn_ballot:
    return true;
  default:
    return instruction.getType()->isVoidTy();
  }
}

static bool isSourceOfVariance(const Instruction &instruction) {
  if (getIntrinsic(instruction) == Intrinsic::amdgcn_workitem_id_x)
    return true;
  auto *load = dyn_cast<LoadInst>(&instruction);
  return load && load->getPointerAddressSpace() == kSharedSpace;
}

/// The instructions of `function` whose results may differ between lanes.
static SmallPtrSet<Instruction *, 32> findVarying(Function &function) {
  SmallPtrSet<Instruction *, 32> varying;
  SmallVector<Instruction *> pending;
  for (Instruction &instruction : instructions(function))
    if (isSourceOfVariance(instruction) || isGlobalLoad(instruction))
      pending.push_back(&instruction);
  while (!pending.empty()) {
    Instruction *instruction = pending.pop_back_val();
    if (isUniform(*instruction) || !varying.insert(instruction).second)
      continue;
    for (User *user : instruction->users())
      pending.push_back(cast<Instruction>(user));
  }
  return varying;
}

void attn::interleaveProducts(Module &module) {
  for (Function &function : module) {
    SmallVector<BasicBlock *> blocks;
    for (BasicBlock &block : function)
      if (count_if(block, isProduct) >= kMinProducts)
        blocks.push_back(&block);
    if (blocks.empty())
      continue;
    SmallPtrSet<Instruction *, 32> varying = findVarying(function);
    for (BasicBlock *block : blocks)
      BlockScheduler(*block, varying).run();
  }
}
