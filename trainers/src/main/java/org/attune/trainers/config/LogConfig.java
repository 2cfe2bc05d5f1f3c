package org.attune.trainers.config;

import org.attune.records.CopyMethods;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// When metrics are written and where to.
///
/// @param loggingStrategy when
/// @param loggingSteps for `steps`: how often; below 1: a share of all steps
/// @param loggingFirstStep log step 1 too
/// @param reportTo further places for metrics, by the names of their reporters; `none` is one too
/// @param runName name of the run in reports
/// @param project that the run belongs to in Trackio
@CopyMethods
public record LogConfig(
        IntervalStrategy loggingStrategy,
        @InRange(min = 0, minOpen = true) double loggingSteps,
        boolean loggingFirstStep,
        List<String> reportTo,
        Optional<String> runName,
        String project)
        implements LogConfigCopies {
    public LogConfig {
        reportTo = reportTo.stream().map(name -> name.toLowerCase(Locale.ROOT)).toList();
    }

    /// The defaults, as listed at the parameters.
    public static LogConfig defaults() {
        return LogConfigCopies.blank()
                .withLoggingStrategy(IntervalStrategy.STEPS)
                .withLoggingSteps(10)
                .withProject("huggingface");
    }

    /// Steps between log lines in a run of `totalSteps`.
    public int loggingInterval(int totalSteps) {
        return interval(loggingSteps, totalSteps);
    }

    /// A value below 1 is a share of all steps, rounded up, as in transformers.
    static int interval(double value, int totalSteps) {
        return value < 1 ? (int) Math.ceil(value * totalSteps) : (int) value;
    }
}
