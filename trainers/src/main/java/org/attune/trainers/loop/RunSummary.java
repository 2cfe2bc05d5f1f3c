package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// The result of a run, told once at its end and written to `summary.json`.
///
/// @param steps optimizer steps done, earlier ones of a resumed run included
/// @param interrupted whether the run stopped before its last step because it was asked to
/// @param heldout held-out quality: a metric on rows not trained on; empty if nothing was evaluated
/// @param secondsByPhase wall time by phase, in order: `load`, `evaluate`, `save`; of steps `data`,
///     `rollout`, `reward`, `old`, `reference`, `values`, `forward`, `backward`, `critic_forward`,
///     `critic_backward`, `optimizer`, and the rest of a step as `train`
/// @param tokensPerSecond trained-on tokens per second of the steps, without padding
/// @param peakMemoryBytes the process's largest resident memory; 0 if the system does not tell
/// @param peakDeviceBytes the most bytes of tensors on each GPU, by the device's name
@Api(EXPERIMENTAL)
public record RunSummary(
        int steps,
        boolean interrupted,
        Optional<Heldout> heldout,
        Map<String, Double> secondsByPhase,
        double tokensPerSecond,
        long peakMemoryBytes,
        Map<String, Long> peakDeviceBytes) {

    private static final Logger LOG = LoggerFactory.getLogger(RunSummary.class);

    /// The summary of a run without a GPU.
    public RunSummary(
            int steps,
            boolean interrupted,
            Optional<Heldout> heldout,
            Map<String, Double> secondsByPhase,
            double tokensPerSecond,
            long peakMemoryBytes) {
        this(
                steps,
                interrupted,
                heldout,
                secondsByPhase,
                tokensPerSecond,
                peakMemoryBytes,
                Map.of());
    }

    /// The summary of a run that was stopped while it read and prepared what it needs.
    ///
    /// @param secondsByPhase of what was done
    public static RunSummary stoppedBefore(Map<String, Double> secondsByPhase) {
        LOG.info("stopped before the first step");
        return new RunSummary(
                0, true, Optional.empty(), secondsByPhase, 0, ProcessMemory.peakBytes());
    }

    /// The summary of a process that only wrote completions.
    ///
    /// @param secondsByPhase of what was done
    public static RunSummary ofRolloutRank(Map<String, Double> secondsByPhase) {
        return new RunSummary(
                0, false, Optional.empty(), secondsByPhase, 0, ProcessMemory.peakBytes());
    }

    /// One metric on held-out rows.
    ///
    /// @param metric its key, e.g. `eval_loss`
    /// @param n rows it was measured on
    /// @param before value before the first step; empty if it was not measured
    /// @param after value at the end; empty if it was not measured
    public record Heldout(String metric, int n, OptionalDouble before, OptionalDouble after) {}
}
