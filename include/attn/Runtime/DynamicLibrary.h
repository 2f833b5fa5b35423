//===- DynamicLibrary.h - Libraries opened when needed ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_DYNAMICLIBRARY_H
#define ATTN_RUNTIME_DYNAMICLIBRARY_H

#include <initializer_list>
#include <string>

namespace attn {

/// A library that stays for the life of the process, as drivers must.
class DynamicLibrary {
public:
  /// Opens the first of `names` that is there; an error that says what the
  /// loader said of each.
  static DynamicLibrary open(std::initializer_list<std::string> names,
                             std::string &error);

  explicit operator bool() const { return handle != nullptr; }

  /// Sets `function` to the function called `symbol`; false and an error if the
  /// library has none.
  template <typename Function>
  bool find(const char *symbol, Function &function, std::string &error) const {
    function = reinterpret_cast<Function>(findAddress(symbol, error));
    return function != nullptr;
  }

private:
  void *findAddress(const char *symbol, std::string &error) const;

  void *handle = nullptr;
  std::string name;
};

/// The folder of the library that this code is in, with a slash at its end;
/// empty where the system does not say.
std::string getOwnLibraryFolder();

} // namespace attn

#endif // ATTN_RUNTIME_DYNAMICLIBRARY_H
