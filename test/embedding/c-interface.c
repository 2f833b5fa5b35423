//===- c-interface.c - The C interface, installed -----------------*- C -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn-c/Compiler.h"

#include <stdio.h>
#include <string.h>

int main(void) {
  AttnCompilerOptions options = {sizeof(options), "", 0, 0};
  AttnCompiler *compiler = NULL;
  AttnKernel *kernel = NULL;
  const char text[] = "q-heads=2\ndqk=32\nmask=causal\nmemref\n";
  AttnSource source = {ATTN_SOURCE_PROBLEM, text, strlen(text), NULL};
  AttnError *error = attnCompilerCreate(&options, &compiler);
  if (!error)
    error = attnCompile(compiler, &source, NULL, &kernel);
  puts(error ? attnErrorGetText(error) : "compiled");
  int failed = error != NULL;
  attnErrorDestroy(error);
  attnKernelDestroy(kernel);
  attnCompilerDestroy(compiler);
  return failed;
}
