package org.attune.bench;

import org.attune.error.ConfigException;
import org.attune.models.DtypeChoice;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/// transformers with PEFT, on the same device as Attune: `bench/gpu/peft_bench.py`.
public record TransformersPeft() implements PeerProgram {
    @Override
    public String name(BenchTask task) {
        return "transformers + PEFT";
    }

    @Override
    public String script(BenchTask task) {
        return "peft_bench.py";
    }

    @Override
    public List<List<String>> settings(BenchTask task) {
        return List.of(List.of(), List.of("--compile"));
    }

    @Override
    public void check(BenchSpec spec) {
        if (spec.task() == BenchTask.GRPO || spec.task() == BenchTask.DPO) {
            throw new ConfigException(
                    "--peer-program: peft does sft, generate and prefill, not %s; leave out --peer"
                            .formatted(spec.task().label()));
        }
        if (spec.data().isPresent()) {
            throw new ConfigException("--data: with --peer-program peft rows are random words");
        }
        if (!Files.isDirectory(spec.model())) {
            throw new ConfigException(
                    "--model: transformers needs a model folder in Hugging Face layout, %s is not one"
                            .formatted(spec.model()));
        }
    }

    @Override
    public List<String> arguments(BenchSpec spec, Path rows, Consumer<List<String>> prepare) {
        return List.of(
                spec.task().label(),
                "--model",
                spec.model().toString(),
                "--rows-file",
                rows.toString(),
                "--device",
                spec.device(),
                "--dtype",
                spec.dtype() == DtypeChoice.AUTO
                        ? "auto"
                        : spec.dtype().name().toLowerCase(Locale.ROOT),
                "--rank",
                "" + spec.rank(),
                "--warm-up",
                "" + spec.warmUp(),
                "--steps",
                "" + spec.steps(),
                "--batch",
                "" + spec.rows(),
                "--length",
                "" + spec.length(),
                "--prompt",
                "" + spec.prompt(),
                "--new",
                "" + spec.newTokens());
    }
}
