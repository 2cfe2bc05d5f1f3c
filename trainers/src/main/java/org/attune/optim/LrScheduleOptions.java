package org.attune.optim;

import org.attune.error.ConfigException;
import org.attune.optim.LrSchedule.Span;
import org.attune.optim.LrSchedule.WarmupStableDecay.Shape;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The schedule options of a run, as transformers spells them: `lr_scheduler_type`,
/// `lr_scheduler_kwargs`, and what the schedule needs to know of the run.
///
/// @param type `linear`, `cosine`, … in lower case
/// @param settings the keyword arguments of that type
/// @param learningRate the configured rate, which absolute settings (`min_lr`, `lr_end`) are a
///     share of
/// @param span steps of warm-up and of the run
public record LrScheduleOptions(
        String type, Map<String, Object> settings, double learningRate, Span span) {
    /// The types that [#schedule] knows, in transformers' spelling.
    public static final Set<String> TYPES =
            Set.of(
                    "linear",
                    "cosine",
                    "cosine_with_restarts",
                    "polynomial",
                    "constant",
                    "constant_with_warmup",
                    "inverse_sqrt",
                    "cosine_with_min_lr",
                    "cosine_warmup_with_min_lr",
                    "warmup_stable_decay",
                    "reduce_lr_on_plateau",
                    "greedy");

    /// Types whose rate follows evaluations.
    public static final Set<String> MEASURED = Set.of("reduce_lr_on_plateau", "greedy");

    public LrScheduleOptions {
        settings = Map.copyOf(settings);
    }

    /// Builds the schedule.
    ///
    /// @throws ConfigException if the type or one of its settings is unknown, missing or no number
    public LrSchedule schedule() {
        return switch (type) {
            case "constant" -> allowing(new LrSchedule.Constant());
            case "constant_with_warmup" ->
                    allowing(new LrSchedule.ConstantWithWarmup(span.warmupSteps()));
            case "linear" -> allowing(new LrSchedule.Linear(span));
            case "cosine" ->
                    allowing(new LrSchedule.Cosine(span, number("num_cycles", 0.5)), "num_cycles");
            case "cosine_with_restarts" ->
                    allowing(
                            new LrSchedule.CosineWithRestarts(span, integer("num_cycles", 1)),
                            "num_cycles");
            case "polynomial" ->
                    allowing(
                            new LrSchedule.Polynomial(
                                    span,
                                    number("power", 1),
                                    number("lr_end", 1e-7) / learningRate),
                            "power",
                            "lr_end");
            case "inverse_sqrt" -> allowing(inverseSqrt(), "timescale");
            case "cosine_with_min_lr" ->
                    allowing(
                            new LrSchedule.CosineWithMinLr(
                                    span, minFactor(), number("num_cycles", 0.5)),
                            "num_cycles",
                            "min_lr",
                            "min_lr_rate");
            case "cosine_warmup_with_min_lr" ->
                    allowing(
                            new LrSchedule.CosineWarmupWithMinLr(
                                    span,
                                    minFactor(),
                                    number("num_cycles", 0.5),
                                    number("warmup_lr_rate", Double.NaN)),
                            "num_cycles",
                            "min_lr",
                            "min_lr_rate",
                            "warmup_lr_rate");
            case "warmup_stable_decay" -> warmupStableDecay();
            case "reduce_lr_on_plateau", "greedy" -> new LrSchedule.Constant(); // at the start
            default ->
                    throw new ConfigException(
                            "lr_scheduler_type is \"%s\"; accepted: %s"
                                    .formatted(
                                            type,
                                            String.join(", ", TYPES.stream().sorted().toList())));
        };
    }

    /// Builds the schedule of a type whose rate follows evaluations; empty for others.
    ///
    /// @param greater whether greater metrics are better
    /// @throws ConfigException as [#schedule]
    public Optional<MeasuredSchedule> measured(boolean greater) {
        return MEASURED.contains(type)
                ? Optional.of(
                        new MeasuredScheduleOptions(type, settings, learningRate).schedule(greater))
                : Optional.empty();
    }

    private LrSchedule inverseSqrt() {
        // transformers: without a timescale the warm-up's length, without a warm-up 10 000.
        int fallback = span.warmupSteps() > 0 ? span.warmupSteps() : 10_000;
        return new LrSchedule.InverseSqrt(span.warmupSteps(), integer("timescale", fallback));
    }

    private LrSchedule warmupStableDecay() {
        if (!settings.containsKey("num_decay_steps")) {
            throw new ConfigException(
                    "lr_scheduler_type warmup_stable_decay needs"
                            + " lr_scheduler_kwargs: {num_decay_steps: …}");
        }
        int decay = integer("num_decay_steps", 0);
        int rest = span.trainingSteps() - span.warmupSteps() - decay;
        int stable = integer("num_stable_steps", rest); // below 0 the decay begins further on
        return allowing(
                new LrSchedule.WarmupStableDecay(
                        span.warmupSteps(),
                        stable,
                        decay,
                        shape("warmup_type", "linear"),
                        shape("decay_type", "cosine"),
                        number("min_lr_ratio", 0),
                        number("num_cycles", 0.5)),
                "num_decay_steps",
                "num_stable_steps",
                "warmup_type",
                "decay_type",
                "min_lr_ratio",
                "num_cycles");
    }

    private double minFactor() {
        boolean absolute = settings.containsKey("min_lr");
        if (absolute == settings.containsKey("min_lr_rate")) {
            throw new ConfigException(
                    "%s needs one of min_lr and min_lr_rate in lr_scheduler_kwargs, got %s"
                            .formatted(type, settings));
        }
        return absolute ? number("min_lr", 0) / learningRate : number("min_lr_rate", 0);
    }

    private Shape shape(String key, String fallback) {
        Object value = settings.getOrDefault(key, fallback);
        return switch (value.toString().toLowerCase(Locale.ROOT)) {
            case "linear" -> Shape.LINEAR;
            case "cosine" -> Shape.COSINE;
            case "1-sqrt" -> Shape.ONE_MINUS_SQRT;
            default ->
                    throw new ConfigException(
                            "lr_scheduler_kwargs.%s is \"%s\"; accepted: linear, cosine, 1-sqrt"
                                    .formatted(key, value));
        };
    }

    private double number(String key, double fallback) {
        return ScheduleSettings.number(settings, key, fallback);
    }

    private int integer(String key, int fallback) {
        return ScheduleSettings.integer(settings, key, fallback);
    }

    private LrSchedule allowing(LrSchedule schedule, String... keys) {
        ScheduleSettings.requireKnown(settings, type, keys);
        return schedule;
    }
}
