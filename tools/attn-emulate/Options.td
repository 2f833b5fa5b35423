//===- Options.td - The options of attn-emulate ------------*- tablegen -*-===//
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

defm kernel : Value<"kernel", "<name>", "Kernel to run (default: the only "
    "one)">;
defm grid : Value<"grid", "<x>[x<y>[x<z>]]", "Blocks (default 1)">;
defm block : Value<"block", "<x>[x<y>[x<z>]]", "Threads of a block (default: "
    "what the kernel requires)">;
defm shared : Value<"shared", "<bytes>", "Dynamic shared memory (default 0)">;
defm arg : Value<"arg", "<value>", "The next parameter: FILE.npy for the "
    "address of its data, zeros:4x64xf32 for a new array, i32:5, i64:5 or "
    "f32:0.5 for a number">;
defm out : Value<"out", "<n>:<file>", "Write the array of parameter n (from 0) "
    "to a .npy file at the end">;
defm triple : Value<"triple", "<name>", "Target of a module that does not name "
    "one: nvptx64-nvidia-cuda (default) or amdgcn-amd-amdhsa">;
defm seed : Value<"seed", "<n>", "Permutes the turns of warps; 0 (default): in "
    "order">;
defm workers : Value<"workers", "<n>", "Host threads (default: one per core)">;
def eager : Switch<"eager", "Asynchronous copies land when they are issued, "
    "not when they are waited for">;
def all_schedules : Switch<"all-schedules", "Run late, eager, and with three "
    "seeds of each; stop at the first error">;
def no_races : Switch<"no-races", "Do not check the order of accesses">;
def no_bounds : Switch<"no-bounds", "Allow global memory that is no argument">;
def time : Switch<"time", "Print times and counts">;
defm mutate : Value<"mutate", "list|<n>", "List the mutants of the module, or "
    "run number n: one synchronisation deleted or weakened">;
def operations : Switch<"operations", "List the operations that the emulator "
    "knows">;
def help : Switch<"help", "Print this">;
