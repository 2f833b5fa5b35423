//===- Table.cpp - The numerics grid as data ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Table.h"

#include "attn/Compiler/Diagnostics.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/YAMLTraits.h"

using namespace attn;
using namespace attn::numerics;

LLVM_YAML_IS_STRING_MAP(std::vector<std::string>)
LLVM_YAML_IS_SEQUENCE_VECTOR(attn::numerics::Row)
LLVM_YAML_IS_SEQUENCE_VECTOR(attn::numerics::Group)

template <>
struct llvm::yaml::MappingTraits<Row> {
  static void mapping(IO &io, Row &row) {
    io.mapRequired("why", row.why);
    io.mapRequired("gen", row.gen);
    io.mapOptional("run", row.run);
    io.mapOptional("set", row.set);
    io.mapOptional("tiles", row.tiles);
    io.mapOptional("kernel", row.kernel);
    io.mapOptional("after", row.after);
  }
};

template <>
struct llvm::yaml::MappingTraits<Group> {
  static void mapping(IO &io, Group &group) {
    io.mapRequired("group", group.name);
    io.mapOptional("gen", group.gen);
    io.mapOptional("run", group.run);
    io.mapRequired("rows", group.rows);
  }
};

llvm::Expected<std::vector<Group>> numerics::readTable(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return createError("cannot read " + path + ": " +
                       buffer.getError().message());
  std::string message;
  llvm::yaml::Input input(
      (*buffer)->getMemBufferRef(), nullptr,
      [](const llvm::SMDiagnostic &diagnostic, void *context) {
        *static_cast<std::string *>(context) =
            ("line " + llvm::Twine(diagnostic.getLineNo()) + ": " +
             diagnostic.getMessage())
                .str();
      },
      &message);
  std::vector<Group> groups;
  input >> groups;
  if (input.error())
    return createError(path + ": " + message);
  return groups;
}
