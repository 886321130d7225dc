#!/usr/bin/env python3
"""Holds what gfn-dist export writes against PEFT, transformers and llama.cpp.

For each folder of FIXTURES with `checkpoint/` (a base) and `adapter/` (PEFT):
  merged   every tensor against PEFT's merge_and_unload in float32 and in the base's own type; the tensors without adapter byte for byte
  load     transformers' log-probabilities of the merged folder against PEFT's of base and adapter, and gfn-dist score of both likewise
  peft     the exported PEFT folder has the adapter's matrices, and PEFT computes the same with it
  gguf     the GGUF adapter, read by the gguf package, against llama.cpp's convert_lora_to_gguf.py where --llama names its folder
  llama    llama.cpp (xllamacpp) with base and GGUF adapter against PEFT: log-probabilities after prompts; needs --llama, which makes the base
Of a GGUF base with an adapter (--model M.gguf --adapter A): llama.cpp on the dequantised weights, and the merged folder, against gfn-dist score.

    check-export.py [FIXTURES] [--llama DIR] [--model M.gguf --adapter A] [--binary gfn-dist]

Needs torch, transformers, peft, safetensors; gguf and xllamacpp for the last two. Exit code 1 where a difference is beyond its bound.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

failures = 0


def report(name, what, text, is_good):
    global failures
    failures += not is_good
    print(f"{'ok    ' if is_good else 'FAILED'} {name:36} {what:8} {text}", flush=True)


def weights(folder):
    """All tensors of a folder's safetensors files."""
    folder, tensors = pathlib.Path(folder), {}
    for path in sorted(folder.glob("*.safetensors")):
        tensors.update(load_file(path))
    return tensors


def ulps(a, b):
    """How many numbers of their type lie between two tensors."""
    kind = torch.int32 if a.dtype == torch.float32 else torch.int16
    def order(x):
        x = x.contiguous().view(kind).to(torch.int64)
        low = -(1 << (31 if kind == torch.int32 else 15))
        return torch.where(x < 0, low - x, x)
    return (order(a) - order(b)).abs()


def load(folder, dtype, adapter=None):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager")
    return (PeftModel.from_pretrained(model, adapter) if adapter else model).eval()


def export(binary, *arguments):
    done = subprocess.run([binary, "export", "--json", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"gfn-dist export {arguments}: {done.stderr}")
    return json.loads(done.stdout)


def score(binary, sequences, *arguments):
    lines = "".join(json.dumps({"prompt_tokens": s[:1], "completion_tokens": s[1:]}) + "\n" for s in sequences)
    call = [binary, "score", "--quiet", "--precision", "fp32", "--set", "base.cache=never", *map(str, arguments)]
    done = subprocess.run(call, input=lines, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"gfn-dist score {arguments}: {done.stderr}")
    return [numpy.array(json.loads(line)["logprobs"]) for line in done.stdout.splitlines()]


def log_probabilities(model, sequences):
    out = []
    with torch.no_grad():
        for s in sequences:
            logits = model(torch.tensor([s])).logits[0].float().log_softmax(-1)
            out.append(logits[torch.arange(len(s) - 1), torch.tensor(s[1:])].numpy())
    return out


def largest(a, b):
    return max(float(numpy.abs(x - y).max()) for x, y in zip(a, b))


def check_merged(name, base, adapter, folder):
    """Ours against PEFT's merge in float32, and in the type of the base."""
    source, ours = weights(base), weights(folder)
    exact = load(base, torch.float32, adapter).merge_and_unload().state_dict()
    dtype = next(iter(source.values())).dtype
    own = load(base, dtype, adapter).merge_and_unload().state_dict()
    places = [k.split("base_model.model.")[1].replace(".lora_A.weight", ".weight") for k in load_file(f"{adapter}/adapter_model.safetensors") if ".lora_A." in k]
    rest = [k for k in source if k not in places]
    same = source.keys() == ours.keys() and all(
        source[k].dtype == ours[k].dtype and torch.equal(source[k].view(torch.uint8), ours[k].view(torch.uint8)) for k in rest)
    total = sum(ours[k].numel() for k in places)
    once = torch.cat([ulps(ours[k], exact[k].to(dtype)).flatten() for k in places])
    twice = torch.cat([ulps(ours[k], own[k]).flatten() for k in places])
    difference = max(float((ours[k].float() - exact[k].to(dtype).float()).abs().max()) for k in places)
    step = {torch.float32: 2e-7, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}[dtype] * max(float(ours[k].float().abs().max()) for k in places)
    report(name, "merged", f"{str(dtype)[6:]}: {total} weights, {int((once > 0).sum())} differ from PEFT in float32 rounded once (by at most "
           f"{int(once.max())} ulp, {difference:.1e}), {int((twice > 0).sum())} from PEFT in {str(dtype)[6:]}; {len(rest)} others as they were",
           same and difference <= step and int((once > 0).sum()) <= (total if dtype == torch.float32 else total // 500))


def check_load(name, binary, base, adapter, folder, sequences):
    bound = {"float32": 3e-5, "float16": 2e-2, "bfloat16": 2e-1}[str(next(iter(weights(base).values())).dtype)[6:]]
    theirs = log_probabilities(load(base, torch.float32, adapter), sequences)
    merged = log_probabilities(load(folder, torch.float32), sequences)
    ours = score(binary, sequences, "--model", base, "--adapter", adapter)
    again = score(binary, sequences, "--model", folder)
    values = [largest(theirs, merged), largest(ours, again), largest(theirs, ours), largest(merged, again)]
    report(name, "load", "log p, base + adapter against merged: transformers {:.1e}, gfn-dist {:.1e}; transformers against gfn-dist: base + "
           "adapter {:.1e}, merged {:.1e}".format(*values), max(values[:2]) <= bound and max(values[2:]) <= 1e-4)


def check_peft(name, base, adapter, folder, sequences):
    before, after = load_file(f"{adapter}/adapter_model.safetensors"), load_file(f"{folder}/adapter_model.safetensors")
    same = before.keys() == after.keys() and all(torch.equal(before[k].float(), after[k]) for k in before)
    difference = largest(*(log_probabilities(load(base, torch.float32, path), sequences) for path in (adapter, folder)))
    report(name, "peft", f"{len(after)} matrices are the same: {same}; log p in PEFT differ by {difference:.1e}", same and difference == 0)


def gguf_tensors(path):
    import gguf
    reader = gguf.GGUFReader(path)
    fields = {k: f.contents() for k, f in reader.fields.items() if k.split(".")[0] in ("adapter", "general")}
    return fields, {t.name: numpy.array(t.data) for t in reader.tensors}


def check_gguf(name, base, adapter, path, llama, work):
    fields, ours = gguf_tensors(path)
    if not llama:
        report(name, "gguf", f"{len(ours)} tensors, {fields}", fields["general.type"] == "adapter")
        return
    other = work / "theirs.gguf"
    subprocess.run([sys.executable, f"{llama}/convert_lora_to_gguf.py", adapter, "--base", base, "--outtype", "f32", "--outfile", other],
                   check=True, capture_output=True)
    their_fields, theirs = gguf_tensors(other)
    same = ours.keys() == theirs.keys() and all(ours[k].shape == theirs[k].shape for k in ours)
    is_stable = json.load(open(f"{adapter}/adapter_config.json")).get("use_rslora")
    # What the converter leaves out, rsLoRA and alphas of places, is in our alpha and our lora_b: within a place a factor.
    factors = set()
    for key in theirs if same else []:
        at = numpy.abs(theirs[key]).argmax()
        factors.add(float(f"{ours[key].flat[at] / theirs[key].flat[at]:.5g}"))
        same = same and numpy.allclose(ours[key], theirs[key] * (ours[key].flat[at] / theirs[key].flat[at]), rtol=1e-6, atol=0)
    if is_stable is not True and not json.load(open(f"{adapter}/adapter_config.json")).get("alpha_pattern"):
        same = same and all(numpy.array_equal(ours[k], theirs[k]) for k in ours)
    keys = ["general.type", "general.architecture", "adapter.type", "adapter.lora.alpha"]
    alike = [k for k in keys if fields[k] == their_fields[k]]
    report(name, "gguf", f"{len(ours)} tensors are the converter's times {sorted(factors)}; alpha {fields['adapter.lora.alpha']:.6g}, the "
           f"converter's {their_fields['adapter.lora.alpha']:.6g}{' (it leaves rsLoRA out)' if is_stable else ''}",
           same and len(alike) == len(keys) - bool(is_stable))


def llama_server(model, adapter=None):
    import xllamacpp
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_ctx, parameters.n_parallel, parameters.n_gpu_layers, parameters.warmup, parameters.verbosity = 512, 1, 0, False, -1
    parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 2
    if adapter:
        parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
    return xllamacpp.Server(parameters)


def llama_top(server, prompt, count):
    """Tokens and log-probabilities of the likeliest that may follow."""
    request = {"prompt": prompt, "n_predict": 1, "n_probs": count, "temperature": 1.0, "cache_prompt": False, "samplers": [], "seed": 1}
    answer = server.handle_completions(request)
    return {t["id"]: t["logprob"] for t in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]}


def check_llama(name, base, adapter, gguf_adapter, llama, work, sequences):
    model = work / "base.gguf"
    # The converter knows tokenizers by their hash, and not those of test models; here only ids are read.
    call = (f"import runpy, sys; sys.path.insert(0, {str(llama)!r}); import conversion.base as b; "
            f"b.TextModel.get_vocab_base_pre = lambda *_: 'gpt-2'; sys.argv = {['x', str(base), '--outtype', 'f32', '--outfile', str(model)]!r}; "
            f"runpy.run_path({str(llama) + '/convert_hf_to_gguf.py'!r}, run_name='__main__')")
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True)
    if done.returncode:
        print(f"       {name:36} llama    left out: the converter refuses the base ({done.stderr.strip().splitlines()[-1][:90]})")
        return
    reference, plain = load(base, torch.float32, adapter), load(base, torch.float32)
    values, effect = [], []
    server = llama_server(model, gguf_adapter)
    for s in sequences:
        for length in (3, len(s)):
            with torch.no_grad():
                wanted, without = (m(torch.tensor([s[:length]])).logits[0, -1].log_softmax(-1) for m in (reference, plain))
            for token, value in llama_top(server, s[:length], 40).items():
                values.append(abs(value - float(wanted[token])))
                effect.append(abs(float(without[token]) - float(wanted[token])))
    report(name, "llama", f"{len(values)} log-probabilities of llama.cpp with --lora: at most {max(values):.1e} from PEFT in float32 (the adapter changes "
           f"them by up to {max(effect):.2f})", max(values) < 1e-4 and max(effect) > 0.1)


def make_patterned(base, path):
    """An adapter by PEFT whose places have ranks and alphas of their own, with rsLoRA."""
    from peft import LoraConfig, get_peft_model
    config = LoraConfig(
        task_type="CAUSAL_LM", r=4, lora_alpha=6, use_rslora=True, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "down_proj"],
        rank_pattern={"q_proj": 2, "layers.1.mlp.down_proj": 7}, alpha_pattern={"k_proj": 12, "layers.0.self_attn.o_proj": 5, "q_proj": 3})
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), config)
    torch.manual_seed(2)
    for key, value in model.named_parameters():
        if "lora_" in key:
            value.data.normal_(0, 0.1)
    model.save_pretrained(path)


def dequantised(model, path):
    """A GGUF file with the same weights in float32: of a quantised one llama.cpp rounds what is multiplied with the weights to eight bits."""
    import gguf
    reader, writer = gguf.GGUFReader(model), gguf.GGUFWriter(path, "llama")
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name not in ("general.architecture", "general.file_type"):
            is_array = field.types[0] == gguf.GGUFValueType.ARRAY
            writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=field.types[-1] if is_array else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def check_real(binary, model, adapter, work):
    export(binary, "--model", model, "--adapter", adapter, "--to", work / "real.gguf")
    export(binary, "--model", model, "--adapter", adapter, "--merge", "--to", work / "merged")
    name, prompt = pathlib.Path(model).name, [504, 3575, 282, 4649, 314]
    top = llama_top(llama_server(dequantised(model, work / "base.gguf"), work / "real.gguf"), prompt, 40)
    lines = [prompt + [token] for token in top]
    ours, bare, merged = (
        numpy.array([s[-1] for s in score(binary, lines, *call)])
        for call in (["--model", model, "--adapter", adapter], ["--model", model], ["--model", work / "merged"]))
    difference = float(numpy.abs(ours - list(top.values())).max())
    report(name, "llama", f"{len(top)} log-probabilities of llama.cpp with --lora on the dequantised weights: at most {difference:.1e} from gfn-dist "
           f"score in fp32 (the adapter changes them by up to {numpy.abs(ours - bare).max():.2f})", difference < 1e-3)
    with torch.no_grad():
        logits = load(work / "merged", torch.float32)(torch.tensor([prompt])).logits[0, -1].log_softmax(-1)
    theirs = float(numpy.abs(merged - logits[list(top)].numpy()).max())
    report(name, "load", f"merged in bfloat16: gfn-dist score at most {numpy.abs(ours - merged).max():.1e} from base and adapter, and {theirs:.1e} from "
           "transformers on the same folder", theirs < 1e-3 and numpy.abs(ours - merged).max() < 0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixtures", type=pathlib.Path, nargs="?")
    parser.add_argument("--binary", default=os.environ.get("GFN_BINARY", ".build/release/gfn-dist"))
    parser.add_argument("--llama", help="llama.cpp's source folder, for its converters")
    parser.add_argument("--model", help="a GGUF base for llama.cpp")
    parser.add_argument("--adapter", help="of it")
    arguments = parser.parse_args()
    found = arguments.fixtures.glob("*/adapter") if arguments.fixtures else []
    folders = sorted(p.parent for p in found if (p.parent / "checkpoint/config.json").exists())
    for folder, is_patterned in [(f, p) for f in folders for p in (False, True)]:
        with tempfile.TemporaryDirectory() as work:
            work, name = pathlib.Path(work), folder.name
            base, adapter = folder / "checkpoint", folder / "adapter"
            if is_patterned:
                name, adapter = f"{name}, patterns", work / "patterned"
                make_patterned(base, adapter)
            call = ["--model", base, "--adapter", adapter]
            vocabulary = json.load(open(base / "config.json"))["vocab_size"]
            random = numpy.random.default_rng(1)
            sequences = [random.integers(3, vocabulary, 12).tolist() for _ in range(4)]
            export(arguments.binary, *call, "--merge", "--to", work / "merged")
            export(arguments.binary, *call, "--to", work / "peft")
            export(arguments.binary, *call, "--to", work / "adapter.gguf")
            check_merged(name, base, adapter, work / "merged")
            check_load(name, arguments.binary, base, adapter, work / "merged", sequences)
            check_peft(name, base, adapter, work / "peft", sequences)
            check_gguf(name, base, adapter, work / "adapter.gguf", arguments.llama, work)
            if arguments.llama:
                check_llama(name, base, adapter, work / "adapter.gguf", arguments.llama, work, sequences)
    if arguments.model and arguments.adapter:
        with tempfile.TemporaryDirectory() as work:
            check_real(arguments.binary, arguments.model, arguments.adapter, pathlib.Path(work))
    if arguments.fixtures and not folders:
        sys.exit(f"{arguments.fixtures} has no folders with checkpoint/ and adapter/")
    sys.exit(failures > 0)


main()
