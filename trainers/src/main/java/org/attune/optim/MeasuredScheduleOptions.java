package org.attune.optim;

import static org.attune.optim.ScheduleSettings.integer;
import static org.attune.optim.ScheduleSettings.number;
import static org.attune.optim.ScheduleSettings.truth;
import static org.attune.optim.ScheduleSettings.word;

import org.attune.error.ConfigException;
import org.attune.optim.MeasuredSchedule.Comparison;

import java.util.List;
import java.util.Map;

/// Options of a schedule that follows evaluations, with the defaults of PyTorch and transformers.
/// `mode` follows the metric unless it is given, and must not contradict it.
///
/// @param type `reduce_lr_on_plateau` or `greedy`
/// @param settings `lr_scheduler_kwargs`
/// @param learningRate at the start
record MeasuredScheduleOptions(String type, Map<String, Object> settings, double learningRate) {
    private static final String RELATIVE = "rel";
    private static final String ABSOLUTE = "abs";

    /// @param greater whether greater metrics are better
    MeasuredSchedule schedule(boolean greater) {
        return type.equals("greedy") ? greedy(greater) : plateau(greater);
    }

    private MeasuredSchedule plateau(boolean greater) {
        ScheduleSettings.requireKnown(
                settings,
                type,
                "mode",
                "factor",
                "patience",
                "threshold",
                "threshold_mode",
                "cooldown",
                "min_lr",
                "eps");
        return new PlateauSchedule(
                new PlateauSchedule.Settings(
                        comparison(greater, 1e-4, List.of(RELATIVE, ABSOLUTE)),
                        number(settings, "factor", 0.1),
                        integer(settings, "patience", 10),
                        integer(settings, "cooldown", 0),
                        belowStart(number(settings, "min_lr", 0)),
                        number(settings, "eps", 1e-8)),
                learningRate);
    }

    private MeasuredSchedule greedy(boolean greater) {
        ScheduleSettings.requireKnown(
                settings,
                type,
                "mode",
                "factor",
                "patience",
                "threshold",
                "threshold_mode",
                "cooldown",
                "warmup",
                "min_lr",
                "max_lr",
                "eps",
                "smooth",
                "window_size",
                "reset_start",
                "verbose");
        return new GreedySchedule(
                new GreedySchedule.Settings(
                        comparison(greater, 1e-6, List.of(ABSOLUTE, RELATIVE)),
                        number(settings, "factor", 0.95),
                        integer(settings, "patience", 10),
                        integer(settings, "cooldown", 0),
                        integer(settings, "warmup", 0),
                        new GreedySchedule.Limits(
                                belowStart(number(settings, "min_lr", 1e-3)),
                                number(settings, "max_lr", 1),
                                number(settings, "eps", 1e-8)),
                        truth(settings, "smooth") ? integer(settings, "window_size", 50) : 1,
                        integer(settings, "reset_start", 500)),
                learningRate);
    }

    private Comparison comparison(boolean greater, double threshold, List<String> kinds) {
        String mode = greater ? "max" : "min";
        String asked = settings.getOrDefault("mode", mode).toString();
        if (!asked.equals(mode)) {
            throw new ConfigException(
                    ("lr_scheduler_kwargs.mode must be %s or left out, since metric_for_best_model"
                                    + " is better when it is %s, got %s")
                            .formatted(mode, greater ? "greater" : "smaller", asked));
        }
        return new Comparison(
                greater,
                number(settings, "threshold", threshold),
                word(settings, "threshold_mode", kinds).equals(RELATIVE));
    }

    private double belowStart(double least) {
        if (least > learningRate) {
            throw new ConfigException(
                    ("lr_scheduler_kwargs.min_lr must be at most learning_rate (%s) for %s, which"
                                    + " else never lowers it, got %s")
                            .formatted(learningRate, type, least));
        }
        return least;
    }
}
