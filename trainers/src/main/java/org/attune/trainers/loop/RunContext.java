package org.attune.trainers.loop;

import org.attune.checkpoint.ModelWriter;
import org.attune.ranks.Collective;
import org.attune.ranks.SingleProcess;
import org.attune.records.CopyMethods;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// The surroundings of a run.
///
/// @param model writes the trained adapter or model, for checkpoints and at the end
/// @param modelFingerprint tells the base model and the starting adapter apart from others, e.g. a
///     hash of their files; a run resumes only with the same
/// @param referenceFingerprint tells all that a frozen reference computes with apart from others:
///     runs with the same share its log-probabilities. Empty: they are kept for this run alone
/// @param sharePrompts whether sequences with a common beginning may share its computation: false
///     where a model's positions depend on the length of the whole sequence
/// @param listeners told what happens, in this order
/// @param stop ends the run early
/// @param clock takes the time of the phases; the caller may have timed the loading with it
/// @param ranks processes that do what this one does. Listeners of those that don't write hear
///     nothing
/// @param rolloutRanks processes that only write completions, and those that train; empty: all
///     processes do both
/// @param tasks what is measured at each evaluation beside held-out rows
@CopyMethods
public record RunContext(
        ModelWriter model,
        String modelFingerprint,
        Optional<String> referenceFingerprint,
        boolean sharePrompts,
        List<TrainingListener> listeners,
        StopSignal stop,
        PhaseClock clock,
        Collective ranks,
        Optional<RolloutRanks> rolloutRanks,
        Function<RunContext, List<HeldOutMeans>> tasks)
        implements RunContextCopies {
    public RunContext {
        boolean tells = ranks == null || ranks.writes();
        listeners = tells ? List.copyOf(listeners) : List.of();
        stop = ranks == null || stop == null ? stop : stop.among(ranks);
    }

    /// No listeners, and nobody who stops the run.
    public static RunContext of(ModelWriter model) {
        return RunContextCopies.blank()
                .withRanks(new SingleProcess())
                .withModel(model)
                .withModelFingerprint("unknown")
                .withSharePrompts(true)
                .withStop(new StopSignal())
                .withClock(new PhaseClock())
                .withTasks(_ -> List.of());
    }

    /// Whether this process only writes completions, for others that train.
    public boolean isRolloutRank() {
        return rolloutRanks.filter(RolloutRanks::isOne).isPresent();
    }

    /// An evaluation with that of the tasks behind it.
    List<HeldOutMeans> with(List<HeldOutMeans> ofRows) {
        return Stream.concat(ofRows.stream(), tasks.apply(this).stream()).toList();
    }

    public RunContext withListeners(TrainingListener... others) {
        return withListeners(List.of(others));
    }
}
