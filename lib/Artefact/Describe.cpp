//===- Describe.cpp - The manifest of a kernel ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Artefact/Describe.h"

#include "attn/Artefact/Version.h"
#include "attn/Compiler/Diagnostics.h"
#include "attn/Runtime/KernelAbi.h"
#include "attn/Runtime/Manifest.h"
#include "attn/Target/CPU/RequiredFeatures.h"

#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace attn;
using namespace attn::runner;

/// What a front end wants to find again beside the machine code, a string.
static constexpr StringLiteral noteName = "attn.note";

static json::Array toArray(ArrayRef<int64_t> dims) {
  json::Array array;
  for (int64_t dim : dims)
    array.push_back(mlir::ShapedType::isDynamic(dim) ? anySize : dim);
  return array;
}

static Expected<json::Object> describeArgument(const ArgumentInfo &info) {
  if (info.isTensor)
    return createError(info.name + ": type " + info.type +
                       "; a kernel takes memrefs and scalars");
  return json::Object{
      {"name", info.roleName.empty() ? info.name : info.roleName},
      {"type", std::string(name(info.element))},
      {"sizes", toArray(info.shape)},
      {"strides", toArray(info.strides)}};
}

static json::Object describeAttention(AttentionOp op) {
  json::Array roles;
  for (const RoleValue &use : getRoles(op))
    if (auto argument = getFunctionArgument(use.value))
      roles.push_back(
          json::Object{{"role", stringify(use.role)}, {"argument", *argument}});
  return json::Object{{"q_layout", stringifyLayout(op.getQLayout())},
                      {"k_layout", stringifyLayout(op.getKLayout())},
                      {"v_layout", stringifyLayout(op.getVLayout())},
                      {"out_layout", stringifyLayout(op.getOutLayout())},
                      {"roles", std::move(roles)}};
}

Expected<json::Object> attn::describeKernel(const Entry &entry,
                                            const CodegenTarget &target,
                                            const TargetMachine &machine,
                                            StringRef targetName) {
  if (!entry.results.empty())
    return createError("function @" + entry.name +
                       " returns something; a kernel writes its results into "
                       "memrefs that it is given");
  json::Array arguments, attentions;
  for (const ArgumentInfo &info : entry.arguments) {
    auto argument = describeArgument(info);
    if (!argument)
      return argument.takeError();
    arguments.push_back(std::move(*argument));
  }
  for (AttentionOp op : entry.attentions)
    attentions.push_back(describeAttention(op));
  json::Object manifest{
      {"abi", kernelAbiVersion},
      {"compiler", "attn " ATTN_VERSION ", LLVM " ATTN_LLVM_VERSION},
      {"entry", entry.name},
      {"target", targetName},
      {"architecture", Triple(target.triple).getArchName().str()},
      {"cpu", target.cpu},
      {"requires",
       json::Array(getRequiredFeatures(*machine.getMCSubtargetInfo()))},
      {"arguments", std::move(arguments)},
      {"attentions", std::move(attentions)}};
  mlir::func::FuncOp function = entry.function;
  if (auto note = function->getAttrOfType<mlir::StringAttr>(noteName))
    manifest["note"] = json::fixUTF8(note.getValue());
  return manifest;
}

static json::Object describe(const GpuKernel &kernel) {
  json::Object resources;
  for (const auto &[name, amount] : kernel.resources)
    resources[name] = amount;
  return json::Object{{"name", kernel.name},
                      {"block", json::Array(kernel.block)},
                      {"shared_bytes", kernel.sharedBytes},
                      {"resources", std::move(resources)}};
}

json::Object attn::describeGpuCode(const GpuCode &code) {
  json::Array kernels, binaries;
  for (const GpuKernel &kernel : code.kernels)
    kernels.push_back(describe(kernel));
  for (const GpuBinary &binary : code.binaries)
    binaries.push_back(
        json::Object{{"kind", binary.kind},
                     {"bytes", static_cast<int64_t>(binary.bytes.size())}});
  return json::Object{
      {"triple", code.target.triple},  {"chip", code.target.cpu},
      {"assembler", code.assembler},   {"warnings", json::Array(code.warnings)},
      {"kernels", std::move(kernels)}, {"binaries", std::move(binaries)}};
}
