package org.attune.bench;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.model.layer.Storage;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/// Another program on the same work, run by a Python script that prints a line `RESULT {…}`.
///
/// @param python interpreter with the program's packages
/// @param scripts folder of the scripts
/// @param program which one
public record Peer(Path python, Path scripts, PeerProgram program) {
    private static final String RESULT = "RESULT ";

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
        if (spec.quantization() != Storage.AUTO && spec.quantization() != Storage.NONE) {
            throw new ConfigException(
                    "--quantization %s isn't given to another program; leave --peer out"
                            .formatted(spec.quantization().name().toLowerCase(Locale.ROOT)));
        }
        program.check(spec);
    }

    private Path script(BenchTask task) {
        return scripts.resolve(program.script(task));
    }

    /// Runs the script with other words, before it is measured.
    private Consumer<List<String>> prepare(BenchSpec spec, Path log) {
        return words -> {
            List<String> command = new ArrayList<>();
            command.add(python.toString());
            command.add(script(spec.task()).toString());
            command.addAll(words);
            Programs.run(command, log, _ -> {});
        };
    }

    /// Runs the peer once.
    ///
    /// @param rows file of the work's rows
    /// @param settings one of the program's
    /// @param log file for what it prints
    Run run(BenchSpec spec, Path rows, List<String> settings, Path log) {
        List<String> command = new ArrayList<>();
        command.add(python.toString());
        command.add(script(spec.task()).toString());
        command.addAll(program.arguments(spec, rows, prepare(spec, log)));
        command.addAll(settings);
        Map<?, ?> said =
                result(
                        script(spec.task()),
                        command,
                        log,
                        builder -> {
                            NOT_THEIRS.forEach(builder.environment()::remove);
                            if (spec.task().trains()) {
                                builder.environment().putAll(KEEP_MEMORY);
                            }
                        });
        return new Run(settings, figures(spec, said));
    }

    /// Runs a script and reads its result.
    ///
    /// @param command that runs it
    /// @throws AttuneException if it fails, or prints no result
    static Map<?, ?> result(
            Path script, List<String> command, Path log, Consumer<ProcessBuilder> prepare) {
        return Programs.run(command, log, prepare)
                .lines()
                .filter(line -> line.startsWith(RESULT))
                .findFirst()
                .map(line -> BenchJson.parse(line.substring(RESULT.length()), Map.class))
                .orElseThrow(
                        () ->
                                new AttuneException(
                                        "%s printed no line that begins with \"%s\"; see %s"
                                                .formatted(script, RESULT, log)));
    }

    /// @param json what the script printed
    static Map<String, Double> figures(BenchSpec spec, String json) {
        return figures(spec, BenchJson.parse(json, Map.class));
    }

    private static Map<String, Double> figures(BenchSpec spec, Map<?, ?> said) {
        Map<String, Double> figures = new LinkedHashMap<>();
        put(figures, Figures.DECODE, said, spec.task() == BenchTask.GENERATE ? "decode_tok_s" : "");
        put(figures, Figures.PREFILL, said, "prefill_tok_s");
        put(figures, Figures.TOKENS, said, "measured_tok_s");
        put(figures, Figures.TOKENS_ALL, said, "tok_s");
        put(figures, Figures.PAIRS_ALL, said, "pairs_s");
        put(figures, Figures.COMPLETIONS_ALL, said, "completions_s");
        put(figures, Figures.PEAK, said, "peak_rss_mb");
        put(figures, Figures.DEVICE_PEAK, said, "peak_device_mb");
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
