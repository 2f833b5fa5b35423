//===- Options.td - The options of attn-mutants ------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

class Value<string name, string meta, string help>
    : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<help>;

def target : Value<"target", "<name>", "The GPU whose kernels are mutated">;
def group : Value<"group", "<name>", "Rows of this group only; repeatable">;
def every : Value<"every", "<n>", "Every nth mutant only">;
def list_all : Flag<["--"], "list">, HelpText<"Print every mutant and what "
    "caught it, instead of counts">;
def help : Flag<["--"], "help">, HelpText<"Print this">;
