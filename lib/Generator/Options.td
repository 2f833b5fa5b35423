//===- Options.td - The options of attn-gen ----------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

def group_sizes : OptionGroup<"sizes">, HelpText<"SIZES AND TYPES">;
def group_scores : OptionGroup<"scores">, HelpText<"SCORES AND MASK">;
def group_form : OptionGroup<"form">, HelpText<"FORM OF THE FUNCTION">;

class Switch<string name, string help, OptionGroup group>
    : Flag<["--"], name>, HelpText<help>, Group<group>;

// --name=value, and --name value.
multiclass Value<string name, string meta, string help, OptionGroup group> {
  def NAME : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<help>,
      Group<group>;
  def NAME # _separate : Separate<["--"], name>, Alias<!cast<Joined>(NAME)>,
      Group<group>;
}

defm batch : Value<"batch", "<n>", "Batch size (default 1)", group_sizes>;
defm q_heads : Value<"q-heads", "<n>", "Query heads (default 4)", group_sizes>;
defm kv_heads : Value<"kv-heads", "<n>", "Key and value heads (default: "
    "q-heads)", group_sizes>;
defm sq : Value<"sq", "<n>", "Query rows per sequence (default 2048)",
    group_sizes>;
defm skv : Value<"skv", "<n>", "Keys per sequence (default: sq)", group_sizes>;
defm dqk : Value<"dqk", "<n>", "Head dim of q and k (default 64)", group_sizes>;
defm dv : Value<"dv", "<n>", "Head dim of v and out (default: dqk)",
    group_sizes>;
defm dtype : Value<"dtype", "<type>", "Element type of q: f32 (default), f16, "
    "bf16, f8E4M3FN, f8E5M2, f8E4M3FNUZ, f8E5M2FNUZ", group_sizes>;
defm kv_dtype : Value<"kv-dtype", "<type>", "Element type of k and v (default: "
    "dtype)", group_sizes>;
defm out_dtype : Value<"out-dtype", "<type>", "Element type of out: f32, f16, "
    "bf16 (default: dtype, bf16 for fp8)", group_sizes>;

defm layout : Value<"layout", "<layout>", "Dims of q, k, v and out, outermost "
    "first: bshd (default), bhsd, bhds, packed thd, htd, hdt", group_form>;
defm q_layout : Value<"q-layout", "<layout>", "Layout of q alone", group_form>;
defm k_layout : Value<"k-layout", "<layout>", "Layout of k alone", group_form>;
defm v_layout : Value<"v-layout", "<layout>", "Layout of v alone", group_form>;
defm out_layout : Value<"out-layout", "<layout>", "Layout of out alone",
    group_form>;
defm page_size : Value<"page-size", "<n>", "Keep k and v in pages of this many "
    "rows", group_form>;
def tensor : Switch<"tensor", "Take and return tensors (default)", group_form>;
def memref : Switch<"memref", "Work on memrefs, out and lse being arguments",
    group_form>;
def strided : Switch<"strided", "Memrefs have dynamic strides and offset",
    group_form>;
def dynamic : Switch<"dynamic", "Batch and sequence lengths are dynamic; the "
    "sizes given become attn.example_shapes", group_form>;
def lse : Switch<"lse", "Also give lse", group_form>;
defm name : Value<"name", "<name>", "Name of the function (default attention)",
    group_form>;
defm block_q : Value<"block-q", "<n>", "Query rows of a tile", group_form>;
defm block_kv : Value<"block-kv", "<n>", "Keys of a tile", group_form>;
defm block_kv_compute : Value<"block-kv-compute", "<n>", "Keys of a step of "
    "the online softmax", group_form>;
defm num_splits : Value<"num-splits", "<n>", "Parts that the keys are split "
    "into", group_form>;
defm split_size : Value<"split-size", "<n>", "Keys of a part", group_form>;
def output : JoinedOrSeparate<["-"], "o">, MetaVarName<"<file>">,
    HelpText<"File to write (default: standard output)">, Group<group_form>;
def help : Switch<"help", "Print this", group_form>;

defm mask : Value<"mask", "<expression>", "causal, window(L,R) with * for no "
    "bound, chunked(N), prefix(N), prefix(lens), segments, dense, per_head(m0, "
    "m1, ...), combined by ! & | and parentheses, for example 'causal & "
    "window(127,0) | prefix(3)'", group_scores>;
defm scale : Value<"scale", "<number>", "Scale (default 1/sqrt(dqk)); "
    "'dynamic' makes it an operand", group_scores>;
defm softcap : Value<"softcap", "<number>", "Softcap; 'dynamic' makes it an "
    "operand", group_scores>;
defm q_offset : Value<"q-offset", "<n>", "Position of row 0; 'scalar' and "
    "'batch' make it an operand", group_scores>;
def q_positions : Switch<"q-positions", "Operand with the position of every "
    "row", group_scores>;
defm lens : Value<"lens", "<side>", "Operands with the lengths of sequences: "
    "q, kv or both", group_scores>;
defm bias : Value<"bias", "<dims>", "Bias, with the letters of the dims that "
    "are not broadcast: bhij, hij, ij, j, ...", group_scores>;
def sinks : Switch<"sinks", "One sink logit per query head", group_scores>;
def alibi : Switch<"alibi", "ALiBi slopes", group_scores>;
defm descales : Value<"descales", "<dims>", "Descale factors of fp8 inputs, "
    "with the letters of the dims that are not broadcast: bh, b, h or none",
    group_scores>;
