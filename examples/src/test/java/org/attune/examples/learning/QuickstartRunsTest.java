package org.attune.examples.learning;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.cli.config.RunConfigReader;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.grpo.GrpoMethod;
import org.attune.trainers.preference.DpoMethod;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The study's runs are the quickstart's.
final class QuickstartRunsTest {
    private static final Path QUICKSTART =
            Path.of(System.getProperty("attune.root", ".."), "examples", "quickstart");
    private final QuickstartRuns runs =
            new QuickstartRuns(Path.of(System.getProperty("attune.root", "..")));

    @Test
    void grpo() {
        assertEquals(
                absolute(
                        new RunConfigReader()
                                .read(new GrpoMethod(), QUICKSTART.resolve("grpo.yaml"), List.of())
                                .found()
                                .config()),
                absolute(runs.grpo(1, Path.of("quickstart/grpo"))));
    }

    @Test
    void dpo() {
        assertEquals(
                absolute(
                        new RunConfigReader()
                                .read(new DpoMethod(), QUICKSTART.resolve("dpo.yaml"), List.of())
                                .found()
                                .config()),
                absolute(runs.dpo(1, Path.of("quickstart/dpo"))));
    }

    /// The file's paths are relative to where the test runs, or absolute.
    private static Map<String, Object> absolute(Record config) {
        Map<String, Object> flat = ResolvedConfig.flat(config);
        flat.compute("model_name_or_path", (_, path) -> absolute(String.valueOf(path)));
        for (String key : List.of("datasets", "eval_datasets")) {
            flat.computeIfPresent(
                    key,
                    (_, sources) ->
                            ((List<?>) sources)
                                    .stream().map(QuickstartRunsTest::absoluteSource).toList());
        }
        return flat;
    }

    private static Object absoluteSource(Object source) {
        Map<Object, Object> fields = new TreeMap<>((Map<?, ?>) source);
        fields.compute("path", (_, path) -> absolute(String.valueOf(path)));
        return fields;
    }

    private static String absolute(String path) {
        return Path.of(path).toAbsolutePath().normalize().toString();
    }
}
