//===- Options.td - The options of attn-runner -------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

def group_input : OptionGroup<"input">, HelpText<"INPUT AND OUTPUT">;
def group_action : OptionGroup<"action">,
    HelpText<"WHAT TO DO (without any: run once)">;
def group_codegen : OptionGroup<"codegen">, HelpText<"CODE AND THREADS">;

class Switch<string name, string help>
    : Flag<["--"], name>, HelpText<help>;

// --name=value, and --name value.
multiclass Value<string name, string meta, string help, OptionGroup group> {
  def NAME : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<help>,
      Group<group>;
  def NAME # _separate : Separate<["--"], name>, Alias<!cast<Joined>(NAME)>,
      Group<group>;
}

defm entry : Value<"entry", "<name>", "Function to run (default: the only "
    "public function with an attn.attention)", group_input>;
defm inputs : Value<"inputs", "<a.npy,b.npy,...>", "Inputs in the order of the "
    "arguments: .npy files, or numbers for scalars. Arguments that only "
    "receive results are not inputs", group_input>;
defm outputs : Value<"outputs", "<out.npy,lse.npy>", "Files for the results: "
    "output arguments in order, then what the function returns. Written only "
    "if all went well", group_input>;
defm shape : Value<"shape", "<q:1x8x1024x64>", "Size of an argument with "
    "dynamic dims, by number (arg0) or role (q); repeatable. Default: "
    "attn.example_shapes of the function", group_input>;
defm strides : Value<"strides", "<k:65536x128x1024x1>", "Strides, in elements, "
    "of a memref argument with a strided layout; repeatable", group_input>;
defm set : Value<"set", "<kv_lens:2048,17>", "Values of an input, row-major, "
    "starting anew when they run out; repeatable", group_input>;
def random : Switch<"random", "Fill the inputs that --inputs does not give "
    "with random numbers; the default if it gives none">,
    Group<group_input>;
defm seed : Value<"seed", "<n>", "Seed of random inputs (default 0)",
                  group_input>;
defm distribution : Value<"distribution", "<name>", "Distribution of random "
    "floats: normal (default), uniform, ones, ints", group_input>;
defm save_inputs : Value<"save-inputs", "<directory>", "Also write the inputs "
    "there, as q.npy, k.npy, ...", group_input>;

def check : Switch<"check", "Compare with the f64 reference: every row up to "
    "2^24 scores, sampled rows beyond">, Group<group_action>;
def bench : Switch<"bench", "Measure time, GFLOP/s and the share of this "
    "machine's peak">, Group<group_action>;
def print_tiles : Switch<"print-tiles", "Print how many masked and unmasked "
    "tiles the kernel computed">, Group<group_action>;
def time_phases : Switch<"time-phases", "Print the time of each phase of "
    "compilation">, Group<group_action>;
defm emit : Value<"emit", "<stage>", "Print a stage instead of running: attn, "
    "configured, online, tile, llvm, llvm-ir, asm, obj", group_action>;
def output : JoinedOrSeparate<["-"], "o">, MetaVarName<"<file>">,
    HelpText<"File for --emit (default: standard output)">,
    Group<group_action>;
def help : Switch<"help", "Print this">, Group<group_action>;

defm passes : Value<"passes", "<pipeline>", "Passes that the function goes "
    "through before it is compiled, as text; --check compares with what the "
    "file says", group_codegen>;
defm target : Value<"target", "<name>", "CPU or GPU to make code for: native "
    "(default) or a name of docs/targets.md", group_codegen>;
defm cpu : Value<"cpu", "<name>", "The same as --target", group_codegen>;
defm device : Value<"device", "<name>", "What runs the kernel: cpu (default), "
    "emulator, cuda or hip; cuda:1 is the second one. A GPU target needs one "
    "that is no CPU", group_codegen>;
defm schedule : Value<"schedule", "<seed[,eager][,ignore-races]>", "Schedule "
    "of threads and copies on the emulator (default 0), copies that land at "
    "once, no search for data races", group_codegen>;
defm threads : Value<"threads", "<n>", "Threads of the kernel (default 1); 0 "
    "is one per processor", group_codegen>;
