package org.attune.cli.progress;

import org.attune.cli.terminal.FittedLine;
import org.attune.cli.terminal.RunScreen;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.ProcessMemory;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;

/// Says how a run goes: a line for each logged step, and on a terminal one that moves, see
/// [LiveRun].
public final class ProgressLine implements TrainingListener {
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

    /// What a narrow terminal does without first.
    private static final List<String> LESS =
            List.of(
                    MetricKeys.GRAD_NORM,
                    MetricKeys.LEARNING_RATE,
                    MetricKeys.REWARDS_ACCURACIES,
                    MetricKeys.REWARDS_MARGINS,
                    MetricKeys.MEAN_TOKEN_ACCURACY);

    private final RunScreen screen;
    private final LongSupplier residentBytes;
    private final LiveRun live;
    private RunInfo info;

    /// @param residentBytes memory to show; 0 shows none
    ProgressLine(RunScreen screen, InstantSource clock, LongSupplier residentBytes) {
        this.screen = screen;
        this.residentBytes = residentBytes;
        live = new LiveRun(clock, residentBytes);
        screen.live(live::text);
    }

    /// A line with this process's time and memory.
    public static ProgressLine of(RunScreen screen) {
        return new ProgressLine(screen, InstantSource.system(), ProcessMemory::residentBytes);
    }

    @Override
    public void onStart(RunInfo run) {
        info = run;
        live.start(run);
        screen.line(
                "%s: %s trainable parameters, %d step%s%s, results in %s"
                        .formatted(
                                run.method(),
                                grouped(run.trainedParameters()),
                                run.totalSteps(),
                                run.totalSteps() == 1 ? "" : "s",
                                run.firstStep() > 0 ? " (" + run.firstStep() + " done)" : "",
                                run.outputDir()));
    }

    @Override
    public void onPhase(String phase, boolean evaluating) {
        live.phase(phase, evaluating);
    }

    @Override
    public void onPass(int tokens) {
        live.pass(tokens);
    }

    @Override
    public void onCompleted(int done, int total) {
        live.completed(done, total);
    }

    @Override
    public void onStep(int step, long tokens, PhaseClock clock) {
        live.step(step, tokens);
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        var line = new FittedLine().add("step %d/%d".formatted(step, info.totalSteps()), 0);
        for (String key : SHOWN) {
            number(metrics, key)
                    .ifPresent(
                            v -> line.add(key + " " + significant(v), LESS.contains(key) ? 3 : 1));
        }
        number(metrics, MetricKeys.TOKENS_PER_SECOND)
                .ifPresent(v -> line.add("%s tokens/s".formatted(grouped(Math.round(v))), 2));
        if (screen.onTerminal()) { // the live line has the rest
            screen.line(line.within(screen.columns()));
            return;
        }
        line.add(live.eta(), 4);
        long bytes = residentBytes.getAsLong();
        line.add(bytes > 0 ? gibibytes(bytes) : "", 4);
        screen.line(line.whole());
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        var line =
                new FittedLine()
                        .add(
                                step == 0
                                        ? "evaluation at the start:"
                                        : "evaluation after step %d:".formatted(step),
                                0);
        metrics.forEach(
                (key, value) -> {
                    boolean shown = SHOWN.stream().anyMatch(s -> key.endsWith("_" + s));
                    if (shown && value instanceof Number n) {
                        boolean less = LESS.stream().anyMatch(key::endsWith);
                        int rank = less ? 3 : key.endsWith(MetricKeys.LOSS) ? 2 : 1;
                        line.add(key + " " + significant(n.doubleValue()), rank);
                    }
                });
        String text = screen.onTerminal() ? line.within(screen.columns()) : line.whole();
        screen.line(text.replaceFirst(":  ", ": "));
    }

    @Override
    public void onEnd(RunSummary summary) {
        screen.settle();
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

    private static OptionalDouble number(Map<String, Object> metrics, String key) {
        return metrics.get(key) instanceof Number n
                ? OptionalDouble.of(n.doubleValue())
                : OptionalDouble.empty();
    }

    /// Four significant digits.
    public static String significant(double value) {
        boolean plain = value == 0 || Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5;
        int digits =
                value == 0
                        ? 1
                        : Math.clamp(3 - (int) Math.floor(Math.log10(Math.abs(value))), 0, 6);
        return plain
                ? String.format(Locale.ROOT, "%." + digits + "f", value)
                : String.format(Locale.ROOT, "%.2e", value);
    }

    public static String duration(long millis) {
        var d = Duration.ofMillis(millis);
        return d.toHours() > 0
                ? "%d:%02d:%02d".formatted(d.toHours(), d.toMinutesPart(), d.toSecondsPart())
                : "%d:%02d".formatted(d.toMinutes(), d.toSecondsPart());
    }

    static String grouped(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    static String gibibytes(long bytes) {
        return String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1L << 30));
    }
}
