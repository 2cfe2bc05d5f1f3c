package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.json.Json;
import org.attune.reward.Advantages.Aggregation;
import org.attune.reward.Advantages.ClipRange;
import org.attune.reward.Advantages.Scale;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Compares advantages and reward statistics with TRL's.
@Tag("fixtures-trl")
class AdvantagesFixturesTest {
    // double against double: the README's tolerance
    private static final double RELATIVE = 1e-9;
    private static final double ABSOLUTE = 1e-12;
    // TRL's trainer computes in float32
    private static final double FLOAT = 1e-5;
    private static final Set<String> OBJECTIVES = Set.of("grpo-advantages", "rloo-advantages");

    @Test
    void equalTrls() throws IOException {
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (Object element : list(read(Fixtures.fixture("trl/losses.json")).get("cases"))) {
                Map<String, Object> recorded = map(element);
                if (OBJECTIVES.contains(recorded.get("objective"))) {
                    report.run(
                            "%s %s %s"
                                    .formatted(
                                            recorded.get("objective"),
                                            recorded.get("name"),
                                            recorded.get("config")),
                            () -> compareFormula(recorded));
                } else {
                    report.elsewhere();
                }
            }
            try (Stream<Path> folders = Files.list(Fixtures.fixture("trl/rollouts"))) {
                for (Path folder : folders.sorted().toList()) {
                    Map<String, Object> config = read(folder.resolve("config.json"));
                    if (config.get("reward_functions") instanceof List<?> l && !l.isEmpty()) {
                        report.run(
                                folder.getFileName().toString(), () -> compareRun(folder, config));
                    } else {
                        report.elsewhere();
                    }
                }
            }
        }
    }

    private static void compareFormula(Map<String, Object> recorded) {
        Map<String, Object> inputs = map(recorded.get("inputs"));
        Map<String, Object> config = map(recorded.get("config"));
        double[][] rewards =
                list(inputs.get("rewards")).stream()
                        .map(row -> numbers(list(row)))
                        .toArray(double[][]::new);
        var names = new ArrayList<String>();
        for (int f = 0; f < rewards[0].length; f++) {
            names.add("f" + f);
        }
        RewardTable table = RewardTable.of(names, weights(config, names.size()), rewards);
        double[] klSums =
                inputs.get("kl_sums") == null
                        ? new double[rewards.length]
                        : numbers(list(inputs.get("kl_sums")));
        boolean rloo = recorded.get("objective").equals("rloo-advantages");
        Advantages got = rloo ? rloo(table, config, klSums) : grpo(table, config);
        close(
                "advantage",
                numbers(list(recorded.get("advantages"))),
                got.values(),
                RELATIVE,
                // large rewards: rounding of numbers of size 1e6
                Math.max(ABSOLUTE, largest(rewards) * 1e-14 * (rloo ? 1 : 1e2)));
    }

    private static void compareRun(Path folder, Map<String, Object> config) throws IOException {
        List<String> names =
                list(config.get("reward_functions")).stream().map(Object::toString).toList();
        List<Map<String, Object>> rollouts = lines(folder.resolve("rollouts.jsonl"));
        int generations = 1 + ((Number) rollouts.getLast().get("generation")).intValue();
        var first = new ArrayList<Advantages>();
        for (int g = 0; g < generations; g++) {
            long generation = g;
            List<Map<String, Object>> rows =
                    rollouts.stream().filter(r -> r.get("generation").equals(generation)).toList();
            double[][] rewards =
                    rows.stream()
                            .map(row -> map(row.get("rewards")))
                            .map(row -> numbers(names.stream().map(row::get).toList()))
                            .toArray(double[][]::new);
            RewardTable table = RewardTable.of(names, weights(config, names.size()), rewards);
            if (config.get("trainer").equals("rloo")) {
                // the recorded advantages hold the divergence; the statistics don't
                first.add(rloo(table, config, new double[rows.size()]));
            } else {
                Advantages advantages = grpo(table, config);
                double[] expected = numbers(rows.stream().map(r -> r.get("advantage")).toList());
                close("advantage", expected, advantages.values(), FLOAT, FLOAT);
                first.add(advantages);
            }
        }
        // the first step logs the mean over the generations of its accumulation window
        int window =
                Math.max(
                        1,
                        integer(config, "gradient_accumulation_steps", 1)
                                / integer(config, "steps_per_generation", 1));
        Map<String, Object> step = lines(folder.resolve("expected.jsonl")).getFirst();
        for (String key : first.getFirst().metrics().keySet()) {
            double mean =
                    first.subList(0, window).stream()
                            .mapToDouble(advantages -> advantages.metrics().get(key))
                            .average()
                            .getAsDouble();
            double[] expected = numbers(Arrays.asList(step.get(key)));
            close(key, expected, new double[] {mean}, FLOAT, FLOAT);
        }
    }

    private static Advantages grpo(RewardTable table, Map<String, Object> config) {
        return Advantages.grpo(
                table,
                integer(config, "num_generations", 8),
                Scale.valueOf(text(config, "scale_rewards", "group")),
                Aggregation.valueOf(
                        text(config, "multi_objective_aggregation", "sum_then_normalize")));
    }

    private static Advantages rloo(RewardTable table, Map<String, Object> config, double[] klSums) {
        Optional<ClipRange> clip =
                Optional.ofNullable(config.get("reward_clip_range"))
                        .map(range -> numbers(list(range)))
                        .map(range -> new ClipRange(range[0], range[1]));
        return Advantages.rloo(
                table,
                integer(config, "num_generations", 2),
                klSums,
                config.get("beta") == null ? 0.05 : ((Number) config.get("beta")).doubleValue(),
                clip,
                Boolean.TRUE.equals(config.get("normalize_advantages")));
    }

    private static void close(
            String what, double[] expected, double[] got, double relative, double absolute) {
        assertTrue(expected.length == got.length, what + " has " + got.length + " values");
        for (int i = 0; i < expected.length; i++) {
            boolean equal =
                    Double.isNaN(expected[i])
                            ? Double.isNaN(got[i])
                            : Math.abs(expected[i] - got[i])
                                    <= absolute + relative * Math.abs(expected[i]);
            assertTrue(equal, "%s %d: expected %s, got %s".formatted(what, i, expected[i], got[i]));
        }
    }

    private static double largest(double[][] rewards) {
        return Arrays.stream(rewards)
                .flatMapToDouble(Arrays::stream)
                .filter(Double::isFinite)
                .map(Math::abs)
                .max()
                .orElse(0);
    }

    private static double[] weights(Map<String, Object> config, int functions) {
        if (config.get("reward_weights") != null) {
            return numbers(list(config.get("reward_weights")));
        }
        var ones = new double[functions];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static int integer(Map<String, Object> config, String key, int fallback) {
        return config.get(key) == null ? fallback : ((Number) config.get(key)).intValue();
    }

    private static String text(Map<String, Object> config, String key, String fallback) {
        return (config.get(key) == null ? fallback : config.get(key).toString())
                .toUpperCase(Locale.ROOT);
    }

    /// null and "NaN" are NaN.
    private static double[] numbers(List<?> values) {
        return values.stream()
                .mapToDouble(
                        value ->
                                switch (value) {
                                    case null -> Double.NaN;
                                    case Number number -> number.doubleValue();
                                    default -> Double.parseDouble(value.toString());
                                })
                .toArray();
    }

    private static Map<String, Object> read(Path file) throws IOException {
        return map(Json.parse(Files.readString(file)));
    }

    private static List<Map<String, Object>> lines(Path file) throws IOException {
        var rows = new ArrayList<Map<String, Object>>();
        for (String line : Files.readString(file).split("\n")) {
            rows.add(map(Json.parse(line)));
        }
        return rows;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    private static List<?> list(Object value) {
        return (List<?>) value;
    }
}
