package org.attune.trainers.loop;

import org.attune.checkpoint.ModelWriter;
import org.attune.records.CopyMethods;

import java.util.List;

/// The surroundings of a run.
///
/// @param model writes the trained adapter or model, for checkpoints and at the end
/// @param modelFingerprint tells the base model and the starting adapter apart from others, e.g. a
///     hash of their files; a run resumes, and reuses cached reference log-probabilities, only
///     with the same
/// @param sharePrompts whether sequences with a common beginning may share its computation: false
///     where a model's positions depend on the length of the whole sequence
/// @param listeners told what happens, in this order
/// @param stop ends the run early
/// @param clock takes the time of the phases; the caller may have timed the loading with it
@CopyMethods
public record RunContext(
        ModelWriter model,
        String modelFingerprint,
        boolean sharePrompts,
        List<TrainingListener> listeners,
        StopSignal stop,
        PhaseClock clock)
        implements RunContextCopies {
    public RunContext {
        listeners = List.copyOf(listeners);
    }

    /// No listeners, and nobody who stops the run.
    public static RunContext of(ModelWriter model) {
        return RunContextCopies.blank()
                .withModel(model)
                .withModelFingerprint("unknown")
                .withSharePrompts(true)
                .withStop(new StopSignal())
                .withClock(new PhaseClock());
    }

    public RunContext withListeners(TrainingListener... others) {
        return new RunContext(model, modelFingerprint, sharePrompts, List.of(others), stop, clock);
    }
}
