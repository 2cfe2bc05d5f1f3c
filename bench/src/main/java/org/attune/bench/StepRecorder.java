package org.attune.bench;

import com.sun.management.ThreadMXBean;

import org.attune.tensor.OperatorTimes;
import org.attune.tensor.TensorScope;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.PassWork;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.TrainingListener;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// Listens to a run and takes down what each step cost.
final class StepRecorder implements TrainingListener {
    private static final String STEP = "train";
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final int rowsOfStep;
    private final int profileFrom;
    private final List<Function<ModelFlops, StepCost>> steps = new ArrayList<>();
    private Optional<Double> firstStepSeconds = Optional.empty();
    private Snapshot before = Snapshot.START;
    private Snapshot last;
    private long tokensBefore;
    private final List<Integer> completionLengths = new ArrayList<>();
    private int groupSize = 1;

    private record Snapshot(
            double seconds,
            double processor,
            Map<String, Double> phases,
            Map<String, PassWork> passes,
            long heapBytes,
            long tensors) {
        static final Snapshot START = new Snapshot(0, 0, Map.of(), Map.of(), 0, 0);

        static Snapshot of(PhaseClock clock) {
            return new Snapshot(
                    clock.wholeSeconds(STEP),
                    processorSeconds(),
                    clock.seconds(),
                    clock.passes(),
                    allocated(),
                    TensorScope.createdTensors());
        }

        /// What was added since; phases that don't belong to a step are left out.
        Snapshot minus(Snapshot earlier) {
            Map<String, Double> added = new LinkedHashMap<>();
            phases.forEach(
                    (phase, time) -> {
                        double more = time - earlier.phases.getOrDefault(phase, 0.0);
                        if (isOfStep(phase) && more > 0) {
                            added.put(phase.equals(STEP) ? "other" : phase, more);
                        }
                    });
            Map<String, PassWork> work = new LinkedHashMap<>();
            passes.forEach(
                    (phase, all) -> {
                        var more = all.minus(earlier.passes.getOrDefault(phase, PassWork.NONE));
                        if (more.passes() > 0) {
                            work.put(phase, more);
                        }
                    });
            return new Snapshot(
                    seconds - earlier.seconds,
                    processor - earlier.processor,
                    added,
                    work,
                    heapBytes - earlier.heapBytes,
                    tensors - earlier.tensors);
        }
    }

    /// @param rowsOfStep examples, pairs or completions a step
    /// @param profileFrom step after which operators are timed; negative: never
    StepRecorder(int rowsOfStep, int profileFrom) {
        this.rowsOfStep = rowsOfStep;
        this.profileFrom = profileFrom;
    }

    /// Bytes that this thread has allocated on the Java heap.
    static long allocated() {
        return THREADS.getCurrentThreadAllocatedBytes();
    }

    /// Processor time of this thread.
    static double processorSeconds() {
        return THREADS.getCurrentThreadCpuTime() / 1e9;
    }

    @Override
    public void onStart(RunInfo info) {
        before =
                new Snapshot(
                        0,
                        processorSeconds(),
                        Map.of(),
                        Map.of(),
                        allocated(),
                        TensorScope.createdTensors());
        startProfile(0);
    }

    private void startProfile(int step) {
        if (step == profileFrom) {
            OperatorTimes.start();
        }
    }

    @Override
    public void onCompletions(long round, CompletionTable table) {
        groupSize = table.generations();
        table.batch().completions().forEach(c -> completionLengths.add(c.tokens().length));
    }

    @Override
    public void onStep(int step, long tokens, PhaseClock clock) {
        if (step == 1) {
            firstStepSeconds = Optional.of(ProcessAge.seconds());
        }
        Snapshot now = Snapshot.of(clock);
        last = now.minus(before);
        before = now;
        startProfile(step);
    }

    /// Follows [#onStep], with the tokens so far.
    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        if (last != null && metrics.get(MetricKeys.NUM_TOKENS) instanceof Number all) {
            long tokens = all.longValue() - tokensBefore;
            tokensBefore = all.longValue();
            Snapshot done = last;
            var lengths = List.copyOf(completionLengths);
            steps.add(flops -> cost(flops, done, tokens, lengths));
            last = null;
            completionLengths.clear();
        }
    }

    private StepCost cost(ModelFlops flops, Snapshot step, long tokens, List<Integer> lengths) {
        var none = PassWork.NONE;
        return new StepCost(
                step.seconds(),
                step.processor(),
                tokens,
                rowsOfStep,
                step.phases(),
                step.passes(),
                flops.byPhase(step.passes(), rollout(flops, tokens, lengths)),
                flops.recomputed(
                        step.passes().getOrDefault("forward", none),
                        step.passes().getOrDefault(PhaseClock.RECOMPUTED, none)),
                step.heapBytes(),
                step.tensors());
    }

    /// Operations of the step's generation. Of the prompts only the mean length is known.
    ///
    /// @param tokens of prompts and completions, a prompt counted for each completion
    /// @param lengths of completions
    private double rollout(ModelFlops flops, long tokens, List<Integer> lengths) {
        if (lengths.isEmpty()) {
            return 0;
        }
        int count = lengths.size();
        long completed = lengths.stream().mapToLong(Integer::longValue).sum();
        int prompt = Math.toIntExact(Math.max(1, (tokens - completed) / count));
        double sum = flops.prefill(prompt) * count / groupSize;
        for (int length : lengths) {
            sum += length == 0 ? 0 : flops.decode(prompt, length);
        }
        return sum;
    }

    private static boolean isOfStep(String phase) {
        return !phase.equals("load") && !phase.equals("evaluate") && !phase.equals("save");
    }

    /// @param flops counts operations; not asked before, since it takes the model's configuration,
    ///     whose reading would be part of the start that is measured
    List<StepCost> steps(ModelFlops flops) {
        return steps.stream().map(step -> step.apply(flops)).toList();
    }

    /// Seconds from the start of the process to the end of the first step; empty if there was none.
    Optional<Double> firstStepSeconds() {
        return firstStepSeconds;
    }
}
