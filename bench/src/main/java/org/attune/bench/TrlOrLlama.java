package org.attune.bench;

import org.attune.error.ConfigException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// TRL for training and llama.cpp for generation, on a processor. Their scripts are no part of
/// Attune.
///
/// @param model what is loaded, if not the model that is measured: a folder in Hugging Face layout
///     for TRL, a GGUF file for llama.cpp
public record TrlOrLlama(Optional<Path> model) implements PeerProgram {
    private static final int PROMPT_LIMIT = 256;
    private static final int TRL_RANK = 16;
    private static final int GRPO_COMPLETIONS = 8;

    @Override
    public String name(BenchTask task) {
        return task.trains() ? "TRL" : "llama.cpp";
    }

    @Override
    public String script(BenchTask task) {
        return task.trains() ? "trl_bench.py" : "llamacpp_bench.py";
    }

    @Override
    public List<List<String>> settings(BenchTask task) {
        return switch (task) {
            case SFT ->
                    List.of(
                            List.of("--autocast"),
                            List.of("--autocast", "--gc"),
                            List.of("--dtype", "bfloat16"));
            case DPO ->
                    List.of(
                            List.of("--autocast", "--gc"),
                            List.of("--autocast"),
                            List.of("--dtype", "bfloat16"));
            case GRPO -> List.of(List.of("--dtype", "bfloat16"), List.of("--autocast", "--gc"));
            case GENERATE, PREFILL -> List.of(List.of());
        };
    }

    @Override
    public void check(BenchSpec spec) {
        if (spec.task().trains()) {
            if (spec.rank() != TRL_RANK) {
                throw new ConfigException(
                        "--peer: TRL's script trains an adapter of rank %d, not %s; leave out --peer, or --full and --rank"
                                .formatted(
                                        TRL_RANK,
                                        spec.full() ? "all weights" : "one of " + spec.rank()));
            }
            modelFolder(spec);
            if (spec.data().isEmpty()) {
                throw new ConfigException("--peer: TRL's script needs --data");
            }
            if (spec.task() == BenchTask.GRPO && spec.completions() != GRPO_COMPLETIONS) {
                throw new ConfigException(
                        "--completions is %d; with --peer accepted: %d, which TRL's script has"
                                .formatted(spec.completions(), GRPO_COMPLETIONS));
            }
        } else {
            gguf(spec);
            if (spec.prompt() > PROMPT_LIMIT) {
                throw new ConfigException(
                        "--prompt is %d; with --peer accepted: up to %d, of which llama.cpp's script reads 8 at once"
                                .formatted(spec.prompt(), PROMPT_LIMIT));
            }
        }
    }

    private Path modelFolder(BenchSpec spec) {
        Path folder = model.orElse(spec.model());
        if (!Files.isDirectory(folder)) {
            throw new ConfigException(
                    "--peer-model: TRL needs a model folder in Hugging Face layout, %s is not one"
                            .formatted(folder));
        }
        return folder;
    }

    private Path gguf(BenchSpec spec) {
        Path file = model.orElse(spec.model());
        if (!file.toString().endsWith(".gguf")) {
            throw new ConfigException(
                    "--peer-model: llama.cpp needs a .gguf file, %s is not one".formatted(file));
        }
        return file;
    }

    @Override
    public List<String> arguments(BenchSpec spec, Path rows, Consumer<List<String>> prepare) {
        return spec.task().trains() ? trl(spec) : llama(spec, prepare);
    }

    private List<String> trl(BenchSpec spec) {
        return List.of(
                spec.task().label(),
                "--model",
                modelFolder(spec).toString(),
                "--data",
                spec.data().orElseThrow().toString(),
                "--steps",
                "" + (spec.warmUp() + spec.steps()),
                "--batch",
                "" + spec.rows(),
                "--rows",
                "" + BenchData.ROWS,
                "--new",
                "" + spec.newTokens());
    }

    /// The weights in bfloat16, as Attune computes with them.
    private List<String> llama(BenchSpec spec, Consumer<List<String>> prepare) {
        Path given = gguf(spec);
        String name = given.toString();
        String stem = name.substring(0, name.lastIndexOf('.'));
        Path converted = Path.of(stem + ".bf16.gguf");
        if (!stem.endsWith(".bf16") && !Files.exists(converted)) {
            prepare.accept(List.of(name, "--quantize", "bf16"));
        }
        return List.of(
                (stem.endsWith(".bf16") ? given : converted).toString(),
                "--seqs",
                "" + spec.rows(),
                "--prompt",
                "" + spec.prompt(),
                "--new",
                "" + (spec.task() == BenchTask.PREFILL ? 1 : spec.newTokens()),
                "--threads",
                "" + Runtime.getRuntime().availableProcessors());
    }
}
