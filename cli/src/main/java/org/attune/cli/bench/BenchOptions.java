package org.attune.cli.bench;

import org.attune.bench.BenchSpec;
import org.attune.bench.BenchTask;
import org.attune.bench.ModelShape;
import org.attune.cli.command.StorageOption;
import org.attune.error.ConfigException;
import org.attune.models.DtypeChoice;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/// The work of a benchmark. Sizes that aren't given are those of the usual comparison on
/// SmolLM2-135M.
final class BenchOptions {
    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            description = "Folder in Hugging Face layout or .gguf file (default: a random model).")
    Path model;

    @Option(
            names = "--data",
            paramLabel = "FOLDER",
            description =
                    "Has alpaca_en_demo.json and dpo_en_demo.json; 64 rows of each are used"
                            + " (default: random words).")
    Path data;

    @Option(
            names = "--dtype",
            defaultValue = "AUTO",
            description = "auto, float32 or bfloat16 (default: auto).")
    DtypeChoice dtype;

    @Mixin StorageOption storage;

    @Option(
            names = "--device",
            defaultValue = "auto",
            description = "auto, cpu, cuda or cuda:N (default: auto).")
    String device;

    @Option(names = "--rank", description = "Of the LoRA adapter (default: 16; generation: none).")
    Integer rank;

    @Option(
            names = "--full",
            description = "Train all weights instead of an adapter (sft, dpo, grpo).")
    boolean full;

    @Option(names = "--warm-up", description = "Steps before the measured ones (default: 2).")
    Integer warmUp;

    @Option(names = "--steps", description = "Measured steps (default: sft 8, dpo 4, else 3).")
    Integer steps;

    @Option(
            names = {"--rows", "--sequences"},
            description = "Rows, pairs or prompts a step (default: 4); sequences (default: 32).")
    Integer rows;

    @Option(
            names = "--length",
            defaultValue = "1024",
            description = "Most tokens of a row, and length of random ones (default: 1024).")
    int length;

    @Option(names = "--prompt", description = "Tokens of a prompt (default: 49).")
    Integer prompt;

    @Option(
            names = "--completions",
            defaultValue = "8",
            description = "Of a prompt, in grpo (default: 8).")
    int completions;

    @Option(
            names = "--new",
            defaultValue = "64",
            description = "Tokens of a completion (default: 64).")
    int newTokens;

    @Option(
            names = "--tokens-at-once",
            description = "Most tokens computed together in training (default: as memory allows).")
    Integer tokensAtOnce;

    @Option(
            names = "--profile",
            description = "Time operators by phase too; slows the measured steps down.")
    boolean profile;

    @Option(names = "--width", description = "Of a random model (default: 576).")
    Integer width;

    @Option(names = "--inner", description = "Feed-forward width (default: 8/3 of --width).")
    Integer inner;

    @Option(names = "--depth", description = "Blocks of a random model (default: 30).")
    Integer depth;

    @Option(names = "--heads", description = "Query heads (default: 9).")
    Integer heads;

    @Option(names = "--kv-heads", description = "Key and value heads (default: 3).")
    Integer kvHeads;

    @Option(names = "--head-dim", description = "Features of a head (default: width / heads).")
    Integer headDim;

    @Option(names = "--vocab", description = "Tokens of a random model (default: 49152).")
    Integer vocabulary;

    @Option(names = "--untied", description = "Give a random model a separate output layer.")
    boolean untied;

    BenchSpec spec(BenchTask task) {
        if (data != null && model == null) {
            throw new ConfigException(
                    "--data needs --model, since a random model knows its own words only; leave"
                            + " --data out, or name a model");
        }
        return new BenchSpec(
                task,
                model == null ? Path.of("random model") : model.toAbsolutePath(),
                Optional.ofNullable(data).map(Path::toAbsolutePath),
                dtype,
                storage.quantization,
                device,
                or(rank, full || !task.trains() ? BenchSpec.ALL_WEIGHTS : 16),
                full,
                or(warmUp, 2),
                or(
                        steps,
                        switch (task) {
                            case SFT -> 8;
                            case DPO -> 4;
                            case GRPO, GENERATE, PREFILL -> 3;
                        }),
                or(rows, task.trains() ? 4 : 32),
                length,
                or(prompt, 49),
                completions,
                newTokens,
                Optional.ofNullable(tokensAtOnce),
                profile);
    }

    /// The random model, if none is named.
    Optional<ModelShape> shape() {
        boolean asked =
                untied
                        || Stream.of(width, inner, depth, heads, kvHeads, headDim, vocabulary)
                                .anyMatch(size -> size != null);
        if (model != null && asked) {
            throw new ConfigException(
                    "--model has a shape already; leave it out, or leave out --width, --inner,"
                            + " --depth, --heads, --kv-heads, --head-dim, --vocab and --untied");
        }
        if (model != null) {
            return Optional.empty();
        }
        int across = or(width, 576);
        int parts = Math.max(1, or(heads, 9));
        return Optional.of(
                new ModelShape(
                        across,
                        or(inner, across * 8 / 3),
                        or(depth, 30),
                        or(heads, 9),
                        or(kvHeads, 3),
                        or(headDim, across / parts),
                        or(vocabulary, 49152),
                        !untied));
    }

    private static int or(Integer given, int otherwise) {
        return given == null ? otherwise : given;
    }
}
