package org.attune.trainers.sweep;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.error.Spelling;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What a sweep is to try: the block `sweep` of a run's file.
///
/// @param strategy how values are chosen
/// @param trials how many runs; of a grid all
/// @param seed of the draws
/// @param prune whether runs that are worse than most are given up
/// @param metric that is compared; unset: the run's held-out one
/// @param ranges by key
@Api(EXPERIMENTAL)
public record SweepPlan(
        Strategy strategy,
        int trials,
        long seed,
        boolean prune,
        Optional<String> metric,
        Map<String, SweepRange> ranges) {
    private static final List<String> KEYS =
            List.of("strategy", "trials", "seed", "prune", "metric", "keys");
    private static final List<String> BOUNDS = List.of("min", "max", "scale", "step");
    private static final int MOST = 10_000;

    /// How values are chosen.
    public enum Strategy {
        /// All combinations are tried.
        GRID,
        /// Independent draws.
        RANDOM,
        /// Draws near what was good, by a tree-structured Parzen estimator.
        TPE
    }

    public SweepPlan {
        ranges = Collections.unmodifiableMap(new LinkedHashMap<>(ranges));
    }

    /// Reads the block.
    ///
    /// @param block maps, lists and texts
    /// @throws ConfigException naming what is wrong and what is accepted
    public static SweepPlan of(Object block) {
        Map<?, ?> fields = map("sweep", block);
        requireKnown("sweep", fields, KEYS);
        Map<String, SweepRange> ranges = new LinkedHashMap<>();
        map("sweep: keys", fields.get("keys"))
                .forEach((key, value) -> ranges.put(String.valueOf(key), range(key, value)));
        if (ranges.isEmpty()) {
            throw new ConfigException("sweep: keys: there are none; name what is to be tried");
        }
        boolean numbers = ranges.values().stream().anyMatch(SweepPlan::isOpen);
        String given = text(fields, "strategy", numbers ? "tpe" : "grid");
        Strategy strategy = strategy(given);
        if (strategy == Strategy.GRID && numbers) {
            throw new ConfigException(
                    "sweep: a grid needs lists, or ranges with a step; give them, or strategy:"
                            + " tpe");
        }
        long all =
                ranges.values().stream()
                        .filter(r -> !isOpen(r))
                        .mapToLong(r -> r.grid().size())
                        .reduce(1, Math::multiplyExact);
        int trials =
                strategy == Strategy.GRID
                        ? (int) Math.min(all, MOST + 1L)
                        : whole(fields, "trials", 20);
        if (trials < 1 || trials > MOST) {
            throw new ConfigException(
                    "sweep: %d trials; 1 to %d are accepted".formatted(trials, MOST));
        }
        String prune = text(fields, "prune", "median");
        if (!List.of("median", "none").contains(prune)) {
            throw new ConfigException("sweep: prune: %s; accepted: median, none".formatted(prune));
        }
        return new SweepPlan(
                strategy,
                trials,
                whole(fields, "seed", 42),
                prune.equals("median"),
                Optional.ofNullable(fields.get("metric")).map(String::valueOf),
                ranges);
    }

    /// A trial's values as `key=value`.
    public List<String> words(Map<String, Double> values) {
        return values.entrySet().stream()
                .map(e -> e.getKey() + "=" + ranges.get(e.getKey()).text(e.getValue()))
                .toList();
    }

    private static boolean isOpen(SweepRange range) {
        return range instanceof SweepRange.Numbers n && n.step().isEmpty() && !n.whole();
    }

    private static Strategy strategy(String name) {
        for (Strategy one : Strategy.values()) {
            if (one.name().toLowerCase(Locale.ROOT).equals(name)) {
                return one;
            }
        }
        throw new ConfigException(
                "sweep: strategy: %s; accepted: grid, random, tpe".formatted(name));
    }

    private static Map<?, ?> map(String where, Object value) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw new ConfigException(
                where + ": " + value + "; accepted: keys with values; see docs/sweep.md");
    }

    private static void requireKnown(String where, Map<?, ?> fields, List<String> known) {
        for (Object key : fields.keySet()) {
            if (!known.contains(String.valueOf(key))) {
                throw new ConfigException(
                        "%s: %s: unknown%s; accepted: %s"
                                .formatted(
                                        where,
                                        key,
                                        Spelling.nearest(String.valueOf(key), known)
                                                .map(k -> ", did you mean " + k)
                                                .orElse(""),
                                        String.join(", ", known)));
            }
        }
    }

    private static SweepRange range(Object key, Object value) {
        String where = "sweep: " + key;
        if (value instanceof List<?> list) {
            List<String> choices = new ArrayList<>();
            list.forEach(item -> choices.add(String.valueOf(item)));
            if (choices.isEmpty()) {
                throw new ConfigException(where + ": the list is empty");
            }
            return new SweepRange.Choices(choices);
        }
        if (!(value instanceof Map<?, ?> fields)) {
            throw new ConfigException(
                    "%s: %s; accepted: a list of values, or {min: 1e-5, max: 1e-3, scale: log}"
                            .formatted(where, value));
        }
        requireKnown(where, fields, BOUNDS);
        double min = number(where, fields, "min");
        double max = number(where, fields, "max");
        boolean log = text(fields, "scale", "linear").equals("log");
        OptionalDouble step =
                fields.containsKey("step")
                        ? OptionalDouble.of(number(where, fields, "step"))
                        : OptionalDouble.empty();
        if (!(min < max) || log && !(min > 0) || step.isPresent() && !(step.getAsDouble() > 0)) {
            throw new ConfigException(
                    "%s: %s; min must be below max, above 0 for scale: log, and step above 0"
                            .formatted(where, value));
        }
        if (!List.of("linear", "log").contains(text(fields, "scale", "linear"))) {
            throw new ConfigException(where + ": scale: accepted: linear, log");
        }
        boolean whole =
                isWhole(fields.get("min"))
                        && isWhole(fields.get("max"))
                        && (step.isEmpty() || isWhole(fields.get("step")));
        return new SweepRange.Numbers(min, max, log, whole, step);
    }

    private static boolean isWhole(Object value) {
        return String.valueOf(value).matches("-?\\d+");
    }

    private static double number(String where, Map<?, ?> fields, String name) {
        String text = text(fields, name, "nothing");
        try {
            double value = Double.parseDouble(text);
            if (Double.isFinite(value)) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw new ConfigException(
                    "%s: %s: %s; a number is accepted".formatted(where, name, text), e);
        }
        throw new ConfigException("%s: %s: %s; a number is accepted".formatted(where, name, text));
    }

    private static int whole(Map<?, ?> fields, String name, int otherwise) {
        String text = text(fields, name, String.valueOf(otherwise));
        if (!text.matches("\\d{1,9}")) {
            throw new ConfigException(
                    "sweep: %s: %s; a whole number is accepted".formatted(name, text));
        }
        return Integer.parseInt(text);
    }

    private static String text(Map<?, ?> fields, String name, String otherwise) {
        Object value = fields.get(name);
        return value == null ? otherwise : String.valueOf(value);
    }
}
