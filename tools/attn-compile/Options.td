//===- Options.td - The options of attn-compile ------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

class Switch<string name, string help>
    : Flag<["--"], name>, HelpText<help>;

// --name=value, and --name value.
multiclass Value<string name, string meta, string help> {
  def NAME : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<help>;
  def NAME # _separate : Separate<["--"], name>, Alias<!cast<Joined>(NAME)>;
}

defm target : Value<"target", "<name>", "What to compile for: native (default) "
    "or a name of docs/targets.md">;
defm entry : Value<"entry", "<name>", "Function to compile (default: the only "
    "public function with an attn.attention)">;
defm problem : Value<"problem", "<options>", "Compile the problem that these "
    "options of attn-gen describe instead of a file">;
def output : JoinedOrSeparate<["-"], "o">, MetaVarName<"<file>">,
    HelpText<"File to write the kernel to">;
defm ptxas : Value<"ptxas", "<path>", "Assembler of PTX (default: "
    "$CUDA_HOME/bin/ptxas, then one in $PATH; without any a kernel holds PTX "
    "alone)">;
defm save_code : Value<"save-code", "<prefix>", "Also write GPU code to "
    "<prefix>.ptx, .cubin, .hsaco, .bitcode">;
def report : Switch<"report", "Print what the assembler says of each GPU "
    "kernel">;
def fail_on_spill : Switch<"fail-on-spill", "Fail if a GPU kernel spills "
    "registers or the assembler warns of slow code">;
def help : Switch<"help", "Print this">;
