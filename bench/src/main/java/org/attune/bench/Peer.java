package org.attune.bench;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Another program on the same work: TRL for training, llama.cpp for generation. Both are run by
/// Python scripts that print a line `RESULT {…}`; these and what they need are not part of Attune.
///
/// @param python interpreter with the peers' packages
/// @param scripts folder of `trl_bench.py` and `llamacpp_bench.py`
/// @param model what the peer loads, if not the model that is measured: a folder in Hugging Face
///     layout, or a GGUF file
public record Peer(Path python, Path scripts, Optional<Path> model) {
    private static final String RESULT = "RESULT ";
    private static final int PROMPT_LIMIT = 256;
    private static final int TRL_RANK = 16;
    private static final int GRPO_COMPLETIONS = 8;

    /// Large tensors come from malloc, which gives their pages back unless told to keep them.
    private static final Map<String, String> KEEP_MEMORY =
            Map.of(
                    "MALLOC_MMAP_THRESHOLD_", "4294967296",
                    "MALLOC_TRIM_THRESHOLD_", "17179869184",
                    "MALLOC_TOP_PAD_", "268435456");

    /// What this process was given for itself, or what would slow a peer down.
    private static final List<String> NOT_THEIRS =
            List.of(
                    "GLIBC_TUNABLES",
                    "MALLOC_ARENA_MAX",
                    "MALLOC_MMAP_THRESHOLD_",
                    "MALLOC_TRIM_THRESHOLD_",
                    "MALLOC_TOP_PAD_",
                    "OPENBLAS_CORETYPE",
                    "OPENBLAS_L2_SIZE");

    /// One run of a peer.
    ///
    /// @param settings its command-line options
    /// @param figures named as Attune's
    public record Run(List<String> settings, Map<String, Double> figures) {}

    /// Its name in reports.
    public static String name(BenchTask task) {
        return task.trains() ? "TRL" : "llama.cpp";
    }

    /// Settings to choose from, the usually fastest first.
    static List<List<String>> settings(BenchTask task) {
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

    /// @throws ConfigException if the peer can't do this work
    void check(BenchSpec spec) {
        Path script = script(spec.task());
        if (!Files.isReadable(script)) {
            throw new ConfigException(
                    "--peer-scripts: %s is no readable file; give the folder that has it"
                            .formatted(script));
        }
        if (!Files.isExecutable(python)) {
            throw new ConfigException("--peer: %s is no executable file".formatted(python));
        }
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

    private Path script(BenchTask task) {
        return scripts.resolve(task.trains() ? "trl_bench.py" : "llamacpp_bench.py");
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

    /// Runs the peer once.
    ///
    /// @param settings one of [#settings]
    /// @param log file for what it prints
    Run run(BenchSpec spec, List<String> settings, Path log) {
        List<String> command = new ArrayList<>();
        command.add(python.toString());
        command.add(script(spec.task()).toString());
        command.addAll(spec.task().trains() ? trl(spec) : llama(spec, log));
        command.addAll(settings);
        String output =
                Programs.run(
                        command,
                        log,
                        builder -> {
                            NOT_THEIRS.forEach(builder.environment()::remove);
                            if (spec.task().trains()) {
                                builder.environment().putAll(KEEP_MEMORY);
                            }
                        });
        String result =
                output.lines()
                        .filter(line -> line.startsWith(RESULT))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new AttuneException(
                                                "%s printed no line that begins with \"%s\"; see %s"
                                                        .formatted(
                                                                script(spec.task()), RESULT, log)));
        return new Run(settings, figures(spec, result.substring(RESULT.length())));
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
    private List<String> llama(BenchSpec spec, Path log) {
        Path given = gguf(spec);
        String name = given.toString();
        String stem = name.substring(0, name.lastIndexOf('.'));
        Path converted = Path.of(stem + ".bf16.gguf");
        if (!stem.endsWith(".bf16") && !Files.exists(converted)) {
            Programs.run(
                    List.of(
                            python.toString(),
                            script(spec.task()).toString(),
                            name,
                            "--quantize",
                            "bf16"),
                    log,
                    _ -> {});
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

    /// @param json what the script printed
    static Map<String, Double> figures(BenchSpec spec, String json) {
        Map<?, ?> said = BenchJson.parse(json, Map.class);
        Map<String, Double> figures = new LinkedHashMap<>();
        put(figures, Figures.DECODE, said, spec.task() == BenchTask.GENERATE ? "decode_tok_s" : "");
        put(figures, Figures.PREFILL, said, "prefill_tok_s");
        put(figures, Figures.TOKENS_ALL, said, "tok_s");
        put(figures, Figures.PAIRS_ALL, said, "pairs_s");
        put(figures, Figures.COMPLETIONS_ALL, said, "completions_s");
        put(figures, Figures.PEAK, said, "peak_rss_mb");
        if (said.get("seconds_per_step") instanceof List<?> steps && !steps.isEmpty()) {
            double[] seconds =
                    steps.stream().mapToDouble(s -> ((Number) s).doubleValue()).toArray();
            figures.put(Figures.FIRST_STEP, seconds[0]);
            double sum = 0;
            for (int i = spec.warmUp(); i < seconds.length; i++) {
                sum += seconds[i];
            }
            figures.put(Figures.STEP, sum / (seconds.length - spec.warmUp()));
        }
        return figures;
    }

    private static void put(Map<String, Double> figures, String name, Map<?, ?> said, String key) {
        if (said.get(key) instanceof Number number) {
            figures.put(name, number.doubleValue());
        }
    }
}
