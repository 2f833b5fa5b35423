//===- Options.td - The options of attn-grid ---------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

class Value<string name, string meta, string help>
    : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<help>;

def group : Value<"group", "<name>", "Rows of this group only; repeatable">;
def sweep : Value<"sweep", "<n>", "Run so many random problems instead of a "
    "table">;
def pairs : Flag<["--"], "pairs">, HelpText<"Run problems that cover every "
    "pair of features instead of a table">;
def list_features : Flag<["--"], "list-features">, HelpText<"Print the "
    "features that --pairs combines">;
def seed : Value<"seed", "<text>", "Seed of --sweep, for example a commit "
    "hash (default: attn)">;
def first : Value<"first", "<n>", "Number of the first problem of --sweep, or "
    "of the first row with --every">;
def every : Value<"every", "<n>", "Run every nth row of the table only">;
def target : Value<"target", "<name>", "Compile every problem for this target "
    "instead of the one its row names">;
def device : Value<"device", "<name>", "Run on this device, as attn-runner "
    "does. What the target does not support is listed, and no error">;
def schedule : Value<"schedule", "<seed[,eager][,ignore-races]>", "As "
    "attn-runner has it">;
def max_scores : Value<"max-scores", "<n>", "Skip problems with more scores, "
    "over all batches and heads">;
def f32_as : Value<"f32-as", "<type>", "Run problems in f32 in this type "
    "instead">;
def verbose : Flag<["--"], "verbose">, HelpText<"Print every row">;
def help : Flag<["--"], "help">, HelpText<"Print this">;
