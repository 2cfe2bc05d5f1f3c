package org.attune.cli;

import org.attune.trainers.MetricKeys;
import org.attune.trainers.ProcessMemory;
import org.attune.trainers.RunInfo;
import org.attune.trainers.RunSummary;
import org.attune.trainers.TrainingListener;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;

/// Says how a run goes, in a line for each logged step: step, loss, tokens per second, time to go,
/// memory.
final class ProgressLine implements TrainingListener {
    private static final List<String> SHOWN =
            List.of(
                    MetricKeys.LOSS,
                    MetricKeys.GRAD_NORM,
                    MetricKeys.LEARNING_RATE,
                    MetricKeys.REWARD,
                    MetricKeys.ACCURACY,
                    MetricKeys.REWARDS_ACCURACIES,
                    MetricKeys.REWARDS_MARGINS,
                    MetricKeys.MEAN_TOKEN_ACCURACY);

    private final RunScreen screen;
    private final InstantSource clock;
    private final LongSupplier residentBytes;
    private RunInfo info;
    private long startMillis;

    /// @param residentBytes memory to show; 0 shows none
    ProgressLine(RunScreen screen, InstantSource clock, LongSupplier residentBytes) {
        this.screen = screen;
        this.clock = clock;
        this.residentBytes = residentBytes;
    }

    /// With this process's time and memory.
    static ProgressLine of(RunScreen screen) {
        return new ProgressLine(screen, InstantSource.system(), ProcessMemory::residentBytes);
    }

    @Override
    public void onStart(RunInfo run) {
        info = run;
        startMillis = clock.millis();
        screen.line(
                "%s: %s trained numbers, %d steps%s, results in %s"
                        .formatted(
                                run.method(),
                                grouped(run.trainedParameters()),
                                run.totalSteps(),
                                run.firstStep() > 0 ? " (" + run.firstStep() + " done)" : "",
                                run.outputDir()));
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        if (!metrics.containsKey(MetricKeys.LOSS)) {
            return; // the totals at the end of a run
        }
        List<String> parts = new ArrayList<>();
        parts.add("step %d/%d".formatted(step, info.totalSteps()));
        for (String key : SHOWN) {
            number(metrics, key).ifPresent(v -> parts.add(key + " " + significant(v)));
        }
        number(metrics, MetricKeys.TOKENS_PER_SECOND)
                .ifPresent(v -> parts.add("%s tokens/s".formatted(grouped(Math.round(v)))));
        parts.add("ETA " + duration(remainingMillis(step)));
        long bytes = residentBytes.getAsLong();
        if (bytes > 0) {
            parts.add(gibibytes(bytes));
        }
        screen.passing(String.join("  ", parts));
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        List<String> parts = new ArrayList<>();
        metrics.forEach(
                (key, value) -> {
                    boolean shown = SHOWN.stream().anyMatch(s -> key.endsWith("_" + s));
                    if (shown && value instanceof Number n) {
                        parts.add(key + " " + significant(n.doubleValue()));
                    }
                });
        screen.line("evaluation after step %d: %s".formatted(step, String.join("  ", parts)));
    }

    @Override
    public void onEnd(RunSummary summary) {
        double seconds =
                summary.secondsByPhase().values().stream().mapToDouble(Double::doubleValue).sum();
        screen.line(
                "%s after step %d in %s, %s tokens/s, peak %s"
                        .formatted(
                                summary.interrupted() ? "stopped" : "done",
                                summary.steps(),
                                duration(Math.round(seconds * 1000)),
                                grouped(Math.round(summary.tokensPerSecond())),
                                gibibytes(summary.peakMemoryBytes())));
    }

    private long remainingMillis(int step) {
        int done = step - info.firstStep();
        long elapsed = clock.millis() - startMillis;
        return done <= 0 ? 0 : elapsed * (info.totalSteps() - step) / done;
    }

    private static OptionalDouble number(Map<String, Object> metrics, String key) {
        return metrics.get(key) instanceof Number n
                ? OptionalDouble.of(n.doubleValue())
                : OptionalDouble.empty();
    }

    /// Four significant digits.
    static String significant(double value) {
        boolean plain = value == 0 || Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5;
        int digits =
                value == 0
                        ? 1
                        : Math.clamp(3 - (int) Math.floor(Math.log10(Math.abs(value))), 0, 6);
        return plain
                ? String.format(Locale.ROOT, "%." + digits + "f", value)
                : String.format(Locale.ROOT, "%.2e", value);
    }

    static String duration(long millis) {
        var d = Duration.ofMillis(millis);
        return d.toHours() > 0
                ? "%d:%02d:%02d".formatted(d.toHours(), d.toMinutesPart(), d.toSecondsPart())
                : "%d:%02d".formatted(d.toMinutes(), d.toSecondsPart());
    }

    private static String grouped(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    private static String gibibytes(long bytes) {
        return String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1L << 30));
    }
}
